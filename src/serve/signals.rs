//! SIGTERM and SIGINT, which mean the same, and SIGHUP: a terminal that closes takes its daemon
//! along in order, and from a service manager it asks for a reload.

use std::io::{IsTerminal, stdin};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::ServeError;

/// What somebody wants of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To end.
    Stop,
    /// To read its configuration again.
    Reload,
}

/// Hears what somebody wants of the daemon.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    has_terminal: bool,
}

impl Signals {
    /// Begins to listen. From here on none of them kills the process by itself.
    pub(super) fn listen() -> Result<Self, ServeError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(ServeError::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(ServeError::Signals)?,
            hangup: signal(SignalKind::hangup()).map_err(ServeError::Signals)?,
            has_terminal: stdin().is_terminal(),
        })
    }

    /// The next wish.
    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hangup.recv() => if self.has_terminal { Wish::Stop } else { Wish::Reload },
        }
    }

    /// Resolves at the next wish to end.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Wish::Stop {}
    }
}
