//! HTTP and WebSocket.

use crate::http;
use crate::telemetry::Family;
use crate::ws;

pub(super) fn families(served: &http::Figures, sockets: &ws::Figures) -> Vec<Family> {
    let open = sockets.open();
    let others = served.connections.saturating_sub(open);
    let mut families = vec![
        Family::gauge(
            "privcomm_connections",
            "Connections of the public side now, by what they speak.",
        )
        .by("kind", [("http", others), ("websocket", open)]),
        Family::counter(
            "privcomm_connections_accepted_total",
            "Connections of the public side.",
        )
        .is(served.accepted),
        Family::counter(
            "privcomm_connections_turned_away_total",
            "Connections for which there was no place (server.max_connections and \
             server.max_connections_per_address).",
        )
        .is(served.turned_away),
        Family::counter(
            "privcomm_http_responses_total",
            "Answers by class of status.",
        )
        .by("class", served.answers.clone()),
        latencies(served),
    ];
    families.extend(websockets(sockets));
    families
}

fn latencies(served: &http::Figures) -> Family {
    let family = Family::histogram(
        "privcomm_http_request_duration_seconds",
        "From a request to its answer, by the route's pattern and the class of status; kinds that \
         never occurred are left out.",
    );
    served.latencies.iter().fold(family, |family, latency| {
        let labels = [("route", latency.route), ("class", latency.class)];
        family.spread_of_micros(&labels, latency.micros.clone())
    })
}

fn websockets(sockets: &ws::Figures) -> Vec<Family> {
    let frames = [("in", sockets.frames_in), ("out", sockets.frames_out)];
    vec![
        Family::counter(
            "privcomm_websockets_opened_total",
            "Connections that became WebSockets.",
        )
        .is(sockets.opened),
        Family::counter(
            "privcomm_websockets_closed_total",
            "WebSockets that ended: client said goodbye, gone went without, the rest we closed.",
        )
        .by("reason", sockets.closed.clone()),
        Family::counter(
            "privcomm_websocket_frames_total",
            "Text frames of sessions, from clients and to them.",
        )
        .by("direction", frames),
    ]
}
