//! A crate knows lower floors only (docs/ARCHITECTURE.md).

use std::collections::BTreeMap;

use crate::workspace::Package;

/// Tests may use it whatever its floor: it stands for the world outside.
const SIMULATOR: &str = "gateway-simulator";

/// One sentence for each dependency that does not go strictly down.
pub(crate) fn violations(packages: &[Package]) -> Vec<String> {
    let floors: BTreeMap<&str, u64> = packages
        .iter()
        .filter_map(|package| Some((package.name.as_str(), package.floor?)))
        .collect();
    let mut violations = Vec::new();
    for package in packages {
        let Some(floor) = package.floor else { continue };
        for dependency in &package.dependencies {
            let Some(&below) = floors.get(dependency.name.as_str()) else {
                continue;
            };
            let is_test_double = dependency.only_for_tests && dependency.name == SIMULATOR;
            if below >= floor && !is_test_double {
                violations.push(format!(
                    "{} (floor {floor}) depends on {} (floor {below}): a dependency goes strictly down",
                    package.name, dependency.name
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, floor: u64, dependencies: &[(&str, bool)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|&(name, only_for_tests)| Dependency {
                name: name.to_owned(),
                only_for_tests,
            })
            .collect();
        Package {
            name: name.to_owned(),
            floor: Some(floor),
            dependencies,
            ..Package::default()
        }
    }

    #[test]
    fn down_is_allowed_and_sideways_and_up_are_not() {
        let packages = [
            package("domain", 0, &[("serde", false), ("auth", false)]),
            package("auth", 1, &[("domain", false), ("metering", false)]),
            package("metering", 1, &[("domain", false)]),
        ];
        assert_eq!(
            violations(&packages),
            [
                "domain (floor 0) depends on auth (floor 1): a dependency goes strictly down",
                "auth (floor 1) depends on metering (floor 1): a dependency goes strictly down",
            ]
        );
    }

    #[test]
    fn only_tests_and_only_the_simulator_are_exempt() {
        let simulator = package(SIMULATOR, 1, &[]);
        let sideways = package("protocol", 1, &[(SIMULATOR, true)]);
        assert_eq!(violations(&[simulator.clone(), sideways]), Vec::<String>::new());
        let shipped = package("protocol", 1, &[(SIMULATOR, false)]);
        assert_eq!(violations(&[simulator, shipped]).len(), 1);
        let tests = [package("auth", 1, &[("store", true)]), package("store", 2, &[])];
        assert_eq!(violations(&tests).len(), 1);
    }
}
