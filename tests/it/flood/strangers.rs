//! Whoever floods the relay: with garbage, Bindings and Allocates, each from another address.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use super::crowd::{Crowd, Wait};
use super::stun::{ALLOCATE, Answer, BINDING, Request, transaction};

/// How many there are, a network for each few.
const SOURCES: u32 = 20_000;
const FIRST: u32 = 0x7F40_0001;
const STRIDE: u32 = 61;
/// Packets between two looks at what has come.
const BATCH: usize = 50;

/// What came of a flood.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flood {
    pub(super) answers: f64,
    pub(super) bytes: f64,
    pub(super) longest: usize,
}

pub(super) struct Strangers {
    crowd: Crowd,
    relay: SocketAddrV4,
    packets: [Vec<u8>; 3],
    sent: u32,
    flood: Flood,
}

impl Strangers {
    pub(super) fn new(relay: SocketAddrV4) -> Self {
        let allocate = Request::new(ALLOCATE, transaction(8, 0)).with_transport();
        let binding = Request::new(BINDING, transaction(9, 0)).bytes();
        Self {
            crowd: Crowd::new().unwrap(),
            relay,
            packets: [vec![0x17; 100], binding, allocate.bytes()],
            sent: 0,
            flood: Flood::default(),
        }
    }

    /// Sends so many packets a second until `is_over`; how many it were.
    pub(super) fn flood(&mut self, rate: u32, is_over: impl Fn() -> bool) -> f64 {
        let (before, start) = (self.sent, Instant::now());
        while !is_over() {
            let due = start.elapsed().as_secs_f64() * f64::from(rate);
            for _ in 0..BATCH {
                if f64::from(self.sent - before) >= due {
                    break;
                }
                self.send();
            }
            self.take(Wait::Not);
        }
        while self.take(Wait::Briefly) > 0 {}
        f64::from(self.sent - before)
    }

    /// Everything that came of every flood.
    pub(super) fn sum(&self) -> Flood {
        self.flood
    }

    /// Datagrams that the system dropped because the relay's sockets were full.
    pub(super) fn lost_by_the_system(&self) -> u64 {
        let text = std::fs::read_to_string("/proc/net/udp").unwrap();
        let port = format!(":{:04X}", self.relay.port());
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words.get(1).is_some_and(|local| local.ends_with(&port)))
            .map(|words| words[words.len() - 1].parse::<u64>().unwrap())
            .sum()
    }

    fn send(&mut self) {
        let packet = &self.packets[usize::try_from(self.sent).unwrap() % self.packets.len()];
        let source = Ipv4Addr::from(FIRST + self.sent % SOURCES * STRIDE);
        self.crowd.send(source, self.relay, packet).unwrap();
        self.sent += 1;
    }

    fn take(&mut self, wait: Wait) -> usize {
        let came = self.crowd.receive(wait).unwrap();
        for bytes in self.crowd.received() {
            assert!(Answer::read(bytes).is_some());
            self.flood.answers += 1.0;
            self.flood.bytes += f64::from(u32::try_from(bytes.len()).unwrap());
            self.flood.longest = self.flood.longest.max(bytes.len());
        }
        came
    }
}
