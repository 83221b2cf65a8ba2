//! What is thrown at the readers of foreign bytes that are not public: whatever the bytes, nothing may panic, take more
//! than its room, or believe a stranger.
//!
//! The same functions are run by this crate's tests on the corpus, and by `cargo xtask fuzz` for as long as one likes.
#![expect(clippy::missing_panics_doc, reason = "a panic is how a finding is told")]

use std::net::IpAddr;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::account_form::{AccountUpdate, NewAccount};
use crate::address;
use crate::body::parse;
use crate::coding::Coding;
use crate::key_form::{KeyUpdate, NewKey};
use crate::memory::Memory;
use crate::price_form::{AccountPriceForm, PriceForm, checked_model};

/// Decodes `data`, whose first byte chooses the coding: never beyond its limit, nor beyond what all bodies may take.
pub fn coding(data: &[u8]) {
    const ROOM: usize = 1 << 20;
    const CODINGS: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    let Some((which, encoded)) = data.split_first() else {
        return;
    };
    let memory = Memory::of(ROOM);
    for limit in [ROOM / 4, 4 * ROOM] {
        let decoded =
            CODINGS[usize::from(*which) % CODINGS.len()].decode(encoded, memory.buffer(limit, None));
        if let Ok(decoded) = decoded {
            assert!(decoded.into_body().len() <= limit.min(ROOM));
        }
        let all = memory.buffer(ROOM, Some(ROOM)).extend(&[0; ROOM]);
        assert!(all.is_ok(), "what was taken is given back");
    }
}

/// Reads `data` as a form: what is refused is refused in words that can be shown.
pub fn form(data: &[u8]) {
    drop(parse::<NewKey>(data).map_err(|problem| shown(&problem.to_string())));
    drop(parse::<KeyUpdate>(data).map_err(|problem| shown(&problem.to_string())));
    drop(parse::<NewAccount>(data).map_err(|problem| shown(&problem.to_string())));
    drop(parse::<AccountUpdate>(data).map_err(|problem| shown(&problem.to_string())));
    let price = parse::<PriceForm>(data).and_then(PriceForm::checked);
    drop(price.map_err(|problem| shown(&problem.to_string())));
    let price = parse::<AccountPriceForm>(data).and_then(|form| form.checked("model"));
    drop(price.map_err(|problem| shown(&problem.to_string())));
    if let Ok(model) = std::str::from_utf8(data) {
        drop(checked_model(model));
    }
}

fn shown(words: &str) {
    assert!(words.len() < 10_000, "{} bytes", words.len());
}

/// Reads each line of `data` as an `X-Forwarded-For`: only trusted proxies are believed.
pub fn forwarded(data: &[u8]) {
    let proxy = IpAddr::from([10, 0, 0, 1]);
    let proxies: [IpNet; 1] = [IpNet::new(proxy, 8).expect("8 bits of 32")];
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            headers.append(HeaderName::from_static("x-forwarded-for"), line);
        }
    }
    let stranger = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(address::forwarded(stranger, &headers, &proxies), stranger);
    assert_eq!(address::forwarded(proxy, &headers, &[]), proxy);
    let client = address::forwarded(proxy, &headers, &proxies);
    assert_eq!(client, client.to_canonical());
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    fn throw_corpus(target: &str, throw: fn(&[u8])) {
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

    #[test]
    fn what_is_damaged_breaks_nothing() {
        throw_corpus("coding", super::coding);
        throw_corpus("form", super::form);
        throw_corpus("forwarded", super::forwarded);
    }
}
