//! The load generator: one thread, one epoll, many clients.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::Outcome;
use crate::client::{Client, Heard};

/// What one read takes in at most.
const SCRATCH: usize = 256 * 1024;
/// Messages whose moment of sending is remembered.
const REMEMBERED: usize = 1 << 17;
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was sent and heard so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    pub(crate) accepted: usize,
    pub(crate) received: usize,
    /// Acknowledgements, of one or more messages each.
    pub(crate) acknowledgements: usize,
}

/// Times from sending, since [`Load::note_times`].
#[derive(Debug, Default)]
pub(crate) struct Times {
    pub(crate) to_recipient: Vec<Duration>,
    pub(crate) to_acceptance: Vec<Duration>,
}

/// Clients under load.
pub(crate) struct Load {
    clients: Vec<Client>,
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    scratch: Vec<u8>,
    /// Messages that each client keeps unaccepted.
    window: usize,
    next: usize,
    sent_at: Vec<Instant>,
    times: Option<Times>,
    tally: Tally,
}

impl Load {
    /// A load of `clients`, whose messages are numbered from `first`.
    pub(crate) fn new(clients: Vec<Client>, first: usize) -> Outcome<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (index, client) in clients.iter().enumerate() {
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, client.stop_waiting()?, data, epoll::EventFlags::IN)?;
        }
        let mut load = Self {
            clients,
            epoll,
            events: Vec::with_capacity(1024),
            scratch: vec![0; SCRATCH],
            window: 0,
            next: first,
            sent_at: vec![Instant::now(); REMEMBERED],
            times: None,
            tally: Tally::default(),
        };
        // What came right behind the handshakes.
        for index in 0..load.clients.len() {
            load.serve(index)?;
        }
        Ok(load)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// The number of the next message.
    pub(crate) fn next(&self) -> usize {
        self.next
    }

    pub(crate) fn into_clients(self) -> Vec<Client> {
        self.clients
    }

    /// From now on each client keeps `window` messages unaccepted.
    pub(crate) fn keep_in_flight(&mut self, window: usize) -> Outcome<()> {
        self.window = window;
        for index in 0..self.clients.len() {
            self.serve(index)?;
        }
        Ok(())
    }

    /// Notes how long messages take, until [`Self::take_times`].
    pub(crate) fn note_times(&mut self) {
        self.times = Some(Times::default());
    }

    pub(crate) fn take_times(&mut self) -> Times {
        self.times.take().unwrap_or_default()
    }

    /// Works until `is_done`, which is asked after every turn.
    pub(crate) fn run_until(&mut self, mut is_done: impl FnMut(&Tally) -> bool) -> Outcome<()> {
        let mut last = (Instant::now(), self.tally.accepted + self.tally.received);
        while !is_done(&self.tally) {
            self.turn(Duration::from_millis(20))?;
            let now = self.tally.accepted + self.tally.received;
            if now != last.1 {
                last = (Instant::now(), now);
            } else if last.0.elapsed() > PATIENCE {
                return Err(format!("nothing more happens: {:?}", self.tally).into());
            }
        }
        Ok(())
    }

    /// Works for so long.
    pub(crate) fn run_for(&mut self, time: Duration) -> Outcome<()> {
        let end = Instant::now() + time;
        self.run_until(|_| Instant::now() >= end)
    }

    /// Sends nothing more and waits until everything sent is accepted.
    pub(crate) fn settle(&mut self) -> Outcome<()> {
        self.window = 0;
        self.run_until(|tally| tally.accepted == tally.sent)
    }

    /// Sends one message each `interval`, clients taking turns, for so long. Never sleeps.
    pub(crate) fn pace(&mut self, interval: Duration, time: Duration) -> Outcome<()> {
        let start = Instant::now();
        let mut due = start;
        let mut index = 0;
        while start.elapsed() < time {
            if Instant::now() >= due {
                due += interval;
                self.send(index);
                self.clients[index].flush()?;
                index = (index + 1) % self.clients.len();
            }
            self.turn(Duration::ZERO)?;
        }
        Ok(())
    }

    /// Keeps `in_flight` messages of all clients together unaccepted, the first `busy` clients
    /// taking turns, for so long.
    pub(crate) fn take_turns(
        &mut self,
        busy: usize,
        in_flight: usize,
        time: Duration,
    ) -> Outcome<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            while self.tally.sent - self.tally.accepted < in_flight {
                let index = self.next % busy;
                self.send(index);
                self.clients[index].flush()?;
            }
            self.turn(Duration::from_millis(20))?;
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

    /// Reads, answers and refills one client.
    fn serve(&mut self, index: usize) -> Outcome<()> {
        let client = &mut self.clients[index];
        let was_stuck = client.is_stuck();
        let (tally, times, sent_at) = (&mut self.tally, &mut self.times, &self.sent_at);
        let before = tally.received;
        client.read(&mut self.scratch, |heard| match heard {
            Heard::Message(number) => {
                tally.received += 1;
                if let Some(times) = times {
                    times
                        .to_recipient
                        .push(sent_at[number % REMEMBERED].elapsed());
                }
            }
            Heard::Accepted(number) => {
                tally.accepted += 1;
                if let Some(times) = times {
                    times
                        .to_acceptance
                        .push(sent_at[number % REMEMBERED].elapsed());
                }
            }
            Heard::Ready | Heard::Other => {}
        })?;
        if tally.received > before {
            tally.acknowledgements += 1;
            client.acknowledge();
        }
        while self.clients[index].in_flight < self.window {
            self.send(index);
        }
        let client = &mut self.clients[index];
        client.flush()?;
        if client.is_stuck() != was_stuck {
            let mut flags = epoll::EventFlags::IN;
            flags.set(epoll::EventFlags::OUT, client.is_stuck());
            let data = epoll::EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, client.stop_waiting()?, data, flags)?;
        }
        Ok(())
    }

    fn send(&mut self, index: usize) {
        self.sent_at[self.next % REMEMBERED] = Instant::now();
        self.clients[index].send(self.next);
        self.next += 1;
        self.tally.sent += 1;
    }
}
