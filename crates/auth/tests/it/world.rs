use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Waker};
use std::time::Duration;

use gateway_auth::{
    AuthError, AuthSettings, Caller, Directory, PasswordHash, PasswordHasher, Sessions, SignIn, TokenPair,
};
use gateway_domain::{Clock, ManualClock, Role, UserId};
use secrecy::ExposeSecret;

use crate::directory::{MemoryDirectory, user};

pub(crate) const PASSWORD: &str = "a long walk home";
/// Where everybody is unless they say otherwise.
pub(crate) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const SECRET: &str = "0123456789abcdefghijklmnopqrstuv-signing";

static HASH: LazyLock<PasswordHash> = LazyLock::new(|| hash_of(PASSWORD, 10));

/// One gateway's users and sessions: alice is a member, root an admin, both with [`PASSWORD`].
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) alice: UserId,
    pub(crate) root: UserId,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&settings())
    }

    pub(crate) fn with(settings: &AuthSettings) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-31T12:00:00Z".parse().unwrap()));
        let directory = Arc::new(MemoryDirectory::default());
        let alice = user("alice", Role::Member, clock.now());
        let root = user("root", Role::Admin, clock.now());
        let world = Self {
            sessions: Arc::new(sessions(&directory, &clock, settings)),
            clock,
            alice: alice.id,
            root: root.id,
            directory,
        };
        world.directory.add_user(alice, HASH.clone());
        world.directory.add_user(root, HASH.clone());
        world
    }

    /// Another process on the same directory.
    pub(crate) fn another(&self, settings: &AuthSettings) -> Sessions {
        sessions(&self.directory, &self.clock, settings)
    }

    pub(crate) fn advance_seconds(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Result<TokenPair, AuthError> {
        self.sign_in_from("192.0.2.1", login, password).await
    }

    pub(crate) async fn sign_in_from(
        &self,
        address: &str,
        login: &str,
        password: &str,
    ) -> Result<TokenPair, AuthError> {
        self.sessions.sign_in(typed(address, login, password)).await
    }

    pub(crate) async fn alice(&self) -> TokenPair {
        self.sign_in("alice", PASSWORD).await.unwrap()
    }

    pub(crate) async fn who(&self, pair: &TokenPair) -> Result<Caller, AuthError> {
        self.sessions
            .authenticate(pair.access_token.expose_secret())
            .await
    }

    pub(crate) async fn refresh(&self, pair: &TokenPair) -> Result<TokenPair, AuthError> {
        self.sessions
            .refresh(pair.refresh_token.expose_secret(), HOME)
            .await
    }

    pub(crate) async fn change(&self, caller: &Caller, current: &str, new: &str) -> Result<(), AuthError> {
        self.sessions
            .change_password(caller, current.into(), new.into())
            .await
    }
}

pub(crate) fn settings() -> AuthSettings {
    AuthSettings {
        jwt_secret: Some(SECRET.into()),
        bcrypt_cost: 10,
        ..AuthSettings::default()
    }
}

pub(crate) fn typed(address: &str, login: &str, password: &str) -> SignIn {
    SignIn {
        login: login.to_owned(),
        password: password.into(),
        address: address.parse::<IpAddr>().unwrap(),
        user_agent: None,
    }
}

/// Polls once: what the directory says is read by then, and the password is being checked elsewhere.
pub(crate) fn begin<T>(call: &mut Pin<Box<impl Future<Output = T>>>) {
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
}

/// A hash at any cost, also those that `PasswordHasher` would not make.
pub(crate) fn hash_of(password: &str, cost: u32) -> PasswordHash {
    bcrypt::hash(password, cost).unwrap().parse().unwrap()
}

fn sessions(directory: &Arc<MemoryDirectory>, clock: &Arc<ManualClock>, settings: &AuthSettings) -> Sessions {
    let hasher = PasswordHasher::new(
        settings.bcrypt_cost,
        settings.bcrypt_concurrency,
        settings.bcrypt_queue,
    );
    let directory: Arc<dyn Directory> = Arc::<MemoryDirectory>::clone(directory);
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    Sessions::new(directory, hasher, settings, clock).unwrap()
}
