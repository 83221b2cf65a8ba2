//! What is thrown at every reader of a credential: whatever the bytes, nothing may panic or let anybody in.
//!
//! The same functions are run by the crate's own tests on the corpus, and by `cargo xtask fuzz` for as long as one
//! likes.

use std::net::IpAddr;
use std::str;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_auth::{
    AuthSettings, Directory, DirectoryError, KeyHasher, MasterKey, NewSession, PasswordChange, PasswordHash,
    PasswordHasher, PresentedKey, RefreshExchange, RefreshHash, RefreshOutcome, Sealed, Sessions, StoredKey,
    UnsealError, Vault,
};
use gateway_domain::{SessionId, SystemClock, Timestamp, User, UserId};

const SECRET: &str = "3q2-7wAjRMWx9Kf0LpZ8uVh5cTn1yGoDbE6sIaXmQrk";

/// Reads `data` as an API key: what passes for one has its form to the letter, and is not shown.
pub fn api_key(data: &[u8]) {
    let Some(presented) = str::from_utf8(data).ok().and_then(PresentedKey::parse) else {
        return;
    };
    assert_eq!(data.len(), "sk-gw-".len() + 12 + 1 + 43);
    let (shown, secret) = (format!("{presented:?}"), str::from_utf8(&data[19..]));
    assert!(!shown.contains(secret.expect("it was all text")));
    let hasher = KeyHasher::with_key(&[7; 32]);
    assert_eq!(hasher.hash(&presented), hasher.hash(&presented));
}

/// Reads `data` as an access token, and as the header and the claims of one that is properly signed: no session is asked
/// for unless the signature is ours, by the one algorithm.
pub fn access_token(data: &[u8]) {
    if let Ok(token) = str::from_utf8(data) {
        assert!(!asks_for_a_session(token), "nobody can sign without the secret");
    }
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (Some(header), Some(claims)) = (parts.next(), parts.next()) else {
        return;
    };
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    if asks_for_a_session(&format!("{signed}.{signature}")) {
        let header = str::from_utf8(header).expect("a header is JSON");
        assert!(header.contains("HS256") && header.contains("kid"));
        assert!(
            ["exp", "iat", "jti", "sid", "sub"]
                .iter()
                .all(|claim| String::from_utf8_lossy(claims).contains(claim))
        );
    }
}

/// Reads `data` as what is kept of a secret, which opens for nobody, and seals and opens it for one purpose only.
pub fn sealed(data: &[u8]) {
    let key = MasterKey::from_bytes(&[7; 32]).expect("it is long enough");
    let vault = Vault::new(&key);
    if let Ok(text) = str::from_utf8(data) {
        if let Ok(sealed) = Sealed::parse(text) {
            assert_eq!(sealed.as_str(), text);
            assert!(vault.open("account/credential", &sealed).is_err());
        }
        if let Ok(key) = text.parse::<MasterKey>() {
            let sealed = Vault::new(&key).seal("account/credential", b"secret");
            assert!(matches!(
                vault.open("account/credential", &sealed),
                Err(UnsealError::UnknownKey { .. })
            ));
        }
    }
    let sealed = vault.seal("account/credential", data);
    let sealed = Sealed::parse(sealed.as_str()).expect("what we write we can read");
    let opened = vault.open("account/credential", &sealed).expect("it is ours");
    assert_eq!(opened.as_slice(), data);
    assert_eq!(
        vault.open("another/credential", &sealed),
        Err(UnsealError::Tampered)
    );
}

fn asks_for_a_session(token: &str) -> bool {
    static DIRECTORY: LazyLock<Arc<Nobody>> = LazyLock::new(Arc::default);
    static SESSIONS: LazyLock<Sessions> = LazyLock::new(|| {
        let settings = AuthSettings {
            jwt_secret: Some(SECRET.into()),
            bcrypt_cost: 10,
            ..AuthSettings::default()
        };
        let clock = Arc::new(SystemClock::new());
        let hasher = PasswordHasher::new(10, 1, 1);
        let directory = Arc::clone(&*DIRECTORY);
        Sessions::new(directory, hasher, &settings, clock).expect("the settings are good")
    });
    DIRECTORY.is_asked.store(false, Ordering::Relaxed);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let caller = runtime
        .expect("a runtime of one thread")
        .block_on(SESSIONS.authenticate(token));
    assert!(caller.is_err());
    DIRECTORY.is_asked.load(Ordering::Relaxed)
}

/// A directory without anybody in it, which remembers whether it was asked for a session.
#[derive(Default)]
struct Nobody {
    is_asked: AtomicBool,
}

#[async_trait]
impl Directory for Nobody {
    async fn user_by_login(&self, _: &str) -> Result<Option<(User, PasswordHash)>, DirectoryError> {
        Ok(None)
    }

    async fn user_with_password(&self, _: UserId) -> Result<Option<(User, PasswordHash)>, DirectoryError> {
        Ok(None)
    }

    async fn sign_in_addresses(&self, _: UserId, _: Timestamp) -> Result<Vec<IpAddr>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn open_session(&self, _: NewSession) -> Result<bool, DirectoryError> {
        Ok(false)
    }

    async fn user_of_session(&self, _: SessionId, _: Timestamp) -> Result<Option<User>, DirectoryError> {
        self.is_asked.store(true, Ordering::Relaxed);
        Ok(None)
    }

    async fn has_refresh_token(&self, _: RefreshHash) -> Result<bool, DirectoryError> {
        Ok(false)
    }

    async fn exchange_refresh_token(&self, _: RefreshExchange) -> Result<RefreshOutcome, DirectoryError> {
        Ok(RefreshOutcome::Invalid)
    }

    async fn revoke_session(&self, _: SessionId, _: Timestamp) -> Result<(), DirectoryError> {
        Ok(())
    }

    async fn set_password(&self, _: PasswordChange) -> Result<bool, DirectoryError> {
        Ok(false)
    }

    async fn key_by_public_id(&self, _: &str) -> Result<Option<StoredKey>, DirectoryError> {
        Ok(None)
    }
}
