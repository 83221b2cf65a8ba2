//! OpenAI's chat completions.

mod answers;
mod errors;
mod foreign_history;
mod passing;
mod peeking;
mod pieces;
mod reading;
mod replies;
mod retelling;
mod streams;
mod writing;

use gateway_domain::Dialect;
use gateway_protocol::translation::ReplyTerms;
use gateway_protocol::{Codec, Framing, codec};

macro_rules! streams {
    ($($name:ident)*) => {
        /// Recorded streams, by name.
        const STREAMS: &[(&str, &[u8])] =
            &[$((stringify!($name), include_bytes!(concat!("../fixtures/chat/", stringify!($name), ".sse")))),*];
    };
}

streams! {
    text parallel_tools interleaved_tools deepseek xai moonshot groq gemini_tools openrouter_error azure custom_tool
    refusal function_call cut_off error_first without_done
}

const ANSWER: &[u8] = include_bytes!("../fixtures/chat/answer.json");

fn chat() -> &'static dyn Codec {
    codec(Dialect::OpenAiChat).unwrap()
}

fn stream(name: &str) -> &'static [u8] {
    STREAMS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn terms(include_usage: bool) -> ReplyTerms {
    ReplyTerms {
        model: "fast".to_owned(),
        id: "01abc".to_owned(),
        created_at: 1_763_800_000,
        include_usage,
        framing: Framing::Events,
        echo: None,
    }
}

/// `stream` cut at these places.
fn cut<'a>(stream: &'a [u8], places: &[proptest::prelude::prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place.index(stream.len())).collect();
    places.sort_unstable();
    let mut chunks = Vec::new();
    let mut from = 0;
    for place in places {
        chunks.push(&stream[from..place]);
        from = place;
    }
    chunks.push(&stream[from..]);
    chunks
}
