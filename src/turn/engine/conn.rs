//! The two ends of the engine's world: one that catches its answers, one that stays silent.

use std::any::Any;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use webrtc_util::{Conn, Error};

use super::Gone;

/// The client's side: what the engine sends is kept instead of sent.
pub(super) struct Capture {
    local: SocketAddr,
    answer: Mutex<Option<Vec<u8>>>,
}

impl Capture {
    pub(super) fn new(local: SocketAddr) -> Self {
        Self {
            local,
            answer: Mutex::new(None),
        }
    }

    /// What the engine sent, if it did.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        self.answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

#[async_trait]
impl Conn for Capture {
    async fn connect(&self, _addr: SocketAddr) -> Result<(), Error> {
        Ok(())
    }

    async fn recv(&self, _buf: &mut [u8]) -> Result<usize, Error> {
        pending().await
    }

    async fn recv_from(&self, _buf: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        pending().await
    }

    async fn send(&self, buf: &[u8]) -> Result<usize, Error> {
        self.send_to(buf, self.local).await
    }

    async fn send_to(&self, buf: &[u8], _target: SocketAddr) -> Result<usize, Error> {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(buf.to_vec());
        Ok(buf.len())
    }

    fn local_addr(&self) -> Result<SocketAddr, Error> {
        Ok(self.local)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

/// The peers' side: a relayed address without a socket. It never receives, because an error from
/// there would make the engine drop whatever allocation its client has by then.
pub(super) struct Silent {
    relayed: SocketAddr,
    gone: Gone,
}

impl Silent {
    pub(super) fn new(relayed: SocketAddr, gone: Gone) -> Self {
        Self { relayed, gone }
    }

    pub(super) fn relayed(&self) -> SocketAddr {
        self.relayed
    }
}

#[async_trait]
impl Conn for Silent {
    async fn connect(&self, _addr: SocketAddr) -> Result<(), Error> {
        Ok(())
    }

    async fn recv(&self, _buf: &mut [u8]) -> Result<usize, Error> {
        pending().await
    }

    async fn recv_from(&self, _buf: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        pending().await
    }

    async fn send(&self, buf: &[u8]) -> Result<usize, Error> {
        Ok(buf.len())
    }

    async fn send_to(&self, buf: &[u8], _target: SocketAddr) -> Result<usize, Error> {
        Ok(buf.len())
    }

    fn local_addr(&self) -> Result<SocketAddr, Error> {
        Ok(self.relayed)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }

    async fn close(&self) -> Result<(), Error> {
        (self.gone)();
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}
