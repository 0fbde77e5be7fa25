//! What the parties of a call say, and what each must hear before the next step.

/// What a party speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Privcomm,
    Mvchat,
}

/// A party's part in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Caller,
    Callee,
}

/// What a party says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Say {
    /// Calls: in `privcomm.v1` with the SDP.
    Ring,
    /// The SDP that `mvchat.v1` sends apart.
    Offer,
    /// Takes the call: in `privcomm.v1` with the SDP.
    Take,
    /// The SDP that `mvchat.v1` sends apart.
    Answer,
    Candidate,
    HangUp,
}

/// What a party hears. The daemon says nothing else in these calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Its step was granted, in `mvchat.v1`.
    Granted,
    /// Somebody calls, in `mvchat.v1`.
    Incoming,
    Ringing,
    Connected,
    Sdp,
    Candidate,
    /// The other has hung up, in `privcomm.v1`.
    HangUp,
    Ended,
}

/// What is said, and what must be heard before the next step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) said: Vec<(Role, Say)>,
    pub(crate) heard: Vec<(Role, Heard)>,
}

/// How far a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// From the ring to its end.
    Whole,
    /// Until it is connected and the candidates are there.
    Begin,
    /// From there to its end.
    End,
}

/// Candidates from either side, one after the other.
const CANDIDATES: usize = 3;

/// The steps of a call.
pub(crate) fn steps(caller: Dialect, rung: Dialect, extent: Extent) -> Vec<Step> {
    let mut steps = Vec::new();
    if extent != Extent::End {
        steps.extend(ring(caller, rung));
        steps.extend(answer(rung));
        steps.extend((0..CANDIDATES).map(|_| candidates(caller, rung)));
    }
    if extent != Extent::Begin {
        steps.push(hang_up(caller, rung));
    }
    steps
}

/// The steps until the call is connected, without the candidates.
pub(crate) fn steps_to_connect(caller: Dialect, rung: Dialect) -> usize {
    ring(caller, rung).len() + answer(rung).len()
}

fn ring(caller: Dialect, rung: Dialect) -> Vec<Step> {
    use Heard::{Granted, Incoming, Ringing, Sdp};
    let call = [(Role::Caller, Say::Ring)];
    let offer = [(Role::Caller, Say::Offer)];
    match (caller, rung) {
        (Dialect::Privcomm, Dialect::Privcomm) => vec![step(&call, &[Ringing], &[Sdp])],
        (Dialect::Privcomm, Dialect::Mvchat) => {
            vec![step(&call, &[Ringing], &[Incoming, Sdp, Ringing])]
        }
        (Dialect::Mvchat, Dialect::Privcomm) => vec![
            step(&call, &[Granted, Ringing], &[Ringing]),
            step(&offer, &[Granted], &[Sdp]),
        ],
        (Dialect::Mvchat, Dialect::Mvchat) => vec![
            step(&call, &[Granted, Ringing], &[Incoming, Ringing]),
            step(&offer, &[Granted], &[Sdp]),
        ],
    }
}

fn answer(rung: Dialect) -> Vec<Step> {
    use Heard::{Connected, Granted, Sdp};
    let take = [(Role::Callee, Say::Take)];
    match rung {
        Dialect::Privcomm => vec![step(&take, &[Connected, Sdp], &[Connected])],
        Dialect::Mvchat => vec![
            step(&take, &[Connected], &[Granted, Connected]),
            step(&[(Role::Callee, Say::Answer)], &[Sdp], &[Granted]),
        ],
    }
}

fn candidates(caller: Dialect, rung: Dialect) -> Step {
    let at = |dialect| match dialect {
        Dialect::Privcomm => vec![Heard::Candidate],
        Dialect::Mvchat => vec![Heard::Candidate, Heard::Granted],
    };
    let said = [Role::Caller, Role::Callee].map(|role| (role, Say::Candidate));
    step(&said, &at(caller), &at(rung))
}

fn hang_up(caller: Dialect, rung: Dialect) -> Step {
    let near: &[Heard] = match caller {
        Dialect::Privcomm => &[Heard::Ended],
        Dialect::Mvchat => &[Heard::Granted, Heard::Ended],
    };
    let far: &[Heard] = match rung {
        Dialect::Privcomm => &[Heard::HangUp, Heard::Ended],
        Dialect::Mvchat => &[Heard::Ended],
    };
    step(&[(Role::Caller, Say::HangUp)], near, far)
}

/// What is said, what the caller hears of it, and what the callee does.
fn step(said: &[(Role, Say)], near: &[Heard], far: &[Heard]) -> Step {
    let near = near.iter().map(|heard| (Role::Caller, *heard));
    let far = far.iter().map(|heard| (Role::Callee, *heard));
    Step {
        said: said.to_vec(),
        heard: near.chain(far).collect(),
    }
}
