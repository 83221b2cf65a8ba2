//! What cargo knows of the packages that the server is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use crate::Result;

/// Every package of the workspace and of Cargo.lock that this platform may need.
#[derive(Debug)]
pub(super) struct Packages {
    packages: Vec<Package>,
    /// By the id of the package that depends.
    dependencies: BTreeMap<String, Vec<Dependency>>,
}

/// A package in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) licence: Option<String>,
    /// Where its source is.
    pub(super) folder: PathBuf,
    /// Of what was fetched from the registry, in hex. None for the workspace's own.
    pub(super) sha256: Option<String>,
    is_macro: bool,
}

#[derive(Debug)]
struct Dependency {
    id: String,
    is_linked: bool,
}

/// The packages that were compiled for a program.
#[derive(Debug)]
pub(super) struct Composition {
    pub(super) root: Package,
    /// Places in `parts`.
    pub(super) root_depends_on: Vec<usize>,
    /// By name and version.
    pub(super) parts: Vec<Part>,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) package: Package,
    /// Whether its code is in the program; build scripts and macros have only helped to build it.
    pub(super) is_linked: bool,
    /// Places among the parts.
    pub(super) depends_on: Vec<usize>,
}

impl Packages {
    /// From the answer of `cargo metadata` and the text of Cargo.lock.
    pub(super) fn read(metadata: &str, lock: &str) -> Result<Self> {
        let metadata: Metadata = serde_json::from_str(metadata)?;
        let lock: Lock = toml::from_str(lock)?;
        let checksums: BTreeMap<(String, String), String> = lock
            .package
            .into_iter()
            .filter_map(|package| Some(((package.name, package.version), package.checksum?)))
            .collect();
        let packages = metadata.packages.into_iter();
        let packages = packages
            .map(|package| package.checked(&checksums))
            .collect::<Result<Vec<_>>>()?;
        let nodes = metadata.resolve.nodes.into_iter();
        Ok(Self {
            packages,
            dependencies: nodes.map(Node::into_dependencies).collect(),
        })
    }

    /// Those of the `compiled` ones that the package called `root` needs, and how they depend on each other.
    pub(super) fn that_make_up(&self, root: &str, compiled: &BTreeSet<String>) -> Result<Composition> {
        let root = self
            .packages
            .iter()
            .find(|package| package.name == root)
            .ok_or_else(|| format!("there is no package {root}"))?;
        let mut parts: Vec<&Package> = self
            .packages
            .iter()
            .filter(|package| package.id != root.id && compiled.contains(&package.id))
            .collect();
        parts.sort_by_key(|package| (&package.name, &package.version));
        if parts.len() + 1 < compiled.len() {
            return Err("packages were compiled that cargo metadata does not know".into());
        }
        let places = parts
            .iter()
            .enumerate()
            .map(|(place, package)| (package.id.as_str(), place));
        let places: BTreeMap<&str, usize> = places.collect();
        let linked = self.linked(root, compiled);
        Ok(Composition {
            root_depends_on: self.places_of_dependencies(root, &places),
            parts: parts
                .iter()
                .map(|&package| Part {
                    is_linked: linked.contains(package.id.as_str()),
                    depends_on: self.places_of_dependencies(package, &places),
                    package: package.clone(),
                })
                .collect(),
            root: root.clone(),
        })
    }

    fn of(&self, package: &Package) -> &[Dependency] {
        self.dependencies.get(&package.id).map_or(&[], Vec::as_slice)
    }

    fn places_of_dependencies(&self, package: &Package, places: &BTreeMap<&str, usize>) -> Vec<usize> {
        let dependencies = self.of(package).iter();
        let mut found: Vec<usize> = dependencies
            .filter_map(|dependency| places.get(dependency.id.as_str()).copied())
            .collect();
        found.sort_unstable();
        found
    }

    /// The ids of what is reached without passing a macro or a build script.
    fn linked<'a>(&'a self, root: &'a Package, compiled: &BTreeSet<String>) -> BTreeSet<&'a str> {
        let by_id: BTreeMap<&str, &Package> = self
            .packages
            .iter()
            .filter(|package| compiled.contains(&package.id) && !package.is_macro)
            .map(|package| (package.id.as_str(), package))
            .collect();
        let mut linked = BTreeSet::new();
        let mut waiting = vec![root];
        while let Some(package) = waiting.pop() {
            let dependencies = self.of(package).iter();
            for dependency in dependencies.filter(|dependency| dependency.is_linked) {
                if let Some(next) = by_id.get(dependency.id.as_str())
                    && linked.insert(next.id.as_str())
                {
                    waiting.push(next);
                }
            }
        }
        linked
    }
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct MetadataPackage {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    source: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Debug, Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Debug, Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl MetadataPackage {
    fn checked(self, checksums: &BTreeMap<(String, String), String>) -> Result<Package> {
        let Self {
            id, name, version, ..
        } = self;
        let key = (name, version);
        let sha256 = checksums.get(&key).cloned();
        let (name, version) = key;
        if self.source.is_some() && sha256.is_none() {
            return Err(format!("Cargo.lock has no checksum of {name} {version}").into());
        }
        let mut kinds = self.targets.iter().flat_map(|target| &target.kind);
        Ok(Package {
            is_macro: kinds.any(|kind| kind == "proc-macro"),
            folder: self.manifest_path.parent().unwrap_or(&self.manifest_path).into(),
            // As cargo took it before it was SPDX.
            licence: self
                .license
                .map(|text| text.replace(" / ", " OR ").replace('/', " OR ")),
            id,
            name,
            version,
            sha256,
        })
    }
}

impl Node {
    fn into_dependencies(self) -> (String, Vec<Dependency>) {
        let dependencies = self
            .deps
            .into_iter()
            .filter(|dependency| dependency.is(None) || dependency.is(Some("build")))
            .map(|dependency| Dependency {
                is_linked: dependency.is(None),
                id: dependency.pkg,
            });
        (self.id, dependencies.collect())
    }
}

impl NodeDependency {
    fn is(&self, wanted: Option<&str>) -> bool {
        self.dep_kinds.iter().any(|kind| kind.kind.as_deref() == wanted)
    }
}
