use gateway_auth::{MasterKey, Sealed, UnsealError, Vault, credential_hint};
use gateway_domain::{AccountId, Credential, Timestamp};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use secrecy::ExposeSecret;

const CONTEXT: &str = "0195/credential";

fn master_key(byte: u8) -> MasterKey {
    MasterKey::from_bytes(&[byte; 32]).unwrap()
}

fn vault(byte: u8) -> Vault {
    Vault::new(&master_key(byte))
}

#[test]
fn what_was_sealed_opens_for_the_same_context_only() {
    let sealed = vault(1).seal(CONTEXT, b"the secret");
    assert_eq!(vault(1).open(CONTEXT, &sealed).unwrap().as_slice(), b"the secret");
    assert_eq!(
        vault(1).open("0196/credential", &sealed),
        Err(UnsealError::Tampered)
    );
    assert_eq!(vault(1).open("", &sealed), Err(UnsealError::Tampered));
}

#[test]
fn another_master_key_says_so() {
    let sealed = vault(1).seal(CONTEXT, b"the secret");
    let error = vault(2).open(CONTEXT, &sealed).unwrap_err();
    let UnsealError::UnknownKey { sealed_with, known } = &error else {
        panic!("{error:?}");
    };
    assert_ne!(sealed_with, known);
    assert!(
        error
            .to_string()
            .contains("start with the master key that it was sealed with"),
        "{error}"
    );
}

#[test]
fn two_seals_of_one_secret_have_nothing_in_common_but_the_key_id() {
    let (first, second) = (
        vault(1).seal(CONTEXT, b"the secret"),
        vault(1).seal(CONTEXT, b"the secret"),
    );
    let parts = |sealed: &Sealed| sealed.as_str().split('.').map(str::to_owned).collect::<Vec<_>>();
    let (first, second) = (parts(&first), parts(&second));
    assert_eq!(first[..2], second[..2]);
    assert_eq!((first.len(), first[0].as_str()), (5, "v1"));
    for index in 2..5 {
        assert_ne!(first[index], second[index]);
    }
}

#[test]
fn every_changed_character_is_noticed() {
    let sealed = vault(1).seal(CONTEXT, b"the secret");
    for index in 0..sealed.as_str().len() {
        let mut text = sealed.as_str().to_owned().into_bytes();
        text[index] = if text[index] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(text).unwrap();
        let opened = Sealed::parse(&text).and_then(|sealed| vault(1).open(CONTEXT, &sealed));
        assert!(opened.is_err(), "{index}");
    }
}

#[test]
fn parts_of_two_records_do_not_fit_together() {
    let (first, second) = (
        vault(1).seal(CONTEXT, b"first"),
        vault(1).seal(CONTEXT, b"second"),
    );
    let first: Vec<&str> = first.as_str().split('.').collect();
    let second: Vec<&str> = second.as_str().split('.').collect();
    let mixed = [first[0], first[1], first[2], second[3], second[4]].join(".");
    let mixed = Sealed::parse(&mixed).unwrap();
    assert_eq!(vault(1).open(CONTEXT, &mixed), Err(UnsealError::Tampered));
}

#[test]
fn what_was_never_sealed_is_malformed() {
    let sealed = vault(1).seal(CONTEXT, b"");
    let good = sealed.as_str();
    for text in [
        "",
        "v1",
        "v1....",
        "sk-ant-api03-plain",
        &good[1..],
        &good.replacen("v1", "v2", 1),
        &format!("{good}."),
        &good[..good.len() - 2],
    ] {
        assert_eq!(Sealed::parse(text), Err(UnsealError::Malformed), "{text}");
    }
}

#[test]
fn a_new_master_key_takes_over_record_by_record() {
    let old = vault(1).seal(CONTEXT, b"the secret");
    let rotating = vault(2).with_previous(&master_key(1));
    assert_eq!(rotating.open(CONTEXT, &old).unwrap().as_slice(), b"the secret");
    let new = rotating.rewrap(CONTEXT, &old).unwrap().unwrap();
    assert_eq!(rotating.rewrap(CONTEXT, &new), Ok(None));
    assert_eq!(vault(2).open(CONTEXT, &new).unwrap().as_slice(), b"the secret");
    assert!(rotating.rewrap("0196/credential", &old).is_err());
}

#[test]
fn credentials_come_back_whole() {
    let account = AccountId::random();
    let sealed = vault(1).seal_credential(account, &Credential::ApiKey("sk-\"quoted\"".into()));
    assert!(vault(1).open_credential(AccountId::random(), &sealed).is_err());
    match vault(1).open_credential(account, &sealed).unwrap() {
        Credential::ApiKey(key) => assert_eq!(key.expose_secret(), "sk-\"quoted\""),
        other @ Credential::OAuth { .. } => panic!("{other:?}"),
    }

    let expires_at: Timestamp = "2026-01-31T12:00:00.5Z".parse().unwrap();
    for (refresh_token, expires_at) in [(Some("refresh"), Some(expires_at)), (None, None)] {
        let credential = Credential::OAuth {
            access_token: "access".into(),
            refresh_token: refresh_token.map(Into::into),
            expires_at,
        };
        let sealed = vault(1).seal_credential(account, &credential);
        match vault(1).open_credential(account, &sealed).unwrap() {
            Credential::OAuth {
                access_token,
                refresh_token: refresh,
                expires_at: end,
            } => {
                assert_eq!(access_token.expose_secret(), "access");
                assert_eq!(refresh.as_ref().map(ExposeSecret::expose_secret), refresh_token);
                assert_eq!(end, expires_at);
            }
            other @ Credential::ApiKey(_) => panic!("{other:?}"),
        }
    }
}

#[test]
fn one_credential_of_an_account_does_not_stand_for_the_other() {
    let account = AccountId::random();
    let key = Credential::ApiKey("sk-ant-admin01-x".into());
    let (usual, admin) = (
        vault(1).seal_credential(account, &key),
        vault(1).seal_admin_credential(account, &key),
    );
    assert!(vault(1).open_admin_credential(account, &admin).is_ok());
    assert!(
        vault(1)
            .open_admin_credential(AccountId::random(), &admin)
            .is_err()
    );
    assert!(matches!(
        vault(1).open_credential(account, &admin),
        Err(UnsealError::Tampered)
    ));
    assert!(matches!(
        vault(1).open_admin_credential(account, &usual),
        Err(UnsealError::Tampered)
    ));
}

#[test]
fn what_opens_but_is_no_credential_is_malformed() {
    let account = AccountId::random();
    let sealed = vault(1).seal(&format!("{account}/credential"), br#"{"kind": "api_key"}"#);
    assert!(matches!(
        vault(1).open_credential(account, &sealed),
        Err(UnsealError::Malformed)
    ));
}

#[test]
fn a_hint_never_shows_more_than_a_quarter() {
    for (secret, hint) in [
        ("sk-ant-api03-0123456789wxyz", "…wxyz"),
        ("0123456789abcdef", "…cdef"),
        ("12345678", "…78"),
        ("123", "…"),
        ("", "…"),
        ("ключключключключ", "…ключ"),
    ] {
        assert_eq!(credential_hint(&Credential::ApiKey(secret.into())), hint);
    }
}

proptest! {
    #[test]
    fn every_secret_survives(context in ".{0,40}", secret in proptest::collection::vec(any::<u8>(), 0..200)) {
        let sealed = vault(1).seal(&context, &secret);
        let read_back = Sealed::parse(sealed.as_str()).unwrap();
        prop_assert_eq!(vault(1).open(&context, &read_back).unwrap().to_vec(), secret);
        prop_assert!(sealed.as_str().is_ascii());
    }

    #[test]
    fn no_text_breaks_the_reader(text in "(v1)?[.A-Za-z0-9_=-]{0,200}") {
        if let Ok(sealed) = Sealed::parse(&text) {
            prop_assert!(vault(1).open(CONTEXT, &sealed).is_err());
        }
    }
}
