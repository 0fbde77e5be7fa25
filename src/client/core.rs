//! What a client's parts share: the device, the way to the server, and the token for it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use tokio::sync::{Mutex, mpsc, watch};

use super::Error;
use super::api::Api;
use super::call::Calls;
use super::device::Device;
use super::login::{Login, Token};
use crate::base::UserId;
use crate::e2ee::{Account, Bundle};

/// How far things have come: changes with every step that matters to somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Messages that wait to be sent.
    pub(super) outgoing: usize,
    /// Events that wait for the program.
    pub(super) waiting: usize,
}

#[derive(Debug)]
pub(super) struct Core {
    device: Arc<Mutex<Device>>,
    pub(super) api: Api,
    pub(super) login: Login,
    pub(super) account: Account,
    token: Mutex<Option<Token>>,
    progress: watch::Sender<Progress>,
    pub(super) calls: Lock<Calls>,
    /// Where frames go while a session stands.
    frames: Lock<Option<mpsc::Sender<String>>>,
    pub(super) is_connected: AtomicBool,
}

impl Core {
    /// Of a device whose account is registered.
    pub(super) fn new(device: Device, api: Api) -> Result<Self, Error> {
        let progress = watch::Sender::new(device.progress());
        Ok(Self {
            login: Login::of(device.profile()),
            account: device.account()?,
            api,
            token: Mutex::default(),
            progress,
            device: Arc::new(Mutex::new(device)),
            calls: Lock::default(),
            frames: Lock::default(),
            is_connected: AtomicBool::new(false),
        })
    }

    /// Takes a step where it may block. Once begun it goes on to its end, whoever stops waiting
    /// for it, and the next step waits until then: no step ever sees half of another.
    pub(super) async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Device) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let mut device = Arc::clone(&self.device).lock_owned().await;
        let progress = self.progress.clone();
        tokio::task::spawn_blocking(move || {
            let outcome = step(&mut device);
            let now = device.progress();
            progress.send_if_modified(|before| std::mem::replace(before, now) != now);
            outcome
        })
        .await
        .map_err(|_| Error::Broken)?
    }

    /// Hears of every step.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// A token that is good for a while.
    pub(super) async fn token(&self) -> Result<Token, Error> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.is_good()) {
            return Ok(token.clone());
        }
        let token = self.login.token(&self.api).await?;
        if token.user != self.account.user {
            return Err(Error::Foreign("a token of another account"));
        }
        Ok(kept.insert(token).clone())
    }

    /// The server doesn't take the token any more.
    pub(super) async fn forget_token(&self) {
        *self.token.lock().await = None;
    }

    /// Does `ask` with a token, and once more with a fresh one where the server is tired of it.
    pub(super) async fn with_token<T, F>(&self, ask: impl Fn(Token) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        use crate::wire::Code;
        match ask(self.token().await?).await {
            Err(Error::Refused {
                code: Code::TokenExpired | Code::Unauthorized,
                ..
            }) => {
                self.forget_token().await;
                ask(self.token().await?).await
            }
            outcome => outcome,
        }
    }

    /// Somebody's bundle, which must be theirs.
    pub(super) async fn bundle_of(&self, user: UserId) -> Result<Bundle, Error> {
        let bundle = self.bundle(user.to_string()).await?;
        if bundle.user() == user {
            Ok(bundle)
        } else {
            Err(Error::Foreign("a bundle of somebody else"))
        }
    }

    /// The bundle of a user id or a handle.
    pub(super) async fn bundle(&self, whom: String) -> Result<Bundle, Error> {
        let whom = &whom;
        self.with_token(|token| async move { self.api.bundle(&token.text, whom).await })
            .await
    }

    /// Where the frames of a session are to go from now on.
    pub(super) fn set_frames(&self, frames: Option<mpsc::Sender<String>>) {
        *self.frames.lock().unwrap_or_else(PoisonError::into_inner) = frames;
    }

    /// Says something in the session that stands. Nothing waits for one: a call is now or never.
    pub(super) async fn say(&self, frame: String) -> Result<(), Error> {
        let frames = self
            .frames
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let frames = frames.ok_or(Error::NotConnected)?;
        frames.send(frame).await.map_err(|_| Error::NotConnected)
    }
}
