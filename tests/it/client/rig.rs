//! Somebody who uses the SDK.

use privcomm::base::UserId;
use privcomm::client::{Client, Event, Inbox, Registration, ServerUrl, Settings, Vault};

use crate::rig::{Place, hex, soon};

/// A client with its vault, so that it can be started again.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) vault: Vault,
    pub(crate) client: Client,
}

impl Member {
    /// Somebody new, whose records are in memory.
    pub(crate) async fn join(place: Place) -> Self {
        Self::join_in(Vault::in_memory(), place).await
    }

    pub(crate) async fn join_in(vault: Vault, place: Place) -> Self {
        let registration = Registration {
            server: url(place),
            handle: hex(&privcomm::base::random::draw::<32>()).into(),
            code: None,
        };
        let settings = Settings::default();
        let client = Client::register(vault.clone(), registration, settings);
        Self {
            client: client.await.unwrap(),
            vault,
        }
    }

    /// The same member in a new process.
    pub(crate) async fn restart(self) -> Self {
        let Self { vault, client } = self;
        drop(client);
        let client = Client::open(vault.clone(), Settings::default());
        Self {
            client: client.await.unwrap(),
            vault,
        }
    }

    pub(crate) fn user(&self) -> UserId {
        self.client.user()
    }

    pub(crate) fn connect(&self) -> Listener {
        Listener {
            inbox: self.client.connect().unwrap(),
        }
    }
}

/// An inbox that is listened to.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) inbox: Inbox,
}

impl Listener {
    /// The next event of which `pick` makes something; others are let go.
    pub(crate) async fn expect<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let event = self.inbox.next().await;
                let event = event.unwrap_or_else(|| panic!("{what}: the inbox ended"));
                if let Some(picked) = pick(&event) {
                    return picked;
                }
            }
        })
        .await
    }

    /// Waits until a session stands.
    pub(crate) async fn connected(&mut self) {
        let pick = |event: &Event| matches!(event, Event::Connected { .. }).then_some(());
        self.expect("a session", pick).await;
    }

    /// The next text, and who wrote it.
    pub(crate) async fn text(&mut self) -> (UserId, String) {
        self.expect("a text", |event| match event {
            Event::Message { from, text, .. } => Some((*from, text.0.clone())),
            _ => None,
        })
        .await
    }
}

pub(crate) fn url(place: Place) -> ServerUrl {
    ServerUrl::parse(&place.origin()).unwrap()
}
