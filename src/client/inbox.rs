//! What happens, as a stream: the program's side of a connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::connection;
use super::core::Core;
use super::{Error, Event};

/// How many events are read ahead, and how many passing ones wait. Passing ones that find no room
/// are let go: a program that doesn't listen doesn't take calls.
const AHEAD: usize = 64;

/// The events of a client, for as long as it is connected.
///
/// **Asking for the next event says that the one before was dealt with.** A program that ends
/// before gets it again when it connects the next time, under the same [`number`](Self::number). So
/// nothing is lost; and a program that keeps the number of what it dealt with deals with nothing
/// twice.
///
/// Dropping it ends the connection. [`close`](Self::close) does so in order.
#[derive(Debug)]
pub struct Inbox {
    passing: mpsc::Receiver<Event>,
    stored: mpsc::Receiver<(u64, Event)>,
    given: Option<u64>,
    dealt_with: watch::Sender<u64>,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
    _connected: Connected,
}

impl Inbox {
    pub(super) fn open(core: &Arc<Core>) -> Result<Self, Error> {
        let connected = Connected::mark(core)?;
        let (passing_in, passing) = mpsc::channel(AHEAD);
        let (stored_in, stored) = mpsc::channel(AHEAD);
        let dealt_with = watch::Sender::new(0);
        let stop = CancellationToken::new();
        let work = work(
            Arc::clone(core),
            (passing_in, stored_in),
            dealt_with.subscribe(),
            stop.clone(),
        );
        Ok(Self {
            passing,
            stored,
            given: None,
            dealt_with,
            stop,
            task: AbortOnDropHandle::new(tokio::spawn(work)),
            _connected: connected,
        })
    }

    /// The next event; none when the connection ended for good and everything was read.
    ///
    /// Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        StreamExt::next(self).await
    }

    /// The number of the last event, where it is one that is kept. Numbers only rise.
    pub const fn number(&self) -> Option<u64> {
        self.given
    }

    /// The last event was dealt with, and nothing else is asked for yet.
    pub fn done(&mut self) {
        if let Some(number) = self.given.take() {
            self.dealt_with.send_replace(number);
        }
    }

    /// Ends the connection and waits until everything that is under way is stored.
    pub async fn close(self) {
        self.stop.cancel();
        // It was told to end; that it panicked has been said already.
        let _ = self.task.await;
    }
}

impl Stream for Inbox {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.done();
        if let Poll::Ready(Some(event)) = self.passing.poll_recv(context) {
            return Poll::Ready(Some(event));
        }
        Poll::Ready(
            ready!(self.stored.poll_recv(context)).map(|(number, event)| {
                self.given = Some(number);
                event
            }),
        )
    }
}

/// That a client is connected, once at a time: a second session would end the first.
#[derive(Debug)]
struct Connected(Arc<Core>);

impl Connected {
    fn mark(core: &Arc<Core>) -> Result<Self, Error> {
        if core.is_connected.swap(true, Ordering::AcqRel) {
            return Err(Error::AlreadyConnected);
        }
        Ok(Self(Arc::clone(core)))
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.is_connected.store(false, Ordering::Release);
    }
}

type Outlets = (mpsc::Sender<Event>, mpsc::Sender<(u64, Event)>);

/// The one task of a connection: its session, events to the program, and what it dealt with.
async fn work(
    core: Arc<Core>,
    (passing, stored): Outlets,
    dealt_with: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    let ended = CancellationToken::new();
    let session = async {
        connection::keep(&core, &passing, &stop).await;
        core.set_frames(None);
        // No more is coming: the program's stream ends with what is stored.
        drop(passing);
        ended.cancel();
    };
    let telling = tell(&core, stored, &ended, &stop);
    let forgetting = forget(&core, dealt_with, &stop);
    tokio::join!(session, telling, forgetting);
}

/// Gives stored events to the program, in their order, until there are no more to come.
async fn tell(
    core: &Core,
    stored: mpsc::Sender<(u64, Event)>,
    ended: &CancellationToken,
    stop: &CancellationToken,
) {
    let mut progress = core.progress();
    let mut last = 0;
    loop {
        progress.mark_unchanged();
        let is_last = ended.is_cancelled();
        let events = core
            .step(move |device| device.events_after(last, AHEAD))
            .await;
        let events = events.unwrap_or_default();
        let is_empty = events.is_empty();
        for (number, event) in events {
            let given = tokio::select! {
                given = stored.send((number, event)) => given,
                () = stop.cancelled() => return,
            };
            if given.is_err() {
                return;
            }
            last = number;
        }
        if is_empty {
            if is_last {
                return;
            }
            tokio::select! {
                _ = progress.changed() => {}
                () = ended.cancelled() => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

/// Removes what the program dealt with.
async fn forget(core: &Core, mut dealt_with: watch::Receiver<u64>, stop: &CancellationToken) {
    loop {
        let is_last = tokio::select! {
            changed = dealt_with.changed() => changed.is_err(),
            () = stop.cancelled() => true,
        };
        let number = *dealt_with.borrow_and_update();
        // Where it fails, the program is given the events again, which it was told to expect.
        let _ = core.step(move |device| device.dealt_with(number)).await;
        if is_last {
            return;
        }
    }
}
