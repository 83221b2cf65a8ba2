//! The fuzz targets, on their corpus and on what is damaged of it.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own when it is fuzzed")]
mod fuzzing;

use std::fs;
use std::path::Path;

use rstest::rstest;

#[rstest]
#[case::api_key("api_key", fuzzing::api_key)]
#[case::access_token("access_token", fuzzing::access_token)]
#[case::sealed("sealed", fuzzing::sealed)]
fn damaged_credentials_let_nobody_in(#[case] target: &str, #[case] throw: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    for file in fs::read_dir(corpus).unwrap() {
        let whole = fs::read(file.unwrap().path()).unwrap();
        throw(&whole);
        for at in (0..whole.len()).step_by(1 + whole.len() / 50) {
            throw(&whole[..at]);
            let mut damaged = whole.clone();
            damaged[at] = damaged[at].wrapping_add(1);
            throw(&damaged);
        }
    }
}
