//! TCP and TLS: accepting connections, and serving each until it ends.
//!
//! A connection is served by one task, in order: what a client writes while its last request is
//! under way waits in its socket. What comes for it waits in its outbox. It ends when its client
//! closes it, sends what is no message, doesn't read for a while, or has had no allocation for a
//! while; and its allocation ends with it, because nobody else can come by its 5-tuple
//! (RFC 8656 §3.2) and whoever gets the same address next is somebody else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::base::task::Tasks;

use super::allocation::{FiveTuple, ListenerId};
use super::framing::{self, Inlet};
use super::passage::Passage;
use super::relay::State;
use super::streams::{Berth, Connection, Encryption, Privacy};

/// How long a client may take to shake hands.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// How long a client may read nothing of what waits for it.
const STALL_PATIENCE: Duration = Duration::from_secs(10);

/// How often a connection is looked at. One without an allocation at two looks ends: half a minute
/// is enough for what comes before an allocation, and for another after it.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// How long saying farewell may take.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts connections at one door until the tasks stop. What keeps it from accepting is waited
/// out, in growing pauses.
pub(super) async fn accept(id: ListenerId, state: Arc<State>, tasks: Tasks) {
    let Some(door) = state.streams.door(id) else {
        return;
    };
    let mut pause = SHORTEST_PAUSE;
    loop {
        let accepted = tokio::select! {
            () = tasks.stopping() => return,
            accepted = door.socket.accept() => accepted,
        };
        match accepted {
            Ok((socket, client)) => {
                pause = SHORTEST_PAUSE;
                let tuple = FiveTuple {
                    listener: id,
                    client,
                };
                let Some(berth) = state.streams.admit(tuple) else {
                    state.counters.connections_refused.increment();
                    continue;
                };
                let encryption = door.encryption.clone();
                let task = serve(socket, encryption, berth, Arc::clone(&state), tasks.clone());
                tasks.spawn_guest("turn connection", task);
            }
            Err(error) => {
                tracing::debug!(%error, "the media relay can't accept connections at the moment");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Serves one connection, from the handshake to the end of its allocation.
async fn serve(
    socket: TcpStream,
    encryption: Option<Arc<dyn Encryption>>,
    berth: Berth,
    state: Arc<State>,
    tasks: Tasks,
) {
    let privacy = encryption
        .as_ref()
        .map_or(Privacy::Plain, |_| Privacy::Encrypted);
    let opened = tokio::select! {
        () = tasks.stopping() => None,
        () = berth.closing.cancelled() => None,
        opened = open(socket, encryption) => opened,
    };
    let Some(stream) = opened else {
        return;
    };
    let (reader, writer) = tokio::io::split(stream);
    let session = Session {
        closing: berth.closing.clone(),
        berth,
        state,
        privacy,
    };
    tokio::join!(
        session.read(reader),
        session.write(writer),
        session.watch(&tasks),
    );
    session.end().await;
}

/// None: the client is gone, or didn't shake hands in time.
async fn open(
    socket: TcpStream,
    encryption: Option<Arc<dyn Encryption>>,
) -> Option<Box<dyn Connection>> {
    socket.set_nodelay(true).ok()?;
    let Some(encryption) = encryption else {
        return Some(Box::new(socket));
    };
    let handshake = encryption.shake_hands(socket);
    let shaken = tokio::time::timeout(HANDSHAKE_PATIENCE, handshake).await;
    shaken.ok()?.ok()
}

/// A connection at work. Whichever part of it ends first tells the others.
struct Session {
    berth: Berth,
    state: Arc<State>,
    privacy: Privacy,
    closing: CancellationToken,
}

impl Session {
    /// Serves what the client writes. Never given up amid a message: a request under way is
    /// carried through.
    async fn read(&self, mut reader: ReadHalf<Box<dyn Connection>>) {
        let mut passage = Passage::new(self.berth.tuple.listener, Arc::clone(&self.state));
        let mut inlet = Inlet::new();
        loop {
            let count = tokio::select! {
                () = self.closing.cancelled() => break,
                count = reader.read(inlet.room()) => count,
            };
            match count {
                Ok(count) if count > 0 => inlet.fill(count),
                _ => break,
            }
            let client = self.berth.tuple.client;
            if !self.take_whole(&mut inlet, &mut passage, client).await {
                break;
            }
        }
        self.closing.cancel();
    }

    /// Serves every message that is there. Whether more can be read.
    async fn take_whole(
        &self,
        inlet: &mut Inlet,
        passage: &mut Passage,
        client: SocketAddr,
    ) -> bool {
        loop {
            match inlet.next() {
                Ok(Some(framed)) => passage.take(framed.buffer, framed.length, client).await,
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Writes what waits for the client, as fast as it reads.
    async fn write(&self, mut writer: WriteHalf<Box<dyn Connection>>) {
        loop {
            let waiting = tokio::select! {
                () = self.closing.cancelled() => break,
                waiting = self.berth.outbox.take() => waiting,
            };
            if !self.write_through(&mut writer, &waiting).await {
                break;
            }
        }
        self.closing.cancel();
        let _ = tokio::time::timeout(FAREWELL_PATIENCE, writer.shutdown()).await;
    }

    /// Whether all these messages were written.
    ///
    /// Encrypted ones have a record each: coturn's client, for one, takes a record for a message.
    async fn write_through(
        &self,
        writer: &mut WriteHalf<Box<dyn Connection>>,
        mut messages: &[u8],
    ) -> bool {
        while !messages.is_empty() {
            let (first, behind) = match self.privacy {
                Privacy::Plain => messages.split_at(messages.len()),
                Privacy::Encrypted => framing::split_first(messages),
            };
            if !self.write_all(writer, first).await {
                return false;
            }
            messages = behind;
        }
        tokio::select! {
            () = self.closing.cancelled() => false,
            flushed = tokio::time::timeout(STALL_PATIENCE, writer.flush()) => {
                matches!(flushed, Ok(Ok(())))
            }
        }
    }

    /// Whether all of it was written, with something read by the client every now and then.
    async fn write_all(
        &self,
        writer: &mut WriteHalf<Box<dyn Connection>>,
        mut rest: &[u8],
    ) -> bool {
        while !rest.is_empty() {
            let written = tokio::select! {
                () = self.closing.cancelled() => return false,
                written = tokio::time::timeout(STALL_PATIENCE, writer.write(rest)) => written,
            };
            match written {
                Ok(Ok(count)) if count > 0 => rest = &rest[count..],
                _ => return false,
            }
        }
        true
    }

    /// Ends what nobody uses.
    async fn watch(&self, tasks: &Tasks) {
        let mut was_used = true;
        loop {
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = tasks.stopping() => break,
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
            let ledger = self.state.books.read();
            let is_used = ledger.table.of_client(&self.berth.tuple).is_some();
            if !is_used && !was_used {
                break;
            }
            was_used = is_used;
        }
        self.closing.cancel();
    }

    /// Ends the allocation, and only then makes room for another connection from there.
    async fn end(self) {
        let mut control = self.state.control.lock().await;
        control.leave(&self.berth.tuple, &self.state.books).await;
    }
}
