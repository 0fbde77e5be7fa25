//! SIGTERM and SIGINT, which mean the same, and SIGHUP: a terminal that closes takes its daemon
//! along in order, and a service manager that asks for a reload is told that there is none yet.

use std::io::{IsTerminal, stdin};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::ServeError;

/// Hears when somebody wants the daemon to stop.
#[derive(Debug)]
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    has_terminal: bool,
}

impl Stop {
    /// Begins to listen. From here on none of them kills the process by itself.
    pub(super) fn listen() -> Result<Self, ServeError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(ServeError::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(ServeError::Signals)?,
            hangup: signal(SignalKind::hangup()).map_err(ServeError::Signals)?,
            has_terminal: stdin().is_terminal(),
        })
    }

    /// Resolves at the next signal that means it.
    pub(super) async fn asked(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    if self.has_terminal {
                        return;
                    }
                    tracing::warn!("no setting can be reloaded in this version; restart instead");
                }
            }
        }
    }
}
