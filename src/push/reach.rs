//! Which hosts and addresses may be asked: what a member names as a push service is a stranger's
//! word, and this machine stands where strangers can't look.

use std::net::IpAddr;

use super::endpoint::{Endpoint, InvalidEndpoint};
use crate::base::network::{Network, faces, is_never_outside};

/// Which hosts and addresses may be asked.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Names, in lower case: `push.example`, `*.push.example` for all below it, `*` for any.
    pub hosts: Vec<String>,
    /// Networks that may be asked although they are private, loopback or reserved.
    pub networks: Vec<Network>,
}

impl Reach {
    /// Whether this endpoint may be asked, as far as that can be told without looking its name up.
    pub fn check(&self, endpoint: &Endpoint) -> Result<(), InvalidEndpoint> {
        let host = endpoint.host();
        if !self.hosts.iter().any(|pattern| covers(pattern, host)) {
            return Err(InvalidEndpoint::Host);
        }
        match endpoint.address() {
            Some(address) if !self.admits(address) => Err(InvalidEndpoint::Inside),
            _ => Ok(()),
        }
    }

    /// Whether there may be a push service at this address.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        let is_allowed = |ip| self.networks.iter().any(|network| network.contains(ip));
        faces(address).all(|face| is_allowed(face) || !is_never_outside(face))
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*") {
        Some("") => true,
        Some(above) => host.ends_with(above) && host.len() > above.len(),
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(hosts: &[&str], networks: &[&str]) -> Reach {
        Reach {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn check(reach: &Reach, url: &str) -> Result<(), InvalidEndpoint> {
        reach.check(&Endpoint::parse(url).unwrap())
    }

    #[test]
    fn only_hosts_that_are_named_may_be_asked() {
        let reach = reach(&["push.example", "*.push.example"], &[]);
        for url in [
            "https://push.example/x",
            "https://PUSH.example/x",
            "https://a.b.push.example/x",
        ] {
            assert_eq!(check(&reach, url), Ok(()), "{url}");
        }
        for url in [
            "https://example/x",
            "https://evilpush.example/x",
            "https://push.example.evil/x",
            "https://push.example./x",
        ] {
            assert!(
                Endpoint::parse(url).is_err() || check(&reach, url) == Err(InvalidEndpoint::Host),
                "{url}"
            );
        }
    }

    #[test]
    fn no_address_within_is_asked_in_any_disguise() {
        let any = reach(&["*"], &[]);
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "[::1]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
        ] {
            let url = format!("https://{address}/x");
            assert_eq!(check(&any, &url), Err(InvalidEndpoint::Inside), "{address}");
        }
        assert_eq!(check(&any, "https://8.8.8.8/x"), Ok(()));
        assert_eq!(check(&any, "https://[2620:fe::fe]/x"), Ok(()));
        let private = reach(&["*"], &["10.1.0.0/16"]);
        assert_eq!(check(&private, "https://10.1.2.3/x"), Ok(()));
        assert_eq!(
            check(&private, "https://10.2.2.3/x"),
            Err(InvalidEndpoint::Inside)
        );
    }
}
