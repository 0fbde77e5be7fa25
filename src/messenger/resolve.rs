//! Whom an operator means: a handle as people write it, its hash, or the beginning of a user id.
//!
//! The daemon knows handles by a keyed hash only, and makes that of what was typed. A text that
//! could be both is looked up as both: somebody might have chosen the beginning of another member's
//! id as a handle.

use super::operator::{Operator, OperatorError};
use crate::auth::Handle;
use crate::base::UserId;

/// The most characters that are taken for a name.
const LONGEST: usize = 256;

/// So many digits of an id are nobody's handle by chance; whoever types them means the id.
const CERTAIN: usize = 8;

impl Operator {
    /// The member that `name` means.
    pub async fn find(&self, name: &str) -> Result<UserId, OperatorError> {
        let name = name.trim();
        if name.is_empty() || name.len() > LONGEST {
            return Err(OperatorError::NoSuchUser);
        }
        if let Some(handle) = name.strip_prefix('@') {
            let found = self.by_name(handle).await?;
            return found.ok_or(OperatorError::NoSuchUser);
        }
        if let Ok(handle) = Handle::parse(name) {
            let found = self.by_handle(&handle).await?;
            return found.ok_or(OperatorError::NoSuchUser);
        }
        let Some(prefix) = Prefix::parse(name) else {
            let found = self.by_name(name).await?;
            return found.ok_or(OperatorError::NoSuchUser);
        };
        let begins = self.by_prefix(&prefix).await?;
        if prefix.digits >= CERTAIN && !begins.is_empty() {
            return one(None, &begins);
        }
        one(self.by_name(name).await?, &begins)
    }

    async fn by_prefix(&self, prefix: &Prefix) -> Result<Vec<UserId>, OperatorError> {
        let (first, last) = (prefix.first, prefix.last);
        Ok(self.messenger.store.users_between(first, last, 2).await?)
    }

    async fn by_name(&self, name: &str) -> Result<Option<UserId>, OperatorError> {
        let handle = self.handle(name).await?;
        self.by_handle(&handle).await
    }

    async fn by_handle(&self, handle: &Handle) -> Result<Option<UserId>, OperatorError> {
        let messenger = &self.messenger;
        let tag = handle.tag(&messenger.secrets.pepper);
        let account = messenger.store.account_by_handle(*tag.as_bytes()).await?;
        Ok(account.map(|account| account.user))
    }

    /// The handle of `name`, which takes a good part of a second to make.
    pub(super) async fn handle(&self, name: &str) -> Result<Handle, OperatorError> {
        let (name, salt) = (name.to_owned(), self.messenger.secrets.handle_salt);
        let made = tokio::task::spawn_blocking(move || Handle::of_name(&name, &salt)).await;
        made.map_err(|_| OperatorError::Refused(super::Error::Internal))
    }
}

/// The only one there is, under whichever name.
fn one(named: Option<UserId>, begins: &[UserId]) -> Result<UserId, OperatorError> {
    match (named, begins) {
        (Some(user), []) => Ok(user),
        (None, [user]) => Ok(*user),
        (Some(user), [same]) if user == *same => Ok(user),
        (None, []) => Err(OperatorError::NoSuchUser),
        _ => Err(OperatorError::AmbiguousUser),
    }
}

/// The beginning of a user id, as the ids that begin so.
struct Prefix {
    digits: usize,
    first: UserId,
    last: UserId,
}

impl Prefix {
    /// Reads hexadecimal digits of either case, dashes anywhere, and the `…` that lists end a short
    /// id with. None: it begins no id.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches(['…', '.']);
        let digits: Vec<u8> = text
            .chars()
            .filter(|letter| *letter != '-')
            .map(|letter| {
                letter
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
            })
            .collect::<Option<_>>()?;
        if !(1..=32).contains(&digits.len()) {
            return None;
        }
        let filled = |rest: u8| {
            let mut bytes = [rest << 4 | rest; 16];
            for (at, digit) in digits.iter().enumerate() {
                let byte = &mut bytes[at / 2];
                *byte = match at % 2 {
                    0 => digit << 4 | *byte & 0x0f,
                    _ => *byte & 0xf0 | digit,
                };
            }
            UserId::from_bytes(bytes)
        };
        Some(Self {
            digits: digits.len(),
            first: filled(0),
            last: filled(15),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_prefix_is_every_id_that_begins_so() {
        let prefix = Prefix::parse("3F0C1…").unwrap();
        assert_eq!(
            prefix.first.to_string(),
            "3f0c1000-0000-0000-0000-000000000000"
        );
        assert_eq!(
            prefix.last.to_string(),
            "3f0c1fff-ffff-ffff-ffff-ffffffffffff"
        );
        assert_eq!(prefix.digits, 5);
    }

    #[test]
    fn what_is_no_beginning_of_an_id_is_none() {
        for text in ["", "-", "…", "anna", "3g", "３f", &"0".repeat(33)] {
            assert!(Prefix::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_name_that_means_two_members_means_none() {
        let [anna, bert] = [UserId::random(), UserId::random()];
        assert_eq!(one(None, &[anna]), Ok(anna));
        assert_eq!(one(Some(anna), &[]), Ok(anna));
        assert_eq!(one(Some(anna), &[anna]), Ok(anna));
        assert_eq!(one(None, &[]), Err(OperatorError::NoSuchUser));
        for (named, begins) in [
            (None, vec![anna, bert]),
            (Some(anna), vec![bert]),
            (Some(anna), vec![anna, bert]),
        ] {
            assert_eq!(one(named, &begins), Err(OperatorError::AmbiguousUser));
        }
    }

    proptest! {
        #[test]
        fn every_beginning_of_an_id_takes_it_in(length in 1usize..=36, upper: bool) {
            let user = UserId::random();
            let mut text = user.to_string()[..length].to_owned();
            if upper {
                text = text.to_uppercase();
            }
            let prefix = Prefix::parse(&text).unwrap();
            prop_assert!(prefix.first <= user && user <= prefix.last);
        }

        #[test]
        fn any_text_is_a_prefix_or_not(text in "\\PC{0,40}") {
            let _ = Prefix::parse(&text);
        }
    }
}
