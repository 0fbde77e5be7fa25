//! `privcomm ports`: every port, from where it must be reachable, and why.

use std::net::SocketAddr;

use clap::Args;
use serde::Serialize;

use super::daemon::{Running, runtime};
use super::exit::{CliError, Exit};
use super::finding::Outcome;
use super::output::{Output, table};
use super::tunnel::{Cloudflared, judge, target_of};
use super::when::recent;
use crate::wire::admin::{Port, Purpose, Status, Surroundings};
use crate::wire::outside::{Reach, SeenOutside};

/// List every port: from where it must be reachable, why, and how it stands
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm ports
  privcomm ports --json")]
pub(super) struct Ports {
    #[command(flatten)]
    daemon: Running,

    /// Where cloudflared's local endpoints are [default: the first of 127.0.0.1:20241 to 20245]
    #[arg(
        long,
        value_name = "ADDR",
        env = "PRIVCOMM_TUNNEL_METRICS",
        hide_env_values = true
    )]
    metrics: Option<SocketAddr>,
}

#[derive(Serialize)]
struct Document {
    ports: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    port: String,
    protocol: String,
    address: String,
    from: &'static str,
    why: &'static str,
    state: String,
}

impl Ports {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let line = self.daemon.reach(output)?;
        let here: Surroundings = line.get("/v1/surroundings")?;
        let status: Status = line.get("/v1/status")?;
        let found = runtime()?.block_on(Cloudflared::look(self.metrics));
        let tunnel = tunnel_state(&found, &here);
        let ports = here
            .ports
            .iter()
            .map(|port| shown(port, tunnel, &status.seen_outside));
        let document = Document {
            ports: merged(ports.collect()),
        };
        output.show(&document, || {
            let row = |it: &Shown| {
                let (port, protocol) = (it.port.clone(), it.protocol.clone());
                [
                    port,
                    protocol,
                    it.from.into(),
                    it.why.into(),
                    it.state.clone(),
                ]
            };
            let rows: Vec<_> = document.ports.iter().map(row).collect();
            table(["PORT", "PROTO", "FROM", "WHY", "STATE"], &rows)
        })?;
        Ok(Exit::Done)
    }
}

/// How the tunnel to the web side stands, in two words.
fn tunnel_state(found: &Cloudflared, here: &Surroundings) -> Option<&'static str> {
    if !found.is_there() {
        return None;
    }
    let worst = judge(found, &target_of(here))
        .iter()
        .map(|it| it.outcome)
        .max();
    Some(match worst {
        Some(Outcome::Fail) => "tunnel wrong",
        _ => "tunnel ok",
    })
}

fn shown(port: &Port, tunnel: Option<&'static str>, seen: &SeenOutside) -> Shown {
    let socket: Option<SocketAddr> = port.address.parse().ok();
    let why = match port.purpose {
        Purpose::Web => "web, API, WebSocket",
        Purpose::Calls => "calls",
        Purpose::CallsOverTcp => "calls where UDP is blocked",
        Purpose::CallsOverTls => "calls where all but TLS is",
        Purpose::Metrics => "figures for Prometheus",
    };
    let from = match socket {
        None => "machine",
        Some(socket) if socket.ip().is_loopback() => "loopback",
        Some(_) if port.purpose == Purpose::Metrics => "Prometheus",
        Some(_) => "anywhere",
    };
    let outside = reach_of(port.purpose).map(|reach| seen.of(reach));
    let state = match (port.purpose, tunnel, outside) {
        (Purpose::Web, Some(tunnel), _) => format!("listening, {tunnel}"),
        (_, _, Some(Some(at))) => format!("listening, outside: seen {}", recent(at)),
        (_, _, Some(None)) if from == "anywhere" => "listening, outside: not seen".to_owned(),
        _ => "listening".to_owned(),
    };
    Shown {
        port: socket.map_or_else(|| port.address.clone(), |socket| socket.port().to_string()),
        protocol: port.protocol.clone(),
        address: port.address.clone(),
        from,
        why,
        state,
    }
}

/// What is proven to be reached where somebody comes in for this; none: nothing is.
pub(super) const fn reach_of(purpose: Purpose) -> Option<Reach> {
    match purpose {
        Purpose::Calls => Some(Reach::Udp),
        Purpose::CallsOverTcp => Some(Reach::Tcp),
        Purpose::CallsOverTls => Some(Reach::Tls),
        Purpose::Web | Purpose::Metrics => None,
    }
}

/// The same port of several addresses is one to whoever opens a firewall.
fn merged(ports: Vec<Shown>) -> Vec<Shown> {
    let mut kept: Vec<Shown> = Vec::new();
    for port in ports {
        let same = |other: &&mut Shown| {
            (&other.port, &other.protocol, other.from) == (&port.port, &port.protocol, port.from)
        };
        match kept.iter_mut().find(same) {
            Some(first) => {
                first.address = format!("{}, {}", first.address, port.address);
            }
            None => kept.push(port),
        }
    }
    kept
}
