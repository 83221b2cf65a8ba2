//! TLS towards PostgreSQL, by rustls.

use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenError;

/// Whether to encrypt, and whether to ask who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// In the clear.
    Disable,
    /// Encrypted where the server can; the server is not verified.
    Prefer,
    /// Encrypted, and the certificate's chain and name verified. libpq's `require`, `verify-ca` and `verify-full`
    /// differ; encryption towards somebody unknown protects so little that here they are one.
    Verify,
}

impl SslMode {
    pub(crate) fn of_driver(self) -> tokio_postgres::config::SslMode {
        match self {
            Self::Disable => tokio_postgres::config::SslMode::Disable,
            Self::Prefer => tokio_postgres::config::SslMode::Prefer,
            Self::Verify => tokio_postgres::config::SslMode::Require,
        }
    }
}

impl FromStr for SslMode {
    type Err = OpenError;

    fn from_str(word: &str) -> Result<Self, OpenError> {
        match word {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" | "verify-ca" | "verify-full" => Ok(Self::Verify),
            _ => Err(OpenError::new(
                "the PostgreSQL URL has an unknown `sslmode`",
                "expected disable, prefer, require, verify-ca or verify-full",
            )),
        }
    }
}

/// What makes TLS connections in this mode; `None` when there is nothing to make.
///
/// # Errors
///
/// When `root_certificates` holds none that can be read.
pub(crate) fn connector(
    mode: SslMode,
    root_certificates: Option<&[u8]>,
) -> Result<Option<MakeRustlsConnect>, OpenError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::new("TLS cannot be set up", "report this as a bug").because(error))?;
    let config = match mode {
        SslMode::Disable => return Ok(None),
        SslMode::Prefer => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate { provider }))
            .with_no_client_auth(),
        SslMode::Verify => builder
            .with_root_certificates(roots(root_certificates)?)
            .with_no_client_auth(),
    };
    Ok(Some(MakeRustlsConnect::new(config)))
}

fn roots(own: Option<&[u8]>) -> Result<RootCertStore, OpenError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let Some(pem) = own else {
        return Ok(roots);
    };
    let unreadable = || {
        OpenError::new(
            "the database's root certificates cannot be read",
            "expected a file with one or more blocks that begin with -----BEGIN CERTIFICATE-----",
        )
    };
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| unreadable().because(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unreadable().because(error))?;
    }
    if roots.len() == before {
        Err(unreadable())
    } else {
        Ok(roots)
    }
}

/// Takes whoever answers: what `prefer` means. It keeps out who only listens, and nobody else.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
