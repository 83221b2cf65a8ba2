use std::sync::Arc;

use gateway_auth::{
    AuthSettings, Directory, InvalidSettings, KeyRingSettings, PasswordHasher, Sessions, looks_like_a_sample,
};
use gateway_domain::SystemClock;

use crate::directory::MemoryDirectory;
use crate::world::{SECRET, settings};

fn refusal(settings: &AuthSettings) -> Option<InvalidSettings> {
    let directory: Arc<dyn Directory> = Arc::new(MemoryDirectory::default());
    Sessions::new(
        directory,
        PasswordHasher::new(10, 1, 10),
        settings,
        Arc::new(SystemClock::new()),
    )
    .err()
}

#[test]
fn a_secret_that_is_missing_empty_or_short_is_never_good_enough() {
    assert_eq!(refusal(&settings()), None);
    assert_eq!(
        refusal(&AuthSettings::default()),
        Some(InvalidSettings::MissingSecret)
    );
    for secret in ["", "short", &SECRET[..31]] {
        let short = |name| {
            Some(InvalidSettings::ShortSecret {
                name,
                bytes: secret.len(),
            })
        };
        let current = AuthSettings {
            jwt_secret: Some(secret.into()),
            ..settings()
        };
        assert_eq!(refusal(&current), short("jwt_secret"));
        let previous = AuthSettings {
            previous_jwt_secret: Some(secret.into()),
            ..settings()
        };
        assert_eq!(refusal(&previous), short("previous_jwt_secret"));
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let with = |edit: fn(&mut AuthSettings)| {
        let mut settings = settings();
        edit(&mut settings);
        refusal(&settings)
    };
    assert_eq!(
        with(|settings| settings.bcrypt_cost = 9),
        Some(InvalidSettings::Cost(9))
    );
    assert_eq!(
        with(|settings| settings.bcrypt_cost = 17),
        Some(InvalidSettings::Cost(17))
    );
    assert_eq!(
        with(|settings| settings.access_token_seconds = 0),
        Some(InvalidSettings::Zero("access_token_seconds"))
    );
    assert_eq!(
        with(|settings| settings.failures_per_account = 0),
        Some(InvalidSettings::Zero("failures_per_account"))
    );
}

#[test]
fn settings_are_read_by_name_and_a_typo_is_an_error() {
    let json = format!(r#"{{"jwt_secret": "{SECRET}", "access_token_seconds": 60}}"#);
    let read: AuthSettings = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (read.access_token_seconds, read.refresh_token_seconds),
        (60, 604_800)
    );
    assert_eq!(refusal(&read), None);
    assert!(serde_json::from_str::<AuthSettings>(r#"{"access_token_minutes": 15}"#).is_err());

    let read: KeyRingSettings = serde_json::from_str(r#"{"stale_if_error_seconds": 0}"#).unwrap();
    assert_eq!((read.fresh_seconds, read.stale_if_error_seconds), (60, 0));
    assert!(serde_json::from_str::<KeyRingSettings>(r#"{"fresh": 1}"#).is_err());
}

#[test]
fn sample_secrets_are_told_from_random_ones() {
    for sample in [
        "",
        "CHANGE-ME-please-this-is-not-a-key",
        "my-super-Secret-jwt-key-0123456789",
        "abababababab",
    ] {
        assert!(looks_like_a_sample(sample), "{sample}");
    }
    for random in [
        "uPpaX2C6nGZ2yKzv4kkKXW1gh3H8m0QhO4T8wqg7b1c=",
        "9b1c7f0e44a85d20c3f7be6a11d94c5e7a208f6d3b95e041",
    ] {
        assert!(!looks_like_a_sample(random), "{random}");
    }
}
