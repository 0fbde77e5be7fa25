//! `privcomm turn credentials`

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::words::span;
use crate::config::duration;
use crate::wire::admin::{Credentials as Made, CredentialsRequest};

/// Make a credential for the media relay and print it, once
///
/// It belongs to no member. Whoever has it can use the relay until it expires: it can't be revoked
/// by itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm turn credentials
  privcomm turn credentials --ttl 5m --json")]
pub(in crate::cli) struct Credentials {
    #[command(flatten)]
    daemon: Running,

    /// How long it is good for, at most 1d [default: turn.credential_ttl]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    ttl: Option<Duration>,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    credential: &'a Made,
    /// A command that uses it: coturn's test client.
    example: Option<String>,
}

impl Credentials {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let request = CredentialsRequest {
            ttl: self.ttl.map(|ttl| ttl.as_secs()),
        };
        let daemon = self.daemon.reach(output)?;
        let made: Made = daemon.post("/v1/turn/credentials", &request)?;
        let document = Document {
            credential: &made,
            example: example(&made),
        };
        output.show(&document, || text(&document))?;
        Ok(Exit::Done)
    }
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let within = |ttl: &Duration| (1..=86_400).contains(&ttl.as_secs());
    duration(text)
        .filter(within)
        .ok_or_else(|| "expected a duration from 1s to 1d, such as 1h".to_owned())
}

fn text(document: &Document<'_>) -> String {
    let made = document.credential;
    let mut lines = Vec::new();
    for (index, url) in made.urls.iter().enumerate() {
        let name = if index == 0 { "urls" } else { "" };
        lines.push(format!("{name:<10}  {url}"));
    }
    lines.push(format!("{:<10}  {}", "username", made.username));
    lines.push(format!("{:<10}  {}", "credential", made.credential.0));
    lines.push(format!("{:<10}  {}", "good for", span(made.ttl)));
    if let Some(example) = &document.example {
        lines.push(format!("\nTry it with coturn's client:\n  {example}"));
    }
    lines.join("\n") + "\n"
}

/// Two clients of the relay that send to each other, by coturn's test client: `-y`, because the
/// relay reaches its own allocations only.
fn example(made: &Made) -> Option<String> {
    let place = made.urls.iter().find_map(|url| {
        let rest = url.strip_prefix("turn:")?;
        rest.strip_suffix("?transport=udp")
    })?;
    let (host, port) = place.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(format!(
        "turnutils_uclient -y -n 10 -u {} -w '{}' -p {port} {host}",
        made.username, made.credential.0
    ))
}

#[cfg(test)]
mod tests {
    use crate::base::{Private, Timestamp};

    use super::*;

    #[test]
    fn the_example_names_host_and_port_apart() {
        let mut made = Made {
            urls: vec!["stun:[::1]:9".into(), "turn:[::1]:9?transport=udp".into()],
            local_urls: Vec::new(),
            username: "1:a".into(),
            credential: Private("b=".into()),
            ttl: 60,
            expires_at: Timestamp::default(),
        };
        let line = "turnutils_uclient -y -n 10 -u 1:a -w 'b=' -p 9 ::1";
        assert_eq!(example(&made).as_deref(), Some(line));
        made.urls.pop();
        assert_eq!(example(&made), None);
    }

    #[test]
    fn a_lifetime_is_at_most_a_day() {
        assert_eq!(lifetime("1d"), Ok(Duration::from_hours(24)));
        for wrong in ["0s", "999ms", "2d", "1", "soon"] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }
}
