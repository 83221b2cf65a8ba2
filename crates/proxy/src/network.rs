use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;

use async_trait::async_trait;
use gateway_providers::{AddressPolicy, Reach};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Says which addresses a name has.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `name` as of now, in the order in which they should be tried, for an account of this reach.
    ///
    /// # Errors
    ///
    /// When the name has none, or cannot be looked up.
    async fn addresses(&self, name: &str, reach: Reach) -> io::Result<Vec<IpAddr>>;
}

/// Names that are looked up at once for accounts of one kind. Each takes a thread until the system gives up.
const MOST_LOOKUPS: usize = 32;

/// The operating system's resolver.
///
/// It has a queue for names of members' accounts of its own, so that names that nobody answers for keep no others waiting.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    for_admins: Arc<Semaphore>,
    for_members: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            for_admins: Arc::new(Semaphore::new(MOST_LOOKUPS)),
            for_members: Arc::new(Semaphore::new(MOST_LOOKUPS)),
        }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str, reach: Reach) -> io::Result<Vec<IpAddr>> {
        let turns = match reach {
            Reach::Admin => &self.for_admins,
            Reach::Member => &self.for_members,
        };
        let turn = Arc::clone(turns)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let name = name.to_owned();
        let found = spawn_blocking(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            // With the work and not with who asked for it: who gives up leaves the thread behind.
            drop(turn);
            found
        });
        let found = found.await.map_err(io::Error::other)??;
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
            resolver: Arc::new(SystemResolver::default()),
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
