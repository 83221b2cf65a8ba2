use gateway_domain::ProviderKind;

use super::{Entry, Organization};
use crate::error::ApiError;

const DAY: i64 = 86_400;

/// What the parameters of a report are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) provider: ProviderKind,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    /// Which keys, if the report can be narrowed to them.
    pub(crate) keys: Option<&'static str>,
    /// Which workspaces or projects, if the report can be narrowed to them.
    pub(crate) groups: Option<&'static str>,
    pub(crate) group_by: &'static [&'static str],
    pub(crate) most_days: usize,
    /// Seconds since 1970.
    pub(crate) read_time: fn(&str) -> Option<i64>,
}

/// A query for a report.
#[derive(Debug)]
pub(crate) struct Page {
    names: Names,
    from: Option<i64>,
    to: Option<i64>,
    keys: Vec<String>,
    groups: Vec<String>,
    group_by: Vec<String>,
    limit: usize,
    /// How many days came on the pages before.
    skipped: usize,
}

/// The days of a page, and what the next one is called.
pub(crate) struct Pages {
    pub(crate) days: Vec<i64>,
    pub(crate) next: Option<String>,
}

impl Page {
    /// Reads a query as strictly as the provider does.
    pub(crate) fn parse(query: &str, names: Names) -> Result<Self, ApiError> {
        let mut page = Self {
            names,
            from: None,
            to: None,
            keys: Vec::new(),
            groups: Vec::new(),
            group_by: Vec::new(),
            limit: 7,
            skipped: 0,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            page.set(&decoded(name), decoded(value))?;
        }
        if page.from.is_none() {
            return Err(ApiError::invalid(format!("{}: Field required", names.from)));
        }
        Ok(page)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), ApiError> {
        let names = self.names;
        let invalid = || ApiError::invalid(format!("{name}: Input is not valid"));
        let name = name.strip_suffix("[]").unwrap_or(name);
        if name == names.from {
            self.from = Some((names.read_time)(&value).ok_or_else(invalid)?);
        } else if name == names.to {
            self.to = Some((names.read_time)(&value).ok_or_else(invalid)?);
        } else if Some(name) == names.keys {
            self.keys.push(value);
        } else if Some(name) == names.groups {
            self.groups.push(value);
        } else {
            match name {
                "bucket_width" if value == "1d" => {}
                "group_by" if names.group_by.contains(&value.as_str()) => self.group_by.push(value),
                "limit" => {
                    let limit = value.parse().ok();
                    let limit = limit.filter(|limit| (1..=names.most_days).contains(limit));
                    self.limit = limit.ok_or_else(invalid)?;
                }
                "page" => {
                    let skipped = value.strip_prefix("page_").and_then(|number| number.parse().ok());
                    self.skipped = skipped.ok_or_else(invalid)?;
                }
                _ => return Err(invalid()),
            }
        }
        Ok(())
    }

    /// Whether the report names this of its lines.
    pub(crate) fn groups_by(&self, what: &str) -> bool {
        self.group_by.iter().any(|own| own == what)
    }

    /// Whether an entry belongs to what is asked for.
    pub(crate) fn wants(&self, entry: &Entry) -> bool {
        let provider = self.names.provider;
        let is_of = |ids: &[String], id: fn(ProviderKind, &str) -> String| {
            ids.is_empty() || ids.contains(&id(provider, &entry.credential))
        };
        is_of(&self.keys, Organization::api_key_id) && is_of(&self.groups, Organization::group_id)
    }

    /// The days of this page, each from midnight in UTC, with and without usage.
    pub(crate) fn days(&self, organization: &Organization, now: i64) -> Pages {
        let first = self.from.unwrap_or(now).div_euclid(DAY) * DAY;
        let end = self.to.unwrap_or(now);
        let limit = self.limit.min(organization.buckets_per_page);
        let mut days = (first..end).step_by(86_400).skip(self.skipped);
        let page: Vec<i64> = days.by_ref().take(limit).collect();
        let next = days.next().map(|_| format!("page_{}", self.skipped + page.len()));
        Pages { days: page, next }
    }
}

/// Without its percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        bytes.push(match (escaped, first) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, byte) => *byte,
        });
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn queries_are_decoded() {
        assert_eq!(decoded("group_by%5B%5D"), "group_by[]");
        assert_eq!(decoded("2026-01-01T00%3A00%3A00Z"), "2026-01-01T00:00:00Z");
        assert_eq!(decoded("a+b%2Bc%zz%"), "a b+c%zz%");
    }
}
