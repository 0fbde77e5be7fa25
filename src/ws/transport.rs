//! A socket that holds memory only while something is under way.
//!
//! Ten thousand idle sessions must cost little, and a busy one few system calls. So a read takes
//! whatever has arrived, up to [`BURST`], through a buffer on the stack, and keeps only what its
//! caller had no room for; writes are gathered until they are flushed. Both buffers are given back
//! when they are empty. A peer that takes nothing at all for [`STALLED`] is given up; a slow one,
//! however slow, isn't.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Bytes that one system call reads.
const BURST: usize = 16 * 1024;
/// Bytes that are gathered before they are written even without a flush.
const GATHERED: usize = 64 * 1024;

/// How long a peer may take no byte of what is to be written.
const STALLED: Duration = Duration::from_secs(30);

/// The stream of one connection.
#[derive(Debug)]
pub(super) struct Transport<S> {
    stream: S,
    /// What was read and not yet asked for.
    unread: Bytes,
    /// What is to be written, from `sent` on.
    unsent: Vec<u8>,
    sent: usize,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Bytes handed out since the last message, and how many that may be.
    handed_out: usize,
    most: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport<S> {
    /// A transport over `stream`, of which `unread` was read already: copied, because even an empty
    /// part of a buffer keeps the whole of it. A message takes at most `most` bytes, everything
    /// around it included: pieces of nothing are counted by nobody else.
    pub(super) fn new(stream: S, unread: &[u8], most: usize) -> Self {
        Self {
            stream,
            unread: Bytes::copy_from_slice(unread),
            unsent: Vec::new(),
            sent: 0,
            stalled: None,
            handed_out: 0,
            most,
        }
    }

    /// A message is complete; what comes now belongs to the next.
    pub(super) fn message_ends(&mut self) {
        self.handed_out = 0;
    }

    /// Counts what was handed out.
    fn count(&mut self, bytes: usize) -> io::Result<()> {
        self.handed_out = self.handed_out.saturating_add(bytes);
        if self.handed_out > self.most {
            Err(io::ErrorKind::FileTooLarge.into())
        } else {
            Ok(())
        }
    }

    /// Writes until nothing is left.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.unsent.len() {
            let rest = &self.unsent[self.sent..];
            match Pin::new(&mut self.stream).poll_write(cx, rest)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => {
                    self.sent += written;
                    self.stalled = None;
                }
                Poll::Pending => return self.wait(cx),
            }
        }
        self.unsent = Vec::new();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(STALLED)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Transport<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        wanted: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            let mut burst = [const { MaybeUninit::uninit() }; BURST];
            let mut burst = ReadBuf::uninit(&mut burst);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut burst))?;
            let arrived = burst.filled();
            let fits = arrived.len().min(wanted.remaining());
            wanted.put_slice(&arrived[..fits]);
            if fits < arrived.len() {
                self.unread = Bytes::copy_from_slice(&arrived[fits..]);
            }
            return Poll::Ready(self.count(fits));
        }
        let fits = self.unread.len().min(wanted.remaining());
        wanted.put_slice(&self.unread[..fits]);
        self.unread.advance(fits);
        if self.unread.is_empty() {
            self.unread = Bytes::new();
        }
        Poll::Ready(self.count(fits))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Transport<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.unsent.len() >= GATHERED {
            ready!(self.drain(cx))?;
        }
        self.unsent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn writes_are_gathered_until_they_are_flushed() {
        let (near, mut far) = duplex(1 << 20);
        let mut transport = Transport::new(near, &[], usize::MAX);
        transport.write_all(b"one ").await.unwrap();
        transport.write_all(b"two").await.unwrap();
        let mut read = [0; 7];
        assert!(futures_util::FutureExt::now_or_never(far.read(&mut read)).is_none());
        transport.flush().await.unwrap();
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"one two");
        assert_eq!(transport.unsent.capacity(), 0);
    }

    #[tokio::test]
    async fn a_message_that_never_ends_breaks_the_connection() {
        let (near, mut far) = duplex(1 << 20);
        far.write_all(&[0; 40]).await.unwrap();
        let mut transport = Transport::new(near, &[], 10);
        let mut ten = [0; 10];
        transport.read_exact(&mut ten).await.unwrap();
        transport.message_ends();
        transport.read_exact(&mut ten).await.unwrap();
        let error = transport.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_stops_the_writer() {
        let (near, _far) = duplex(1024);
        let mut transport = Transport::new(near, &[], usize::MAX);
        let much = vec![0; GATHERED];
        transport.write_all(&much).await.unwrap();
        let more = futures_util::FutureExt::now_or_never(transport.write_all(b"more"));
        assert!(more.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_is_waited_for_and_a_dead_one_is_not() {
        let (near, mut far) = duplex(1024);
        let mut transport = Transport::new(near, &[], usize::MAX);
        transport.write_all(&[7; 4096]).await.unwrap();
        let mut taken = [0; 1024];
        let slowly = async {
            for _ in 0..3 {
                tokio::time::sleep(STALLED * 9 / 10).await;
                far.read_exact(&mut taken).await.unwrap();
            }
        };
        let (flushed, ()) = tokio::join!(transport.flush(), slowly);
        flushed.unwrap();
        transport.write_all(&[7; 4096]).await.unwrap();
        let error = transport.flush().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    proptest! {
        #[test]
        fn bytes_arrive_as_they_were_sent(
            head in prop::collection::vec(any::<u8>(), 0..50),
            sent in prop::collection::vec(any::<u8>(), 0..60_000),
            step in 1usize..5000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (near, mut far) = duplex(1 << 20);
                far.write_all(&sent).await.unwrap();
                drop(far);
                let mut transport = Transport::new(near, &head, usize::MAX);
                let mut all = Vec::new();
                let mut buffer = vec![0; step];
                loop {
                    let count = transport.read(&mut buffer).await.unwrap();
                    if count == 0 { break }
                    all.extend_from_slice(&buffer[..count]);
                }
                assert_eq!(all, [head, sent].concat());
                assert!(transport.unread.is_empty());
            });
        }
    }
}
