use gateway_domain::{Credential, CredentialKind};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use secrecy::ExposeSecret;
use url::Url;

/// Bytes of an address at the most.
const MAX_BASE_URL: usize = 2_048;

/// Requests cannot be sent as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// The account's address is unusable.
    #[error(
        "invalid base_url: expected http or https, a host, and neither user nor query nor fragment; correct the account"
    )]
    BaseUrl,
    /// The account's credential cannot stand in a header.
    #[error("invalid credential: expected visible ASCII characters; enter the account's credential anew")]
    Credential,
    /// The client's query cannot stand in a request.
    #[error("invalid query")]
    Query,
    /// The provider has no such call in this dialect.
    #[error("the provider has no such call; translate it into one that it has")]
    Call,
}

/// Where an account's requests go, and as whom: parsed once, used for every request.
#[derive(Debug)]
pub struct Target {
    base_url: Url,
    credential: Credential,
    // Invariant: the parts below say the same as the two above, ready to be sent.
    scheme: Scheme,
    authority: Authority,
    prefix: String,
    secret: HeaderValue,
    bearer: HeaderValue,
}

impl Target {
    /// The target with this address and credential.
    ///
    /// # Errors
    ///
    /// [`InvalidTarget`] when requests could not be sent there or not with that credential.
    pub fn parse(base_url: &str, credential: Credential) -> Result<Self, InvalidTarget> {
        if base_url.len() > MAX_BASE_URL {
            return Err(InvalidTarget::BaseUrl);
        }
        let base_url = Url::parse(base_url).map_err(|_| InvalidTarget::BaseUrl)?;
        let scheme = match base_url.scheme() {
            "https" => Scheme::HTTPS,
            "http" => Scheme::HTTP,
            _ => return Err(InvalidTarget::BaseUrl),
        };
        let has_user = !base_url.username().is_empty() || base_url.password().is_some();
        if has_user || base_url.query().is_some() || base_url.fragment().is_some() {
            return Err(InvalidTarget::BaseUrl);
        }
        let authority = authority(&base_url).ok_or(InvalidTarget::BaseUrl)?;
        let prefix = base_url.path().trim_end_matches('/').to_owned();
        PathAndQuery::try_from(format!("{prefix}/")).map_err(|_| InvalidTarget::BaseUrl)?;
        let secret = credential.secret().expose_secret();
        if secret.is_empty() {
            return Err(InvalidTarget::Credential);
        }
        Ok(Self {
            secret: sensitive(secret.to_owned())?,
            bearer: sensitive(format!("Bearer {secret}"))?,
            base_url,
            credential,
            scheme,
            authority,
            prefix,
        })
    }

    /// The account's address.
    #[must_use]
    pub const fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// As whom requests are sent.
    #[must_use]
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What kind of credential it is.
    #[must_use]
    pub const fn credential_kind(&self) -> CredentialKind {
        self.credential.kind()
    }

    /// The credential itself, marked sensitive.
    #[must_use]
    pub const fn secret(&self) -> &HeaderValue {
        &self.secret
    }

    /// The credential as an `authorization` header has it, marked sensitive.
    #[must_use]
    pub const fn bearer(&self) -> &HeaderValue {
        &self.bearer
    }

    /// The address of `path`, which begins with a version of the API, behind the account's own prefix.
    ///
    /// An address that was entered with one of `versions` at its end (`https://…/v1`) does not get another: the
    /// path's is the one that counts.
    ///
    /// # Errors
    ///
    /// [`InvalidTarget::Query`] when the query or the path has characters that may not stand there.
    pub fn uri(&self, versions: &[&str], path: &str, query: Option<&str>) -> Result<Uri, InvalidTarget> {
        let prefix = versions
            .iter()
            .find_map(|version| self.prefix.strip_suffix(version))
            .unwrap_or(&self.prefix);
        self.uri_behind(prefix, path, query)
    }

    /// The address of `path` behind the account's own prefix as it stands, or behind `version` if it has none.
    ///
    /// The prefix then says which version it is, in whatever way: `/v1`, `/api/v3`, `/v1beta/openai`.
    ///
    /// # Errors
    ///
    /// [`InvalidTarget::Query`] when the query or the path has characters that may not stand there.
    pub fn uri_as_entered(
        &self,
        version: &str,
        path: &str,
        query: Option<&str>,
    ) -> Result<Uri, InvalidTarget> {
        let prefix = if self.prefix.is_empty() {
            version
        } else {
            &self.prefix
        };
        self.uri_behind(prefix, path, query)
    }

    fn uri_behind(&self, prefix: &str, path: &str, query: Option<&str>) -> Result<Uri, InvalidTarget> {
        let mut text = String::with_capacity(prefix.len() + path.len() + 1 + query.map_or(0, str::len));
        text.push_str(prefix);
        text.push_str(path);
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        let path_and_query = PathAndQuery::try_from(text).map_err(|_| InvalidTarget::Query)?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .map_err(|_| InvalidTarget::Query)
    }
}

fn authority(base_url: &Url) -> Option<Authority> {
    let host = base_url.host_str().filter(|host| !host.is_empty())?;
    let text = match base_url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    Authority::try_from(text).ok()
}

fn sensitive(text: String) -> Result<HeaderValue, InvalidTarget> {
    let mut value = HeaderValue::try_from(text).map_err(|_| InvalidTarget::Credential)?;
    // HeaderValue also takes tabs and bytes above ASCII, which no credential has.
    if value.to_str().is_err() || value.as_bytes().contains(&b'\t') {
        return Err(InvalidTarget::Credential);
    }
    value.set_sensitive(true);
    Ok(value)
}
