//! The first frame of a socket that authenticates by frame, and what its session is greeted with.

use std::borrow::Cow;
use std::time::Duration;

use super::Dialect;
use super::mvchat;
use crate::messenger::{Error, Session, Welcome};
use crate::wire::frame::ClientFrame;
use crate::wire::mvchat::MvchatFrame;
use crate::wire::reply::Reply;

/// The first frame of a socket that hasn't authenticated.
#[derive(Debug)]
pub(in crate::ws) struct FirstWord<'a> {
    /// The bearer token.
    pub(in crate::ws) token: Cow<'a, str>,
    greeting: Greeting,
}

/// How a session is greeted.
#[derive(Debug)]
pub(in crate::ws) enum Greeting {
    /// By `ready` alone.
    Ready,
    /// By the answer to its `hi`, then by `ready`.
    Hi {
        /// The `id` of the `hi`.
        id: Option<String>,
    },
}

impl<'a> FirstWord<'a> {
    /// Reads `auth` of either dialect or `hi` with a token; nothing else may come first.
    pub(in crate::ws) fn parse(text: &'a str) -> Option<Self> {
        match MvchatFrame::parse(text).ok()? {
            MvchatFrame::Plain(ClientFrame::Auth { token }) => Some(Self {
                token,
                greeting: Greeting::Ready,
            }),
            MvchatFrame::Hi { id, token } => Some(Self {
                token: token?,
                greeting: Greeting::Hi {
                    id: id.map(Cow::into_owned),
                },
            }),
            _ => None,
        }
    }

    /// How its session is to be greeted.
    pub(in crate::ws) fn into_greeting(self) -> Greeting {
        self.greeting
    }

    /// What is said about a token that isn't good, in front of the close frame.
    pub(in crate::ws) fn refusal(&self, error: &Error) -> Option<String> {
        match &self.greeting {
            Greeting::Ready => None,
            Greeting::Hi { id } => Some(mvchat::refused(id.as_deref(), error)),
        }
    }
}

impl Greeting {
    /// What the client speaks, as far as this shows it.
    pub(in crate::ws) const fn dialect(&self) -> Option<Dialect> {
        match self {
            Self::Ready => None,
            Self::Hi { .. } => Some(Dialect::MvchatV1),
        }
    }

    /// The first frames of a session.
    pub(in crate::ws) fn frames(
        &self,
        session: &Session,
        welcome: &Welcome,
        heartbeat: Duration,
    ) -> Vec<String> {
        let hi = match self {
            Self::Ready => None,
            Self::Hi { id } => Some(mvchat::hi(session, id.as_deref())),
        };
        hi.into_iter().chain([ready(welcome, heartbeat)]).collect()
    }
}

fn ready(welcome: &Welcome, heartbeat: Duration) -> String {
    let ready = Reply::Ready {
        user_id: welcome.user,
        pending: welcome.pending,
        heartbeat_interval: heartbeat.as_secs(),
        one_time_prekeys_remaining: welcome.one_time_prekeys,
        server_time: welcome.server_time,
        epoch: welcome.epoch,
    };
    ready.encode()
}
