mod hasher;
mod weakness;

pub use hasher::{InvalidPasswordHash, NotHashed, PasswordHash, PasswordHasher, Verdict};
pub(crate) use hasher::{MAX_COST, MIN_COST, Turn};
pub use weakness::{WeakPassword, check_new_password};
