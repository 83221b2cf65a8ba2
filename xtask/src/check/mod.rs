mod dependencies;
mod floors;
mod named_tests;
mod rooms;
mod tidy;

use std::path::Path;
use std::time::{Duration, Instant};

use xshell::cmd;

use crate::Result;
use crate::prices;
use crate::workspace::{Package, packages, root, shell};

/// Runs every step, so that one look tells all that is wrong, and fails if any did.
pub(crate) fn run() -> Result<()> {
    let packages = packages()?;
    let shell = shell()?;
    let mut failed = Vec::new();
    let mut step = |name: &'static str, outcome: &dyn Fn() -> Result<()>| {
        if !report(name, outcome) {
            failed.push(name);
        }
    };

    step("format", &|| {
        let command = cmd!(shell, "cargo fmt --all -- --check --files-with-diff");
        command
            .quiet()
            .run()
            .map_err(|_| "the files above: cargo fmt --all mends them".into())
    });
    step("floors", &|| nothing_wrong(&floors::violations(&packages)));
    step("rooms", &|| nothing_wrong(&rooms::violations(&packages)));
    step("tidy", &|| nothing_wrong(&tidy(&packages)?));
    step("security tests", &|| {
        nothing_wrong(&named_tests::missing(root())?)
    });
    step("prices", &|| {
        let list = std::fs::read_to_string(root().join(prices::FILE))?;
        nothing_wrong(&prices::findings(&list)?.mistakes)
    });
    step("lints", &|| {
        let deny = ["--", "-D", "warnings"];
        Ok(cmd!(
            shell,
            "cargo clippy --quiet --workspace --all-targets --locked {deny...}"
        )
        .quiet()
        .run()?)
    });
    step("documentation", &|| {
        let command = cmd!(shell, "cargo doc --quiet --workspace --no-deps --locked");
        Ok(command.env("RUSTDOCFLAGS", "-D warnings").quiet().run()?)
    });
    step("dependencies", &dependencies::allowed);
    if let Some(folder) = dependencies::advisories() {
        step("advisories", &|| {
            dependencies::advised_against(Path::new(&folder))
        });
    } else {
        println!(
            "     --  advisories: not looked at, since {} names no folder that has them",
            dependencies::ADVISORIES_VARIABLE
        );
    }

    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")).into())
    }
}

fn tidy(packages: &[Package]) -> Result<Vec<String>> {
    let mut violations = tidy::undescribed(packages);
    violations.extend(tidy::unpaired_migrations(&root().join("migrations"))?);
    violations.extend(tidy::forbidden_words(root(), packages)?);
    Ok(violations)
}

fn nothing_wrong(violations: &[String]) -> Result<()> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations.join("\n").into())
    }
}

/// Prints what a step did and how long it took. Whether it passed.
fn report(name: &str, outcome: &dyn Fn() -> Result<()>) -> bool {
    let watch = Stopwatch::start();
    let result = outcome();
    let seconds = watch.elapsed().as_secs_f64();
    match &result {
        Ok(()) => println!("{seconds:6.1} s  {name}"),
        Err(error) => println!("{seconds:6.1} s  {name}: FAILED\n{error}"),
    }
    result.is_ok()
}

struct Stopwatch(Instant);

#[expect(
    clippy::disallowed_methods,
    reason = "the time of a build step is nobody's business rule"
)]
impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
