//! Where members' devices are woken, sealed by the caller: the store knows whose they are and when
//! they were last renewed, and not where they lead.

use redb::ReadableTable;

use crate::base::UserId;

use super::accounts::Update;
use super::error::StoreError;
use super::handle::Store;
use super::tables::{SUBSCRIPTIONS, Tables, later_table};

/// So many subscriptions a member has; the one that was renewed longest ago goes first.
pub const MAX_SUBSCRIPTIONS: usize = 8;

/// One of a member's subscriptions: its tag, and what the caller sealed.
pub type SealedSubscription = ([u8; 16], Vec<u8>);

impl Store {
    /// Notes on `day` (days since 1970) that a member has this subscription, over what was there under
    /// its tag.
    pub async fn put_subscription(
        &self,
        user: UserId,
        tag: [u8; 16],
        day: u32,
        sealed: Vec<u8>,
    ) -> Result<Update, StoreError> {
        self.write(move |tables| {
            if tables.account(user)?.is_none() {
                return Ok(Update::NoSuchUser);
            }
            let key = key(user, tag);
            if tables.subscriptions.get(&key)?.is_none() {
                make_room(tables, user)?;
            }
            let mut value = day.to_be_bytes().to_vec();
            value.extend_from_slice(&sealed);
            tables.subscriptions.insert(&key, value.as_slice())?;
            Ok(Update::Applied)
        })
        .await
    }

    /// Forgets a subscription, if there is one.
    pub async fn remove_subscription(&self, user: UserId, tag: [u8; 16]) -> Result<(), StoreError> {
        self.write(move |tables| {
            tables.subscriptions.remove(&key(user, tag))?;
            Ok(())
        })
        .await
    }

    /// The subscriptions of a member.
    pub async fn subscriptions(&self, user: UserId) -> Result<Vec<SealedSubscription>, StoreError> {
        self.read(move |snapshot| {
            let Some(table) = later_table(snapshot.transaction(), SUBSCRIPTIONS)? else {
                return Ok(Vec::new());
            };
            let (first, last) = all_of(user);
            let rows = table.range::<&[u8; 32]>(&first..=&last)?;
            rows.map(|row| {
                let (key, value) = row?;
                Ok((tag_of(key.value()), sealed_of(value.value()).to_vec()))
            })
            .collect()
        })
        .await
    }

    /// How many subscriptions there are, of all members together.
    pub async fn count_subscriptions(&self) -> Result<u64, StoreError> {
        self.read(|snapshot| {
            let table = later_table(snapshot.transaction(), SUBSCRIPTIONS)?;
            let count = table.map(|table| redb::ReadableTableMetadata::len(&table));
            Ok(count.transpose()?.unwrap_or(0))
        })
        .await
    }

    /// Forgets the subscriptions that were last renewed before `day`; `u32::MAX` forgets all. How many.
    pub async fn forget_subscriptions(&self, day: u32) -> Result<usize, StoreError> {
        self.write(move |tables| {
            let mut forgotten = 0;
            tables.subscriptions.retain(|_, value| {
                let stays = day_of(value) >= day;
                forgotten += usize::from(!stays);
                stays
            })?;
            Ok(forgotten)
        })
        .await
    }
}

/// Forgets every subscription of a member.
pub(super) fn remove_all_of(tables: &mut Tables<'_>, user: UserId) -> Result<(), StoreError> {
    let (first, last) = all_of(user);
    tables
        .subscriptions
        .retain_in::<&[u8; 32], _>(&first..=&last, |_, _| false)?;
    Ok(())
}

/// Forgets what was renewed longest ago, where there is no room for another.
fn make_room(tables: &mut Tables<'_>, user: UserId) -> Result<(), StoreError> {
    let (first, last) = all_of(user);
    let mut held = Vec::new();
    for row in tables.subscriptions.range::<&[u8; 32]>(&first..=&last)? {
        let (key, value) = row?;
        held.push((day_of(value.value()), *key.value()));
    }
    if held.len() >= MAX_SUBSCRIPTIONS
        && let Some((_, oldest)) = held.iter().min()
    {
        tables.subscriptions.remove(oldest)?;
    }
    Ok(())
}

fn key(user: UserId, tag: [u8; 16]) -> [u8; 32] {
    let mut key = [0; 32];
    let (owner, own) = key.split_at_mut(16);
    owner.copy_from_slice(user.as_bytes());
    own.copy_from_slice(&tag);
    key
}

fn all_of(user: UserId) -> ([u8; 32], [u8; 32]) {
    (key(user, [0; 16]), key(user, [255; 16]))
}

fn tag_of(key: &[u8; 32]) -> [u8; 16] {
    let mut tag = [0; 16];
    tag.copy_from_slice(&key[16..]);
    tag
}

/// The day of a row; of one that is damaged, none that stays.
fn day_of(value: &[u8]) -> u32 {
    value
        .first_chunk()
        .map_or(0, |day| u32::from_be_bytes(*day))
}

fn sealed_of(value: &[u8]) -> &[u8] {
    value.get(4..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::member;
    use super::*;

    #[tokio::test]
    async fn a_member_has_so_many_and_the_oldest_goes() {
        let store = Store::in_memory().unwrap();
        let user = member(&store, 1).await;
        for number in 0..=MAX_SUBSCRIPTIONS {
            let number = u8::try_from(number).unwrap();
            let day = 100 - u32::from(number == 3);
            let put = store.put_subscription(user, [number; 16], day, vec![number]);
            assert_eq!(put.await.unwrap(), Update::Applied);
        }
        let tags: Vec<_> = store.subscriptions(user).await.unwrap();
        assert_eq!(tags.len(), MAX_SUBSCRIPTIONS);
        assert!(!tags.iter().any(|(tag, _)| *tag == [3; 16]));
        // A renewal takes nobody's place.
        let put = store.put_subscription(user, [4; 16], 101, vec![9]);
        put.await.unwrap();
        let held = store.subscriptions(user).await.unwrap();
        assert_eq!(held.len(), MAX_SUBSCRIPTIONS);
        assert!(held.contains(&([4; 16], vec![9])));
    }

    #[tokio::test]
    async fn what_was_not_renewed_is_forgotten() {
        let store = Store::in_memory().unwrap();
        let user = member(&store, 1).await;
        for day in [10, 11] {
            let tag = [u8::try_from(day).unwrap(); 16];
            store
                .put_subscription(user, tag, day, vec![])
                .await
                .unwrap();
        }
        assert_eq!(store.forget_subscriptions(11).await.unwrap(), 1);
        assert_eq!(store.count_subscriptions().await.unwrap(), 1);
        assert_eq!(store.forget_subscriptions(u32::MAX).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_belongs_to_nobody_is_not_kept_and_goes_with_the_account() {
        let store = Store::in_memory().unwrap();
        let nobody = store.put_subscription(UserId::random(), [1; 16], 1, vec![1]);
        assert_eq!(nobody.await.unwrap(), Update::NoSuchUser);
        let (user, other) = (member(&store, 1).await, member(&store, 2).await);
        for user in [user, other] {
            store
                .put_subscription(user, [1; 16], 1, vec![1])
                .await
                .unwrap();
        }
        store.delete_account(user, [0; 16]).await.unwrap();
        assert!(store.subscriptions(user).await.unwrap().is_empty());
        assert_eq!(store.subscriptions(other).await.unwrap().len(), 1);
    }
}
