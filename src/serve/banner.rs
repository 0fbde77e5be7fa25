//! What a person sees who started the daemon by hand.

use std::io::{IsTerminal, Write, stderr};
use std::path::Path;

use super::relay::TurnAddresses;
use crate::config::{ListenAddress, RegistrationMode};

/// What is to be told of a process that runs.
#[derive(Debug)]
pub(super) struct Notice<'a> {
    /// Where the media relay listens.
    pub(super) turn: &'a TurnAddresses,
    /// Where figures are served, if anywhere.
    pub(super) metrics: Option<&'a ListenAddress>,
    /// What there is beside the media relay.
    pub(super) appliance: Option<ApplianceNotice<'a>>,
}

/// What is to be told of a whole appliance.
#[derive(Debug)]
pub(super) struct ApplianceNotice<'a> {
    pub(super) http: &'a [ListenAddress],
    pub(super) admin_socket: &'a Path,
    pub(super) state_dir: &'a Path,
    pub(super) registration: RegistrationMode,
    pub(super) has_web: bool,
    pub(super) has_docs: bool,
}

impl Notice<'_> {
    /// Where the HTTP side listens; nowhere, where there is none.
    pub(super) fn http(&self) -> &[ListenAddress] {
        self.appliance.as_ref().map_or(&[], |it| it.http)
    }

    /// Where operators come in, if anywhere.
    pub(super) fn admin_socket(&self) -> Option<&Path> {
        self.appliance.as_ref().map(|it| it.admin_socket)
    }
}

/// On a terminal: what listens where, and what to try next. Elsewhere the log says where.
pub(super) fn show(notice: &Notice<'_>) {
    if stderr().is_terminal() {
        // A terminal that can't be written to needs no banner.
        let _ = stderr().write_all(text(notice).as_bytes());
        return;
    }
    for address in notice.http() {
        tracing::info!("web and API: {address}");
    }
    for (transport, address) in notice.turn.each() {
        tracing::info!("calls: {address} ({transport})");
    }
    if let Some(address) = notice.metrics {
        tracing::info!("metrics: {address}");
    }
    if let Some(path) = notice.admin_socket() {
        tracing::info!("admin socket: {}", path.display());
    }
}

fn text(notice: &Notice<'_>) -> String {
    let what = match notice.appliance {
        Some(_) => "privcomm",
        None => "the media relay of privcomm",
    };
    let mut lines = vec![format!(
        "\n{what} {} is running\n",
        env!("CARGO_PKG_VERSION")
    )];
    for address in notice.http() {
        lines.push(format!("  web, API   {}", shown(address)));
    }
    for (transport, address) in notice.turn.each() {
        lines.push(format!(
            "  calls      {address} (STUN and TURN over {transport})"
        ));
    }
    if let Some(address) = notice.metrics {
        lines.push(format!("  metrics    {}/metrics", shown(address)));
    }
    match &notice.appliance {
        Some(appliance) => lines.extend(about(appliance)),
        None => lines.push(
            "  accounts   none; whoever has credentials of an appliance with the same secret comes in"
                .to_owned(),
        ),
    }
    lines.push("  Ctrl-C stops it.\n\n".to_owned());
    lines.join("\n")
}

fn about(appliance: &ApplianceNotice<'_>) -> Vec<String> {
    let mut lines = vec![
        format!("  state      {}", appliance.state_dir.display()),
        format!("  admin      {}", appliance.admin_socket.display()),
        format!(
            "  accounts   {}",
            match appliance.registration {
                RegistrationMode::Open => "anybody who reaches this address can register",
                RegistrationMode::Invite => "by invite",
                RegistrationMode::Closed => "nobody new can register",
            }
        ),
    ];
    if let Some(url) = appliance.http.iter().find_map(url) {
        lines.push("\nTry next:".to_owned());
        if appliance.has_web {
            lines.push(format!(
                "  open {url} in two browsers, and write to yourself"
            ));
        }
        lines.push(format!("  curl {url}/health"));
        if appliance.has_docs {
            lines.push(format!("  open {url}/docs in a browser: the whole API"));
        }
    }
    lines
}

fn shown(address: &ListenAddress) -> String {
    url(address).unwrap_or_else(|| address.to_string())
}

fn url(address: &ListenAddress) -> Option<String> {
    match address {
        ListenAddress::Tcp(address) => Some(format!("http://{address}")),
        ListenAddress::Unix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_on_its_own_says_so_and_names_no_page() {
        let turn = TurnAddresses {
            udp: vec!["192.0.2.1:3478".parse().unwrap()],
            ..TurnAddresses::default()
        };
        let said = text(&Notice {
            turn: &turn,
            metrics: None,
            appliance: None,
        });
        assert!(said.contains("media relay") && said.contains("192.0.2.1:3478"));
        assert!(!said.contains("http"));
    }
}
