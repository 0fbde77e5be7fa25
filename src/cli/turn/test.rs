//! `privcomm turn test`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::base::Private;
use crate::cli::daemon::{Daemon, Running, runtime};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::words::millis;
use crate::config::{RelayScheme, RelayUrl};
use crate::serve::{CheckOutcome, RelayPlace, RelayResult, RelayTest};
use crate::wire::admin::{Credentials, CredentialsRequest};

/// The life of the credential of one test, seconds.
const TTL: u64 = 300;

/// Try the media relay: real allocations, real packets, and what it must refuse
///
/// Over every transport that the running daemon listens on, from this machine; or any relay that is
/// named, from anywhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm turn test
  privcomm turn test --packets 500 --json
  privcomm turn test --url 'turn:chat.example.org:3478?transport=udp' \\
      --user NAME --credential PASSWORD
Name and password come from: privcomm turn credentials

Exit codes: 0 it works, 7 something doesn't (--strict: or warns).")]
pub(in crate::cli) struct Test {
    #[command(flatten)]
    daemon: Running,

    /// Try this relay in place of the daemon's; may be repeated
    #[arg(long, value_name = "URL", value_parser = relay, requires = "user", requires = "credential")]
    url: Vec<RelayUrl>,

    /// Name of a credential for it
    #[arg(long, value_name = "NAME", requires = "url")]
    user: Option<String>,

    /// Its password
    #[arg(
        long,
        value_name = "PASSWORD",
        requires = "url",
        env = "PRIVCOMM_TURN_CREDENTIAL",
        hide_env_values = true
    )]
    credential: Option<String>,

    /// Packets each way, one every 20 ms
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    packets: u32,

    /// A certificate (PEM) to know beside those of this machine's authorities
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,

    /// Exit with 7 on warnings too
    #[arg(long)]
    strict: bool,
}

#[derive(Serialize)]
struct Document {
    ok: bool,
    results: Vec<RelayResult>,
}

impl Test {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (test, places) = self.order(output)?;
        let runtime = runtime()?;
        let results: Vec<RelayResult> = places
            .iter()
            .map(|place| runtime.block_on(test.run(place)))
            .collect();
        let worst = |outcome| results.iter().any(|result| result.outcome == outcome);
        let is_bad = worst(CheckOutcome::Fail) || self.strict && worst(CheckOutcome::Warn);
        let ok = !is_bad;
        let document = Document { ok, results };
        output.show(&document, || lines(&document.results))?;
        Ok(if ok { Exit::Done } else { Exit::ChecksFailed })
    }

    /// What to try: what the command line names, or what the daemon does.
    fn order(&self, output: &Output) -> Result<(RelayTest, Vec<RelayPlace>), CliError> {
        if let (Some(username), Some(credential)) = (&self.user, &self.credential) {
            let test = self.test(username.clone(), Private(credential.clone()));
            let place = |url: &RelayUrl| RelayPlace {
                url: url.clone(),
                name: None,
            };
            return Ok((test, self.url.iter().map(place).collect()));
        }
        let request = CredentialsRequest { ttl: Some(TTL) };
        let daemon = self.daemon.reach(output)?;
        let made: Credentials = daemon.post("/v1/turn/credentials", &request)?;
        let places = places(&made);
        Ok((self.test(made.username, made.credential), places))
    }

    fn test(&self, username: String, credential: Private<String>) -> RelayTest {
        RelayTest {
            username,
            credential,
            packets: self.packets,
            certificate: self
                .certificate
                .clone()
                .or_else(|| self.daemon.relay_certificate()),
        }
    }
}

/// Tries the daemon's own relay over every transport, with so many packets each way.
pub(in crate::cli) fn trial(
    daemon: &Daemon<'_>,
    certificate: Option<PathBuf>,
    packets: u32,
) -> Result<Vec<RelayResult>, CliError> {
    let request = CredentialsRequest { ttl: Some(TTL) };
    let made: Credentials = daemon.post("/v1/turn/credentials", &request)?;
    let places = places(&made);
    let test = RelayTest {
        username: made.username,
        credential: made.credential,
        packets,
        certificate,
    };
    let runtime = runtime()?;
    Ok(places
        .iter()
        .map(|place| runtime.block_on(test.run(place)))
        .collect())
}

/// Where the daemon's relay is reached from this machine.
fn places(made: &Credentials) -> Vec<RelayPlace> {
    let name = certified_name(&made.urls);
    let place = |url: &String| {
        Some(RelayPlace {
            url: url.parse().ok()?,
            name: name.clone(),
        })
    };
    made.local_urls.iter().filter_map(place).collect()
}

/// The address of a relay that relays: `stun:` only says where one comes from.
fn relay(text: &str) -> Result<RelayUrl, String> {
    let url: RelayUrl = text.parse().map_err(|error| format!("{error}"))?;
    if url.scheme() == RelayScheme::Stun {
        return Err("expected turn:… or turns:…".to_owned());
    }
    Ok(url)
}

/// The host that members are told for TLS.
fn certified_name(urls: &[String]) -> Option<String> {
    let url = urls.iter().find(|url| url.starts_with("turns:"))?;
    let url: RelayUrl = url.parse().ok()?;
    Some(url.bare_host().to_owned())
}

/// A line for each, and below it what mends it.
pub(in crate::cli) fn lines(results: &[RelayResult]) -> String {
    let width = results.iter().map(|it| it.place.len()).max().unwrap_or(0);
    let mut text = String::new();
    for result in results {
        let outcome = match result.outcome {
            CheckOutcome::Ok => "ok",
            CheckOutcome::Warn => "warn",
            CheckOutcome::Fail => "fail",
        };
        let RelayResult {
            transport,
            place,
            detail,
            ..
        } = result;
        let _ = write!(text, "{outcome:<4}  {transport}  {place:<width$}  {detail}");
        if let (Some(median), Some(longest)) = (result.median_us, result.longest_us) {
            let _ = write!(text, ", {} (max {})", millis(median), millis(longest));
        }
        if let Some(trouble) = result.trouble {
            let _ = write!(text, "  {trouble}");
        }
        text.push('\n');
        for note in &result.notes {
            let _ = writeln!(text, "        {note}");
        }
        if let Some(trouble) = result.trouble {
            let _ = writeln!(text, "        fix: {}", trouble.fix());
        }
    }
    text
}
