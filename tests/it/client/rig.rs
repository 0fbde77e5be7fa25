//! Somebody who uses the SDK.

use privcomm::base::{MessageId, UserId};
use privcomm::client::{Client, Event, Inbox, Registration, ServerUrl, Settings, Vault};
use privcomm::wire::people::InviteRequest;

use crate::rig::{Appliance, Place, hex, soon};

/// A client with its vault, so that it can be started again.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) vault: Vault,
    pub(crate) client: Client,
    /// As it was registered; unknown where the member was opened.
    handle: String,
}

impl Member {
    /// Somebody new, whose records are in memory.
    pub(crate) async fn join(place: Place) -> Self {
        Self::join_in(Vault::in_memory(), place).await
    }

    pub(crate) async fn join_in(vault: Vault, place: Place) -> Self {
        let handle = hex(&privcomm::base::random::draw::<32>());
        Self::register(vault, place, &handle, None).await
    }

    async fn register(vault: Vault, place: Place, handle: &str, code: Option<&str>) -> Self {
        let registration = Registration {
            server: url(place),
            handle: handle.to_owned().into(),
            code: code.map(|code| code.to_owned().into()),
        };
        let client = Client::register(vault.clone(), registration, Settings::default());
        Self {
            client: client.await.unwrap(),
            handle: handle.to_owned(),
            vault,
        }
    }

    /// Whoever is kept in a vault.
    pub(crate) async fn open(vault: Vault) -> Self {
        let client = Client::open(vault.clone(), Settings::default());
        Self {
            client: client.await.unwrap(),
            handle: String::new(),
            vault,
        }
    }

    /// The same member in a new process.
    pub(crate) async fn restart(self) -> Self {
        let Self { vault, client, .. } = self;
        drop(client);
        Self::open(vault).await
    }

    /// The same handle on a new device, with a recovery code.
    pub(crate) async fn start_again(&self, place: Place, code: &str) -> Self {
        Self::register(Vault::in_memory(), place, &self.handle, Some(code)).await
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

    /// Waits until the session broke.
    pub(crate) async fn disconnected(&mut self) {
        let pick = |event: &Event| matches!(event, Event::Disconnected).then_some(());
        self.expect("the end of a session", pick).await;
    }

    /// The next receipt: for which messages, and what it says of them.
    pub(crate) async fn receipt(&mut self) -> (Vec<MessageId>, String) {
        self.expect("a receipt", |event| match event {
            Event::Receipt { ids, state, .. } => Some((ids.clone(), format!("{state:?}"))),
            _ => None,
        })
        .await
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

impl Appliance {
    /// The code of a new invite.
    pub(crate) async fn invite(&self) -> String {
        self.code(InviteRequest::default()).await
    }

    /// A code with which a member may start again.
    pub(crate) async fn recovery(&self, member: &Member) -> String {
        let recover = Some(member.user().to_string().into());
        self.code(InviteRequest {
            recover,
            ..InviteRequest::default()
        })
        .await
    }

    async fn code(&self, request: InviteRequest) -> String {
        let operator = self.messenger().operator();
        operator.create_invite(request).await.unwrap().code.0
    }
}
