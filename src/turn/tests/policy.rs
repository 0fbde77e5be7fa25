//! Who is never reached, watched where packets would come out: at sockets that must hear nothing,
//! and at what the sockets of relayed addresses were asked to send.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::ranges::{DISGUISES, RANGES, disguised};
use super::rig::{Client, Peer, Rig, UDP, open_to_loopback};
use crate::turn::message::{Method, attribute};
use crate::turn::peers::Family;
use crate::turn::{ErrorCode, PeerRules, Reach};

/// A client with relayed addresses of both families.
struct Prisoner {
    client: Client,
    relayed: [SocketAddr; 2],
}

/// A relay on loopback, in IPv4 and IPv6.
fn start(reach: Reach) -> Rig {
    Rig::start_with(|settings| {
        settings.listen = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
        settings.reach = reach;
        settings.max_allocations_per_user = 1000;
        settings.max_allocations = 1000;
    })
}

impl Prisoner {
    async fn of(rig: &Rig) -> Self {
        let mut client = rig.client().await;
        let reply = client
            .ask(Method::Allocate, |it| {
                it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
                    .attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0])
            })
            .await;
        let shape = reply.shape();
        let relayed: Vec<SocketAddr> = shape
            .attributes()
            .filter(|(kind, _)| *kind == attribute::XOR_RELAYED_ADDRESS)
            .filter_map(|(_, value)| shape.xored_address(value))
            .collect();
        Self {
            client,
            relayed: relayed.try_into().unwrap(),
        }
    }

    /// Asks for a way to the peer, is refused, and sends all the same: at first as it is, and then
    /// with a permission and a channel slipped in behind the gate's back, so that the data plane
    /// alone is in the way.
    async fn try_to_reach(&mut self, rig: &Rig, peer: SocketAddr) {
        let forbidden = Some(ErrorCode::Forbidden);
        let reply = self.client.try_permit(&[peer]).await;
        assert_eq!(reply.code(), forbidden, "{peer}");
        let reply = self.client.try_bind(0x4001, peer).await;
        assert_eq!(reply.code(), forbidden, "{peer}");
        self.client.send_to(peer, b"by indication").await;
        self.client.send_on(0x4001, b"on a channel").await;
        self.client.assert_nothing_came().await;
        self.slip_in(rig, peer);
        self.client.send_to(peer, b"by indication").await;
        self.client.send_on(0x4001, b"on a channel").await;
        self.client.assert_nothing_came().await;
        for relayed in self.relayed {
            assert_eq!(rig.asked(relayed), [], "{peer}");
        }
    }

    fn slip_in(&self, rig: &Rig, peer: SocketAddr) {
        let state = &rig.relay.state;
        let now = state.books.time.now();
        let mut ledger = state.books.ledger();
        let tuple = ledger.table.at_port(self.relayed[0].port()).unwrap().tuple;
        let family = Family::of(peer.ip());
        let allocation = ledger.table.of_client_mut(&tuple, family).unwrap();
        allocation.bind(0x4001, peer, now);
    }
}

fn ranges() -> impl Iterator<Item = IpAddr> {
    let within = RANGES.iter().flat_map(|range| range.within);
    within.map(|text| text.parse().unwrap())
}

fn disguises() -> impl Iterator<Item = IpAddr> {
    let v4 = ranges().filter_map(|ip| match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    });
    v4.flat_map(|hidden| DISGUISES.map(|disguise| disguised(disguise, hidden).into()))
}

/// Nobody in any range is reached by a relay of this reach, under any name.
async fn assert_nobody_is_reached(reach: Reach) {
    let witnesses = [
        Peer::at("0.0.0.0").await,
        Peer::at("127.0.0.1").await,
        Peer::at("127.0.0.2").await,
        Peer::at("127.255.255.254").await,
        Peer::at("::1").await,
    ];
    let rig = start(reach);
    let mut prisoner = Prisoner::of(&rig).await;
    let relayed = prisoner.relayed.map(|relayed| relayed.ip());
    let strangers = ranges()
        .chain(disguises())
        .filter(|ip| !relayed.contains(ip));
    let port = |ip: IpAddr| {
        let witness = &witnesses[usize::from(ip.is_ipv6()) * 4];
        witness.address().port()
    };
    for ip in strangers {
        // A nonce is good for ten minutes, and permissions for five; nothing of the last is left.
        rig.advance(300);
        prisoner.client.take_nonce().await;
        assert_eq!(prisoner.client.try_refresh(3600).await.code(), None);
        rig.advance(301);
        prisoner.client.take_nonce().await;
        prisoner
            .try_to_reach(&rig, SocketAddr::new(ip, port(ip)))
            .await;
    }
    for witness in &witnesses[1..] {
        for ip in [
            witness.address().ip(),
            witness.address().ip().to_canonical(),
        ] {
            if !relayed.contains(&ip) {
                rig.advance(301);
                prisoner.client.take_nonce().await;
                assert_eq!(prisoner.client.try_refresh(3600).await.code(), None);
                let peer = SocketAddr::new(ip, witness.address().port());
                prisoner.try_to_reach(&rig, peer).await;
            }
        }
    }
    for witness in &witnesses {
        witness.assert_nothing_came().await;
    }
}

#[tokio::test]
async fn the_closed_mode_reaches_nobody_outside() {
    assert_nobody_is_reached(Reach::Closed).await;
}

#[tokio::test]
async fn the_open_mode_reaches_nobody_who_is_never_outside() {
    assert_nobody_is_reached(Reach::Open(PeerRules::default())).await;
}

#[tokio::test]
async fn the_same_witnesses_hear_what_is_allowed() {
    let rig = start(open_to_loopback());
    let mut prisoner = Prisoner::of(&rig).await;
    for (index, ip) in ["127.0.0.1", "127.0.0.2", "127.255.255.254", "::1"]
        .iter()
        .enumerate()
    {
        let witness = Peer::at(ip).await;
        prisoner.client.permit(witness.address()).await;
        prisoner.client.send_to(witness.address(), b"heard").await;
        assert_eq!(witness.receive().await.1, b"heard");
        let relayed = prisoner.relayed[index / 3];
        assert!(rig.asked(relayed).contains(&witness.address()));
    }
}

/// CVE-2020-26262 and CVE-2026-27624: what leads to this machine although it isn't called loopback.
#[tokio::test]
async fn names_for_this_machine_lead_nowhere_even_where_loopback_is_allowed() {
    let witnesses = [Peer::at("0.0.0.0").await, Peer::at("::1").await];
    let rig = start(open_to_loopback());
    let mut prisoner = Prisoner::of(&rig).await;
    let mut names: Vec<IpAddr> = ["0.0.0.0", "::", "0.0.0.1"]
        .map(|it| it.parse().unwrap())
        .into();
    names.extend(DISGUISES.map(|it| IpAddr::from(disguised(it, Ipv4Addr::UNSPECIFIED))));
    names.extend(
        DISGUISES
            .iter()
            .filter(|it| !matches!(**it, "6to4" | "teredo" | "teredo server"))
            .map(|it| IpAddr::from(disguised(it, Ipv4Addr::LOCALHOST))),
    );
    for ip in names {
        rig.advance(301);
        prisoner.client.take_nonce().await;
        assert_eq!(prisoner.client.try_refresh(3600).await.code(), None);
        let witness = &witnesses[usize::from(ip.is_ipv6())];
        let peer = SocketAddr::new(ip, witness.address().port());
        prisoner.try_to_reach(&rig, peer).await;
    }
    for witness in witnesses {
        witness.assert_nothing_came().await;
    }
}

#[tokio::test]
async fn port_0_is_nobody() {
    let rig = start(open_to_loopback());
    let mut prisoner = Prisoner::of(&rig).await;
    let peer: SocketAddr = "127.0.0.2:0".parse().unwrap();
    let reply = prisoner.client.try_bind(0x4001, peer).await;
    assert_eq!(reply.code(), Some(ErrorCode::Forbidden));
    prisoner.client.permit(peer).await;
    prisoner.client.send_to(peer, b"nobody").await;
    prisoner.client.assert_nothing_came().await;
    assert_eq!(rig.asked(prisoner.relayed[0]), []);
}

#[tokio::test]
async fn what_the_operator_denies_is_denied_although_it_is_allowed() {
    let witness = Peer::at("127.0.0.2").await;
    let rig = start(Reach::Open(PeerRules {
        denied: vec!["127.0.0.2".parse().unwrap()],
        allowed: vec!["127.0.0.0/8".parse().unwrap()],
    }));
    let mut prisoner = Prisoner::of(&rig).await;
    prisoner.try_to_reach(&rig, witness.address()).await;
    witness.assert_nothing_came().await;
    let neighbour = Peer::at("127.0.0.3").await;
    prisoner.client.permit(neighbour.address()).await;
    prisoner.client.send_to(neighbour.address(), b"heard").await;
    assert_eq!(neighbour.receive().await.1, b"heard");
}

#[tokio::test]
async fn a_peer_that_became_this_machine_is_no_longer_reached_nor_heard() {
    let rig = start(Reach::Open(PeerRules::default()));
    let mut prisoner = Prisoner::of(&rig).await;
    let peer: SocketAddr = "8.8.8.8:53".parse().unwrap();
    prisoner.client.permit(peer).await;
    prisoner.client.bind(0x4001, peer).await;
    let own = vec![peer.ip()];
    rig.relay.state.books.ledger().peers.set_own(own);
    prisoner.client.send_to(peer, b"nobody").await;
    prisoner.client.send_on(0x4001, b"nobody").await;
    prisoner.client.assert_nothing_came().await;
    assert_eq!(rig.asked(prisoner.relayed[0]), []);
}
