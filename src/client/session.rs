//! One session with the server, over one WebSocket (PROTOCOL.md §5).
//!
//! Messages go out one at a time, in the order in which they were stored: the next is sent when the
//! server has accepted the one before. Those that came are taken in one at a time, and acknowledged
//! when what they changed is stored. Where the program doesn't deal with its events, messages wait
//! here unread, as many as the server sends ahead, and everything else at the server.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::CancellationToken;

use super::backoff::believed;
use super::connection::Parting;
use super::core::{Core, Progress};
use super::device::{Aftermath, Arrival, Device, MAX_INBOX};
use super::dial::Stream;
use super::frame::{Heard, Said};
use super::record::{Audience, Outgoing};
use super::{Error, Event, keys};
use crate::base::{MessageId, UserId};
use crate::wire::reply::{MessageStatus, close};
use crate::wire::{Code, json};

/// How long a socket may take to open, and a frame to go out.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many of the server's pings may be missed, in halves.
const MISSED_HALVES: u32 = 5;
/// How often acknowledgements go out, and how many wait for that.
const BETWEEN_ACKS: Duration = Duration::from_millis(100);
const MAX_ACKS: usize = 100;
/// How long receipts wait for company.
const BEFORE_RECEIPTS: Duration = Duration::from_millis(500);
/// How long a session that is to end may take for what it still has to say.
const BEFORE_LEAVING: Duration = Duration::from_secs(2);
/// How many messages wait unread, and their size: twice what an honest server sends ahead.
const MAX_UNREAD: usize = 512;
const MAX_UNREAD_BYTES: usize = 2 * 1024 * 1024;
/// How long something that a full or limited server refused is held back where it doesn't say.
const HOLD: Duration = Duration::from_secs(5);
/// Longer frames than a server sends are a reason to leave it.
const LONGEST_FRAME: usize = 256 * 1024;
/// Frames of the program on their way, and errands under way.
const MAX_FRAMES: usize = 64;
const MAX_ERRANDS: usize = 8;

type Socket = WebSocketStream<Box<dyn Stream>>;

/// How a session begins.
pub(super) enum Start {
    /// It stands.
    Ready(Box<Session>),
    /// It doesn't come about.
    Failed(Parting),
}

pub(super) struct Session {
    core: Arc<Core>,
    socket: Socket,
    events: mpsc::Sender<Event>,
    frames: mpsc::Receiver<String>,
    progress: watch::Receiver<Progress>,
    /// What besides the socket needs the network: new sessions with peers, prekeys.
    errands: JoinSet<Result<(), Error>>,
    unread: VecDeque<Arrival>,
    acks: Vec<MessageId>,
    acked_at: Option<Instant>,
    sending: Option<(u64, Outgoing)>,
    /// Until when nothing is sent, and to whom nothing until when.
    held: Option<Instant>,
    held_for: HashMap<UserId, Instant>,
    receipts_at: Option<Instant>,
    silence: Duration,
    heard_at: Instant,
}

impl Session {
    /// Opens a socket and authenticates.
    pub(super) async fn begin(core: &Arc<Core>, events: &mpsc::Sender<Event>) -> Start {
        match timeout(PATIENCE, Self::open(core, events)).await {
            Ok(Ok(session)) => Start::Ready(Box::new(session)),
            Ok(Err(parting)) => Start::Failed(parting),
            Err(_) => Start::Failed(Parting::Broken),
        }
    }

    async fn open(core: &Arc<Core>, events: &mpsc::Sender<Event>) -> Result<Self, Parting> {
        let token = core.token().await.map_err(Parting::Failed)?;
        let mut socket = connect(core).await?;
        let auth = Said::Auth { token: &token.text };
        let auth = Message::text(auth.to_text());
        socket.send(auth).await.map_err(|_| Parting::Broken)?;
        let (pending, heartbeat) = loop {
            match hear(&mut socket).await? {
                Some(Heard::Ready {
                    user_id,
                    pending,
                    heartbeat_interval,
                }) if user_id == core.account.user => break (pending, heartbeat_interval),
                Some(Heard::Ready { .. }) => {
                    return Err(Parting::Failed(Error::Foreign("another account's session")));
                }
                _ => {}
            }
        };
        let (frames_in, frames) = mpsc::channel(MAX_FRAMES);
        core.set_frames(Some(frames_in));
        let _ = events.try_send(Event::Connected { pending });
        let heartbeat = Duration::from_secs(heartbeat.clamp(1, 3600));
        let mut session = Self {
            core: Arc::clone(core),
            socket,
            events: events.clone(),
            frames,
            progress: core.progress(),
            errands: JoinSet::new(),
            unread: VecDeque::new(),
            acks: Vec::new(),
            acked_at: None,
            sending: None,
            held: None,
            held_for: HashMap::new(),
            receipts_at: Some(Instant::now()),
            silence: heartbeat * MISSED_HALVES / 2,
            heard_at: Instant::now(),
        };
        session.tend_keys();
        for user in session.step(|device| device.resets_owed()).await? {
            session.errand(user, Errand::Reset);
        }
        Ok(session)
    }

    /// Sends and receives until the session ends.
    pub(super) async fn run(mut self, stop: &CancellationToken) -> Parting {
        let parting = loop {
            match self.turn(stop).await {
                Ok(()) => {}
                Err(parting) => break parting,
            }
        };
        self.core.set_frames(None);
        if matches!(parting, Parting::Stopped) {
            let _ = timeout(BEFORE_LEAVING, self.finish()).await;
            let _ = timeout(PATIENCE, leave(&mut self.socket)).await;
        }
        parting
    }

    /// Says what is still to be said: acknowledgements, receipts, and messages that wait.
    async fn finish(&mut self) -> Result<(), Parting> {
        let unstoppable = CancellationToken::new();
        self.flush_acks().await?;
        self.step(Device::send_receipts).await?;
        while self.held.is_none() && self.progress.borrow().outgoing > 0 {
            self.turn(&unstoppable).await?;
        }
        self.flush_acks().await
    }

    /// One thing that happens.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<(), Parting> {
        self.read_on().await?;
        self.send_next().await?;
        let due = self.due();
        tokio::select! {
            heard = hear(&mut self.socket) => {
                self.heard_at = Instant::now();
                match heard? {
                    Some(heard) => self.take(heard).await,
                    None => Ok(()),
                }
            }
            _ = self.progress.changed() => Ok(()),
            Some(frame) = self.frames.recv() => self.say(frame).await,
            Some(errand) = self.errands.join_next(), if !self.errands.is_empty() => judge(errand),
            () = tokio::time::sleep_until(due) => self.tick().await,
            () = stop.cancelled() => Err(Parting::Stopped),
        }
    }

    /// The next moment at which something is to be done by itself.
    fn due(&self) -> Instant {
        let acks = (!self.acks.is_empty()).then(|| self.acks_due());
        let held = self.held.into_iter().chain(self.held_for.values().copied());
        [acks, self.receipts_at]
            .into_iter()
            .flatten()
            .chain(held)
            .fold(self.heard_at + self.silence, Instant::min)
    }

    async fn tick(&mut self) -> Result<(), Parting> {
        let now = Instant::now();
        if now >= self.heard_at + self.silence {
            return Err(Parting::Broken);
        }
        self.held = self.held.filter(|until| *until > now);
        self.held_for.retain(|_, until| *until > now);
        if self.receipts_at.is_some_and(|at| at <= now) {
            self.receipts_at = None;
            self.step(Device::send_receipts).await?;
        }
        if !self.acks.is_empty() && now >= self.acks_due() {
            self.flush_acks().await?;
        }
        Ok(())
    }

    async fn take(&mut self, heard: Heard) -> Result<(), Parting> {
        match heard {
            Heard::EncryptedMessage {
                message_id,
                sender_id,
                payload,
                timestamp,
            } => {
                let unread = self.unread.iter().map(|arrival| arrival.payload.len());
                let bytes = unread.sum::<usize>() + payload.len();
                if self.unread.len() >= MAX_UNREAD || bytes > MAX_UNREAD_BYTES {
                    return Err(Parting::Broken);
                }
                self.unread.push_back(Arrival {
                    from: sender_id,
                    id: message_id,
                    payload,
                    accepted: timestamp,
                });
            }
            Heard::MessageAccepted { message_id, status } => {
                self.accepted(message_id, status).await?;
            }
            Heard::QueueDrained => {
                let _ = self.events.try_send(Event::CaughtUp);
            }
            Heard::PrekeysLow => self.tend_keys(),
            Heard::IdentityChanged { user_id } => self.errand(user_id, Errand::Look),
            Heard::Error {
                code,
                id,
                call_id,
                retry_after,
            } => {
                let wait = retry_after.map(believed);
                match (id, call_id.and_then(|call| call.parse().ok())) {
                    (Some(id), _) => self.refused(&id, code, wait).await?,
                    (None, Some(call)) => self.core.call_refused(&self.events, call, code),
                    // Of the frame as a whole: the one message under way, if any.
                    (None, None) if code == Code::RateLimited => self.hold(wait),
                    (None, None) => {}
                }
            }
            call @ (Heard::CallOffer { .. }
            | Heard::CallAnswer { .. }
            | Heard::IceCandidate { .. }
            | Heard::CallState { .. }) => self.core.hear_call(&self.events, call).await,
            Heard::Ready { .. } | Heard::Other => {}
        }
        Ok(())
    }

    /// Takes in what came, one message at a time, while the program has room for it.
    async fn read_on(&mut self) -> Result<(), Parting> {
        while self.progress.borrow().waiting < MAX_INBOX
            && let Some(arrival) = self.unread.pop_front()
        {
            let (from, id) = (arrival.from, arrival.id);
            let aftermath = self.step(move |device| device.receive(&arrival)).await?;
            self.acks.push(id);
            // They are there, so their queue may have room again.
            self.held_for.remove(&from);
            match aftermath {
                Aftermath::Nothing => {}
                Aftermath::Told => {
                    let at = Instant::now() + BEFORE_RECEIPTS;
                    self.receipts_at.get_or_insert(at);
                }
                Aftermath::Unreadable => self.errand(from, Errand::Reset),
            }
            if self.acks.len() >= MAX_ACKS || Instant::now() >= self.acks_due() {
                self.flush_acks().await?;
            }
        }
        Ok(())
    }

    fn acks_due(&self) -> Instant {
        self.acked_at.map_or(self.heard_at, |at| at + BETWEEN_ACKS)
    }

    async fn flush_acks(&mut self) -> Result<(), Parting> {
        if self.acks.is_empty() {
            return Ok(());
        }
        let ids = std::mem::take(&mut self.acks);
        let ack = Said::Ack { message_ids: &ids };
        self.acked_at = Some(Instant::now());
        self.say(ack.to_text()).await
    }

    /// Sends the next message, if none is under way and one may be.
    async fn send_next(&mut self) -> Result<(), Parting> {
        if self.sending.is_some() || self.held.is_some() || self.progress.borrow().outgoing == 0 {
            return Ok(());
        }
        let mut last = 0;
        while let Some((number, outgoing)) =
            self.step(move |device| device.outgoing_after(last)).await?
        {
            if self.held_for.contains_key(&outgoing.to) {
                last = number;
                continue;
            }
            let said = Said::EncryptedMessage {
                id: outgoing.message,
                recipient_id: outgoing.to,
                payload: &outgoing.payload,
            };
            self.say(said.to_text()).await?;
            self.sending = Some((number, outgoing));
            break;
        }
        Ok(())
    }

    async fn accepted(&mut self, id: MessageId, status: MessageStatus) -> Result<(), Parting> {
        let Some((number, outgoing)) = self.sending.take_if(|(_, sent)| sent.message == id) else {
            return Ok(());
        };
        self.step(move |device| device.accepted(number)).await?;
        if outgoing.audience == Audience::Program {
            let _ = self.events.try_send(Event::Accepted {
                to: outgoing.to,
                id: outgoing.content,
                status,
            });
        }
        Ok(())
    }

    /// The server didn't take the message under way: now, or ever.
    async fn refused(
        &mut self,
        id: &str,
        code: Code,
        wait: Option<Duration>,
    ) -> Result<(), Parting> {
        let is_meant = |sent: &mut (u64, Outgoing)| sent.1.message.to_string() == id;
        let Some((number, outgoing)) = self.sending.take_if(is_meant) else {
            return Ok(());
        };
        match code {
            Code::QueueFull => {
                let until = Instant::now() + wait.unwrap_or(HOLD);
                self.held_for.insert(outgoing.to, until);
            }
            Code::RateLimited
            | Code::StorageFull
            | Code::Capacity
            | Code::Suspended
            | Code::Internal => self.hold(wait),
            code => {
                self.step(move |device| device.refused(number, &outgoing, code))
                    .await?;
            }
        }
        Ok(())
    }

    fn hold(&mut self, wait: Option<Duration>) {
        self.held = Some(Instant::now() + wait.unwrap_or(HOLD));
        self.sending = None;
    }

    fn tend_keys(&mut self) {
        let core = Arc::clone(&self.core);
        self.send_out(async move { keys::tend(&core).await });
    }

    fn errand(&mut self, about: UserId, errand: Errand) {
        let core = Arc::clone(&self.core);
        self.send_out(async move { errand.run(&core, about).await });
    }

    /// Errands beyond the limit aren't made: what they are for comes again.
    fn send_out(&mut self, errand: impl Future<Output = Result<(), Error>> + Send + 'static) {
        if self.errands.len() < MAX_ERRANDS {
            self.errands.spawn(errand);
        }
    }

    async fn say(&mut self, frame: String) -> Result<(), Parting> {
        let sent = timeout(PATIENCE, self.socket.send(Message::text(frame))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            // A close frame may wait to be read, and says why.
            Ok(Err(_)) => Err(self.last_words().await),
            Err(_) => Err(Parting::Broken),
        }
    }

    async fn last_words(&mut self) -> Parting {
        let reading = async {
            loop {
                if let Err(parting) = hear(&mut self.socket).await {
                    return parting;
                }
            }
        };
        timeout(PATIENCE, reading).await.unwrap_or(Parting::Broken)
    }

    async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Device) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Parting> {
        self.core.step(step).await.map_err(Parting::Failed)
    }
}

/// What is done beside the session.
#[derive(Debug, Clone, Copy)]
enum Errand {
    /// Begin anew with somebody whose message didn't open (E2EE.md §8.5).
    Reset,
    /// Look at somebody's identity, of which the server says that it changed.
    Look,
}

impl Errand {
    async fn run(self, core: &Core, about: UserId) -> Result<(), Error> {
        if matches!(self, Self::Reset) && !core.step(move |device| device.may_reset(about)).await? {
            return Ok(());
        }
        let bundle = core.bundle_of(about).await?;
        core.step(move |device| match self {
            Self::Reset => device.reset(&bundle),
            Self::Look => device.look_at(&bundle),
        })
        .await
    }
}

/// An errand that failed for a passing reason is made again when there is another reason for it.
fn judge(errand: Result<Result<(), Error>, tokio::task::JoinError>) -> Result<(), Parting> {
    match errand {
        Ok(Err(error @ (Error::OwnIdentity | Error::Storage(_)))) => Err(Parting::Failed(error)),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn connect(core: &Core) -> Result<Socket, Parting> {
    let stream = core.api.dialer().dial().await;
    let stream = stream.map_err(|error| Parting::Failed(Error::Unreachable(error)))?;
    // The scheme is for those who dial by it; this stream is what it is.
    let url = format!("ws://{}/ws", core.api.url().authority());
    let request = url.into_client_request();
    let request = request.map_err(|_| Parting::Failed(Error::Address))?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(LONGEST_FRAME))
        .max_frame_size(Some(LONGEST_FRAME));
    match client_async_with_config(request, stream, Some(limits)).await {
        Ok((socket, _)) => Ok(socket),
        Err(_) => Err(Parting::Broken),
    }
}

/// What the server says next; none: nothing that is for us. Cancelling loses nothing.
async fn hear(socket: &mut Socket) -> Result<Option<Heard>, Parting> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => {
            let heard = json::parse(text.as_str().as_bytes());
            // What can't be read is of a newer server, or of none: it is let go.
            Ok(heard.ok())
        }
        Some(Ok(Message::Close(frame))) => Err(Parting::Closed(
            frame.map_or(close::NORMAL, |frame| frame.code.into()),
        )),
        Some(Ok(_)) => Ok(None),
        Some(Err(SocketError::ConnectionClosed)) | None => Err(Parting::Closed(close::NORMAL)),
        Some(Err(_)) => Err(Parting::Broken),
    }
}

/// Says goodbye, and waits until the server has heard it: then it has heard what came before.
async fn leave(socket: &mut Socket) {
    let _ = socket.close(None).await;
    while let Some(Ok(_)) = socket.next().await {}
}
