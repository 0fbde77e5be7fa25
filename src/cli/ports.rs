//! `privcomm ports`: every port, from where it must be reachable, and why.

use std::net::SocketAddr;

use clap::Args;
use serde::Serialize;

use super::daemon::{Running, runtime};
use super::exit::{CliError, Exit};
use super::finding::Outcome;
use super::output::{Output, table};
use super::tunnel::{Cloudflared, judge, target_of};
use crate::wire::admin::{Port, Purpose, Surroundings};

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
    #[arg(long, value_name = "ADDR", env = "PRIVCOMM_TUNNEL_METRICS")]
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
        let here: Surroundings = self.daemon.reach(output)?.get("/v1/surroundings")?;
        let found = runtime()?.block_on(Cloudflared::look(self.metrics));
        let tunnel = tunnel_state(&found, &here);
        let ports = here.ports.iter().map(|port| shown(port, tunnel));
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

fn shown(port: &Port, tunnel: Option<&'static str>) -> Shown {
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
    let state = match (port.purpose, tunnel) {
        (Purpose::Web, Some(tunnel)) => format!("listening, {tunnel}"),
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
