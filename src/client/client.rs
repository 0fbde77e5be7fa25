//! The client itself: opened or registered, then connected.

use std::path::PathBuf;
use std::sync::Arc;

use http::Method;

use super::api::Api;
use super::core::Core;
use super::device::Device;
use super::dial::Dialer;
use super::handle;
use super::login::Login;
use super::{Error, Inbox, Invite, ServerUrl, Vault};
use crate::base::{Clock, MessageId, Private, UserId};
use crate::e2ee::{Handle, ReceiptState, Says};
use crate::wire::body::{RegisterResponse, ServerInfo};
use crate::wire::{Code, binary};

/// An account on a server, as a program uses it. Cheap to clone.
///
/// Everything that it promises it keeps through crashes: what was sent is sent, what came is told,
/// and no key is used twice.
#[derive(Debug, Clone)]
pub struct Client {
    core: Arc<Core>,
}

/// What a client needs to know beyond its vault.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Certificates (PEM) to believe beside those of this machine's authorities.
    pub certificate: Option<PathBuf>,
    /// Where the server is found now, if it moved since the account was registered.
    pub server: Option<ServerUrl>,
    /// What time it is.
    pub clock: Clock,
}

/// What it takes to become a member.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Where.
    pub server: ServerUrl,
    /// Under which handle others find one; or its hash, 64 hexadecimal characters.
    pub handle: Private<String>,
    /// The code of an invite, or for recovery.
    pub code: Option<Private<String>>,
}

/// What became of a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It waits to be sent.
    Waiting,
    /// The server has it safe, or had: there is no word that it hasn't.
    Accepted,
    /// The server won't take it, ever.
    Refused(Code),
}

impl Registration {
    /// By a link of an invite.
    pub fn invited(invite: Invite, handle: &str) -> Self {
        Self {
            server: invite.server,
            handle: Private(handle.to_owned()),
            code: Some(invite.code),
        }
    }
}

impl Client {
    /// Registers an account and keeps it in `vault`.
    ///
    /// Keys are made and kept before the server hears of them. So this can be repeated, by another
    /// process as well, until the server has answered; only for another server or handle the vault
    /// must be another one.
    pub async fn register(
        vault: Vault,
        registration: Registration,
        settings: Settings,
    ) -> Result<Self, Error> {
        let Registration {
            server,
            handle,
            code,
        } = registration;
        let api = api(&server, &settings)?;
        let handle = hashed(&api, &handle).await?;
        let device = blocking(move || {
            let Some(mut device) = Device::open(vault.clone(), settings.clock.clone())? else {
                return Device::create(vault, settings.clock, server, handle);
            };
            let known = device.profile();
            if known.server != server || known.handle != handle {
                device.apply_for(server, handle)?;
            }
            Ok(device)
        });
        let mut device = device.await?;
        if device.profile().user.is_none() {
            let user = enrol(&mut device, &api, code).await?;
            device = blocking(move || device.registered(user).map(|()| device)).await?;
        }
        Ok(Self {
            core: Arc::new(Core::new(device, api)?),
        })
    }

    /// Opens the account in `vault`. Asks nothing of the network.
    pub async fn open(vault: Vault, settings: Settings) -> Result<Self, Error> {
        let clock = settings.clock.clone();
        let moved = settings.server.clone();
        let device = blocking(move || {
            let mut device = Device::open(vault, clock)?.ok_or(Error::NoAccount)?;
            if let Some(server) = moved {
                device.move_to(server)?;
            }
            Ok(device)
        });
        Self::of_device(device.await?, &settings)
    }

    pub(super) fn of_device(device: Device, settings: &Settings) -> Result<Self, Error> {
        let api = api(&device.profile().server, settings)?;
        Ok(Self {
            core: Arc::new(Core::new(device, api)?),
        })
    }

    /// Connects, and stays connected until the inbox is closed or dropped. One inbox at a time.
    ///
    /// Call it within a tokio runtime.
    pub fn connect(&self) -> Result<Inbox, Error> {
        Inbox::open(&self.core)
    }

    /// The account's id, by which others write to it.
    pub fn user(&self) -> UserId {
        self.core.account.user
    }

    /// Where the account is.
    pub fn server(&self) -> &ServerUrl {
        self.core.api.url()
    }

    /// Seals a text for somebody and stores it for sending. From then on it is sent as soon as there
    /// is a connection, until the server has it or won't ever take it.
    ///
    /// Asks the server for the recipient's keys where there is no session with them. Where their
    /// identity changed, nothing is sent before that is settled: `Error::Encryption` of
    /// [`Refusal::IdentityChanged`](crate::e2ee::Refusal::IdentityChanged).
    pub async fn send(&self, to: UserId, text: &str) -> Result<MessageId, Error> {
        self.send_as(MessageId::random(), to, text).await
    }

    /// The same under an id of the program's choice: one that doesn't know whether it sent something
    /// sends it again under the same id, and the recipient is told once.
    pub async fn send_as(&self, id: MessageId, to: UserId, text: &str) -> Result<MessageId, Error> {
        self.send_content(id, to, Says::Text(Private(text.to_owned())))
            .await
    }

    /// Tells somebody that their messages were read.
    pub async fn mark_read(&self, from: UserId, ids: &[MessageId]) -> Result<(), Error> {
        let says = Says::Receipt {
            ids: ids.to_vec(),
            state: ReceiptState::Read,
        };
        let id = MessageId::random();
        self.send_content(id, from, says).await.map(drop)
    }

    /// Waits until nothing waits to be sent any more. Without a connection it never is.
    pub async fn settled(&self) {
        let mut progress = self.core.progress();
        // The sender of it lives as long as this does.
        let _ = progress.wait_for(|progress| progress.outgoing == 0).await;
    }

    /// What became of a message, as far as it is known.
    pub async fn outcome(&self, id: MessageId) -> Result<Outcome, Error> {
        self.core.step(move |device| device.outcome(id)).await
    }

    /// Whether an event with a higher number than this is kept for the program.
    pub async fn has_events_after(&self, number: u64) -> Result<bool, Error> {
        let events = self.core.step(move |device| device.events_after(number, 1));
        Ok(!events.await?.is_empty())
    }

    /// How many messages wait to be sent.
    pub fn waiting_to_be_sent(&self) -> usize {
        self.core.progress().borrow().outgoing
    }

    async fn send_content(
        &self,
        id: MessageId,
        to: UserId,
        says: Says,
    ) -> Result<MessageId, Error> {
        if to == self.user() {
            return Err(Error::Oneself);
        }
        if !self
            .core
            .step(move |device| device.needs_bundle(to))
            .await?
        {
            return self
                .core
                .step(move |device| device.compose(to, id, says))
                .await;
        }
        let bundle = self.core.bundle_of(to).await?;
        self.core
            .step(move |device| device.compose_with(&bundle, id, says))
            .await
    }

    /// Begins a session with somebody where none stands.
    pub(super) async fn reach(&self, peer: UserId) -> Result<(), Error> {
        if self
            .core
            .step(move |device| device.needs_bundle(peer))
            .await?
        {
            let bundle = self.core.bundle_of(peer).await?;
            self.core.step(move |device| device.greet(&bundle)).await?;
        }
        Ok(())
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

fn api(server: &ServerUrl, settings: &Settings) -> Result<Api, Error> {
    let also = settings.certificate.as_deref();
    let dialer = Dialer::new(server.clone(), also).map_err(Error::Unreachable)?;
    Ok(Api::new(dialer))
}

/// Asks for the account that the device keeps.
async fn enrol(
    device: &mut Device,
    api: &Api,
    code: Option<Private<String>>,
) -> Result<UserId, Error> {
    let (_, nonce) = Login::of(device.profile()).challenge(api).await?;
    let mut request = device.registration(&nonce)?;
    request.invite_code = code;
    let path = "/api/v1/register";
    let answer: RegisterResponse = api.send(Method::POST, path, None, &request).await?;
    Ok(answer.user_id)
}

/// The hash of a handle: as it is where it is one, else of the name.
pub(super) async fn hashed(api: &Api, name: &str) -> Result<Handle, Error> {
    if let Ok(handle) = Handle::parse(name) {
        return Ok(handle);
    }
    let server: ServerInfo = api.get("/api/v1/server", None).await?;
    let salt = binary::decode(&server.handle_salt);
    let salt = salt.map_err(|_| Error::Foreign("another salt"))?;
    let name = Private(name.to_owned());
    blocking(move || handle::hash_of(&name, &salt)).await
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Broken)?
}
