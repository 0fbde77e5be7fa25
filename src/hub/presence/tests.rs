use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

/// A machine, a clock that only tests move, and what everybody was told.
struct Scene {
    presence: Presence,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        Self {
            presence: Presence::new(Pace::default()),
            now: Timestamp::from_millis(1_000_000),
        }
    }

    fn sight(&mut self, user: UserId, sighting: Sighting) -> Vec<Notice> {
        self.presence.handle(user, sighting, self.now)
    }

    /// Comes with a new session.
    fn come(&mut self, user: UserId, allowed: &[UserId]) -> (ConnectionId, Vec<Notice>) {
        let connection = ConnectionId::next();
        let came = came(connection, allowed);
        (connection, self.sight(user, came))
    }

    fn wait(&mut self, millis: u64) -> Vec<Notice> {
        self.now = self.now.saturating_add(Duration::from_millis(millis));
        self.presence.handle_timeout(self.now)
    }
}

fn came(connection: ConnectionId, allowed: &[UserId]) -> Sighting {
    let allowed = allowed.to_vec();
    Sighting::Came {
        connection,
        allowed,
    }
}

fn users<const N: usize>() -> [UserId; N] {
    std::array::from_fn(|_| UserId::random())
}

fn notice(to: UserId, about: UserId, online: bool) -> Notice {
    let about = vec![about];
    Notice { to, about, online }
}

/// Two who see each other.
fn friends() -> (Scene, [UserId; 2], [ConnectionId; 2]) {
    let (mut scene, [anna, bert]) = (Scene::new(), users());
    let (annas, _) = scene.come(anna, &[bert]);
    let (berts, _) = scene.come(bert, &[anna]);
    let mut told = scene.wait(3000);
    told.sort_by_key(|notice| notice.to);
    let mut expected = [notice(anna, bert, true), notice(bert, anna, true)];
    expected.sort_by_key(|notice| notice.to);
    assert_eq!(told, expected);
    (scene, [anna, bert], [annas, berts])
}

#[test]
fn whoever_stays_is_seen_after_3_seconds_and_whoever_goes_no_more_after_10() {
    let (mut scene, [anna, bert]) = (Scene::new(), users());
    scene.come(anna, &[bert]);
    assert_eq!(scene.wait(3000), []);
    // The new session is told who is there already.
    let (berts, told) = scene.come(bert, &[anna]);
    assert_eq!(told, [notice(bert, anna, true)]);
    assert_eq!(scene.wait(2999), []);
    assert_eq!(scene.wait(1), [notice(anna, bert, true)]);
    assert_eq!(scene.sight(bert, Sighting::Left(berts)), []);
    assert_eq!(scene.wait(9999), []);
    assert_eq!(scene.wait(1), [notice(anna, bert, false)]);
    assert_eq!(scene.presence.next_deadline(), None);
}

#[test]
fn a_reconnect_shows_nothing() {
    let (mut scene, [anna, bert], [_, berts]) = friends();
    scene.sight(bert, Sighting::Left(berts));
    assert_eq!(scene.wait(9999), []);
    let (_, told) = scene.come(bert, &[anna]);
    assert_eq!(told, [notice(bert, anna, true)]);
    assert_eq!(scene.wait(60_000), []);
}

#[test]
fn a_short_visit_shows_nothing() {
    let (mut scene, [_, bert], _) = friends();
    let clara = UserId::random();
    scene.sight(bert, Sighting::Allowed(clara));
    let (claras, told) = scene.come(clara, &[bert]);
    assert_eq!(told, [notice(clara, bert, true)]);
    assert_eq!(scene.wait(2999), []);
    assert_eq!(scene.sight(clara, Sighting::Left(claras)), []);
    assert_eq!(scene.wait(60_000), []);
}

#[test]
fn a_session_that_was_replaced_takes_nothing_along() {
    let (mut scene, [anna, bert], [_, berts]) = friends();
    let (newer, _) = scene.come(bert, &[anna]);
    assert_eq!(scene.sight(bert, Sighting::Left(berts)), []);
    // Nor does one that comes late.
    assert_eq!(scene.sight(bert, came(berts, &[anna])), []);
    assert_eq!(scene.wait(60_000), []);
    scene.sight(bert, Sighting::Left(newer));
    assert_eq!(scene.wait(10_000), [notice(anna, bert, false)]);
}

#[test]
fn one_side_alone_sees_nothing() {
    let (mut scene, [anna, bert]) = (Scene::new(), users());
    scene.come(anna, &[bert]);
    let (_, told) = scene.come(bert, &[]);
    assert_eq!(told, []);
    assert_eq!(scene.wait(60_000), []);
    let mut told = scene.sight(bert, Sighting::Allowed(anna));
    told.sort_by_key(|notice| notice.to != anna);
    assert_eq!(told, [notice(anna, bert, true), notice(bert, anna, true)]);
}

#[test]
fn every_way_to_withdraw_looks_like_leaving_and_at_once() {
    for sighting in [Sighting::Withdrawn, Sighting::Disallowed(UserId::random())] {
        let (mut scene, [anna, bert], _) = friends();
        let sighting = match sighting {
            Sighting::Disallowed(_) => Sighting::Disallowed(anna),
            other => other,
        };
        let told = scene.sight(bert, sighting);
        assert_eq!(told, [notice(bert, anna, false), notice(anna, bert, false)]);
        assert_eq!(scene.wait(60_000), []);
    }
}

#[test]
fn whoever_is_away_can_withdraw_too() {
    let (mut scene, [anna, bert], [_, berts]) = friends();
    scene.sight(bert, Sighting::Left(berts));
    let told = scene.sight(bert, Sighting::Withdrawn);
    assert_eq!(told, [notice(anna, bert, false)]);
    assert_eq!(scene.wait(60_000), []);
}

#[test]
fn nobody_sees_themselves() {
    let (mut scene, [anna]) = (Scene::new(), users());
    scene.come(anna, &[anna]);
    assert_eq!(scene.wait(3000), []);
    assert_eq!(scene.come(anna, &[anna]).1, []);
    assert_eq!(scene.sight(anna, Sighting::Withdrawn), []);
}

const USERS: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Step {
    Come(usize),
    Leave(usize),
    /// The end of a session that isn't theirs any more.
    LeaveLate(usize),
    Withdraw(usize),
    Regard(usize, usize, bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let pause = prop_oneof![
        2 => 0..4000_u64,
        2 => prop::sample::select(vec![2999, 3000, 9999, 10_000]),
    ];
    prop_oneof![
        4 => (0..USERS).prop_map(Step::Come),
        3 => (0..USERS).prop_map(Step::Leave),
        1 => (0..USERS).prop_map(Step::LeaveLate),
        1 => (0..USERS).prop_map(Step::Withdraw),
        5 => (0..USERS, 0..USERS, prop::bool::weighted(0.7))
            .prop_map(|(user, other, ok)| Step::Regard(user, other, ok)),
        5 => pause.prop_map(Step::Wait),
    ]
}

/// What is so, kept in the plainest way, and what each session was told.
struct World {
    scene: Scene,
    users: [UserId; USERS],
    takes_part: HashSet<UserId>,
    allows: HashSet<(UserId, UserId)>,
    sessions: HashMap<UserId, ConnectionId>,
    old: HashMap<UserId, ConnectionId>,
    /// Since when somebody has had a session, or had none, without a break.
    since: HashMap<UserId, Timestamp>,
    is_seen: HashSet<UserId>,
    /// Whom the session of the first was told to be there.
    sees: HashSet<(UserId, UserId)>,
}

impl World {
    fn new() -> Self {
        Self {
            scene: Scene::new(),
            users: users(),
            takes_part: HashSet::new(),
            allows: HashSet::new(),
            sessions: HashMap::new(),
            old: HashMap::new(),
            since: HashMap::new(),
            is_seen: HashSet::new(),
            sees: HashSet::new(),
        }
    }

    fn live(&mut self, step: Step) {
        let notices = match step {
            Step::Come(user) => self.come(self.users[user]),
            Step::Leave(user) => self.leave(self.users[user]),
            Step::LeaveLate(user) => {
                let user = self.users[user];
                let Some(late) = self.old.get(&user).copied() else {
                    return;
                };
                self.scene.sight(user, Sighting::Left(late))
            }
            Step::Withdraw(user) => self.withdraw(self.users[user]),
            Step::Regard(user, other, ok) => {
                let (user, other) = (self.users[user], self.users[other]);
                if ok {
                    self.allows.insert((user, other));
                    self.scene.sight(user, Sighting::Allowed(other))
                } else {
                    self.allows.remove(&(user, other));
                    self.scene.sight(user, Sighting::Disallowed(other))
                }
            }
            Step::Wait(millis) => {
                let notices = self.scene.wait(millis);
                self.pass_time();
                notices
            }
        };
        self.hear(notices);
        self.check();
    }

    fn come(&mut self, user: UserId) -> Vec<Notice> {
        if !self.sessions.contains_key(&user) && !self.is_seen.contains(&user) {
            self.since.insert(user, self.scene.now);
        }
        self.takes_part.insert(user);
        // A new session knows of nobody.
        self.sees.retain(|(of, _)| *of != user);
        let allowed = self.allows.iter().filter(|(of, _)| *of == user);
        let allowed: Vec<_> = allowed.map(|(_, other)| *other).collect();
        let (connection, notices) = self.scene.come(user, &allowed);
        if let Some(old) = self.sessions.insert(user, connection) {
            self.old.insert(user, old);
        }
        notices
    }

    fn leave(&mut self, user: UserId) -> Vec<Notice> {
        let Some(connection) = self.sessions.remove(&user) else {
            return Vec::new();
        };
        self.sees.retain(|(of, _)| *of != user);
        self.since.insert(user, self.scene.now);
        if !self.is_seen.contains(&user) {
            self.takes_part.remove(&user);
        }
        self.scene.sight(user, Sighting::Left(connection))
    }

    fn withdraw(&mut self, user: UserId) -> Vec<Notice> {
        let notices = self.scene.sight(user, Sighting::Withdrawn);
        self.takes_part.remove(&user);
        self.is_seen.remove(&user);
        // Its session goes on, and shows nothing any more: as good as none.
        if let Some(connection) = self.sessions.remove(&user) {
            self.old.insert(user, connection);
            self.hear(notices);
            assert!(!self.sees.iter().any(|(of, _)| *of == user));
            return Vec::new();
        }
        notices
    }

    fn pass_time(&mut self) {
        for user in self.users {
            let has_session = self.sessions.contains_key(&user);
            let pace = Pace::default();
            let span = if has_session {
                pace.arriving
            } else {
                pace.leaving
            };
            let since = self.since.get(&user).copied().unwrap_or_default();
            if self.takes_part.contains(&user) && self.scene.now.since(since) >= span {
                if has_session {
                    self.is_seen.insert(user);
                } else {
                    self.is_seen.remove(&user);
                    self.takes_part.remove(&user);
                }
            }
        }
    }

    fn hear(&mut self, notices: Vec<Notice>) {
        for Notice { to, about, online } in notices {
            assert!(!about.is_empty());
            for other in about {
                let is_news = if online {
                    self.sees.insert((to, other))
                } else {
                    self.sees.remove(&(to, other))
                };
                assert!(is_news, "told what was known");
            }
        }
    }

    /// Everybody with a session sees who may be seen by them, and nobody else.
    fn check(&self) {
        let mut expected = HashSet::new();
        for to in self
            .users
            .iter()
            .filter(|to| self.sessions.contains_key(to))
        {
            for other in self.users.iter().filter(|other| *other != to) {
                let is_mutual = [(*to, *other), (*other, *to)]
                    .iter()
                    .all(|pair| self.allows.contains(pair));
                if is_mutual && self.is_seen.contains(other) {
                    expected.insert((*to, *other));
                }
            }
        }
        assert_eq!(self.sees, expected);
        let machine = &self.scene.presence;
        assert!(
            machine
                .next_deadline()
                .is_none_or(|due| due > self.scene.now)
        );
        let people: HashSet<_> = machine.people.keys().copied().collect();
        assert_eq!(people, self.takes_part, "kept of those who take part alone");
    }
}

proptest! {
    #[test]
    fn everybody_sees_whom_they_may_and_nobody_else(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new();
        for step in steps {
            world.live(step);
        }
        for user in 0..USERS {
            world.live(Step::Leave(user));
        }
        world.live(Step::Wait(10_000));
        prop_assert!(world.scene.presence.people.is_empty());
        prop_assert!(world.scene.presence.deadlines.is_empty());
    }
}
