use std::borrow::Cow;

use memchr::memmem;

use crate::fingerprint::Fingerprint;
use crate::json;
use crate::peeking::{self, Expected, Field, Fields, Flaw, Problem};
use crate::{Address, CacheWish, InvalidBody, Peek, Preamble};

use super::fields::{camel_case, integer};
use super::files::is_uploaded;

/// Bytes of the name of something that an account holds, its address included.
const MAX_PIN: usize = 2048;

/// See [`Codec::peek`](crate::Codec::peek).
pub(super) fn peek(body: &[u8], address: &Address<'_>) -> Result<Peek, InvalidBody> {
    let fields = peeking::fields(body, wording)?;
    let Some(model) = address.model.filter(|model| !model.is_empty()) else {
        return Err(InvalidBody::new("model: model is not specified"));
    };
    let mut seen = Seen::read(fields)?;
    seen.check_model(model)?;
    // A count of tokens may hold the request that it is for.
    if let Some(request) = seen.request {
        let inner = Seen::read(peeking::object(request, "generateContentRequest", wording)?)?;
        inner.check_model(model)?;
        if seen.contents.is_none() {
            seen = inner;
        }
    }
    let preamble = seen.preamble();
    Ok(Peek {
        model: model.to_owned(),
        model_span: None,
        stream: address.stream,
        framing: address.framing,
        max_tokens: seen.config.map(max_tokens).transpose()?.flatten(),
        user_id: None,
        conversation: seen.conversation(preamble),
        preamble,
        // Gemini caches what it can without being asked.
        cache_wish: CacheWish::Short,
        pin: seen.pin(),
    })
}

/// What routing reads of a request.
#[derive(Default)]
struct Seen<'a> {
    contents: Option<&'a [u8]>,
    system: Option<&'a [u8]>,
    tools: Option<&'a [u8]>,
    cached_content: Option<&'a [u8]>,
    config: Option<&'a [u8]>,
    request: Option<&'a [u8]>,
    model: Option<&'a [u8]>,
}

impl<'a> Seen<'a> {
    /// The address says which model is allowed; a body may repeat it, and nothing else.
    fn check_model(&self, asked: &str) -> Result<(), InvalidBody> {
        let bare = |name: &str| name.strip_prefix("models/").unwrap_or(name).to_owned();
        match self.model {
            None => Ok(()),
            Some(model) if json::text(model).is_some_and(|model| bare(&model) == bare(asked)) => Ok(()),
            Some(_) => Err(InvalidBody::new("model: must be the model of the address")),
        }
    }

    fn read(fields: Fields<'a>) -> Result<Self, InvalidBody> {
        let mut seen = Self::default();
        for field in fields {
            let field = in_camel_case(field?);
            let into = match field.key() {
                b"contents" => &mut seen.contents,
                b"systemInstruction" => &mut seen.system,
                b"tools" => &mut seen.tools,
                b"cachedContent" => &mut seen.cached_content,
                b"generationConfig" => &mut seen.config,
                b"generateContentRequest" => &mut seen.request,
                b"model" => &mut seen.model,
                _ => continue,
            };
            field.keep(into)?;
        }
        let given = |field: Option<&'a [u8]>| field.filter(|value| !json::is_null(value));
        Ok(Self {
            contents: given(seen.contents),
            system: given(seen.system),
            tools: given(seen.tools),
            cached_content: given(seen.cached_content),
            config: given(seen.config),
            request: given(seen.request),
            model: given(seen.model),
        })
    }

    /// What other conversations begin with as well.
    fn preamble(&self) -> Option<Preamble> {
        let mut fingerprint = Fingerprint::new();
        let mut bytes = 0;
        for value in [self.tools, self.system].into_iter().flatten() {
            bytes += value.len();
            fingerprint.add(value);
        }
        (bytes > 0).then(|| Preamble {
            hash: fingerprint.finish(),
            bytes,
        })
    }

    /// The same for every turn of a conversation: later turns only add contents.
    fn conversation(&self, preamble: Option<Preamble>) -> Option<u64> {
        let contents = self.contents?;
        let first = if contents.starts_with(b"[") {
            json::elements(contents).next()?.ok()?
        } else {
            contents
        };
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(&preamble.map_or(0, |preamble| preamble.hash).to_le_bytes());
        fingerprint.add(first);
        Some(fingerprint.finish())
    }

    /// The cache or the first uploaded file that the request refers to.
    fn pin(&self) -> Option<String> {
        let cache = self.cached_content.and_then(json::text);
        cache
            .filter(|name| (1..=MAX_PIN).contains(&name.len()))
            .or_else(|| uploaded_file(self.contents?))
    }
}

fn uploaded_file(contents: &[u8]) -> Option<String> {
    // Within a string the quotes would be escaped.
    [b"\"fileUri\"".as_slice(), b"\"file_uri\""]
        .iter()
        .find_map(|key| {
            memmem::find_iter(contents, key).find_map(|at| {
                let value = contents[at + key.len()..].trim_ascii_start().strip_prefix(b":")?;
                let value = &value[..value.len().min(MAX_PIN)];
                let first = serde_json::Deserializer::from_slice(value).into_iter().next()?;
                first.ok().filter(|uri: &String| is_uploaded(uri))
            })
        })
}

fn max_tokens(config: &[u8]) -> Result<Option<u64>, InvalidBody> {
    let mut tokens = None;
    for field in peeking::object(config, "generationConfig", wording)? {
        let field = in_camel_case(field?);
        if field.key() == b"maxOutputTokens" {
            field.read(&mut tokens, whole_number)?;
        }
    }
    Ok(tokens.flatten())
}

/// As protobuf's JSON has them, also in quotes.
fn whole_number(field: &Field<'_>) -> Result<u64, InvalidBody> {
    let number = integer(field.member.value).and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| field.expect(Expected::WholeNumber))
}

/// A field that may be spelt in either way.
fn in_camel_case(mut field: Field<'_>) -> Field<'_> {
    if field.key().contains(&b'_') {
        let name = String::from_utf8_lossy(field.key());
        field.member.key = Cow::Owned(camel_case(&name).into_owned().into_bytes());
    }
    field
}

fn wording(problem: Problem<'_>) -> String {
    match problem {
        Problem::NotUtf8(at) => format!("The request body is not valid UTF-8 at byte {at}"),
        Problem::NotJson(error) => format!("The request body is not a valid JSON object: {error}"),
        Problem::Field(field, Flaw::GivenTwice) => format!("{field}: Field may be given only once"),
        Problem::Field(field, Flaw::Missing | Flaw::Empty) => format!("{field}: {field} is not specified"),
        Problem::Field(field, Flaw::TooLong(most)) => format!("{field}: expected at most {most} bytes"),
        Problem::Field(field, Flaw::Not(expected)) => {
            let expected = match expected {
                Expected::Text => "a string",
                Expected::Boolean => "a boolean",
                Expected::WholeNumber => "an integer that is not negative",
                Expected::Object => "an object",
            };
            format!("{field}: expected {expected}")
        }
    }
}
