use gateway_auth::PasswordHash;

/// A hash at any cost, also those that `PasswordHasher` would not make.
pub(crate) fn hash_of(password: &str, cost: u32) -> PasswordHash {
    bcrypt::hash(password, cost).unwrap().parse().unwrap()
}
