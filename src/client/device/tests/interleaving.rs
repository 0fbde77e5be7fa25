//! Any order of writing, losses, repeats, changes and arrivals, with devices killed at any
//! transaction: every text is told once, or is one placeholder, and no message key is used twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::{Aftermath, Arrival, Crash, Device, Fate, Side, flip};
use crate::base::MessageId;
use crate::e2ee::key_log;

/// What can happen to one of the two. Places are taken modulo how many messages wait there.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Write,
    Flush,
    Arrive(usize),
    Lose(usize),
    /// Comes again, under an id of the server's: one of a chain that is gone is a placeholder then.
    Repeat(usize),
    Change(usize),
    /// Somebody is killed so many transactions from now.
    Doom(usize),
}

fn happenings(is_honest: bool) -> impl Strategy<Value = Vec<(bool, Happening)>> {
    let place = any::<usize>();
    let hostile = u32::from(!is_honest);
    let happening = prop_oneof![
        6 => Just(Happening::Write),
        4 => Just(Happening::Flush),
        8 => place.prop_map(Happening::Arrive),
        1 => place.prop_map(Happening::Lose),
        hostile => place.prop_map(Happening::Repeat),
        hostile => place.prop_map(Happening::Change),
        2 => (0usize..6).prop_map(Happening::Doom),
    ];
    proptest::collection::vec((any::<bool>(), happening), 1..50)
}

struct World {
    sides: [Side; 2],
    fate: Arc<Fate>,
    /// What each wrote.
    written: [Vec<String>; 2],
    /// What each was never given.
    lost: [usize; 2],
    /// What came to each, to be repeated.
    came: [Vec<Arrival>; 2],
}

impl World {
    fn new(crash: Crash) -> Self {
        let fate = Fate::new(usize::MAX, crash);
        let sides = [Side::new(0xa, &fate), Side::new(0xb, &fate)];
        let _ = (key_log::take_sealed(), key_log::take_opened());
        Self {
            sides,
            fate,
            written: Default::default(),
            lost: [0; 2],
            came: Default::default(),
        }
    }

    /// This one and the other.
    fn pair(&mut self, who: usize) -> (&mut Side, &mut Side) {
        let [first, second] = &mut self.sides;
        if who == 0 {
            (first, second)
        } else {
            (second, first)
        }
    }

    fn happen(&mut self, who: usize, happening: Happening) {
        match happening {
            Happening::Write => self.write(who),
            Happening::Flush => self.flush(who),
            Happening::Arrive(place) => self.arrive(who, place),
            Happening::Lose(place) => {
                if let Some(at) = self.at(who, place) {
                    self.sides[who].queue.remove(at);
                    self.lost[who] += 1;
                }
            }
            Happening::Repeat(place) => {
                if !self.came[who].is_empty() {
                    let mut again = self.came[who][place % self.came[who].len()].clone();
                    again.id = MessageId::random();
                    self.sides[who].queue.push(again);
                }
            }
            Happening::Change(place) => {
                if let Some(at) = self.at(who, place) {
                    let payload = &mut self.sides[who].queue[at].payload;
                    *payload = flip(payload).into();
                }
            }
            Happening::Doom(transactions) => self.fate.left.store(transactions, Ordering::SeqCst),
        }
    }

    fn at(&self, who: usize, place: usize) -> Option<usize> {
        place.checked_rem(self.sides[who].queue.len())
    }

    fn write(&mut self, who: usize) {
        let text = format!("{who}.{}", self.written[who].len());
        let (side, other) = self.pair(who);
        side.write(other, &text);
        self.written[who].push(text);
    }

    fn flush(&mut self, who: usize) {
        let (side, other) = self.pair(who);
        side.flush(other);
    }

    fn arrive(&mut self, who: usize, place: usize) {
        let Some(at) = self.at(who, place) else {
            return;
        };
        let (side, other) = self.pair(who);
        let arrival = side.queue[at].clone();
        let from = arrival.from;
        let Some(aftermath) = side.step(|device| device.receive(&arrival)) else {
            return;
        };
        side.queue.remove(at);
        let may_reset = |device: &mut Device| device.may_reset(from);
        if aftermath == Aftermath::Unreadable && side.step(may_reset) == Some(true) {
            let bundle = other.bundle();
            side.step(|device| device.reset(&bundle));
        }
        self.came[who].push(arrival);
    }

    /// Everything that is under way arrives, and nobody is killed any more.
    fn settle(&mut self) {
        self.fate.left.store(usize::MAX, Ordering::SeqCst);
        while (0..2).any(|who| self.sides[who].device.progress().outgoing > 0)
            || self.sides.iter().any(|side| !side.queue.is_empty())
        {
            for who in 0..2 {
                self.flush(who);
                while !self.sides[who].queue.is_empty() {
                    self.arrive(who, 0);
                }
            }
        }
    }

    /// How many placeholders each has, once it is checked that nothing was doubled or went missing.
    fn check(&self) -> [usize; 2] {
        let [of_first, of_second] = [0, 1].map(|who: usize| {
            let (texts, _, unreadable) = self.sides[who].told();
            let told: BTreeSet<&String> = texts.iter().collect();
            assert_eq!(told.len(), texts.len(), "told twice: {texts:?}");
            let written: BTreeSet<&String> = self.written[1 - who].iter().collect();
            assert!(told.is_subset(&written));
            let missing = written.len() - told.len();
            assert!(
                missing <= self.lost[who] + unreadable,
                "{missing} are missing"
            );
            unreadable
        });
        let [one, other] = &self.sides;
        assert!(one.sealed.is_disjoint(&other.sealed));
        assert!(one.opened.is_subset(&other.sealed) && other.opened.is_subset(&one.sealed));
        [of_first, of_second]
    }

    /// Both ends agree: what is written now arrives, each way.
    fn they_go_on(&mut self) {
        for who in [0, 1, 0, 1] {
            self.write(who);
            self.settle();
            let (texts, _, _) = self.sides[1 - who].told();
            assert_eq!(texts.last(), self.written[who].last());
        }
        self.check();
    }
}

fn crashes() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::Before), Just(Crash::After)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_text_is_told_once_or_is_one_placeholder(
        happenings in happenings(false),
        crash in crashes(),
    ) {
        let mut world = World::new(crash);
        for (who, happening) in happenings {
            world.happen(usize::from(who), happening);
        }
        world.settle();
        world.check();
        world.they_go_on();
    }

    #[test]
    fn where_the_server_is_honest_nothing_is_a_placeholder(
        happenings in happenings(true),
        crash in crashes(),
    ) {
        let mut world = World::new(crash);
        for (who, happening) in happenings {
            world.happen(usize::from(who), happening);
        }
        world.settle();
        prop_assert_eq!(world.check(), [0, 0]);
        world.they_go_on();
    }
}
