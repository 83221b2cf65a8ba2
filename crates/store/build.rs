//! Notices migrations that were added: the macro that embeds them tracks only files that it has seen.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
