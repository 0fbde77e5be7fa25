//! Many packets in few system calls: neighbours for one receiver travel as a train, and the rest in
//! one call.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

/// Datagrams that the system takes as one train.
const TRAIN: usize = 64;

/// Bytes that the system takes as one train, and a little less.
const TRAIN_BYTES: usize = 65_000;

/// How long a full queue of the system's is waited for before the rest of a round is lost.
const WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 2_000_000,
};

/// What is left of the wait for full queues: one for everything that is sent at once, by however
/// many sockets, or whoever fills many of them would hold up everybody else's media.
#[derive(Debug)]
pub(super) struct Patience(Option<Timespec>);

impl Patience {
    /// All of it.
    pub(super) fn fresh() -> Self {
        Self(Some(WAIT))
    }

    /// Waits for room, unless that was done before. Whether it is worth another attempt.
    fn wait(&mut self, socket: impl AsFd) -> bool {
        let Some(wait) = self.0.take() else {
            return false;
        };
        // Whatever comes of it, the next attempt to send tells.
        let _ = poll(&mut [PollFd::new(&socket, PollFlags::OUT)], Some(&wait));
        true
    }
}

/// Whether the system sends trains to where it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trains {
    Run,
    Cancelled,
}

/// What goes out by one socket. Neighbours with the same receiver may travel together.
pub(super) struct Post<'a> {
    pub(super) socket: &'a UdpSocket,
    /// Who each packet is for.
    pub(super) receivers: &'a [SocketAddr],
    /// One packet for every receiver.
    pub(super) packets: &'a [IoSlice<'a>],
    pub(super) trains: Trains,
    pub(super) patience: &'a mut Patience,
    /// Packets that the system refused.
    pub(super) refused: u64,
}

impl Post<'_> {
    /// Sends everything.
    pub(super) fn send_all(&mut self) {
        let mut single = 0;
        let mut next = 0;
        while next < self.packets.len() {
            let end = self.train_from(next);
            if end - next > 1 {
                self.send_singly(single..next);
                self.send_train(next..end);
                single = end;
            }
            next = end;
        }
        self.send_singly(single..next);
    }

    /// Where the train that begins at `first` ends: the same receiver, the same length, and at the
    /// end perhaps a shorter one. An empty packet travels alone: in a train there is nothing of it.
    fn train_from(&self, first: usize) -> usize {
        let (to, length) = (self.receivers[first], self.packets[first].len());
        let mut end = first + 1;
        let mut total = length;
        while self.trains == Trains::Run && end < self.packets.len() && end - first < TRAIN {
            let next = self.packets[end].len();
            total += next;
            let fits = next > 0 && next <= length && total <= TRAIN_BYTES;
            if self.receivers[end] != to || !fits {
                break;
            }
            end += 1;
            if next < length {
                break;
            }
        }
        end
    }

    fn send_train(&mut self, train: Range<usize>) {
        let to = self.receivers[train.start];
        let segment = u16::try_from(self.packets[train.start].len()).unwrap_or(u16::MAX);
        let sent = sendmsg(
            self.socket.as_raw_fd(),
            &self.packets[train.clone()],
            &[ControlMessage::UdpGsoSegments(&segment)],
            MsgFlags::MSG_DONTWAIT,
            Some(&SockaddrStorage::from(to)),
        );
        match sent {
            Ok(_) => {}
            Err(nix::errno::Errno::EIO | nix::errno::Errno::EOPNOTSUPP) => {
                self.trains = Trains::Cancelled;
                self.send_singly(train);
            }
            Err(_) => self.send_singly(train),
        }
    }

    fn send_singly(&mut self, mut left: Range<usize>) {
        let addresses: Vec<SocketAddrAny> = self.receivers[left.clone()]
            .iter()
            .map(|receiver| SocketAddrAny::from(*receiver))
            .collect();
        let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> = left
            .clone()
            .map(|_| SendAncillaryBuffer::default())
            .collect();
        let mut messages: Vec<MMsgHdr<'_>> = addresses
            .iter()
            .zip(self.packets[left.clone()].chunks(1))
            .zip(&mut controls)
            .map(|((to, slice), control)| MMsgHdr::new_with_addr(to, slice, control))
            .collect();
        let count = messages.len();
        while !left.is_empty() {
            let unsent = &mut messages[count - left.len()..];
            match sendmmsg(self.socket, unsent, SendFlags::DONTWAIT) {
                Ok(sent) => left.start += sent.max(1),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.patience.wait(self.socket) => {}
                Err(Errno::AGAIN) => {
                    self.refused += u64::try_from(left.len()).unwrap_or_default();
                    return;
                }
                Err(_) => {
                    self.refused += 1;
                    left.start += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn empty_packets_arrive_whatever_they_travel_with() {
        let [socket, peer] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        peer.set_nonblocking(true).unwrap();
        let lengths = [0, 0, 5, 5, 0, 5, 3, 0, 0];
        let packets: Vec<IoSlice<'_>> = lengths.map(|it| IoSlice::new(&[7; 5][..it])).to_vec();
        let receivers = vec![peer.local_addr().unwrap(); packets.len()];
        let mut post = Post {
            socket: &socket,
            receivers: &receivers,
            packets: &packets,
            trains: Trains::Run,
            patience: &mut Patience::fresh(),
            refused: 0,
        };
        post.send_all();
        assert_eq!(post.refused, 0);
        let arrived: Vec<usize> = std::iter::from_fn(|| peer.recv(&mut [0; 9]).ok()).collect();
        assert_eq!(arrived, lengths);
    }

    #[test]
    fn a_round_waits_for_one_full_queue_and_no_other() {
        let (full, _reader) = UnixDatagram::pair().unwrap();
        full.set_nonblocking(true).unwrap();
        while full.send(&[0; 1024]).is_ok() {}
        let mut patience = Patience::fresh();
        assert!(patience.wait(&full));
        assert!(!patience.wait(&full));
    }
}
