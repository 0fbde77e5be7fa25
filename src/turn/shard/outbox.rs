//! What a round sends: packets to one client travel together, and everything in few calls.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;

use crate::turn::post::{Patience, Post, Trains};

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
        let packets: Vec<IoSlice<'_>> = self
            .parcels
            .iter()
            .map(|parcel| match parcel.place {
                Place::Inbox => IoSlice::new(&inbox[parcel.bytes.clone()]),
                Place::Aside => IoSlice::new(&self.aside[parcel.bytes.clone()]),
            })
            .collect();
        let receivers: Vec<SocketAddr> = self.parcels.iter().map(|parcel| parcel.to).collect();
        let mut post = Post {
            socket,
            receivers: &receivers,
            packets: &packets,
            trains: self.trains,
            patience: &mut Patience::fresh(),
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
