use diesel::prelude::*;
use gateway_auth::Sealed;
use gateway_domain::{AdminCredential, OrganizationPart};
use serde_json::{Value, json};

use crate::StoreError;
use crate::schema::upstream_accounts;

/// A credential for an organisation's own reports, as it is kept.
#[derive(Debug, Clone)]
pub struct SealedAdminCredential {
    /// What may be shown of it, and which part of the organisation is meant.
    pub shown: AdminCredential,
    /// The credential itself, sealed for its account and for reports only.
    pub sealed: Sealed,
}

/// The columns of an account that belong to it: all empty when there is none.
#[derive(Clone, Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = upstream_accounts, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct StoredAdminCredential {
    #[diesel(column_name = admin_credential_hint)]
    hint: Option<String>,
    #[diesel(column_name = admin_credential_sealed)]
    sealed: Option<String>,
    #[diesel(column_name = admin_api_key_id)]
    api_key_id: Option<String>,
    #[diesel(column_name = admin_workspace_id)]
    workspace_id: Option<String>,
    #[diesel(column_name = admin_project_id)]
    project_id: Option<String>,
}

impl StoredAdminCredential {
    pub(crate) fn sealed(&self) -> Result<Option<Sealed>, StoreError> {
        self.sealed
            .as_deref()
            .map(Sealed::parse)
            .transpose()
            .map_err(StoreError::other)
    }

    pub(crate) fn secret(&self) -> Option<&[u8]> {
        self.sealed.as_deref().map(str::as_bytes)
    }

    /// What may be told of it; `null` for none.
    pub(crate) fn document(&self) -> Value {
        match self.sealed {
            None => Value::Null,
            Some(_) => json!({
                "hint": self.hint,
                "api_key_id": self.api_key_id,
                "workspace_id": self.workspace_id,
                "project_id": self.project_id,
            }),
        }
    }

    pub(crate) fn into_shown(self) -> Option<AdminCredential> {
        self.sealed?;
        Some(AdminCredential {
            hint: self.hint.unwrap_or_default(),
            part: OrganizationPart {
                api_key_id: self.api_key_id,
                workspace_id: self.workspace_id,
                project_id: self.project_id,
            },
        })
    }
}

impl From<Option<SealedAdminCredential>> for StoredAdminCredential {
    fn from(credential: Option<SealedAdminCredential>) -> Self {
        let Some(SealedAdminCredential { shown, sealed }) = credential else {
            return Self::default();
        };
        Self {
            hint: Some(shown.hint),
            sealed: Some(sealed.as_str().to_owned()),
            api_key_id: shown.part.api_key_id,
            workspace_id: shown.part.workspace_id,
            project_id: shown.part.project_id,
        }
    }
}
