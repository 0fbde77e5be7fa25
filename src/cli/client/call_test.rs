//! `privcomm client call-test`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::place::Place;
use crate::base::Trouble;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::turn::lines;
use crate::config::{RelayScheme, RelayUrl};
use crate::serve::{CheckOutcome, RelayPlace, RelayResult, RelayTest};

/// Try what a call needs: the server's media relays, with this account's own credentials
///
/// Two allocations on each relay that the server names, and packets both ways between them, one every
/// 20 ms as in a call: what is lost, and how long they take.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client call-test
  privcomm client call-test --packets 500 --json

Exit codes: 0 calls work, 7 over some way they don't.")]
pub(in crate::cli) struct CallTest {
    #[command(flatten)]
    place: Place,

    /// Packets each way, one every 20 ms
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    packets: u32,

    /// A certificate (PEM) of the relays, to know beside those of this machine's authorities
    #[arg(long, value_name = "FILE")]
    relay_certificate: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    ok: bool,
    results: Vec<RelayResult>,
}

impl CallTest {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (client, runtime) = self.place.open()?;
        let credentials = runtime.block_on(client.turn_credentials())?;
        let urls = credentials.urls.iter().filter_map(|url| url.parse().ok());
        let places: Vec<RelayPlace> = urls
            .filter(|url: &RelayUrl| url.scheme() != RelayScheme::Stun)
            .map(|url| RelayPlace { url, name: None })
            .collect();
        if places.is_empty() {
            return Err(CliError::Found {
                trouble: Trouble::RelayOff,
                detail: "the server names no media relay".to_owned(),
                exit: Exit::ChecksFailed,
            });
        }
        let certificate = self.relay_certificate.clone();
        let test = RelayTest {
            username: credentials.username,
            credential: credentials.credential,
            packets: self.packets,
            certificate: certificate.or_else(|| self.place.certificate()),
        };
        let results: Vec<RelayResult> = places
            .iter()
            .map(|place| runtime.block_on(test.run(place)))
            .collect();
        let is_bad = |result: &RelayResult| result.outcome == CheckOutcome::Fail;
        let ok = !results.iter().any(is_bad);
        let document = Document { ok, results };
        output.show(&document, || lines(&document.results))?;
        Ok(if ok { Exit::Done } else { Exit::ChecksFailed })
    }
}
