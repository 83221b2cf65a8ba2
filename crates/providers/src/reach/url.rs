use url::Url;

use super::{AddressPolicy, Destination, Reach, Refused};

/// Bytes of an address at the most.
const MAX_LENGTH: usize = 2_000;
const NO_HOST: InvalidUrl = InvalidUrl::Malformed("expected a host");

/// Nothing may be sent to this address; the text is for whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It is not written as it must be.
    #[error("{0}")]
    Malformed(&'static str),
    /// The server may not be reached.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What people write down.
impl AddressPolicy {
    /// Reads where an account's requests go: https, or http where that is allowed, a host, perhaps a port and a path.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`], a sentence for the person who wrote it.
    pub fn base_url(&self, text: &str, reach: Reach) -> Result<Url, InvalidUrl> {
        let url = parse(text, &["http", "https"])?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidUrl::Malformed("no query and no fragment are allowed here"));
        }
        self.judge(&server(&url)?, reach)?;
        Ok(url)
    }

    /// Reads the address of a proxy: http, socks5 or socks5h, a host, perhaps a port.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`], a sentence for the person who wrote it.
    pub fn proxy_url(&self, text: &str, reach: Reach) -> Result<Url, InvalidUrl> {
        let url = parse(text, &["http", "socks5", "socks5h"])?;
        let is_bare = url.query().is_none() && url.fragment().is_none() && matches!(url.path(), "" | "/");
        if !is_bare {
            return Err(InvalidUrl::Malformed(
                "expected nothing but scheme, host and port",
            ));
        }
        let proxy = Destination::of_proxy(&url).ok_or(NO_HOST)?;
        self.judge(&proxy, reach)?;
        Ok(url)
    }

    /// Reads the address of the operator's webhook: as a [`base_url`](Self::base_url), but for a query, which it may have.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`], a sentence for the operator.
    pub fn webhook_url(&self, text: &str) -> Result<Url, InvalidUrl> {
        let url = parse(text, &["http", "https"])?;
        if url.fragment().is_some() {
            return Err(InvalidUrl::Malformed("no fragment is allowed here"));
        }
        self.judge(&server(&url)?, Reach::Admin)?;
        Ok(url)
    }
}

/// Whether requests to both reach the same server: what a credential was given for.
#[must_use]
pub fn is_same_server(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn parse(text: &str, schemes: &[&str]) -> Result<Url, InvalidUrl> {
    if text.len() > MAX_LENGTH {
        return Err(InvalidUrl::Malformed("expected at most 2000 characters"));
    }
    let url = Url::parse(text).map_err(|_| InvalidUrl::Malformed("expected an absolute URL"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(InvalidUrl::Malformed("this scheme is not allowed here"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidUrl::Malformed(
            "no user name and no password are allowed here",
        ));
    }
    Ok(url)
}

fn server(url: &Url) -> Result<Destination, InvalidUrl> {
    Destination::of_url(url).ok_or(NO_HOST)
}
