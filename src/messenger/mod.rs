//! Floor 4: the use cases, the only place where rules meet state.
//!
//! What somebody may do is what their scope offers: a [`Visitor`] has no token, a [`Member`] has
//! one, a [`Session`] is a member's open socket, an [`Operator`] came by the admin socket. Doors (http,
//! ws, admin) hold one of these and nothing else of the house.

mod accounts;
mod callers;
mod codes;
mod collect;
mod contacts;
mod deliver;
mod delivered;
mod error;
mod event;
mod figures;
mod forgetting;
mod health;
mod history;
mod limits;
mod mailbox;
mod operator;
mod outside;
mod parse;
mod passes;
mod people;
mod prekeys;
mod presence;
mod push;
mod queue;
mod relay;
mod resolve;
mod rotation;
mod scope;
mod session;
mod signal;
mod standing;
mod told;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use error::Error;
pub use event::{Event, Letter, Receipt};
pub use figures::{Figures, Words};
pub use operator::{Operator, OperatorError, Overview};
pub use outside::PROOF_RATE;
pub use relay::{RelayAccess, RelayPlace, RelaySecret};
pub use rotation::{Old, Vault};
pub use scope::{Knock, Member, Peer, Registration, Visitor};
pub use session::{Session, Welcome};
pub use signal::Verdict;

use self::delivered::Delivered;
use self::figures::Counters;
use self::health::LastHealth;
use self::limits::Limits;
use self::mailbox::{Contents, Mailbox, Mailboxes};
use self::outside::Outside;
use self::passes::Passes;
use self::prekeys::Handouts;
use self::presence::Attendance;
use self::queue::Queue;
use self::rotation::{CurrentKey, Safe};
use self::scope::WaitingRoom;
use self::signal::Calls;
use crate::auth::{ChallengeKey, Secrets, TokenId, UsedNonces};
use crate::base::{BoundedMap, Clock, Secret, Timestamp, UserId};
use crate::config::{self, RegistrationMode};
use crate::hub::{Farewell, Hub};
use crate::push::Push;
use crate::store::{QueueEntry, Store, StoreError};
use crate::wire::body::ContactState;

/// What the use cases need to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The origins that clients may have signed; the first is the one that is told.
    pub origins: Vec<String>,
    /// What may change while the daemon runs.
    pub rules: Rules,
    /// How long a token lives.
    pub token_ttl: std::time::Duration,
    /// Queues.
    pub messages: config::Messages,
    /// Calls.
    pub calls: config::Calls,
    /// Who sees that somebody is there.
    pub presence: config::Presence,
}

/// What the operator may change without a restart.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Who may register.
    pub registration: RegistrationMode,
    /// Whether a registration must prove that it holds its key.
    pub require_proof: bool,
    /// Rates and sizes.
    pub limits: config::Limits,
}

/// The rooms below that the use cases work with.
#[derive(Debug)]
pub struct Rooms {
    /// The database.
    pub store: Store,
    /// Who is connected.
    pub hub: Hub<Event>,
    /// The media relays, where there are any.
    pub relay: Option<RelayAccess>,
    /// Notifications, where they are switched on.
    pub push: Option<Push>,
    /// Keys of this daemon.
    pub secrets: Secrets,
    /// Where they are kept.
    pub vault: Arc<dyn Vault>,
    /// The time.
    pub clock: Clock,
}

/// The use cases. Cheap to clone; every clone is the same messenger.
#[derive(Debug, Clone)]
pub struct Messenger(Arc<Core>);

/// What all use cases share.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    /// In place of those in the settings.
    rules: RwLock<Arc<Rules>>,
    store: Store,
    hub: Hub<Event>,
    relay: Option<RelayAccess>,
    push: Option<Push>,
    /// The keys of which there is only ever one.
    secrets: Secrets,
    token_key: CurrentKey,
    safe: Safe,
    clock: Clock,
    /// Drawn at every start: the memory of used nonces ends with the process, so nonces do too.
    challenge_key: ChallengeKey,
    used_logins: Mutex<UsedNonces>,
    used_registrations: Mutex<UsedNonces>,
    /// Tokens that came in a query string: each is taken there once.
    used_queries: Mutex<BoundedMap<TokenId, Timestamp>>,
    limits: Limits,
    mailboxes: Mailboxes,
    handouts: Handouts,
    waiting: WaitingRoom,
    calls: Calls,
    attendance: Attendance,
    next_seq: AtomicU64,
    last_health: LastHealth,
    delivered: Delivered,
    counters: Counters,
    passes: Passes,
    outside: Outside,
    epoch: u64,
}

impl Deref for Messenger {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.0
    }
}

/// Logins remembered for the minute in which they could be replayed: ten a minute and member.
const MOST_LOGINS: usize = 131_072;
/// Registrations remembered likewise.
const MOST_REGISTRATIONS: usize = 16_384;
/// Tokens of query strings remembered for the minute in which they are taken.
const MOST_QUERIES: usize = 65_536;

impl Messenger {
    /// Whether `text` is a pass for a socket that is only to be held, which it no longer is after
    /// this. Notes from where whoever waited at the door came.
    pub fn redeem_pass(&self, text: &str, knock: Option<&Knock>) -> bool {
        let now = self.clock.now();
        let is_good = self.passes.redeem(text, knock.map(Knock::address), now);
        if is_good {
            self.outside.came_in(text, now);
        }
        is_good
    }

    /// The use cases over these rooms.
    pub async fn new(settings: Settings, rooms: Rooms) -> Result<Self, StoreError> {
        let next_seq = rooms.store.next_seq().await?;
        let epoch = rooms.store.epoch().await?;
        let core = Core {
            limits: Limits::new(&settings.rules.limits),
            waiting: WaitingRoom::new(&settings.rules.limits),
            rules: RwLock::new(Arc::new(settings.rules.clone())),
            calls: Calls::new(&settings.calls, &settings.rules.limits),
            attendance: Attendance::new(&settings.presence),
            settings,
            store: rooms.store,
            hub: rooms.hub,
            relay: rooms.relay,
            push: rooms.push,
            token_key: CurrentKey::new(rooms.secrets.token_key.clone()),
            safe: Safe::new(rooms.vault, rooms.secrets.clone()),
            secrets: rooms.secrets,
            clock: rooms.clock,
            challenge_key: ChallengeKey::new(Secret::random()),
            used_logins: Mutex::new(UsedNonces::new(MOST_LOGINS)),
            used_registrations: Mutex::new(UsedNonces::new(MOST_REGISTRATIONS)),
            used_queries: Mutex::new(BoundedMap::new(MOST_QUERIES)),
            mailboxes: Mailboxes::default(),
            handouts: Handouts::default(),
            next_seq: AtomicU64::new(next_seq),
            last_health: LastHealth::default(),
            delivered: Delivered::default(),
            counters: Counters::default(),
            passes: Passes::default(),
            outside: Outside::default(),
            epoch,
        };
        Ok(Self(Arc::new(core)))
    }

    /// What somebody without a token may do.
    pub fn visitor(&self, peer: Peer) -> Visitor {
        Visitor::new(self.clone(), peer)
    }

    /// What the owner of `token` may do.
    pub async fn authenticate(&self, token: &str) -> Result<Member, Error> {
        self.counted(self.check_token(token).await)
    }

    /// The same for a token that came in a query string: taken once, and only young (PROTOCOL.md §3).
    pub async fn authenticate_query(&self, token: &str) -> Result<Member, Error> {
        self.counted(self.check_query_token(token).await)
    }

    /// Counts tokens that are refused.
    fn counted(&self, outcome: Result<Member, Error>) -> Result<Member, Error> {
        outcome.inspect_err(|error| self.counters.tokens_refused.count(error.code()))
    }

    /// What whoever runs this daemon may do. For the admin door only.
    pub fn operator(&self) -> Operator {
        Operator::new(self.clone())
    }

    /// Goes by other rules from now on. What was allowed before stands.
    pub fn change(&self, rules: Rules) {
        self.limits.change(&rules.limits);
        self.waiting.change(&rules.limits);
        self.calls.change(&rules.limits);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// Ends every session, telling clients why.
    pub fn close_sessions(&self, farewell: Farewell) {
        self.hub.close_all(farewell);
    }

    /// The time, as the use cases see it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn rules(&self) -> Arc<Rules> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&rules)
    }

    /// The mailbox of `owner`, loaded if need be.
    async fn mailbox(&self, owner: UserId) -> Result<Arc<Mailbox>, Error> {
        self.mailboxes
            .open(owner, async || self.load(owner).await)
            .await
    }

    async fn load(&self, owner: UserId) -> Result<Contents, Error> {
        let account = self.store.account(owner).await?;
        let account = account.ok_or(Error::UserNotFound)?;
        let contacts: HashMap<_, _> = self.load_contacts(owner).await?.into_iter().collect();
        let mut rows = self.store.queue(owner).await?;
        // Let go of before a crash, or blocked while it waited: not heard either way.
        let unheard =
            |row: &mut QueueEntry| contacts.get(&row.sender) == Some(&ContactState::Blocked);
        let unheard: Vec<u64> = rows.extract_if(.., unheard).map(|row| row.seq).collect();
        if !unheard.is_empty() {
            self.store.remove_soon(owner, &unheard);
        }
        let bar = self.load_bar(&account).await?;
        let takes_part = self.attendance.is_on() && self.store.takes_part(owner).await?;
        Ok(Contents {
            queue: Queue::load(rows),
            contacts,
            bar,
            takes_part,
            tokens_since: account.tokens_since,
        })
    }

    /// Runs a change to its end, even if the request that asked for it goes away: what is in memory
    /// must follow what the store has.
    async fn see_through<T: Send + 'static>(
        change: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        // Nobody aborts it, so what keeps it from an answer is a panic.
        tokio::spawn(change).await.unwrap_or(Err(Error::Internal))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store refused");
        match error {
            StoreError::Full => Self::StorageFull,
            StoreError::Closed => Self::Capacity("the server is stopping; connect again"),
            _ => Self::Internal,
        }
    }
}
