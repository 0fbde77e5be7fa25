//! A shard: one thread with a socket of its own per listener, which moves media in rounds.
//!
//! A round reads a batch from one socket, or in the open mode from the outlets that something came
//! to, decides about every datagram where it lies, and sends
//! what comes of it. Nothing in it waits but for the ledger's readers' lock: media is forwarded,
//! strangers are answered, and requests of members go to the desk. Datagrams up to the longest
//! that UDP has are read whole, and passed on whole or not at all.

mod departures;
mod inbox;
mod outbox;
mod pace;
mod round;

use std::io;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use tokio::sync::oneshot;

use crate::base::task::Tasks;

use super::desk::Desk;
use super::listener::Listener;
use super::relay::State;
use inbox::{BATCH, Inbox};
use pace::Pace;
use round::Round;

/// Failures to receive in a row before the socket counts as lost.
const MAX_FAILURES: u32 = 100;

/// How long a shard rests after a failure to receive.
const FAILURE_PAUSE: Duration = Duration::from_millis(20);

/// A shard's thread, until it is told to stop.
pub(super) struct Shard {
    state: Arc<State>,
    number: usize,
    desk: Desk,
    tasks: Tasks,
}

impl Shard {
    /// Starts the thread of a shard, and a task that ends it and hears it panic.
    pub(super) fn start(
        number: usize,
        state: Arc<State>,
        desk: Desk,
        tasks: &Tasks,
    ) -> io::Result<()> {
        let shard = Self {
            state,
            number,
            desk,
            tasks: tasks.clone(),
        };
        let name = format!("relay-{number}");
        start_thread(name, tasks, move |bell| shard.run(bell))
    }

    /// Serves until the other end of `bell` is gone; stops everything when a socket is lost.
    fn run(self, bell: &UnixStream) {
        let state = Arc::clone(&self.state);
        let sockets: Vec<&UdpSocket> = state
            .listeners
            .iter()
            .filter_map(|listener: &Listener| listener.socket(self.number))
            .collect();
        let watches = state.watches.as_ref();
        let watch = watches.and_then(|watches| watches.of_shard(self.number));
        let mut waiting: Vec<PollFd<'_>> = sockets
            .iter()
            .map(|socket| PollFd::new(socket, PollFlags::IN))
            .chain(watch.map(|watch| PollFd::new(watch, PollFlags::IN)))
            .chain([PollFd::new(bell, PollFlags::IN)])
            .collect();
        let mut inbox = Inbox::new();
        let mut round = Round::new(&state, &self.desk, &sockets);
        let mut callers = Vec::with_capacity(BATCH);
        let mut pace = Pace::new(Instant::now());
        let mut failures = 0;
        while failures < MAX_FAILURES {
            let outcome = match poll(&mut waiting, None) {
                Ok(_) if has_come(waiting.last()) => return,
                Ok(_) => serve_all(&waiting, &mut inbox, &mut round).map(|datagrams| {
                    let visitors = watch.filter(|_| has_come(waiting.get(sockets.len())));
                    datagrams
                        + visitors.map_or(0, |watch| {
                            serve_outlets(watch, &mut callers, &mut inbox, &mut round)
                        })
                }),
                Err(rustix::io::Errno::INTR) => Ok(0),
                Err(_) => Err(Errno::UnknownErrno),
            };
            if let Ok(datagrams) = outcome {
                failures = 0;
                if let Some(pause) = pace.after(datagrams, Instant::now()) {
                    thread::sleep(pause);
                }
            } else {
                failures += 1;
                thread::sleep(FAILURE_PAUSE);
            }
        }
        tracing::error!("a socket of the media relay no longer receives; stopping");
        self.tasks.stop();
    }
}

/// Runs `body` in a thread of its own until it returns. When the tasks are told to stop, the other
/// end of what it is given is closed; a panic in it is a failure of theirs.
fn start_thread(
    name: String,
    tasks: &Tasks,
    body: impl FnOnce(&UnixStream) + Send + 'static,
) -> io::Result<()> {
    let (alarm, bell) = UnixStream::pair()?;
    let (alive, mut ended) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name(name).spawn(move || {
        let _alive = alive;
        body(&bell);
    })?;
    let stopping = tasks.clone();
    tasks.spawn("turn shard", async move {
        tokio::select! {
            () = stopping.stopping() => {
                drop(alarm);
                let _ = (&mut ended).await;
            }
            _ = &mut ended => {}
        }
        if let Err(panic) = thread.join() {
            resume_unwind(panic);
        }
    });
    Ok(())
}

fn has_come(waited: Option<&PollFd<'_>>) -> bool {
    waited.is_some_and(|fd| !fd.revents().is_empty())
}

/// A round for every socket at which something waits. How many datagrams there were.
fn serve_all(
    waiting: &[PollFd<'_>],
    inbox: &mut Inbox,
    round: &mut Round<'_>,
) -> Result<usize, Errno> {
    let mut datagrams = 0;
    for (listener, waited) in waiting.iter().enumerate() {
        if !has_come(Some(waited)) {
            continue;
        }
        let Some(socket) = round.socket(listener) else {
            continue;
        };
        match inbox.receive(socket) {
            Ok(()) => datagrams += round.serve(listener, inbox),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(datagrams)
}

/// A round for the outlets that something came to, a batch at most. How many datagrams there were.
fn serve_outlets(
    watch: &OwnedFd,
    callers: &mut Vec<epoll::Event>,
    inbox: &mut Inbox,
    round: &mut Round<'_>,
) -> usize {
    callers.clear();
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // None: whatever kept it from telling, the next round asks again.
    let _ = epoll::wait(watch, spare_capacity(callers), Some(&at_once));
    let ports = callers
        .iter()
        .filter_map(|event| u16::try_from(event.data.u64()).ok());
    let outlets = round.outlets(ports);
    inbox.visit(&outlets);
    round.serve_visits(inbox)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_thread_is_heard() {
        let tasks = Tasks::default();
        start_thread("clumsy".to_owned(), &tasks, |_| panic!("on purpose")).unwrap();
        tasks.stopping().await;
        assert_eq!(tasks.failed(), Some("turn shard"));
    }

    #[tokio::test]
    async fn a_thread_is_told_to_stop_and_waited_for() {
        let tasks = Tasks::default();
        let until_told = |mut bell: &UnixStream| assert_eq!(bell.read(&mut [0]).unwrap(), 0);
        start_thread("waiter".to_owned(), &tasks, until_told).unwrap();
        tasks.stop();
        assert!(tasks.join(Duration::from_secs(5)).await);
        assert_eq!(tasks.failed(), None);
    }
}
