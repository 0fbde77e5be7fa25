//! Notifications: what wakes a member who isn't connected when a message waits for them.

use futures_util::future::join_all;

use super::Messenger;
use super::error::Error;
use super::operator::{Operator, OperatorError};
use super::rotation::see_through;
use super::scope::Member;
use crate::auth::{self, SubscriptionTag};
use crate::base::{UserId, random};
use crate::push::{Book, Platform, Push, Sent, Subscription, VapidKey};
use crate::store::Update;
use crate::wire::binary;
use crate::wire::push::{
    PushPlatform, PushState, PushTested, PushTokenRequest, PushedDevice, VapidKeyResponse,
};

const OFF: Error = Error::NotFound("this server sends no notifications");

impl Member {
    /// The key to subscribe with.
    pub fn vapid_key(&self) -> Result<VapidKeyResponse, Error> {
        let push = self.messenger().push.as_ref().ok_or(OFF)?;
        Ok(VapidKeyResponse {
            vapid_key: binary::encode(&push.public_key()),
        })
    }

    /// Notes where one of this member's devices is woken, or that it still is there.
    pub async fn put_push_token(&self, request: PushTokenRequest) -> Result<(), Error> {
        let messenger = self.messenger();
        let push = messenger.push.as_ref().ok_or(OFF)?;
        self.count_change()?;
        let platform = platform(request.platform)?;
        push.endpoint(&request.token.0)
            .map_err(|invalid| Error::field("token", invalid.to_string()))?;
        let subscription = auth::Subscription {
            platform: number(platform),
            endpoint: request.token.0,
        };
        let (key, user) = (&messenger.secrets.contact_key, self.user());
        let tag = key.subscription_tag(user, &subscription.endpoint);
        let sealed = key.seal_subscription(user, &subscription, random::draw());
        let day = messenger.clock.now().day();
        let stored = messenger
            .store
            .put_subscription(user, *tag.as_bytes(), day, sealed);
        match stored.await? {
            Update::Applied => Ok(()),
            Update::NoSuchUser => Err(Error::TokenExpired),
        }
    }

    /// Forgets where one of this member's devices is woken.
    pub async fn remove_push_token(&self, request: PushTokenRequest) -> Result<(), Error> {
        let messenger = self.messenger();
        self.count_change()?;
        let key = &messenger.secrets.contact_key;
        let tag = key.subscription_tag(self.user(), &request.token.0);
        let store = &messenger.store;
        Ok(store
            .remove_subscription(self.user(), *tag.as_bytes())
            .await?)
    }
}

impl Messenger {
    /// A message waits for `user`: where nobody is connected, their devices are woken. Never waits.
    pub(super) fn wake(&self, user: UserId) {
        if let Some(push) = &self.push
            && self.hub.find(user).is_none()
        {
            push.wake(user);
        }
    }

    /// Wakes whoever is to be woken, for as long as the daemon runs.
    pub async fn watch_wakes(&self) {
        match &self.push {
            Some(push) => push.run(self).await,
            None => std::future::pending().await,
        }
    }

    /// What was counted of notifications; none where there are none.
    pub fn push_figures(&self) -> Option<crate::push::Figures> {
        self.push.as_ref().map(Push::figures)
    }

    async fn load_subscriptions(
        &self,
        user: UserId,
    ) -> Result<Vec<(SubscriptionTag, Subscription)>, Error> {
        let key = &self.secrets.contact_key;
        let rows = self.store.subscriptions(user).await?;
        let open = |(tag, sealed): ([u8; 16], Vec<u8>)| {
            let opened = key.open_subscription(user, &sealed);
            let opened = opened.inspect_err(|error| {
                tracing::error!(%error, "a subscription doesn't open; were the secrets replaced?");
            });
            let stored = opened.ok()?;
            let subscription = Subscription {
                platform: kind(stored.platform)?,
                endpoint: crate::push::Endpoint::parse(&stored.endpoint).ok()?,
            };
            Some((SubscriptionTag::from_bytes(tag), subscription))
        };
        Ok(rows.into_iter().filter_map(open).collect())
    }
}

impl Book for Messenger {
    type Tag = SubscriptionTag;

    fn is_connected(&self, user: UserId) -> bool {
        self.hub.find(user).is_some()
    }

    async fn subscriptions(&self, user: UserId) -> Vec<(SubscriptionTag, Subscription)> {
        self.load_subscriptions(user).await.unwrap_or_default()
    }

    async fn ended(&self, user: UserId, tag: SubscriptionTag) {
        let removed = self.store.remove_subscription(user, *tag.as_bytes()).await;
        if let Err(error) = removed {
            tracing::warn!(%error, "a subscription that has ended is still there");
        }
    }
}

impl Operator {
    /// How notifications are set up.
    pub async fn push_state(&self) -> Result<PushState, OperatorError> {
        let messenger = &self.messenger;
        let subscriptions = messenger.store.count_subscriptions().await?;
        let push = messenger.push.as_ref();
        let figures = push.map(Push::figures).unwrap_or_default();
        Ok(PushState {
            enabled: push.is_some(),
            vapid_key: push.map(|push| binary::encode(&push.public_key())),
            subject: push.and_then(Push::subject).map(ToOwned::to_owned),
            subscriptions,
            sent: figures.sent,
            failed: figures.failed,
        })
    }

    /// Wakes every device of the member that `name` means, and says what the services answered.
    /// Subscriptions that have ended are forgotten.
    pub async fn test_push(&self, name: &str) -> Result<PushTested, OperatorError> {
        let messenger = &self.messenger;
        let push = messenger.push.as_ref().ok_or(OFF)?;
        let user = self.find(name).await?;
        let devices = messenger.load_subscriptions(user).await?;
        let devices = devices.into_iter().map(|(tag, subscription)| async move {
            let outcome = push.send(&subscription).await;
            if matches!(outcome, Ok(Sent::Gone(_))) {
                messenger.ended(user, tag).await;
            }
            PushedDevice {
                service: subscription.endpoint.host().to_owned(),
                taken: matches!(outcome, Ok(Sent::Taken(_))),
                answer: match outcome {
                    Ok(Sent::Taken(status)) => format!("taken ({status})"),
                    Ok(Sent::Gone(status)) => format!("no longer there ({status}), forgotten"),
                    Err(error) => error.to_string(),
                },
            }
        });
        Ok(PushTested {
            devices: join_all(devices).await,
        })
    }

    /// Signs with a new key. Every subscription was made for the old one, so all are forgotten; clients
    /// subscribe anew when they come.
    pub async fn rotate_push_key(&self) -> Result<PushState, OperatorError> {
        let operator = self.clone();
        see_through(async move {
            let messenger = &operator.messenger;
            let push = messenger.push.as_ref().ok_or(OFF)?;
            let drawn = VapidKey::draw().ok_or(Error::Internal)?;
            let key = VapidKey::read(&drawn).map_err(|_| Error::Internal)?;
            messenger
                .safe
                .change(|secrets| secrets.vapid_key = Some(drawn))
                .await?;
            push.replace_key(key);
            messenger.store.forget_subscriptions(u32::MAX).await?;
            let deed = operator.deed("push rotate-key", None, None);
            messenger.store.note(deed).await?;
            operator.push_state().await
        })
        .await
    }
}

fn platform(asked: PushPlatform) -> Result<Platform, Error> {
    match asked {
        PushPlatform::WebPush => Ok(Platform::WebPush),
        PushPlatform::UnifiedPush => Ok(Platform::UnifiedPush),
        PushPlatform::Android => Err(Error::field(
            "platform",
            "expected webpush or unifiedpush; this server has no account with Google",
        )),
    }
}

const fn number(platform: Platform) -> u8 {
    match platform {
        Platform::WebPush => 1,
        Platform::UnifiedPush => 2,
    }
}

const fn kind(number: u8) -> Option<Platform> {
    match number {
        1 => Some(Platform::WebPush),
        2 => Some(Platform::UnifiedPush),
        _ => None,
    }
}
