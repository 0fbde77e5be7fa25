//! What a round sends: packets to one client travel together, and everything in few calls.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::AsRawFd;

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

/// Where a packet lies.
#[derive(Debug, Clone, Copy)]
enum Place {
    Inbox,
    Aside,
}

#[derive(Debug)]
struct Parcel {
    to: SocketAddr,
    place: Place,
    bytes: Range<usize>,
}

/// Packets for clients of one listener.
#[derive(Debug)]
pub(super) struct Outbox {
    parcels: Vec<Parcel>,
    /// Packets that don't lie in the inbox: answers, and what grew on its way.
    aside: Vec<u8>,
    trains: Trains,
}

/// Whether the system sends trains to where it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trains {
    Run,
    Cancelled,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            parcels: Vec::new(),
            aside: Vec::new(),
            trains: Trains::Run,
        }
    }

    /// Sends what lies in the inbox at `bytes`.
    pub(super) fn push(&mut self, to: SocketAddr, bytes: Range<usize>) {
        self.parcels.push(Parcel {
            to,
            place: Place::Inbox,
            bytes,
        });
    }

    /// Sends what `write` appends; it says where in the whole that lies.
    pub(super) fn push_aside(
        &mut self,
        to: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>) -> Range<usize>,
    ) {
        let bytes = write(&mut self.aside);
        self.parcels.push(Parcel {
            to,
            place: Place::Aside,
            bytes,
        });
    }

    /// Sends what `write` appends, if it appends anything; and returns what it returns.
    pub(super) fn push_appended<T>(
        &mut self,
        to: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> T {
        let start = self.aside.len();
        let returned = write(&mut self.aside);
        let end = self.aside.len();
        if end > start {
            self.parcels.push(Parcel {
                to,
                place: Place::Aside,
                bytes: start..end,
            });
        }
        returned
    }

    /// Sends everything, and says how many packets the system refused.
    pub(super) fn flush(&mut self, socket: &UdpSocket, inbox: &[u8]) -> u64 {
        if self.parcels.is_empty() {
            return 0;
        }
        self.parcels.sort_by_key(|parcel| parcel.to);
        let slices: Vec<IoSlice<'_>> = self
            .parcels
            .iter()
            .map(|parcel| match parcel.place {
                Place::Inbox => IoSlice::new(&inbox[parcel.bytes.clone()]),
                Place::Aside => IoSlice::new(&self.aside[parcel.bytes.clone()]),
            })
            .collect();
        let mut post = Post {
            socket,
            parcels: &self.parcels,
            slices: &slices,
            trains: self.trains,
            refused: 0,
        };
        post.send_all();
        let (trains, refused) = (post.trains, post.refused);
        self.trains = trains;
        self.parcels.clear();
        self.aside.clear();
        refused
    }
}

/// A round on its way out.
struct Post<'a> {
    socket: &'a UdpSocket,
    parcels: &'a [Parcel],
    slices: &'a [IoSlice<'a>],
    trains: Trains,
    refused: u64,
}

impl Post<'_> {
    fn send_all(&mut self) {
        let mut single = 0;
        let mut next = 0;
        while next < self.parcels.len() {
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
    /// end perhaps a shorter one.
    fn train_from(&self, first: usize) -> usize {
        let Parcel { to, bytes, .. } = &self.parcels[first];
        let mut end = first + 1;
        let mut total = bytes.len();
        while self.trains == Trains::Run && end < self.parcels.len() && end - first < TRAIN {
            let next = &self.parcels[end];
            total += next.bytes.len();
            if next.to != *to || next.bytes.len() > bytes.len() || total > TRAIN_BYTES {
                break;
            }
            end += 1;
            if next.bytes.len() < bytes.len() {
                break;
            }
        }
        end
    }

    fn send_train(&mut self, train: Range<usize>) {
        let Parcel { to, bytes, .. } = &self.parcels[train.start];
        let segment = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let sent = sendmsg(
            self.socket.as_raw_fd(),
            &self.slices[train.clone()],
            &[ControlMessage::UdpGsoSegments(&segment)],
            MsgFlags::MSG_DONTWAIT,
            Some(&SockaddrStorage::from(*to)),
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
        let addresses: Vec<SocketAddrAny> = self.parcels[left.clone()]
            .iter()
            .map(|parcel| parcel.to.into())
            .collect();
        let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> = left
            .clone()
            .map(|_| SendAncillaryBuffer::default())
            .collect();
        let mut messages: Vec<MMsgHdr<'_>> = addresses
            .iter()
            .zip(self.slices[left.clone()].chunks(1))
            .zip(&mut controls)
            .map(|((to, slice), control)| MMsgHdr::new_with_addr(to, slice, control))
            .collect();
        let count = messages.len();
        let mut patience = Some(WAIT);
        while !left.is_empty() {
            let unsent = &mut messages[count - left.len()..];
            match sendmmsg(self.socket, unsent, SendFlags::DONTWAIT) {
                Ok(sent) => left.start += sent.max(1),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let Some(wait) = patience.take() else {
                        self.refused += u64::try_from(left.len()).unwrap_or_default();
                        return;
                    };
                    wait_for_room(self.socket, wait);
                }
                Err(_) => {
                    self.refused += 1;
                    left.start += 1;
                }
            }
        }
    }
}

fn wait_for_room(socket: &UdpSocket, wait: Timespec) {
    // Whatever comes of it, the next attempt to send tells.
    let _ = poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&wait));
}
