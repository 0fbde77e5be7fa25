//! `privcomm client listen`

use std::io;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin, stdin};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::place::{Place, find, unusable};
use crate::base::{MessageId, Private, Trouble, UserId};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, document, text};
use crate::cli::when::moment;
use crate::cli::words::harmless;
use crate::client::{CallEvent, Client, End, Event};

/// Print what happens, as it happens
///
/// With --json each line is one object. Messages and what became of yours have a `number`, which only
/// rises: a line that was printed while the process was killed comes again with the same number, and
/// nothing else comes twice.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client listen
  privcomm client listen --once                what waits, and no more
  privcomm client listen --json --input        a bot: events out, messages in

A line of --input is {\"to\":\"WHO\",\"text\":\"…\"}, or
{\"read\":[\"ID\",…],\"from\":\"WHO\"}; an optional \"ref\" comes back in the line that
answers: {\"event\":\"sent\",\"id\":…} or {\"event\":\"failed\",…}. \"sent\" means that
it is kept, and sent as soon as can be. A bot that doesn't know whether a
message was kept gives it again with the same \"id\", a UUID of its own: the
recipient is told once.")]
pub(in crate::cli) struct Listen {
    #[command(flatten)]
    place: Place,

    /// End when what waited at the server is printed
    #[arg(long)]
    once: bool,

    /// Read messages to send from stdin, one JSON object a line
    #[arg(long, conflicts_with = "once")]
    input: bool,
}

/// A line of `--input`.
#[derive(Deserialize)]
struct Order {
    to: Option<String>,
    text: Option<Private<String>>,
    id: Option<MessageId>,
    from: Option<String>,
    read: Option<Vec<MessageId>>,
    #[serde(rename = "ref")]
    reference: Option<serde_json::Value>,
}

/// What is printed for an event.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(flatten)]
    event: &'a Event,
}

/// What is printed for a line of `--input`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Answer {
    Sent {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        to: UserId,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<serde_json::Value>,
    },
    Failed {
        code: Trouble,
        detail: String,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<serde_json::Value>,
    },
}

impl Listen {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (client, runtime) = self.place.open()?;
        let listening = runtime.block_on(self.listen(&client, output));
        // A line that stdin never ends isn't waited for.
        runtime.shutdown_background();
        listening
    }

    async fn listen(&self, client: &Client, output: &Output) -> Result<Exit, CliError> {
        let mut inbox = client.connect()?;
        let mut orders = self.input.then(|| BufReader::new(stdin()).lines());
        let mut end = Ending::new()?;
        let (mut told, mut is_caught_up) = (0, false);
        loop {
            tokio::select! {
                event = inbox.next() => {
                    let Some(event) = event else { break };
                    told = inbox.number().unwrap_or(told);
                    print(client, inbox.number(), &event, output).await?;
                    if let Event::Ended { why } = event {
                        inbox.close().await;
                        return Err(ended(why));
                    }
                    is_caught_up |= event == Event::CaughtUp;
                    if self.once && is_caught_up && !client.has_events_after(told).await? {
                        break;
                    }
                }
                order = next(&mut orders) => match order {
                    Some(order) => answer(client, &order, output).await?,
                    None => orders = None,
                },
                () = end.told() => break,
            }
        }
        inbox.done();
        inbox.close().await;
        Ok(Exit::Done)
    }
}

/// Prints an event, before it counts as dealt with.
async fn print(
    client: &Client,
    number: Option<u64>,
    event: &Event,
    output: &Output,
) -> Result<(), CliError> {
    if output.is_json() {
        return Ok(document(&Line { number, event })?);
    }
    let passing = !matches!(
        event,
        Event::Message { .. } | Event::Unreadable { .. } | Event::Unsupported { .. }
    );
    if passing && output.is_quiet() {
        return Ok(());
    }
    Ok(text(&format!("{}\n", words(client, event).await?))?)
}

/// An event in a line for people.
async fn words(client: &Client, event: &Event) -> Result<String, CliError> {
    Ok(match event {
        Event::Message {
            from,
            text,
            accepted,
            ..
        } => {
            let who = name(client, *from).await?;
            format!("{}  {who}: {}", moment(*accepted), harmless(text))
        }
        Event::Unreadable { from, accepted } => {
            let who = name(client, *from).await?;
            let when = moment(*accepted);
            format!("{when}  {who}: (a message could not be decrypted)")
        }
        Event::Unsupported { from, accepted, .. } => {
            let who = name(client, *from).await?;
            let when = moment(*accepted);
            format!("{when}  {who}: (a message of a kind that a later version knows)")
        }
        Event::Receipt { from, ids, state } => {
            let who = name(client, *from).await?;
            format!("-- {who}: {} {state:?}", ids.len()).to_lowercase()
        }
        Event::IdentityChanged { peer } => {
            let who = name(client, *peer).await?;
            format!("-- the safety number of {who} changed; nothing is sent before you decide")
        }
        Event::Refused { to, code, .. } => {
            let who = name(client, *to).await?;
            format!("-- a message to {who} was refused: {}", code.title())
        }
        Event::Call { peer, step, .. } => {
            let who = name(client, *peer).await?;
            format!("-- {who}: {}", step_of(step))
        }
        Event::Connected { pending } => format!("-- connected; {pending} waiting"),
        Event::Accepted { .. } => "-- accepted".to_owned(),
        Event::CaughtUp => "-- caught up".to_owned(),
        Event::Disconnected => "-- disconnected".to_owned(),
        Event::Ended { why } => format!("-- ended: {why:?}"),
    })
}

fn step_of(step: &CallEvent) -> &'static str {
    match step {
        CallEvent::Offered { .. } => "calls",
        CallEvent::Ended { .. } => "the call ended",
        CallEvent::Refused { .. } => "the call was refused",
        _ => "the call goes on",
    }
}

async fn name(client: &Client, user: UserId) -> Result<String, CliError> {
    let name = client.name_of(user).await?;
    Ok(name.map_or_else(|| user.to_string(), |name| harmless(&name)))
}

/// The next line of stdin, while there is one.
async fn next(orders: &mut Option<Lines<BufReader<Stdin>>>) -> Option<String> {
    match orders {
        Some(lines) => lines.next_line().await.ok().flatten(),
        None => std::future::pending().await,
    }
}

/// Does what a line of stdin says, and says what became of it.
async fn answer(client: &Client, line: &str, output: &Output) -> Result<(), CliError> {
    if line.trim().is_empty() {
        return Ok(());
    }
    let order: Result<Order, _> = serde_json::from_str(line);
    let reference = order
        .as_ref()
        .ok()
        .and_then(|order| order.reference.clone());
    let outcome = match order {
        Ok(order) => carry_out(client, order).await,
        Err(_) => Err(unusable("expected an object with to and text")),
    };
    let answer = match outcome {
        Ok((to, id)) => Answer::Sent { id, to, reference },
        Err(error) => Answer::Failed {
            code: error.trouble(),
            detail: error.to_string(),
            reference,
        },
    };
    if output.is_json() {
        document(&answer)?;
    } else if let Answer::Failed { code, detail, .. } = &answer {
        output.note(format_args!("error {code}: {detail}"));
    }
    Ok(())
}

async fn carry_out(client: &Client, order: Order) -> Result<(UserId, Option<MessageId>), CliError> {
    match order {
        Order {
            to: Some(to),
            text: Some(text),
            id,
            ..
        } => {
            let to = find(client, &to).await?;
            let id = id.unwrap_or_else(MessageId::random);
            client.send_as(id, to, &text).await?;
            Ok((to, Some(id)))
        }
        Order {
            from: Some(from),
            read: Some(read),
            ..
        } => {
            let from = find(client, &from).await?;
            client.mark_read(from, &read).await?;
            Ok((from, None))
        }
        _ => Err(unusable("expected to and text, or read and from")),
    }
}

/// That it is to end: Ctrl-C, or whoever started it.
struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn ended(why: End) -> CliError {
    let (trouble, detail, exit) = match why {
        End::Replaced => (
            Trouble::AccountStorage,
            "a newer session of this account took over",
            Exit::Conflict,
        ),
        End::AccountGone => (
            Trouble::ServerRefuses,
            "the account was suspended or deleted",
            Exit::Refused,
        ),
        End::OwnIdentity => (
            Trouble::OwnIdentity,
            "the server has another identity key for this account",
            Exit::Refused,
        ),
        End::Storage => (
            Trouble::AccountStorage,
            "what came can't be kept",
            Exit::Failed,
        ),
        _ => (
            Trouble::ServerRefuses,
            "the server doesn't take this account's signature",
            Exit::Refused,
        ),
    };
    CliError::Found {
        trouble,
        detail: detail.to_owned(),
        exit,
    }
}
