#![doc = include_str!("../README.md")]

mod api_key;
mod master_key;
mod random;
mod vault;

pub use api_key::{IssuedKey, KeyHash, KeyHasher, PresentedKey, key_prefix};
pub use master_key::{InvalidMasterKey, MasterKey};
pub use vault::{Sealed, UnsealError, Vault, credential_hint};
