use bytes::Bytes;
use gateway_domain::{Dialect, Timestamp, UpstreamAccount};
use gateway_protocol::translation::{
    Birth, Count, Rewriter, Translated, Untranslatable, WayBack, estimate_tokens, translate, translate_count,
};
use gateway_protocol::{Address, Codec, Passing, codec, splice};
use gateway_providers::{Operation, Provider};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::spawn_blocking;

use crate::Call;
use crate::missing_calls::MissingCalls;

/// Bodies that are longer are translated aside, so that the worker's other streams go on meanwhile.
const LONG_BODY: usize = 256 * 1024;
/// Tells which parts of a request its provider was not told.
const X_GATEWAY_DROPPED: HeaderName = HeaderName::from_static("x-gateway-dropped");
/// Tells that a count of tokens is the gateway's own guess.
const X_GATEWAY_ESTIMATED: HeaderName = HeaderName::from_static("x-gateway-estimated");

/// A call as it is put to one provider, and how the answer is put to its client.
///
/// Where the provider speaks the client's dialect, both are the bytes that came.
pub(crate) struct Wording {
    /// What the provider is spoken to in, and answers in.
    pub(crate) codec: &'static dyn Codec,
    pub(crate) body: Bytes,
    way_back: Back,
    /// The headers of a body that was translated; the client's own belong to its own.
    headers: Option<HeaderMap>,
    dropped: Option<HeaderValue>,
}

/// A server, as far as it decides in what words it is asked.
#[derive(Clone, Copy)]
pub(crate) struct Server<'a> {
    pub(crate) provider: &'static dyn Provider,
    /// Whether it is the provider's own, and not one that speaks the provider's API.
    pub(crate) is_own: bool,
    pub(crate) account: &'a UpstreamAccount,
    pub(crate) missing: &'a MissingCalls,
}

impl Server<'_> {
    /// Whether it has this call, as far as is known.
    fn answers(self, operation: Operation, dialect: Dialect) -> bool {
        self.provider.answers(operation, dialect) && !self.missing.has(self.account, operation, dialect)
    }

    /// In what it is asked by clients of other dialects.
    fn foreign_codec(self, operation: Operation, model: &str) -> Option<&'static dyn Codec> {
        let dialects = self.provider.dialects().iter().copied();
        let mut codecs = dialects
            .filter(|dialect| self.answers(operation, *dialect))
            .filter_map(codec);
        let first = codecs.clone().next();
        let fit = self
            .is_own
            .then(|| codecs.find(|codec| codec.does_justice_to(model)))
            .flatten();
        fit.or(first)
    }
}

enum Back {
    /// As it comes, but for what the stream must go through.
    AsIs(Option<fn() -> Box<dyn Rewriter + Send>>),
    Told(Box<WayBack>),
    /// A number, in the client's dialect.
    Count(&'static dyn Codec),
}

/// What comes of putting a call to a provider.
pub(crate) enum Worded {
    Said(Box<Wording>),
    /// The provider cannot be asked for a count.
    Estimated(Box<Estimate>),
}

/// A count of tokens that no provider made.
pub(crate) struct Estimate {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Wording {
    /// Puts `call` to `server`, for its model `model`.
    ///
    /// # Errors
    ///
    /// [`Untranslatable`] if the provider has no words for what matters.
    pub(crate) async fn of(
        call: &Call,
        server: Server<'_>,
        model: &str,
        now: Timestamp,
    ) -> Result<Worded, Untranslatable> {
        let dialect = call.codec.dialect();
        if server.answers(call.operation, dialect) {
            return Ok(Worded::Said(Box::new(Self::as_it_is(call, model))));
        }
        match (call.operation, server.foreign_codec(call.operation, model)) {
            (Operation::CreateMessage, Some(upstream)) => {
                let wording = Self::translated(call, upstream, model, now).await?;
                Ok(Worded::Said(Box::new(wording)))
            }
            (Operation::CreateMessage, None) => Err(Untranslatable::unsupported(dialect.as_str())),
            (Operation::CountTokens, upstream) => Self::counted(call, upstream, model).await,
        }
    }

    /// The same call in another of the dialects that its provider speaks.
    pub(crate) async fn instead(
        call: &Call,
        dialect: Dialect,
        model: &str,
        now: Timestamp,
    ) -> Result<Self, Untranslatable> {
        let Some(upstream) = codec(dialect) else {
            return Err(Untranslatable::unsupported(dialect.as_str()));
        };
        Self::translated(call, upstream, model, now).await
    }

    fn as_it_is(call: &Call, model: &str) -> Self {
        let peek = &call.peek;
        let body = match &peek.model_span {
            Some(span) if peek.model != model => splice(&call.body, span.clone(), model),
            _ => call.body.clone(),
        };
        let Passing { body, rewriter } = call.codec.pass(&body, peek);
        Self {
            codec: call.codec,
            body,
            way_back: Back::AsIs(rewriter),
            headers: None,
            dropped: None,
        }
    }

    async fn translated(
        call: &Call,
        upstream: &'static dyn Codec,
        model: &str,
        now: Timestamp,
    ) -> Result<Self, Untranslatable> {
        let client = call.codec;
        let birth = Birth {
            id: call.id.as_uuid().simple().to_string(),
            created_at: now.as_seconds(),
        };
        let translated = aside(call, model, move |body, address, model| {
            translate(client, upstream, body, address, model, birth)
        });
        let Translated {
            body,
            headers,
            dropped,
            way_back,
        } = translated.await?;
        Ok(Self {
            codec: upstream,
            body,
            way_back: Back::Told(Box::new(way_back)),
            headers: Some(body_headers(&headers)),
            dropped: named(&dropped.to_string()),
        })
    }

    async fn counted(
        call: &Call,
        upstream: Option<&'static dyn Codec>,
        model: &str,
    ) -> Result<Worded, Untranslatable> {
        let client = call.codec;
        let Some(upstream) = upstream else {
            return Ok(Worded::Estimated(Box::new(Estimate::of(call).await?)));
        };
        let count = aside(call, model, move |body, address, model| {
            translate_count(client, upstream, body, address, model)
        });
        let Count {
            request,
            estimate,
            dropped,
        } = count.await?;
        let Some(request) = request else {
            return Ok(Worded::Estimated(Box::new(Estimate::new(client, estimate))));
        };
        Ok(Worded::Said(Box::new(Self {
            codec: upstream,
            body: request.body,
            way_back: Back::Count(client),
            headers: Some(body_headers(&request.headers)),
            dropped: named(&dropped.to_string()),
        })))
    }

    /// The headers that go with the body, where those are not the client's.
    pub(crate) fn headers<'a>(&'a self, call: &'a Call) -> &'a HeaderMap {
        self.headers.as_ref().unwrap_or(&call.headers)
    }

    /// The query that goes with the body.
    pub(crate) fn query<'a>(&self, call: &'a Call) -> Option<&'a str> {
        if self.is_translated() {
            None
        } else {
            call.query.as_deref()
        }
    }

    /// Whether client and provider do not speak the same dialect.
    pub(crate) const fn is_translated(&self) -> bool {
        self.headers.is_some()
    }

    /// Adds what the client is told of the translation.
    pub(crate) fn sign(&self, headers: &mut HeaderMap) {
        if let Some(dropped) = &self.dropped {
            headers.insert(X_GATEWAY_DROPPED, dropped.clone());
        }
    }

    /// Puts a whole answer into the client's words; `None` if it is no answer.
    pub(crate) fn tell(&self, body: Bytes) -> Option<Bytes> {
        match &self.way_back {
            Back::AsIs(_) => Some(body),
            Back::Count(client) => Some(client.write_count(self.codec.read_count(&body)?)),
            Back::Told(way_back) => match way_back.reply(&body) {
                Ok(told) => Some(told),
                Err(error) => {
                    tracing::warn!(%error, "a provider's answer cannot be translated");
                    None
                }
            },
        }
    }

    /// What the stream of the answer must go through.
    pub(crate) fn into_rewriter(self) -> Option<Box<dyn Rewriter + Send>> {
        match self.way_back {
            Back::AsIs(rewriter) => rewriter.map(|make| make()),
            Back::Told(way_back) => Some(way_back.stream()),
            Back::Count(_) => None,
        }
    }
}

impl Estimate {
    /// A guess at what `call` asks for.
    pub(crate) async fn of(call: &Call) -> Result<Self, Untranslatable> {
        let client = call.codec;
        let tokens = aside(call, &call.peek.model, move |body, address, _| {
            let conversation = client.read_count_request(body, address, &mut Default::default())?;
            Ok(estimate_tokens(&conversation))
        });
        Ok(Self::new(client, tokens.await?))
    }

    fn new(client: &dyn Codec, tokens: u64) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(X_GATEWAY_ESTIMATED, HeaderValue::from_static("true"));
        Self {
            headers,
            body: client.write_count(tokens),
        }
    }
}

/// Runs `translation` where it holds nobody up.
async fn aside<T: Send + 'static>(
    call: &Call,
    model: &str,
    translation: impl FnOnce(&[u8], &Address<'_>, &str) -> Result<T, Untranslatable> + Send + 'static,
) -> Result<T, Untranslatable> {
    let (stream, framing) = (call.peek.stream, call.peek.framing);
    let at = |model| Address {
        model: Some(model),
        stream,
        framing,
    };
    if call.body.len() <= LONG_BODY {
        return translation(&call.body, &at(&call.peek.model), model);
    }
    let (body, asked_for, model) = (call.body.clone(), call.peek.model.clone(), model.to_owned());
    let aside = spawn_blocking(move || {
        let address = Address {
            model: Some(&asked_for),
            stream,
            framing,
        };
        translation(&body, &address, &model)
    });
    aside
        .await
        .unwrap_or_else(|_| Err(Untranslatable::invalid("request", "it cannot be read")))
}

fn body_headers(of_body: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in of_body {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers
}

fn named(dropped: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(dropped)
        .ok()
        .filter(|value| !value.is_empty())
}
