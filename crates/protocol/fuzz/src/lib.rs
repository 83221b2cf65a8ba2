//! What is thrown at every parser: whatever the bytes, nothing may panic, overflow the stack or take forever.
//!
//! The same functions are run by the crate's own tests on damaged fixtures, and by `cargo fuzz` for as long as one
//! likes. The first two bytes of the data choose the dialects.

use bytes::Bytes;
use gateway_domain::Dialect;
use gateway_protocol::translation::{Birth, Translated, translate, translate_count};
use gateway_protocol::{Address, Codec, ErrorAnswer, ErrorKind, Framing, codec};

/// Reads `data` in passing, as a request that also passes to a provider of its dialect, a list of models and a whole
/// answer.
pub fn peek(data: &[u8]) {
    let Some((client, data)) = choose(data) else {
        return;
    };
    for address in addresses() {
        if let Ok(peek) = client.peek(data, &address) {
            assert!(!peek.model.is_empty());
            if let Some(span) = &peek.model_span {
                assert!(span.end <= data.len());
            }
            let passed = client.pass(&Bytes::copy_from_slice(data), &peek).body;
            let peek = client.peek(&passed, &address);
            let peek = peek.expect("what is passed on is a request");
            assert_eq!(client.pass(&passed, &peek).body, passed);
        }
    }
    client.read_answer(data);
    client.read_models(data);
}

/// Puts the request `data` into another dialect, and what came of it back.
pub fn request(data: &[u8]) {
    let Some((client, upstream, data)) = choose_two(data) else {
        return;
    };
    for address in addresses() {
        if let Ok(translated) = put(client, upstream, data, &address) {
            // What we write we can read.
            let read = upstream.peek(&translated.body, &address);
            assert!(read.is_ok(), "{:?}", read.err());
            drop(put(upstream, client, &translated.body, &address));
        }
        drop(translate_count(client, upstream, data, &address, "model"));
    }
}

/// Puts the whole answer `data` into another dialect.
pub fn answer(data: &[u8]) {
    let Some((client, upstream, data)) = choose_two(data) else {
        return;
    };
    if let Ok(told) = way_back(client, upstream).way_back.reply(data) {
        client.read_answer(&told);
    }
    upstream.read_count(data);
}

/// Puts the stream `data` into another dialect, whole and in pieces.
pub fn stream(data: &[u8]) {
    let Some((client, upstream, data)) = choose_two(data) else {
        return;
    };
    let translated = way_back(client, upstream);
    let told = |size: usize| {
        let mut rewriter = translated.way_back.stream();
        let mut reader = upstream.stream_reader();
        let mut out = Vec::new();
        for chunk in data.chunks(size) {
            rewriter.push(chunk, &mut out);
            reader.push(chunk);
        }
        rewriter.end(&mut out);
        reader.end();
        (out, reader.phase(), reader.summary())
    };
    assert_eq!(told(7), told(usize::MAX));
}

/// Reads the error `data` and says it in another dialect.
pub fn error(data: &[u8]) {
    let Some((client, upstream, data)) = choose_two(data) else {
        return;
    };
    if let Some(said) = upstream.read_error(data) {
        client.error_body(&ErrorAnswer {
            kind: ErrorKind::InvalidRequest,
            message: &said.message,
            request_id: "r",
            code: None,
            retry_after: None,
        });
    }
    client.error_event_of(data);
}

fn put(
    client: &'static dyn Codec,
    upstream: &'static dyn Codec,
    body: &[u8],
    address: &Address<'_>,
) -> Result<Translated, gateway_protocol::translation::Untranslatable> {
    let birth = Birth {
        id: "0".repeat(32),
        created_at: 0,
    };
    translate(client, upstream, body, address, "model", birth)
}

fn way_back(client: &'static dyn Codec, upstream: &'static dyn Codec) -> Translated {
    let question: &[u8] = match client.dialect() {
        Dialect::Anthropic => {
            br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#
        }
        Dialect::OpenAiChat => {
            br#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"custom","custom":{"name":"t"}}]}"#
        }
        Dialect::OpenAiResponses => {
            br#"{"model":"m","input":"Hi","tools":[{"type":"custom","name":"t"}]}"#
        }
        Dialect::Gemini => br#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#,
    };
    put(client, upstream, question, &addresses()[0]).expect("the question can be put in every dialect")
}

fn addresses() -> [Address<'static>; 2] {
    [(false, Framing::Events), (true, Framing::Array)].map(|(stream, framing)| Address {
        model: Some("model"),
        stream,
        framing,
    })
}

fn choose(data: &[u8]) -> Option<(&'static dyn Codec, &[u8])> {
    let (first, data) = data.split_first()?;
    let dialect = Dialect::ALL[usize::from(*first) % Dialect::ALL.len()];
    Some((codec(dialect)?, data))
}

fn choose_two(data: &[u8]) -> Option<(&'static dyn Codec, &'static dyn Codec, &[u8])> {
    let (client, data) = choose(data)?;
    let (upstream, data) = choose(data)?;
    Some((client, upstream, data))
}
