use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{AccountId, AdminCredential, Budget, Limits, ModelPattern, Timestamp, UserId};

/// An account at a provider, through which requests are sent.
///
/// The credential is not here: it is kept sealed, and opened only where requests are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamAccount {
    /// Never changes.
    pub id: AccountId,
    /// Whose keys it serves; `None` serves everybody's.
    pub owner_id: Option<UserId>,
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// Who runs it.
    pub provider: ProviderKind,
    /// What kind of credential is sealed.
    pub credential_kind: CredentialKind,
    /// The last four characters of the credential, to tell accounts apart.
    pub credential_hint: String,
    /// With what the provider's own reports of usage can be read, if with anything.
    pub admin_credential: Option<AdminCredential>,
    /// Where requests go: scheme, host, port and a path to put before the provider's own.
    pub base_url: String,
    /// The HTTP or SOCKS5 proxy that requests go through.
    pub proxy_url: Option<String>,
    /// Whether requests may go to it.
    pub is_active: bool,
    /// Accounts with a lower number are tried first.
    pub priority: i32,
    /// Its share among accounts of the same priority, 0 to 1000; 0 takes none.
    pub weight: u16,
    /// Requests open at once; `None` is without limit.
    pub max_concurrency: Option<u32>,
    /// How fast it may be used; how many requests it has open is for `max_concurrency` to limit.
    pub limits: Limits,
    /// How much it may cost.
    pub budget: Budget,
    /// The models it serves; empty means the provider's own families.
    pub models: Vec<ModelPattern>,
    /// Names that clients ask for, and the provider's model that answers.
    pub model_map: BTreeMap<String, String>,
    /// The owner's own labels.
    pub tags: BTreeMap<String, String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When anything but `last_used_at` last changed.
    pub updated_at: Timestamp,
    /// When it last served a request, to about a second.
    pub last_used_at: Option<Timestamp>,
}

impl UpstreamAccount {
    /// An account for everybody and all of its provider's models, used by API key, with the usual share of the load.
    #[must_use]
    pub fn new(provider: ProviderKind, base_url: &str, now: Timestamp) -> Self {
        Self {
            id: AccountId::random(),
            owner_id: None,
            name: String::new(),
            provider,
            credential_kind: CredentialKind::ApiKey,
            credential_hint: String::new(),
            admin_credential: None,
            base_url: base_url.to_owned(),
            proxy_url: None,
            is_active: true,
            priority: 50,
            weight: 1,
            max_concurrency: None,
            limits: Limits::default(),
            budget: Budget::unlimited(),
            models: Vec::new(),
            model_map: BTreeMap::new(),
            tags: BTreeMap::new(),
            created_at: now,
            updated_at: now,
            last_used_at: None,
        }
    }

    /// The provider's name for `model`, or `None` if this account does not serve it.
    #[must_use]
    pub fn upstream_model<'a>(&'a self, model: &'a str) -> Option<&'a str> {
        if let Some(mapped) = self.model_map.get(model) {
            return Some(mapped);
        }
        let serves = if self.models.is_empty() {
            self.provider.serves_family_of(model)
        } else {
            self.models.iter().any(|pattern| pattern.matches(model))
        };
        serves.then_some(model)
    }

    /// Whether keys of `user` may be served by it.
    #[must_use]
    pub fn serves_user(&self, user: UserId) -> bool {
        self.owner_id.is_none_or(|owner| owner == user)
    }
}

/// Who runs an upstream account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum ProviderKind {
    /// Anthropic, or a server that speaks its Messages API.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// OpenAI, or a server that speaks its API.
    OpenAi,
}

impl ProviderKind {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::Gemini, Self::OpenAi];

    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
        }
    }

    /// Whether `model` belongs to a family that the provider itself publishes.
    #[must_use]
    pub fn serves_family_of(self, model: &str) -> bool {
        let families: &[&str] = match self {
            Self::Anthropic => &["claude"],
            Self::Gemini => &["gemini", "gemma", "learnlm"],
            Self::OpenAi => &["gpt", "chatgpt", "codex", "o1", "o3", "o4", "computer-use"],
        };
        families.iter().any(|family| model.starts_with(family))
    }

    /// What the models are called that share the provider's rate limits with `model`; empty only if `model` is.
    ///
    /// Anthropic counts a class of models together, whatever their version; the others count each model by itself,
    /// under all the names of its releases.
    #[must_use]
    pub fn limits_family(self, model: &str) -> String {
        let family = match self {
            Self::Anthropic => class_of(model),
            Self::Gemini | Self::OpenAi => without_release(model),
        };
        if family.is_empty() {
            model.to_owned()
        } else {
            family
        }
    }
}

/// The words of a model's name that are no version.
fn class_of(model: &str) -> String {
    // Behind an `@` some servers write the release.
    let name = model.split_once('@').map_or(model, |(name, _)| name);
    let is_version = |word: &str| word == "latest" || word.bytes().any(|byte| byte.is_ascii_digit());
    joined(name.split('-').filter(|word| !is_version(word)))
}

/// The words of a model's name that do not tell its releases apart.
fn without_release(model: &str) -> String {
    let mut is_dated = false;
    joined(model.split('-').filter(|word| {
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        // Months and days stand behind a year or a word; elsewhere small numbers are the model's own.
        let is_release = matches!(*word, "latest" | "preview" | "exp")
            || (is_number && (word.len() >= 3 || (is_dated && word.len() == 2)));
        is_dated |= is_release;
        !is_release
    }))
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join("-")
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a provider: expected anthropic, gemini or openai")]
pub struct UnknownProvider;

impl FromStr for ProviderKind {
    type Err = UnknownProvider;

    fn from_str(word: &str) -> Result<Self, UnknownProvider> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or(UnknownProvider)
    }
}

/// What kind of credential an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A key that the provider issued for API use.
    ApiKey,
    /// A bearer token of a signed-in subscription.
    #[serde(rename = "oauth")]
    OAuth,
}

impl CredentialKind {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::OAuth => "oauth",
        }
    }
}

/// What proves to a provider that a request may be charged to an account.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A key that the provider issued for API use.
    ApiKey(SecretString),
    /// The tokens of a signed-in subscription.
    OAuth {
        /// Sent with every request.
        access_token: SecretString,
        /// Gets a new access token when the old one has ended.
        refresh_token: Option<SecretString>,
        /// When the access token ends.
        expires_at: Option<Timestamp>,
    },
}

impl Credential {
    /// What kind it is.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::ApiKey(_) => CredentialKind::ApiKey,
            Self::OAuth { .. } => CredentialKind::OAuth,
        }
    }

    /// What is sent with every request.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        match self {
            Self::ApiKey(secret)
            | Self::OAuth {
                access_token: secret, ..
            } => secret,
        }
    }
}

/// Read as a word and nothing else: derived code would also take `{"word": null}`.
impl TryFrom<String> for ProviderKind {
    type Error = UnknownProvider;

    fn try_from(word: String) -> Result<Self, UnknownProvider> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::ProviderKind;

    #[test]
    fn anthropic_counts_a_class_of_models_together() {
        for (model, family) in [
            ("claude-sonnet-4-5-20250929", "claude-sonnet"),
            ("claude-sonnet-4-5", "claude-sonnet"),
            ("claude-3-5-sonnet-20241022", "claude-sonnet"),
            ("claude-3-5-haiku-latest", "claude-haiku"),
            ("claude-opus-5-5", "claude-opus"),
            ("claude-opus-4@20250514", "claude-opus"),
            ("claude-3-opus@20240229", "claude-opus"),
            ("claude-2.1", "claude"),
            ("claude-instant-1.2", "claude-instant"),
            ("claude", "claude"),
            ("", ""),
            ("-", "-"),
            ("4-5", "4-5"),
            ("-4", "-4"),
            ("latest", "latest"),
            ("@", "@"),
            ("@latest", "@latest"),
        ] {
            assert_eq!(ProviderKind::Anthropic.limits_family(model), family, "{model}");
        }
    }

    #[test]
    fn others_count_a_model_under_all_its_releases() {
        for (model, family) in [
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4o", "gpt-4o"),
            ("gpt-4.1-mini", "gpt-4.1-mini"),
            ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
            ("gpt-4-0613", "gpt-4"),
            ("gpt-10", "gpt-10"),
            ("gpt-3.5-turbo-16k-0613", "gpt-3.5-turbo-16k"),
            ("chatgpt-4o-latest", "chatgpt-4o"),
            ("o3", "o3"),
            ("o1-preview-2024-09-12", "o1"),
            ("gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
            ("gemini-2.5-flash-lite-preview-09-2025", "gemini-2.5-flash-lite"),
            ("gemini-2.5-flash-preview-tts", "gemini-2.5-flash-tts"),
            ("gemini-2.5-flash-001", "gemini-2.5-flash"),
            ("gemini-2.5-pro-exp-03-25", "gemini-2.5-pro"),
            ("claude", "claude"),
            ("", ""),
            ("-", "-"),
            ("latest", "latest"),
            ("2024-08-06", "2024-08-06"),
            ("-001", "-001"),
        ] {
            for kind in [ProviderKind::OpenAi, ProviderKind::Gemini] {
                assert_eq!(kind.limits_family(model), family, "{model}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_family_is_empty_only_where_the_model_is(
            model in any::<String>(),
            name in "([a-z]{0,3}|[0-9]{0,4}|latest|exp|@)(-([a-z]{0,3}|[0-9]{0,4}|latest|exp|@)){0,4}",
        ) {
            for model in [model, name] {
                for kind in ProviderKind::ALL {
                    let family = kind.limits_family(&model);
                    assert_eq!(family.is_empty(), model.is_empty());
                    assert!(family.len() <= model.len());
                }
            }
        }
    }
}
