use std::sync::Arc;

use gateway_alerting::Signer;
use gateway_balancing::HealthStatus;
use gateway_domain::{AlertId, Credential, OrganizationPart, Timestamp, UpstreamAccount, UserId};
use gateway_proxy::{ProxySettings, ReportWish, Webhook};
use gateway_simulator::Simulator;

use crate::network::{Names, Trap, network, port_of};
use crate::rig::{Rig, account, account_at, message, text};

/// Everything that may be listed is.
const EVERYTHING: &[&str] = &[
    "loopback",
    "0.0.0.0/0",
    "::/0",
    "provider.test:443",
    "provider.test:80",
];

/// The same account as a member's.
fn of_a_member((account, credential): (UpstreamAccount, Credential)) -> (UpstreamAccount, Credential) {
    let account = UpstreamAccount {
        owner_id: Some(UserId::random()),
        ..account
    };
    (account, credential)
}

/// What a probe of this account says about it.
async fn finding(account: (UpstreamAccount, Credential), names: &Arc<Names>, exceptions: &[&str]) -> String {
    let network = network(exceptions).with_resolver(Arc::<Names>::clone(names));
    let rig = Rig::over(network, vec![account], ProxySettings::default()).await;
    let health = rig.engine.probe(rig.account_id(0)).await.unwrap();
    assert_eq!(
        (health.status, health.http_status),
        (HealthStatus::CoolingDown, None)
    );
    health.reason.unwrap()
}

#[tokio::test]
async fn a_name_with_a_private_address_among_public_ones_is_not_connected_to() {
    let trap = Trap::set();
    for answer in [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]] {
        let names = Names::of("provider.test", &[&answer]);
        let account = account_at(&format!("https://provider.test:{}", trap.port()), "sk-ant-a");
        let reason = finding(account, &names, &[]).await;
        let expected = format!(
            "transport: no answer came: provider.test:{} leads to 127.0.0.1: ",
            trap.port()
        );
        assert!(reason.starts_with(&expected), "{reason}");
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_one_connected_to() {
    let simulator = Simulator::start().await;
    let port = port_of(&simulator);
    let names = Names::of("provider.test", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let network = network(&["127.0.0.1/32"]).with_resolver(Arc::<Names>::clone(&names));
    // Each request on a connection of its own.
    let settings = ProxySettings {
        idle_connections_per_host: 0,
        ..ProxySettings::default()
    };
    let accounts = vec![account_at(&format!("http://provider.test:{port}"), "sk-ant-a")];
    let rig = Rig::over(network, accounts, settings).await;

    assert_eq!(rig.call(&message(false)).await.status, 200);
    assert_eq!(names.asked(), ["provider.test"]);
    let rebound = rig.call(&message(false)).await;
    assert_eq!(rebound.status, 502);
    assert!(!text(rebound).await.contains("127.0.0"));
    assert_eq!(names.asked().len(), 2);

    assert_eq!(simulator.received().len(), 1);
    let reason = rig.rows().await[1].attempts[0].fault_reason.clone().unwrap();
    assert!(
        reason.contains("leads to 127.0.0.2: not an address on the internet"),
        "{reason}"
    );
}

#[tokio::test]
async fn metadata_by_name_is_refused_for_admins_too() {
    for address in [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
    ] {
        let names = Names::of("provider.test", &[&[address]]);
        for base_url in ["http://provider.test", "https://provider.test"] {
            let reason = finding(account_at(base_url, "sk-ant-a"), &names, EVERYTHING).await;
            let expected = "link-local and metadata addresses are never reached";
            assert!(reason.ends_with(expected), "{address}: {reason}");
        }
    }
    // What is written in the database is judged as well.
    for base_url in [
        "http://169.254.169.254",
        "https://metadata.google.internal",
        "http://[fd00:ec2::254]",
    ] {
        let reason = finding(account_at(base_url, "sk-ant-a"), &Arc::default(), EVERYTHING).await;
        assert!(reason.ends_with("never reached"), "{base_url}: {reason}");
    }
}

#[tokio::test]
async fn loopback_is_for_admins_and_for_no_member_even_on_an_admins_open_connection() {
    let simulator = Simulator::start().await;
    let accounts = vec![
        account(&simulator, "sk-ant-admin"),
        of_a_member(account(&simulator, "sk-ant-member")),
    ];
    let rig = Rig::over(network(EVERYTHING), accounts, ProxySettings::default()).await;
    for _ in 0..2 {
        let admins = rig.engine.probe(rig.account_id(0)).await.unwrap();
        assert_eq!(admins.http_status, Some(200));
        let members = rig.engine.probe(rig.account_id(1)).await.unwrap();
        assert_eq!(members.http_status, None);
    }
    let received = simulator.received();
    assert_eq!(received.len(), 2);
    assert!(
        received
            .iter()
            .all(|request| request.credential.as_deref() == Some("sk-ant-admin"))
    );
}

#[tokio::test]
async fn unlisted_addresses_are_for_nobody() {
    let trap = Trap::set();
    let port = trap.port();
    for base_url in [
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("https://[::ffff:127.0.0.1]:{port}"),
        format!("https://0.0.0.0:{port}"),
        format!("https://2130706433:{port}"),
        format!("https://localhost:{port}"),
    ] {
        let reason = finding(account_at(&base_url, "sk-ant-a"), &Arc::default(), &[]).await;
        assert!(
            reason.contains("not an address on the internet"),
            "{base_url}: {reason}"
        );
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn plain_http_is_spoken_only_to_what_is_listed() {
    let names = Names::of("provider.test", &[&["8.8.8.8"]]);
    for exceptions in [&[][..], &["loopback"], &["10.0.0.0/8"], &["provider.test:8080"]] {
        let reason = finding(account_at("http://provider.test", "sk-ant-a"), &names, exceptions).await;
        assert!(reason.contains("use https"), "{reason}");
    }
}

#[tokio::test]
async fn a_member_hears_one_sentence_whatever_is_behind_an_address() {
    let trap = Trap::set();
    let names = Names::of("private.test", &[&["10.0.0.1"]]);
    names.lead("mixed.test", &[&["8.8.8.8", "127.0.0.1"]]);
    names.lead("metadata.test", &[&["169.254.169.254"]]);
    let port = trap.port();
    for base_url in [
        "https://private.test".to_owned(),
        "https://metadata.test".to_owned(),
        "https://nowhere.test".to_owned(),
        "http://private.test".to_owned(),
        format!("https://mixed.test:{port}"),
        format!("https://127.0.0.1:{port}"),
    ] {
        for proxy_url in [None, Some(format!("socks5://127.0.0.1:{port}"))] {
            let (mut account, credential) = of_a_member(account_at(&base_url, "sk-ant-a"));
            account.proxy_url = proxy_url;
            let reason = finding((account, credential), &names, EVERYTHING).await;
            assert_eq!(reason, "transport: no answer came", "{base_url}");
        }
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn an_admin_hears_why() {
    let names = Names::of("private.test", &[&["10.0.0.1"]]);
    let refused = finding(account_at("https://private.test", "sk-ant-a"), &names, &[]).await;
    assert_eq!(
        refused,
        "transport: no answer came: private.test:443 leads to 10.0.0.1: not an address on the internet: \
         only accounts of admins reach others, if upstream.allow_private lists them"
    );
    let unknown = finding(account_at("https://nowhere.test", "sk-ant-a"), &names, &[]).await;
    assert!(unknown.contains("nowhere.test cannot be looked up"), "{unknown}");
    let closed = finding(
        account_at("http://127.0.0.1:1", "sk-ant-a"),
        &names,
        &["loopback"],
    )
    .await;
    assert!(closed.contains("onnection refused"), "{closed}");
}

#[tokio::test]
async fn requests_probes_model_lists_and_reports_are_guarded_alike() {
    let trap = Trap::set();
    let names = Names::of("provider.test", &[&["127.0.0.1"]]);
    let network = network(&[]).with_resolver(Arc::<Names>::clone(&names));
    let accounts = vec![account_at(
        &format!("https://provider.test:{}", trap.port()),
        "sk-ant-a",
    )];
    let rig = Rig::over(network, accounts, ProxySettings::default()).await;
    let account = rig.engine.shared().catalogue().pool().accounts().remove(0);

    assert_eq!(rig.call(&message(false)).await.status, 502);
    assert_eq!(rig.call(&message(true)).await.status, 502);
    rig.engine.probe(account.id).await.unwrap();
    rig.engine.models(&rig.key()).await;
    let wish = ReportWish {
        account: &account,
        credential: Credential::ApiKey("sk-ant-admin01-a".to_owned().into()),
        part: &OrganizationPart::default(),
        from: Timestamp::from_seconds(0),
        to: Timestamp::from_seconds(86_400),
    };
    let error = rig
        .engine
        .organization_report(wish)
        .await
        .unwrap_err()
        .to_string();

    assert!(error.contains("leads to 127.0.0.1"), "{error}");
    assert_eq!(names.asked().len(), 5);
    trap.assert_untouched();
}

#[tokio::test]
async fn a_webhook_is_guarded_as_admins_accounts_are() {
    let trap = Trap::set();
    let names = Names::of("hooks.test", &[&["127.0.0.1"]]);
    let network = network(&[]).with_resolver(Arc::<Names>::clone(&names));
    let rig = Rig::over(network, Vec::new(), ProxySettings::default()).await;
    let signer = || Signer::new(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap();
    for address in [
        "http://hooks.test",
        "https://127.0.0.1",
        "https://169.254.169.254",
    ] {
        assert!(
            Webhook::new(rig.engine.shared(), address, signer()).is_err(),
            "{address}"
        );
    }
    let address = format!("https://hooks.test:{}/in", trap.port());
    let webhook = Webhook::new(rig.engine.shared(), &address, signer()).unwrap();
    let undelivered = webhook
        .deliver(AlertId::random(), "{}".to_owned())
        .await
        .unwrap_err();
    assert!(
        undelivered.to_string().contains("leads to 127.0.0.1"),
        "{undelivered}"
    );
    trap.assert_untouched();
}
