use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use gateway_domain::{Fault, FaultClass};
use gateway_protocol::{StreamPhase, StreamReader};
use http::response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::attempt::{Attempt, Failure, Opened};
use crate::entry::Entry;

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
    /// Holds a stream's head back until its first content, so that nothing is lost by moving on.
    pub(crate) async fn hold(
        &self,
        head: response::Parts,
        mut body: Incoming,
        deadline: Instant,
        entry: &mut Entry,
    ) -> Result<Opened, Box<Failure>> {
        let shared = &self.core.shared;
        let hold_until =
            (Instant::now() + Duration::from_secs(shared.settings.hold_timeout_seconds)).min(deadline);
        let mut reader = self.call.codec.stream_reader();
        let mut held = VecDeque::new();
        let mut held_bytes = 0;
        while reader.phase() == StreamPhase::Head && held_bytes <= MAX_HELD_BYTES {
            let frame = match timeout_at(hold_until, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(Failure::transport(format!("the stream broke: {error}"))),
                Ok(None) => {
                    let fault = Fault::new(FaultClass::Server, "the stream ended before its first content");
                    return Err(Failure::new(fault));
                }
                Err(_) if hold_until < deadline && !held.is_empty() => break,
                Err(_) => match timeout_at(deadline, body.frame()).await {
                    Ok(Some(Ok(frame))) => frame,
                    _ => {
                        return Err(Failure::timed_out(
                            "first event",
                            shared.settings.head_timeout(true),
                        ));
                    }
                },
            };
            if let Ok(chunk) = frame.into_data() {
                reader.push(&chunk);
                held_bytes += chunk.len();
                held.push_back(chunk);
                entry.learned(reader.summary());
            }
        }
        if reader.phase() == StreamPhase::Failed {
            let fault = self
                .provider
                .classify_event(reader.error_event().unwrap_or_default());
            return Err(Failure::new(fault));
        }
        Ok(Opened::Stream(Box::new(OpenedStream {
            head,
            held,
            body,
            reader,
        })))
    }
}
