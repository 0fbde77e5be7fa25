//! What operators see of members: accounts in pages, and what waits for each.

use redb::ReadOnlyTable;

use crate::base::UserId;

use super::error::StoreError;
use super::handle::Store;
use super::record::{Account, QueueEntry, Record};
use super::suspensions::Suspension;
use super::tables::{ACCOUNTS, QUEUES, SUSPENSIONS, later_table, queue_key, queue_seq};

/// The most accounts in one page.
pub const MOST_PEOPLE: usize = 1000;

/// A member, and what the store holds for them.
#[derive(Debug, Clone)]
pub struct PersonFigures {
    /// The account.
    pub account: Account,
    /// How many characters of the id tell it from every other.
    pub prefix: usize,
    /// What is known of their suspension.
    pub suspension: Option<Suspension>,
    /// Messages that wait for them.
    pub queued_messages: u64,
    /// Their payloads, bytes.
    pub queued_bytes: u64,
}

impl Store {
    /// The ids from `first` to `last`, at most `most` of them.
    pub async fn users_between(
        &self,
        first: UserId,
        last: UserId,
        most: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        self.read(move |snapshot| {
            let accounts = snapshot.transaction().open_table(ACCOUNTS)?;
            let rows = accounts.range::<&[u8; 16]>(first.as_bytes()..=last.as_bytes())?;
            rows.take(most)
                .map(|row| Ok(UserId::from_bytes(*row?.0.value())))
                .collect()
        })
        .await
    }

    /// Accounts in the order of their ids from `first` on, at most `most` and [`MOST_PEOPLE`].
    pub async fn people(
        &self,
        first: UserId,
        most: usize,
    ) -> Result<Vec<PersonFigures>, StoreError> {
        let most = most.min(MOST_PEOPLE);
        self.read(move |snapshot| {
            let transaction = snapshot.transaction();
            let accounts = transaction.open_table(ACCOUNTS)?;
            let queues = transaction.open_table(QUEUES)?;
            let suspensions = later_table(transaction, SUSPENSIONS)?;
            let mut before = last_before(&accounts, first)?;
            let rows = accounts.range::<&[u8; 16]>(first.as_bytes()..)?;
            // One more than asked for: the last id is told from its neighbour, too.
            let page = rows
                .take(most.saturating_add(1))
                .map(|row| Ok(Account::decode(row?.1.value())?))
                .collect::<Result<Vec<_>, StoreError>>()?;
            let mut people = Vec::with_capacity(page.len());
            for (at, account) in page.iter().enumerate().take(most) {
                let after = page.get(at + 1).map(|account| account.user);
                let neighbours = [before, after].into_iter().flatten();
                let (queued_messages, queued_bytes) = waiting(&queues, account.user)?;
                let row = match &suspensions {
                    Some(suspensions) => suspensions.get(account.user.as_bytes())?,
                    None => None,
                };
                people.push(PersonFigures {
                    prefix: neighbours
                        .map(|other| told_apart(account.user, other))
                        .max()
                        .unwrap_or(1),
                    suspension: row.map(|row| Suspension::decode(row.value())).transpose()?,
                    account: account.clone(),
                    queued_messages,
                    queued_bytes,
                });
                before = Some(account.user);
            }
            Ok(people)
        })
        .await
    }
}

type Accounts = ReadOnlyTable<&'static [u8; 16], &'static [u8]>;
type Queues = ReadOnlyTable<&'static [u8; 24], &'static [u8]>;

fn last_before(accounts: &Accounts, user: UserId) -> Result<Option<UserId>, StoreError> {
    let mut rows = accounts.range::<&[u8; 16]>(..user.as_bytes())?;
    let row = rows.next_back().transpose()?;
    Ok(row.map(|(key, _)| UserId::from_bytes(*key.value())))
}

fn waiting(queues: &Queues, user: UserId) -> Result<(u64, u64), StoreError> {
    let (mut messages, mut bytes) = (0, 0);
    for row in queues.range::<&[u8; 24]>(&queue_key(user, 0)..=&queue_key(user, u64::MAX))? {
        let (key, record) = row?;
        let entry = QueueEntry::decode(queue_seq(key.value()), record.value())?;
        messages += 1;
        bytes += u64::from(entry.bytes);
    }
    Ok((messages, bytes))
}

/// How many characters of `user`'s text are needed to tell it from `other`.
fn told_apart(user: UserId, other: UserId) -> usize {
    let (one, another) = (user.to_string(), other.to_string());
    let alike = one.bytes().zip(another.bytes());
    alike.take_while(|(one, another)| one == another).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_apart_by_the_first_character_in_which_they_differ() {
        let user = |fill: [u8; 16]| UserId::from_bytes(fill);
        let (mut one, mut other) = ([0x12; 16], [0x12; 16]);
        other[0] = 0x22;
        assert_eq!(told_apart(user(one), user(other)), 1);
        other = [0x12; 16];
        (one[1], other[1]) = (0x34, 0x35);
        assert_eq!(told_apart(user(one), user(other)), 4);
    }
}
