//! Everything the relay has given away: allocations, their ports, reservations, quotas.
//!
//! A port is in exactly one of four places: free, with an allocation, reserved by a token, or in
//! quarantine, so that a late packet for one allocation never reaches the next.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::base::random;

use super::allocation::{Allocation, AllocationId, FiveTuple, Named};
use super::dataplane::Table;
use super::gate::Holder;
use super::message::ErrorCode;
use super::moment::Moment;
use super::outlet::Outlet;
use super::peers::Peers;
use super::ports::{Parity, Ports};
use super::quota::Quota;
use super::settings::Reach;
use super::traffic::{End, Past};

/// How long a port rests after its allocation is gone.
pub(crate) const QUARANTINE: Duration = Duration::from_mins(1);

/// How long a reserved port waits for its token (RFC 8656 §7.2: at least 30 seconds).
const RESERVATION_LIFETIME: Duration = Duration::from_secs(30);

/// What stands for a reserved port (RFC 8656 §18.10).
pub(crate) type Token = [u8; 8];

/// What a client wants of its relayed port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Port(Parity),
    Reserved(Token),
}

/// A port that was taken for an allocation to be.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) id: AllocationId,
    pub(crate) relayed: SocketAddr,
    pub(crate) holder: Holder,
    /// The token of the port after it, where the client asked for both.
    pub(crate) reserved: Option<Token>,
    /// The socket of the relayed address, once it has one.
    pub(crate) outlet: Option<Arc<Outlet>>,
}

#[derive(Debug)]
struct Reservation {
    token: Token,
    relayed: SocketAddr,
    holder: Holder,
    until: Moment,
    /// Its socket, so that nobody else on this machine takes the port meanwhile.
    outlet: Option<Arc<Outlet>>,
}

#[derive(Debug)]
struct Resting {
    port: u16,
    /// On whose account it rests. None: somebody else on this machine has it.
    holder: Option<Holder>,
    until: Moment,
}

/// The books of the relay.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) table: Table,
    pub(crate) peers: Peers,
    /// What the allocations that are gone had carried.
    pub(crate) past: Past,
    max_allocations: usize,
    quota: Quota,
    ports: Ports,
    reservations: Vec<Reservation>,
    quarantine: VecDeque<Resting>,
    last_id: u64,
    opened: u64,
    /// Nobody new is let in.
    is_draining: bool,
    /// Told when the last allocation is gone.
    emptied: Arc<Notify>,
}

impl Ledger {
    pub(crate) fn new(
        public: Option<IpAddr>,
        ports: RangeInclusive<u16>,
        reach: Reach,
        max_allocations: usize,
        max_per_holder: usize,
    ) -> Self {
        Self {
            table: Table::new(ports.clone()),
            peers: Peers::new(public, ports.clone(), reach),
            past: Past::default(),
            max_allocations,
            quota: Quota::new(max_per_holder),
            ports: Ports::new(ports),
            reservations: Vec::new(),
            quarantine: VecDeque::new(),
            last_id: 0,
            opened: 0,
            is_draining: false,
            emptied: Arc::default(),
        }
    }

    /// Takes a port of `ip`, or what was reserved, for one more allocation, if the quotas admit it
    /// (RFC 8656 §7.2).
    pub(crate) fn claim(
        &mut self,
        holder: Holder,
        ip: IpAddr,
        wish: Wish,
        now: Moment,
    ) -> Result<Claim, ErrorCode> {
        self.settle(now);
        if self.is_draining {
            return Err(ErrorCode::InsufficientCapacity);
        }
        if !self.quota.admits(&holder) {
            return Err(ErrorCode::AllocationQuotaReached);
        }
        if !self.has_room_for(wish) {
            return Err(ErrorCode::InsufficientCapacity);
        }
        let (relayed, outlet, reserved) = match wish {
            Wish::Reserved(token) => {
                let reservation = self
                    .redeem(token, &holder)
                    .ok_or(ErrorCode::InsufficientCapacity)?;
                (reservation.relayed, reservation.outlet, None)
            }
            Wish::Port(parity) => {
                let port = self
                    .ports
                    .take(parity, u32::from_ne_bytes(random::draw()))
                    .ok_or(ErrorCode::InsufficientCapacity)?;
                let next = (parity == Parity::Pair).then(|| SocketAddr::new(ip, port + 1));
                let reserved = next.map(|next| self.reserve(next, &holder, now));
                (SocketAddr::new(ip, port), None, reserved)
            }
        };
        self.quota.add_live(&holder);
        self.last_id += 1;
        Ok(Claim {
            id: AllocationId(self.last_id),
            relayed,
            holder,
            reserved,
            outlet,
        })
    }

    /// Whether there is room for one more allocation; with the port after it, for both. Reserved ports
    /// may have sockets, so there are never more of them than allocations either.
    fn has_room_for(&self, wish: Wish) -> bool {
        let taken = self.table.len();
        match wish {
            Wish::Port(Parity::Pair) => taken + self.reservations.len() + 1 < self.max_allocations,
            Wish::Port(_) | Wish::Reserved(_) => taken < self.max_allocations,
        }
    }

    /// Keeps the socket of what a token stands for.
    pub(crate) fn equip(&mut self, token: Token, outlet: Outlet) {
        let mut reservations = self.reservations.iter_mut();
        if let Some(reservation) = reservations.find(|it| it.token == token) {
            reservation.outlet = Some(Arc::new(outlet));
        }
    }

    /// Leaves claimed ports alone for a while, because somebody else on this machine has one.
    pub(crate) fn shun(&mut self, claim: &Claim, now: Moment) {
        self.quota.remove_live(&claim.holder);
        self.rest(claim.relayed.port(), None, now);
        if let Some(reservation) = claim
            .reserved
            .and_then(|token| self.redeem(token, &claim.holder))
        {
            self.rest(reservation.relayed.port(), None, now);
        }
    }

    /// Enters an allocation whose port was claimed.
    pub(crate) fn open(&mut self, allocation: Allocation) {
        self.opened += 1;
        self.peers.add(allocation.relayed.ip());
        self.table.insert(allocation);
    }

    /// Allocations opened since the start.
    pub(crate) fn opened(&self) -> u64 {
        self.opened
    }

    /// Lets nobody new in from now on.
    pub(crate) fn drain(&mut self) {
        self.is_draining = true;
    }

    /// What is told when the last allocation is gone.
    pub(crate) fn emptied(&self) -> Arc<Notify> {
        Arc::clone(&self.emptied)
    }

    /// Gives a claimed port back that never came to be an allocation.
    pub(crate) fn abandon(&mut self, claim: &Claim) {
        self.ports.free(claim.relayed.port());
        self.quota.remove_live(&claim.holder);
    }

    /// Takes an allocation off the books, if this very one is there, and rests its port.
    pub(crate) fn close(&mut self, tuple: &FiveTuple, id: AllocationId, now: Moment) {
        if let Some(gone) = self.table.remove(tuple, id) {
            self.past.add(&gone);
            self.quota.remove_live(&gone.holder);
            self.rest(gone.relayed.port(), Some(gone.holder), now);
        }
        if self.table.len() == 0 {
            self.emptied.notify_waiters();
        }
    }

    /// Notes why an allocation is about to end; unless it is said, its time was over.
    pub(crate) fn foretell(&mut self, named: &Named, end: End) {
        if let Some(allocation) = self.table.of_client_mut(&named.tuple, named.family) {
            allocation.end = end;
        }
    }

    /// Allocations whose time is over.
    pub(crate) fn lapsed(&self, now: Moment) -> Vec<Named> {
        self.table
            .iter()
            .filter(|allocation| !allocation.is_live(now))
            .map(Allocation::named)
            .collect()
    }

    /// Closes every socket there is; nothing more is to be relayed.
    pub(crate) fn close_outlets(&mut self) {
        self.table.close_outlets();
        self.reservations.clear();
    }

    /// Frees ports that have rested, and those whose token nobody brought.
    pub(crate) fn settle(&mut self, now: Moment) {
        while let Some(rested) = self.quarantine.pop_front_if(|resting| resting.until <= now) {
            self.ports.free(rested.port);
            if let Some(holder) = rested.holder {
                self.quota.remove_idle(&holder);
            }
        }
        for unused in self.reservations.extract_if(.., |it| it.until <= now) {
            self.ports.free(unused.relayed.port());
            self.quota.remove_idle(&unused.holder);
        }
    }

    fn rest(&mut self, port: u16, holder: Option<Holder>, now: Moment) {
        if let Some(holder) = &holder {
            self.quota.add_idle(holder);
        }
        self.quarantine.push_back(Resting {
            port,
            holder,
            until: now.after(QUARANTINE),
        });
    }

    fn reserve(&mut self, relayed: SocketAddr, holder: &Holder, now: Moment) -> Token {
        let token = random::draw();
        self.quota.add_idle(holder);
        self.reservations.push(Reservation {
            token,
            relayed,
            holder: holder.clone(),
            until: now.after(RESERVATION_LIFETIME),
            outlet: None,
        });
        token
    }

    /// What a token of the same holder's stands for.
    fn redeem(&mut self, token: Token, holder: &Holder) -> Option<Reservation> {
        let position = self
            .reservations
            .iter()
            .position(|it| it.token == token && it.holder == *holder)?;
        let reservation = self.reservations.swap_remove(position);
        self.quota.remove_idle(holder);
        Some(reservation)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;
    use crate::turn::allocation::ListenerId;

    const RELAY: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5));

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn anna() -> Holder {
        Holder::Name("anna".into())
    }

    fn bert() -> Holder {
        Holder::Name("bert".into())
    }

    fn open(ledger: &mut Ledger, claim: &Claim) -> FiveTuple {
        let tuple = FiveTuple {
            listener: ListenerId(0),
            client: SocketAddr::from(([192, 0, 2, 1], claim.relayed.port())),
        };
        ledger.open(Allocation::new(
            claim.id,
            tuple,
            claim.relayed,
            claim.holder.clone(),
            "anna".into(),
            at(600),
        ));
        tuple
    }

    #[test]
    fn a_port_rests_before_it_is_given_again() {
        let mut ledger = Ledger::new(None, 5000..=5000, Reach::Closed, 9, 9);
        let any = Wish::Port(Parity::Any);
        let claim = ledger.claim(anna(), RELAY, any, at(0)).unwrap();
        let tuple = open(&mut ledger, &claim);
        ledger.close(&tuple, claim.id, at(10));
        let refused = ledger.claim(anna(), RELAY, any, at(69)).unwrap_err();
        assert_eq!(refused, ErrorCode::InsufficientCapacity);
        assert_eq!(
            ledger
                .claim(anna(), RELAY, any, at(70))
                .unwrap()
                .relayed
                .port(),
            5000
        );
    }

    #[test]
    fn only_the_allocation_that_was_meant_is_closed() {
        let mut ledger = Ledger::new(None, 5000..=5001, Reach::Closed, 9, 9);
        let any = Wish::Port(Parity::Any);
        let claim = ledger.claim(anna(), RELAY, any, at(0)).unwrap();
        let tuple = open(&mut ledger, &claim);
        ledger.close(&tuple, AllocationId(99), at(1));
        assert_eq!(ledger.table.len(), 1);
        ledger.close(&tuple, claim.id, at(1));
        assert_eq!(ledger.table.len(), 0);
    }

    #[test]
    fn a_token_is_redeemed_once_in_time_and_by_its_holder() {
        let mut ledger = Ledger::new(None, 5000..=5005, Reach::Closed, 9, 9);
        let claim = ledger
            .claim(anna(), RELAY, Wish::Port(Parity::Pair), at(0))
            .unwrap();
        let token = Wish::Reserved(claim.reserved.unwrap());
        assert!(ledger.claim(bert(), RELAY, token, at(1)).is_err());
        let second = ledger.claim(anna(), RELAY, token, at(29)).unwrap();
        assert_eq!(second.relayed.port(), claim.relayed.port() + 1);
        assert!(ledger.claim(anna(), RELAY, token, at(29)).is_err());

        let late = ledger
            .claim(anna(), RELAY, Wish::Port(Parity::Pair), at(0))
            .unwrap();
        let token = Wish::Reserved(late.reserved.unwrap());
        assert!(ledger.claim(anna(), RELAY, token, at(30)).is_err());
    }

    #[test]
    fn ports_of_somebody_else_rest_on_nobodys_account() {
        let mut ledger = Ledger::new(None, 5000..=5001, Reach::Closed, 9, 1);
        let pair = Wish::Port(Parity::Pair);
        let claim = ledger.claim(anna(), RELAY, pair, at(0)).unwrap();
        ledger.shun(&claim, at(0));
        let refused = ledger.claim(anna(), RELAY, pair, at(59)).unwrap_err();
        assert_eq!(refused, ErrorCode::InsufficientCapacity);
        assert!(ledger.claim(anna(), RELAY, pair, at(60)).is_ok());
    }

    #[test]
    fn quotas_hold_on_both_sides() {
        let mut ledger = Ledger::new(None, 5000..=5009, Reach::Closed, 3, 2);
        let any = Wish::Port(Parity::Any);
        for _ in 0..2 {
            let claim = ledger.claim(anna(), RELAY, any, at(0)).unwrap();
            open(&mut ledger, &claim);
        }
        let refused = ledger.claim(anna(), RELAY, any, at(0)).unwrap_err();
        assert_eq!(refused, ErrorCode::AllocationQuotaReached);
        let claim = ledger.claim(bert(), RELAY, any, at(0)).unwrap();
        open(&mut ledger, &claim);
        let refused = ledger.claim(bert(), RELAY, any, at(0)).unwrap_err();
        assert_eq!(refused, ErrorCode::InsufficientCapacity);
    }

    #[test]
    fn letting_go_in_turns_does_not_empty_the_range() {
        let mut ledger = Ledger::new(None, 5000..=5099, Reach::Closed, 99, 2);
        let any = Wish::Port(Parity::Any);
        let opened = (0..100)
            .map_while(|_| {
                let claim = ledger.claim(anna(), RELAY, any, at(0)).ok()?;
                let tuple = open(&mut ledger, &claim);
                ledger.close(&tuple, claim.id, at(0));
                Some(())
            })
            .count();
        assert_eq!(opened, 12);
        assert!(ledger.claim(bert(), RELAY, any, at(0)).is_ok());
        assert!(ledger.claim(anna(), RELAY, any, at(60)).is_ok());
    }

    #[test]
    fn letting_go_of_one_of_a_pair_in_turns_does_not_reserve_without_end() {
        let mut ledger = Ledger::new(None, 5000..=5099, Reach::Closed, 4, 9);
        let pair = Wish::Port(Parity::Pair);
        let reserved = (0..100)
            .map_while(|_| {
                let claim = ledger.claim(anna(), RELAY, pair, at(0)).ok()?;
                let tuple = open(&mut ledger, &claim);
                ledger.close(&tuple, claim.id, at(0));
                claim.reserved
            })
            .count();
        assert_eq!(reserved, 3);
        let any = Wish::Port(Parity::Any);
        assert!(ledger.claim(anna(), RELAY, any, at(0)).is_ok());
        assert!(ledger.claim(anna(), RELAY, pair, at(30)).is_ok());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Open(u8, Parity),
        Redeem(prop::sample::Index, u8),
        Close(prop::sample::Index),
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let parity = prop_oneof![Just(Parity::Any), Just(Parity::Even), Just(Parity::Pair)];
        let step = prop_oneof![
            4 => (0_u8..3, parity).prop_map(|(holder, parity)| Step::Open(holder, parity)),
            1 => (any::<prop::sample::Index>(), 0_u8..3)
                .prop_map(|(token, holder)| Step::Redeem(token, holder)),
            3 => any::<prop::sample::Index>().prop_map(Step::Close),
            2 => (0_u64..40).prop_map(Step::Wait),
        ];
        proptest::collection::vec(step, 0..120)
    }

    fn holder(number: u8) -> Holder {
        Holder::Name(format!("holder {number}").into())
    }

    proptest! {
        #[test]
        fn whatever_happens_a_port_is_in_one_place_and_all_come_back(steps in steps()) {
            let mut ledger = Ledger::new(None, 5000..=5008, Reach::Closed, 7, 3);
            let mut live: Vec<(FiveTuple, AllocationId, Holder)> = Vec::new();
            let mut rested: Vec<(u16, u64)> = Vec::new();
            let mut tokens = Vec::new();
            let mut now = 0;
            for step in steps {
                let claim = match &step {
                    Step::Open(number, parity) => {
                        ledger.claim(holder(*number), RELAY, Wish::Port(*parity), at(now)).ok()
                    }
                    Step::Redeem(token, number) if !tokens.is_empty() => {
                        let wish = Wish::Reserved(*token.get(&tokens));
                        ledger.claim(holder(*number), RELAY, wish, at(now)).ok()
                    }
                    _ => None,
                };
                if let Some(claim) = claim {
                    let port = claim.relayed.port();
                    let is_rested = |(it, until): &(u16, u64)| *it != port || *until <= now;
                    prop_assert!(rested.iter().all(is_rested));
                    tokens.extend(claim.reserved);
                    let tuple = open(&mut ledger, &claim);
                    live.push((tuple, claim.id, claim.holder));
                }
                match step {
                    Step::Close(index) if !live.is_empty() => {
                        let (tuple, id, _) = live.swap_remove(index.index(live.len()));
                        ledger.close(&tuple, id, at(now));
                        rested.push((tuple.client.port(), now + QUARANTINE.as_secs()));
                    }
                    Step::Wait(seconds) => now += seconds,
                    _ => {}
                }
                let ports: HashSet<u16> = live.iter().map(|(it, ..)| it.client.port()).collect();
                prop_assert_eq!(ports.len(), live.len());
                prop_assert_eq!(ledger.table.len(), live.len());
                prop_assert!(live.len() <= 7);
                for number in 0..3 {
                    let held = live.iter().filter(|(.., it)| *it == holder(number)).count();
                    prop_assert!(held <= 3);
                }
            }
            for (tuple, id, _) in live {
                ledger.close(&tuple, id, at(now));
            }
            let later = at(now + 60);
            let opened = (0..9).filter(|number| {
                let wish = Wish::Port(Parity::Any);
                ledger.claim(holder(number / 3), RELAY, wish, later).is_ok()
            });
            prop_assert_eq!(opened.count(), 9);
        }
    }
}
