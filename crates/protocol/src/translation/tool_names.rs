use std::collections::{HashMap, HashSet};

use crate::fingerprint;

/// Which characters a tool's name may have at a provider.
#[derive(Debug, Clone, Copy)]
pub struct NameRules {
    /// The most bytes of a name.
    pub max_length: usize,
    /// Whether it may begin with this byte.
    pub may_begin: fn(u8) -> bool,
    /// Whether it may have this byte elsewhere.
    pub may_have: fn(u8) -> bool,
}

/// The names under which a provider knows the client's tools, where they are not the client's own.
#[derive(Debug, Clone, Default)]
pub struct ToolNames {
    /// By the client's name.
    theirs: HashMap<String, String>,
    /// By the provider's name.
    ours: HashMap<String, String>,
}

impl ToolNames {
    /// Finds a name for each of `names` that `rules` allow and no other has.
    pub fn fit<'a>(names: impl IntoIterator<Item = &'a str> + Clone, rules: NameRules) -> Self {
        let mut renamed = Self::default();
        let mut taken: HashSet<String> = names
            .clone()
            .into_iter()
            .filter(|name| rules.allow(name))
            .map(str::to_owned)
            .collect();
        for name in names.into_iter().filter(|name| !rules.allow(name)) {
            if renamed.theirs.contains_key(name) {
                continue;
            }
            let mut attempt = 0;
            let mut fitting = rules.rename(name, attempt);
            while !taken.insert(fitting.clone()) {
                attempt += 1;
                fitting = rules.rename(name, attempt);
            }
            renamed.theirs.insert(name.to_owned(), fitting.clone());
            renamed.ours.insert(fitting, name.to_owned());
        }
        renamed
    }

    /// What the provider calls the client's `name`.
    #[must_use]
    pub fn theirs<'a>(&'a self, name: &'a str) -> &'a str {
        self.theirs.get(name).map_or(name, String::as_str)
    }

    /// What the client calls the provider's `name`.
    #[must_use]
    pub fn ours<'a>(&'a self, name: &'a str) -> &'a str {
        self.ours.get(name).map_or(name, String::as_str)
    }
}

impl NameRules {
    fn allow(&self, name: &str) -> bool {
        let bytes = name.as_bytes();
        bytes.len() <= self.max_length
            && bytes.first().is_some_and(|first| (self.may_begin)(*first))
            && bytes.iter().all(|byte| (self.may_have)(*byte))
    }

    /// As much of the name as may stay, and a mark that tells it from others alike.
    fn rename(&self, name: &str, attempt: u32) -> String {
        let mark = fingerprint(&[name.as_bytes(), &attempt.to_le_bytes()]);
        let mark = format!("_{:08x}", mark as u32);
        let plain = name
            .bytes()
            .map(|byte| if (self.may_have)(byte) { byte as char } else { '_' });
        let starts_well = name.bytes().next().is_some_and(self.may_begin);
        let start = if starts_well { "" } else { "_" };
        let mut fitting: String = start.chars().chain(plain).collect();
        fitting.truncate(self.max_length - mark.len());
        fitting + &mark
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::{NameRules, ToolNames};

    const RULES: NameRules = NameRules {
        max_length: 64,
        may_begin: |byte| byte.is_ascii_alphabetic() || byte == b'_',
        may_have: |byte| byte.is_ascii_alphanumeric() || byte == b'_',
    };

    #[test]
    fn a_name_that_fits_is_kept() {
        let names = ToolNames::fit(["get_weather"], RULES);
        assert_eq!(names.theirs("get_weather"), "get_weather");
        assert_eq!(names.ours("get_weather"), "get_weather");
    }

    #[test]
    fn long_names_that_begin_alike_stay_apart() {
        let first = format!("{}a", "x".repeat(100));
        let second = format!("{}b", "x".repeat(100));
        let names = ToolNames::fit([first.as_str(), &second], RULES);
        assert_ne!(names.theirs(&first), names.theirs(&second));
        assert_eq!(names.ours(names.theirs(&second)), second);
    }

    proptest! {
        #[test]
        fn every_name_comes_back(all in prop::collection::hash_set("\\PC{1,80}", 0..20)) {
            let names = ToolNames::fit(all.iter().map(String::as_str), RULES);
            let mut seen = std::collections::HashSet::new();
            for name in &all {
                let theirs = names.theirs(name);
                assert!(RULES.allow(theirs), "{theirs}");
                assert!(seen.insert(theirs.to_owned()));
                assert_eq!(names.ours(theirs), name);
            }
        }
    }
}
