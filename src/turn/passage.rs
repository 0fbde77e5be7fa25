//! What becomes of one message, whatever transport it came by, and which transport takes what
//! comes of it to its client.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use crate::base::random;

use super::allocation::{FiveTuple, ListenerId};
use super::control::Answer;
use super::dataplane::{Delivery, Form, Way, read_channel_data, read_send_indication};
use super::figures::DropReason;
use super::gate::Verdict;
use super::message::{HEADER, HEADROOM, TransactionId, frame_channel_data, frame_data_indication};
use super::post::{Patience, Trains};
use super::relay::State;

/// The longest Data indication whose length can be written (RFC 8489 §5).
pub(super) const MAX_INDICATION: usize = HEADER + 65_532;

/// Where media lies in the buffer, and where it goes.
type Routed = Result<(Way, Range<usize>), DropReason>;

/// The way in for what comes to one listener.
#[derive(Debug)]
pub(super) struct Passage {
    id: ListenerId,
    state: Arc<State>,
    transactions: Transactions,
}

impl Passage {
    pub(super) fn new(id: ListenerId, state: Arc<State>) -> Self {
        Self {
            id,
            state,
            transactions: Transactions::new(),
        }
    }

    /// Serves one message, which lies behind the headroom; behind it there is room to pad media.
    pub(super) async fn take(&mut self, buffer: &mut [u8], length: usize, client: SocketAddr) {
        let state = Arc::clone(&self.state);
        state.counters.datagrams.increment();
        let tuple = FiveTuple {
            listener: self.id,
            client,
        };
        let message = &buffer[HEADROOM..HEADROOM + length];
        let routed = match message.first().map(|byte| byte >> 6) {
            Some(0b01) if client.port() != 0 => route_channel_data(&state, message, &tuple),
            Some(0b00) if client.port() != 0 => {
                let now = state.books.time.now();
                let mut bytes = Vec::new();
                let calendar = || state.books.time.calendar();
                let verdict = state.gate.judge(message, &tuple, now, calendar, &mut bytes);
                match verdict {
                    Verdict::Media(shape) => {
                        read_send_indication(&shape).and_then(|(peer, media)| {
                            let ledger = state.books.read();
                            let size = media.len();
                            let way =
                                ledger
                                    .table
                                    .route_peer(&tuple, peer, size, now, &ledger.peers)?;
                            Ok((way, media))
                        })
                    }
                    Verdict::Request(request) => {
                        state.streams.prove(&tuple);
                        let mut control = state.control.lock().await;
                        let around = state.surroundings(self.id);
                        let answer = control.answer(&request, tuple, around).await;
                        drop(control);
                        return state.send_answer(answer, &tuple);
                    }
                    Verdict::Answered(refused) => {
                        return state.send_answer(Ok(Answer { bytes, refused }), &tuple);
                    }
                    Verdict::Drop(reason) => Err(reason),
                }
            }
            _ => Err(DropReason::Foreign),
        };
        self.deliver(buffer, routed);
    }

    /// Hands media over, or counts why not.
    fn deliver(&mut self, buffer: &mut [u8], routed: Routed) {
        let (way, media) = match routed {
            Ok(routed) => routed,
            Err(reason) => return self.state.counters.dropped(reason),
        };
        let media = HEADROOM + media.start..HEADROOM + media.end;
        let sent = match way {
            Way::Inside(delivery) => self.send_inside(buffer, delivery, media.clone()),
            Way::Outside(outlet, to) => {
                let packet = [IoSlice::new(&buffer[media.clone()])];
                let mut trains = Trains::Cancelled;
                match outlet.send(to, &packet, &mut trains, &mut Patience::fresh()) {
                    0 => Ok(()),
                    _ => Err(DropReason::SendFailed),
                }
            }
        };
        match sent {
            Ok(()) => {
                let bytes = u64::try_from(media.len()).unwrap_or(u64::MAX);
                self.state.counters.packets.increment();
                self.state.counters.bytes.add(bytes);
            }
            Err(reason) => self.state.counters.dropped(reason),
        }
    }

    fn send_inside(
        &mut self,
        buffer: &mut [u8],
        delivery: Delivery,
        media: Range<usize>,
    ) -> Result<(), DropReason> {
        let framed = match delivery.form {
            Form::Channel(number) => frame_channel_data(buffer, &media, number),
            Form::Indication(peer) => {
                frame_data_indication(buffer, &media, peer, &self.transactions.draw())
            }
        };
        let fits = matches!(delivery.form, Form::Channel(_)) || framed.len() <= MAX_INDICATION;
        if !fits {
            return Err(DropReason::SendFailed);
        }
        self.state.send(&buffer[framed], &delivery.to)
    }
}

fn route_channel_data(state: &State, message: &[u8], tuple: &FiveTuple) -> Routed {
    let (number, media) = read_channel_data(message)?;
    let now = state.books.time.now();
    let ledger = state.books.read();
    let way = ledger
        .table
        .route_channel(tuple, number, media.len(), now, &ledger.peers)?;
    Ok((way, media))
}

/// Transactions of Data indications: where they begin is random, and none comes twice.
#[derive(Debug)]
pub(super) struct Transactions {
    prefix: [u8; 4],
    next: u64,
}

impl Transactions {
    pub(super) fn new() -> Self {
        Self {
            prefix: random::draw(),
            next: u64::from_ne_bytes(random::draw()),
        }
    }

    pub(super) fn draw(&mut self) -> TransactionId {
        self.next = self.next.wrapping_add(1);
        let mut transaction = TransactionId::default();
        transaction[..4].copy_from_slice(&self.prefix);
        transaction[4..].copy_from_slice(&self.next.to_be_bytes());
        transaction
    }
}
