use std::collections::BTreeSet;

use super::layers::DEFAULTS;
use super::*;

/// The keys of default.toml, those in comments included, as `section.key`.
fn documented_keys() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut section = "";
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ")
            && key
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

fn fields() -> BTreeSet<String> {
    let keys = |(section, fields): &Section| {
        let section = *section;
        fields()
            .iter()
            .map(move |field| format!("{section}.{field}"))
            .collect::<Vec<_>>()
    };
    SECTIONS.iter().flat_map(keys).collect()
}

#[test]
fn default_toml_documents_every_setting_and_no_other() {
    assert_eq!(documented_keys(), fields());
}

#[test]
fn every_section_is_listed() {
    let listed: BTreeSet<_> = SECTIONS.iter().map(|(section, _)| *section).collect();
    assert_eq!(
        fields_of::<Config>().iter().copied().collect::<BTreeSet<_>>(),
        listed
    );
}

#[test]
fn a_key_that_has_a_default_is_written_down() {
    let layers = Layers::defaults().unwrap();
    let given: BTreeSet<_> = layers.entries().into_iter().map(|entry| entry.key).collect();
    let in_comments: BTreeSet<_> = documented_keys().difference(&given).cloned().collect();
    for key in &in_comments {
        let (section, key) = key.split_once('.').unwrap();
        assert!(
            DEFAULTS.contains(&format!("# {key} = \"\"\n")),
            "[{section}] {key} has no default"
        );
    }
}

#[test]
fn the_defaults_and_the_files_of_the_profiles_can_be_used() {
    let layers = Layers::defaults().unwrap();
    Config::of(&layers).unwrap();
    for (profile, key) in [
        ("production", "log.format"),
        ("development", "upstream.allow_private"),
    ] {
        let layers = Layers::over(&variables::Variables::default(), Some(profile), None).unwrap();
        check(&layers).unwrap();
        let origin = format!("built-in {profile}.toml");
        assert_eq!(layers.origin(key), Some(origin));
    }
}

/// A room has defaults of its own, for those who embed it.
#[test]
fn the_documented_defaults_are_the_rooms_own() {
    let layers = Layers::defaults().unwrap();
    let config = Config::of(&layers).unwrap();
    assert_eq!(
        format!("{:?}", config.api),
        format!("{:?}", ApiSettings::default())
    );
    assert_eq!(
        format!("{:?}", config.auth),
        format!("{:?}", AuthSettings::default())
    );
    assert_eq!(
        format!("{:?}", config.alerts),
        format!("{:?}", AlertSettings::default())
    );
    assert_eq!(config.keys, KeyRingSettings::default());
    assert_eq!(config.ledger, LedgerSettings::default());
    assert_eq!(config.balancing, PoolSettings::default());
    assert_eq!(config.proxy, ProxySettings::default());
    assert_eq!(config.store, StoreSettings::default());
}
