//! One socket that speaks for every address of 127.0.0.0/8: many clients, and no epoll whose
//! wake-ups the server would pay for.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo};
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, sendmsg, setsockopt,
    sockopt,
};
use socket2::SockRef;

use crate::Outcome;

/// Datagrams in a system call.
pub(crate) const BATCH: usize = 64;
/// What a datagram, or a train of them, has room in.
const SLOT: usize = 65_536;
/// What the system is asked to keep for it, bytes.
pub(crate) const SOCKET_BUFFER: usize = 8 * 1024 * 1024;
/// How long [`Wait::Briefly`] waits.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(20);

/// Whether to wait where nothing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Not,
    Briefly,
}

/// Everybody on the other side of a relay: clients, peers and strangers.
pub(crate) struct Crowd {
    socket: UdpSocket,
    port: u16,
    headers: MultiHeaders<SockaddrIn>,
    slots: Vec<Vec<u8>>,
    lengths: Vec<usize>,
}

impl Crowd {
    /// A crowd whose members share a port.
    pub(crate) fn new() -> Outcome<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let raw = SockRef::from(&socket);
        raw.set_recv_buffer_size(SOCKET_BUFFER)?;
        raw.set_send_buffer_size(SOCKET_BUFFER)?;
        socket.set_read_timeout(Some(BRIEFLY))?;
        Ok(Self {
            port: socket.local_addr()?.port(),
            socket,
            headers: MultiHeaders::preallocate(BATCH, None),
            slots: vec![vec![0; SLOT]; BATCH],
            lengths: Vec::with_capacity(BATCH),
        })
    }

    /// The port of everybody.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on datagrams of one sender and length may be received as one.
    pub(crate) fn receive_trains(&self) -> Outcome<()> {
        setsockopt(&self.socket, sockopt::UdpGroSegment, &true)?;
        Ok(())
    }

    /// Sends one datagram.
    pub(crate) fn send(&self, from: Ipv4Addr, to: SocketAddrV4, bytes: &[u8]) -> Outcome<()> {
        let source = source(from);
        let control = [ControlMessage::Ipv4PacketInfo(&source)];
        self.send_with(&control, to, bytes)
    }

    /// Sends `bytes` as datagrams of `length`, in one piece as far as the system can.
    pub(crate) fn send_train(
        &self,
        from: Ipv4Addr,
        to: SocketAddrV4,
        bytes: &[u8],
        length: u16,
    ) -> Outcome<()> {
        let source = source(from);
        let control = [
            ControlMessage::Ipv4PacketInfo(&source),
            ControlMessage::UdpGsoSegments(&length),
        ];
        self.send_with(&control, to, bytes)
    }

    fn send_with(
        &self,
        control: &[ControlMessage<'_>],
        to: SocketAddrV4,
        bytes: &[u8],
    ) -> Outcome<()> {
        let (fd, to) = (self.socket.as_raw_fd(), SockaddrIn::from(to));
        let pieces = [IoSlice::new(bytes)];
        sendmsg(fd, &pieces, control, MsgFlags::empty(), Some(&to))?;
        Ok(())
    }

    /// Takes in what has come, up to [`BATCH`]; how many.
    pub(crate) fn receive(&mut self, wait: Wait) -> Outcome<usize> {
        let flags = match wait {
            Wait::Not => MsgFlags::MSG_DONTWAIT,
            Wait::Briefly => MsgFlags::MSG_WAITFORONE,
        };
        let fd = self.socket.as_raw_fd();
        take_batch(fd, &mut self.headers, &mut self.slots, flags, |lengths| {
            self.lengths.clear();
            self.lengths.extend(lengths.map(|(length, _)| length));
        })?;
        Ok(self.lengths.len())
    }

    /// What the last [`Self::receive`] took in.
    pub(crate) fn received(&self) -> impl Iterator<Item = &[u8]> {
        let slots = self.slots.iter().zip(&self.lengths);
        slots.map(|(slot, length)| &slot[..*length])
    }
}

/// The control message that says who sends.
fn source(from: Ipv4Addr) -> in_pktinfo {
    let nobody = in_addr { s_addr: 0 };
    in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst: in_addr {
            s_addr: u32::from_ne_bytes(from.octets()),
        },
        ipi_addr: nobody,
    }
}

/// One recvmmsg; `take` is told lengths and senders, none where nothing came.
fn take_batch(
    fd: i32,
    headers: &mut MultiHeaders<SockaddrIn>,
    slots: &mut [Vec<u8>],
    flags: MsgFlags,
    take: impl FnOnce(&mut dyn Iterator<Item = (usize, Option<SockaddrIn>)>),
) -> Outcome<()> {
    let mut pieces: Vec<_> = slots
        .iter_mut()
        .map(|slot| [IoSliceMut::new(slot)])
        .collect();
    match recvmmsg(fd, headers, pieces.iter_mut(), flags, None) {
        Ok(messages) => take(&mut messages.map(|message| (message.bytes, message.address))),
        Err(Errno::EAGAIN | Errno::EINTR) => take(&mut std::iter::empty()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The limit: sends whatever comes back to its sender, in batches, and does nothing else. Says its
/// port first; never ends by itself.
pub(crate) fn reflect() -> Outcome<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let raw = SockRef::from(&socket);
    raw.set_recv_buffer_size(SOCKET_BUFFER)?;
    raw.set_send_buffer_size(SOCKET_BUFFER)?;
    println!("{}", socket.local_addr()?.port());
    let fd = socket.as_raw_fd();
    let mut slots = vec![vec![0; 2048]; BATCH];
    let mut incoming = MultiHeaders::preallocate(BATCH, None);
    let mut outgoing = MultiHeaders::preallocate(BATCH, None);
    let (mut lengths, mut senders) = (Vec::new(), Vec::new());
    loop {
        let wait = MsgFlags::MSG_WAITFORONE;
        take_batch(fd, &mut incoming, &mut slots, wait, |messages| {
            (lengths, senders) = messages.unzip();
        })?;
        let pieces: Vec<_> = slots
            .iter()
            .zip(&lengths)
            .map(|(slot, length)| [IoSlice::new(&slot[..*length])])
            .collect();
        let mut sent = 0;
        while sent < pieces.len() {
            let (rest, to) = (&pieces[sent..], &senders[sent..]);
            match sendmmsg(fd, &mut outgoing, rest, to, [], MsgFlags::empty()) {
                Ok(messages) => sent += messages.count(),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}
