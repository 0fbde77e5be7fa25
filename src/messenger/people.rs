//! Members, as operators see and change them.

use std::time::Duration;

use super::operator::{Operator, OperatorError};
use super::rotation::see_through;
use super::standing::Bar;
use super::{Messenger, error::Error};
use crate::base::{Private, Timestamp, UserId};
use crate::hub::Farewell;
use crate::store::{self, Change, Changed, MAX_PREKEYS, MOST_PEOPLE, NO_IDENTITY, PersonFigures};
use crate::wire::people::{
    Audit, Deed, NewInvite, Standing, SuspendRequest, Suspension, User, UserLimit, UserLimits,
    UserReport, Users,
};

/// The characters of an id that the audit keeps.
const NOTED: usize = 8;
/// The fewest characters of an id that are shown.
const SHOWN: usize = 4;
/// The longest a suspension may last before it ends by itself.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);
/// The most characters of a reason.
const MOST_WORDS: usize = 200;
/// The most deeds in one answer.
const MOST_TOLD: usize = 10_000;

impl Operator {
    /// One page of members in the order of their ids, after the one called `after`.
    pub async fn users(
        &self,
        after: Option<UserId>,
        limit: Option<usize>,
    ) -> Result<Users, OperatorError> {
        let limit = limit.unwrap_or(MOST_PEOPLE);
        if !(1..=MOST_PEOPLE).contains(&limit) {
            return Err(Error::field("limit", "expected 1 to 1000").into());
        }
        let Some(first) = after.map_or(Some(0), next_number) else {
            return Ok(Users {
                users: Vec::new(),
                more: false,
            });
        };
        let first = UserId::from_bytes(first.to_be_bytes());
        // One more, to see whether there is one.
        let people = self.messenger.store.people(first, limit).await?;
        let more = match people
            .last()
            .and_then(|last| next_number(last.account.user))
        {
            Some(next) if people.len() == limit => {
                let (next, last) = (next.to_be_bytes(), [255; 16]);
                let range = (UserId::from_bytes(next), UserId::from_bytes(last));
                let store = &self.messenger.store;
                !store.users_between(range.0, range.1, 1).await?.is_empty()
            }
            _ => false,
        };
        let users = people.into_iter().map(|it| self.messenger.describe(it));
        Ok(Users {
            users: users.collect(),
            more,
        })
    }

    /// The member that `name` means.
    pub async fn user(&self, name: &str) -> Result<UserReport, OperatorError> {
        let user = self.find(name).await?;
        self.report(user).await
    }

    async fn report(&self, user: UserId) -> Result<UserReport, OperatorError> {
        let store = &self.messenger.store;
        let person = store.people(user, 1).await?.pop();
        let person = person.filter(|person| person.account.user == user);
        let keys = store.key_status(user).await?;
        let (Some(person), Some(keys)) = (person, keys) else {
            return Err(OperatorError::NoSuchUser);
        };
        Ok(UserReport {
            user: self.messenger.describe(person),
            one_time_prekeys: keys.count.into(),
        })
    }

    /// What the member that `name` means may use, and uses.
    pub async fn user_limits(&self, name: &str) -> Result<UserLimits, OperatorError> {
        let report = self.user(name).await?;
        Ok(UserLimits {
            limits: self.messenger.limits_of(&report),
        })
    }

    /// Bars the member that `name` means.
    pub async fn suspend_user(
        &self,
        name: &str,
        request: SuspendRequest,
    ) -> Result<UserReport, OperatorError> {
        let term = request.ttl.map(Duration::from_secs);
        if term.is_some_and(|term| term.is_zero() || term > LONGEST) {
            return Err(Error::field("ttl", "expected 1 to 315360000 seconds").into());
        }
        let reason = request.reason.as_deref().map(check_reason).transpose()?;
        let user = self.find(name).await?;
        let since = self.messenger.clock.now();
        let suspension = store::Suspension {
            since,
            until: term.map(|term| since.saturating_add(term)),
            reason: reason.clone(),
        };
        let until = suspension.until.map(|until| format!("until {until}"));
        let note: Vec<String> = until.into_iter().chain(reason).collect();
        let note = (!note.is_empty()).then(|| note.join(": "));
        let deed = self.deed("user suspend", Some(noted(user)), note);
        self.messenger.bar(user, suspension, deed).await?;
        self.report(user).await
    }

    /// Lets the member in again that `name` means.
    pub async fn resume_user(&self, name: &str) -> Result<UserReport, OperatorError> {
        let user = self.find(name).await?;
        let deed = self.deed("user resume", Some(noted(user)), None);
        self.messenger.unbar(user, deed).await?;
        self.report(user).await
    }

    /// Ends everything that the keys of a member can do, at once: tokens, socket, calls, prekeys and
    /// all messages to them and from them. What is returned gives the account a new identity.
    pub async fn reset_user(&self, name: &str) -> Result<NewInvite, OperatorError> {
        let user = self.find(name).await?;
        let deed = self.deed("user reset", Some(noted(user)), None);
        let messenger = self.messenger.clone();
        see_through(async move {
            let (code, hash, invite) = messenger.draw_recovery(user);
            let change = Change::Reset(user, (*hash.as_bytes(), invite));
            // First, so that nothing more is taken from them meanwhile.
            messenger.forget_mailbox(user);
            if messenger.store.operate(change, deed).await? == Changed::Missing {
                return Err(OperatorError::NoSuchUser);
            }
            messenger.evict(user, Farewell::Revoked).await;
            Ok(messenger.told(&code, hash, &invite))
        })
        .await
    }

    /// Deletes the member that `name` means, and everything that is theirs.
    pub async fn delete_user(&self, name: &str) -> Result<(), OperatorError> {
        let user = self.find(name).await?;
        let deed = self.deed("user delete", Some(noted(user)), None);
        let messenger = self.messenger.clone();
        see_through(async move {
            let owner_tag = messenger.secrets.contact_key.owner_tag(user);
            let change = Change::Delete(user, *owner_tag.as_bytes());
            messenger.forget_mailbox(user);
            if messenger.store.operate(change, deed).await? == Changed::Missing {
                return Err(OperatorError::NoSuchUser);
            }
            messenger.evict(user, Farewell::AccountGone).await;
            Ok(())
        })
        .await
    }

    /// What operators did since `since`; of more than `limit`, the last.
    pub async fn audit(
        &self,
        since: Timestamp,
        limit: Option<usize>,
    ) -> Result<Audit, OperatorError> {
        let limit = limit.unwrap_or(MOST_TOLD).min(MOST_TOLD);
        let deeds = self.messenger.store.deeds(since, limit).await?;
        let told = deeds.into_iter().map(|recorded| Deed {
            seq: recorded.seq,
            at: recorded.deed.at,
            uid: recorded.deed.by,
            action: recorded.deed.action.into_owned(),
            subject: recorded.deed.subject,
            note: recorded.deed.note,
        });
        Ok(Audit {
            deeds: told.collect(),
        })
    }
}

impl Messenger {
    fn describe(&self, person: PersonFigures) -> User {
        let account = person.account;
        let now = self.clock.now();
        let holds = |suspension: &store::Suspension| Bar::of(suspension).holds(now);
        let is_barred = account.standing == store::Standing::Suspended;
        let over = person.suspension.as_ref().is_some_and(|it| !holds(it));
        let suspension = person.suspension.filter(|_| is_barred && !over);
        let id = account.user.to_string();
        User {
            user_id: account.user,
            short_id: id[..person.prefix.max(SHOWN).min(id.len())].to_owned(),
            public_name: account.public_name.map(Private),
            member_since: Timestamp::of_day(account.member_since).date(),
            last_seen: Timestamp::of_day(account.last_seen).date(),
            online: self.hub.find(account.user).is_some(),
            standing: if is_barred && !over {
                Standing::Suspended
            } else if account.identity_key == NO_IDENTITY {
                Standing::Reset
            } else {
                Standing::Active
            },
            suspension: suspension.map(|it| Suspension {
                since: it.since,
                until: it.until,
                reason: it.reason,
            }),
            queued_messages: person.queued_messages,
            queued_bytes: person.queued_bytes,
        }
    }

    fn limits_of(&self, report: &UserReport) -> Vec<UserLimit> {
        let rules = self.rules();
        let (messages, limits) = (&self.settings.messages, &rules.limits);
        let user = &report.user;
        let row = |setting: &str, what: &str, used, limit: String| UserLimit {
            setting: Some(setting.to_owned()),
            what: what.to_owned(),
            used,
            limit,
        };
        vec![
            row(
                "messages.queue_messages",
                "messages waiting",
                Some(user.queued_messages),
                messages.queue_messages.to_string(),
            ),
            row(
                "messages.queue_bytes",
                "their bytes",
                Some(user.queued_bytes),
                messages.queue_bytes.to_string(),
            ),
            row(
                "messages.queue_stranger_messages",
                "of them from one stranger",
                None,
                messages.queue_stranger_messages.to_string(),
            ),
            UserLimit {
                setting: None,
                what: "one-time prekeys".to_owned(),
                used: Some(report.one_time_prekeys),
                limit: MAX_PREKEYS.to_string(),
            },
            row(
                "limits.messages",
                "messages sent",
                None,
                limits.messages.to_string(),
            ),
            row(
                "limits.messages_burst",
                "of them at once",
                None,
                limits.messages_burst.to_string(),
            ),
            row("limits.token", "logins", None, limits.token.to_string()),
            row(
                "limits.call_starts",
                "calls started",
                None,
                limits.call_starts.to_string(),
            ),
            row(
                "limits.call_starts_pair",
                "of them to one other",
                None,
                limits.call_starts_pair.to_string(),
            ),
            row(
                "limits.turn_credentials",
                "relay credentials",
                None,
                limits.turn_credentials.to_string(),
            ),
        ]
    }

    /// Puts a mailbox out of memory whose account is about to change under it.
    fn forget_mailbox(&self, user: UserId) {
        self.mailboxes.forget(user);
    }
}

/// The id after this one, as a number.
fn next_number(user: UserId) -> Option<u128> {
    u128::from_be_bytes(*user.as_bytes()).checked_add(1)
}

/// What the audit keeps of an id.
fn noted(user: UserId) -> String {
    user.to_string()[..NOTED].to_owned()
}

fn check_reason(reason: &str) -> Result<String, Error> {
    let reason = reason.trim();
    let is_plain = !reason.chars().any(char::is_control);
    if is_plain && (1..=MOST_WORDS).contains(&reason.chars().count()) {
        return Ok(reason.to_owned());
    }
    Err(Error::field(
        "reason",
        "expected 1 to 200 characters, none of them control",
    ))
}
