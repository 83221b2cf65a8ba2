//! The fuzz targets, on their corpus and on what is damaged of it.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own when it is fuzzed")]
mod fuzzing;

use std::fs;
use std::path::Path;

use rstest::rstest;

#[rstest]
#[case::answer("answer", fuzzing::answer)]
#[case::request("request", fuzzing::request)]
#[case::report("report", fuzzing::report)]
#[case::address("address", fuzzing::address)]
#[case::exception("exception", fuzzing::exception)]
fn what_is_damaged_breaks_nothing(#[case] target: &str, #[case] throw: fn(&[u8])) {
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
