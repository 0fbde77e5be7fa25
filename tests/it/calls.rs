//! Calls through the public door (PROTOCOL.md §7, §8), in both dialects: one file for each
//! behaviour.

mod a_call_belongs_to_its_two_parties;
mod a_party_may_return;
mod a_restart_ends_no_media;
mod calls_cross_dialects;
mod history_is_each_partys_own;
mod limits_hold_on_both_sides;
mod mvchat_transcript;
mod one_call_at_a_time;
mod phone;
mod presence_is_between_friends;
mod privcomm_frames;
mod strangers_learn_nothing;
mod what_mvchat_asks_of_a_session;

use phone::{Dialect, Phone};

use crate::rig::{Person, Place};

const DIALECTS: [Dialect; 2] = [Dialect::Privcomm, Dialect::Mvchat];

/// Every pairing of a caller's dialect with a callee's.
const PAIRINGS: [(Dialect, Dialect); 4] = [
    (Dialect::Privcomm, Dialect::Privcomm),
    (Dialect::Privcomm, Dialect::Mvchat),
    (Dialect::Mvchat, Dialect::Privcomm),
    (Dialect::Mvchat, Dialect::Mvchat),
];

/// Two people with open sockets in these dialects; the second takes calls of the first.
async fn pair(place: Place, (first, second): (Dialect, Dialect)) -> (Phone, Phone) {
    let [anna, bert] = Person::crowd(place).await;
    bert.allow(&anna).await;
    (
        Phone::connect(anna, first).await,
        Phone::connect(bert, second).await,
    )
}
