use std::sync::Arc;

use bytes::Bytes;
use gateway_domain::{AccountId, ApiKey, ProviderKind, RequestId};
use gateway_protocol::{Codec, Framing, Peek};
use gateway_providers::{Operation, PROVIDERS};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::timeout;

use crate::entry::{EarlyHead, Entry};
use crate::readers::Readers;
use crate::routing::Routing;
use crate::stream::Deciding;
use crate::upstream::Upstream;
use crate::{Admitted, Answer, AnswerBody, AnswerStream, Shared};

/// One client's call, let in and read as far as its dialect needs.
pub struct Call {
    /// Names the call in rows, logs and `x-gateway-request-id`.
    pub id: RequestId,
    /// What is asked for.
    pub operation: Operation,
    /// How it is asked.
    pub codec: &'static dyn Codec,
    /// The key that it came with.
    pub key: Arc<ApiKey>,
    /// What was read from the body in passing.
    pub peek: Peek,
    /// The body as the client sent it.
    pub body: Bytes,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The client's query string, without `?` and without credentials.
    pub query: Option<String>,
    /// The version of the API in the client's address, where its dialect has several.
    pub version: Option<String>,
}

impl Call {
    /// Whether the answer shall be a stream.
    pub(crate) fn is_streamed(&self) -> bool {
        self.peek.stream && self.operation == Operation::CreateMessage
    }
}

/// Answers calls by sending them through upstream accounts.
///
/// One decision path serves every route and dialect: pick, send, and move on to the next account while nothing
/// of an answer has reached the client. Made once a worker, since it owns the worker's connections.
pub struct Engine {
    core: Arc<Core>,
}

/// What an engine's open requests hold on to.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstream: Upstream,
    readers: Arc<Readers>,
}

impl Engine {
    /// An engine with connections of its own.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        let upstream = Upstream::new(&shared.network, &shared.settings);
        let readers = Arc::new(Readers::new(shared.settings.reader_timeout()));
        Self {
            core: Arc::new(Core {
                shared,
                upstream,
                readers,
            }),
        }
    }

    /// What this engine has in common with the other workers'.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.core.shared
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.core.upstream
    }

    /// Answers `call`. What goes wrong is an answer too, in the call's own dialect.
    ///
    /// A stream that has no content after
    /// [`hold_timeout_seconds`](crate::ProxySettings::hold_timeout_seconds) is answered with a head all the same,
    /// and its body goes on from there. `admitted` is held until the answer's last byte.
    pub async fn call(&self, call: Call, admitted: Admitted) -> Answer {
        if call.is_streamed() {
            return self.stream(call, admitted).await;
        }
        let decision = Routing::new(&self.core, call);
        decision
            .make(admitted, None)
            .await
            .into_answer(&self.core.readers)
    }

    async fn stream(&self, call: Call, admitted: Admitted) -> Answer {
        let (codec, request_id, framing) = (call.codec, call.id.to_string(), call.peek.framing);
        let Core { shared, readers, .. } = &*self.core;
        let early_head = EarlyHead::default();
        let decision = Routing::new(&self.core, call);
        let mut deciding: Deciding = Box::pin(decision.make(admitted, Some(early_head.clone())));
        if framing == Framing::Array {
            // Nothing can be said of an array before its first element, not even that it is coming.
            return deciding.await.into_answer(readers);
        }
        if let Ok(decided) = timeout(shared.settings.hold_timeout(), &mut deciding).await {
            return decided.into_answer(readers);
        }
        early_head.is_sent_now();
        let ping_interval = shared.settings.ping_interval();
        let stream = AnswerStream::waiting(deciding, codec, request_id, ping_interval, readers);
        Answer {
            status: StatusCode::OK,
            headers: early_headers(),
            body: AnswerBody::Stream(Box::new(stream)),
        }
    }
}

/// The head of a stream before it is known who serves it: of the gateway's own headers none can be said yet.
fn early_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers
}

/// Adds the gateway's own headers.
pub(crate) fn sign(headers: &mut HeaderMap, account_id: Option<AccountId>, entry: &Entry) {
    if let Some(value) = account_id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
        headers.insert("x-gateway-account", value);
    }
    headers.insert("x-gateway-attempts", HeaderValue::from(entry.attempts()));
    let overhead_ms = entry.overhead().as_secs_f64() * 1000.0;
    if let Ok(value) = HeaderValue::try_from(format!("{overhead_ms:.3}")) {
        headers.insert("x-gateway-overhead-ms", value);
    }
}

/// Every provider: what one does not speak is translated for it.
pub(crate) fn every_provider() -> Vec<ProviderKind> {
    PROVIDERS.iter().map(|provider| provider.kind()).collect()
}
