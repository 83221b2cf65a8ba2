//! The bill of materials, in the form of CycloneDX 1.5.

use gateway_domain::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::packages::{Composition, Package};
use crate::Result;

/// The same for the same composition, to the byte.
pub(super) fn bill(made_of: &Composition, binary_sha256: &str, made_at: Timestamp) -> Result<String> {
    let mut root = component("application", &made_of.root);
    root["hashes"] = hashes(binary_sha256);
    let parts = made_of.parts.iter().map(|part| {
        let mut component = component("library", &part.package);
        // What was only there while it was built cannot be reached in what was built.
        component["scope"] = if part.is_linked { "required" } else { "excluded" }.into();
        component
    });
    let refer = |places: &[usize]| -> Vec<String> {
        places
            .iter()
            .map(|&place| reference(&made_of.parts[place].package))
            .collect()
    };
    let mut dependencies =
        vec![json!({"ref": reference(&made_of.root), "dependsOn": refer(&made_of.root_depends_on)})];
    dependencies.extend(
        made_of
            .parts
            .iter()
            .map(|part| json!({"ref": reference(&part.package), "dependsOn": refer(&part.depends_on)})),
    );
    let mut bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": made_at.to_string(),
            "component": root,
        },
        "components": parts.collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    bill["serialNumber"] = serial_number(&bill).into();
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

/// Of the content, so that another content has another one.
fn serial_number(bill: &Value) -> String {
    let hash = Sha256::digest(bill.to_string());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    format!("urn:uuid:{}", Builder::from_custom_bytes(bytes).into_uuid())
}

fn component(kind: &str, package: &Package) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
    });
    if let Some(licence) = &package.licence {
        component["licenses"] = json!([{"expression": licence}]);
    }
    // What is not in the registry has no address there: its name may be somebody else's.
    if let Some(sha256) = &package.sha256 {
        component["purl"] = reference(package).into();
        component["hashes"] = hashes(sha256);
    }
    component
}

fn hashes(sha256: &str) -> Value {
    json!([{"alg": "SHA-256", "content": sha256}])
}

/// A package URL where there is one.
fn reference(package: &Package) -> String {
    let Package { name, version, .. } = package;
    if package.sha256.is_some() {
        format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
    } else {
        format!("{name}@{version}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::packages::Packages;
    use super::*;

    const METADATA: &str = include_str!("fixtures/metadata.json");
    const LOCK: &str = include_str!("fixtures/Cargo.lock");

    fn made_of(compiled: &[&str]) -> Composition {
        let compiled: BTreeSet<String> = compiled.iter().map(|&id| id.to_owned()).collect();
        let packages = Packages::read(METADATA, LOCK).unwrap();
        packages.that_make_up("server", &compiled).unwrap()
    }

    fn everything() -> Composition {
        made_of(&["server", "room", "bytes", "syn", "derive", "cc"])
    }

    fn parsed(made_of: &Composition) -> Value {
        let text = bill(made_of, "ab", Timestamp::from_seconds(1_795_740_000)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn names_and_scopes(bill: &Value) -> Vec<(&str, &str)> {
        let components = bill["components"].as_array().unwrap().iter();
        components
            .map(|part| (part["name"].as_str().unwrap(), part["scope"].as_str().unwrap()))
            .collect()
    }

    #[test]
    fn every_part_is_named_and_what_only_helped_to_build_is_marked() {
        assert_eq!(
            names_and_scopes(&parsed(&everything())),
            [
                ("bytes", "required"),
                ("cc", "excluded"),
                ("derive", "excluded"),
                ("room", "required"),
                ("syn", "excluded"),
            ]
        );
    }

    #[test]
    fn what_was_not_compiled_is_not_in_it() {
        let bill = parsed(&made_of(&["server", "room"]));
        assert_eq!(names_and_scopes(&bill), [("room", "required")]);
        assert_eq!(
            bill["dependencies"],
            json!([
                {"ref": "server@0.1.0", "dependsOn": ["room@0.1.0"]},
                {"ref": "room@0.1.0", "dependsOn": []},
            ])
        );
    }

    #[test]
    fn a_part_of_the_registry_has_its_address_licence_and_sum() {
        let bill = parsed(&everything());
        assert_eq!(
            bill["components"][0],
            json!({
                "type": "library",
                "bom-ref": "pkg:cargo/bytes@1.11.1%2Bspec-1",
                "purl": "pkg:cargo/bytes@1.11.1%2Bspec-1",
                "name": "bytes",
                "version": "1.11.1+spec-1",
                "scope": "required",
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "hashes": [{"alg": "SHA-256", "content": "0b"}],
            })
        );
    }

    #[test]
    fn our_own_part_claims_no_place_in_the_registry() {
        let bill = parsed(&everything());
        let room = &bill["components"][3];
        assert_eq!(room["bom-ref"], "room@0.1.0");
        assert_eq!(room["purl"], Value::Null);
        assert_eq!(room["hashes"], Value::Null);
    }

    #[test]
    fn the_program_has_the_sum_of_its_file_and_the_time_of_its_commit() {
        let bill = parsed(&everything());
        let program = &bill["metadata"]["component"];
        assert_eq!(program["hashes"][0]["content"], "ab");
        assert_eq!(bill["metadata"]["timestamp"], "2026-11-27T00:40:00Z");
    }

    #[test]
    fn dependencies_for_tests_are_not_among_them() {
        let bill = parsed(&everything());
        assert_eq!(
            bill["dependencies"][0],
            json!({"ref": "server@0.1.0", "dependsOn": ["pkg:cargo/derive@1.0.0", "room@0.1.0"]})
        );
    }

    #[test]
    fn the_same_parts_have_the_same_bill_and_others_another_number() {
        let at = Timestamp::from_seconds(1_795_740_000);
        let once = bill(&everything(), "ab", at).unwrap();
        assert_eq!(once, bill(&everything(), "ab", at).unwrap());

        let number = |bill: &Value| bill["serialNumber"].as_str().unwrap().to_owned();
        let (all, few) = (parsed(&everything()), parsed(&made_of(&["server", "room"])));
        assert_ne!(number(&all), number(&few));
        assert!(number(&all).starts_with("urn:uuid:"));
    }

    #[test]
    fn a_part_that_cannot_be_checked_is_refused() {
        let lock = LOCK.replace("checksum = \"0b\"", "");
        let error = Packages::read(METADATA, &lock).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Cargo.lock has no checksum of bytes 1.11.1+spec-1"
        );
    }

    #[test]
    fn a_part_that_nobody_knows_is_refused() {
        let packages = Packages::read(METADATA, LOCK).unwrap();
        let compiled = BTreeSet::from(["server".to_owned(), "stranger".to_owned()]);
        assert!(packages.that_make_up("server", &compiled).is_err());
    }
}
