mod hash;
mod text;

pub use hash::{IssuedKey, KeyHash, KeyHasher};
pub use text::{PresentedKey, key_prefix};
