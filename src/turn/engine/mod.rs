//! The protocol engine: the only place that names the `turn` crate's server types.
//!
//! Every control message becomes a canonical request that is built and signed here, so that no
//! stranger's byte reaches the crate; its answer is captured and only success or failure is read
//! from it, so that no byte of the crate's reaches the wire. Media never passes here: a relayed
//! address is a name, and its connection is silent until it is closed, which is the event
//! "allocation gone".
//!
//! A client's relayed addresses of both families are two allocations to it, at two addresses of the
//! listener that nobody has. Calls for one 5-tuple must not overlap; the caller holds the control lock.

mod canonical;
mod conn;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use turn::allocation::allocation_manager::{Manager, ManagerConfig};
use turn::allocation::five_tuple::FiveTuple as EngineTuple;
use turn::auth::AuthHandler;
use turn::proto::PROTO_UDP;
use turn::proto::channum::ChannelNumber;
use turn::relay::RelayAddressGenerator;
use turn::server::request::Request;
use webrtc_util::Conn;

use super::allocation::{CHANNEL_LIFETIME, FiveTuple};
use super::message::ErrorCode;
use super::peers::Family;
use canonical::{Canonical, Signer};
use conn::{Capture, Silent};

/// Longer than the engine ever takes, and short enough that a fault in it stops nobody for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest lifetime the engine takes at its word; it reads one of an hour as ten minutes.
const MAX_LIFETIME: Duration = Duration::from_secs(3599);

/// What is to happen when an allocation is gone.
pub(crate) type Gone = Box<dyn Fn() + Send + Sync>;

/// The engine.
pub(crate) struct Engine {
    manager: Arc<Manager>,
    next_address: NextAddress,
    signer: Arc<Signer>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    pub(crate) fn new() -> Self {
        let next_address = NextAddress::default();
        Self {
            manager: Arc::new(Manager::new(ManagerConfig {
                relay_addr_generator: Box::new(next_address.clone()),
                alloc_close_notify: None,
            })),
            next_address,
            signer: Arc::new(Signer::random()),
        }
    }

    /// Opens an allocation with the relayed address that was chosen for it.
    pub(crate) async fn allocate(
        &self,
        tuple: &FiveTuple,
        relayed: SocketAddr,
        lifetime: Duration,
        gone: Gone,
    ) -> Result<(), ErrorCode> {
        self.next_address.set(Silent::new(relayed, gone));
        let request = Canonical::Allocate(lifetime.min(MAX_LIFETIME));
        self.ask(tuple, Family::of(relayed.ip()), &request).await
    }

    /// Gives an allocation more time.
    pub(crate) async fn refresh(
        &self,
        tuple: &FiveTuple,
        family: Family,
        lifetime: Duration,
    ) -> Result<(), ErrorCode> {
        let request = Canonical::Refresh(lifetime.min(MAX_LIFETIME));
        self.ask(tuple, family, &request).await
    }

    /// Ends an allocation, if it is there.
    pub(crate) async fn delete(&self, tuple: &FiveTuple, family: Family) {
        let tuple = engine_tuple(tuple, family);
        let deletion = self.manager.delete_allocation(&tuple);
        if tokio::time::timeout(PATIENCE, deletion).await.is_err() {
            tracing::warn!("the engine did not end an allocation in time");
        }
    }

    /// Gives or renews a permission.
    pub(crate) async fn permit(&self, tuple: &FiveTuple, ip: IpAddr) -> Result<(), ErrorCode> {
        let request = Canonical::CreatePermission(SocketAddr::new(ip, 0));
        self.ask(tuple, Family::of(ip), &request).await
    }

    /// Binds or renews a channel.
    pub(crate) async fn bind(
        &self,
        tuple: &FiveTuple,
        number: u16,
        peer: SocketAddr,
    ) -> Result<(), ErrorCode> {
        let request = Canonical::ChannelBind(number, peer);
        self.ask(tuple, Family::of(peer.ip()), &request).await
    }

    /// Forgets a channel whose time is over by the data plane's account.
    pub(crate) async fn unbind(&self, tuple: &FiveTuple, family: Family, number: u16) {
        let tuple = engine_tuple(tuple, family);
        if let Some(allocation) = self.manager.get_allocation(&tuple).await {
            allocation.remove_channel_bind(ChannelNumber(number)).await;
        }
    }

    /// Hands the crate one canonical request, and reads how it went from the captured answer.
    async fn ask(
        &self,
        tuple: &FiveTuple,
        family: Family,
        request: &Canonical,
    ) -> Result<(), ErrorCode> {
        let capture = Arc::new(Capture::new(listener_address(tuple, family)));
        let Ok(message) = self.signer.write(request) else {
            return Err(ErrorCode::ServerError);
        };
        let nonces = HashMap::from([(Signer::NONCE.to_owned(), tokio::time::Instant::now())]);
        let mut engine_request = Request {
            conn: Arc::clone(&capture) as Arc<dyn Conn + Send + Sync>,
            src_addr: tuple.client,
            buff: message,
            allocation_manager: Arc::clone(&self.manager),
            nonces: Arc::new(tokio::sync::Mutex::new(nonces)),
            auth_handler: Arc::clone(&self.signer) as Arc<dyn AuthHandler + Send + Sync>,
            realm: Signer::REALM.to_owned(),
            channel_bind_timeout: CHANNEL_LIFETIME,
        };
        let handled = tokio::time::timeout(PATIENCE, engine_request.handle_request()).await;
        if handled.is_err() {
            tracing::warn!("the engine did not answer in time");
            return Err(ErrorCode::ServerError);
        }
        canonical::outcome(capture.take())
    }
}

/// The engine knows a listener by an address of its own for each family of relayed addresses, so
/// that none is taken for another.
fn listener_address(tuple: &FiveTuple, family: Family) -> SocketAddr {
    let ip = match family {
        Family::V4 => Ipv4Addr::LOCALHOST.into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, tuple.listener.0)
}

fn engine_tuple(tuple: &FiveTuple, family: Family) -> EngineTuple {
    EngineTuple {
        protocol: PROTO_UDP,
        src_addr: tuple.client,
        dst_addr: listener_address(tuple, family),
    }
}

/// The relayed address that the ledger chose for the allocation about to be opened.
#[derive(Clone, Default)]
struct NextAddress(Arc<Mutex<Option<Arc<Silent>>>>);

impl NextAddress {
    fn set(&self, conn: Silent) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(conn));
    }
}

#[async_trait]
impl RelayAddressGenerator for NextAddress {
    fn validate(&self) -> Result<(), turn::Error> {
        Ok(())
    }

    async fn allocate_conn(
        &self,
        _use_ipv4: bool,
        _requested_port: u16,
    ) -> Result<(Arc<dyn Conn + Send + Sync>, SocketAddr), turn::Error> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let conn = next.ok_or(turn::Error::ErrNilConn)?;
        let relayed = conn.relayed();
        Ok((conn as Arc<dyn Conn + Send + Sync>, relayed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::turn::allocation::ListenerId;

    const TUPLE: FiveTuple = FiveTuple {
        listener: ListenerId(3),
        client: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4000),
    };
    const RELAYED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5)), 5000);

    async fn opened(engine: &Engine, lifetime: u64) -> Arc<AtomicUsize> {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let gone = Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let lifetime = Duration::from_secs(lifetime);
        engine
            .allocate(&TUPLE, RELAYED, lifetime, gone)
            .await
            .unwrap();
        count
    }

    #[tokio::test]
    async fn an_allocation_that_is_deleted_is_gone_once() {
        let engine = Engine::new();
        let gone = opened(&engine, 600).await;
        assert_eq!(gone.load(Ordering::SeqCst), 0);
        engine.delete(&TUPLE, Family::V4).await;
        engine.delete(&TUPLE, Family::V4).await;
        assert_eq!(gone.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_allocation_that_expires_in_the_engine_is_gone_once() {
        let engine = Engine::new();
        let gone = opened(&engine, 3600).await;
        tokio::time::sleep(Duration::from_secs(3598)).await;
        assert_eq!(gone.load(Ordering::SeqCst), 0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(gone.load(Ordering::SeqCst), 1);
        let later = engine
            .refresh(&TUPLE, Family::V4, Duration::from_mins(10))
            .await;
        assert!(later.is_err());
    }

    #[tokio::test]
    async fn the_engine_keeps_what_it_was_told() {
        let engine = Engine::new();
        let _gone = opened(&engine, 600).await;
        let peer = SocketAddr::new(RELAYED.ip(), 5001);
        engine.permit(&TUPLE, peer.ip()).await.unwrap();
        engine.bind(&TUPLE, 0x4000, peer).await.unwrap();
        let tuple = engine_tuple(&TUPLE, Family::V4);
        let allocation = engine.manager.get_allocation(&tuple).await.unwrap();
        assert!(allocation.has_permission(&peer).await);
        let number = ChannelNumber(0x4000);
        assert_eq!(allocation.get_channel_addr(&number).await, Some(peer));

        let other = SocketAddr::new(RELAYED.ip(), 5002);
        assert!(engine.bind(&TUPLE, 0x4000, other).await.is_err());
        engine.unbind(&TUPLE, Family::V4, 0x4000).await;
        engine.bind(&TUPLE, 0x4000, other).await.unwrap();
    }

    #[tokio::test]
    async fn two_listeners_never_share_an_allocation() {
        let engine = Engine::new();
        let _gone = opened(&engine, 600).await;
        let elsewhere = FiveTuple {
            listener: ListenerId(4),
            ..TUPLE
        };
        let lifetime = Duration::from_mins(10);
        let refreshed = async |tuple| engine.refresh(tuple, Family::V4, lifetime).await;
        assert!(refreshed(&TUPLE).await.is_ok());
        assert!(refreshed(&elsewhere).await.is_err());
    }

    #[tokio::test]
    async fn a_client_may_have_an_allocation_of_each_family() {
        let engine = Engine::new();
        let v4 = opened(&engine, 600).await;
        let relayed = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 5001);
        let lifetime = Duration::from_mins(10);
        let nothing = || Box::new(|| ());
        engine
            .allocate(&TUPLE, relayed, lifetime, nothing())
            .await
            .unwrap();
        engine.permit(&TUPLE, RELAYED.ip()).await.unwrap();
        engine.bind(&TUPLE, 0x4000, relayed).await.unwrap();
        engine.delete(&TUPLE, Family::V4).await;
        assert_eq!(v4.load(Ordering::SeqCst), 1);
        assert!(engine.refresh(&TUPLE, Family::V4, lifetime).await.is_err());
        assert!(engine.refresh(&TUPLE, Family::V6, lifetime).await.is_ok());
    }
}
