//! Proofs that somebody outside reaches this machine.
//!
//! From the machine itself it can't be told what a router or a firewall lets through. So an operator
//! makes a code, somebody elsewhere opens the page with it, and the page says what it reached. A code
//! is good once; only with it are credentials for the relay handed out. All of it is in memory:
//! after a restart nothing was seen. What is reported counts when it comes from a public address;
//! that it is true is the word of whoever has the code.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Messenger;
use super::error::Error;
use super::operator::Operator;
use super::scope::{Peer, Visitor};
use crate::auth::InviteCode;
use crate::base::{Private, Timestamp, random};
use crate::config::Rate;
use crate::ratelimit::{Address, Limiter};
use crate::turn::Relay;
use crate::wire::body::IceServer;
use crate::wire::outside::{
    ProofKit, ProofLink, ProofNoted, ProofReport, ProofRequest, Reach, RelayWay, SeenOutside,
    Whereabouts,
};

/// How long a link waits to be opened.
const WAITS: Duration = Duration::from_mins(10);
/// How long a proof may take, and its credentials are good.
const TAKES: Duration = Duration::from_mins(5);
/// Codes at once; a further one displaces the oldest. Only operators make them.
const MOST: usize = 8;
/// Addresses remembered by the limit.
const MOST_ADDRESSES: usize = 10_000;

/// How often an address may show a code. Codes have 60 bits, so this is about the cost of looking.
pub const PROOF_RATE: Rate = Rate {
    count: 20,
    period: Duration::from_mins(1),
};

/// The proofs under way, and what they came to.
#[derive(Debug)]
pub(super) struct Outside {
    shown: Limiter<Address>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    proofs: VecDeque<Proof>,
    seen: SeenOutside,
}

#[derive(Debug)]
struct Proof {
    code: InviteCode,
    ends: Timestamp,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The link wasn't opened yet.
    Waiting,
    /// The page is at it. A socket counts once it has come in with the pass.
    Begun { pass: Private<String>, socket: bool },
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            shown: Limiter::new(PROOF_RATE, MOST_ADDRESSES),
            book: Mutex::default(),
        }
    }
}

impl Outside {
    /// The book, with nothing in it that is over.
    fn open(&self, now: Timestamp) -> MutexGuard<'_, Book> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.proofs.retain(|proof| now < proof.ends);
        book
    }

    /// Forgets addresses that have a whole allowance again, and codes that are over. How many
    /// addresses.
    pub(super) fn forget(&self, now: Timestamp) -> usize {
        drop(self.open(now));
        self.shown.forget(now)
    }

    /// Notes that a socket came in with `pass`.
    pub(super) fn came_in(&self, pass: &str, now: Timestamp) {
        for proof in &mut self.open(now).proofs {
            if let Stage::Begun { pass: own, socket } = &mut proof.stage {
                *socket |= own.0 == pass;
            }
        }
    }
}

impl Book {
    fn issue(&mut self, code: InviteCode, now: Timestamp) -> Timestamp {
        if self.proofs.len() == MOST {
            self.proofs.pop_front();
        }
        let ends = now.saturating_add(WAITS);
        self.proofs.push_back(Proof {
            code,
            ends,
            stage: Stage::Waiting,
        });
        ends
    }

    /// The pass of the proof that begins with `code`. None: the code may not be used, which it no
    /// longer may after this either.
    fn begin(
        &mut self,
        code: &InviteCode,
        pass: impl FnOnce() -> String,
        now: Timestamp,
    ) -> Option<String> {
        let waits =
            |proof: &&mut Proof| proof.code == *code && matches!(proof.stage, Stage::Waiting);
        let proof = self.proofs.iter_mut().find(waits)?;
        let pass = pass();
        proof.ends = now.saturating_add(TAKES);
        proof.stage = Stage::Begun {
            pass: Private(pass.clone()),
            socket: false,
        };
        Some(pass)
    }

    /// Notes what was reached from outside with `code`. False: no proof was begun with it.
    fn note(
        &mut self,
        code: &InviteCode,
        reached: &[Reach],
        from: Whereabouts,
        now: Timestamp,
    ) -> bool {
        let begun = self.proofs.iter().find_map(|proof| match proof.stage {
            Stage::Begun { socket, .. } if proof.code == *code => Some(socket),
            _ => None,
        });
        let Some(socket_came) = begun else {
            return false;
        };
        if from == Whereabouts::Outside {
            let counts = |reach: &&Reach| socket_came || **reach != Reach::Socket;
            for reach in reached.iter().filter(counts) {
                self.seen.note(*reach, now);
            }
        }
        true
    }
}

impl Operator {
    /// A link for whoever is outside, good once and for ten minutes.
    pub fn prove_outside(&self) -> ProofLink {
        let messenger = &self.messenger;
        let now = messenger.clock.now();
        let code = InviteCode::new(random::draw());
        let origin = messenger.settings.origins.first();
        let link = format!("{}/test#{code}", origin.map_or("", String::as_str));
        ProofLink {
            link: Private(link),
            expires_at: messenger.outside.open(now).issue(code, now),
        }
    }

    /// When each was last reached from outside, since the daemon started.
    pub fn seen_outside(&self) -> SeenOutside {
        self.messenger.outside.open(self.messenger.clock.now()).seen
    }
}

impl Visitor {
    /// Begins a proof with a code that nobody used yet.
    pub fn begin_proof(&self, request: &ProofRequest) -> Result<ProofKit, Error> {
        let messenger = &self.messenger;
        self.count(&messenger.outside.shown)?;
        let now = messenger.clock.now();
        let code = read(&request.code)?;
        // Made only for a code that is good, or strangers could displace the passes of others.
        let pass = || messenger.passes.issue(now);
        let begun = messenger.outside.open(now).begin(&code, pass, now);
        let pass = begun.ok_or(UNKNOWN)?;
        Ok(ProofKit {
            socket_pass: Private(pass),
            relays: messenger.relay_ways(now),
            ttl: TAKES.as_secs(),
        })
    }

    /// Takes what a proof came to.
    pub fn report_proof(&self, report: &ProofReport) -> Result<ProofNoted, Error> {
        let messenger = &self.messenger;
        self.count(&messenger.outside.shown)?;
        let now = messenger.clock.now();
        let (code, from) = (read(&report.code)?, whereabouts(self.peer()));
        let mut book = messenger.outside.open(now);
        if book.note(&code, &report.reached, from, now) {
            Ok(ProofNoted { from })
        } else {
            Err(UNKNOWN)
        }
    }
}

/// One answer for every code that isn't good, so that nothing is learnt by trying.
const UNKNOWN: Error =
    Error::Forbidden("this code is unknown, used or expired; privcomm doctor --outside makes one");

fn read(code: &Private<String>) -> Result<InviteCode, Error> {
    InviteCode::parse(&code.0).map_err(|_| UNKNOWN)
}

impl Messenger {
    /// Each way to this daemon's own relay by itself, with credentials of its own.
    fn relay_ways(&self, now: Timestamp) -> Vec<RelayWay> {
        let own = self.relay.as_ref().filter(|access| access.relay.is_some());
        let Some((access, place)) = own.and_then(|access| Some((access, access.places.first()?)))
        else {
            return Vec::new();
        };
        let issued = access.secret.issue(now, TAKES);
        access.relay.iter().for_each(Relay::note_issued);
        let way = |over: Reach| {
            let urls = place.turn_urls.iter().filter(|url| transport(url) == over);
            let urls: Vec<String> = urls.cloned().collect();
            (!urls.is_empty()).then(|| RelayWay {
                over,
                ice_server: IceServer {
                    urls,
                    username: Some(issued.username.clone()),
                    credential: Some(Private(issued.credential.clone())),
                },
            })
        };
        [Reach::Udp, Reach::Tcp, Reach::Tls]
            .into_iter()
            .filter_map(way)
            .collect()
    }
}

/// The transport that a `turn:` or `turns:` address names (RFC 7065, section 3).
fn transport(url: &str) -> Reach {
    if url.starts_with("turns:") {
        Reach::Tls
    } else if url.ends_with("?transport=tcp") {
        Reach::Tcp
    } else {
        Reach::Udp
    }
}

fn whereabouts(peer: Peer) -> Whereabouts {
    match peer {
        Peer::Address(ip) if !is_near(ip) => Whereabouts::Outside,
        _ => Whereabouts::Near,
    }
}

/// Whether an address is one of this machine, or of a network of its own.
pub(super) fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_near_v4(ip),
        IpAddr::V6(ip) => is_near_v6(ip),
    }
}

/// Of this machine, or of networks behind a router (RFC 1918, RFC 3927, RFC 6598).
fn is_near_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || a == 0
        || (a == 100 && b & 0xc0 == 64)
}

/// Of this machine, or of networks that no provider routes (RFC 4193, RFC 4291).
fn is_near_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn begins(outside: &Outside, seed: u8, now: Timestamp) -> bool {
        let pass = || format!("pass {seed}");
        outside.open(now).begin(&code(seed), pass, now).is_some()
    }

    fn code(seed: u8) -> InviteCode {
        InviteCode::new([seed; 8])
    }

    #[test]
    fn a_code_is_good_once_and_for_its_time() {
        let outside = Outside::default();
        let ends = outside.open(NOW).issue(code(1), NOW);
        assert_eq!(ends, NOW.saturating_add(WAITS));
        assert!(!begins(&outside, 2, NOW));
        let last = ends.saturating_sub(Duration::from_millis(1));
        assert!(begins(&outside, 1, last) && !begins(&outside, 1, last));
        outside.open(NOW).issue(code(3), NOW);
        assert!(!begins(&outside, 3, ends));
    }

    #[test]
    fn a_code_too_many_displaces_the_oldest() {
        let outside = Outside::default();
        for seed in 0..=8 {
            outside.open(NOW).issue(code(seed), NOW);
        }
        assert!(!begins(&outside, 0, NOW));
        assert!(begins(&outside, 1, NOW) && begins(&outside, 8, NOW));
    }

    #[test]
    fn only_a_proof_that_was_begun_outside_and_is_not_over_counts() {
        let outside = Outside::default();
        let all = [Reach::Http, Reach::Udp];
        let note = |from, now| outside.open(now).note(&code(1), &all, from, now);
        outside.open(NOW).issue(code(1), NOW);
        assert!(!note(Whereabouts::Outside, NOW));
        assert!(begins(&outside, 1, NOW));
        assert!(note(Whereabouts::Near, NOW));
        assert_eq!(outside.open(NOW).seen, SeenOutside::default());
        assert!(note(Whereabouts::Outside, NOW));
        let seen = outside.open(NOW).seen;
        assert_eq!((seen.http, seen.udp), (Some(NOW), Some(NOW)));
        assert_eq!((seen.socket, seen.tcp, seen.tls), (None, None, None));
        assert!(!note(Whereabouts::Outside, NOW.saturating_add(TAKES)));
    }

    #[test]
    fn a_socket_counts_once_it_came_in_with_its_pass() {
        let outside = Outside::default();
        outside.open(NOW).issue(code(1), NOW);
        assert!(begins(&outside, 1, NOW));
        let seen = || {
            let mut book = outside.open(NOW);
            assert!(book.note(&code(1), &[Reach::Socket], Whereabouts::Outside, NOW));
            book.seen.socket
        };
        outside.came_in("another", NOW);
        assert_eq!(seen(), None);
        outside.came_in("pass 1", NOW);
        assert_eq!(seen(), Some(NOW));
    }

    #[test]
    fn addresses_of_ones_own_network_are_near() {
        for (ip, from) in [
            ("127.0.0.1", Whereabouts::Near),
            ("192.168.1.20", Whereabouts::Near),
            ("169.254.1.1", Whereabouts::Near),
            ("100.64.0.1", Whereabouts::Near),
            ("100.128.0.1", Whereabouts::Outside),
            ("9.9.9.9", Whereabouts::Outside),
            ("::ffff:10.0.0.1", Whereabouts::Near),
            ("::1", Whereabouts::Near),
            ("fe80::1", Whereabouts::Near),
            ("fd00::1", Whereabouts::Near),
            ("2620:fe::fe", Whereabouts::Outside),
        ] {
            assert_eq!(
                whereabouts(Peer::Address(ip.parse().unwrap())),
                from,
                "{ip}"
            );
        }
        assert_eq!(whereabouts(Peer::Local), Whereabouts::Near);
    }

    #[test]
    fn an_address_of_a_relay_names_its_transport() {
        for (url, over) in [
            ("turn:a.example:3478?transport=udp", Reach::Udp),
            ("turn:a.example", Reach::Udp),
            ("turn:a.example:3478?transport=tcp", Reach::Tcp),
            ("turns:a.example:443?transport=tcp", Reach::Tls),
        ] {
            assert_eq!(transport(url), over, "{url}");
        }
    }
}
