//! The media relay by what its clients reach it over. All zero for what isn't listened on.

use crate::telemetry::Family;
use crate::turn::{Figures, Media, Transport, TransportFigures};

pub(super) fn families(relayed: &Figures) -> Vec<Family> {
    let each = Transport::ALL.map(|transport| (transport.name(), of(relayed, transport)));
    let live = each.map(|(name, figures)| (name, figures.allocations));
    let ended = Family::counter(
        "privcomm_relay_allocations_ended_total",
        "Allocations that are gone, by transport and by how they ended.",
    );
    let packets = Family::counter(
        "privcomm_relay_transport_packets_total",
        "Media packets from and to the clients of a transport.",
    );
    let bytes = Family::counter(
        "privcomm_relay_transport_bytes_total",
        "Media in those packets, without headers.",
    );
    vec![
        Family::gauge(
            "privcomm_relay_transport_allocations",
            "Allocations now, by transport.",
        )
        .by("transport", live),
        each.iter().fold(ended, |family, (name, figures)| {
            ends(figures).into_iter().fold(family, |family, (how, n)| {
                family.with(&[("transport", name), ("how", how)], n)
            })
        }),
        by_direction(packets, &each, |media| media.packets),
        by_direction(bytes, &each, |media| media.bytes),
    ]
}

fn of(relayed: &Figures, wanted: Transport) -> TransportFigures {
    let mut transports = relayed.transports.iter();
    let found =
        transports.find_map(|(transport, figures)| (*transport == wanted).then_some(figures));
    found.copied().unwrap_or_default()
}

const fn ends(figures: &TransportFigures) -> [(&'static str, u64); 4] {
    [
        ("expired", figures.expired),
        ("closed", figures.closed),
        ("evicted", figures.evicted),
        ("disconnected", figures.disconnected),
    ]
}

fn by_direction(
    family: Family,
    each: &[(&'static str, TransportFigures)],
    count: fn(&Media) -> u64,
) -> Family {
    each.iter().fold(family, |family, (name, figures)| {
        family
            .with(
                &[("transport", name), ("direction", "in")],
                count(&figures.from_clients),
            )
            .with(
                &[("transport", name), ("direction", "out")],
                count(&figures.to_clients),
            )
    })
}
