//! One connection from its first frame to its last.
//!
//! ```text
//! waiting room ──auth──▶ session ──either side has enough──▶ close frame ──▶ gone
//!       └─ no, or too late ─────────────────────────────────────▲
//! ```
//!
//! The session looks at three things, in this order: what is to be told to the client, what the
//! client says, and whether it still lives. Nothing is read while a write waits, so a client that
//! doesn't read can't make the daemon buffer; the transport gives it up in the end.

use std::io;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error as SocketError, Message};

use super::dialect::{Dialect, FirstWord, Greeting, Speaker};
use super::door::{Credential, Door, Opening};
use super::figures::Standing;
use super::transport::Transport;
use crate::hub::Farewell;
use crate::messenger::{Error, Event, Knock, Member, Session};
use crate::ratelimit::{Bucket, Verdict};
use crate::wire::Code;
use crate::wire::reply::close;

/// How long a client may take to answer a close frame.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// Events written between two looks at the client.
const MOST_EVENTS: usize = 256;
/// Frames heard between two looks at the outbox.
const MOST_FRAMES: usize = 64;
/// Pings that may stand unanswered when the next is due.
const MOST_UNANSWERED: u32 = 2;
/// How long a socket of the operator's checks is held at most.
const MOST_LINGERING: Duration = Duration::from_mins(5);
/// The buffer that an idle session keeps; `Transport` reads in larger pieces.
const READ_BUFFER: usize = 512;

type Socket<S> = WebSocketStream<Transport<S>>;

/// How a connection ends.
#[derive(Debug)]
enum End {
    /// We close it, with a code and a reason.
    Close(u16, &'static str),
    /// The client closed it, and waits for the answer to its close frame.
    Closed,
    /// It broke.
    Gone,
}

/// Runs a connection to its end.
pub(super) async fn run<S>(
    door: &Door,
    transport: Transport<S>,
    opening: Opening,
    mut standing: Standing,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(door.pace.frame_bytes))
        .max_frame_size(Some(door.pace.frame_bytes));
    let mut socket = WebSocketStream::from_raw_socket(transport, Role::Server, Some(config)).await;
    let end = match Box::pin(admit(door, &mut socket, opening)).await {
        Ok(mut speaker) => converse(door, &mut socket, &mut speaker).await,
        Err(end) => end,
    };
    match end {
        End::Close(code, reason) => {
            standing.ends(code);
            tracing::debug!(code, reason, "closing a session");
            Box::pin(say_goodbye(&mut socket, code, reason)).await;
        }
        End::Closed => {
            standing.ends(close::NORMAL);
            Box::pin(answer_close(&mut socket)).await;
        }
        End::Gone => {}
    }
}

/// Authenticates the client and opens its session.
async fn admit<S>(door: &Door, socket: &mut Socket<S>, opening: Opening) -> Result<Speaker, End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (member, greeting) = match opening.credential {
        Credential::Header(member) => (member, Greeting::Ready),
        Credential::Query(token) => {
            let member = door.messenger.authenticate_query(&token).await;
            (member.map_err(|error| refused(&error))?, Greeting::Ready)
        }
        Credential::FirstFrame => first_frame(door, socket, opening.knock).await?,
    };
    if opening.named_user.is_some_and(|user| user != member.user()) {
        return Err(End::Close(close::POLICY, "the token is another user's"));
    }
    let (session, welcome) = Session::open(member)
        .await
        .map_err(|error| refused(&error))?;
    if door.tasks.is_stopping() {
        return Err(farewell(Farewell::Restart));
    }
    let frames = greeting.frames(&session, &welcome, door.pace.heartbeat);
    write(door, socket, frames.into_iter().map(Message::text)).await?;
    // Whoever asked for the other one may still turn out to speak this by its first frame.
    let asked = opening.dialect.filter(|asked| *asked == Dialect::MvchatV1);
    Ok(Speaker::new(session, greeting.dialect().or(asked)))
}

/// Waits for the `auth` or `hi` frame; nothing else is read or said before it.
async fn first_frame<S>(
    door: &Door,
    socket: &mut Socket<S>,
    waiting: Option<Knock>,
) -> Result<(Member, Greeting), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let heard = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => return Err(binary()),
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(Message::Close(_))) => return Err(End::Closed),
                Some(Ok(Message::Frame(_))) | None => return Err(End::Gone),
            }
        }
    };
    let text = tokio::select! {
        heard = timeout(door.pace.auth_timeout, heard) => heard
            .map_err(|_| End::Close(close::POLICY, "no auth frame came in time"))??,
        () = door.tasks.stopping() => return Err(farewell(Farewell::Restart)),
    };
    let Some(word) = FirstWord::parse(&text) else {
        return Err(End::Close(close::POLICY, "the first frame must be auth"));
    };
    if door.messenger.redeem_pass(&word.token, waiting.as_ref()) {
        return Err(linger(door, socket).await);
    }
    match door.messenger.authenticate(&word.token).await {
        Ok(member) => Ok((member, word.into_greeting())),
        Err(error) => {
            let refusal = word.refusal(&error).map(Message::text);
            write(door, socket, refusal).await?;
            Err(refused(&error))
        }
    }
}

/// Holds a socket of the operator's checks: pings it as any other, and hears nothing it says.
async fn linger<S>(door: &Door, socket: &mut Socket<S>) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let end = tokio::time::sleep(MOST_LINGERING);
    let mut heartbeat = tokio::time::interval(door.pace.heartbeat);
    heartbeat.reset();
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return End::Close(close::NORMAL, "held long enough"),
            () = door.tasks.stopping() => return farewell(Farewell::Restart),
            _ = heartbeat.tick() => {
                if let Err(end) = write(door, socket, [Message::Ping(Bytes::new())]).await {
                    return end;
                }
            }
            heard = socket.next() => match heard {
                Some(Ok(Message::Ping(_))) => {
                    if let Err(end) = write(door, socket, []).await {
                        return end;
                    }
                }
                Some(Ok(Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) => return End::Closed,
                Some(Ok(_)) => return End::Close(close::POLICY, "a check says nothing"),
                Some(Err(error)) => return broken(&error),
                None => return End::Gone,
            },
        }
    }
}

/// A token that isn't good is the client's affair; that it can't be checked now is the daemon's, and
/// no reason to throw it away.
fn refused(error: &Error) -> End {
    match error.code() {
        Code::Capacity | Code::Internal => End::Close(close::TRY_LATER, "not now; try again"),
        _ => End::Close(close::POLICY, "authenticate with a fresh token"),
    }
}

/// Carries events out and frames in until the session ends.
async fn converse<S>(door: &Door, socket: &mut Socket<S>, speaker: &mut Speaker) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut frames = Bucket::default();
    let mut unanswered = 0;
    let heartbeat = tokio::time::sleep(first_beat(door.pace.heartbeat));
    tokio::pin!(heartbeat);
    loop {
        let mut events = Vec::new();
        let done = tokio::select! {
            biased;
            told = speaker.session().next(&mut events, MOST_EVENTS) => match told {
                Ok(()) => tell(door, socket, speaker, events).await,
                Err(reason) => Err(farewell(reason)),
            },
            frame = socket.next() => {
                unanswered = 0;
                hear(door, socket, speaker, &mut frames, frame).await
            }
            () = &mut heartbeat => {
                heartbeat.as_mut().reset(Instant::now() + door.pace.heartbeat);
                unanswered += 1;
                if unanswered > MOST_UNANSWERED {
                    return End::Gone;
                }
                write(door, socket, [Message::Ping(Bytes::new())]).await
            }
        };
        if let Err(end) = done {
            return end;
        }
    }
}

/// Somewhere in the first interval, so that sessions that came together aren't pinged together.
fn first_beat(interval: Duration) -> Duration {
    let [random] = crate::base::random::draw::<1>();
    interval / 2 + interval.mul_f64(f64::from(random) / 512.0)
}

/// Writes events to the client and does what they ask of the session.
async fn tell<S>(
    door: &Door,
    socket: &mut Socket<S>,
    speaker: &Speaker,
    events: Vec<Event>,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let wants_refill = events.iter().any(|event| matches!(event, Event::Refill));
    let mut frames = Vec::with_capacity(events.len());
    for event in events {
        speaker.tell(event, &mut frames).await;
    }
    write(door, socket, frames).await?;
    if wants_refill && let Err(error) = Box::pin(speaker.session().refill()).await {
        tracing::warn!(%error, "a backlog can't be read; closing the session");
        return Err(End::Close(close::TRY_LATER, "the queue can't be read now"));
    }
    Ok(())
}

/// Does what a frame asks for, and those right behind it.
async fn hear<S>(
    door: &Door,
    socket: &mut Socket<S>,
    speaker: &mut Speaker,
    frames: &mut Bucket,
    first: Option<Result<Message, SocketError>>,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut answers = Vec::new();
    let mut first = Some(first);
    for _ in 0..MOST_FRAMES {
        // Looks without waiting; the waker that this loses is set again before anybody sleeps.
        let Some(frame) = first.take().or_else(|| socket.next().now_or_never()) else {
            break;
        };
        let text = match frame {
            Some(Ok(Message::Text(text))) => Some(text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
            Some(Ok(Message::Binary(_))) => return Err(binary()),
            Some(Err(error)) => return Err(broken(&error)),
            Some(Ok(Message::Close(_))) => return Err(End::Closed),
            Some(Ok(Message::Frame(_))) | None => return Err(End::Gone),
        };
        if let Verdict::Wait(_) = frames.check(&door.pace.frames, door.messenger.now()) {
            return Err(End::Close(close::TOO_MANY_FRAMES, "too many frames"));
        }
        socket.get_mut().message_ends();
        if let Some(text) = text {
            door.counters.frames_in.increment();
            speaker.hear(&text, &mut answers).await;
        }
    }
    write(door, socket, answers).await
}

/// Writes messages, and a pong that is due.
async fn write<S>(
    door: &Door,
    socket: &mut Socket<S>,
    messages: impl IntoIterator<Item = Message>,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut texts = 0;
    for message in messages {
        texts += u64::from(message.is_text());
        socket.feed(message).await.map_err(|error| broken(&error))?;
    }
    socket.flush().await.map_err(|error| broken(&error))?;
    door.counters.frames_out.add(texts);
    Ok(())
}

/// Sends the answer to a client's close frame, which stands in the queue (RFC 6455 §5.5.1).
async fn answer_close<S>(socket: &mut Socket<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = timeout(CLOSE_PATIENCE, async {
        socket.flush().await?;
        // With the answer handed to it the socket counts as closed, and flushes nothing further.
        socket.get_mut().flush().await?;
        Ok::<_, SocketError>(())
    });
    // Whether it was heard or not, the connection is over.
    let _ = answer.await;
}

/// Sends a close frame and gives the client a moment to answer it.
async fn say_goodbye<S>(socket: &mut Socket<S>, code: u16, reason: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let frame = CloseFrame {
        code: code.into(),
        reason: reason.into(),
    };
    let parting = timeout(CLOSE_PATIENCE, async {
        socket.close(Some(frame)).await?;
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, SocketError>(())
    });
    // Whether it was heard or not, the connection is over.
    let _ = parting.await;
}

fn farewell(reason: Farewell) -> End {
    match reason {
        Farewell::Replaced => End::Close(close::REPLACED, "replaced by a newer session"),
        Farewell::Revoked => End::Close(close::POLICY, "the token was revoked"),
        Farewell::AccountGone => End::Close(close::ACCOUNT_GONE, "the account is not active"),
        Farewell::Restart => End::Close(close::RESTART, "the server is restarting"),
        Farewell::TooSlow => End::Close(close::TRY_LATER, "reading too slowly"),
    }
}

fn binary() -> End {
    End::Close(close::UNSUPPORTED, "frames are text")
}

/// The close frame that a broken protocol asks for (RFC 6455 §7.4.1).
fn broken(error: &SocketError) -> End {
    match error {
        SocketError::Capacity(CapacityError::MessageTooLong { .. }) => {
            End::Close(close::TOO_LARGE, "the frame is too large")
        }
        SocketError::Utf8(_) => End::Close(close::NOT_TEXT, "text frames are UTF-8"),
        SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        SocketError::Protocol(_) => End::Close(close::PROTOCOL, "protocol error"),
        SocketError::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            End::Close(close::TOO_LARGE, "the frame is too large")
        }
        SocketError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            End::Close(close::NOT_TEXT, "text frames are UTF-8")
        }
        _ => End::Gone,
    }
}
