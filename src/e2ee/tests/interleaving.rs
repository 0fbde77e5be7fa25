//! Two clients and a server between them, in any order of events: sends, losses, reorderings,
//! duplicates, forgeries, and restarts at every point of E2EE.md §8.4.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::super::key_log::{self, Used};
use super::super::{
    Account, Consequence, Draw, Envelope, Peer, PrekeyId, Prekeys, Refusal, RegistrationId, Seen,
};
use super::rig::{Draws, NOW, Person};
use crate::base::{MessageId, Timestamp};

/// Where a client is killed, in what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    Never,
    BeforeCommit,
    /// Stored, but neither sent nor acknowledged.
    AfterCommit,
}

/// What can happen. Places are taken modulo how many messages there are.
#[derive(Debug, Clone, Copy)]
enum Event {
    Send(bool, Crash),
    Deliver(bool, usize, Crash),
    /// The server loses one.
    Lose(bool, usize),
    /// The server delivers one again, under an id of its own.
    Replay(bool, usize),
    /// One arrives with a bit flipped, and is acknowledged.
    Forge(bool, usize, usize),
    Wait(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let crash = prop_oneof![
        4 => Just(Crash::Never),
        1 => Just(Crash::BeforeCommit),
        1 => Just(Crash::AfterCommit),
    ];
    let event = prop_oneof![
        8 => (any::<bool>(), crash.clone()).prop_map(|(who, crash)| Event::Send(who, crash)),
        8 => (any::<bool>(), any::<usize>(), crash)
            .prop_map(|(who, place, crash)| Event::Deliver(who, place, crash)),
        1 => (any::<bool>(), any::<usize>()).prop_map(|(who, place)| Event::Lose(who, place)),
        1 => (any::<bool>(), any::<usize>()).prop_map(|(who, place)| Event::Replay(who, place)),
        1 => (any::<bool>(), any::<usize>(), any::<usize>())
            .prop_map(|(who, place, bit)| Event::Forge(who, place, bit)),
        1 => any::<u8>().prop_map(Event::Wait),
    ];
    proptest::collection::vec(event, 1..60)
}

/// What the recipient's conversation shows of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Text(Vec<u8>),
    Placeholder,
}

/// A message as the server has it.
#[derive(Debug, Clone)]
struct Sent {
    id: MessageId,
    payload: String,
}

/// What a client keeps on its disk.
#[derive(Debug, Clone)]
struct Disk {
    peer: Vec<u8>,
    prekeys: Vec<u8>,
    seen: Vec<u8>,
    /// Sealed, and not yet taken by the server.
    outbox: Vec<Sent>,
    shown: BTreeMap<MessageId, Shown>,
}

#[derive(Debug)]
struct Client {
    account: Account,
    peer: Peer,
    prekeys: Prekeys,
    seen: Seen,
    disk: Disk,
    /// The operating system's: goes on after a restart.
    draws: Draws,
    /// What the server holds for this client, and what it ever held.
    queue: Vec<Sent>,
    held: Vec<Sent>,
    sealed: BTreeSet<Used>,
    opened: BTreeSet<Used>,
}

impl Client {
    fn new(whose: u8, with: u8) -> Self {
        let mut person = Person::new(whose, with);
        // Few, so that some sessions begin without one.
        let surplus: Vec<PrekeyId> = person.prekeys.one_time.keys().skip(2).copied().collect();
        person.prekeys.forget(&surplus);
        let disk = Disk {
            peer: person.peer.to_record().to_vec(),
            prekeys: person.prekeys.to_record().to_vec(),
            seen: Seen::default().to_record().to_vec(),
            outbox: Vec::new(),
            shown: BTreeMap::new(),
        };
        Self {
            account: person.account,
            peer: person.peer,
            prekeys: person.prekeys,
            seen: Seen::default(),
            disk,
            draws: person.draws,
            queue: Vec::new(),
            held: Vec::new(),
            sealed: BTreeSet::new(),
            opened: BTreeSet::new(),
        }
    }

    /// One transaction. Keys count as used from here on: before, nothing made with them can leave.
    fn commit(&mut self, change: impl FnOnce(&mut Disk)) {
        self.disk.peer = self.peer.to_record().to_vec();
        self.disk.prekeys = self.prekeys.to_record().to_vec();
        self.disk.seen = self.seen.to_record().to_vec();
        change(&mut self.disk);
        for key in key_log::take_sealed() {
            assert!(self.sealed.insert(key), "a message key seals twice");
        }
        for key in key_log::take_opened() {
            assert!(self.opened.insert(key), "a message key opens twice");
        }
    }

    /// Killed and started again.
    fn restart(&mut self) {
        self.peer = Peer::from_record(&self.disk.peer).unwrap();
        self.prekeys = Prekeys::from_record(&self.disk.prekeys).unwrap();
        self.seen = Seen::from_record(&self.disk.seen).unwrap();
        let _ = (key_log::take_sealed(), key_log::take_opened());
    }
}

#[derive(Debug)]
struct World {
    clients: [Client; 2],
    now: Timestamp,
    texts: BTreeMap<MessageId, Vec<u8>>,
    /// Lost or forged: these need not arrive.
    spoilt: BTreeSet<MessageId>,
    /// One-time prekeys that the server handed out.
    handed: [usize; 2],
    ids: u64,
}

impl World {
    fn new() -> Self {
        Self {
            clients: [Client::new(1, 2), Client::new(2, 1)],
            now: NOW,
            texts: BTreeMap::new(),
            spoilt: BTreeSet::new(),
            handed: [0, 0],
            ids: 0,
        }
    }

    fn id(&mut self) -> MessageId {
        self.ids += 1;
        let mut bytes = [0x40; 16];
        bytes[8] = 0x80;
        bytes[9..].copy_from_slice(&self.ids.to_be_bytes()[1..]);
        MessageId::from_bytes(bytes)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Send(who, crash) => self.send(usize::from(who), crash),
            Event::Deliver(who, place, crash) => self.deliver(usize::from(who), place, crash),
            Event::Lose(who, place) => {
                let queue = &mut self.clients[usize::from(who)].queue;
                if !queue.is_empty() {
                    let lost = queue.remove(place % queue.len());
                    self.spoilt.insert(lost.id);
                }
            }
            Event::Replay(who, place) => self.replay(usize::from(who), place),
            Event::Forge(who, place, bit) => self.forge(usize::from(who), place, bit),
            Event::Wait(hours) => {
                let hours = Duration::from_hours(u64::from(hours % 3));
                self.now = self.now.saturating_add(hours);
            }
        }
    }

    /// A session with the peer, from the bundle that the server hands out.
    fn begin(&mut self, who: usize, anew: bool) {
        let peer = &self.clients[1 - who];
        let place = self.handed[1 - who];
        let first = PrekeyId::FIRST.number();
        let id = (place < 2).then(|| PrekeyId::new(first + u32::try_from(place).unwrap()));
        self.handed[1 - who] += 1;
        let stored = Prekeys::from_record(&peer.disk.prekeys).unwrap();
        let kept = id.and_then(|id| stored.one_time.get(&id.unwrap()).cloned());
        let bundle = Person {
            account: peer.account.clone(),
            prekeys: Prekeys {
                one_time: kept
                    .into_iter()
                    .map(|kept| (kept.prekey.id(), kept))
                    .collect(),
                ..stored
            },
            peer: peer.peer.clone(),
            draws: peer.draws.clone(),
        }
        .bundle(Some(0));
        let now = self.now;
        let client = &mut self.clients[who];
        client.peer.meet(bundle.identity());
        let draws = &mut client.draws;
        let draw: &mut Draw<'_> = &mut || draws.next();
        let begun = if anew {
            client.peer.reset(&client.account, &bundle, draw, now)
        } else {
            client.peer.begin(&client.account, &bundle, draw, now)
        };
        begun.unwrap();
    }

    fn send(&mut self, who: usize, crash: Crash) {
        if self.clients[who].peer.needs_bundle(self.now) {
            self.begin(who, false);
        }
        let (id, now) = (self.id(), self.now);
        let text = id.to_string().into_bytes();
        let client = &mut self.clients[who];
        let envelope = client
            .peer
            .seal(RegistrationId::drawn([0; 4]), &text, now)
            .unwrap();
        if crash == Crash::BeforeCommit {
            return client.restart();
        }
        let payload = envelope.to_payload();
        client.commit(|disk| disk.outbox.push(Sent { id, payload }));
        self.texts.insert(id, text);
        match crash {
            Crash::AfterCommit => self.clients[who].restart(),
            _ => self.hand_over(who),
        }
    }

    /// The outbox to the server, which takes an id once.
    fn hand_over(&mut self, who: usize) {
        for sent in std::mem::take(&mut self.clients[who].disk.outbox) {
            let to = &mut self.clients[1 - who];
            to.held.push(sent.clone());
            to.queue.push(sent);
        }
    }

    fn deliver(&mut self, who: usize, place: usize, crash: Crash) {
        let queued = self.clients[who].queue.len();
        if queued == 0 {
            return;
        }
        let sent = self.clients[who].queue[place % queued].clone();
        let taken = self.take(who, sent.id, &sent.payload, crash);
        if taken && crash == Crash::Never {
            self.clients[who]
                .queue
                .retain(|queued| queued.id != sent.id);
        }
    }

    /// What a client does with a delivered message; whether it is to be acknowledged.
    fn take(&mut self, who: usize, id: MessageId, payload: &str, crash: Crash) -> bool {
        let now = self.now;
        let client = &mut self.clients[who];
        if client.seen.contains(id) {
            return true;
        }
        client.seen.note(id, now).unwrap();
        let shown = match open(client, payload, now) {
            Ok(text) => Some(Shown::Text(text)),
            Err(refusal) => {
                let leaves = refusal.consequence() == Consequence::Placeholder;
                leaves.then_some(Shown::Placeholder)
            }
        };
        if crash == Crash::BeforeCommit {
            client.restart();
            return false;
        }
        let unopened = shown == Some(Shown::Placeholder);
        client.commit(|disk| {
            if let Some(shown) = shown {
                assert!(disk.shown.insert(id, shown).is_none(), "shown twice");
            }
        });
        if crash == Crash::AfterCommit {
            client.restart();
        } else if unopened && client.peer.may_reset(now) {
            self.begin(who, true);
            self.clients[who].commit(|_| {});
        }
        true
    }

    fn replay(&mut self, who: usize, place: usize) {
        let client = &self.clients[who];
        let came: Vec<Sent> = client
            .held
            .iter()
            .filter(|sent| client.disk.shown.contains_key(&sent.id))
            .cloned()
            .collect();
        if came.is_empty() {
            return;
        }
        let sent = &came[place % came.len()];
        let id = self.id();
        self.take(who, id, &sent.payload, Crash::Never);
        let shown = self.clients[who].disk.shown.remove(&id);
        let was = self.clients[who].disk.shown.get(&sent.id);
        let again = matches!((&shown, was), (Some(Shown::Text(_)), Some(Shown::Text(_))));
        assert!(!again, "a replay opened");
        if let Some(Shown::Text(_)) = shown {
            // What didn't open before may now: an archived session is tried in another order.
            self.clients[who].disk.shown.insert(sent.id, shown.unwrap());
        }
    }

    fn forge(&mut self, who: usize, place: usize, bit: usize) {
        let queued = self.clients[who].queue.len();
        if queued == 0 {
            return;
        }
        let sent = self.clients[who].queue.remove(place % queued);
        let mut envelope = Envelope::from_payload(&sent.payload).unwrap();
        let bit = bit % (envelope.body.len() * 8);
        envelope.body[bit / 8] ^= 1 << (bit % 8);
        let client = &self.clients[who];
        let known = client.seen.contains(sent.id);
        self.take(who, sent.id, &envelope.to_payload(), Crash::Never);
        if !known {
            let shown = self.clients[who].disk.shown.get(&sent.id);
            assert!(
                !matches!(shown, Some(Shown::Text(_))),
                "bit {bit} flipped, and it opened"
            );
            self.spoilt.insert(sent.id);
        }
    }

    /// Everything that is under way arrives.
    fn settle(&mut self) {
        for who in [0, 1] {
            self.hand_over(who);
        }
        for who in [0, 1] {
            while !self.clients[who].queue.is_empty() {
                self.deliver(who, 0, Crash::Never);
            }
        }
    }

    fn check(&self) {
        for (id, text) in &self.texts {
            let shown: Vec<&Shown> = self
                .clients
                .iter()
                .filter_map(|client| client.disk.shown.get(id))
                .collect();
            match shown[..] {
                [Shown::Text(shown)] => assert_eq!(shown, text),
                [Shown::Placeholder] => {}
                _ => assert!(self.spoilt.contains(id), "neither shown nor spoilt"),
            }
        }
        let [one, other] = &self.clients;
        assert!(
            one.sealed.is_disjoint(&other.sealed),
            "both sealed with one key"
        );
        assert!(one.opened.is_subset(&other.sealed) && other.opened.is_subset(&one.sealed));
    }
}

/// Opens what can be opened; a refusal leaves the state equal.
fn open(client: &mut Client, payload: &str, now: Timestamp) -> Result<Vec<u8>, Refusal> {
    let before = (client.peer.clone(), client.prekeys.clone());
    let envelope = Envelope::from_payload(payload)?;
    let draws = &mut client.draws;
    let draw: &mut Draw<'_> = &mut || draws.next();
    let opened = client
        .peer
        .open(&client.account, &mut client.prekeys, &envelope, draw, now);
    match opened {
        Ok(opened) => Ok(opened.message.to_vec()),
        Err(refusal) => {
            assert_eq!(before, (client.peer.clone(), client.prekeys.clone()));
            Err(refusal)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_message_arrives_once_or_as_one_placeholder(events in events()) {
        let _ = (key_log::take_sealed(), key_log::take_opened());
        let mut world = World::new();
        for event in events {
            world.happen(event);
        }
        world.settle();
        world.check();
        // Both ends agree: what is sent now arrives, each way.
        for who in [0, 1, 0, 1] {
            world.now = world.now.saturating_add(Duration::from_hours(1));
            world.send(who, Crash::Never);
            let id = *world.texts.keys().last().unwrap();
            world.settle();
            let shown = world.clients[1 - who].disk.shown.get(&id);
            prop_assert!(matches!(shown, Some(Shown::Text(_))), "{:?}", shown);
        }
        world.check();
    }

    #[test]
    fn without_losses_of_state_nothing_is_a_placeholder(events in events()) {
        let _ = (key_log::take_sealed(), key_log::take_opened());
        let mut world = World::new();
        for event in events {
            if matches!(event, Event::Send(..) | Event::Deliver(..) | Event::Lose(..) | Event::Wait(_)) {
                world.happen(event);
            }
        }
        world.settle();
        world.check();
        for client in &world.clients {
            prop_assert!(client.disk.shown.values().all(|shown| *shown != Shown::Placeholder));
        }
    }
}
