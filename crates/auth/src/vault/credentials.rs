use std::borrow::Cow;

use gateway_domain::{AccountId, Credential, CredentialKind, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Sealed, UnsealError, Vault};

/// Credentials of upstream accounts.
impl Vault {
    /// Seals the credential of an upstream account, for that account only.
    #[must_use]
    pub fn seal_credential(&self, account: AccountId, credential: &Credential) -> Sealed {
        self.seal_record(&credential_context(account), credential)
    }

    /// Opens what [`seal_credential`](Self::seal_credential) made for the same account.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_credential(&self, account: AccountId, sealed: &Sealed) -> Result<Credential, UnsealError> {
        self.open_record(&credential_context(account), sealed)
    }

    /// Seals the credential that reads the reports of an upstream account's organisation, for that account only and
    /// for nothing else: requests cannot be sent with it.
    #[must_use]
    pub fn seal_admin_credential(&self, account: AccountId, credential: &Credential) -> Sealed {
        self.seal_record(&admin_credential_context(account), credential)
    }

    /// Opens what [`seal_admin_credential`](Self::seal_admin_credential) made for the same account.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_admin_credential(
        &self,
        account: AccountId,
        sealed: &Sealed,
    ) -> Result<Credential, UnsealError> {
        self.open_record(&admin_credential_context(account), sealed)
    }

    /// The credential of an upstream account sealed with the current master key, or `None` if it is already.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn rewrap_credential(
        &self,
        account: AccountId,
        sealed: &Sealed,
    ) -> Result<Option<Sealed>, UnsealError> {
        self.rewrap(&credential_context(account), sealed)
    }

    /// The same for the credential that reads the reports of its organisation.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn rewrap_admin_credential(
        &self,
        account: AccountId,
        sealed: &Sealed,
    ) -> Result<Option<Sealed>, UnsealError> {
        self.rewrap(&admin_credential_context(account), sealed)
    }

    fn seal_record(&self, context: &str, credential: &Credential) -> Sealed {
        self.seal(context, &CredentialRecord::from(credential).to_json())
    }

    fn open_record(&self, context: &str, sealed: &Sealed) -> Result<Credential, UnsealError> {
        let json = self.open(context, sealed)?;
        let record: CredentialRecord<'_> =
            serde_json::from_slice(&json).map_err(|_| UnsealError::Malformed)?;
        Ok(record.into())
    }
}

/// The last four characters of a credential, to tell accounts apart: `…wxyz`.
///
/// Fewer when it is short: never more than a quarter of it.
#[must_use]
pub fn credential_hint(credential: &Credential) -> String {
    let secret = credential.secret().expose_secret();
    let length = secret.chars().count();
    let shown = (length / 4).min(4);
    format!("…{}", secret.chars().skip(length - shown).collect::<String>())
}

fn credential_context(account: AccountId) -> String {
    format!("{account}/credential")
}

fn admin_credential_context(account: AccountId) -> String {
    format!("{account}/admin credential")
}

/// How a credential is written before it is sealed; read back by later versions.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialRecord<'a> {
    kind: CredentialKind,
    #[serde(borrow)]
    secret: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl CredentialRecord<'_> {
    fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // Large enough for any, so that no part of it stays behind where the buffer was before it grew.
        let mut json = Zeroizing::new(Vec::with_capacity(16 << 10));
        serde_json::to_writer(&mut *json, self).expect("texts and a time always have a JSON form");
        json
    }
}

impl<'a> From<&'a Credential> for CredentialRecord<'a> {
    fn from(credential: &'a Credential) -> Self {
        let kind = credential.kind();
        match credential {
            Credential::ApiKey(key) => Self {
                kind,
                secret: key.expose_secret().into(),
                refresh_token: None,
                expires_at: None,
            },
            Credential::OAuth {
                access_token,
                refresh_token,
                expires_at,
            } => Self {
                kind,
                secret: access_token.expose_secret().into(),
                refresh_token: refresh_token.as_ref().map(|token| token.expose_secret().into()),
                expires_at: *expires_at,
            },
        }
    }
}

impl From<CredentialRecord<'_>> for Credential {
    fn from(record: CredentialRecord<'_>) -> Self {
        let secret = SecretString::from(record.secret.into_owned());
        match record.kind {
            CredentialKind::ApiKey => Self::ApiKey(secret),
            CredentialKind::OAuth => Self::OAuth {
                access_token: secret,
                refresh_token: record.refresh_token.map(|token| token.into_owned().into()),
                expires_at: record.expires_at,
            },
        }
    }
}
