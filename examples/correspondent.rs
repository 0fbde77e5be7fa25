//! An account that does what it is told on standard input, a line of JSON for each thing, and says on
//! standard output what happens: `cargo run --example correspondent -- VAULT SERVER HANDLE`.
//!
//! It is how programs in other languages, such as the checks in `tests/system`, hold a conversation
//! with the SDK.

use std::io::Write as _;
use std::path::Path;

use privcomm::base::{Private, UserId};
use privcomm::client::storage::Passphrase;
use privcomm::client::{Client, Error, Registration, ServerUrl, Settings, Vault};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// What it can be told.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    /// Who has this handle.
    Find(String),
    /// May call, and fill the queue.
    Allow(UserId),
    /// Sends a text.
    Send { to: UserId, text: String },
    /// The safety number, and the code to scan.
    Number(UserId),
    /// Compares a scanned code.
    Verify { peer: UserId, scanned: String },
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let (Some(vault), Some(server), Some(handle)) = (words.next(), words.next(), words.next())
    else {
        return Err("usage: correspondent VAULT SERVER HANDLE".into());
    };
    let client = open(&vault, &server, handle).await?;
    say(&json!({ "me": client.user() }));
    let mut inbox = client.connect()?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            event = inbox.next() => match event {
                Some(event) => say(&serde_json::to_value(&event)?),
                None => return Ok(()),
            },
            line = lines.next_line() => match line? {
                Some(line) => say(&answer(&client, &line).await),
                None => break,
            },
        }
    }
    inbox.close().await;
    Ok(())
}

async fn open(vault: &str, server: &str, handle: String) -> Result<Client, Failure> {
    let vault = Vault::at(Path::new(vault), &Passphrase::None)?;
    match Client::open(vault.clone(), Settings::default()).await {
        Err(Error::NoAccount) => {}
        opened => return Ok(opened?),
    }
    let registration = Registration {
        server: ServerUrl::parse(server)?,
        handle: Private(handle),
        code: None,
    };
    Ok(Client::register(vault, registration, Settings::default()).await?)
}

async fn answer(client: &Client, line: &str) -> Value {
    match obey(client, line).await {
        Ok(value) => json!({ "answer": value }),
        Err(failure) => json!({ "failure": failure.to_string() }),
    }
}

async fn obey(client: &Client, line: &str) -> Result<Value, Failure> {
    Ok(match serde_json::from_str(line)? {
        Command::Find(handle) => json!(client.find(&handle).await?),
        Command::Allow(peer) => json!(client.allow(peer).await?),
        Command::Send { to, text } => json!(client.send(to, &text).await?),
        Command::Number(peer) => {
            let number = client.safety_number(peer).await?;
            json!({ "digits": number.to_string(), "qr": number.qr_code() })
        }
        Command::Verify { peer, scanned } => json!(client.verify_scanned(peer, &scanned).await?),
    })
}

fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    // Whoever started it may be gone; then there is nobody to say it to.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}
