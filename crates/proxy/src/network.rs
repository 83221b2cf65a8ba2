use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use gateway_providers::AddressPolicy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Says which addresses a name has.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `name` as of now, in the order in which they should be tried.
    ///
    /// # Errors
    ///
    /// When the name has none, or cannot be looked up.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// What lies outside as the gateway sees it: who may be reached, where names lead, whose certificates are trusted.
#[derive(Clone)]
pub struct Network {
    pub(crate) policy: Arc<AddressPolicy>,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

impl Network {
    /// The world by the system's resolver; `extra_roots` are PEM texts of certificate authorities to trust besides the
    /// built-in ones.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`] if one of `extra_roots` is not PEM.
    pub fn new(policy: AddressPolicy, extra_roots: &[Vec<u8>]) -> Result<Self, InvalidRoots> {
        Ok(Self {
            policy: Arc::new(policy),
            resolver: Arc::new(SystemResolver),
            tls: tls_config(extra_roots)?,
        })
    }

    /// The same with names that lead elsewhere.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, ..self }
    }

    /// Who may be reached.
    #[must_use]
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }
}

/// A certificate authority to trust cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a PEM file of certificates: {0}")]
pub struct InvalidRoots(String);

/// TLS as every connection of this process speaks it: the built-in authorities and `extra_roots` (PEM texts).
fn tls_config(extra_roots: &[Vec<u8>]) -> Result<Arc<rustls::ClientConfig>, InvalidRoots> {
    let mut roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for pem in extra_roots {
        let known = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| InvalidRoots(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| InvalidRoots(error.to_string()))?;
        }
        if roots.len() == known {
            return Err(InvalidRoots("there is none in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidRoots(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
