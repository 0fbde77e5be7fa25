//! `privcomm client verify`

use clap::Args;
use serde::Serialize;

use super::place::{Place, find};
use crate::base::UserId;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::qr;
use crate::client::{Client, Error, Trust};

/// Compare a safety number: does anybody stand between?
///
/// Both sides see the same sixty digits, if the server told each the other's true key. Compare them
/// over another way: in person, or on the telephone. Then say --mark, or scan the other side's code and
/// say --scanned.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client verify ben                   the number, and a code to scan
  privcomm client verify ben --mark            I compared it: it is the same
  privcomm client verify ben --scanned privcomm:sn1:…
  privcomm client verify ben --unmark

Exit codes: 0 done, 7 what was scanned is another conversation's, or somebody
stands between.")]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    place: Place,

    /// A handle, a name of your contacts, or a user id
    #[arg(value_name = "WHO")]
    who: String,

    /// What was scanned off the other side's screen
    #[arg(long, value_name = "CODE", conflicts_with_all = ["mark", "unmark"])]
    scanned: Option<String>,

    /// The number was compared, and is the same
    #[arg(long, conflicts_with = "unmark")]
    mark: bool,

    /// Take the mark away
    #[arg(long)]
    unmark: bool,
}

#[derive(Serialize)]
struct Document {
    user_id: UserId,
    safety_number: String,
    qr: String,
    identity: Trust,
}

impl Verify {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (client, runtime) = self.place.open()?;
        let document = runtime.block_on(self.verify(&client))?;
        output.show(&document, || {
            let picture = qr::picture(&document.qr, qr::ink()).unwrap_or_default();
            let number = lines(&document.safety_number);
            format!("{number}\n{picture}\n{}\n", document.qr)
        })?;
        if !output.is_json() {
            output.note(format_args!("{}", word(document.identity)));
        }
        Ok(Exit::Done)
    }

    async fn verify(&self, client: &Client) -> Result<Document, Error> {
        let user = find(client, &self.who).await?;
        let number = client.safety_number(user).await?;
        if let Some(code) = &self.scanned {
            client.verify_scanned(user, code.trim()).await?;
        } else if self.mark {
            client.verify(user, &number).await?;
        } else if self.unmark {
            client.unverify(user).await?;
        }
        Ok(Document {
            user_id: user,
            safety_number: number.digits(),
            qr: number.qr_code(),
            identity: client.trust(user).await?,
        })
    }
}

/// Three lines of four groups of five.
fn lines(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        match place % 20 {
            0 if place > 0 => text.push('\n'),
            5 | 10 | 15 => text.push(' '),
            _ => {}
        }
        text.push(digit);
    }
    text.push('\n');
    text
}

const fn word(trust: Trust) -> &'static str {
    match trust {
        Trust::Unknown => "no key of theirs is known",
        Trust::Unverified => "not verified yet: compare it over another way, then --mark",
        Trust::Verified => "verified",
        Trust::Changed => "CHANGED: nothing is sent before you verify it or accept it",
    }
}
