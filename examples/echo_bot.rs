//! A bot that says everything back.
//!
//! ```sh
//! cargo run --example echo_bot -- DIRECTORY LINK HANDLE   # the first time
//! cargo run --example echo_bot -- DIRECTORY               # from then on
//! ```

use std::path::Path;

use privcomm::client::storage::Passphrase;
use privcomm::client::{Client, Error, Event, Invite, Registration, Settings, Vault};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let client = match &arguments[..] {
        [directory] => {
            let vault = Vault::at(Path::new(directory), &Passphrase::None)?;
            Client::open(vault, Settings::default()).await?
        }
        [directory, link, handle] => {
            let vault = Vault::at(Path::new(directory), &Passphrase::None)?;
            let registration = Registration::invited(Invite::parse(link)?, handle);
            Client::register(vault, registration, Settings::default()).await?
        }
        _ => {
            eprintln!("usage: echo_bot DIRECTORY [LINK HANDLE]");
            std::process::exit(2);
        }
    };
    println!("{}", client.user());
    echo(&client).await
}

/// Says everything back, until the session ends for good.
pub async fn echo(client: &Client) -> Result<(), Error> {
    let mut inbox = client.connect()?;
    while let Some(event) = inbox.next().await {
        match event {
            Event::Message { from, text, .. } => {
                client.send(from, &text).await?;
            }
            Event::Ended { why } => eprintln!("ended: {why:?}"),
            _ => {}
        }
    }
    Ok(())
}
