use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use gateway_balancing::HealthStatus;
use gateway_domain::{Credential, OrganizationPart, Timestamp};
use gateway_proxy::ReportWish;

use crate::network::Trap;
use crate::rig::{Rig, account_at, header, message, text};

/// A server that sends everybody to the trap with this status.
fn sending_to(trap: &Trap, status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status} Elsewhere\r\nlocation: http://127.0.0.1:{}/secret\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        trap.port()
    );
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                let count = stream.read(&mut buffer).unwrap();
                assert_ne!(count, 0);
                asked.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[tokio::test]
async fn redirects_of_providers_are_never_followed() {
    let trap = Trap::set();
    for status in [301, 302, 303, 307, 308] {
        let rig = Rig::new(vec![account_at(&sending_to(&trap, status), "sk-ant-a")]).await;
        let account = rig.engine.shared().catalogue().pool().accounts().remove(0);

        for stream in [false, true] {
            let answer = rig.call(&message(stream)).await;
            assert!(answer.status.is_server_error(), "{}", answer.status);
            assert_eq!(header(&answer, "location"), None);
            assert!(!text(answer).await.contains("secret"));
        }
        let health = rig.engine.probe(account.id).await.unwrap();
        assert_eq!(health.http_status, Some(status));
        assert_ne!(health.status, HealthStatus::Healthy);
        rig.engine.models(&rig.key()).await;
        let wish = ReportWish {
            account: &account,
            credential: Credential::ApiKey("sk-ant-admin01-a".to_owned().into()),
            part: &OrganizationPart::default(),
            from: Timestamp::from_seconds(0),
            to: Timestamp::from_seconds(86_400),
        };
        rig.engine.organization_report(wish).await.unwrap_err();
    }
    trap.assert_untouched();
}
