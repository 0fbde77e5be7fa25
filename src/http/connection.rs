//! One HTTP/1 connection, from its first byte to its last or to another protocol.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::guard::Guard;
use super::pace::{Pace, Patience, Replying};
use super::refusal::Refusal;
use super::reply;
use super::transport::Transport;
use crate::base::task::Tasks;
use crate::config::Limits;
use crate::net::{Permit, Remote, Stream};

/// How requests may look and how long they may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    header_bytes: usize,
    header_fields: usize,
    patience: Patience,
}

/// The least that hyper buffers.
const LEAST_BUFFER: usize = 8192;

impl Manners {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self {
            header_bytes: limits.header_bytes,
            header_fields: limits.header_fields,
            patience: Patience {
                head: limits.header_timeout,
                reply: limits.body_timeout,
                idle: limits.keep_alive,
            },
        }
    }

    /// Times are kept by [`Pace`]: hyper has one for headers only, which would also cut pauses
    /// between requests short.
    fn builder(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .header_read_timeout(None)
            .max_header_size(self.header_bytes)
            .max_headers(self.header_fields)
            .max_buf_size(self.header_bytes.saturating_add(LEAST_BUFFER));
        builder
    }
}

/// When connections are to end.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// After the request in flight.
    pub(super) tasks: Tasks,
    /// Now.
    pub(super) abandon: CancellationToken,
}

/// Serves requests on `stream` until either side has enough.
pub(super) async fn serve(
    stream: Stream,
    peer: Remote,
    permit: Permit,
    guard: Guard,
    manners: Manners,
    ending: Ending,
) {
    let pace = Pace::new();
    let io = TokioIo::new(Transport::new(stream, pace.clone()));
    let permit = Arc::new(permit);
    let service = service_fn(|request: Request<Incoming>| {
        pace.serving();
        let (guard, pace, permit) = (guard.clone(), pace.clone(), permit.clone());
        async move {
            let response = guard.respond(request, peer, permit).await;
            Ok::<_, Infallible>(response.map(|body| Outgoing {
                body,
                _replying: pace.replying(),
            }))
        }
    });
    let connection = manners
        .builder()
        .serve_connection(io, service)
        .with_upgrades();
    let overrun = pace.overrun(manners.patience);
    tokio::pin!(connection, overrun);
    let mut finishing = false;
    loop {
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            () = ending.abandon.cancelled() => return,
            () = overrun.as_mut() => return,
            () = ending.tasks.stopping(), if !finishing => {
                finishing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The stream under an upgraded connection and what was read ahead of it; hyper's own part of the
/// memory is free again. None: the connection ended instead.
pub(super) async fn take_over(upgrade: OnUpgrade) -> Option<(Stream, Bytes)> {
    let parts = upgrade.await.ok()?.downcast::<TokioIo<Transport>>().ok()?;
    Some((parts.io.into_inner().into_stream(), parts.read_buf))
}

/// A body that knows when the last of it was taken.
struct Outgoing {
    body: Full<Bytes>,
    _replying: Replying,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How long somebody who is turned away gets to read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// Tells somebody that there is no place, and hangs up. What they sent is read and forgotten, since
/// unread bytes would reset the connection before the answer is read.
pub(super) async fn turn_away(mut stream: Stream) {
    let farewell = async {
        stream.write_all(&reply::whole(&Refusal::Full)).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}
