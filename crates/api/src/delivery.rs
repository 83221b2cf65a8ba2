use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::connections::Exchange;

/// Bytes of an answer that are handed to the server at once.
const PIECE: usize = 16 << 10;

/// An answer's body on its way to the client.
///
/// It goes out in pieces, so that one who takes nothing of a large answer is told from one who takes it slowly.
pub(crate) struct Delivery {
    body: BoxBody,
    /// What the body has given and the server has not asked for yet.
    left: Bytes,
    exchange: Exchange,
    /// The request's body, held until the answer is out. The server closes a connection after an answer to a request
    /// that was not read to its end, but would rather wait for the end of a chunked body that nobody holds any more.
    _request: Option<SharedPayload>,
}

impl Delivery {
    pub(crate) fn new(body: BoxBody, exchange: Exchange, request: Option<SharedPayload>) -> Self {
        Self {
            body,
            left: Bytes::new(),
            exchange,
            _request: request,
        }
    }
}

impl MessageBody for Delivery {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        // An empty chunk would be the end of a chunked answer.
        while this.left.is_empty() {
            match Pin::new(&mut this.body).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => this.left = bytes,
                Poll::Ready(end) => return Poll::Ready(end),
                Poll::Pending => {
                    this.exchange.waits_for_gateway();
                    return Poll::Pending;
                }
            }
        }
        this.exchange.waits_for_client();
        let piece = this.left.split_to(this.left.len().min(PIECE));
        Poll::Ready(Some(Ok(piece)))
    }
}

/// A request's body that is read in one place and held in another.
#[derive(Clone)]
pub(crate) struct SharedPayload(Rc<RefCell<Payload>>);

impl SharedPayload {
    /// Shares the body of `request`, which goes on as before; `None` if it has none.
    pub(crate) fn of(request: &mut ServiceRequest) -> Option<Self> {
        match request.take_payload() {
            Payload::None => None,
            payload => {
                let shared = Self(Rc::new(RefCell::new(payload)));
                request.set_payload(Payload::Stream {
                    payload: Box::pin(shared.clone()),
                });
                Some(shared)
            }
        }
    }
}

impl Stream for SharedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(cx)
    }
}
