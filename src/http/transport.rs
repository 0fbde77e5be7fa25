//! The stream under a connection's HTTP.
//!
//! It keeps the connection's [`Pace`], and it sees to it that what can't be read as a request is
//! answered like everything else. hyper answers such bytes itself, with a bare status that nobody
//! above can touch; what it writes while no request is being answered can only be that, so a whole
//! problem (RFC 9457) with a request id goes out in its place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pace::Pace;
use super::refusal::Refusal;
use super::reply;
use crate::net::Stream;

/// A stream with a pace, whose refusals are whole.
#[derive(Debug)]
pub(super) struct Transport {
    stream: Stream,
    pace: Pace,
    /// What is left to send of a refusal; none: there was none.
    refusal: Option<Bytes>,
}

impl Transport {
    pub(super) const fn new(stream: Stream, pace: Pace) -> Self {
        Self {
            stream,
            pace,
            refusal: None,
        }
    }

    /// The stream alone, for another protocol.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Whether `bytes` are hyper's own, and are replaced.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let is_own = self.refusal.is_some() || self.pace.is_unasked();
        if is_own && self.refusal.is_none() {
            let status = status(bytes).unwrap_or(400);
            let refusal = reply::whole(&Refusal::Unreadable { status });
            self.refusal = Some(refusal.into());
        }
        is_own
    }

    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.refusal.as_mut().filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

/// The status in `HTTP/1.1 431 …`.
fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.pace.received();
        }
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.pace.sent();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(slices.first().map_or(&[], |slice| slice)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.pace.sent();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.pace.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
