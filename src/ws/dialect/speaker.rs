//! A session and what it speaks: the subprotocol says so, else the first frame does.

use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{Dialect, mvchat, privcomm as plain};
use crate::messenger::{Event, Session};
use crate::wire::json::{Envelope, outline};

/// Speaks for a session in its dialect.
#[derive(Debug)]
pub(in crate::ws) struct Speaker {
    session: Session,
    /// None until the client has said something that shows it; told in `privcomm.v1` until then.
    dialect: Option<Dialect>,
}

impl Speaker {
    /// For a session whose dialect is known, or will show.
    pub(in crate::ws) const fn new(session: Session, dialect: Option<Dialect>) -> Self {
        Self { session, dialect }
    }

    /// The session.
    pub(in crate::ws) const fn session(&self) -> &Session {
        &self.session
    }

    /// Does what a frame asks for. Adds the frame to answer with at once, if there is one.
    pub(in crate::ws) async fn hear(&mut self, text: &Utf8Bytes, answers: &mut Vec<Message>) {
        let dialect = *self.dialect.get_or_insert_with(|| dialect_of(text));
        let answer = match dialect {
            Dialect::PrivcommV1 => plain::hear(&self.session, text).await,
            Dialect::MvchatV1 => mvchat::hear(&self.session, text).await,
        };
        answers.extend(answer.map(Message::text));
    }

    /// Adds the frames that tell of an event.
    pub(in crate::ws) async fn tell(&self, event: Event, frames: &mut Vec<Message>) {
        match (self.dialect, event) {
            (Some(Dialect::MvchatV1), Event::Call { call, peer, event }) => {
                let told = Box::pin(mvchat::call_event(&self.session, call, peer, &event)).await;
                frames.extend(told.into_iter().map(Message::text));
            }
            (_, Event::Presence { about, online }) => {
                frames.extend(plain::presence(&about, online).map(Message::text));
            }
            // Everything but calls is told in the words of §5 in both.
            (_, event) => frames.extend(plain::tell(event).map(Message::text)),
        }
    }
}

/// What a client speaks whose first frame this is.
fn dialect_of(text: &str) -> Dialect {
    match outline(text).map(|outline| outline.envelope) {
        Ok(Some(Envelope::Hi | Envelope::Call)) => Dialect::MvchatV1,
        _ => Dialect::PrivcommV1,
    }
}
