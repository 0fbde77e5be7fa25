//! One UDP socket and the task that serves it.
//!
//! Media is handed over within the task, before the next datagram is read; requests wait for the
//! control lock. Datagrams up to the longest that UDP has are read whole, and passed on whole or
//! not at all.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::base::random;
use crate::base::task::Tasks;

use super::allocation::{FiveTuple, ListenerId};
use super::dataplane::{Delivery, Form, read_channel_data, read_send_indication};
use super::error::TurnError;
use super::figures::DropReason;
use super::gate::Verdict;
use super::message::{
    HEADROOM, TAILROOM, TransactionId, frame_channel_data, frame_data_indication,
};
use super::relay::State;

/// What the system is asked to keep for a busy task, bytes; it may give less.
const SOCKET_BUFFER: usize = 8 * 1024 * 1024;

/// More than the longest payload of a UDP datagram.
const MAX_DATAGRAM: usize = 65_536;

/// Datagrams read per wake-up before other tasks have their turn.
const BATCH: usize = 64;

/// Failures to receive in a row before the socket counts as lost.
const MAX_FAILURES: u32 = 100;

/// How long the task rests after a failure to receive.
const FAILURE_PAUSE: Duration = Duration::from_millis(20);

/// Where media lies in the buffer, and where it goes.
type Routed = Result<(Delivery, Range<usize>), DropReason>;

/// Binds a UDP socket. An IPv6 socket serves IPv4 too unless `beside_v4`.
pub(super) fn bind(address: SocketAddr, beside_v4: bool) -> Result<UdpSocket, TurnError> {
    let listen = || -> io::Result<UdpSocket> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(beside_v4)?;
        }
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(SOCKET_BUFFER)?;
        socket.set_send_buffer_size(SOCKET_BUFFER)?;
        socket.bind(&address.into())?;
        UdpSocket::from_std(socket.into())
    };
    listen().map_err(|source| TurnError::Listen { address, source })
}

/// A listening socket at work.
#[derive(Debug)]
pub(super) struct Listener {
    id: ListenerId,
    state: Arc<State>,
    /// Transactions of Data indications: where they begin is random, and none comes twice.
    transaction_prefix: [u8; 4],
    indications: u64,
}

impl Listener {
    pub(super) fn new(id: ListenerId, state: Arc<State>) -> Self {
        Self {
            id,
            state,
            transaction_prefix: random::draw(),
            indications: u64::from_ne_bytes(random::draw()),
        }
    }

    /// Serves until the tasks stop; stops them when the socket is lost.
    pub(super) async fn run(mut self, tasks: Tasks) {
        let state = Arc::clone(&self.state);
        let Some(socket) = state.socket(self.id) else {
            return;
        };
        let mut buffer = vec![0; HEADROOM + MAX_DATAGRAM + TAILROOM];
        let mut failures = 0;
        while failures < MAX_FAILURES {
            let ready = tokio::select! {
                () = tasks.stopping() => return,
                ready = socket.readable() => ready,
            };
            match ready {
                Ok(()) => match self.take_batch(socket, &mut buffer).await {
                    Ok(()) => failures = 0,
                    Err(_) => failures += 1,
                },
                Err(_) => failures += 1,
            }
            if failures > 0 {
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
        }
        tracing::error!("a socket of the media relay no longer receives; stopping");
        tasks.stop();
    }

    async fn take_batch(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<()> {
        for _ in 0..BATCH {
            let received = socket.try_recv_from(&mut buffer[HEADROOM..HEADROOM + MAX_DATAGRAM]);
            match received {
                Ok((length, client)) => self.take(buffer, length, client).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Serves one datagram, which lies behind the headroom.
    async fn take(&mut self, buffer: &mut [u8], length: usize, client: SocketAddr) {
        let state = Arc::clone(&self.state);
        state.counters.datagrams.increment();
        let tuple = FiveTuple {
            listener: self.id,
            client,
        };
        let datagram = &buffer[HEADROOM..HEADROOM + length];
        let routed = match datagram.first().map(|byte| byte >> 6) {
            Some(0b01) if client.port() != 0 => route_channel_data(&state, datagram, &tuple),
            Some(0b00) if client.port() != 0 => {
                let now = state.books.time.now();
                let calendar = state.books.time.calendar();
                match state.gate.judge(datagram, client, now, calendar) {
                    Verdict::Media(shape) => {
                        read_send_indication(&shape).and_then(|(peer, media)| {
                            let ledger = state.books.ledger();
                            let delivery = ledger.table.route_peer(&tuple, peer, now)?;
                            Ok((delivery, media))
                        })
                    }
                    Verdict::Request(request) => {
                        let mut control = state.control.lock().await;
                        let around = state.surroundings(self.id);
                        let verdict = control.answer(&request, tuple, around).await;
                        drop(control);
                        return self.answer(tuple, verdict).await;
                    }
                    verdict => return self.answer(tuple, verdict).await,
                }
            }
            _ => Err(DropReason::Foreign),
        };
        self.deliver(buffer, routed).await;
    }

    /// Sends an answer to whoever asked, or counts why there is none.
    async fn answer(&self, tuple: FiveTuple, verdict: Verdict<'_>) {
        match verdict {
            Verdict::Answer(bytes, code) => {
                if let Some(code) = code {
                    self.state.counters.refused(code);
                }
                self.send(&bytes, tuple).await;
            }
            Verdict::Drop(reason) => self.state.counters.dropped(reason),
            Verdict::Media(_) | Verdict::Request(_) => {}
        }
    }

    /// Hands media over, or counts why not.
    async fn deliver(&mut self, buffer: &mut [u8], routed: Routed) {
        let (delivery, media) = match routed {
            Ok(routed) => routed,
            Err(reason) => return self.state.counters.dropped(reason),
        };
        let media = HEADROOM + media.start..HEADROOM + media.end;
        let framed = match delivery.form {
            Form::Channel(number) => frame_channel_data(buffer, &media, number),
            Form::Indication(peer) => {
                frame_data_indication(buffer, &media, peer, &self.transaction())
            }
        };
        if self.send(&buffer[framed], delivery.to).await {
            let bytes = u64::try_from(media.len()).unwrap_or(u64::MAX);
            self.state.counters.packets.increment();
            self.state.counters.bytes.add(bytes);
        }
    }

    /// Sends from the socket that the client knows. Whether the system took it.
    async fn send(&self, bytes: &[u8], to: FiveTuple) -> bool {
        let Some(socket) = self.state.socket(to.listener) else {
            return false;
        };
        let is_sent = socket.send_to(bytes, to.client).await.is_ok();
        if !is_sent {
            self.state.counters.dropped(DropReason::SendFailed);
        }
        is_sent
    }

    fn transaction(&mut self) -> TransactionId {
        self.indications = self.indications.wrapping_add(1);
        let mut transaction = TransactionId::default();
        transaction[..4].copy_from_slice(&self.transaction_prefix);
        transaction[4..].copy_from_slice(&self.indications.to_be_bytes());
        transaction
    }
}

fn route_channel_data(state: &State, datagram: &[u8], tuple: &FiveTuple) -> Routed {
    let (number, media) = read_channel_data(datagram)?;
    let now = state.books.time.now();
    let ledger = state.books.ledger();
    let delivery = ledger.table.route_channel(tuple, number, now)?;
    Ok((delivery, media))
}
