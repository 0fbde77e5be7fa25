//! Keeps a session with the server: begins one, and another when it ends, until it is told to stop
//! or no session is to be had (PROTOCOL.md §5).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::core::Core;
use super::session::{Session, Start};
use super::{End, Error, Event};
use crate::base::random;
use crate::wire::Code;
use crate::wire::reply::close;

/// How often the signature is refused in a row before it is believed: a nonce may lapse on its way.
const REFUSALS: u32 = 3;

/// How long a session must have lasted to count as one: a server that ends each at once isn't asked
/// for another at once.
const LASTING: Duration = Duration::from_secs(30);

/// How a session ended.
#[derive(Debug)]
pub(super) enum Parting {
    /// The server closed it, with this code.
    Closed(u16),
    /// It broke, or the server is silent.
    Broken,
    /// We close it.
    Stopped,
    /// Something failed.
    Failed(Error),
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Again, with a fresh token.
    AtOnce,
    /// Again, after a while, which is at least so long.
    Later(Duration),
    /// Not again.
    Never(End),
    /// It was we who wanted to stop.
    Stop,
}

/// Begins sessions until it is told to stop, or none is to be had any more.
pub(super) async fn keep(core: &Arc<Core>, events: &mpsc::Sender<Event>, stop: &CancellationToken) {
    let mut backoff = Backoff::default();
    let mut refusals = 0;
    loop {
        let begun = Instant::now();
        let (had_session, parting) = one(core, events, stop).await;
        if had_session {
            let _ = events.try_send(Event::Disconnected);
        }
        if had_session && begun.elapsed() >= LASTING {
            backoff.reset();
            refusals = 0;
        }
        let wait = match next(&parting, &mut refusals) {
            Next::AtOnce => {
                core.forget_token().await;
                Duration::ZERO
            }
            Next::Later(least) => least.max(backoff.next(u32::from_be_bytes(random::draw()))),
            Next::Never(why) => {
                // The program is to hear this even if it hasn't listened for a while.
                tokio::select! {
                    _ = events.send(Event::Ended { why }) => {}
                    () = stop.cancelled() => {}
                }
                return;
            }
            Next::Stop => return,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// One session, from its beginning to its end, and whether it came to stand.
async fn one(
    core: &Arc<Core>,
    events: &mpsc::Sender<Event>,
    stop: &CancellationToken,
) -> (bool, Parting) {
    let start = tokio::select! {
        start = Session::begin(core, events) => start,
        () = stop.cancelled() => return (false, Parting::Stopped),
    };
    match start {
        Start::Ready(session) => (true, session.run(stop).await),
        Start::Failed(parting) => (false, parting),
    }
}

fn next(parting: &Parting, refusals: &mut u32) -> Next {
    match parting {
        Parting::Stopped => Next::Stop,
        Parting::Closed(close::REPLACED) => Next::Never(End::Replaced),
        Parting::Closed(close::ACCOUNT_GONE)
        | Parting::Failed(Error::Refused {
            code: Code::Suspended,
            ..
        }) => Next::Never(End::AccountGone),
        Parting::Closed(close::POLICY) => {
            *refusals += 1;
            match *refusals {
                1 => Next::AtOnce,
                REFUSALS.. => Next::Never(End::NotAuthenticated),
                _ => Next::Later(Duration::ZERO),
            }
        }
        Parting::Failed(Error::OwnIdentity) => Next::Never(End::OwnIdentity),
        Parting::Failed(Error::Storage(_)) => Next::Never(End::Storage),
        Parting::Failed(Error::Refused {
            code: Code::AuthFailed | Code::Unauthorized | Code::TokenExpired,
            ..
        }) => {
            *refusals += 1;
            match *refusals {
                REFUSALS.. => Next::Never(End::NotAuthenticated),
                _ => Next::Later(Duration::ZERO),
            }
        }
        Parting::Failed(Error::Refused {
            retry_after: Some(wait),
            ..
        }) => Next::Later(*wait),
        Parting::Closed(_) | Parting::Broken | Parting::Failed(_) => Next::Later(Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_begun_again_unless_the_server_means_it() {
        let next = |parting| next(&parting, &mut 0);
        let later = Next::Later(Duration::ZERO);
        assert_eq!(next(Parting::Closed(close::RESTART)), later);
        assert_eq!(next(Parting::Closed(close::NORMAL)), later);
        assert_eq!(next(Parting::Broken), later);
        assert_eq!(next(Parting::Closed(close::POLICY)), Next::AtOnce);
        let never = [
            (close::REPLACED, End::Replaced),
            (close::ACCOUNT_GONE, End::AccountGone),
        ];
        for (code, why) in never {
            assert_eq!(next(Parting::Closed(code)), Next::Never(why));
        }
        let own = Parting::Failed(Error::OwnIdentity);
        assert_eq!(next(own), Next::Never(End::OwnIdentity));
    }

    #[test]
    fn a_refused_signature_is_believed_the_third_time() {
        let refused = || {
            Parting::Failed(Error::Refused {
                code: Code::AuthFailed,
                detail: String::new(),
                retry_after: None,
            })
        };
        let mut refusals = 0;
        let steps = [0; 3].map(|_| next(&refused(), &mut refusals));
        assert_eq!(steps[1], Next::Later(Duration::ZERO));
        assert_eq!(steps[2], Next::Never(End::NotAuthenticated));
    }

    #[test]
    fn a_server_that_says_when_is_asked_no_earlier() {
        let parting = Parting::Failed(Error::Refused {
            code: Code::RateLimited,
            detail: String::new(),
            retry_after: Some(Duration::from_secs(7)),
        });
        assert_eq!(next(&parting, &mut 0), Next::Later(Duration::from_secs(7)));
    }
}
