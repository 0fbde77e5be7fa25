//! The load generator: one thread, one epoll, and pairs of members who call each other.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use privcomm::base::CallId;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::Outcome;
use crate::phone::Phone;
use crate::script::{self, Extent, Heard, Role, Step};

/// What one read takes in at most.
const SCRATCH: usize = 64 * 1024;
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the generator waits for the daemon at a time.
const TURN: Duration = Duration::from_millis(20);

/// How calls follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many are under way all the time.
    UnderWay(usize),
    /// One begins each time that so long has passed.
    Every(Duration),
}

/// What was said and heard so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Calls that came to the end of their script.
    pub(crate) calls: usize,
    /// Frames that the daemon read and wrote, and their bytes.
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
}

/// Members in pairs, under load.
pub(crate) struct Load {
    phones: Vec<Phone>,
    /// One for each two phones.
    lines: Vec<Line>,
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    scratch: Vec<u8>,
    under_way: usize,
    tally: Tally,
    /// From ringing to a connection that both were told of.
    set_ups: Vec<Duration>,
}

/// The call of a pair.
struct Line {
    call: String,
    /// Which of the two phones calls.
    caller: usize,
    steps: std::vec::IntoIter<Step>,
    /// What must be heard before the next of them.
    due: Vec<(Role, Heard)>,
    began: Instant,
    /// Steps after which the call is connected.
    to_connect: usize,
}

impl Line {
    fn idle() -> Self {
        Self {
            call: String::new(),
            caller: 0,
            steps: Vec::new().into_iter(),
            due: Vec::new(),
            began: Instant::now(),
            to_connect: 0,
        }
    }

    /// The number of the phone that has `role`, in the pair.
    fn place_of(&self, role: Role) -> usize {
        match role {
            Role::Caller => self.caller,
            Role::Callee => 1 - self.caller,
        }
    }
}

impl Load {
    pub(crate) fn new(phones: Vec<Phone>) -> Outcome<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (index, phone) in phones.iter().enumerate() {
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, phone.stop_waiting()?, data, epoll::EventFlags::IN)?;
        }
        let lines = phones.chunks_exact(2).map(|_| Line::idle()).collect();
        Ok(Self {
            phones,
            lines,
            epoll,
            events: Vec::with_capacity(1024),
            scratch: vec![0; SCRATCH],
            under_way: 0,
            tally: Tally::default(),
            set_ups: Vec::new(),
        })
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// How long the set-ups since the last time took, in order.
    pub(crate) fn take_set_ups(&mut self) -> Vec<Duration> {
        let mut times = std::mem::take(&mut self.set_ups);
        times.sort_unstable();
        times
    }

    /// Has every pair make a call, and waits until all have come to the end of `extent`; `caller` is
    /// which of the two calls.
    pub(crate) fn round(&mut self, caller: usize, extent: Extent, pace: Pace) -> Outcome<()> {
        let start = Instant::now();
        let mut next = 0;
        let mut last = (start, self.tally.frames);
        while next < self.lines.len() || self.under_way > 0 {
            while next < self.lines.len() && self.is_due(next, pace, start) {
                self.begin(next, caller, extent)?;
                next += 1;
            }
            let wait = match pace {
                Pace::UnderWay(_) => TURN,
                // A sleep would be later than it says.
                Pace::Every(_) => Duration::ZERO,
            };
            self.turn(wait)?;
            if last.1 != self.tally.frames {
                last = (Instant::now(), self.tally.frames);
            } else if last.0.elapsed() > PATIENCE {
                return Err(self.stuck().into());
            }
        }
        Ok(())
    }

    /// Answers pings and nothing else, for so long.
    pub(crate) fn wait(&mut self, time: Duration) -> Outcome<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.turn(TURN)?;
        }
        Ok(())
    }

    fn is_due(&self, next: usize, pace: Pace, start: Instant) -> bool {
        match pace {
            Pace::UnderWay(most) => self.under_way < most,
            Pace::Every(interval) => start.elapsed() >= interval.mul_f64(next as f64),
        }
    }

    fn stuck(&self) -> String {
        let line = self.lines.iter().find(|line| !line.due.is_empty());
        let due = line.map(|line| &line.due);
        format!(
            "{} calls go no further; one waits for {due:?}",
            self.under_way
        )
    }

    fn begin(&mut self, pair: usize, caller: usize, extent: Extent) -> Outcome<()> {
        let [from, to] = [caller, 1 - caller].map(|place| self.phones[2 * pair + place].dialect());
        let line = &mut self.lines[pair];
        line.caller = caller;
        line.steps = script::steps(from, to, extent).into_iter();
        line.began = Instant::now();
        line.to_connect = script::steps_to_connect(from, to);
        if extent != Extent::End {
            // `mvchat.v1` learns another with the answer to its first step.
            line.call = CallId::random().to_string();
        }
        self.under_way += 1;
        self.go_on(pair)
    }

    /// Takes the next step of a pair whose last one is done.
    fn go_on(&mut self, pair: usize) -> Outcome<()> {
        let line = &mut self.lines[pair];
        if let Some(step) = line.steps.next() {
            line.due = step.heard;
            for (role, say) in step.said {
                let place = line.place_of(role);
                let peer = self.phones[2 * pair + 1 - place].user().to_owned();
                let phone = &mut self.phones[2 * pair + place];
                self.tally.bytes += phone.say(say, &peer, &line.call);
                self.tally.frames += 1;
                phone.flush()?;
            }
        } else {
            self.under_way -= 1;
            self.tally.calls += 1;
        }
        Ok(())
    }

    fn turn(&mut self, wait: Duration) -> Outcome<()> {
        let wait = Timespec::try_from(wait)?;
        self.events.clear();
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait))?;
        for at in 0..self.events.len() {
            let index = usize::try_from(self.events[at].data.u64())?;
            self.serve(index)?;
        }
        Ok(())
    }

    /// Reads what came to one phone, and goes on where nothing more is due.
    fn serve(&mut self, index: usize) -> Outcome<()> {
        let pair = index / 2;
        let line = &mut self.lines[pair];
        let tally = &mut self.tally;
        let role = if line.caller == index % 2 {
            Role::Caller
        } else {
            Role::Callee
        };
        let mut surplus = None;
        let was_due = !line.due.is_empty();
        let phone = &mut self.phones[index];
        phone.read(&mut self.scratch, |heard, bytes, call| {
            tally.frames += 1;
            tally.bytes += bytes;
            match line.due.iter().position(|due| *due == (role, heard)) {
                Some(at) => drop(line.due.swap_remove(at)),
                None => surplus = Some(heard),
            }
            if let Some(call) = call {
                call.clone_into(&mut line.call);
            }
        })?;
        phone.flush()?;
        if let Some(surplus) = surplus {
            return Err(format!("{surplus:?} wasn't due to the {role:?}").into());
        }
        if was_due && line.due.is_empty() {
            line.to_connect = line.to_connect.saturating_sub(1);
            if line.to_connect == 0 && line.steps.len() > 0 {
                self.set_ups.push(line.began.elapsed());
                line.to_connect = usize::MAX;
            }
            self.go_on(pair)?;
        }
        Ok(())
    }
}
