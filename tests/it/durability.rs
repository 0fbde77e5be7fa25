//! `kill -9` or an orderly stop at any moment under load: every message that was accepted is
//! delivered after the restart, in order, and no one-time prekey is given to two people.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use privcomm::base::random;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::rig::{Heard, Person, Place, Process, Setup, fresh_id, fresh_prekeys, soon, text_of};

const KILLS: u32 = 40;
/// Messages that a sender has under way at once.
const UNDER_WAY: usize = 24;

/// Where the daemon is just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tide {
    /// Counts the daemon's lives.
    life: u32,
    /// None while it is dead.
    place: Option<Place>,
    /// Nothing new is to be begun.
    ebbing: bool,
}

/// Tells everybody where the daemon is.
#[derive(Debug, Clone)]
struct Shore(watch::Receiver<Tide>);

impl Shore {
    /// Waits for a life of the daemon after `life`, or for the ebb.
    async fn next_life(&mut self, life: u32) -> Option<(u32, Place)> {
        let tide = soon(
            "the next life",
            self.0
                .wait_for(|tide| tide.ebbing || (tide.life > life && tide.place.is_some())),
        );
        let tide = *tide.await.unwrap();
        let place = tide.place.filter(|_| tide.life > life)?;
        Some((tide.life, place))
    }

    fn is_ebbing(&self) -> bool {
        self.0.borrow().ebbing
    }
}

/// One message as its sender noted it.
#[derive(Debug, Clone)]
struct Note {
    sender: String,
    recipient: String,
    number: usize,
    /// Of the same pair, everything below this number had been accepted when this one was first
    /// sent: it must arrive later than all of that.
    floor: usize,
}

/// Messages of one sender to one recipient.
#[derive(Debug, Default)]
struct Pair {
    sent: usize,
    accepted: HashSet<usize>,
    floor: usize,
    seen: HashSet<usize>,
}

/// What was sent, accepted and seen.
#[derive(Debug, Default)]
struct Journal {
    notes: HashMap<String, Note>,
    pairs: HashMap<(String, String), Pair>,
}

impl Journal {
    fn send(&mut self, sender: &Person, recipient: &Person) -> (String, usize) {
        let key = (sender.user().to_owned(), recipient.user().to_owned());
        let pair = self.pairs.entry(key.clone()).or_default();
        let note = Note {
            sender: key.0,
            recipient: key.1,
            number: pair.sent,
            floor: pair.floor,
        };
        pair.sent += 1;
        let (id, number) = (fresh_id(), note.number);
        self.notes.insert(id.clone(), note);
        (id, number)
    }

    fn accept(&mut self, id: &str) {
        let note = &self.notes[id];
        let key = (note.sender.clone(), note.recipient.clone());
        let pair = self.pairs.get_mut(&key).unwrap();
        pair.accepted.insert(note.number);
        while pair.accepted.contains(&pair.floor) {
            pair.floor += 1;
        }
    }

    fn see(&mut self, recipient: &Person, message: &Value) {
        let note = &self.notes[message["message_id"].as_str().unwrap()];
        assert_eq!(message["sender_id"], note.sender);
        assert_eq!(recipient.user(), note.recipient);
        assert_eq!(text_of(message), note.number.to_string());
        let key = (note.sender.clone(), note.recipient.clone());
        let pair = self.pairs.get_mut(&key).unwrap();
        if pair.seen.insert(note.number) {
            let missed = (0..note.floor).find(|earlier| !pair.seen.contains(earlier));
            assert_eq!(missed, None, "{} came before it", note.number);
        }
    }

    fn lost(&self) -> Vec<usize> {
        let lost = |pair: &Pair| {
            pair.accepted
                .difference(&pair.seen)
                .copied()
                .collect::<Vec<_>>()
        };
        self.pairs.values().flat_map(lost).collect()
    }
}

type SharedJournal = Arc<Mutex<Journal>>;

/// Sends to all of `recipients` until the ebb, and until everything was accepted. What wasn't
/// accepted in one life of the daemon is sent again in the next, under the same id.
async fn send(
    mut sender: Person,
    recipients: Vec<Person>,
    mut shore: Shore,
    journal: SharedJournal,
    accepted: watch::Sender<usize>,
) {
    let mut pending: Vec<(String, Person, usize)> = Vec::new();
    let mut life = 0;
    while let Some((now, place)) = shore.next_life(life).await {
        life = now;
        sender.move_to(place);
        let Some(mut socket) = sender.try_connect().await else {
            continue;
        };
        for (id, to, number) in &pending {
            socket.send_as(id, to, &number.to_string()).await;
        }
        loop {
            while pending.len() < UNDER_WAY && !shore.is_ebbing() {
                let [dice] = random::draw();
                let to = &recipients[usize::from(dice) % recipients.len()];
                let (id, number) = journal.lock().unwrap().send(&sender, to);
                socket.send_as(&id, to, &number.to_string()).await;
                pending.push((id, to.clone(), number));
            }
            if pending.is_empty() {
                return;
            }
            match socket.hear().await {
                Heard::Frame(frame) if frame["type"] == "message_accepted" => {
                    let id = frame["message_id"].as_str().unwrap();
                    // A retry may be answered twice.
                    if let Some(at) = pending.iter().position(|(known, ..)| known == id) {
                        pending.remove(at);
                        journal.lock().unwrap().accept(id);
                        accepted.send_modify(|count| *count += 1);
                    }
                }
                // It is stopping, and will take the message in its next life.
                Heard::Frame(frame) if frame["code"] == "capacity" => break,
                Heard::Frame(frame) => assert_ne!(frame["type"], "error", "{frame}"),
                Heard::Closed(_) | Heard::Broken => break,
            }
        }
    }
}

/// Reads and acknowledges until the ebb.
async fn receive(mut recipient: Person, mut shore: Shore, journal: SharedJournal) {
    let mut ebb = shore.0.clone();
    let mut life = 0;
    while let Some((now, place)) = shore.next_life(life).await {
        life = now;
        recipient.move_to(place);
        let Some(mut socket) = recipient.try_connect().await else {
            continue;
        };
        loop {
            let heard = tokio::select! {
                heard = socket.hear_at_last() => heard,
                _ = ebb.wait_for(|tide| tide.ebbing) => return,
            };
            match heard {
                Heard::Frame(frame) if frame["type"] == "encrypted_message" => {
                    journal.lock().unwrap().see(&recipient, &frame);
                    let [dice] = random::draw();
                    // Some are forgotten, and come again with the next life.
                    if dice > 20 {
                        socket.ack([&frame["message_id"]]).await;
                    }
                }
                Heard::Frame(_) => {}
                Heard::Closed(_) | Heard::Broken => break,
            }
        }
    }
}

/// Takes everything that still waits.
async fn collect(recipient: &Person, journal: &SharedJournal) {
    let mut socket = recipient.connect().await;
    loop {
        let frame = socket.next().await;
        if frame["type"] == "queue_drained" {
            break;
        }
        journal.lock().unwrap().see(recipient, &frame);
        socket.ack([&frame["message_id"]]).await;
    }
    socket.sync().await;
    assert_eq!(recipient.waiting().await.len(), 0);
}

/// Who was given which one-time prekey of whom.
type Given = Arc<Mutex<HashMap<(String, u64), String>>>;

/// Asks for bundles until the ebb.
async fn ask(mut asker: Person, targets: Vec<Person>, mut shore: Shore, given: Given) {
    let mut life = 0;
    while let Some((now, place)) = shore.next_life(life).await {
        life = now;
        asker.move_to(place);
        for target in targets.iter().cycle() {
            if shore.is_ebbing() {
                return;
            }
            let path = format!("/api/v1/keys/{}", target.user());
            let Some(answer) = asker.try_ask("GET", &path, None).await else {
                break;
            };
            if answer.status == 503 {
                break;
            }
            let bundle = answer.with(200);
            let key = bundle["one_time_prekey"]["key_id"].as_u64();
            let key = key.unwrap_or_else(|| panic!("the test brought too few prekeys"));
            let mut given = given.lock().unwrap();
            let owner = given.entry((target.user().to_owned(), key));
            let owner = owner.or_insert_with(|| asker.user().to_owned());
            assert_eq!(owner, asker.user(), "prekey {key} was given twice");
        }
    }
}

/// Kills the daemon again and again, and gives its last life. Every fourth time it is asked to stop,
/// and must do so in order whatever goes on.
async fn kill_often(
    mut process: Process,
    tide: &watch::Sender<Tide>,
    accepting: &mut watch::Receiver<usize>,
) -> Process {
    for round in 0..KILLS {
        let [dice, pause] = random::draw();
        let enough = *accepting.borrow() + usize::from(dice);
        let progress = accepting.wait_for(|count| *count > enough);
        soon("accepted messages", progress).await.unwrap();
        // Receipts come right after a commit; a kill may come anywhere.
        tokio::time::sleep(Duration::from_micros(u64::from(pause) * 20)).await;
        let setup = if round % 4 == 3 {
            process.signal(Signal::TERM);
            let setup = process.setup().clone();
            let (status, said) = process.wait().await;
            assert_eq!(status.code(), Some(0), "{said}");
            setup
        } else {
            process.kill()
        };
        tide.send_modify(|tide| tide.place = None);
        process = setup.spawn().await;
        tide.send_modify(|tide| {
            tide.life += 1;
            tide.place = Some(process.place());
        });
    }
    process
}

/// Somebody with as many prekeys as a daemon keeps.
async fn target(place: Place) -> Person {
    let person = Person::join_with(place, 100).await;
    let more = json!({"one_time_prekeys": fresh_prekeys(101..=200)});
    person.put("/api/v1/keys", &more).await.with(200);
    person
}

/// Nobody stops anybody: the daemon is killed while all of this goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_accepted_survives_being_killed() {
    let setup = Setup::lenient()
        .set("messages.queue_messages=1000000")
        .set("messages.queue_stranger_messages=1000000")
        .set("auth.token_ttl=30m");
    let process = setup.spawn().await;
    let place = process.place();
    let senders = Person::crowd::<3>(place).await;
    let mut recipients = Person::crowd::<4>(place).await;
    let askers = Person::crowd::<3>(place).await;
    let targets = [target(place).await, target(place).await];
    let (tide, shore) = watch::channel(Tide {
        life: 1,
        place: Some(place),
        ebbing: false,
    });
    let shore = Shore(shore);
    let (accepted, mut accepting) = watch::channel(0);
    let (journal, given) = (SharedJournal::default(), Given::default());
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    for sender in senders {
        let (shore, journal) = (shore.clone(), journal.clone());
        let to = recipients.to_vec();
        tasks.push(tokio::spawn(send(
            sender,
            to,
            shore,
            journal,
            accepted.clone(),
        )));
    }
    // Two are there all the time; the others come when all is over.
    for recipient in recipients[..2].iter().cloned() {
        tasks.push(tokio::spawn(receive(
            recipient,
            shore.clone(),
            journal.clone(),
        )));
    }
    for asker in askers {
        let (shore, given) = (shore.clone(), given.clone());
        tasks.push(tokio::spawn(ask(asker, targets.to_vec(), shore, given)));
    }
    let process = kill_often(process, &tide, &mut accepting).await;
    let enough = *accepting.borrow() + 50;
    let progress = accepting.wait_for(|count| *count > enough);
    soon("accepted messages", progress).await.unwrap();
    tide.send_modify(|tide| tide.ebbing = true);
    for task in tasks {
        soon("the end of a task", task).await.unwrap();
    }
    for recipient in &mut recipients {
        recipient.move_to(process.place());
        collect(recipient, &journal).await;
    }
    assert_eq!(journal.lock().unwrap().lost(), Vec::<usize>::new());
    assert!(given.lock().unwrap().len() > usize::try_from(KILLS).unwrap());
}
