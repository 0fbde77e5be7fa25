//! Where requests of members wait for the engine, which may wait itself; media doesn't.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::base::task::Tasks;

use super::allocation::FiveTuple;
use super::figures::DropReason;
use super::gate::{Admission, Admitted};
use super::relay::State;

/// Requests that wait at once. Each was signed by a member, who sends it again if it is lost.
const WAITING: usize = 1024;

/// A request of somebody who proved to hold a credential, and where it came from.
#[derive(Debug)]
struct Errand {
    admission: Admission,
    tuple: FiveTuple,
}

/// The shards' side of the desk.
#[derive(Debug, Clone)]
pub(super) struct Desk(mpsc::Sender<Errand>);

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
        Self(desk)
    }

    /// Takes a request over, as long as not too many wait.
    pub(super) fn hand_over(
        &self,
        request: Admitted<'_>,
        datagram: &[u8],
        tuple: FiveTuple,
    ) -> Result<(), DropReason> {
        let place = self.0.try_reserve().map_err(|_| DropReason::Overloaded)?;
        place.send(Errand {
            admission: request.keep(datagram),
            tuple,
        });
        Ok(())
    }
}

async fn serve(state: &State, Errand { admission, tuple }: Errand) {
    let Some(request) = admission.admitted() else {
        return;
    };
    let mut control = state.control.lock().await;
    let around = state.surroundings(tuple.listener);
    let answer = control.answer(&request, tuple, around).await;
    drop(control);
    state.send_answer(answer, &tuple);
}
