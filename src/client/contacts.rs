//! Other people: finding them, what they may, and who they prove to be.

use http::Method;
use serde::Serialize;

use super::client::hashed;
use super::{Client, Error};
use crate::base::{Private, UserId};
use crate::e2ee::SafetyNumber;
use crate::wire::body::{self, ContactRequest, ContactState, ContactsResponse};

/// Somebody that this account knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Who.
    #[serde(rename = "user_id")]
    pub user: UserId,
    /// What we call them: known to this device only.
    pub name: Option<Private<String>>,
    /// Whether they may call, or are blocked; none: neither.
    pub state: Option<ContactState>,
    /// How far their identity is trusted.
    #[serde(rename = "identity")]
    pub trust: Trust,
}

/// How far somebody's identity is trusted (E2EE.md §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// No key of theirs was seen yet.
    Unknown,
    /// Since it was first used.
    Unverified,
    /// The safety number was compared.
    Verified,
    /// Another key turned up. Nothing is sent before that is settled.
    Changed,
}

impl Client {
    /// Finds somebody by the handle under which they registered, and begins a session with them. On
    /// this device they are called by it from now on.
    pub async fn find(&self, handle: &str) -> Result<UserId, Error> {
        let core = self.core();
        let name = handle.trim().to_owned();
        let known = core.step(move |device| device.named(&name)).await?;
        if let Some(user) = known {
            return Ok(user);
        }
        let hash = hashed(&core.api, handle).await?;
        let bundle = core.bundle(hash.as_str().to_owned()).await?;
        let (user, name) = (bundle.user(), handle.trim().to_owned());
        core.step(move |device| {
            device.greet(&bundle)?;
            device.call_them(user, &name)
        })
        .await?;
        Ok(user)
    }

    /// Calls somebody by this name, on this device.
    pub async fn call_them(&self, user: UserId, name: &str) -> Result<(), Error> {
        let name = name.trim().to_owned();
        self.core()
            .step(move |device| device.call_them(user, &name))
            .await
    }

    /// What somebody is called on this device.
    pub async fn name_of(&self, user: UserId) -> Result<Option<Private<String>>, Error> {
        let contact = self.core().step(move |device| device.contact(user));
        Ok(contact.await?.name)
    }

    /// Everybody that this account knows. Asks the server whom it allowed and blocked.
    pub async fn contacts(&self) -> Result<Vec<Contact>, Error> {
        let core = self.core();
        let ask = |token: super::login::Token| async move {
            let path = "/api/v1/contacts";
            core.api.get(path, Some(&token.text)).await
        };
        let ContactsResponse { contacts } = core.with_token(ask).await?;
        core.step(move |device| {
            for user in device.known()? {
                let listed = contacts.iter().find(|contact| contact.user_id == user);
                device.note_state(user, listed.map(|contact| contact.state))?;
            }
            for contact in &contacts {
                device.note_state(contact.user_id, Some(contact.state))?;
            }
            let known = device.known()?.into_iter().map(|user| {
                let contact = device.contact(user)?;
                Ok(Contact {
                    user,
                    name: contact.name,
                    state: contact.state,
                    trust: device.trust(user)?,
                })
            });
            known.collect()
        })
        .await
    }

    /// Somebody may call, fill the queue, and hear whether their messages arrive.
    pub async fn allow(&self, user: UserId) -> Result<(), Error> {
        self.set_state(user, ContactState::Allowed).await
    }

    /// Nothing is heard of somebody any more, and they can't tell.
    pub async fn block(&self, user: UserId) -> Result<(), Error> {
        self.set_state(user, ContactState::Blocked).await
    }

    /// Somebody is neither allowed nor blocked any more.
    pub async fn forget_state(&self, user: UserId) -> Result<(), Error> {
        let core = self.core();
        let path = &format!("/api/v1/contacts/{user}");
        core.with_token(|token| async move { core.api.delete(path, &token.text).await })
            .await?;
        core.step(move |device| device.note_state(user, None)).await
    }

    async fn set_state(&self, user: UserId, state: ContactState) -> Result<(), Error> {
        let core = self.core();
        let path = &format!("/api/v1/contacts/{user}");
        let request = &ContactRequest { state };
        let _: body::Contact = core
            .with_token(|token| async move {
                let token = Some(token.text.as_str());
                core.api.send(Method::PUT, path, token, request).await
            })
            .await?;
        core.step(move |device| device.note_state(user, Some(state)))
            .await
    }

    /// How far somebody's identity is trusted.
    pub async fn trust(&self, user: UserId) -> Result<Trust, Error> {
        self.core().step(move |device| device.trust(user)).await
    }

    /// The number that both sides compare, over another way, to know that nobody stands between
    /// them. Asks the server for their keys where none is known.
    pub async fn safety_number(&self, user: UserId) -> Result<SafetyNumber, Error> {
        let core = self.core();
        if self.trust(user).await? == Trust::Unknown {
            self.reach(user).await?;
        }
        let number = core.step(move |device| device.safety_number(user)).await?;
        Ok(number.0)
    }

    /// The user compared the safety number, and it was the same. `compared` is what was shown: a key
    /// that changed since then isn't marked.
    pub async fn verify(&self, user: UserId, compared: &SafetyNumber) -> Result<(), Error> {
        let compared = compared.clone();
        self.core()
            .step(move |device| {
                let (number, key) = device.safety_number(user)?;
                if number != compared {
                    return Err(crate::e2ee::Refusal::OtherSafetyNumber.into());
                }
                device.decide(user, |peer| Ok(peer.verify(&key)?))
            })
            .await
    }

    /// The user scanned the code that the other side shows.
    pub async fn verify_scanned(&self, user: UserId, code: &str) -> Result<(), Error> {
        let number = self.safety_number(user).await?;
        number.check_qr_code(code)?;
        self.verify(user, &number).await
    }

    /// The user takes somebody's new key as it is. Refused where the old one had been verified: then
    /// it is [`verify`](Self::verify) or [`unverify`](Self::unverify).
    pub async fn accept_identity(&self, user: UserId) -> Result<(), Error> {
        self.decide(user, |peer| Ok(peer.confirm()?)).await
    }

    /// The user keeps to somebody's old key.
    pub async fn keep_identity(&self, user: UserId) -> Result<(), Error> {
        self.decide(user, |peer| {
            peer.keep_old();
            Ok(())
        })
        .await
    }

    /// The user takes the "verified" mark away, and with it a new key as it is.
    pub async fn unverify(&self, user: UserId) -> Result<(), Error> {
        self.decide(user, |peer| {
            peer.unmark();
            Ok(())
        })
        .await
    }

    async fn decide(
        &self,
        user: UserId,
        decision: impl FnOnce(&mut crate::e2ee::Peer) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.core()
            .step(move |device| device.decide(user, decision))
            .await
    }
}
