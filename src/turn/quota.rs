//! How much each user has of the relay.

use std::collections::HashMap;

use super::gate::Holder;

/// How many times their quota of ports a user may keep busy, those in quarantine and reserved ones
/// included: nobody empties the range by allocating and letting go in turns.
const CHURN: usize = 6;

#[derive(Debug, Default)]
struct Usage {
    live: usize,
    idle: usize,
}

/// Ports per holder. It has no more entries than the relay range has ports.
#[derive(Debug)]
pub(crate) struct Quota {
    per_holder: usize,
    usage: HashMap<Holder, Usage>,
}

impl Quota {
    pub(crate) fn new(per_holder: usize) -> Self {
        Self {
            per_holder,
            usage: HashMap::new(),
        }
    }

    /// Whether this holder may have one more allocation.
    pub(crate) fn admits(&self, holder: &Holder) -> bool {
        self.usage.get(holder).is_none_or(|usage| {
            usage.live < self.per_holder && usage.live + usage.idle < self.per_holder * CHURN
        }) && self.per_holder > 0
    }

    /// A port is in use from now on.
    pub(crate) fn add_live(&mut self, holder: &Holder) {
        self.usage.entry(holder.clone()).or_default().live += 1;
    }

    /// A port is no longer in use.
    pub(crate) fn remove_live(&mut self, holder: &Holder) {
        self.change(holder, |usage| usage.live = usage.live.saturating_sub(1));
    }

    /// A port is kept back on this holder's account.
    pub(crate) fn add_idle(&mut self, holder: &Holder) {
        self.usage.entry(holder.clone()).or_default().idle += 1;
    }

    /// A port is no longer kept back.
    pub(crate) fn remove_idle(&mut self, holder: &Holder) {
        self.change(holder, |usage| usage.idle = usage.idle.saturating_sub(1));
    }

    fn change(&mut self, holder: &Holder, change: impl FnOnce(&mut Usage)) {
        if let Some(usage) = self.usage.get_mut(holder) {
            change(usage);
            if usage.live + usage.idle == 0 {
                self.usage.remove(holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_has_a_number_of_allocations() {
        let (anna, bert) = (Holder::Name("anna".into()), Holder::Name("bert".into()));
        let mut quota = Quota::new(2);
        quota.add_live(&anna);
        assert!(quota.admits(&anna));
        quota.add_live(&anna);
        assert!(!quota.admits(&anna) && quota.admits(&bert));
        quota.remove_live(&anna);
        assert!(quota.admits(&anna));
        quota.remove_live(&anna);
        assert!(quota.usage.is_empty());
    }

    #[test]
    fn ports_kept_back_count_in_the_end() {
        let anna = Holder::Name("anna".into());
        let mut quota = Quota::new(2);
        (0..2 * CHURN - 1).for_each(|_| quota.add_idle(&anna));
        assert!(quota.admits(&anna));
        quota.add_idle(&anna);
        assert!(!quota.admits(&anna));
    }
}
