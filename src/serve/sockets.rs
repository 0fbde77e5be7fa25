//! Sockets that systemd opened for the daemon: ports below 1024 need a right that it doesn't have.

use std::env;
use std::net::TcpListener;
use std::sync::Arc;

use listenfd::ListenFd;

use super::error::ServeError;

/// Sockets that listen already, by what they are for.
#[derive(Debug, Default)]
pub struct Sockets {
    /// In place of `server.listen`.
    pub(super) http: Vec<TcpListener>,
    /// In place of `turn.tls_listen`.
    pub(super) turn_tls: Vec<Arc<TcpListener>>,
}

impl Sockets {
    /// What this process inherited (`LISTEN_FDS`, sd_listen_fds(3)), none where nothing was. To be
    /// called once, before there are threads: it takes the variables out of the environment.
    ///
    /// # Errors
    ///
    /// A socket has no name that is known, or is none for TCP.
    pub fn inherited() -> Result<Self, ServeError> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut descriptors = ListenFd::from_env();
        let mut names = names.split(':');
        let mut sockets = Self::default();
        for index in 0..descriptors.len() {
            let name = names.next().unwrap_or_default();
            let socket =
                descriptors
                    .take_tcp_listener(index)
                    .map_err(|source| ServeError::Socket {
                        name: name.to_owned(),
                        source,
                    })?;
            match (name, socket) {
                (_, None) => {}
                ("http", Some(socket)) => sockets.http.push(socket),
                ("turn-tls", Some(socket)) => sockets.turn_tls.push(Arc::new(socket)),
                (name, Some(_)) => return Err(ServeError::UnknownSocket(name.to_owned())),
            }
        }
        Ok(sockets)
    }
}
