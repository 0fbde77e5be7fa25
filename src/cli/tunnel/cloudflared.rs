//! cloudflared as it is found on this machine: its local endpoints and its file.

use std::env;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ingress::{self, Rule, Rules};
use crate::serve::Visitor;

/// It takes the first free of these for its endpoints.
const PORTS: std::ops::RangeInclusive<u16> = 20241..=20245;

const UPDATE_TIMER: &str = "etc/systemd/system/cloudflared-update.timer";

/// What is known of cloudflared.
#[derive(Debug, Default)]
pub(in crate::cli) struct Cloudflared {
    /// What its endpoints say; none: it doesn't run.
    pub(in crate::cli) running: Option<Live>,
    /// What its file says, with the file's path; none: there is no file.
    pub(in crate::cli) file: Option<(PathBuf, Result<Rules, String>)>,
    /// Whether a timer restarts it for updates.
    pub(in crate::cli) updates_itself: bool,
}

/// A cloudflared that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Live {
    pub(in crate::cli) metrics: SocketAddr,
    /// Connections to the edge.
    pub(in crate::cli) connections: u64,
    /// Whether it uses QUIC; none: it isn't said.
    pub(in crate::cli) is_quic: Option<bool>,
    /// The rules in effect, those included that were made in the dashboard.
    pub(in crate::cli) rules: Result<Vec<Rule>, String>,
}

impl Cloudflared {
    /// Looks for it; `metrics` is where its endpoints are, where that isn't the usual place.
    pub(in crate::cli) async fn look(metrics: Option<SocketAddr>) -> Self {
        let file = files().into_iter().find_map(|path| {
            let rules = match fs::read_to_string(&path) {
                Ok(text) => ingress::parse_file(&text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => Err(error.to_string()),
            };
            Some((path, rules))
        });
        Self {
            running: Live::look(metrics).await,
            file,
            updates_itself: Path::new("/").join(UPDATE_TIMER).exists(),
        }
    }

    /// The rules in effect, or those of the file.
    pub(in crate::cli) fn rules(&self) -> Option<&[Rule]> {
        let live = self
            .running
            .as_ref()
            .and_then(|live| live.rules.as_deref().ok());
        let file = || {
            self.file
                .as_ref()
                .and_then(|(_, rules)| rules.as_ref().ok())
        };
        live.filter(|rules| !rules.is_empty())
            .or_else(|| file().map(|rules| rules.ingress.as_slice()))
    }

    /// The first public name that a rule sends to a web side.
    pub(in crate::cli) fn public_host(&self) -> Option<&str> {
        let mut rules = self.rules()?.iter();
        let named = rules.find(|rule| {
            let is_plain = !rule.hostname.is_empty() && !rule.hostname.starts_with('*');
            is_plain && rule.service.starts_with("http://")
        });
        named.map(|rule| rule.hostname.as_str())
    }

    /// Whether there is any sign of it.
    pub(in crate::cli) const fn is_there(&self) -> bool {
        self.running.is_some() || self.file.is_some()
    }
}

#[derive(Deserialize)]
struct Ready {
    #[serde(rename = "readyConnections")]
    connections: u64,
}

impl Live {
    async fn look(metrics: Option<SocketAddr>) -> Option<Self> {
        let usual = PORTS.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let places: Vec<_> = metrics.map_or_else(|| usual.collect(), |one| vec![one]);
        for place in places {
            if let Some(live) = Self::at(place).await {
                return Some(live);
            }
        }
        None
    }

    /// The cloudflared whose endpoints are at `metrics`.
    async fn at(metrics: SocketAddr) -> Option<Self> {
        let visitor = Visitor::default();
        let page = |path: &str| {
            let url = format!("http://{metrics}{path}");
            let visitor = visitor.clone();
            async move { visitor.get(&url).await }
        };
        // 503 while there is no connection.
        let ready: Ready = serde_json::from_slice(&page("/ready").await.ok()?.body).ok()?;
        let rules = match page("/config").await {
            Ok(page) if page.status == 200 => ingress::parse_effective(&page.body),
            Ok(page) => Err(format!("/config answers {}", page.status)),
            Err(error) => Err(error.to_string()),
        };
        let figures = page("/metrics").await.ok();
        Some(Self {
            metrics,
            connections: ready.connections,
            is_quic: figures.and_then(|page| is_quic(&String::from_utf8_lossy(&page.body))),
            rules,
        })
    }
}

/// Whether connections over QUIC were made.
fn is_quic(figures: &str) -> Option<bool> {
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix("quic_client_total_connections"))?;
    let count: f64 = line.split_whitespace().last()?.parse().ok()?;
    Some(count > 0.0)
}

/// Where its file may be, in the order in which it looks.
fn files() -> Vec<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let own = home.map(|home| home.join(".cloudflared/config.yml"));
    let system = PathBuf::from("/etc/cloudflared/config.yml");
    std::iter::once(system).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transport_shows_in_the_figures() {
        assert_eq!(
            is_quic("a 1\nquic_client_total_connections 4\n"),
            Some(true)
        );
        assert_eq!(is_quic("quic_client_total_connections 0"), Some(false));
        assert_eq!(is_quic("a 1"), None);
    }
}
