//! Which relays answer, so that members are told of those that don't last.

use std::time::Duration;

use crate::base::task::Tasks;
use crate::config::RelayUrl;
use crate::messenger::RelayPlace;
use crate::turn::{Relay, answers};

/// How often relays are asked.
const INTERVAL: Duration = Duration::from_secs(15);

/// A relay that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) place: RelayPlace,
    pub(super) target: Target,
}

/// How a relay is asked.
#[derive(Debug)]
pub(super) enum Target {
    /// This process's own.
    Own(Relay),
    /// One on another machine, which is up as long as any of its addresses answers.
    Elsewhere(Vec<RelayUrl>),
}

impl Watched {
    /// Asks it once, and takes note.
    async fn look(&self) {
        let is_up = match &self.target {
            Target::Own(relay) => relay.check().await,
            Target::Elsewhere(urls) => any_answers(urls).await,
        };
        if !self.place.note(is_up) {
            return;
        }
        let urls = self.place.turn_urls.join(" ");
        if is_up {
            tracing::info!("the media relay at {urls} answers again");
        } else {
            tracing::warn!("the media relay at {urls} doesn't answer; members are told of it last");
        }
    }
}

async fn any_answers(urls: &[RelayUrl]) -> bool {
    for url in urls {
        if answers(url).await {
            return true;
        }
    }
    false
}

/// Asks every relay, each at its own pace, until the tasks stop.
pub(super) fn start(watched: Vec<Watched>, tasks: &Tasks) {
    for relay in watched {
        let stopping = tasks.clone();
        tasks.spawn("relay watch", async move {
            let looking = async {
                let mut interval = tokio::time::interval(INTERVAL);
                loop {
                    interval.tick().await;
                    relay.look().await;
                }
            };
            tokio::select! {
                () = stopping.stopping() => {}
                () = looking => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_relay_is_up_as_long_as_one_of_its_addresses_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };
        let urls = [closed, open].map(|it| format!("turns:{it}").parse().unwrap());
        assert!(any_answers(&urls).await);
        assert!(!any_answers(&urls[..1]).await);
        let watched = Watched {
            place: RelayPlace::new(Vec::new(), Vec::new()),
            target: Target::Elsewhere(urls[..1].to_vec()),
        };
        watched.look().await;
        assert!(!watched.place.note(false), "it was noted already");
    }
}
