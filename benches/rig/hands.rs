//! Work that waits for the daemon most of the time, spread over threads.

use std::num::NonZero;
use std::thread;

use crate::Outcome;

/// How many threads connect or register at once.
const HANDS: NonZero<usize> = NonZero::new(16).expect("16 is not zero");

/// What `work` makes of each part of `items`, in their order; the parts are worked on at once.
pub(crate) fn share<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&[I]) -> Outcome<Vec<T>> + Sync,
) -> Outcome<Vec<T>> {
    let part = items.len().div_ceil(HANDS.get()).max(1);
    thread::scope(|scope| {
        let hands: Vec<_> = items
            .chunks(part)
            .map(|part| scope.spawn(|| work(part)))
            .collect();
        let mut done = Vec::with_capacity(items.len());
        for hand in hands {
            done.extend(hand.join().map_err(|_| "a thread at work broke")??);
        }
        Ok(done)
    })
}
