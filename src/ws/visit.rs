//! A socket seen from its other end: whether it opens, and whether it holds.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// How long the handshake and the answer to a ping may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a socket did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// How long it was held.
    pub span: Duration,
    /// Pings that came from the daemon.
    pub heartbeats: u32,
    /// How long a ping of ours took there and back.
    pub round_trip: Duration,
}

/// Why a socket didn't hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    /// The other side doesn't switch to WebSocket.
    #[error("no WebSocket opens: {0}")]
    Handshake(String),
    /// Nothing comes.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// It was closed, or broke.
    #[error("the socket ended after {} s: {reason}", after.as_secs())]
    Ended {
        /// How long it had been open.
        after: Duration,
        /// What was said.
        reason: String,
    },
}

/// Opens the WebSocket `url` over `stream`, comes in with `pass`, and holds it for `span` without
/// saying more than pongs: as idle as a socket can be.
pub async fn hold<S>(stream: S, url: &str, pass: &str, span: Duration) -> Result<Held, HoldError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let opening = Instant::now();
    let handshake = tokio_tungstenite::client_async(url, stream);
    let (mut socket, _) = timeout_at(opening + PATIENCE, handshake)
        .await
        .map_err(|_| HoldError::Silent)?
        .map_err(|error| HoldError::Handshake(error.to_string()))?;
    let opened = Instant::now();
    let broken = |error: &Error| HoldError::Ended {
        after: opened.elapsed(),
        reason: error.to_string(),
    };
    let greeting = serde_json::json!({"type": "auth", "token": pass}).to_string();
    for message in [
        Message::text(greeting),
        Message::Ping(Bytes::from_static(b"?")),
    ] {
        socket.send(message).await.map_err(|error| broken(&error))?;
    }
    let (mut heartbeats, mut round_trip) = (0, None);
    loop {
        let until = match round_trip {
            None => opened + PATIENCE,
            Some(_) => opened + span,
        };
        match (timeout_at(until, socket.next()).await, round_trip) {
            (Ok(Some(Ok(Message::Pong(_)))), None) => round_trip = Some(opened.elapsed()),
            // The answer stands in the queue, and goes out when the next frame is waited for.
            (Ok(Some(Ok(Message::Ping(_)))), _) => heartbeats += 1,
            (Ok(Some(Ok(Message::Close(frame)))), _) => {
                let reason = frame.map_or_else(String::new, |frame| frame.to_string());
                let after = opened.elapsed();
                return Err(HoldError::Ended { after, reason });
            }
            (Ok(Some(Ok(_))), _) => {}
            (Ok(Some(Err(error))), _) => return Err(broken(&error)),
            (Ok(None), _) => return Err(broken(&Error::ConnectionClosed)),
            (Err(_), None) => return Err(HoldError::Silent),
            (Err(_), Some(round_trip)) => {
                // Whether it is heard or not, the check is over.
                let _ =
                    timeout_at(Instant::now() + Duration::from_secs(1), socket.close(None)).await;
                return Ok(Held {
                    span: opened.elapsed(),
                    heartbeats,
                    round_trip,
                });
            }
        }
    }
}
