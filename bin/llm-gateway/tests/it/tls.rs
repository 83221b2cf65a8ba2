//! TLS up to the gateway itself.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::folder::Folder;
use crate::server::Server;

/// A certificate of `provider.test` with its key, and who signed it.
const CERTIFICATE: &[u8] = include_bytes!("../../../../crates/proxy/tests/it/fixtures/tls/good.pem");
const AUTHORITY: &[u8] = include_bytes!("../../../../crates/proxy/tests/it/fixtures/tls/authority.pem");

/// A folder with the certificate in it, and the variables that lead there.
fn folder() -> (Folder, String) {
    let folder = Folder::new();
    let file = folder.path("tls.pem");
    fs::write(&file, CERTIFICATE).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    (folder, file.display().to_string())
}

const CERTIFICATE_FILE: &str = "GATEWAY__SERVER__TLS_CERTIFICATE_FILE";
const KEY_FILE: &str = "GATEWAY__SERVER__TLS_KEY_FILE";

fn connect(address: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(AUTHORITY) {
        roots.add(root.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "provider.test".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

#[test]
fn the_port_speaks_tls_and_http_1_1_within() {
    let (folder, file) = folder();
    let server = Server::start(&folder, &[(CERTIFICATE_FILE, &file), (KEY_FILE, &file)]);
    assert!(server.welcome.contains("https://"), "{}", server.welcome);
    let mut stream = connect(&server.address);
    for _ in 0..2 {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: provider.test\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..count]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
    }
    assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    drop(stream);

    let mut plain = TcpStream::connect(&server.address).unwrap();
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: provider.test\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // However the connection ends.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    server.stop();
}

#[test]
fn a_certificate_that_cannot_be_used_stops_the_start() {
    let (folder, file) = folder();
    let empty = folder.path("empty.pem").display().to_string();
    fs::write(&empty, "").unwrap();
    fs::set_permissions(&empty, fs::Permissions::from_mode(0o600)).unwrap();
    let open = folder.path("open.pem").display().to_string();
    fs::write(&open, CERTIFICATE).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let missing = folder.path("missing.pem").display().to_string();
    for (variables, problem) in [
        (vec![(CERTIFICATE_FILE, &file)], "go together"),
        (vec![(KEY_FILE, &file)], "go together"),
        (
            vec![(CERTIFICATE_FILE, &empty), (KEY_FILE, &file)],
            "there is no certificate in it",
        ),
        (
            vec![(CERTIFICATE_FILE, &file), (KEY_FILE, &empty)],
            "there is no private key in it",
        ),
        (
            vec![(CERTIFICATE_FILE, &file), (KEY_FILE, &open)],
            "can be read by others",
        ),
        (
            vec![(CERTIFICATE_FILE, &missing), (KEY_FILE, &file)],
            "No such file",
        ),
    ] {
        let mut variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        variables.push(("PORT", "0"));
        let error = folder.run(&["serve"], &variables).error();
        assert!(error.contains(problem), "{error}");
    }
}
