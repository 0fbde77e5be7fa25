//! The load: packets that carry when they were sent, along lanes of which everybody takes turns.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::clients::{self, CHANNEL, Client};
use crate::crowd::{Crowd, Wait};
use crate::server::Mode;
use crate::stun::channel_header;

/// Packets in a burst.
pub(crate) const BURST: usize = 8;
/// How late a paced packet may leave.
const TOO_LATE: Duration = Duration::from_millis(5);
/// Brief waits in which nothing comes before the rest counts as lost: a busy machine may keep a
/// server from its core for some.
const PATIENCE: u32 = 10;
/// What media begins with, so that a peer tells it from everything else.
const MARK: u8 = 0xA5;
/// Where the moment of sending lies in media.
const STAMP: std::ops::Range<usize> = 8..16;
/// The header of ChannelData.
const HEADER: usize = 4;
/// Latencies kept, so that noting them doesn't disturb.
const REMEMBERED: usize = 1 << 20;

/// One way that packets take: from whom, to where, as what.
#[derive(Debug)]
struct Lane {
    from: Ipv4Addr,
    to: SocketAddrV4,
    packet: Vec<u8>,
    /// Where media begins.
    media: usize,
}

impl Lane {
    fn new(from: Ipv4Addr, to: SocketAddrV4, header: &[u8], length: usize) -> Self {
        let mut packet = header.to_vec();
        packet.resize(header.len() + length, MARK);
        Self {
            from,
            to,
            packet,
            media: header.len(),
        }
    }

    /// Writes down that it is sent now.
    fn stamp(&mut self, now: u64) {
        self.packet[self.media..][STAMP].copy_from_slice(&now.to_be_bytes());
    }
}

/// How packets leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One by one, everybody taking turns.
    Single,
    /// Eight of one sender behind one another.
    Burst,
    /// Eight of one sender as one segmented datagram, as network cards deliver them.
    Train,
}

impl Shape {
    fn packets(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Burst | Self::Train => BURST,
        }
    }
}

/// What a stretch of load came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    pub(crate) received: usize,
    /// What was to be sent and wasn't, because this thread was too late.
    pub(crate) missed: usize,
    /// Time in which there was something to do: the generator waits by spinning where it paces.
    pub(crate) busy: Duration,
    /// One-way, nanoseconds; a part of them where there were very many.
    pub(crate) latencies: Vec<u64>,
}

impl Tally {
    /// The part that was lost.
    pub(crate) fn loss(&self) -> f64 {
        let lost = self.sent.saturating_sub(self.received);
        lost as f64 / self.sent.max(1) as f64
    }

    /// The latency that so many of 1,000 stay under, milliseconds.
    pub(crate) fn latency(&mut self, per_mille: usize) -> f64 {
        self.latencies.sort_unstable();
        let at = self.latencies.len() * per_mille / 1000;
        self.latencies
            .get(at)
            .map_or(f64::NAN, |nanos| *nanos as f64 / 1e6)
    }
}

/// Lanes under load.
pub(crate) struct Load<'a> {
    crowd: &'a mut Crowd,
    lanes: Vec<Lane>,
    /// Bytes of media in a packet.
    length: usize,
    next: usize,
    start: Instant,
    tally: Tally,
    train: Vec<u8>,
}

impl<'a> Load<'a> {
    /// Clients that send to the one on the other end of their channel; peers outside send as well.
    pub(crate) fn relayed(
        crowd: &'a mut Crowd,
        server: SocketAddrV4,
        mode: Mode,
        clients: &[Client],
        length: usize,
    ) -> Self {
        let header = channel_header(CHANNEL, length);
        let mut lanes = Vec::new();
        for client in clients {
            lanes.push(Lane::new(client.address, server, &header, length));
            if mode == Mode::Peer {
                lanes.push(Lane::new(*client.peer.ip(), client.relayed, &[], length));
            }
        }
        Self::new(crowd, lanes, length)
    }

    /// Senders that get their own packets back.
    pub(crate) fn reflected(
        crowd: &'a mut Crowd,
        server: SocketAddrV4,
        senders: usize,
        length: usize,
    ) -> Self {
        let header = channel_header(CHANNEL, length);
        let lane = |sender| Lane::new(clients::address(sender), server, &header, length);
        Self::new(crowd, (0..senders).map(lane).collect(), length)
    }

    fn new(crowd: &'a mut Crowd, lanes: Vec<Lane>, length: usize) -> Self {
        Self {
            crowd,
            lanes,
            length,
            next: 0,
            start: Instant::now(),
            tally: Tally::default(),
            train: Vec::new(),
        }
    }

    /// What happened since the last time this was asked.
    pub(crate) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Keeps up to `window` packets under way for so long, and waits for the last of them.
    pub(crate) fn saturate(&mut self, window: usize, shape: Shape, time: Duration) -> Outcome<()> {
        let end = Instant::now() + time;
        let mut in_flight = 0;
        let mut silent = 0;
        loop {
            let is_over = Instant::now() >= end;
            while !is_over && in_flight + shape.packets() <= window {
                self.send(shape)?;
                in_flight += shape.packets();
            }
            let came = self.take(Wait::Briefly)?;
            in_flight = in_flight.saturating_sub(came);
            silent = if came == 0 { silent + 1 } else { 0 };
            if silent == PATIENCE {
                // What hasn't come by now is lost.
                (in_flight, silent) = (0, 0);
            }
            if is_over && in_flight == 0 {
                return Ok(());
            }
        }
    }

    /// Has each lane send `rate` packets a second for so long, evenly spread, and waits for the
    /// last of them. What this thread was too late for is left out: speakers don't come in a heap.
    pub(crate) fn pace(&mut self, rate: u32, time: Duration) -> Outcome<()> {
        let lanes = u32::try_from(self.lanes.len())?;
        let interval = Duration::from_secs(1) / (rate * lanes);
        let start = Instant::now();
        let mut due = start;
        let mut turn = start;
        while turn < start + time {
            let is_due = turn >= due;
            while turn.saturating_duration_since(due) > TOO_LATE {
                due += interval;
                self.tally.missed += 1;
            }
            while due <= turn {
                self.send(Shape::Single)?;
                due += interval;
            }
            let has_come = self.take(Wait::Not)? > 0;
            let now = Instant::now();
            if is_due || has_come {
                self.tally.busy += now - turn;
            }
            turn = now;
        }
        while self.tally.received < self.tally.sent && self.take(Wait::Briefly)? > 0 {}
        Ok(())
    }

    fn send(&mut self, shape: Shape) -> Outcome<()> {
        let now = u64::try_from(self.start.elapsed().as_nanos())?;
        self.next = (self.next + 1) % self.lanes.len();
        let lane = &mut self.lanes[self.next];
        lane.stamp(now);
        match shape {
            Shape::Single => self.crowd.send(lane.from, lane.to, &lane.packet)?,
            Shape::Burst => {
                for _ in 0..BURST {
                    self.crowd.send(lane.from, lane.to, &lane.packet)?;
                }
            }
            Shape::Train => {
                self.train.clear();
                for _ in 0..BURST {
                    self.train.extend_from_slice(&lane.packet);
                }
                let length = u16::try_from(lane.packet.len())?;
                self.crowd
                    .send_train(lane.from, lane.to, &self.train, length)?;
            }
        }
        self.tally.sent += shape.packets();
        Ok(())
    }

    /// Takes in what has come; how many packets, not counting what isn't media.
    fn take(&mut self, wait: Wait) -> Outcome<usize> {
        self.crowd.receive(wait)?;
        let now = u64::try_from(self.start.elapsed().as_nanos())?;
        let before = self.tally.received;
        for datagram in self.crowd.received() {
            // A train has packets of one length, with a header for clients and without for peers.
            let header = datagram.first().map_or(0, |first| header_of(*first));
            for packet in datagram.chunks(header + self.length) {
                if let Some(sent) = sent_at(packet) {
                    self.tally.received += 1;
                    if self.tally.latencies.len() < REMEMBERED {
                        self.tally.latencies.push(now.saturating_sub(sent));
                    }
                }
            }
        }
        Ok(self.tally.received - before)
    }
}

/// The bytes before the media in a packet that begins so.
fn header_of(first: u8) -> usize {
    match first {
        0x40..=0x4F => HEADER,
        _ => 0,
    }
}

/// The moment that a packet carries; none: it isn't one of ours.
fn sent_at(packet: &[u8]) -> Option<u64> {
    let media = packet.get(header_of(*packet.first()?)..)?;
    let is_ours = media.first() == Some(&MARK);
    let stamp = media.get(STAMP)?.try_into().ok()?;
    is_ours.then_some(u64::from_be_bytes(stamp))
}
