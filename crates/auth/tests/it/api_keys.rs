use gateway_auth::{KeyHasher, MasterKey, PresentedKey, key_prefix};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use secrecy::ExposeSecret;

fn hasher(byte: u8) -> KeyHasher {
    KeyHasher::new(&MasterKey::from_bytes(&[byte; 32]).unwrap())
}

#[test]
fn an_issued_key_is_recognised_by_its_hash() {
    let issued = hasher(1).issue();
    let presented = PresentedKey::parse(issued.key.expose_secret()).unwrap();
    assert_eq!(presented.public_id(), issued.public_id);
    assert_eq!(hasher(1).hash(&presented), issued.hash);
    assert_ne!(
        hasher(2).hash(&presented),
        issued.hash,
        "the hash is keyed by the master key"
    );
    assert!(
        issued
            .key
            .expose_secret()
            .starts_with(&format!("sk-gw-{}-", issued.public_id))
    );
}

#[test]
fn a_new_secret_keeps_the_public_id() {
    let issued = hasher(1).issue();
    let rotated = hasher(1).reissue(&issued.public_id);
    assert_eq!(rotated.public_id, issued.public_id);
    assert_ne!(rotated.key.expose_secret(), issued.key.expose_secret());
    assert_ne!(rotated.hash, issued.hash);
}

#[test]
fn a_key_is_shown_by_its_first_characters() {
    assert_eq!(key_prefix("3fK9abcdefgh"), "sk-gw-3fK9…");
    assert_eq!(key_prefix("3f"), "sk-gw-3f…");
}

#[test]
fn what_is_nearly_a_key_is_none() {
    let issued = hasher(1).issue();
    let good = issued.key.expose_secret();
    assert_eq!(good.len(), 6 + 12 + 1 + 43);
    for text in [
        "",
        "sk-gw-",
        "sk-gw--",
        &good[1..],
        &good[..good.len() - 1],
        &format!("{good}a"),
        &format!("{good}\n"),
        &format!(" {good}"),
        &good.to_uppercase(),
        &good.replacen("sk-gw-", "sk-ant-", 1),
        &format!("sk-gw-{}-{}-", &issued.public_id, &good[19..61]),
        &format!("sk-gw-{}-{}é", &issued.public_id, &good[19..60]),
        &format!("sk-gw-{}é-{}", &issued.public_id[..10], &good[19..]),
    ] {
        assert!(PresentedKey::parse(text).is_none(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in "(sk-gw-)?\\PC{0,14}-?\\PC{0,60}") {
        if let Some(key) = PresentedKey::parse(&text) {
            prop_assert_eq!(key.public_id().len(), 12);
        }
    }

    #[test]
    fn every_well_formed_text_is_read(id in "[0-9A-Za-z]{12}", secret in "[0-9A-Za-z]{43}") {
        let text = format!("sk-gw-{id}-{secret}");
        let key = PresentedKey::parse(&text);
        prop_assert_eq!(key.map(|key| key.public_id()), Some(id.as_str()));
        let debug = format!("{key:?}");
        prop_assert!(!debug.contains(&secret));
    }

    #[test]
    fn other_lengths_are_not_read(id in "[0-9A-Za-z]{0,20}", secret in "[0-9A-Za-z]{0,50}") {
        let is_key = PresentedKey::parse(&format!("sk-gw-{id}-{secret}")).is_some();
        prop_assert_eq!(is_key, id.len() == 12 && secret.len() == 43);
    }
}
