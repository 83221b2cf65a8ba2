//! What is handed to others: an archive with the server as it ships, its bill of materials, and their sums.

mod archive;
mod build;
mod materials;
mod notices;
mod packages;
mod source;
mod sums;

use std::fs;
use std::path::{self, Path};

use xshell::cmd;

use self::archive::Entry;
use self::build::Compiler;
use self::packages::Packages;
use crate::Result;
use crate::workspace::{root, shell, target_folder};

/// The server's package, and the name of what is built from it.
const SERVER: &str = "llm-gateway";

/// What an operator reads, from the workspace's folder on.
const DOCUMENTS: &[&str] = &[
    ".env.example",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "config",
    "docs",
];

pub(crate) fn run(out: Option<&Path>) -> Result<()> {
    let out = match out {
        Some(folder) => path::absolute(folder)?,
        None => target_folder().join("dist"),
    };
    let committed_at = source::committed_at()?;
    let compiler = Compiler::here()?;
    let packages = read_packages(&compiler.host)?;

    let built = build::server(&compiler, committed_at)?;
    let made_of = packages.that_make_up(SERVER, &built.packages)?;
    let version = &made_of.root.version;

    fs::create_dir_all(&out)?;
    let name = format!("{SERVER}-{version}-{}", compiler.host);
    let mut entries = vec![
        Entry::program(SERVER, &built.executable)?,
        Entry::text("THIRD-PARTY-NOTICES.txt", notices::of(&made_of)?),
    ];
    for document in DOCUMENTS {
        entries.extend(Entry::documents(root(), document)?);
    }
    let archive = out.join(format!("{name}.tar.gz"));
    archive::pack(fs::File::create(&archive)?, &name, entries, committed_at)?;

    let bill = out.join(format!("{name}.cdx.json"));
    let binary_sum = sums::of(&built.executable)?;
    fs::write(&bill, materials::bill(&made_of, &binary_sum, committed_at)?)?;

    let sums = sums::write(&out)?;
    println!("{}  the server and its documents", shown(&archive));
    println!("{}  what it is made of", shown(&bill));
    println!("{}  their sums", shown(&sums));
    Ok(())
}

fn read_packages(host: &str) -> Result<Packages> {
    let shell = shell()?;
    let metadata = cmd!(
        shell,
        "cargo metadata --locked --format-version 1 --filter-platform {host}"
    );
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    Packages::read(&metadata.quiet().read()?, &lock)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
