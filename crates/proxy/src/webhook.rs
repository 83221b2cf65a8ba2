use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_alerting::Signer;
use gateway_domain::{AlertId, Clock};
use gateway_providers::{InvalidUrl, Reach};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use tokio::time::timeout;

use crate::Shared;
use crate::upstream::{SendError, Upstream, Way};

/// Time for a receiver to answer, connecting included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The webhook is the operator's own.
const OPERATORS: Way<'static> = Way {
    reach: Reach::Admin,
    proxy_url: None,
};

/// How we call ourselves.
const AGENT: &str = concat!("llm-gateway/", env!("CARGO_PKG_VERSION"));

/// Where alerts are sent, with connections of its own.
///
/// A message is a signed POST of JSON as Standard Webhooks says: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
pub struct Webhook {
    upstream: Upstream,
    clock: Arc<dyn Clock>,
    address: Uri,
    signer: Signer,
}

/// The webhook did not accept a message. Nothing of its answer but the status is told.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// It was answered with this status; only 2xx accepts.
    #[error("answered {}", .0.as_u16())]
    Refused(StatusCode),
    /// No answer came in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// It could not be sent.
    #[error("not sent: {0}")]
    Unsent(String),
}

impl Webhook {
    /// A webhook at `address`, spoken to as admins' accounts are: the same reach and trust, nothing redirected, no proxy.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] if nothing may be sent there, as far as its text tells.
    pub fn new(shared: &Shared, address: &str, signer: Signer) -> Result<Self, InvalidUrl> {
        let url = shared.network.policy.webhook_url(address)?;
        let unsendable = InvalidUrl::Malformed("its path or query has characters that cannot be sent");
        let address = url.as_str().parse().map_err(|_| unsendable)?;
        Ok(Self {
            upstream: Upstream::new(&shared.network, &shared.settings),
            clock: Arc::clone(&shared.clock),
            address,
            signer,
        })
    }

    /// Sends a message once; `id` is the same each time it is sent again, and only the time and the signature differ.
    ///
    /// # Errors
    ///
    /// [`Undelivered`] says why the message may not have arrived.
    pub async fn deliver(&self, id: AlertId, body: String) -> Result<(), Undelivered> {
        let (id, at) = (id.to_string(), self.clock.now());
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-timestamp", at.as_seconds())
            .header("webhook-signature", self.signer.sign(&id, at, &body))
            .header("webhook-id", id)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Undelivered::Unsent(error.to_string()))?;
        match timeout(TIMEOUT, self.upstream.send(OPERATORS, request)).await {
            Err(_) => Err(Undelivered::TimedOut),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
            Ok(Ok(answer)) => Err(Undelivered::Refused(answer.status())),
        }
    }
}

impl From<SendError> for Undelivered {
    fn from(error: SendError) -> Self {
        Self::Unsent(error.to_string())
    }
}
