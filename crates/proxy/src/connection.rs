use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use http::Extensions;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Bytes of an answer that are read at first.
const FIRST_READ: usize = 8 * 1024;

/// A connection that remembers how far the exchanges on it have come.
pub(crate) struct Observed<T> {
    io: T,
    stage: Stage,
}

/// What was last seen on a connection, in plain text.
#[derive(Clone)]
struct Stage(Arc<AtomicU8>);

/// Nothing was ever read.
const FRESH: u8 = 0;
/// Of the latest request's answer something was read.
const ANSWERED: u8 = 1;
/// A further request was begun, and of its answer nothing was read.
const ASKED_AGAIN: u8 = 2;

/// Whether a request failed on a connection that had served before, and before any byte of its answer.
///
/// Either side may close a connection that is kept alive. A request that crosses with that is nobody's fault.
pub(crate) fn is_stale(error: &legacy::Error) -> bool {
    let mut extras = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extras);
    }
    extras
        .get::<Stage>()
        .is_some_and(|stage| stage.get() == ASKED_AGAIN)
}

impl Stage {
    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }
}

impl<T> Observed<T> {
    pub(crate) fn new(io: T) -> Self {
        Self {
            io,
            stage: Stage(Arc::new(AtomicU8::new(FRESH))),
        }
    }

    fn writes(&self) {
        if self.stage.get() == ANSWERED {
            self.stage.set(ASKED_AGAIN);
        }
    }
}

impl<T: Connection> Connection for Observed<T> {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.stage.clone())
    }
}

impl<T: Read + Unpin> Read for Observed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stage.get() == ANSWERED {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        // Whether a read brought anything can only be seen in a buffer of our own; it is one read an answer.
        let mut space = [MaybeUninit::uninit(); FIRST_READ];
        let room = buffer.remaining().min(FIRST_READ);
        let mut first = ReadBuf::uninit(&mut space[..room]);
        ready!(Pin::new(&mut self.io).poll_read(context, first.unfilled()))?;
        if !first.filled().is_empty() {
            self.stage.set(ANSWERED);
            buffer.put_slice(first.filled());
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Write + Unpin> Write for Observed<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes();
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes();
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
