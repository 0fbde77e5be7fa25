//! One UDP socket and the task that serves it.
//!
//! Media is handed over within the task, before the next datagram is read; requests wait for the
//! control lock. Datagrams up to the longest that UDP has are read whole, and passed on whole or
//! not at all.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::base::task::Tasks;

use super::allocation::ListenerId;
use super::error::TurnError;
use super::message::{HEADROOM, TAILROOM};
use super::passage::Passage;
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
    passage: Passage,
}

impl Listener {
    pub(super) fn new(id: ListenerId, state: Arc<State>) -> Self {
        Self {
            id,
            passage: Passage::new(id, Arc::clone(&state)),
            state,
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
                Ok((length, client)) => self.passage.take(buffer, length, client).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
