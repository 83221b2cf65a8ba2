use std::sync::Arc;

use bytes::Bytes;
use gateway_domain::{AccountId, ApiKey, Dialect, ProviderKind, RequestId};
use gateway_metering::Admission;
use gateway_protocol::{Codec, Peek};
use gateway_providers::{Operation, PROVIDERS};
use http::{HeaderMap, HeaderValue};

use crate::decision::Decision;
use crate::entry::Entry;
use crate::upstream::Upstream;
use crate::{Answer, Shared};

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
    /// The client's query string, without `?`.
    pub query: Option<String>,
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
}

impl Engine {
    /// An engine with connections of its own.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        let upstream = Upstream::new(Arc::clone(&shared.tls), &shared.settings);
        Self {
            core: Arc::new(Core { shared, upstream }),
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
    /// `admission` is held until the answer's last byte.
    pub async fn call(&self, call: Call, admission: Admission) -> Answer {
        Decision::new(&self.core, call).make(admission).await
    }
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

/// The providers that can answer a call in `dialect`.
pub(crate) fn providers_of(dialect: Dialect) -> Vec<ProviderKind> {
    PROVIDERS
        .iter()
        .filter(|provider| provider.dialect() == dialect)
        .map(|provider| provider.kind())
        .collect()
}
