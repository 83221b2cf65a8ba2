mod flights;
mod hash;
mod ring;
mod text;

pub use hash::{IssuedKey, KeyHash, KeyHasher};
pub use ring::{KeyError, KeyRing, KeyRingSettings, StoredKey};
pub use text::{PresentedKey, key_prefix};
