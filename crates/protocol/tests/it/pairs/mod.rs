//! Golden files: every pair of dialects, in both directions.

mod answers;
mod calls;
mod echoes;
mod histories;
mod requests;
mod streams;

use bytes::Bytes;
use gateway_domain::Dialect;
use gateway_protocol::translation::{Birth, Translated, Untranslatable, translate};
use gateway_protocol::{Address, Codec, Framing, codec};

/// A thing said in one dialect.
pub(super) struct Fixture {
    pub(super) name: &'static str,
    pub(super) dialect: Dialect,
    pub(super) bytes: &'static [u8],
}

macro_rules! fixtures {
    ($folder:literal, $end:literal, $($dialect:ident: $prefix:literal $($name:literal)*;)*) => {
        [$($($crate::pairs::Fixture {
            name: concat!($prefix, "_", $name),
            dialect: gateway_domain::Dialect::$dialect,
            bytes: include_bytes!(concat!($folder, "/", $prefix, "_", $name, $end)),
        },)*)*]
    };
}
pub(super) use fixtures;

impl Fixture {
    pub(super) fn codec(&self) -> &'static dyn Codec {
        codec(self.dialect).unwrap()
    }

    /// The dialects that it can be put into.
    pub(super) fn others(&self) -> impl Iterator<Item = &'static dyn Codec> {
        let own = self.dialect;
        let others = Dialect::ALL.into_iter().filter(move |dialect| *dialect != own);
        others.map(|dialect| codec(dialect).unwrap())
    }
}

/// A model that speaks the dialect.
pub(super) const fn model_of(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "claude-sonnet-5-5",
        Dialect::OpenAiChat | Dialect::OpenAiResponses => "gpt-5.6-sol",
        Dialect::Gemini => "gemini-3.8-flash",
    }
}

pub(super) fn put(
    client: &'static dyn Codec,
    upstream: &'static dyn Codec,
    body: &[u8],
) -> Result<Translated, Untranslatable> {
    let address = Address {
        model: Some("asked-for"),
        stream: false,
        framing: Framing::Events,
    };
    let birth = Birth {
        id: "0199aaaa00007000800000000000000a".to_owned(),
        created_at: 1_790_000_000,
    };
    translate(
        client,
        upstream,
        body,
        &address,
        model_of(upstream.dialect()),
        birth,
    )
}

/// The smallest request of a client's dialect, with tools, so that answers of any kind fit it.
pub(super) fn question(client: Dialect) -> &'static [u8] {
    match client {
        Dialect::Anthropic => {
            br#"{"model":"asked-for","max_tokens":100,"messages":[{"role":"user","content":"Hi"}],
                 "tools":[{"name":"get_weather","input_schema":{"type":"object"}},{"name":"now","input_schema":{"type":"object"}}]}"#
        }
        Dialect::OpenAiChat => {
            br#"{"model":"asked-for","messages":[{"role":"user","content":"Hi"}],"stream":true,"stream_options":{"include_usage":true},
                 "tools":[{"type":"function","function":{"name":"get_weather"}},{"type":"function","function":{"name":"now"}}]}"#
        }
        Dialect::OpenAiResponses => {
            br#"{"model":"asked-for","input":"Hi","tools":[{"type":"function","name":"get_weather","parameters":null,"strict":null},
                 {"type":"custom","name":"now"}]}"#
        }
        Dialect::Gemini => {
            br#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"tools":[{"functionDeclarations":[{"name":"get_weather"},{"name":"now"}]}]}"#
        }
    }
}

pub(super) fn pretty(json: &Bytes) -> String {
    let value: serde_json::Value = serde_json::from_slice(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}
