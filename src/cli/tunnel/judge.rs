//! What is wrong with a tunnel, from what is known of it.

use super::cloudflared::Cloudflared;
use super::ingress::Rule;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::words::many;

/// What the tunnel should lead to.
#[derive(Debug, Default)]
pub(in crate::cli) struct Target {
    /// The host of the public URL, if there is one.
    pub(in crate::cli) host: Option<String>,
    /// Addresses of the web side, if they are known.
    pub(in crate::cli) web: Vec<String>,
}

const fn ok(sentence: String) -> Finding {
    Finding {
        group: Group::Tunnel,
        outcome: crate::cli::finding::Outcome::Ok,
        sentence,
        code: None,
        fix: None,
    }
}

fn fail(trouble: Trouble, sentence: impl Into<String>) -> Finding {
    Finding::fail(Group::Tunnel, trouble, sentence)
}

/// Everything that can be said.
pub(in crate::cli) fn judge(found: &Cloudflared, target: &Target) -> Vec<Finding> {
    if !found.is_there() {
        return vec![ok("no cloudflared on this machine".to_owned())];
    }
    let mut findings = vec![running(found)];
    if let Some((path, Err(problem))) = &found.file {
        let sentence = format!("{}: {problem}", path.display());
        findings.push(Finding::warn(Group::Tunnel, Trouble::TunnelFile, sentence));
    }
    match found.rules() {
        Some(rules) if !rules.is_empty() => findings.extend(judge_rules(rules, target)),
        _ => findings.push(ok(
            "no rules are to be seen; they may be in the dashboard".to_owned()
        )),
    }
    if found.updates_itself {
        findings.push(Finding::warn(
            Group::Tunnel,
            Trouble::TunnelUpdates,
            "cloudflared-update.timer restarts it for updates, which ends every socket",
        ));
    }
    findings
}

fn running(found: &Cloudflared) -> Finding {
    match &found.running {
        None => fail(
            Trouble::TunnelDown,
            "cloudflared is set up and does not run",
        )
        .mended_by("systemctl start cloudflared"),
        Some(live) if live.connections == 0 => fail(
            Trouble::TunnelDown,
            "cloudflared runs and has no connection",
        ),
        Some(live) => {
            let over = match live.is_quic {
                Some(true) => " over QUIC",
                Some(false) => " over HTTP/2",
                None => "",
            };
            let connections = many(live.connections, "connection");
            ok(format!("cloudflared is up, {connections}{over}"))
        }
    }
}

/// What can be said of rules.
fn judge_rules(rules: &[Rule], target: &Target) -> Vec<Finding> {
    let media = rules.iter().filter(|rule| carries_media(&rule.service));
    let mut findings: Vec<_> = media
        .map(|rule| {
            let sentence = format!(
                "{} can't pass a tunnel: no browser reaches it",
                rule.service
            );
            fail(Trouble::TunnelMedia, sentence)
        })
        .collect();
    if !rules.last().is_some_and(Rule::takes_all) {
        let sentence = "the last rule doesn't take everything";
        findings.push(fail(Trouble::TunnelLastRule, sentence));
    }
    match &target.host {
        Some(host) => findings.push(route(rules, host, &target.web)),
        None => findings.push(
            Finding::warn(
                Group::Tunnel,
                Trouble::TunnelNoRule,
                "server.public_url is not set, so no rule can be checked",
            )
            .mended_by("privcomm setup    or privcomm config set server.public_url https://NAME"),
        ),
    }
    findings
}

/// Where requests for the public name go: pages and the socket alike.
fn route(rules: &[Rule], host: &str, web: &[String]) -> Finding {
    let paths = ["/", "/ws", "/api/v1/server"];
    let leads_here = |path: &&str| {
        let rule = rules.iter().find(|rule| rule.takes(host, path));
        rule.is_some_and(|rule| leads_to(&rule.service, web))
    };
    let Some(astray) = paths.iter().find(|path| !leads_here(path)) else {
        let rule = rules.iter().find(|rule| rule.takes(host, "/"));
        let service = rule.map_or("", |rule| rule.service.as_str());
        return ok(format!("rule {host} -> {service}"));
    };
    let rule = rules.iter().find(|rule| rule.takes(host, astray));
    match rule.filter(|rule| !rule.takes_all()) {
        None => fail(Trouble::TunnelNoRule, format!("no rule for {host}{astray}"))
            .mended_by(format!("privcomm tunnel config {host}    prints it")),
        Some(rule) if rule.service.starts_with("unix:") => fail(
            Trouble::TunnelService,
            format!("{} breaks WebSockets over HTTP/2", rule.service),
        ),
        Some(rule) => fail(
            Trouble::TunnelService,
            format!("{host}{astray} goes to {}", rule.service),
        ),
    }
}

/// Whether a service is one of the addresses of the web side. Where none is known, any web side is
/// taken for it.
fn leads_to(service: &str, web: &[String]) -> bool {
    let Some(rest) = service
        .strip_prefix("http://")
        .or_else(|| service.strip_prefix("https://"))
    else {
        return false;
    };
    let place = rest.split('/').next().unwrap_or(rest);
    let port = place.rsplit_once(':').map_or("80", |(_, port)| port);
    web.is_empty()
        || web.iter().any(|address| {
            let same_port = address.rsplit_once(':').is_some_and(|(_, own)| own == port);
            address == place || same_port && is_here(place)
        })
}

/// Names by which a machine calls itself.
fn is_here(place: &str) -> bool {
    ["localhost:", "127.", "[::1]:", "0.0.0.0:"]
        .iter()
        .any(|start| place.starts_with(start))
}

/// UDP never passes; of TCP what is for calls.
fn carries_media(service: &str) -> bool {
    service.starts_with("udp://")
        || service.starts_with("tcp://")
            && [":3478", ":5349"]
                .iter()
                .any(|port| service.ends_with(port))
}

#[cfg(test)]
mod tests {
    use super::super::ingress::parse_file;
    use super::*;
    use crate::cli::finding::Outcome;

    fn codes(rules: &str) -> Vec<Trouble> {
        let target = Target {
            host: Some("chat.example.org".to_owned()),
            web: vec!["127.0.0.1:8000".to_owned()],
        };
        let rules = parse_file(&format!("ingress:\n{rules}")).unwrap().ingress;
        let findings = judge_rules(&rules, &target);
        findings
            .into_iter()
            .filter_map(|finding| finding.code)
            .collect()
    }

    #[test]
    fn each_mistake_has_its_code() {
        const LAST: &str = "- service: http_status:404\n";
        let rule = |service: &str| format!("- hostname: chat.example.org\n  service: {service}\n");
        let right = rule("http://127.0.0.1:8000");
        for (rules, code) in [
            (format!("{right}{LAST}"), None),
            (format!("{}{LAST}", rule("http://localhost:8000")), None),
            (right.clone(), Some(Trouble::TunnelLastRule)),
            (LAST.to_owned(), Some(Trouble::TunnelNoRule)),
            (
                format!("{}{LAST}", rule("http://127.0.0.1:8080")),
                Some(Trouble::TunnelService),
            ),
            (
                format!("{}{LAST}", rule("unix:/run/http.sock")),
                Some(Trouble::TunnelService),
            ),
            (
                format!(
                    "{right}- hostname: turn.example.org\n  service: udp://127.0.0.1:3478\n{LAST}"
                ),
                Some(Trouble::TunnelMedia),
            ),
            (
                format!(
                    "{right}- hostname: turn.example.org\n  service: tcp://127.0.0.1:3478\n{LAST}"
                ),
                Some(Trouble::TunnelMedia),
            ),
        ] {
            assert_eq!(codes(&rules), Vec::from_iter(code), "{rules}");
        }
    }

    #[test]
    fn a_path_that_goes_astray_is_seen() {
        let rules = "- hostname: chat.example.org\n  path: ^/ws\n  service: http://127.0.0.1:9\n\
            - hostname: chat.example.org\n  service: http://127.0.0.1:8000\n- service: http_status:404\n";
        assert_eq!(codes(rules), [Trouble::TunnelService]);
    }

    #[test]
    fn a_machine_without_cloudflared_is_fine() {
        let findings = judge(&Cloudflared::default(), &Target::default());
        assert!(matches!(&findings[..], [one] if one.outcome == Outcome::Ok));
    }
}
