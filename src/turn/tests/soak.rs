//! Hours of calls: what is given away comes back.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::rig::{Client, Rig};

/// As many ports as clients, so that a single one that leaks is missed.
const CLIENTS: u16 = 32;

#[tokio::test]
async fn hours_of_calls_leave_nothing_behind() {
    let rig = Rig::start_with(|settings| {
        settings.relay_ports = 50_000..=50_000 + CLIENTS - 1;
        settings.answers.per_source = 1_000_000;
        settings.answers.in_all = 1_000_000;
    });
    for _ in 0..3 {
        let mut clients = call(&rig).await;
        for client in clients.iter_mut().step_by(2) {
            client.take_nonce().await;
            assert_eq!(client.try_refresh(0).await.code(), None);
        }
        rig.advance(3600);
        let state = &rig.relay.state;
        state.control.lock().await.sweep(&state.books).await;
        assert_eq!(rig.relay.figures().allocations, 0);
        rig.advance(60);
    }
    assert_eq!(rig.relay.figures().allocations_ever, 3 * u64::from(CLIENTS));
}

/// Everybody allocates and keeps it up for an hour, with a permission and a channel.
async fn call(rig: &Rig) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(rig.allocated().await);
    }
    for _ in 0..8 {
        for (client, relayed) in &mut clients {
            client.take_nonce().await;
            assert_eq!(client.try_refresh(600).await.code(), None);
            client.permit(*relayed).await;
            client.bind(0x4000, *relayed).await;
            client.send_on(0x4000, b"to myself").await;
            assert_eq!(client.receive().await[4..], *b"to myself");
        }
        rig.advance(450);
    }
    clients.into_iter().map(|(client, _)| client).collect()
}

/// A community: so many at once, of whom some go without a word every minute and others come.
const PEOPLE: usize = 1000;
const LEAVING: usize = 10;

/// Minutes between two refreshes of an allocation and of a channel, and between two channels to
/// somebody else, which are left to lapse. All is as before after the longest of them.
const REFRESH: usize = 5;
const REBIND: usize = 4;
const ROUND: usize = 20;

/// Ports for everybody, for those who left in the last ten minutes, and for a minute's rest of
/// theirs: too few if any is kept longer.
const PORTS: u16 = 1000 + 10 * 12;

/// Tasks of the engine per allocation: its own two, and two for a channel with its permission.
const TASKS: usize = 4;

#[tokio::test]
async fn an_hour_of_a_thousand_calls_costs_no_more_than_its_first_minutes() {
    raise_file_limit();
    let rig = Rig::start_with(|settings| {
        settings.relay_ports = 50_000..=50_000 + PORTS - 1;
        settings.max_allocations = usize::from(PORTS);
        settings.nonce_ttl = Duration::from_hours(2);
        settings.answers.per_source = 1_000_000;
        settings.answers.in_all = 1_000_000;
    });
    let before = tasks();
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(arrive(&rig).await);
    }
    let mut kept = Vec::new();
    // Their sockets stay open, so that the system gives nobody the address of somebody who is
    // still believed to be there.
    let mut gone = Vec::new();
    for minute in 0..3 * ROUND {
        gone.extend(pass_a_minute(&rig, &mut people, minute).await);
        kept.push((rig.relay.figures().allocations, tasks() - before));
    }
    assert_eq!(people.len(), PEOPLE);
    let [_, second, third] = [0, 1, 2].map(|round| &kept[round * ROUND..][..ROUND]);
    assert_eq!(second, third, "what is kept in each minute of a round");
    let most = usize::from(PORTS) * TASKS + PEOPLE;
    assert!(kept.iter().all(|(_, tasks)| *tasks <= most), "{kept:?}");

    rig.advance(600);
    sweep(&rig).await;
    assert_eq!(rig.relay.figures().allocations, 0);
    until_ended(before).await;
    rig.advance(60);
    for _ in 0..PORTS {
        gone.push(rig.allocated().await);
    }
}

/// A client with an allocation and a channel to itself.
async fn arrive(rig: &Rig) -> (Client, SocketAddr) {
    let (mut client, relayed) = rig.allocated().await;
    client.bind(0x4000, relayed).await;
    (client, relayed)
}

/// Everybody does what is due, each in a minute of their own; some are replaced. Who is gone.
async fn pass_a_minute(
    rig: &Rig,
    people: &mut [(Client, SocketAddr)],
    minute: usize,
) -> Vec<(Client, SocketAddr)> {
    for index in 0..people.len() {
        let neighbour = people[index ^ 1].1;
        let (client, relayed) = &mut people[index];
        let is_due = |period| (minute + index).is_multiple_of(period);
        if is_due(REFRESH) {
            assert_eq!(client.try_refresh(600).await.code(), None);
        }
        if is_due(REBIND) {
            client.bind(0x4000, *relayed).await;
        }
        if is_due(ROUND) {
            let another = 0x4001 + u16::try_from(minute / ROUND).unwrap();
            client.bind(another, neighbour).await;
            client.send_on(0x4000, b"to myself").await;
            assert_eq!(client.receive().await[4..], *b"to myself");
        }
    }
    // Those of one minute lie a round apart, so that each minute loses the same.
    let mut gone = Vec::new();
    for place in 0..LEAVING {
        let index = (minute % ROUND + place * ROUND + minute / ROUND * LEAVING * ROUND) % PEOPLE;
        gone.push(std::mem::replace(&mut people[index], arrive(rig).await));
    }
    rig.advance(60);
    sweep(rig).await;
    gone
}

async fn sweep(rig: &Rig) {
    let state = &rig.relay.state;
    state.control.lock().await.sweep(&state.books).await;
}

/// Tasks under way in this test's runtime, the engine's timers among them.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Waits until no more tasks are under way than there were: one that was told to end does so when
/// it is its turn.
async fn until_ended(before: usize) {
    let ended = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), ended).await;
    assert!(waited.is_ok(), "{} tasks are left of {before}", tasks());
}

/// A socket for each of them is more than a process may have by default.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
