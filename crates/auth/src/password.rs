mod hasher;
mod weakness;

pub use hasher::{HashingStopped, InvalidPasswordHash, PasswordHash, PasswordHasher, Verdict};
pub use weakness::{WeakPassword, check_new_password};
