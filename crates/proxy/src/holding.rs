use std::collections::VecDeque;

use bytes::Bytes;
use gateway_domain::{Fault, FaultClass};
use gateway_protocol::{StreamPhase, StreamReader};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode, response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::attempt::{Attempt, Opened};
use crate::entry::Entry;
use crate::failure::Failure;

/// Bytes of a stream that are held back before its first content.
const MAX_HELD_BYTES: usize = 256 * 1024;

/// A stream read as far as it must be before the client may see it.
pub(crate) struct OpenedStream {
    pub(crate) head: response::Parts,
    /// What has come so far; `reader` has been shown all of it.
    pub(crate) held: VecDeque<Bytes>,
    pub(crate) body: Incoming,
    pub(crate) reader: Box<dyn StreamReader + Send>,
}

impl Attempt<'_> {
    /// Reads a stream up to its first content, so that nothing is lost by moving on before.
    ///
    /// A client that must not wait that long is kept alive with pings of our own: had it the provider's first event,
    /// another account's would be one too many.
    pub(crate) async fn hold(
        &self,
        head: response::Parts,
        body: Incoming,
        entry: &mut Entry,
    ) -> Result<Opened, Box<Failure>> {
        let mut stream = OpenedStream {
            head,
            held: VecDeque::new(),
            body,
            reader: self.wording.codec.stream_reader(),
        };
        let mut held_bytes = 0;
        while stream.reader.phase() == StreamPhase::Head && held_bytes <= MAX_HELD_BYTES {
            let chunk = self.next_chunk(&mut stream.body).await?;
            stream.reader.push(&chunk);
            held_bytes += chunk.len();
            stream.held.push_back(chunk);
            entry.learned(stream.reader.summary());
        }
        if stream.reader.phase() == StreamPhase::Failed {
            let event = stream.reader.error_event().unwrap_or_default();
            let fault = self.provider.classify_event(event);
            return Err(if self.wording.codec.read_error(event).is_none() {
                Failure::nonsense(fault.reason)
            } else if fault.class == FaultClass::Client {
                self.refused_in_event(fault, &stream)
            } else {
                Failure::new(fault)
            });
        }
        Ok(Opened::Stream(Box::new(stream)))
    }

    /// A request that is wrong, as the provider says it in a stream that has begun: its words are the client's to see.
    fn refused_in_event(&self, fault: Fault, stream: &OpenedStream) -> Box<Failure> {
        let mut headers = stream.head.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Bytes::copy_from_slice(stream.reader.error_event().unwrap_or_default());
        Box::new(Failure {
            answer: Some(self.error_from_provider(StatusCode::BAD_REQUEST, headers, body)),
            ..*Failure::new(fault)
        })
    }

    /// What the provider says next. The limit is on its silence: one that says anything is alive.
    async fn next_chunk(&self, body: &mut Incoming) -> Result<Bytes, Box<Failure>> {
        let patience = self.core.shared.settings.head_timeout(true);
        let silent_until = (Instant::now() + patience).min(self.deadline);
        loop {
            let frame = match timeout_at(silent_until, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let reason = format!("the stream broke: {error}");
                    return Err(Failure::cut(Fault::new(FaultClass::Transport, reason)));
                }
                Ok(None) => {
                    let fault = Fault::new(FaultClass::Server, "the stream ended before its first content");
                    return Err(Failure::cut(fault));
                }
                Err(_) => return Err(Failure::timed_out("event", patience)),
            };
            if let Ok(chunk) = frame.into_data() {
                return Ok(chunk);
            }
        }
    }
}
