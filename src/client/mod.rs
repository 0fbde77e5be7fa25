//! Floor 3: the client, for bots, tests and other programs: an account on a server, whose messages
//! nobody else can read.
//!
//! It is built on [`e2ee`](crate::e2ee) and promises what E2EE.md asks of a client: what was sent is
//! sent once, with the same bytes however often it takes; what came is stored before it is
//! acknowledged, and told once; keys are used once, through every crash. It reconnects by itself,
//! keeps the prekeys up, and holds back what it would send to somebody whose identity changed.
//!
//! | what | where |
//! |---|---|
//! | an account, registered or opened | [`Client`], [`Registration`], [`Settings`] |
//! | what happens | [`Inbox`], [`Event`] |
//! | where it is kept | [`Vault`], [`storage`] |
//! | people, and who they prove to be | [`Contact`], [`Trust`] |
//! | calls | [`Client::call`], [`CallEvent`] |
//!
//! A bot that says everything back:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use privcomm::client::storage::Passphrase;
//! use privcomm::client::{Client, Error, Event, Settings, Vault};
//!
//! # async fn bot() -> Result<(), Error> {
//! let vault = Vault::at(Path::new("bot"), &Passphrase::None)?;
//! let client = Client::open(vault, Settings::default()).await?;
//! let mut inbox = client.connect()?;
//! while let Some(event) = inbox.next().await {
//!     if let Event::Message { from, text, .. } = event {
//!         client.send(from, &text).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod account;
mod address;
mod api;
mod backoff;
mod call;
#[expect(clippy::module_inception, reason = "the file holds the type Client")]
mod client;
mod connection;
mod contacts;
mod core;
mod device;
mod dial;
mod error;
mod event;
mod frame;
mod handle;
mod inbox;
mod keys;
mod login;
mod record;
mod session;
pub mod storage;
mod vault;

pub use address::{Invite, ServerUrl};
pub use client::{Client, Outcome, Registration, Settings};
pub use contacts::{Contact, Trust};
pub use error::Error;
pub use event::{CallEvent, End, Event};
pub use inbox::Inbox;
pub use vault::Vault;

pub use crate::e2ee::{RecoveryCode, Refusal, SafetyNumber};
