//! One allocation as the data plane sees it: whose it is, whom it hears, which channels it has.
//!
//! Deadlines here are the ones that count; the engine's timers only tidy up behind them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::base::random;

use super::bitrate::Meter;
use super::gate::Holder;
use super::moment::Moment;
use super::outlet::Outlet;
use super::peers::Family;
use super::traffic::{End, Traffic};

/// How long a permission lasts (RFC 8656 §9).
pub(crate) const PERMISSION_LIFETIME: Duration = Duration::from_mins(5);

/// How long a channel stays bound (RFC 8656 §12).
pub(crate) const CHANNEL_LIFETIME: Duration = Duration::from_mins(10);

/// A listening socket of this relay, and with it the transport: those for datagrams count from
/// zero, those for streams from the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ListenerId(pub(crate) u16);

impl ListenerId {
    const FIRST_STREAM: u16 = 0x8000;

    /// The listener for streams of this index, which is below 0x8000.
    pub(crate) const fn stream(index: u16) -> Self {
        Self(Self::FIRST_STREAM | index)
    }

    /// Its index among the listeners for streams; none: it is one for datagrams.
    pub(crate) const fn stream_index(self) -> Option<u16> {
        self.0.checked_sub(Self::FIRST_STREAM)
    }
}

/// What identifies an allocation: the client's transport address and the listener it came to
/// (RFC 8656 §3.2). It doesn't print, because it says where somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FiveTuple {
    pub(crate) listener: ListenerId,
    pub(crate) client: SocketAddr,
}

impl std::fmt::Debug for FiveTuple {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FiveTuple(…)")
    }
}

/// One allocation of this process, never used again while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AllocationId(pub(crate) u64);

/// What names an allocation to whoever ends it: a client may have one per family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    pub(crate) tuple: FiveTuple,
    pub(crate) family: Family,
    pub(crate) id: AllocationId,
}

/// Why a channel can't be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BindRefusal {
    /// The number is bound to another peer, or the peer to another number.
    Conflict,
    /// There are as many channels as an allocation may have.
    Full,
}

#[derive(Debug)]
struct Permission {
    ip: IpAddr,
    until: Moment,
}

#[derive(Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    until: Moment,
}

/// An allocation.
pub(crate) struct Allocation {
    pub(crate) id: AllocationId,
    pub(crate) tuple: FiveTuple,
    pub(crate) relayed: SocketAddr,
    pub(crate) holder: Holder,
    pub(crate) username: Box<str>,
    pub(crate) opened: Moment,
    pub(crate) until: Moment,
    /// What its client has sent.
    pub(crate) meter: Meter,
    /// What peers outside have sent to it.
    pub(crate) received: Meter,
    /// Its socket. None: it has none, as in the closed mode.
    pub(crate) outlet: Option<Arc<Outlet>>,
    /// What it has carried.
    pub(crate) traffic: Traffic,
    /// How it ends, once it does.
    pub(crate) end: End,
    /// What operators know it by.
    pub(crate) name: [u8; 4],
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
}

impl std::fmt::Debug for Allocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Allocation")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Allocation {
    pub(crate) fn new(
        id: AllocationId,
        tuple: FiveTuple,
        relayed: SocketAddr,
        holder: Holder,
        username: Box<str>,
        until: Moment,
    ) -> Self {
        Self {
            id,
            tuple,
            relayed,
            holder,
            username,
            opened: Moment::default(),
            until,
            meter: Meter::default(),
            received: Meter::default(),
            outlet: None,
            traffic: Traffic::default(),
            end: End::default(),
            name: random::draw(),
            permissions: Vec::new(),
            channels: Vec::new(),
        }
    }

    pub(crate) fn named(&self) -> Named {
        Named {
            tuple: self.tuple,
            family: self.family(),
            id: self.id,
        }
    }

    /// The family of its relayed address.
    pub(crate) fn family(&self) -> Family {
        Family::of(self.relayed.ip())
    }

    /// The same, with the moment when it was opened.
    pub(crate) fn opened_at(self, opened: Moment) -> Self {
        Self { opened, ..self }
    }

    pub(crate) fn is_live(&self, now: Moment) -> bool {
        now < self.until
    }

    /// Whether packets between this allocation and `ip` pass.
    pub(crate) fn permits(&self, ip: IpAddr, now: Moment) -> bool {
        self.permissions
            .iter()
            .any(|permission| permission.ip == ip && now < permission.until)
    }

    /// Live permissions.
    pub(crate) fn permissions(&self, now: Moment) -> usize {
        let live = self.permissions.iter().filter(|it| now < it.until);
        live.count()
    }

    /// Live channels.
    pub(crate) fn channels(&self, now: Moment) -> usize {
        let live = self.channels.iter().filter(|it| now < it.until);
        live.count()
    }

    /// Whether permissions for all these addresses fit, where it may have so many at most.
    pub(crate) fn has_room_for(&self, ips: &[IpAddr], most: usize, now: Moment) -> bool {
        let kept = self
            .permissions
            .iter()
            .filter(|permission| now < permission.until && !ips.contains(&permission.ip))
            .count();
        kept + ips.len() <= most
    }

    /// Gives or renews a permission.
    pub(crate) fn permit(&mut self, ip: IpAddr, now: Moment) {
        self.permissions
            .retain(|permission| permission.ip != ip && now < permission.until);
        self.permissions.push(Permission {
            ip,
            until: now.after(PERMISSION_LIFETIME),
        });
    }

    /// The peer behind a channel.
    pub(crate) fn channel_peer(&self, number: u16, now: Moment) -> Option<SocketAddr> {
        self.channels.iter().find_map(|channel| {
            (channel.number == number && now < channel.until).then_some(channel.peer)
        })
    }

    /// The channel to a peer.
    pub(crate) fn channel_to(&self, peer: SocketAddr, now: Moment) -> Option<u16> {
        self.channels.iter().find_map(|channel| {
            (channel.peer == peer && now < channel.until).then_some(channel.number)
        })
    }

    /// Whether a channel may be bound or renewed (RFC 8656 §12.2), where there may be so many at
    /// most.
    pub(crate) fn check_bind(
        &self,
        number: u16,
        peer: SocketAddr,
        most: usize,
        now: Moment,
    ) -> Result<(), BindRefusal> {
        match (self.channel_peer(number, now), self.channel_to(peer, now)) {
            (Some(bound), _) if bound == peer => Ok(()),
            (None, None) => {
                let live = self.channels.iter().filter(|channel| now < channel.until);
                if live.count() < most {
                    Ok(())
                } else {
                    Err(BindRefusal::Full)
                }
            }
            _ => Err(BindRefusal::Conflict),
        }
    }

    /// Forgets channels whose time is over, and names them.
    pub(crate) fn drop_lapsed_channels(&mut self, now: Moment) -> Vec<u16> {
        self.channels
            .extract_if(.., |channel| now >= channel.until)
            .map(|channel| channel.number)
            .collect()
    }

    /// Binds or renews a channel that was checked, and the permission that goes with it.
    pub(crate) fn bind(&mut self, number: u16, peer: SocketAddr, now: Moment) {
        self.channels.retain(|channel| channel.number != number);
        self.channels.push(Channel {
            number,
            peer,
            until: now.after(CHANNEL_LIFETIME),
        });
        self.permit(peer.ip(), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocation() -> Allocation {
        Allocation::new(
            AllocationId(1),
            FiveTuple {
                listener: ListenerId(0),
                client: "192.0.2.1:4000".parse().unwrap(),
            },
            "203.0.113.5:5000".parse().unwrap(),
            Holder::Name("anna".into()),
            "anna".into(),
            Moment::default().after(Duration::from_hours(1)),
        )
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::new("203.0.113.5".parse().unwrap(), port)
    }

    #[test]
    fn listeners_for_streams_and_for_datagrams_are_told_apart() {
        assert_eq!(ListenerId::stream(3).stream_index(), Some(3));
        assert_eq!(ListenerId(3).stream_index(), None);
    }

    #[test]
    fn a_permission_lasts_300_seconds_and_a_channel_600() {
        let mut allocation = allocation();
        allocation.bind(0x4000, peer(5001), at(0));
        assert!(allocation.permits(peer(1).ip(), at(299)));
        assert!(!allocation.permits(peer(1).ip(), at(300)));
        assert_eq!(allocation.channel_peer(0x4000, at(599)), Some(peer(5001)));
        assert_eq!(allocation.channel_peer(0x4000, at(600)), None);
        assert_eq!(allocation.drop_lapsed_channels(at(600)), [0x4000]);
    }

    #[test]
    fn a_channel_and_its_peer_are_one_to_one() {
        let mut allocation = allocation();
        allocation.bind(0x4000, peer(5001), at(0));
        let check = |number, to, now| allocation.check_bind(number, peer(to), 32, at(now));
        assert_eq!(check(0x4000, 5001, 1), Ok(()));
        assert_eq!(check(0x4000, 5002, 1), Err(BindRefusal::Conflict));
        assert_eq!(check(0x4001, 5001, 1), Err(BindRefusal::Conflict));
        assert_eq!(check(0x4001, 5002, 1), Ok(()));
        assert_eq!(check(0x4001, 5001, 600), Ok(()));
    }

    #[test]
    fn channels_and_permissions_have_a_ceiling() {
        let mut allocation = allocation();
        for (number, port) in (0x4000..).zip(5000..).take(7) {
            allocation.bind(number, peer(port), at(0));
        }
        assert_eq!(allocation.check_bind(0x4FFF, peer(6000), 8, at(1)), Ok(()));
        allocation.bind(0x4FFF, peer(6000), at(1));
        assert_eq!(
            allocation.check_bind(0x4FFE, peer(6001), 8, at(1)),
            Err(BindRefusal::Full)
        );
        assert_eq!(allocation.check_bind(0x4FFF, peer(6000), 8, at(1)), Ok(()));

        let ips: Vec<IpAddr> = (0..8).map(|last| IpAddr::from([192, 0, 2, last])).collect();
        assert!(!allocation.has_room_for(&ips, 8, at(1)));
        assert!(allocation.has_room_for(&ips[1..], 8, at(1)));
        assert!(allocation.has_room_for(&ips, 8, at(301)));
    }
}
