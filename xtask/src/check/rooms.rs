//! One room per library (docs/ARCHITECTURE.md): what only some crates may name.

use crate::workspace::Package;

/// A library, and the packages that may depend on it directly. `deny.toml` says the same for the whole tree.
const ROOMS: &[(&str, &[&str])] = &[
    ("actix-tls", &["gateway-api"]),
    ("actix-web", &["gateway-api", "llm-gateway"]),
    ("bcrypt", &["gateway-auth"]),
    ("config", &["llm-gateway"]),
    ("deadpool", &["gateway-store"]),
    ("diesel", &["gateway-store"]),
    ("diesel-async", &["gateway-store"]),
    ("diesel_migrations", &["gateway-store"]),
    ("dotenvy", &["llm-gateway"]),
    ("hyper", &["gateway-proxy"]),
    ("hyper-rustls", &["gateway-proxy"]),
    ("hyper-util", &["gateway-proxy"]),
    ("jsonwebtoken", &["gateway-auth"]),
    ("libsqlite3-sys", &["gateway-store"]),
    ("mimalloc", &["llm-gateway"]),
    ("rustls", &["gateway-proxy", "gateway-store", "llm-gateway"]),
    ("tokio-postgres", &["gateway-store"]),
    ("tokio-postgres-rustls", &["gateway-store"]),
    ("webpki-roots", &["gateway-proxy", "gateway-store"]),
];

/// One sentence for each library that is shipped outside of its room; tests may be clients of anything.
pub(crate) fn violations(packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| !dependency.only_for_tests)
        {
            let room = ROOMS.iter().find(|(library, _)| *library == dependency.name);
            if let Some((library, room)) = room
                && !room.contains(&package.name.as_str())
            {
                violations.push(format!(
                    "{} depends on {library}, which belongs to {}",
                    package.name,
                    room.join(", ")
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

    fn package(name: &str, library: &str, only_for_tests: bool) -> Package {
        let dependency = Dependency {
            name: library.to_owned(),
            only_for_tests,
        };
        Package {
            name: name.to_owned(),
            dependencies: vec![dependency],
            ..Package::default()
        }
    }

    #[test]
    fn a_library_stays_in_its_room() {
        let packages = [
            package("gateway-store", "diesel", false),
            package("gateway-api", "diesel", false),
            package("gateway-api", "hyper", true),
        ];
        assert_eq!(
            violations(&packages),
            ["gateway-api depends on diesel, which belongs to gateway-store"]
        );
    }
}
