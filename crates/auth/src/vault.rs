mod credentials;

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

pub use self::credentials::credential_hint;
use crate::{MasterKey, random};

const VERSION: &str = "v1";
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const DATA_KEY_BYTES: usize = 32;

/// Seals secrets so that a stolen database is worth nothing without the [`MasterKey`].
///
/// Envelope encryption by AES-256-GCM: each record has a random key of its own, which is sealed by one
/// derived from the master key. What is sealed for one context does not open for another.
pub struct Vault {
    current: WrappingKey,
    previous: Option<WrappingKey>,
}

impl Vault {
    /// A vault that seals and opens with this master key.
    #[must_use]
    pub fn new(master_key: &MasterKey) -> Self {
        Self {
            current: WrappingKey::new(master_key),
            previous: None,
        }
    }

    /// Lets the vault also open what was sealed with the master key before, until [`rewrap`](Self::rewrap) has
    /// brought every record over.
    #[must_use]
    pub fn with_previous(mut self, master_key: &MasterKey) -> Self {
        self.previous = Some(WrappingKey::new(master_key));
        self
    }

    /// Names the master key that the vault seals with; tells nothing about it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.current.id
    }

    /// Seals `plaintext` for `context`, which says whose secret it is and which, like `<account id>/credential`.
    #[must_use]
    pub fn seal(&self, context: &str, plaintext: &[u8]) -> Sealed {
        let key = &self.current;
        let data_key = random::bytes::<DATA_KEY_BYTES>();
        let (wrap_nonce, wrapped) = encrypt(
            &key.bytes,
            &key.associated("data key", context),
            data_key.as_ref(),
        );
        let (nonce, ciphertext) = encrypt(&data_key, &key.associated("secret", context), plaintext);
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Sealed(format!(
            "{VERSION}.{}.{}.{}.{}",
            key.id,
            encode(&[wrap_nonce.as_slice(), &wrapped].concat()),
            encode(&nonce),
            encode(&ciphertext),
        ))
    }

    /// Opens what [`seal`](Self::seal) made for the same context.
    ///
    /// # Errors
    ///
    /// [`UnsealError`]: another master key, another context, or a text that was changed.
    pub fn open(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let parts = Parts::of(&sealed.0).ok_or(UnsealError::Malformed)?;
        let key = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == parts.key_id)
            .ok_or_else(|| UnsealError::UnknownKey {
                sealed_with: parts.key_id.to_owned(),
                known: self.current.id.clone(),
            })?;
        let (wrap_nonce, wrapped) = parts.wrapped.split_at(NONCE_BYTES);
        let data_key = decrypt(
            &key.bytes,
            &key.associated("data key", context),
            wrap_nonce,
            wrapped,
        )?;
        let data_key = data_key
            .as_slice()
            .try_into()
            .map_err(|_| UnsealError::Malformed)?;
        decrypt(
            data_key,
            &key.associated("secret", context),
            &parts.nonce,
            &parts.ciphertext,
        )
    }

    /// The same secret sealed with the current master key, or `None` if it is already.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn rewrap(&self, context: &str, sealed: &Sealed) -> Result<Option<Sealed>, UnsealError> {
        let parts = Parts::of(&sealed.0).ok_or(UnsealError::Malformed)?;
        if parts.key_id == self.current.id {
            return Ok(None);
        }
        Ok(Some(self.seal(context, &self.open(context, sealed)?)))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(key {})", self.current.id)
    }
}

/// A sealed secret as printable text, safe to store and to show.
///
/// `v1.<key id>.<nonce and sealed data key>.<nonce>.<sealed secret>`, the binary parts in base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(
    // Invariant: `Parts::of` reads it.
    String,
);

impl Sealed {
    /// Reads the text back from storage.
    ///
    /// # Errors
    ///
    /// [`UnsealError::Malformed`] if nothing was ever sealed to this text.
    pub fn parse(text: &str) -> Result<Self, UnsealError> {
        match Parts::of(text) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(UnsealError::Malformed),
        }
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// Why a sealed secret does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Sealed with a master key that this vault does not have.
    #[error(
        "sealed with master key {sealed_with}, but this one is {known}: start with the master key that it was \
         sealed with, or enter the credential anew"
    )]
    UnknownKey {
        /// The id of the key that would open it; tells nothing about the key.
        sealed_with: String,
        /// The id of the key that is there.
        known: String,
    },
    /// Changed since it was sealed, or sealed for something else.
    #[error("the sealed secret was changed, or belongs to something else")]
    Tampered,
    /// Not a sealed secret at all.
    #[error("not a sealed secret")]
    Malformed,
}

/// What a master key seals data keys with.
struct WrappingKey {
    id: String,
    bytes: Zeroizing<[u8; DATA_KEY_BYTES]>,
}

impl WrappingKey {
    fn new(master_key: &MasterKey) -> Self {
        Self {
            id: URL_SAFE_NO_PAD.encode(&master_key.derive("vault key id v1")[..9]),
            bytes: master_key.derive("vault wrapping key v1"),
        }
    }

    /// Data that must be the same at opening. Ids are all of one length, so two inputs never read alike.
    fn associated(&self, purpose: &str, context: &str) -> String {
        format!("{VERSION}/{purpose}/{}/{context}", self.id)
    }
}

struct Parts<'a> {
    key_id: &'a str,
    // Invariant: a nonce, a data key and a tag.
    wrapped: Vec<u8>,
    nonce: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.split('.');
        if parts.next()? != VERSION {
            return None;
        }
        let key_id = parts.next()?;
        let mut binary = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
        let read = Self {
            key_id,
            wrapped: binary()?,
            nonce: binary()?,
            ciphertext: binary()?,
        };
        let is_whole = read.wrapped.len() == NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES
            && read.nonce.len() == NONCE_BYTES
            && read.ciphertext.len() >= TAG_BYTES
            && parts.next().is_none();
        is_whole.then_some(read)
    }
}

fn encrypt(key: &[u8; DATA_KEY_BYTES], associated: &str, plaintext: &[u8]) -> ([u8; NONCE_BYTES], Vec<u8>) {
    // Room for the tag from the start: growing would leave the plaintext behind.
    let mut text = Vec::with_capacity(plaintext.len() + TAG_BYTES);
    text.extend_from_slice(plaintext);
    let nonce = RandomizedNonceKey::new(&AES_256_GCM, key)
        .and_then(|key| key.seal_in_place_append_tag(Aad::from(associated), &mut text))
        .expect("AES-256-GCM takes any 32-byte key and any text below 64 GiB");
    (*nonce.as_ref(), text)
}

fn decrypt(
    key: &[u8; DATA_KEY_BYTES],
    associated: &str,
    nonce: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let plaintext_bytes = Nonce::try_assume_unique_for_key(nonce)
        .and_then(|nonce| {
            RandomizedNonceKey::new(&AES_256_GCM, key)?
                .open_in_place(nonce, Aad::from(associated), &mut text)
                .map(|plaintext| plaintext.len())
        })
        .map_err(|_| UnsealError::Tampered)?;
    text.truncate(plaintext_bytes);
    Ok(text)
}
