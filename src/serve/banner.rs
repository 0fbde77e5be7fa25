//! What a person sees who started the daemon by hand.

use std::io::{IsTerminal, Write, stderr};

use super::daemon::Daemon;
use crate::config::{ListenAddress, RegistrationMode};

/// On a terminal: what listens where, and what to try next. Elsewhere the log says where.
pub(super) fn show(daemon: &Daemon) {
    if stderr().is_terminal() {
        // A terminal that can't be written to needs no banner.
        let _ = stderr().write_all(text(daemon).as_bytes());
        return;
    }
    for address in daemon.http_addresses() {
        tracing::info!("web and API: {address}");
    }
    for (transport, address) in daemon.turn_addresses().each() {
        tracing::info!("calls: {address} ({transport})");
    }
}

fn text(daemon: &Daemon) -> String {
    let mut lines = vec![format!(
        "\nprivcomm {} is running\n",
        env!("CARGO_PKG_VERSION")
    )];
    for address in daemon.http_addresses() {
        lines.push(format!("  API        {}", shown(address)));
    }
    for (transport, address) in daemon.turn_addresses().each() {
        lines.push(format!(
            "  calls      {address} (STUN and TURN over {transport})"
        ));
    }
    lines.push(format!("  state      {}", daemon.state_dir().display()));
    lines.push(format!(
        "  accounts   {}",
        match daemon.registration() {
            RegistrationMode::Open => "anybody who reaches this address can register",
            RegistrationMode::Invite => "by invite",
            RegistrationMode::Closed => "nobody new can register",
        }
    ));
    if let Some(url) = daemon.http_addresses().iter().find_map(url) {
        lines.push("\nTry next:".to_owned());
        lines.push(format!("  curl {url}/health"));
        if daemon.has_docs() {
            lines.push(format!("  open {url}/docs in a browser: the whole API"));
        }
    }
    lines.push("  Ctrl-C stops it.\n\n".to_owned());
    lines.join("\n")
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
