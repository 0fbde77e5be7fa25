//! What becomes of a request whose sender is known: the rules of RFC 8656, in its order.
//!
//! One request at a time: what is checked against the ledger is still so when it is done.

mod allocate;
mod channel;
mod permission;
mod refresh;
mod replay;

use std::net::{IpAddr, SocketAddr};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::base::UserId;

use super::allocation::{Allocation, FiveTuple, Named};
use super::engine::Engine;
use super::figures::DropReason;
use super::gate::{self, Admitted, Freshness, Gate, Standing};
use super::ledger::Ledger;
use super::message::{Class, ErrorCode, Method, Shape, Writer, attribute};
use super::moment::{Moment, Timekeeper};
use super::outlet::Watches;
use super::peers::{Family, Reached};
use super::settings::ChannelNumbers;
use super::traffic::End;
use replay::Replays;

/// The shortest lifetime an allocation gets (RFC 8656 §7.2: the default is the least).
const MIN_LIFETIME: Duration = Duration::from_mins(10);

/// The longest lifetime an allocation gets (RFC 8656 §7.2 recommends an hour).
const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// What members are told that they speak to (RFC 8489 §14.14): no version, which would tell what it
/// is open to. Strangers aren't told, because their answers are short.
const SOFTWARE: &[u8] = b"privcomm";

/// The ledger with the time: what the engine's farewell needs too.
#[derive(Debug)]
pub(crate) struct Books {
    ledger: RwLock<Ledger>,
    pub(crate) time: Timekeeper,
}

impl Books {
    pub(crate) fn new(ledger: Ledger, time: Timekeeper) -> Self {
        Self {
            ledger: RwLock::new(ledger),
            time,
        }
    }

    /// The ledger, for a moment: never across a wait.
    pub(crate) fn ledger(&self) -> RwLockWriteGuard<'_, Ledger> {
        self.ledger.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger to look things up in, beside others who do; each shard does once a round.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request is asked amid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) books: &'a std::sync::Arc<Books>,
    pub(crate) public: Option<IpAddr>,
    pub(crate) channels: ChannelNumbers,
    /// Permissions, and channels, of an allocation.
    pub(crate) max_peers: usize,
    /// The address of the listener, unspecified where it listens on all.
    pub(crate) listener: IpAddr,
    /// Every address that is listened on for datagrams.
    pub(crate) listeners: &'a [SocketAddr],
    /// Who serves the sockets of relayed addresses. None: they have none.
    pub(crate) watches: Option<&'a Watches>,
}

/// A request and where it came from.
#[derive(Debug, Clone, Copy)]
struct Ask<'a> {
    request: &'a Admitted<'a>,
    tuple: FiveTuple,
    now: Moment,
    around: Surroundings<'a>,
}

impl Ask<'_> {
    fn shape(&self) -> &Shape<'_> {
        &self.request.shape
    }

    fn ledger(&self) -> RwLockWriteGuard<'_, Ledger> {
        self.around.books.ledger()
    }

    /// An answer that means success, still without integrity.
    fn success(&self) -> Writer {
        let shape = self.shape();
        Writer::new(Class::Success, shape.method, shape.transaction)
    }

    /// Signs an answer the way the request was signed (RFC 8489 §9.2.4).
    fn sign(&self, answer: Writer) -> Vec<u8> {
        let named = answer.attribute(attribute::SOFTWARE, SOFTWARE);
        let signed = named.sign(self.request.algorithm, &self.request.key);
        if self.shape().fingerprinted {
            signed.fingerprint().finish()
        } else {
            signed.finish()
        }
    }

    fn refusal(&self, code: ErrorCode) -> Writer {
        let shape = self.shape();
        Writer::new(Class::Error, shape.method, shape.transaction).explained_error(code)
    }

    fn reached(&self) -> Reached<'_> {
        Reached {
            public: self.around.public,
            listener: self.around.listener,
            listeners: self.around.listeners,
            client: self.tuple.client,
        }
    }

    /// This client's live allocations, at least one and at most one per family, if it is who opened
    /// them.
    fn own(&self) -> Result<Vec<Named>, ErrorCode> {
        let ledger = self.ledger();
        let mut own = Vec::new();
        for allocation in ledger.table.all_of_client(&self.tuple) {
            if !allocation.is_live(self.now) {
                continue;
            }
            if *allocation.username != *self.request.username {
                return Err(ErrorCode::WrongCredentials);
            }
            own.push(allocation.named());
        }
        if own.is_empty() {
            return Err(ErrorCode::AllocationMismatch);
        }
        Ok(own)
    }

    /// Does something to this client's allocation of a family.
    fn with_own<T>(
        &self,
        family: Family,
        change: impl FnOnce(&mut Allocation) -> T,
    ) -> Result<T, ErrorCode> {
        self.ledger()
            .table
            .of_client_mut(&self.tuple, family)
            .map(change)
            .ok_or(ErrorCode::AllocationMismatch)
    }

    /// LIFETIME as asked for; none: it wasn't.
    fn asked_lifetime(&self) -> Result<Option<Duration>, ErrorCode> {
        let value = self.shape().attribute(attribute::LIFETIME);
        value
            .map(|value| {
                let seconds = value.try_into().map_err(|_| ErrorCode::BadRequest)?;
                Ok(Duration::from_secs(u64::from(u32::from_be_bytes(seconds))))
            })
            .transpose()
    }

    /// Every XOR-PEER-ADDRESS, if there is one, all can be read, and each is of the family of one of
    /// these allocations.
    fn peers(&self, own: &[Named]) -> Result<Vec<SocketAddr>, ErrorCode> {
        let shape = self.shape();
        let peers: Option<Vec<SocketAddr>> = shape
            .attributes()
            .filter(|(kind, _)| *kind == attribute::XOR_PEER_ADDRESS)
            .map(|(_, value)| shape.xored_address(value))
            .collect();
        let peers = peers
            .filter(|peers| !peers.is_empty())
            .ok_or(ErrorCode::BadRequest)?;
        let is_reachable = |peer: &SocketAddr| {
            let family = Family::of(peer.ip());
            own.iter().any(|named| named.family == family)
        };
        if !peers.iter().all(is_reachable) {
            return Err(ErrorCode::PeerAddressFamilyMismatch);
        }
        Ok(peers)
    }
}

/// What a request is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// Why it was refused; none: it wasn't.
    pub(crate) refused: Option<ErrorCode>,
}

impl Answer {
    fn success(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            refused: None,
        }
    }

    fn refusal(bytes: Vec<u8>, code: ErrorCode) -> Self {
        Self {
            bytes,
            refused: Some(code),
        }
    }
}

/// The engine and what it takes to use it once per transaction.
#[derive(Debug)]
pub(crate) struct Control {
    engine: Engine,
    replays: Replays,
}

impl Control {
    pub(crate) fn new(max_allocations: usize) -> Self {
        Self {
            engine: Engine::new(),
            replays: Replays::new(max_allocations),
        }
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &mut self,
        request: &Admitted<'_>,
        tuple: FiveTuple,
        around: Surroundings<'_>,
    ) -> Result<Answer, DropReason> {
        let now = around.books.time.now();
        let ask = Ask {
            request,
            tuple,
            now,
            around,
        };
        if !may_proceed(&ask) {
            let code = ErrorCode::Unauthenticated;
            let mut bytes = Vec::new();
            let refused =
                around
                    .gate
                    .refuse_stranger(&request.shape, code, &tuple, now, &mut bytes);
            return refused.map(|code| Answer::refusal(bytes, code));
        }
        let unknown = request.shape.not_understood();
        if !unknown.is_empty() {
            let code = ErrorCode::UnknownAttribute;
            let answer = ask
                .refusal(code)
                .attribute(attribute::UNKNOWN_ATTRIBUTES, &gate::list(&unknown));
            return Ok(Answer::refusal(ask.sign(answer), code));
        }
        if let Some(stored) = self.replays.find(&ask) {
            return Ok(Answer::success(stored));
        }
        match self.serve(&ask).await {
            Ok(answer) => {
                let bytes = ask.sign(answer);
                self.replays.keep(&ask, &bytes);
                Ok(Answer::success(bytes))
            }
            Err(code) => Ok(Answer::refusal(ask.sign(ask.refusal(code)), code)),
        }
    }

    async fn serve(&mut self, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
        match ask.shape().method {
            Method::Allocate => allocate::allocate(&self.engine, ask).await,
            Method::Refresh => refresh::refresh(&self.engine, ask).await,
            Method::CreatePermission => permission::create_permission(&self.engine, ask).await,
            Method::ChannelBind => channel::channel_bind(&self.engine, ask).await,
            Method::Binding | Method::Send | Method::Data => Err(ErrorCode::BadRequest),
        }
    }

    /// Ends what has lapsed: by the data plane's account, whatever the engine's timers say.
    pub(crate) async fn sweep(&mut self, books: &Books) {
        let now = books.time.now();
        let lapsed = books.ledger().lapsed(now);
        self.end(lapsed, End::Expired, books, now).await;
        books.ledger().settle(now);
        self.replays.forget_old(now);
    }

    /// Ends the allocation of a client that can't come back, if it has one.
    pub(crate) async fn leave(&mut self, tuple: &FiveTuple, books: &Books) {
        let theirs = {
            let ledger = books.ledger();
            let all = ledger.table.all_of_client(tuple);
            all.map(Allocation::named).collect()
        };
        self.end(theirs, End::Disconnected, books, books.time.now())
            .await;
    }

    /// Ends a user's allocations, those opened under any of their names included.
    pub(crate) async fn evict(&mut self, user: UserId, names: &[Box<str>], books: &Books) {
        let theirs: Vec<_> = books
            .ledger()
            .table
            .iter()
            .filter(|it| it.holder == gate::Holder::User(user) || names.contains(&it.username))
            .map(Allocation::named)
            .collect();
        self.end(theirs, End::Evicted, books, books.time.now())
            .await;
    }

    async fn end(&mut self, doomed: Vec<Named>, end: End, books: &Books, now: Moment) {
        for named in doomed {
            books.ledger().foretell(&named, end);
            self.engine.delete(&named.tuple, named.family).await;
            books.ledger().close(&named.tuple, named.id, now);
        }
    }
}

/// A credential whose user was evicted since, or that has expired, opens nothing. An expired one
/// still keeps up the allocation that it opened: a call longer than its credential goes on.
fn may_proceed(ask: &Ask<'_>) -> bool {
    if ask.around.gate.standing(ask.request.username) == Standing::Refused {
        return false;
    }
    match ask.request.freshness {
        Freshness::Live => true,
        Freshness::Expired => ask.shape().method != Method::Allocate && ask.own().is_ok(),
    }
}

/// What a client gets for the lifetime it asks: at least ten minutes, at most an hour.
fn granted(asked: Option<Duration>) -> Duration {
    asked
        .unwrap_or(MIN_LIFETIME)
        .clamp(MIN_LIFETIME, MAX_LIFETIME)
}

/// The value of LIFETIME (RFC 8656 §18.2).
fn lifetime_value(lifetime: Duration) -> [u8; 4] {
    u32::try_from(lifetime.as_secs())
        .unwrap_or(u32::MAX)
        .to_be_bytes()
}

/// The family a REQUESTED-ADDRESS-FAMILY or its like asks for (RFC 8656 §18.8).
fn family(value: &[u8]) -> Result<Family, ErrorCode> {
    match value {
        [1, _, _, _] => Ok(Family::V4),
        [2, _, _, _] => Ok(Family::V6),
        [_, _, _, _] => Err(ErrorCode::AddressFamilyNotSupported),
        _ => Err(ErrorCode::BadRequest),
    }
}
