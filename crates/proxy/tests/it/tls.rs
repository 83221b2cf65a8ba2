use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use gateway_balancing::Health;
use gateway_proxy::ProxySettings;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::network::{Names, network_trusting};
use crate::rig::{Rig, account_at};

/// Signed the certificates of [`server`]; nobody but the tests trusts it.
pub(crate) const AUTHORITY: &[u8] = include_bytes!("fixtures/tls/authority.pem");
/// A certificate of `provider.test` and its key.
pub(crate) const GOOD: &[u8] = include_bytes!("fixtures/tls/good.pem");
const WRONG_NAME: &[u8] = include_bytes!("fixtures/tls/wrong_name.pem");
const EXPIRED: &[u8] = include_bytes!("fixtures/tls/expired.pem");
const SELF_SIGNED: &[u8] = include_bytes!("fixtures/tls/self_signed.pem");

/// A provider that shows this certificate to one client and lists no models to it; says what it was sent.
pub(crate) fn server(certificate: &[u8]) -> (u16, JoinHandle<String>) {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(certificate).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        let mut sent = Vec::new();
        let mut buffer = [0; 4096];
        while !sent.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => sent.extend_from_slice(&buffer[..count]),
                // The client hung up, or said why it will not go on.
                Ok(_) | Err(_) => return String::from_utf8(sent).unwrap(),
            }
        }
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"data\":[]}";
        stream.write_all(answer.as_bytes()).unwrap();
        stream.flush().unwrap();
        String::from_utf8(sent).unwrap()
    });
    (port, serving)
}

async fn probe(certificate: &[u8], roots: &[Vec<u8>]) -> (Health, String) {
    let (port, serving) = server(certificate);
    let names = Names::of("provider.test", &[&["127.0.0.1"]]);
    let network = network_trusting(&["loopback"], roots).with_resolver(names);
    let accounts = vec![account_at(&format!("https://provider.test:{port}"), "sk-ant-a")];
    let rig = Rig::over(network, accounts, ProxySettings::default()).await;
    let health = rig.engine.probe(rig.account_id(0)).await.unwrap();
    drop(rig);
    (health, serving.join().unwrap())
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_and_of_the_right_name_is_good() {
    let (health, sent) = probe(GOOD, &[AUTHORITY.to_vec()]).await;
    assert_eq!(health.http_status, Some(200), "{health:?}");
    assert!(sent.starts_with("GET /v1/models?"), "{sent}");
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_whose_certificate_is_not_good() {
    let trusted = [AUTHORITY.to_vec()];
    for (certificate, roots, why) in [
        (WRONG_NAME, &trusted[..], "not valid for name"),
        (EXPIRED, &trusted, "expired"),
        (SELF_SIGNED, &trusted, "UnknownIssuer"),
        (GOOD, &[], "UnknownIssuer"),
    ] {
        let (health, sent) = probe(certificate, roots).await;
        assert_eq!(health.http_status, None, "{why}");
        let reason = health.reason.unwrap();
        assert!(
            reason.starts_with("transport: no answer came: ") && reason.contains(why),
            "{reason}"
        );
        assert_eq!(sent, "", "{why}");
    }
}
