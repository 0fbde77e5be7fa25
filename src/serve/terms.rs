//! The terms of the house: what the use cases are told of the configuration.

use std::net::IpAddr;

use super::error::ServeError;
use crate::config::{Config, ListenAddress, RegistrationMode};
use crate::messenger::{Rules, Settings};
use crate::net::Listener;

/// What the use cases need to know of the configuration, where these listen.
pub(super) fn settings(config: &Config, listeners: &[Listener]) -> Result<Settings, ServeError> {
    let listening: Vec<&ListenAddress> = listeners.iter().map(Listener::address).collect();
    let origins = origins(config, &listening);
    if origins.is_empty() {
        return Err(ServeError::NoOrigin);
    }
    Ok(Settings {
        origins,
        rules: rules(config, &listening),
        token_ttl: config.auth.token_ttl,
        messages: config.messages.clone(),
        calls: config.calls.clone(),
        presence: config.presence.clone(),
    })
}

/// What of it may change while the daemon runs.
pub(super) fn rules(config: &Config, listening: &[&ListenAddress]) -> Rules {
    Rules {
        registration: registration(config, listening),
        require_proof: config.registration.require_proof,
        limits: config.limits.clone(),
    }
}

/// What clients may have connected to: the public name, or this machine by its loopback names and
/// the addresses it listens at.
fn origins(config: &Config, listening: &[&ListenAddress]) -> Vec<String> {
    if let Some(url) = &config.server.public_url {
        return vec![url.trim_end_matches('/').to_lowercase()];
    }
    let mut origins = Vec::new();
    for address in listening {
        let ListenAddress::Tcp(address) = address else {
            continue;
        };
        let port = match address.port() {
            80 => String::new(),
            port => format!(":{port}"),
        };
        let ip = match address.ip() {
            IpAddr::V6(ip) if !ip.is_unspecified() => Some(format!("[{ip}]")),
            IpAddr::V4(ip) if !ip.is_unspecified() => Some(ip.to_string()),
            _ => None,
        };
        let names = ["127.0.0.1", "localhost", "[::1]"].map(str::to_owned);
        for host in ip.into_iter().chain(names) {
            let origin = format!("http://{host}{port}");
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
    }
    origins
}

/// Open without being told so only where nobody from outside can come: on loopback, and with no
/// public name that a proxy would answer to.
pub(super) fn registration(config: &Config, listening: &[&ListenAddress]) -> RegistrationMode {
    let is_local = |address: &&ListenAddress| match address {
        ListenAddress::Tcp(address) => address.ip().is_loopback(),
        ListenAddress::Unix(_) => true,
    };
    let is_private = config.server.public_url.is_none() && listening.iter().all(is_local);
    config.registration.mode.unwrap_or(if is_private {
        RegistrationMode::Open
    } else {
        RegistrationMode::Invite
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> ListenAddress {
        ListenAddress::Tcp(text.parse().unwrap())
    }

    #[test]
    fn registration_is_open_by_itself_only_where_nobody_comes_in() {
        let mut config = Config::default();
        let loopback = tcp("127.0.0.1:8000");
        let mode = registration(&config, &[&loopback]);
        assert_eq!(mode, RegistrationMode::Open);
        assert_eq!(
            registration(&config, &[&loopback, &tcp("0.0.0.0:8000")]),
            RegistrationMode::Invite
        );
        config.server.public_url = Some("https://chat.example".to_owned());
        assert_eq!(
            registration(&config, &[&loopback]),
            RegistrationMode::Invite
        );
        config.registration.mode = Some(RegistrationMode::Closed);
        assert_eq!(
            registration(&config, &[&loopback]),
            RegistrationMode::Closed
        );
    }

    #[test]
    fn the_origin_is_the_public_name_or_this_machine() {
        let mut config = Config::default();
        let listening = tcp("127.0.0.1:8000");
        let own = [
            "http://127.0.0.1:8000",
            "http://localhost:8000",
            "http://[::1]:8000",
        ];
        assert_eq!(origins(&config, &[&listening]), own);
        assert_eq!(
            origins(&config, &[&tcp("192.168.1.5:80")])[0],
            "http://192.168.1.5"
        );
        config.server.public_url = Some("https://Chat.example/".to_owned());
        assert_eq!(origins(&config, &[&listening]), ["https://chat.example"]);
    }
}
