//! How many connections there may be at once: of every kind together, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places for connections. Cheap to clone; every clone counts the same places.
#[derive(Debug, Clone)]
pub struct Capacity {
    places: Arc<Semaphore>,
    total: usize,
    crowds: Crowds,
    per_address: usize,
}

/// One place; dropping it frees the place. It moves along when a connection changes its protocol.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
    _crowd: Option<InCrowd>,
}

/// Connections by address. No larger than there are places.
#[derive(Debug, Clone, Default)]
struct Crowds(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection among those of its address.
#[derive(Debug)]
struct InCrowd {
    crowds: Crowds,
    site: IpAddr,
}

impl Capacity {
    /// So many places, of which one address gets at most `per_address`.
    pub fn new(total: usize, per_address: usize) -> Self {
        let total = total.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(total)),
            total,
            crowds: Crowds::default(),
            per_address,
        }
    }

    /// A place for a connection from `address`, unless all are taken or the address has its share.
    /// None: a connection that speaks for many, as a trusted proxy's does.
    pub fn admit(&self, address: Option<IpAddr>) -> Option<Permit> {
        let crowd = match address {
            Some(address) => Some(self.crowds.enter(site(address), self.per_address)?),
            None => None,
        };
        Some(Permit {
            _place: self.places.clone().try_acquire_owned().ok()?,
            _crowd: crowd,
        })
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.total.saturating_sub(self.places.available_permits())
    }
}

impl Crowds {
    fn enter(&self, site: IpAddr, most: usize) -> Option<InCrowd> {
        let mut crowds = self.lock();
        let here = crowds.get(&site).copied().unwrap_or(0);
        if here >= most {
            return None;
        }
        crowds.insert(site, here + 1);
        Some(InCrowd {
            crowds: self.clone(),
            site,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InCrowd {
    fn drop(&mut self) {
        let mut crowds = self.crowds.lock();
        if let Some(here) = crowds.get_mut(&self.site) {
            *here -= 1;
            if *here == 0 {
                crowds.remove(&self.site);
            }
        }
    }
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, which is one customer's.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_permit_is_dropped() {
        let capacity = Capacity::new(2, 1);
        let (first, second) = (capacity.admit(None), capacity.admit(None));
        assert!(first.is_some() && second.is_some() && capacity.admit(None).is_none());
        assert_eq!(capacity.taken(), 2);
        drop(first);
        assert_eq!(capacity.taken(), 1);
        assert!(capacity.clone().admit(None).is_some());
    }

    #[test]
    fn no_places_admit_nobody() {
        assert!(Capacity::new(0, 9).admit(None).is_none());
        assert!(Capacity::new(usize::MAX, 9).admit(None).is_some());
    }

    #[test]
    fn one_address_gets_its_share_and_leaves_the_rest() {
        let capacity = Capacity::new(9, 2);
        let admit = |text: &str| capacity.admit(Some(text.parse().unwrap()));
        let first = admit("192.0.2.1");
        let _second = admit("::ffff:192.0.2.1").unwrap();
        assert!(admit("192.0.2.1").is_none());
        let _other = admit("192.0.2.2").unwrap();
        drop(first);
        assert!(admit("192.0.2.1").is_some());
        let _neighbours = (admit("2001:db8::1").unwrap(), admit("2001:db8::2").unwrap());
        assert!(admit("2001:db8::3").is_none());
        assert!(admit("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn an_address_that_left_is_forgotten() {
        let capacity = Capacity::new(1, 9);
        let address = Some("192.0.2.1".parse().unwrap());
        let permit = capacity.admit(address);
        assert!(
            capacity.admit(address).is_none(),
            "no place, though it has its share"
        );
        drop(permit);
        assert!(capacity.crowds.lock().is_empty());
    }
}
