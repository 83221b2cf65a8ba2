use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_alerting::Signer;
use gateway_domain::{AlertId, Clock};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use tokio::time::timeout;
use url::Url;

use crate::Shared;
use crate::upstream::{SendError, Upstream};

/// Time for a receiver to answer, connecting included.
const TIMEOUT: Duration = Duration::from_secs(10);

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

/// Requests cannot be sent to this address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("requests cannot be sent to this address")]
pub struct InvalidAddress;

impl Webhook {
    /// A webhook at `address`, spoken to as providers are: the same trust, nothing redirected, no proxy.
    ///
    /// Which addresses are allowed is for the caller to say.
    ///
    /// # Errors
    ///
    /// [`InvalidAddress`] if it is no address of HTTP.
    pub fn new(shared: &Shared, address: &Url, signer: Signer) -> Result<Self, InvalidAddress> {
        let address: Uri = address.as_str().parse().map_err(|_| InvalidAddress)?;
        Ok(Self {
            upstream: Upstream::new(Arc::clone(&shared.tls), &shared.settings),
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
        match timeout(TIMEOUT, self.upstream.send(None, request)).await {
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
