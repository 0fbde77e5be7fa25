//! How many answers strangers get: enough for every client, too few to flood anybody with.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::base::BoundedMap;
use crate::turn::moment::Moment;

/// Sources counted at once, about 4 MiB when full. Beyond it the one longest silent starts anew;
/// the limit in all still holds.
const SOURCES: usize = 32_768;

/// Bits of an IPv6 address that tell one site from another.
const SITE: u32 = 64;

/// Answers per second to requests that prove nothing: Binding, 400, 401 and 438.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRates {
    /// To one IPv4 address or IPv6 /64; twice as many may come at once.
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

/// A bucket that holds two seconds' worth, and fills steadily.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Moment,
}

impl Bucket {
    fn full(rate: u32, now: Moment) -> Self {
        Self {
            tokens: Self::capacity(rate),
            filled: now,
        }
    }

    fn capacity(rate: u32) -> f64 {
        f64::from(rate) * Duration::from_secs(2).as_secs_f64()
    }

    fn take(&mut self, rate: u32, now: Moment) -> bool {
        let gained = now.since(self.filled).as_secs_f64() * f64::from(rate);
        self.tokens = (self.tokens + gained).min(Self::capacity(rate));
        self.filled = now;
        let is_granted = self.tokens >= 1.0;
        if is_granted {
            self.tokens -= 1.0;
        }
        is_granted
    }
}

/// Counts the answers that were given.
#[derive(Debug)]
pub(super) struct Ration {
    rates: AnswerRates,
    in_all: Bucket,
    sources: BoundedMap<IpAddr, Bucket>,
}

impl Ration {
    pub(super) fn new(rates: AnswerRates) -> Self {
        Self {
            rates,
            in_all: Bucket::full(rates.in_all, Moment::default()),
            sources: BoundedMap::new(SOURCES),
        }
    }

    /// Whether one more answer may go to `client`. One refused for its source costs others nothing.
    pub(super) fn admits(&mut self, client: IpAddr, now: Moment) -> bool {
        let rates = self.rates;
        let bucket = self
            .sources
            .entry(site(client), || Bucket::full(rates.per_source, now));
        bucket.take(rates.per_source, now) && self.in_all.take(rates.in_all, now)
    }
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

    #[test]
    fn a_source_has_its_burst_and_then_its_rate() {
        let mut ration = Ration::new(AnswerRates {
            per_source: 5,
            in_all: 100,
        });
        let start = Moment::default();
        assert_eq!(granted(&mut ration, "192.0.2.1", start), 10);
        assert_eq!(granted(&mut ration, "192.0.2.2", start), 10);
        let later = start.after(Duration::from_secs(1));
        assert_eq!(granted(&mut ration, "192.0.2.1", later), 5);
    }

    #[test]
    fn a_site_is_one_source_in_ipv6() {
        let mut ration = Ration::new(AnswerRates {
            per_source: 5,
            in_all: 100,
        });
        assert_eq!(granted(&mut ration, "2001:db8::1", Moment::default()), 10);
        assert_eq!(granted(&mut ration, "2001:db8::2", Moment::default()), 0);
        assert_eq!(
            granted(&mut ration, "2001:db8:0:1::1", Moment::default()),
            10
        );
    }

    #[test]
    fn everybody_together_has_a_limit() {
        let mut ration = Ration::new(AnswerRates {
            per_source: 5,
            in_all: 6,
        });
        assert_eq!(granted(&mut ration, "192.0.2.1", Moment::default()), 10);
        assert_eq!(granted(&mut ration, "192.0.2.2", Moment::default()), 2);
    }
}
