//! What becomes of the datagrams of a batch.

use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::Arc;

use super::departures::Departures;
use super::inbox::Inbox;
use super::outbox::Outbox;
use crate::turn::allocation::{FiveTuple, ListenerId};
use crate::turn::dataplane::{Delivery, Form, Way, read_channel_data, read_send_indication};
use crate::turn::desk::Desk;
use crate::turn::figures::DropReason;
use crate::turn::gate::Verdict;
use crate::turn::ledger::Ledger;
use crate::turn::message::{
    CHANNEL_HEADER, HEADROOM, TAILROOM, TransactionId, frame_channel_data, frame_data_indication,
};
use crate::turn::moment::Moment;
use crate::turn::outlet::Outlet;
use crate::turn::passage::{MAX_INDICATION, Transactions};
use crate::turn::relay::State;

/// What a datagram comes to that isn't dropped.
enum Outcome {
    /// Media: where it goes, and where in its datagram it lies.
    Routed(Way, Range<usize>),
    /// Whatever was to be done is done.
    Settled,
}

/// One batch at a time of what came to a shard's sockets.
pub(super) struct Round<'a> {
    state: &'a State,
    desk: &'a Desk,
    sockets: &'a [&'a UdpSocket],
    /// One per socket.
    outboxes: Vec<Outbox>,
    departures: Departures,
    /// An indication on its way to a connection.
    letter: Vec<u8>,
    transactions: Transactions,
    tally: Tally,
}

/// What is counted once a round, so that shards don't wait for each other's counting.
#[derive(Debug, Default)]
struct Tally {
    datagrams: u64,
    packets: u64,
    bytes: u64,
}

impl<'a> Round<'a> {
    pub(super) fn new(state: &'a State, desk: &'a Desk, sockets: &'a [&'a UdpSocket]) -> Self {
        Self {
            state,
            desk,
            sockets,
            outboxes: sockets.iter().map(|_| Outbox::new()).collect(),
            departures: Departures::new(),
            letter: Vec::new(),
            transactions: Transactions::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn socket(&self, listener: usize) -> Option<&'a UdpSocket> {
        self.sockets.get(listener).copied()
    }

    /// Serves what was received from a listener's socket. How many datagrams that were.
    pub(super) fn serve(&mut self, listener: usize, inbox: &mut Inbox) -> usize {
        let id = ListenerId(u16::try_from(listener).unwrap_or(u16::MAX));
        let now = self.state.books.time.now();
        let mut datagrams = 0;
        {
            let ledger = self.state.books.read();
            for arrival in &inbox.arrivals {
                let tuple = FiveTuple {
                    listener: id,
                    client: arrival.from,
                };
                for place in arrival.datagrams() {
                    datagrams += 1;
                    self.take(&mut inbox.slab, place, tuple, &ledger, now);
                }
            }
        }
        self.finish(datagrams, inbox);
        datagrams
    }

    /// The outlets of the relayed addresses with these ports.
    pub(super) fn outlets(&self, ports: impl Iterator<Item = u16>) -> Vec<(u16, Arc<Outlet>)> {
        let ledger = self.state.books.read();
        ports
            .filter_map(|port| {
                let outlet = ledger.table.at_port(port)?.outlet.as_ref()?;
                Some((port, Arc::clone(outlet)))
            })
            .collect()
    }

    /// Serves what was received from peers outside. How many datagrams that were.
    pub(super) fn serve_visits(&mut self, inbox: &mut Inbox) -> usize {
        let now = self.state.books.time.now();
        let mut datagrams = 0;
        {
            let ledger = self.state.books.read();
            for visit in &inbox.visits {
                let peer = visit.arrival.from;
                // A header in front of another datagram of a train would lie in the one before it.
                let mut is_first = true;
                for media in visit.arrival.datagrams() {
                    datagrams += 1;
                    let routed = ledger.table.route_arrival(
                        visit.port,
                        peer,
                        media.len(),
                        now,
                        &ledger.peers,
                    );
                    match routed {
                        Ok(delivery) if is_first => self.deliver(&mut inbox.slab, delivery, media),
                        Ok(delivery) => self.deliver_aside(&mut inbox.slab, delivery, media),
                        Err(reason) => self.state.counters.dropped(reason),
                    }
                    is_first = false;
                }
            }
        }
        self.finish(datagrams, inbox);
        datagrams
    }

    /// Counts what a batch came to, and sends it.
    fn finish(&mut self, datagrams: usize, inbox: &Inbox) {
        self.tally.datagrams = u64::try_from(datagrams).unwrap_or(u64::MAX);
        self.count();
        let counters = &self.state.counters;
        for (outbox, socket) in self.outboxes.iter_mut().zip(self.sockets) {
            let refused = outbox.flush(socket, &inbox.slab);
            counters.dropped_many(DropReason::SendFailed, refused);
        }
        let refused = self.departures.flush(&inbox.slab);
        counters.dropped_many(DropReason::SendFailed, refused);
    }

    /// Serves one datagram.
    fn take(
        &mut self,
        slab: &mut [u8],
        place: Range<usize>,
        tuple: FiveTuple,
        ledger: &Ledger,
        now: Moment,
    ) {
        let datagram = &slab[place.clone()];
        let outcome = match datagram.first().map(|byte| byte >> 6) {
            Some(0b01) if tuple.client.port() != 0 => {
                route_channel_data(datagram, tuple, ledger, now)
            }
            Some(0b00) if tuple.client.port() != 0 => self.take_stun(datagram, tuple, ledger, now),
            _ => Err(DropReason::Foreign),
        };
        match outcome {
            Ok(Outcome::Routed(way, media)) => {
                let media = place.start + media.start..place.start + media.end;
                match way {
                    Way::Inside(delivery) => self.deliver(slab, delivery, media),
                    Way::Outside(outlet, to) => {
                        self.tally_media(media.len());
                        self.departures.push(&outlet, to, media);
                    }
                }
            }
            Ok(Outcome::Settled) => {}
            Err(reason) => self.state.counters.dropped(reason),
        }
    }

    /// Answers a stranger, leaves a member's request at the desk, or says where media goes.
    fn take_stun(
        &mut self,
        datagram: &[u8],
        tuple: FiveTuple,
        ledger: &Ledger,
        now: Moment,
    ) -> Result<Outcome, DropReason> {
        let (gate, time) = (&self.state.gate, &self.state.books.time);
        let outbox = self
            .outboxes
            .get_mut(usize::from(tuple.listener.0))
            .ok_or(DropReason::SendFailed)?;
        let verdict = outbox.push_appended(tuple.client, |answers| {
            gate.judge(datagram, &tuple, now, || time.calendar(), answers)
        });
        match verdict {
            Verdict::Media(shape) => {
                let (peer, media) = read_send_indication(&shape)?;
                let size = media.len();
                let way = ledger
                    .table
                    .route_peer(&tuple, peer, size, now, &ledger.peers)?;
                Ok(Outcome::Routed(way, media))
            }
            Verdict::Request(request) => {
                self.desk.hand_over(request, datagram, tuple)?;
                Ok(Outcome::Settled)
            }
            Verdict::Answered(code) => {
                if let Some(code) = code {
                    self.state.counters.refused(code);
                }
                Ok(Outcome::Settled)
            }
            Verdict::Drop(reason) => Err(reason),
        }
    }

    /// Hands media over. ChannelData is written where it lies, because its header is the shortest
    /// that media comes with; an indication's is longer, and could reach into a neighbour.
    fn deliver(&mut self, slab: &mut [u8], delivery: Delivery, media: Range<usize>) {
        let Delivery { to, form } = delivery;
        if to.listener.stream_index().is_some() {
            return self.deliver_to_stream(slab, delivery, media);
        }
        let Some(outbox) = self.outboxes.get_mut(usize::from(to.listener.0)) else {
            return self.state.counters.dropped(DropReason::SendFailed);
        };
        self.tally.packets += 1;
        self.tally.bytes += u64::try_from(media.len()).unwrap_or(u64::MAX);
        match form {
            Form::Channel(number) => {
                outbox.push(to.client, frame_channel_data(slab, &media, number));
            }
            Form::Indication(peer) => {
                let transaction = self.transactions.draw();
                let media = &slab[media];
                outbox.push_aside(to.client, |aside| {
                    indicate(aside, media, peer, &transaction)
                });
            }
        }
    }

    /// Hands media over without a change to what lies in front of it.
    fn deliver_aside(&mut self, slab: &mut [u8], delivery: Delivery, media: Range<usize>) {
        let Delivery { to, form } = delivery;
        let outbox = self.outboxes.get_mut(usize::from(to.listener.0));
        let (Form::Channel(number), Some(outbox)) = (form, outbox) else {
            return self.deliver(slab, delivery, media);
        };
        let media = &slab[media];
        outbox.push_aside(to.client, |aside| {
            let start = aside.len() + CHANNEL_HEADER;
            aside.resize(start, 0);
            aside.extend_from_slice(media);
            let media = start..aside.len();
            frame_channel_data(aside, &media, number)
        });
        self.tally_media(media.len());
    }

    fn tally_media(&mut self, length: usize) {
        self.tally.packets += 1;
        self.tally.bytes += u64::try_from(length).unwrap_or(u64::MAX);
    }

    /// Hands media to a connection, at once: what it can't take now it never gets.
    fn deliver_to_stream(&mut self, slab: &mut [u8], delivery: Delivery, media: Range<usize>) {
        let Delivery { to, form } = delivery;
        let bytes = u64::try_from(media.len()).unwrap_or(u64::MAX);
        let message = match form {
            Form::Channel(number) => {
                let framed = frame_channel_data(slab, &media, number);
                &slab[framed]
            }
            Form::Indication(peer) => {
                self.letter.clear();
                let transaction = self.transactions.draw();
                let framed = indicate(&mut self.letter, &slab[media], peer, &transaction);
                if framed.len() > MAX_INDICATION {
                    return self.state.counters.dropped(DropReason::SendFailed);
                }
                &self.letter[framed]
            }
        };
        self.state.counters.packets.increment();
        self.state.counters.bytes.add(bytes);
        if let Err(reason) = self.state.streams.offer(message, &to) {
            self.state.counters.dropped(reason);
        }
    }

    /// Counted before it is sent, so that whoever has received something finds it counted.
    fn count(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        self.state.counters.datagrams.add(tally.datagrams);
        self.state.counters.packets.add(tally.packets);
        self.state.counters.bytes.add(tally.bytes);
    }
}

fn route_channel_data(
    datagram: &[u8],
    tuple: FiveTuple,
    ledger: &Ledger,
    now: Moment,
) -> Result<Outcome, DropReason> {
    let (number, media) = read_channel_data(datagram)?;
    let way = ledger
        .table
        .route_channel(&tuple, number, media.len(), now, &ledger.peers)?;
    Ok(Outcome::Routed(way, media))
}

/// Appends a Data indication.
fn indicate(
    aside: &mut Vec<u8>,
    media: &[u8],
    peer: SocketAddr,
    transaction: &TransactionId,
) -> Range<usize> {
    let start = aside.len() + HEADROOM;
    aside.resize(start, 0);
    aside.extend_from_slice(media);
    let data = start..aside.len();
    aside.resize(data.end + TAILROOM, 0);
    frame_data_indication(aside, &data, peer, transaction)
}
