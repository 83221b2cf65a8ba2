#![doc = include_str!("../README.md")]

mod api_key;
mod directory;
mod master_key;
mod password;
mod random;
mod vault;

pub use api_key::{
    IssuedKey, KeyError, KeyHash, KeyHasher, KeyRing, KeyRingSettings, PresentedKey, StoredKey, key_prefix,
};
pub use directory::{Directory, DirectoryError};
pub use master_key::{InvalidMasterKey, MasterKey};
pub use password::{
    HashingStopped, InvalidPasswordHash, PasswordHash, PasswordHasher, Verdict, WeakPassword,
    check_new_password,
};
pub use vault::{Sealed, UnsealError, Vault, credential_hint};
