//! Somebody to write with: the pin, one active session and the archived ones (E2EE.md §8, §9.1).
//!
//! Everything here is worked out in memory. §8.4 is the caller's to keep: what changed is stored
//! *together with* what is to be sent or shown, in one transaction, and only then does a message
//! leave or an acknowledgement go out. A retry sends the same bytes again; it never seals again.

use std::collections::VecDeque;
use std::time::Duration;

use zeroize::Zeroizing;

use super::message::{Kind, Message};
use super::{
    Account, AgreementKey, Bundle, Draw, Envelope, IdentityKey, Meeting, Pin, Prekeys, Refusal,
    RegistrationId, Session, x3dh,
};
use crate::base::{Timestamp, UserId};

/// How many sessions are kept beside the active one.
pub(super) const MAX_ARCHIVED: usize = 4;
/// How long after beginning anew it isn't done again.
const BETWEEN_RESETS: Duration = Duration::from_hours(1);
/// The only device there is in this version.
const DEVICE: u32 = 1;

/// What a client keeps of somebody: store it by [`Peer::to_record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub(super) user: UserId,
    pub(super) pin: Option<Pin>,
    pub(super) active: Option<Session>,
    /// The newest first.
    pub(super) archived: VecDeque<Session>,
    pub(super) last_reset: Option<Timestamp>,
    /// The peer's one-time prekey that a session was begun with here last.
    pub(super) spent: Option<AgreementKey>,
}

/// A message that opened.
#[derive(Debug)]
pub struct Opened {
    /// What was sealed: [`super::Content::parse`] reads it.
    pub message: Zeroizing<Vec<u8>>,
    /// What the sender's identity means; anything but `Same` is for the user to see.
    pub identity: Meeting,
    /// Whether it began a session, so that the prekeys changed too and are to be stored.
    pub session: SessionUse,
}

/// In which session a message opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionUse {
    /// One that was there.
    Standing,
    /// One that it began: a one-time prekey is spent, a base key remembered.
    Begun,
}

impl Peer {
    /// Somebody of whom nothing is known.
    pub const fn new(user: UserId) -> Self {
        Self {
            user,
            pin: None,
            active: None,
            archived: VecDeque::new(),
            last_reset: None,
            spent: None,
        }
    }

    /// Who it is.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// What is known of their identity.
    pub const fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// Shows the identity key of a bundle to the pin. A key that changed holds back sending and
    /// archives the sessions; tell the user.
    pub fn meet(&mut self, key: &IdentityKey) -> Meeting {
        let meeting = match &mut self.pin {
            None => {
                self.pin = Some(Pin::new(*key));
                Meeting::First
            }
            Some(pin) => pin.meet(key),
        };
        if meeting == Meeting::Changed {
            self.archive();
        }
        meeting
    }

    /// The user takes the peer's new key as it is. Refused where the old one had been verified:
    /// then it is [`Self::verify`] or [`Self::unmark`].
    pub fn confirm(&mut self) -> Result<(), Refusal> {
        self.pin.as_mut().map_or(Ok(()), Pin::confirm)
    }

    /// The user compared the safety number made with `key`. Refused when that isn't the present key.
    pub fn verify(&mut self, key: &IdentityKey) -> Result<(), Refusal> {
        let pin = self.pin.as_mut().ok_or(Refusal::OtherIdentity)?;
        pin.verify(key)
    }

    /// The user takes the "verified" mark away; a changed key is taken as it is.
    pub fn unmark(&mut self) {
        if let Some(pin) = &mut self.pin {
            pin.unmark();
        }
    }

    /// The user keeps to the old key: sessions with it serve again.
    pub fn keep_old(&mut self) {
        if let Some(pin) = &mut self.pin
            && pin.is_changed()
        {
            pin.keep_old();
            self.archive();
            let usable = self
                .archived
                .iter()
                .position(|session| self.is_present(session));
            self.active = usable.and_then(|place| self.archived.remove(place));
        }
    }

    /// Whether a bundle must be fetched before anything can be sent (§8.2): there is no session, or
    /// it waited 30 days for an answer, or its chain is at its end.
    pub fn needs_bundle(&self, now: Timestamp) -> bool {
        self.sendable(now).is_none()
    }

    /// Begins a session with the bundle's owner, archiving the active one (§4.2).
    ///
    /// Show its key to [`Self::meet`] first: a bundle of another identity than the present one is
    /// refused, and so is sending while a change isn't settled.
    ///
    /// A one-time prekey that comes a second time is left out: a server hands it out again to who
    /// asks again soon, and the peer may have deleted it meanwhile.
    pub fn begin(
        &mut self,
        own: &Account,
        bundle: &Bundle,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let pin = self.settled_pin()?;
        if bundle.user() != self.user || pin.present() != bundle.identity() {
            return Err(Refusal::OtherIdentity);
        }
        let bundle = bundle.without(self.spent);
        let session = Session::initiate(own, &bundle, draw, now)?;
        if let Some((_, one_time)) = bundle.one_time() {
            self.spent = Some(*one_time);
        }
        self.activate(session);
        Ok(())
    }

    /// Seals a message for the peer. Store this peer and the envelope together, then send.
    pub fn seal(
        &mut self,
        registration: RegistrationId,
        message: &[u8],
        now: Timestamp,
    ) -> Result<Envelope, Refusal> {
        self.settled_pin()?;
        self.sendable(now).ok_or(Refusal::NoSession)?;
        let session = self.active.as_mut().ok_or(Refusal::NoSession)?;
        let (kind, body) = session.seal(message)?;
        Ok(Envelope {
            kind,
            registration,
            device: DEVICE,
            body,
        })
    }

    /// Opens a message from the peer (§8.3). What opened it is the active session afterwards.
    ///
    /// A refusal leaves everything as it was; [`Refusal::consequence`] says what becomes of the
    /// message. Where it began a session, `prekeys` changed too.
    pub fn open(
        &mut self,
        own: &Account,
        prekeys: &mut Prekeys,
        envelope: &Envelope,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Opened, Refusal> {
        let message = Message::parse(envelope.kind, &envelope.body)?;
        match envelope.kind {
            Kind::First => self.open_first(own, prekeys, &message, draw, now),
            Kind::Ratchet => self.open_standing(&message, draw, now),
        }
    }

    /// Whether, after a message that couldn't be opened, a session may be begun anew and
    /// [`super::Says::Reset`] be sent in it (§8.5): at most once an hour.
    pub fn may_reset(&self, now: Timestamp) -> bool {
        let waited = |last: Timestamp| now.since(last) >= BETWEEN_RESETS;
        self.last_reset.is_none_or(waited)
    }

    /// Begins anew after a message that couldn't be opened: as [`Self::begin`], and remembers when.
    pub fn reset(
        &mut self,
        own: &Account,
        bundle: &Bundle,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.begin(own, bundle, draw, now)?;
        self.last_reset = Some(now);
        Ok(())
    }

    /// The session that messages are sealed in, if there is one.
    pub const fn active(&self) -> Option<&Session> {
        self.active.as_ref()
    }

    /// The sessions beside it, the newest first: at most four.
    pub fn archived(&self) -> impl Iterator<Item = &Session> {
        self.archived.iter()
    }

    fn open_first(
        &mut self,
        own: &Account,
        prekeys: &mut Prekeys,
        message: &Message<'_>,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Opened, Refusal> {
        let prefix = message.prefix.as_ref().ok_or(Refusal::NoSession)?;
        let base_key = prefix.ephemeral();
        if self.sessions().any(|session| session.answers(&base_key)) {
            return self.open_in(|session| session.answers(&base_key), message, draw, now);
        }
        if prekeys.is_replay(&base_key) {
            return Err(Refusal::Replayed);
        }
        let fields = prefix.fields()?;
        if fields.one_time.is_none() && !prekeys.can_remember(fields.signed) {
            return Err(Refusal::UnknownPrekey);
        }
        let signed = prekeys.find_signed(fields.signed)?;
        let one_time = fields.one_time.map(|id| prekeys.find_one_time(id));
        let one_time = one_time.transpose()?;
        let them = (&fields.identity, self.user);
        let agreed = x3dh::respond(own, them, &base_key, signed, one_time)?;
        let pair = signed.pair();
        let (session, message) = Session::accept(agreed, base_key, pair, message, draw, now)?;
        prekeys.spend(fields.signed, fields.one_time, &base_key);
        let identity = self.meet(&fields.identity);
        self.activate(session);
        Ok(Opened {
            message,
            identity,
            session: SessionUse::Begun,
        })
    }

    fn open_standing(
        &mut self,
        message: &Message<'_>,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Opened, Refusal> {
        self.open_in(|_| true, message, draw, now)
    }

    /// Tries each session with the present identity that `fits`, the active one first.
    fn open_in(
        &mut self,
        fits: impl Fn(&Session) -> bool,
        message: &Message<'_>,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Opened, Refusal> {
        let present = self.pin.map(|pin| *pin.present());
        let usable = |session: &Session| {
            fits(session) && present.as_ref().is_some_and(|key| session.is_with(key))
        };
        let mut refusal = None;
        let sessions = self.active.iter_mut().chain(&mut self.archived);
        for (place, session) in sessions.enumerate() {
            if !usable(session) {
                continue;
            }
            match session.open(message, draw, now) {
                Ok(message) => {
                    let active_sessions = usize::from(self.active.is_some());
                    if place >= active_sessions
                        && let Some(session) = self.archived.remove(place - active_sessions)
                    {
                        self.activate(session);
                    }
                    return Ok(Opened {
                        message,
                        identity: Meeting::Same,
                        session: SessionUse::Standing,
                    });
                }
                // That one session opened it before says more than that others can't.
                Err(Refusal::Duplicate) => refusal = Some(Refusal::Duplicate),
                Err(other) => refusal = refusal.or(Some(other)),
            }
        }
        Err(refusal.unwrap_or(Refusal::NoSession))
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.active.iter().chain(&self.archived)
    }

    fn is_present(&self, session: &Session) -> bool {
        let present = self.pin.as_ref().map(Pin::present);
        present.is_some_and(|key| session.is_with(key))
    }

    fn sendable(&self, now: Timestamp) -> Option<&Session> {
        let active = self.active.as_ref()?;
        (self.is_present(active) && active.may_send(now)).then_some(active)
    }

    /// The pin, if the user owes no decision.
    fn settled_pin(&self) -> Result<&Pin, Refusal> {
        match &self.pin {
            Some(pin) if pin.is_changed() => Err(Refusal::IdentityChanged),
            Some(pin) => Ok(pin),
            None => Err(Refusal::OtherIdentity),
        }
    }

    fn activate(&mut self, session: Session) {
        self.archive();
        self.active = Some(session);
    }

    fn archive(&mut self) {
        if let Some(session) = self.active.take() {
            self.archived.push_front(session);
            self.archived.truncate(MAX_ARCHIVED);
        }
    }
}
