use std::collections::BTreeMap;

use gateway_auth::{Caller, credential_hint};
use gateway_domain::{
    AccountId, Credential, CredentialKind, Limits, ModelPattern, ProviderKind, Timestamp, UpstreamAccount,
};
use gateway_providers::{AddressPolicy, Reach, is_same_server, provider};
use gateway_store::{AccountChanges, JudgedRoute, SealedCredential};
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use crate::admin_credential::NewAdminCredential;
use crate::allowance_form::{BudgetUpdate, LimitsUpdate, NO_BUDGET};
use crate::app::App;
use crate::error::Problem;
use crate::object::{object, patch_object, present_object};
use crate::patch::{Patch, present};
use crate::rules::Check;
use crate::secret::{Secret, token};

/// An upstream account to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// 1 to 100 characters.
    name: String,
    #[schema(value_type = String, pattern = "^(anthropic|gemini|openai)$")]
    provider: ProviderKind,
    #[serde(deserialize_with = "object")]
    credential: NewCredential,
    /// Reads what the provider itself counts; no request is sent with it.
    #[serde(default, deserialize_with = "patch_object")]
    #[schema(value_type = Option<NewAdminCredential>)]
    admin_credential: Patch<NewAdminCredential>,
    /// Defaults to the provider's own.
    base_url: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    proxy_url: Patch<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
    /// 0 to 1000, 50 when left out; the lower is tried first.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    priority: Option<i32>,
    /// 0 to 1000, 1 when left out; its share among accounts of the same priority.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    weight: Option<u16>,
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    max_concurrency: Patch<u32>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    limits: Option<LimitsUpdate>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    budget: Option<BudgetUpdate>,
    /// Names or globs; empty means the provider's own families.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    models: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    model_map: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    tags: Option<BTreeMap<String, String>>,
}

/// Changes of an upstream account; what is left out stays, `null` clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountUpdate {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// Replaces the one that is kept.
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    credential: Option<NewCredential>,
    /// Replaces the one that is kept.
    #[serde(default, deserialize_with = "patch_object")]
    #[schema(value_type = Option<NewAdminCredential>)]
    admin_credential: Patch<NewAdminCredential>,
    /// Another scheme, host or port needs the credentials anew.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    base_url: Option<String>,
    /// Another one needs the credentials anew, unless requests are sent by https.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    proxy_url: Patch<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    priority: Option<i32>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    weight: Option<u16>,
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    max_concurrency: Patch<u32>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    limits: Option<LimitsUpdate>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    budget: Option<BudgetUpdate>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    models: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    model_map: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    tags: Option<BTreeMap<String, String>>,
}

/// A credential at a provider: an `api_key` alone, or an `access_token` with what belongs to it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCredential {
    #[schema(value_type = String, pattern = "^(api_key|oauth)$")]
    r#type: CredentialKind,
    /// Needed by `api_key`.
    #[schema(value_type = Option<String>, format = Password)]
    api_key: Option<Secret>,
    /// Needed by `oauth`.
    #[schema(value_type = Option<String>, format = Password)]
    access_token: Option<Secret>,
    #[schema(value_type = Option<String>, format = Password)]
    refresh_token: Option<Secret>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl NewAccount {
    /// The account that is wished for, with its credential sealed.
    pub(crate) fn checked(self, app: &App, caller: &Caller) -> Result<gateway_store::NewAccount, Problem> {
        let known = provider(self.provider).map(|provider| provider.default_base_url().to_owned());
        let Some(base_url) = self.base_url.or(known) else {
            return Err(Problem::invalid_field(
                "base_url",
                "this version knows no address of the provider",
            ));
        };
        let update = AccountUpdate {
            name: Some(self.name),
            credential: Some(self.credential),
            admin_credential: self.admin_credential,
            base_url: Some(base_url),
            proxy_url: self.proxy_url,
            is_active: self.is_active,
            priority: self.priority,
            weight: self.weight,
            max_concurrency: self.max_concurrency,
            limits: self.limits,
            budget: self.budget,
            models: self.models,
            model_map: self.model_map,
            tags: self.tags,
        };
        let id = AccountId::random();
        let wished = update.checked(app, caller, id, self.provider, None)?;
        Ok(gateway_store::NewAccount {
            id,
            owner_id: (!caller.is_admin()).then_some(caller.user.id),
            name: wished.name.unwrap_or_default(),
            provider: self.provider,
            credential: wished.credential.ok_or_else(no_credential)?,
            admin_credential: wished.admin_credential.flatten(),
            base_url: wished.base_url.unwrap_or_default(),
            proxy_url: wished.proxy_url.flatten(),
            is_active: wished.is_active.unwrap_or(true),
            priority: wished.priority.unwrap_or(50),
            weight: wished.weight.unwrap_or(1),
            max_concurrency: wished.max_concurrency.flatten(),
            limits: wished.limits.unwrap_or_default(),
            budget: wished.budget.unwrap_or(NO_BUDGET),
            models: wished.models.unwrap_or_default(),
            model_map: wished.model_map.unwrap_or_default(),
            tags: wished.tags.unwrap_or_default(),
        })
    }
}

impl AccountUpdate {
    /// The changes that are wished for, to account `id` of `provider`, which is like `before` until now.
    pub(crate) fn checked(
        self,
        app: &App,
        caller: &Caller,
        id: AccountId,
        provider: ProviderKind,
        before: Option<&UpstreamAccount>,
    ) -> Result<AccountChanges, Problem> {
        let limits = before.map_or_else(Limits::default, |account| account.limits);
        let budget = before.map_or(NO_BUDGET, |account| account.budget);
        let mut check = Check::default();
        let policy = app.proxy.network().policy();
        let reach = reach(caller, before);
        if let Some(name) = &self.name {
            check.name("name", name);
        }
        if let Some(map) = &self.model_map {
            check_model_map(&mut check, map);
        }
        if let Some(tags) = &self.tags {
            check.tags("tags", tags);
        }
        check.within("priority", self.priority.unwrap_or(0), 0, 1000);
        check.within("weight", self.weight.unwrap_or(0), 0, 1000);
        if let Patch::Set(limit) = &self.max_concurrency {
            check.within("max_concurrency", *limit, 1, 100_000);
        }
        let given = Given {
            credential: self.credential.is_some(),
            admin_credential: !matches!(self.admin_credential, Patch::Keep)
                || before.is_none_or(|before| before.admin_credential.is_none()),
        };
        let admin_credential = self
            .admin_credential
            .into_change()
            .map(|wish| wish.map(|credential| credential.checked(&mut check, app, id, provider)));
        let credential = self
            .credential
            .and_then(|credential| credential.checked(&mut check));
        let base_url = self
            .base_url
            .and_then(|text| base_url(&mut check, &text, policy, reach));
        let proxy_url = proxy_url(&mut check, self.proxy_url, policy, reach);
        if let Some(before) = before {
            given.follow(&mut check, before, base_url.as_ref(), proxy_url.as_ref());
        }
        let changes = AccountChanges {
            judged: before.map(|account| JudgedRoute {
                base_url: account.base_url.clone(),
                proxy_url: account.proxy_url.clone(),
                has_admin_credential: account.admin_credential.is_some(),
            }),
            name: self.name,
            credential: credential.map(|credential| seal(app, id, &credential)),
            admin_credential,
            base_url: base_url.as_ref().map(stored),
            proxy_url,
            is_active: self.is_active,
            priority: self.priority,
            weight: self.weight,
            max_concurrency: self.max_concurrency.into_change(),
            limits: self
                .limits
                .map(|wish| wish.checked_for_account(&mut check, limits)),
            budget: self.budget.map(|wish| wish.checked(&mut check, budget)),
            models: self.models.map(|models| check.list("models", &models)),
            model_map: self.model_map,
            tags: self.tags,
        };
        check.finish()?;
        Ok(changes)
    }
}

fn seal(app: &App, id: AccountId, credential: &Credential) -> SealedCredential {
    let sealed = app.vault.seal_credential(id, credential);
    SealedCredential {
        kind: credential.kind(),
        hint: credential_hint(credential),
        sealed,
    }
}

fn no_credential() -> Problem {
    Problem::invalid_field("credential", "this field is needed")
}

/// How far the account's requests will go: a member's account is a member's, whoever changes it.
fn reach(caller: &Caller, before: Option<&UpstreamAccount>) -> Reach {
    match before {
        Some(account) => Reach::of(account),
        None if caller.is_admin() => Reach::Admin,
        None => Reach::Member,
    }
}

/// Which of an account's credentials come with a change, or are not there to follow it.
#[derive(Clone, Copy)]
struct Given {
    credential: bool,
    admin_credential: bool,
}

impl Given {
    /// The credentials were given for the server that the account was at, and for those on the way to it that can read
    /// them: they follow to no others.
    fn follow(
        self,
        check: &mut Check,
        before: &UpstreamAccount,
        base_url: Option<&Url>,
        proxy_url: Option<&Option<String>>,
    ) {
        let from = Url::parse(&before.base_url).ok();
        let stays = base_url.is_none_or(|to| from.as_ref().is_some_and(|from| is_same_server(from, to)));
        let is_readable = base_url.or(from.as_ref()).is_none_or(|to| to.scheme() != "https");
        let is_rerouted = proxy_url.is_some_and(|proxy_url| *proxy_url != before.proxy_url);
        if stays && !(is_readable && is_rerouted) {
            return;
        }
        let where_to = if stays {
            "another proxy, where requests are not sent by https,"
        } else {
            "another scheme, host or port"
        };
        let message = format!("{where_to} needs the credential anew");
        check.require(self.credential, "credential", &message);
        let message = format!("{where_to} needs the admin credential anew, or null");
        check.require(self.admin_credential, "admin_credential", &message);
    }
}

fn base_url(check: &mut Check, text: &str, policy: &AddressPolicy, reach: Reach) -> Option<Url> {
    let url = policy.base_url(text, reach);
    url.map_err(|error| check.refuse("base_url", error.to_string()))
        .ok()
}

fn proxy_url(
    check: &mut Check,
    wish: Patch<String>,
    policy: &AddressPolicy,
    reach: Reach,
) -> Option<Option<String>> {
    let Some(text) = wish.into_change()? else {
        return Some(None);
    };
    let url = policy.proxy_url(&text, reach);
    let url = url.map_err(|error| check.refuse("proxy_url", error.to_string()));
    Some(Some(stored(&url.ok()?)))
}

fn stored(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn check_model_map(check: &mut Check, map: &BTreeMap<String, String>) {
    check.require(map.len() <= 500, "model_map", "expected at most 500 entries");
    let is_name = |name: &String| {
        name.parse::<ModelPattern>()
            .is_ok_and(|pattern| pattern.is_exact())
    };
    for (asked, served) in map {
        let message = "expected exact names of models on both sides";
        check.require(
            is_name(asked) && is_name(served),
            &format!("model_map.{asked}"),
            message,
        );
    }
}

impl NewCredential {
    fn checked(self, check: &mut Check) -> Option<Credential> {
        let api_key = self
            .api_key
            .map(|secret| token(check, "credential.api_key", secret));
        let access_token = self
            .access_token
            .map(|secret| token(check, "credential.access_token", secret));
        let refresh_token = self
            .refresh_token
            .map(|secret| token(check, "credential.refresh_token", secret));
        match self.r#type {
            CredentialKind::ApiKey => {
                let is_alone = access_token.is_none() && refresh_token.is_none() && self.expires_at.is_none();
                check.require(
                    is_alone,
                    "credential",
                    "an `api_key` has nothing of an `oauth` credential",
                );
                check.require(api_key.is_some(), "credential.api_key", "this field is needed");
                api_key.map(Credential::ApiKey)
            }
            CredentialKind::OAuth => {
                check.require(
                    api_key.is_none(),
                    "credential",
                    "an `oauth` credential has no `api_key`",
                );
                check.require(
                    access_token.is_some(),
                    "credential.access_token",
                    "this field is needed",
                );
                let expires_at = self.expires_at;
                access_token.map(|access_token| Credential::OAuth {
                    access_token,
                    refresh_token,
                    expires_at,
                })
            }
        }
    }
}
