#![doc = include_str!("../README.md")]

mod access_token;
mod api_key;
mod caller;
mod directory;
mod error;
mod failures;
mod master_key;
mod network;
mod password;
mod random;
mod refresh_token;
mod sessions;
mod settings;
mod throttle;
mod vault;

pub use api_key::{
    IssuedKey, KeyError, KeyHash, KeyHasher, KeyRing, KeyRingSettings, PresentedKey, StoredKey, key_prefix,
};
pub use caller::{Caller, Scope};
pub use directory::{
    Directory, DirectoryError, NewSession, PasswordChange, PasswordChangeCause, RefreshExchange,
    RefreshOutcome,
};
pub use error::AuthError;
pub use master_key::{InvalidMasterKey, MasterKey};
pub use network::network_of;
pub use password::{
    InvalidPasswordHash, NotHashed, PasswordHash, PasswordHasher, Verdict, WeakPassword, check_new_password,
};
pub use refresh_token::RefreshHash;
pub use sessions::{Sessions, SignIn, TokenPair};
pub use settings::{AuthSettings, InvalidSettings, looks_like_a_sample};
pub use vault::{Sealed, UnsealError, Vault, credential_hint};
