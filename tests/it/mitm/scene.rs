//! Anna and Ben, who use the SDK, and the attacker between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use privcomm::base::UserId;
use privcomm::client::Event;
use privcomm::e2ee::Envelope;
use serde_json::{Value, json};

use super::wire::{Direction, Passing, Wire};
use crate::client::rig::{Listener, Member};

/// Two members, connected through the attacker.
pub(super) struct Scene {
    pub(super) wire: Wire,
    pub(super) anna: Member,
    pub(super) ben: Member,
    pub(super) annas: Listener,
    pub(super) bens: Listener,
}

/// What stands in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Text(UserId, String),
    Unreadable(UserId),
    IdentityChanged(UserId),
}

impl Scene {
    /// Anna and Ben, who never wrote to each other.
    pub(super) async fn of_strangers() -> Self {
        let wire = Wire::start().await;
        let (anna, ben) = (
            Member::join(wire.place()).await,
            Member::join(wire.place()).await,
        );
        let (mut annas, mut bens) = (anna.connect(), ben.connect());
        annas.connected().await;
        bens.connected().await;
        Self {
            wire,
            anna,
            ben,
            annas,
            bens,
        }
    }

    /// Anna and Ben after a message each way.
    pub(super) async fn of_friends() -> Self {
        let mut scene = Self::of_strangers().await;
        scene.they_write_to_each_other().await;
        scene
    }

    /// A message each way arrives, and before it what is expected and nothing else.
    pub(super) async fn they_write_to_each_other(&mut self) {
        let (anna, ben) = (self.anna.user(), self.ben.user());
        self.anna.client.send(ben, "to Ben").await.unwrap();
        let lines = lines_until(&mut self.bens, "to Ben").await;
        assert_eq!(lines, [Line::Text(anna, "to Ben".to_owned())]);
        self.ben.client.send(anna, "to Anna").await.unwrap();
        let lines = lines_until(&mut self.annas, "to Anna").await;
        assert_eq!(lines, [Line::Text(ben, "to Anna".to_owned())]);
    }

    /// Everything in Ben's conversations up to this text of Anna's, which she writes now.
    pub(super) async fn anna_writes(&mut self, text: &str) -> Vec<Line> {
        let ben = self.ben.user();
        self.anna.client.send(ben, text).await.unwrap();
        lines_until(&mut self.bens, text).await
    }

    /// Everything in Anna's conversations up to this text of Ben's, which he writes now.
    pub(super) async fn ben_writes(&mut self, text: &str) -> Vec<Line> {
        let anna = self.anna.user();
        self.ben.client.send(anna, text).await.unwrap();
        lines_until(&mut self.annas, text).await
    }

    /// From now on messages to Ben go through `scheme`.
    pub(super) fn tamper_with_bens(
        &self,
        mut scheme: impl FnMut(Value) -> Vec<Value> + Send + 'static,
    ) {
        let victim = self.ben.user().to_string();
        self.wire.tamper(move |passing, frame| {
            if is_message_to(passing, &frame, &victim) {
                scheme(frame)
            } else {
                vec![frame]
            }
        });
    }
}

/// What stands in somebody's conversations, up to this text.
pub(super) async fn lines_until(listener: &mut Listener, text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    loop {
        let line = listener.expect(text, line).await;
        let is_last = matches!(&line, Line::Text(_, said) if said == text);
        lines.push(line);
        if is_last {
            return lines;
        }
    }
}

/// The next line of somebody's conversations.
pub(super) async fn next_line(listener: &mut Listener) -> Line {
    listener.expect("a line", line).await
}

fn line(event: &Event) -> Option<Line> {
    match event {
        Event::Message { from, text, .. } => Some(Line::Text(*from, text.0.clone())),
        Event::Unreadable { from, .. } => Some(Line::Unreadable(*from)),
        Event::IdentityChanged { peer } => Some(Line::IdentityChanged(*peer)),
        _ => None,
    }
}

/// Whether a frame is a message on its way to this user.
pub(super) fn is_message_to(passing: &Passing, frame: &Value, user: &str) -> bool {
    let goes_there = passing.direction == Direction::Down && passing.user == user;
    goes_there && frame["type"] == "encrypted_message"
}

/// The envelope in a frame.
pub(super) fn envelope_of(frame: &Value) -> Envelope {
    Envelope::from_payload(frame["payload"].as_str().unwrap()).unwrap()
}

/// The frame with another envelope in it.
pub(super) fn with_envelope(mut frame: Value, envelope: &Envelope) -> Value {
    frame["payload"] = json!(envelope.to_payload());
    frame
}

/// Something that happens the first time only.
#[derive(Debug, Clone, Default)]
pub(super) struct Once(Arc<AtomicBool>);

impl Once {
    /// Whether this is the first time.
    pub(super) fn is_now(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }
}
