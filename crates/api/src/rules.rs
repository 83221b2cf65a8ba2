use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use gateway_auth::check_new_password;
use gateway_domain::Role;

use crate::error::{InvalidField, Problem};
use crate::secret::Secret;

/// Gathers what is not valid in one body, so that a client hears of all of it at once.
#[derive(Debug, Default)]
pub(crate) struct Check {
    invalid: Vec<InvalidField>,
}

impl Check {
    /// Notes that `field` is not valid.
    pub(crate) fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.invalid.push(InvalidField {
            field: field.into(),
            message: message.into(),
        });
    }

    /// Notes it unless `holds`.
    pub(crate) fn require(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.refuse(field, message);
        }
    }

    /// What somebody calls a thing: 1 to 100 characters.
    pub(crate) fn name(&mut self, field: &str, name: &str) {
        let is_short = (1..=100).contains(&name.chars().count());
        self.require(
            is_short && is_text(name),
            field,
            "expected 1 to 100 characters, none of them a control character",
        );
    }

    /// A name to sign in with. Without `@`, so that nobody's name is another's e-mail address.
    pub(crate) fn username(&mut self, field: &str, name: &str) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_valid = (1..=64).contains(&name.len()) && name.chars().all(is_word);
        self.require(
            is_valid,
            field,
            "expected 1 to 64 letters, digits, `.`, `_` or `-`",
        );
    }

    /// An e-mail address, as far as one can tell without sending to it.
    pub(crate) fn email(&mut self, field: &str, email: &str) {
        self.require(
            is_email(email),
            field,
            "expected an e-mail address of at most 254 characters",
        );
    }

    /// A password that is strong enough for `role`.
    pub(crate) fn password(&mut self, field: &str, password: &Secret, role: Role) {
        if let Err(weak) = check_new_password(password.expose(), role) {
            self.refuse(field, weak.to_string());
        }
    }

    /// At most 64 labels with short names and values.
    pub(crate) fn tags(&mut self, field: &str, tags: &BTreeMap<String, String>) {
        self.require(tags.len() <= 64, field, "expected at most 64 tags");
        for (name, value) in tags {
            let is_valid = (1..=64).contains(&name.chars().count())
                && value.chars().count() <= 256
                && is_text(name)
                && value.chars().all(|c| !c.is_control());
            let message = "expected a name of 1 to 64 and a value of at most 256 characters";
            self.require(is_valid, &format!("{field}.{name}"), message);
        }
    }

    /// A number within bounds.
    pub(crate) fn within<T: PartialOrd + Display + Copy>(&mut self, field: &str, number: T, low: T, high: T) {
        if number < low || number > high {
            self.refuse(field, format!("expected {low} to {high}"));
        }
    }

    /// A text that stands for a `T`.
    pub(crate) fn parsed<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T::Err: Display,
    {
        text.parse()
            .map_err(|error: T::Err| self.refuse(field, error.to_string()))
            .ok()
    }

    /// At most 100 texts that each stand for a `T`.
    pub(crate) fn list<T: FromStr>(&mut self, field: &str, texts: &[String]) -> Vec<T>
    where
        T::Err: Display,
    {
        self.require(texts.len() <= 100, field, "expected at most 100 entries");
        let entries = texts.iter().take(100).enumerate();
        entries
            .filter_map(|(index, text)| self.parsed(&format!("{field}[{index}]"), text))
            .collect()
    }

    /// # Errors
    ///
    /// A 422 that names every field that was refused.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.invalid.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.invalid))
        }
    }
}

/// Whether it has something to read and no control characters, which PostgreSQL and terminals do not take.
fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

fn is_email(email: &str) -> bool {
    let is_plain =
        |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    email.len() <= 254
        && email.rsplit_once('@').is_some_and(|(local, domain)| {
            is_plain(local)
                && is_plain(domain)
                && local.len() <= 64
                && !local.contains(['@', '"', '<', '>'])
                && domain.split('.').all(|label| {
                    !label.is_empty()
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                })
        })
}

#[cfg(test)]
mod tests {
    use super::{Check, is_email};

    #[test]
    fn email_addresses() {
        for good in [
            "a@b",
            "first.last+tag@example.com",
            "jürgen@exämple.de",
            "x@localhost",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "", "a", "@b", "a@", "a@b@c", "a b@c", "a@-b", "a@b..c", "a\0@b", "<a>@b", "a@b/c",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(!is_email(&format!("a@{}", "b".repeat(260))));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let mut check = Check::default();
        check.name("name", " ");
        check.username("username", "a@b");
        check.within("weight", 1001, 0, 1000);
        check.tags("tags", &[("a".to_owned(), "line\nbreak".to_owned())].into());
        let ports: Vec<u16> = check.list("ports", &["1".to_owned(), "x".to_owned()]);
        assert_eq!(ports, [1]);
        let problem = check.finish().unwrap_err();
        let fields: Vec<_> = problem
            .details
            .iter()
            .map(|detail| detail.field.as_str())
            .collect();
        assert_eq!(fields, ["name", "username", "weight", "tags.a", "ports[1]"]);
    }
}
