//! Who may ring whom. A caller who may not learns nothing by it, neither from the answer nor from
//! how long it takes: what is looked at on the way to a refusal is the same whether the callee is
//! connected, away or nobody.

use super::Messenger;
use super::error::Error;
use crate::auth;
use crate::base::UserId;
use crate::calls::Standing;
use crate::config::CallPolicy;
use crate::wire::body::ContactState;

/// What the decision looks at.
pub(super) trait Looks {
    /// What `owner` thinks of `peer`, if anything. Takes as long for any two.
    async fn word(&self, owner: UserId, peer: UserId) -> Result<Option<ContactState>, Error>;

    /// Whether `user` has a session. Asked for callers who are allowed only.
    fn is_connected(&self, user: UserId) -> bool;
}

/// How callee `to` stands to caller `from`.
pub(super) async fn standing(
    looks: &impl Looks,
    policy: CallPolicy,
    from: UserId,
    to: UserId,
) -> Result<Standing, Error> {
    let word_there = looks.word(to, from).await?;
    let is_allowed = match policy {
        CallPolicy::Callee => word_there == Some(ContactState::Allowed),
        CallPolicy::Off => word_there != Some(ContactState::Blocked),
        CallPolicy::Mutual => {
            let own_word = looks.word(from, to).await?;
            [word_there, own_word] == [Some(ContactState::Allowed); 2]
        }
    };
    Ok(if !is_allowed {
        Standing::NotAllowed
    } else if looks.is_connected(to) {
        Standing::Reachable
    } else {
        Standing::Offline
    })
}

impl Looks for Messenger {
    /// Always reads the one row: a mailbox would be in memory where its owner is connected, and take
    /// longer where it isn't.
    async fn word(&self, owner: UserId, peer: UserId) -> Result<Option<ContactState>, Error> {
        let key = &self.secrets.contact_key;
        let (owner_tag, peer_tag) = (key.owner_tag(owner), key.peer_tag(owner, peer));
        let row = self
            .store
            .contact(*owner_tag.as_bytes(), *peer_tag.as_bytes())
            .await?;
        let Some(sealed) = row else {
            return Ok(None);
        };
        match key.open(owner, peer_tag, &sealed) {
            Ok(contact) => Ok(Some(match contact.state {
                auth::ContactState::Allowed => ContactState::Allowed,
                auth::ContactState::Blocked => ContactState::Blocked,
            })),
            Err(error) => {
                tracing::error!(%error, "a contact doesn't open; were the secrets replaced?");
                Err(Error::Internal)
            }
        }
    }

    fn is_connected(&self, user: UserId) -> bool {
        self.hub.find(user).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const POLICIES: [CallPolicy; 3] = [CallPolicy::Callee, CallPolicy::Mutual, CallPolicy::Off];
    const WORDS: [Option<ContactState>; 3] = [
        None,
        Some(ContactState::Allowed),
        Some(ContactState::Blocked),
    ];

    /// What was looked at, in order.
    #[derive(Debug, PartialEq, Eq)]
    enum Look {
        Word(UserId),
        Connected(UserId),
    }

    struct Scene {
        caller: UserId,
        rung: UserId,
        word_there: Option<ContactState>,
        own_word: Option<ContactState>,
        is_connected: bool,
        looks: RefCell<Vec<Look>>,
    }

    impl Looks for Scene {
        async fn word(&self, owner: UserId, _: UserId) -> Result<Option<ContactState>, Error> {
            self.looks.borrow_mut().push(Look::Word(owner));
            let is_callee = owner == self.rung;
            Ok(if is_callee {
                self.word_there
            } else {
                self.own_word
            })
        }

        fn is_connected(&self, user: UserId) -> bool {
            self.looks.borrow_mut().push(Look::Connected(user));
            self.is_connected
        }
    }

    /// Every case of a policy: both words, whether the callee is connected, and what came of it.
    async fn cases(policy: CallPolicy) -> Vec<(Scene, Standing)> {
        let [caller, rung] = [UserId::random(), UserId::random()];
        let mut cases = Vec::new();
        for word_there in WORDS {
            for own_word in WORDS {
                for is_connected in [true, false] {
                    let scene = Scene {
                        caller,
                        rung,
                        word_there,
                        own_word,
                        is_connected,
                        looks: RefCell::default(),
                    };
                    let outcome = standing(&scene, policy, scene.caller, scene.rung).await;
                    cases.push((scene, outcome.unwrap()));
                }
            }
        }
        cases
    }

    #[tokio::test]
    async fn every_refusal_takes_the_same_path_and_never_asks_who_is_connected() {
        for policy in POLICIES {
            let all = cases(policy).await;
            let refused: Vec<_> = all
                .iter()
                .filter(|(_, outcome)| *outcome == Standing::NotAllowed)
                .collect();
            let first = refused[0].0.looks.borrow();
            assert!(!first.contains(&Look::Connected(refused[0].0.rung)));
            for (scene, _) in &refused {
                assert_eq!(*scene.looks.borrow(), *first, "{policy:?}");
            }
        }
    }

    #[tokio::test]
    async fn each_policy_takes_the_word_that_it_names() {
        for policy in POLICIES {
            for (scene, outcome) in cases(policy).await {
                let allows = |word| word == Some(ContactState::Allowed);
                let is_allowed = match policy {
                    CallPolicy::Callee => allows(scene.word_there),
                    CallPolicy::Mutual => allows(scene.word_there) && allows(scene.own_word),
                    CallPolicy::Off => scene.word_there != Some(ContactState::Blocked),
                };
                let expected = match (is_allowed, scene.is_connected) {
                    (false, _) => Standing::NotAllowed,
                    (true, true) => Standing::Reachable,
                    (true, false) => Standing::Offline,
                };
                assert_eq!(outcome, expected, "{policy:?}");
            }
        }
    }
}
