//! Where requests of members wait for the engine, which may wait itself; media doesn't.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::base::task::Tasks;

use super::allocation::FiveTuple;
use super::figures::DropReason;
use super::gate::{Admission, Admitted};
use super::relay::State;

/// Requests that wait at once. Each was signed by a member, who sends it again if it is lost.
const WAITING: usize = 1024;

/// Of those, requests under one credential: whoever floods the desk keeps nobody else from it.
const WAITING_PER_NAME: usize = WAITING / 8;

/// A request of somebody who proved to hold a credential, and where it came from.
#[derive(Debug)]
struct Errand {
    admission: Admission,
    tuple: FiveTuple,
    _share: Share,
}

/// The shards' side of the desk.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    places: mpsc::Sender<Errand>,
    shares: Shares,
}

impl Desk {
    /// A desk at which requests are answered, one after another, until the tasks stop.
    pub(super) fn open(state: Arc<State>, tasks: &Tasks) -> Self {
        let (desk, mut waiting) = mpsc::channel(WAITING);
        let stopping = tasks.clone();
        tasks.spawn("turn desk", async move {
            let serving = async {
                while let Some(errand) = waiting.recv().await {
                    serve(&state, errand).await;
                }
            };
            tokio::select! {
                () = stopping.stopping() => {}
                () = serving => {}
            }
        });
        Self {
            places: desk,
            shares: Shares::default(),
        }
    }

    /// Takes a request over, as long as not too many wait, of everybody or under its credential.
    pub(super) fn hand_over(
        &self,
        request: Admitted<'_>,
        datagram: &[u8],
        tuple: FiveTuple,
    ) -> Result<(), DropReason> {
        let place = self.places.try_reserve();
        let place = place.map_err(|_| DropReason::Overloaded)?;
        let share = self.shares.take(request.username);
        place.send(Errand {
            _share: share.ok_or(DropReason::Overloaded)?,
            admission: request.keep(datagram),
            tuple,
        });
        Ok(())
    }
}

/// How many requests wait under each credential: as many entries as requests wait, at most.
#[derive(Debug, Clone, Default)]
struct Shares(Arc<Mutex<HashMap<Box<str>, usize>>>);

impl Shares {
    /// One request more under this name; none: there are as many as may be.
    fn take(&self, username: &str) -> Option<Share> {
        let name: Box<str> = username.into();
        let mut waiting = self.lock();
        let count = waiting.entry(name.clone()).or_default();
        if *count >= WAITING_PER_NAME {
            return None;
        }
        *count += 1;
        drop(waiting);
        let shares = self.clone();
        Some(Share { shares, name })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's part of what may wait under its name, given back when it is dropped.
#[derive(Debug)]
struct Share {
    shares: Shares,
    name: Box<str>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut waiting = self.shares.lock();
        if let Some(count) = waiting.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.name);
            }
        }
    }
}

async fn serve(state: &State, errand: Errand) {
    let Errand {
        admission, tuple, ..
    } = &errand;
    let Some(request) = admission.admitted() else {
        return;
    };
    let mut control = state.control.lock().await;
    let around = state.surroundings(tuple.listener);
    let answer = control.answer(&request, *tuple, around).await;
    drop(control);
    state.send_answer(answer, tuple);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_credential_has_its_share_of_the_desk_and_no_more() {
        let shares = Shares::default();
        let mut taken: Vec<Share> = (0..WAITING_PER_NAME)
            .map_while(|_| shares.take("anna"))
            .collect();
        assert_eq!(taken.len(), WAITING_PER_NAME);
        assert!(shares.take("anna").is_none());
        assert!(shares.take("bert").is_some());
        taken.pop();
        assert!(shares.take("anna").is_some());
        taken.clear();
        assert!(shares.lock().is_empty());
    }
}
