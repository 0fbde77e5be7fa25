//! `privcomm client send`

use std::io::Read as _;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::place::{Place, find, unusable};
use crate::base::{MessageId, Trouble, UserId};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::client::{Client, Error, Outcome};

/// Send a text
///
/// What was sealed is kept until the server has it: where it can't be sent now, the next `send` or
/// `listen` sends it, once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client send ben 'Dinner at eight'
  uptime | privcomm client send ops

Exit codes: 0 the server has it, 75 it is kept and wasn't accepted in time.")]
pub(in crate::cli) struct Send {
    #[command(flatten)]
    place: Place,

    /// A handle, a name of your contacts, or a user id
    #[arg(value_name = "WHO")]
    who: String,

    /// The text [default: stdin]
    #[arg(value_name = "TEXT")]
    text: Option<String>,

    /// Seconds to wait until the server has it
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

#[derive(Serialize)]
struct Document {
    id: MessageId,
    to: UserId,
    accepted: bool,
}

impl Send {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let text = self.text()?;
        let (client, runtime) = self.place.open()?;
        let (document, outcome) = runtime.block_on(self.send(&client, &text))?;
        output.show(&document, || format!("{}\n", document.id))?;
        match outcome {
            Outcome::Accepted => Ok(Exit::Done),
            Outcome::Waiting => {
                output.note(format_args!("kept; the next send or listen sends it"));
                Ok(Exit::Later)
            }
            Outcome::Refused(code) => Err(CliError::Found {
                trouble: Trouble::ServerRefuses,
                detail: format!("the server won't take it: {}", code.title()),
                exit: Exit::Refused,
            }),
        }
    }

    fn text(&self) -> Result<String, CliError> {
        let text = if let Some(text) = &self.text {
            text.clone()
        } else {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|error| unusable(format!("can't read the text: {error}")))?;
            text.trim_end_matches('\n').to_owned()
        };
        if text.is_empty() {
            return Err(unusable("the text is empty"));
        }
        Ok(text)
    }

    async fn send(&self, client: &Client, text: &str) -> Result<(Document, Outcome), Error> {
        let to = find(client, &self.who).await?;
        let id = client.send(to, text).await?;
        // Events are left for whoever listens.
        let inbox = client.connect()?;
        let patience = Duration::from_secs(self.timeout);
        let _ = tokio::time::timeout(patience, client.settled()).await;
        inbox.close().await;
        let outcome = client.outcome(id).await?;
        let accepted = outcome == Outcome::Accepted;
        Ok((Document { id, to, accepted }, outcome))
    }
}
