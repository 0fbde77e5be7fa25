//! What the daemon has of its machine, for those who check it.

use std::process;

use rustix::process::{Resource, getrlimit};

use super::metrics::Exporter;
use super::relay::{Media, TurnAddresses};
use super::state_dir::StateDir;
use crate::base::Timestamp;
use crate::config::{Config, ListenAddress};
use crate::http;
use crate::turn::SOCKET_BUFFER;
use crate::wire::admin::{Port, Purpose, Surroundings};

/// What listens where.
pub(super) struct Listening<'a> {
    http: &'a [ListenAddress],
    turn: Option<&'a TurnAddresses>,
    metrics: Option<&'a ListenAddress>,
    /// Bytes that the system gave to the media relay.
    receive_buffer: Option<u64>,
}

/// The surroundings of a daemon that started at `started`.
pub(super) fn of(
    config: &Config,
    state_dir: &StateDir,
    listening: &Listening<'_>,
    descriptors_needed: usize,
    started: Timestamp,
) -> Surroundings {
    Surroundings {
        pid: process::id(),
        state_dir: state_dir.path().to_owned(),
        public_url: config.server.public_url.clone(),
        ports: listening.ports(),
        descriptors: getrlimit(Resource::Nofile).current,
        descriptors_needed: u64::try_from(descriptors_needed).unwrap_or(u64::MAX),
        receive_buffer: u64::try_from(SOCKET_BUFFER).unwrap_or(u64::MAX),
        receive_buffer_got: listening.receive_buffer,
        configured_at: started,
    }
}

impl<'a> Listening<'a> {
    /// Everything of these servers.
    pub(super) fn of(
        server: &'a http::Server,
        media: Option<&'a Media>,
        exporter: Option<&'a Exporter>,
    ) -> Self {
        let buffer = media.and_then(|media| media.relay().receive_buffer());
        Self {
            http: server.addresses(),
            turn: media.map(Media::addresses),
            metrics: exporter.map(Exporter::address),
            receive_buffer: buffer.and_then(|bytes| u64::try_from(bytes).ok()),
        }
    }

    fn ports(&self) -> Vec<Port> {
        let http = self.http.iter().map(|address| port(address, Purpose::Web));
        let calls = self.turn.into_iter().flat_map(TurnAddresses::each);
        let calls = calls.map(|(transport, address)| {
            let (protocol, purpose) = match transport {
                "UDP" => ("udp", Purpose::Calls),
                "TCP" => ("tcp", Purpose::CallsOverTcp),
                _ => ("tcp", Purpose::CallsOverTls),
            };
            Port {
                address: address.to_string(),
                protocol: protocol.to_owned(),
                purpose,
            }
        });
        let metrics = self.metrics.into_iter();
        let metrics = metrics.map(|address| port(address, Purpose::Metrics));
        http.chain(calls).chain(metrics).collect()
    }
}

fn port(address: &ListenAddress, purpose: Purpose) -> Port {
    let protocol = match address {
        ListenAddress::Tcp(_) => "tcp",
        ListenAddress::Unix(_) => "unix",
    };
    Port {
        address: address.to_string(),
        protocol: protocol.to_owned(),
        purpose,
    }
}
