use gateway_auth::credential_hint;
use gateway_domain::{
    AccountId, AdminCredential, Credential, CredentialKind, OrganizationPart, ProviderKind,
};
use gateway_providers::provider;
use gateway_store::SealedAdminCredential;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::rules::Check;
use crate::secret::{Secret, token};

/// A key that reads an organisation's reports of usage and costs; no request is ever sent with it.
///
/// The ids say which part of the organisation the account is, and are the provider's own. Without any, all of the
/// organisation is compared with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAdminCredential {
    #[schema(value_type = String, pattern = "^api_key$")]
    r#type: CredentialKind,
    /// An admin's key: `sk-ant-admin…` or `sk-admin-…`.
    #[schema(value_type = String, format = Password)]
    api_key: Secret,
    /// The id of the account's key: `apikey_…` or `key_…`.
    api_key_id: Option<String>,
    /// The workspace of the account's key, at Anthropic.
    workspace_id: Option<String>,
    /// The project of the account's key, at OpenAI.
    project_id: Option<String>,
}

/// What may be shown of a credential for reports.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminCredential)]
pub(crate) struct AdminCredentialView {
    /// `api_key`.
    #[schema(value_type = String)]
    r#type: &'static str,
    /// Its last characters.
    #[schema(example = "…wxyz")]
    hint: String,
    api_key_id: Option<String>,
    workspace_id: Option<String>,
    project_id: Option<String>,
}

impl From<AdminCredential> for AdminCredentialView {
    fn from(credential: AdminCredential) -> Self {
        Self {
            r#type: CredentialKind::ApiKey.as_str(),
            hint: credential.hint,
            api_key_id: credential.part.api_key_id,
            workspace_id: credential.part.workspace_id,
            project_id: credential.part.project_id,
        }
    }
}

impl NewAdminCredential {
    /// The credential, sealed for the account `id` of `kind`.
    pub(crate) fn checked(
        self,
        check: &mut Check,
        app: &App,
        id: AccountId,
        kind: ProviderKind,
    ) -> SealedAdminCredential {
        let has_reports = provider(kind).is_some_and(|provider| provider.organization_reports().is_some());
        check.require(
            has_reports,
            "admin_credential",
            "this provider has no reports of usage that a key could read; anthropic and openai have",
        );
        check.require(
            self.r#type == CredentialKind::ApiKey,
            "admin_credential.type",
            "reports are read with an `api_key`",
        );
        for (name, value, of) in [
            ("api_key_id", &self.api_key_id, None),
            ("workspace_id", &self.workspace_id, Some(ProviderKind::Anthropic)),
            ("project_id", &self.project_id, Some(ProviderKind::OpenAi)),
        ] {
            let field = format!("admin_credential.{name}");
            check.require(
                value.is_none() || of.is_none_or(|of| of == kind),
                &field,
                "this provider has nothing of this kind",
            );
            let is_id = value.as_ref().is_none_or(|id| {
                (1..=200).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
            });
            check.require(is_id, &field, "expected 1 to 200 visible ASCII characters");
        }
        let credential = Credential::ApiKey(token(check, "admin_credential.api_key", self.api_key));
        SealedAdminCredential {
            shown: AdminCredential {
                hint: credential_hint(&credential),
                part: OrganizationPart {
                    api_key_id: self.api_key_id,
                    workspace_id: self.workspace_id,
                    project_id: self.project_id,
                },
            },
            sealed: app.vault.seal_admin_credential(id, &credential),
        }
    }
}
