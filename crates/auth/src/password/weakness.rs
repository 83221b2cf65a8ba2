use gateway_domain::Role;

/// Bytes of a password that bcrypt reads; it silently ignores all beyond.
pub(super) const MAX_BYTES: usize = 72;

/// One password a line, lower case, none shorter than the shortest that is allowed anyway.
const COMMON: &str = include_str!("common.txt");

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Short enough to be tried out.
    #[error("the password must have at least {minimum_bytes} bytes")]
    TooShort {
        /// How long it must be, in bytes of UTF-8.
        minimum_bytes: usize,
    },
    /// Longer than what would be checked.
    #[error("the password must have at most {MAX_BYTES} bytes")]
    TooLong,
    /// Bcrypt takes a NUL for the end.
    #[error("the password must not contain a NUL character")]
    ContainsNul,
    /// Among the first that anybody would try.
    #[error("the password is one of the most common ones")]
    Common,
    /// Not new at all.
    #[error("the new password must differ from the current one")]
    Unchanged,
}

/// Whether `password` may be set for a user with this role.
///
/// 8 to 72 bytes of UTF-8, 12 for admins, no NUL, and not on a list of common ones. No rules of composition.
///
/// # Errors
///
/// The first [`WeakPassword`] that applies.
pub fn check_new_password(password: &str, role: Role) -> Result<(), WeakPassword> {
    let minimum_bytes = match role {
        Role::Admin => 12,
        Role::Member => 8,
    };
    if password.len() < minimum_bytes {
        return Err(WeakPassword::TooShort { minimum_bytes });
    }
    if password.len() > MAX_BYTES {
        return Err(WeakPassword::TooLong);
    }
    if password.contains('\0') {
        return Err(WeakPassword::ContainsNul);
    }
    if COMMON.lines().any(|common| common.eq_ignore_ascii_case(password)) {
        return Err(WeakPassword::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gateway_domain::Role::{Admin, Member};

    use super::{COMMON, WeakPassword, check_new_password};

    #[test]
    fn the_length_is_counted_in_bytes() {
        let check = check_new_password;
        assert_eq!(
            check("7 bytes", Member),
            Err(WeakPassword::TooShort { minimum_bytes: 8 })
        );
        assert_eq!(check("8  bytes", Member), Ok(()));
        assert_eq!(
            check("only 11 ...", Admin),
            Err(WeakPassword::TooShort { minimum_bytes: 12 })
        );
        assert_eq!(check("exactly 12 .", Admin), Ok(()));
        assert_eq!(check("äöüß", Member), Ok(()));
        assert_eq!(check(&"ä".repeat(36), Admin), Ok(()));
        assert_eq!(check(&"ä".repeat(37), Admin), Err(WeakPassword::TooLong));
        assert_eq!(check(&"x".repeat(73), Member), Err(WeakPassword::TooLong));
    }

    #[test]
    fn what_bcrypt_would_cut_is_refused() {
        assert_eq!(
            check_new_password("long enough\0tail", Member),
            Err(WeakPassword::ContainsNul)
        );
    }

    #[test]
    fn common_passwords_are_refused_whatever_their_case() {
        for password in [
            "password",
            "PassWord123",
            "admin123456",
            "testpass123",
            "1234567890",
        ] {
            assert_eq!(
                check_new_password(password, Member),
                Err(WeakPassword::Common),
                "{password}"
            );
        }
        assert_eq!(
            check_new_password("CorrectHorseBatteryStaple", Admin),
            Err(WeakPassword::Common)
        );
    }

    #[test]
    fn the_list_has_no_line_that_could_not_match() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() >= 300, "{}", lines.len());
        assert!(lines.is_sorted_by(|a, b| a < b), "sorted, none twice");
        for line in lines {
            assert!(
                line.len() >= 8 && *line == line.to_ascii_lowercase() && line.trim() == line,
                "{line:?}"
            );
        }
    }
}
