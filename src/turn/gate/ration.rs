//! How many answers strangers get: enough for every client, too few to flood anybody with.
//!
//! Counted are the source, the network around it, and all together; an answer that one of them
//! refuses is none that the others count. What is kept is a fixed piece of memory, whoever asks and
//! however often.

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::turn::hash::Keyed;
use crate::turn::moment::Moment;

/// Sources and networks counted at once, 1 MiB when full. Beyond it whichever of a few was longest
/// silent starts anew; the limit in all still holds.
const CELLS: usize = 65_536;

/// Cells among which a source has its place: one line of the processor's cache.
const WAYS: usize = 4;

/// How much of its rate everybody may have at once.
const BURST: Duration = Duration::from_secs(2);

/// How many times the rate of a source a network has: a campus or a carrier is behind several, and
/// whoever forges every address of a network can't flood it.
const SOURCES_OF_NETWORK: u32 = 8;

/// Bits of an IPv6 address that tell one site from another.
const SITE: u32 = 64;

/// Answers per second to requests that prove nothing: Binding, 400, 401, 420 and 438.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRates {
    /// To one IPv4 address or IPv6 /64; twice as many may come at once. Its network, the IPv4 /24
    /// or IPv6 /48 around it, has eight times as many.
    pub per_source: u32,
    /// To everybody together; twice as many may come at once.
    pub in_all: u32,
}

impl Default for AnswerRates {
    /// Enough for a carrier's whole NAT address and for thousands of clients starting at once.
    fn default() -> Self {
        Self {
            per_source: 500,
            in_all: 20_000,
        }
    }
}

/// Answers at a steady rate, as nanoseconds between two.
#[derive(Debug, Clone, Copy)]
struct Rate(u64);

impl Rate {
    fn per_second(count: u32) -> Self {
        Self(1_000_000_000 / u64::from(count.max(1)))
    }

    /// When all that was granted is due at this rate, with one more; none: that is too far ahead.
    fn next(self, due: u64, now: u64) -> Option<u64> {
        let next = due.max(now).saturating_add(self.0);
        let ahead = Duration::from_nanos(next.saturating_sub(now));
        (ahead <= BURST).then_some(next)
    }
}

/// What is known of a source or a network: who it is, and when what it was granted is due.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    tag: u64,
    due: u64,
}

/// Counts the answers that were given.
#[derive(Debug)]
pub(super) struct Ration {
    per_source: Rate,
    per_network: Rate,
    in_all: Rate,
    due: u64,
    cells: Vec<Cell>,
    /// Its collisions can't be chosen from outside, and would give no more than a fresh start.
    keyed: Keyed,
}

impl Ration {
    pub(super) fn new(rates: AnswerRates) -> Self {
        Self {
            per_source: Rate::per_second(rates.per_source),
            per_network: Rate::per_second(rates.per_source.saturating_mul(SOURCES_OF_NETWORK)),
            in_all: Rate::per_second(rates.in_all),
            due: 0,
            cells: vec![Cell::default(); CELLS],
            keyed: Keyed::default(),
        }
    }

    /// Whether one more answer may go to `client`.
    pub(super) fn admits(&mut self, client: IpAddr, now: Moment) -> bool {
        let now = now.as_nanos();
        let [site, network] = prefixes(client).map(|prefix| self.place(prefix));
        let granted = (
            self.per_source.next(self.cells[site].due, now),
            self.per_network.next(self.cells[network].due, now),
            self.in_all.next(self.due, now),
        );
        let (Some(of_site), Some(of_network), Some(in_all)) = granted else {
            return false;
        };
        self.cells[site].due = of_site;
        self.cells[network].due = of_network;
        self.due = in_all;
        true
    }

    /// The cell of a source or network. Where it has none, it gets the one that is free the
    /// longest; those who have used up what is theirs keep theirs.
    fn place(&mut self, prefix: Prefix) -> usize {
        let tag = self.keyed.hash_one(prefix);
        let set = usize::try_from(tag >> 32).unwrap_or_default() % (CELLS / WAYS) * WAYS;
        let ways = set..set + WAYS;
        let known = ways.clone().find(|place| self.cells[*place].tag == tag);
        known.unwrap_or_else(|| {
            let free = ways.min_by_key(|place| self.cells[*place].due);
            let place = free.unwrap_or(set);
            self.cells[place] = Cell { tag, due: 0 };
            place
        })
    }
}

/// The leading bits of an address, and how many they are: no two kinds have as many.
type Prefix = (u64, u64);

/// A source, and the network around it: IPv4 /32 and /24, IPv6 /64 and /48.
fn prefixes(client: IpAddr) -> [Prefix; 2] {
    let (address, bits, within) = match client.to_canonical() {
        IpAddr::V4(ip) => (u64::from(u32::from(ip)), 32, 8),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments().map(u64::from);
            (a << 48 | b << 32 | c << 16 | d, 64, 16)
        }
    };
    [(bits, address), (bits - within, address >> within)]
}

/// What counts as one source: an IPv4 address, or an IPv6 /64.
pub(crate) fn site(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            let network = u128::from(ip) >> (u128::BITS - SITE) << (u128::BITS - SITE);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(ration: &mut Ration, client: &str, now: Moment) -> usize {
        let client = client.parse().unwrap();
        (0..1000).take_while(|_| ration.admits(client, now)).count()
    }

    fn ration(per_source: u32, in_all: u32) -> Ration {
        Ration::new(AnswerRates { per_source, in_all })
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn a_source_has_its_burst_and_then_its_rate() {
        let mut ration = ration(5, 100);
        assert_eq!(granted(&mut ration, "192.0.2.1", at(0)), 10);
        assert_eq!(granted(&mut ration, "192.0.2.2", at(0)), 10);
        assert_eq!(granted(&mut ration, "192.0.2.1", at(1)), 5);
        assert_eq!(granted(&mut ration, "192.0.2.1", at(99)), 10);
        assert_eq!(granted(&mut ration, "::ffff:192.0.2.1", at(99)), 0);
    }

    #[test]
    fn a_site_is_one_source_in_ipv6() {
        let mut ration = ration(5, 100);
        assert_eq!(granted(&mut ration, "2001:db8::1", at(0)), 10);
        assert_eq!(granted(&mut ration, "2001:db8::2", at(0)), 0);
        assert_eq!(granted(&mut ration, "2001:db8:0:1::1", at(0)), 10);
    }

    #[test]
    fn a_network_has_eight_times_what_a_source_has() {
        for (first, others) in [
            ("192.0.2.", ["192.0.3.1", "192.1.2.1"]),
            ("2001:db8:0:", ["2001:db8:1:1::", "2001:db9:0:1::"]),
        ] {
            let mut ration = ration(1, 1000);
            let within = |number: u32| {
                let rest = if first.contains(':') { "::" } else { "" };
                format!("{first}{number}{rest}")
            };
            for number in 1..=8 {
                assert_eq!(granted(&mut ration, &within(number), at(0)), 2);
            }
            assert_eq!(granted(&mut ration, &within(9), at(0)), 0);
            for other in others {
                assert_eq!(granted(&mut ration, other, at(0)), 2, "{other}");
            }
            assert_eq!(granted(&mut ration, &within(9), at(1)), 2);
        }
    }

    #[test]
    fn everybody_together_has_a_limit() {
        let mut ration = ration(5, 6);
        assert_eq!(granted(&mut ration, "192.0.2.1", at(0)), 10);
        assert_eq!(granted(&mut ration, "198.51.100.1", at(0)), 2);
        assert_eq!(granted(&mut ration, "203.0.113.1", at(1)), 6);
    }

    #[test]
    fn what_one_limit_refuses_the_others_do_not_count() {
        let mut ration = ration(5, 12);
        assert_eq!(granted(&mut ration, "192.0.2.1", at(0)), 10);
        for _ in 0..100 {
            assert_eq!(granted(&mut ration, "192.0.2.1", at(0)), 0);
        }
        assert_eq!(granted(&mut ration, "198.51.100.1", at(0)), 10);
        assert_eq!(granted(&mut ration, "198.51.100.2", at(0)), 4);
    }

    #[test]
    fn however_many_ask_those_who_had_theirs_have_no_more() {
        let mut ration = ration(5, 1_000_000);
        let mut spent: Vec<String> = Vec::new();
        for third in 0..100 {
            let source = format!("192.0.{third}.1");
            assert_eq!(granted(&mut ration, &source, at(0)), 10);
            spent.push(source);
        }
        for number in 0..200_000_u32 {
            ration.admits(
                IpAddr::from((0x0A00_0000 + number * 7).to_be_bytes()),
                at(0),
            );
        }
        let refused = spent
            .iter()
            .filter(|source| granted(&mut ration, source, at(0)) == 0)
            .count();
        assert!(refused >= 95, "{refused} of 100");
        assert_eq!(ration.cells.len(), CELLS);
    }

    #[test]
    fn rates_beyond_counting_refuse_nobody() {
        let mut ration = ration(u32::MAX, u32::MAX);
        assert_eq!(granted(&mut ration, "192.0.2.1", at(0)), 1000);
    }
}
