//! TLS towards clients, where no proxy in front has it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Result;
use crate::config::ServerSettings;
use crate::secrets::read_private;

/// How connections are encrypted; `None` if they are not.
///
/// # Errors
///
/// When there is one file without the other, or they cannot be read or do not belong together.
pub(crate) fn config(settings: &ServerSettings) -> Result<Option<ServerConfig>> {
    let (certificate, key) = match (&settings.tls_certificate_file, &settings.tls_key_file) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => {
            return Err(
                "server.tls_certificate_file and server.tls_key_file go together: set both, or neither"
                    .into(),
            );
        }
    };
    let unusable = |file: &Path, problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let text = fs::read(certificate).map_err(|error| unusable(certificate, &error))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| unusable(certificate, &error))?;
    if chain.is_empty() {
        return Err(unusable(certificate, &"there is no certificate in it").into());
    }
    let secret = PrivateKeyDer::from_pem_slice(read_private(key)?.as_bytes())
        .map_err(|_| unusable(key, &"there is no private key in it"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let certificate = certificate.display();
                unusable(
                    key,
                    &format_args!("not the key of the certificate in {certificate}"),
                )
            }
            error => unusable(certificate, &error),
        })?;
    Ok(Some(config))
}
