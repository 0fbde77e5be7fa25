//! What a round sends to peers outside, each packet by the outlet of its sender.

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use crate::turn::outlet::Outlet;
use crate::turn::policy::Outsider;
use crate::turn::post::{Patience, Trains};

#[derive(Debug)]
struct Departure {
    outlet: Arc<Outlet>,
    to: Outsider,
    /// Where in the inbox it lies.
    bytes: Range<usize>,
}

impl Departure {
    /// What packets that may travel together have in common.
    fn way(&self) -> (usize, Outsider) {
        (Arc::as_ptr(&self.outlet).addr(), self.to)
    }
}

/// Packets for peers outside.
#[derive(Debug)]
pub(super) struct Departures {
    waiting: Vec<Departure>,
    trains: Trains,
}

impl Departures {
    pub(super) fn new() -> Self {
        Self {
            waiting: Vec::new(),
            trains: Trains::Run,
        }
    }

    /// Sends what lies in the inbox at `bytes`.
    pub(super) fn push(&mut self, outlet: &Arc<Outlet>, to: Outsider, bytes: Range<usize>) {
        self.waiting.push(Departure {
            outlet: Arc::clone(outlet),
            to,
            bytes,
        });
    }

    /// Sends everything, and says how many packets the system refused.
    pub(super) fn flush(&mut self, inbox: &[u8]) -> u64 {
        self.waiting.sort_by_key(Departure::way);
        let mut refused = 0;
        let mut patience = Patience::fresh();
        for together in self.waiting.chunk_by(|one, other| one.way() == other.way()) {
            let packet = |departure: &Departure| IoSlice::new(&inbox[departure.bytes.clone()]);
            refused += match together {
                [] => 0,
                [one] => {
                    let packet = [packet(one)];
                    let outlet = &one.outlet;
                    outlet.send(one.to, &packet, &mut self.trains, &mut patience)
                }
                [first, ..] => {
                    let packets: Vec<IoSlice<'_>> = together.iter().map(packet).collect();
                    let outlet = &first.outlet;
                    outlet.send(first.to, &packets, &mut self.trains, &mut patience)
                }
            };
        }
        self.waiting.clear();
        refused
    }
}
