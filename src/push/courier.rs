//! Works through whom to wake: several at once, each device by itself, and again later where a
//! service has no time or isn't reached.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until, timeout};

use super::endpoint::{Endpoint, InvalidEndpoint};
use super::error::PushError;
use super::figures::{Counters, Figures};
use super::reach::Reach;
use super::service::{self, Say, Secure, Sent, Subscription};
use super::vapid::VapidKey;
use super::wakes::{Noted, Wakes};
use crate::base::{Clock, UserId};

/// Members who are woken at once.
const MOST_AT_ONCE: usize = 16;
/// Devices whose service is to be asked again, at most; beyond it a push is given up.
const MOST_LATER: usize = 10_000;
/// Attempts for one push.
const MOST_ATTEMPTS: u32 = 5;
/// A service that wants more patience than this doesn't get it.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How devices are woken.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which services may be asked.
    pub reach: Reach,
    /// Who is responsible for what is sent, as an https URL, where there is one.
    pub subject: Option<String>,
    /// How long services should keep what they can't deliver.
    pub ttl: Duration,
    /// How long nobody is woken again who didn't come.
    pub pause: Duration,
    /// How long one attempt may take.
    pub patience: Duration,
    /// How long to wait before the second attempt; before each after it four times as long.
    pub backoff: Duration,
}

/// What is known of members, elsewhere.
pub trait Book: Send + Sync {
    /// What a subscription is called there.
    type Tag: Copy + PartialEq + Send;

    /// Whether a member is connected, and need not be woken.
    fn is_connected(&self, user: UserId) -> bool;
    /// The subscriptions of a member; none where they can't be read.
    fn subscriptions(
        &self,
        user: UserId,
    ) -> impl Future<Output = Vec<(Self::Tag, Subscription)>> + Send;
    /// A subscription has ended.
    fn ended(&self, user: UserId, tag: Self::Tag) -> impl Future<Output = ()> + Send;
}

/// Wakes devices. Cheap to clone; every clone is the same.
#[derive(Debug, Clone)]
pub struct Push(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    key: RwLock<Arc<VapidKey>>,
    tls: Arc<dyn Secure>,
    clock: Clock,
    wakes: Wakes,
    counters: Counters,
}

/// A member to be woken, or one device of theirs once more.
struct Errand<T> {
    user: UserId,
    device: Option<T>,
    attempt: u32,
}

impl Push {
    /// Wakes with `key`, over connections that `tls` encrypts.
    pub fn new(settings: Settings, key: VapidKey, tls: Arc<dyn Secure>, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            wakes: Wakes::new(settings.pause),
            settings,
            key: RwLock::new(Arc::new(key)),
            tls,
            clock,
            counters: Counters::default(),
        }))
    }

    /// There is something for `user`, who isn't connected. Never waits.
    pub fn wake(&self, user: UserId) {
        if self.0.wakes.add(user, self.0.clock.now()) == Noted::Full {
            self.0.counters.dropped.increment();
        }
    }

    /// `user` is connected.
    pub fn arrived(&self, user: UserId) {
        self.0.wakes.arrived(user);
    }

    /// The public key that clients subscribe with: 65 bytes.
    pub fn public_key(&self) -> Vec<u8> {
        self.key().public().to_vec()
    }

    /// Signs with another key from now on. Services refuse it for every subscription there is.
    pub fn replace_key(&self, key: VapidKey) {
        let mut current = self.0.key.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(key);
    }

    /// The endpoint `text`, if it may be asked.
    pub fn endpoint(&self, text: &str) -> Result<Endpoint, InvalidEndpoint> {
        let endpoint = Endpoint::parse(text)?;
        self.0.settings.reach.check(&endpoint)?;
        Ok(endpoint)
    }

    /// Who is responsible for what is sent.
    pub fn subject(&self) -> Option<&str> {
        self.0.settings.subject.as_deref()
    }

    /// Wakes one device, by one attempt.
    pub async fn send(&self, subscription: &Subscription) -> Result<Sent, PushError> {
        let (settings, key) = (&self.0.settings, self.key());
        let say = Say {
            key: &key,
            subject: settings.subject.as_deref(),
            ttl: settings.ttl,
            now: self.0.clock.now(),
        };
        let sending = service::send(subscription, say, &settings.reach, &*self.0.tls);
        let outcome = timeout(settings.patience, sending).await;
        let outcome = outcome.unwrap_or(Err(PushError::Silent));
        match &outcome {
            Ok(Sent::Taken(_)) => self.0.counters.sent.increment(),
            Ok(Sent::Gone(_)) => self.0.counters.gone.increment(),
            Err(_) => {}
        }
        outcome
    }

    /// What was counted.
    pub fn figures(&self) -> Figures {
        self.0.counters.read(self.0.wakes.len())
    }

    /// Wakes whoever is to be woken, for ever.
    pub async fn run<B: Book>(&self, book: &B) {
        let mut under_way = FuturesUnordered::new();
        let mut later = Later::default();
        loop {
            let has_room = under_way.len() < MOST_AT_ONCE;
            tokio::select! {
                Some(again) = under_way.next(), if !under_way.is_empty() => {
                    for (due, errand) in again {
                        self.put_off(&mut later, due, errand);
                    }
                }
                errand = later.next(), if has_room => under_way.push(self.attend(book, errand)),
                user = self.0.wakes.next(), if has_room => {
                    let errand = Errand { user, device: None, attempt: 1 };
                    under_way.push(self.attend(book, errand));
                }
            }
        }
    }

    /// Does what is to be done, and says what is left of it for later.
    async fn attend<B: Book>(
        &self,
        book: &B,
        errand: Errand<B::Tag>,
    ) -> Vec<(Instant, Errand<B::Tag>)> {
        let Errand {
            user,
            device,
            attempt,
        } = errand;
        let mut again = Vec::new();
        if book.is_connected(user) {
            return again;
        }
        for (tag, subscription) in book.subscriptions(user).await {
            if device.is_some_and(|device| device != tag) {
                continue;
            }
            match self.send(&subscription).await {
                Ok(Sent::Taken(_)) => {}
                Ok(Sent::Gone(_)) => book.ended(user, tag).await,
                Err(error) => match self.due(&error, attempt) {
                    Some(due) => again.push((
                        due,
                        Errand {
                            user,
                            device: Some(tag),
                            attempt: attempt + 1,
                        },
                    )),
                    None => self.give_up(&error),
                },
            }
        }
        again
    }

    /// When to try again; none where that doesn't help, or was tried often enough.
    fn due(&self, error: &PushError, attempt: u32) -> Option<Instant> {
        let asked = error.pause().filter(|asked| *asked <= LONGEST_PAUSE)?;
        if attempt >= MOST_ATTEMPTS {
            return None;
        }
        let own = self.0.settings.backoff * 4u32.pow(attempt - 1);
        Some(Instant::now() + own.max(asked))
    }

    fn put_off<T>(&self, later: &mut Later<T>, due: Instant, errand: Errand<T>) {
        if later.len() < MOST_LATER {
            self.0.counters.retried.increment();
            later.add(due, errand);
        } else {
            self.0.counters.dropped.increment();
        }
    }

    fn give_up(&self, error: &PushError) {
        self.0.counters.failed.increment();
        tracing::debug!(%error, "a device was not woken");
    }

    fn key(&self) -> Arc<VapidKey> {
        let key = self.0.key.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&key)
    }
}

/// What is to be tried again, by when.
struct Later<T> {
    order: BinaryHeap<Reverse<(Instant, u64)>>,
    errands: std::collections::HashMap<u64, Errand<T>>,
    next: u64,
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        Self {
            order: BinaryHeap::new(),
            errands: std::collections::HashMap::new(),
            next: 0,
        }
    }
}

impl<T> Later<T> {
    fn add(&mut self, due: Instant, errand: Errand<T>) {
        self.order.push(Reverse((due, self.next)));
        self.errands.insert(self.next, errand);
        self.next += 1;
    }

    fn len(&self) -> usize {
        self.errands.len()
    }

    /// The first that is due, when it is. Cancelling loses nothing.
    async fn next(&mut self) -> Errand<T> {
        loop {
            let Some(Reverse((due, _))) = self.order.peek() else {
                return std::future::pending().await;
            };
            sleep_until(*due).await;
            if let Some(Reverse((_, number))) = self.order.pop()
                && let Some(errand) = self.errands.remove(&number)
            {
                return errand;
            }
        }
    }
}
