//! A member who makes calls: a WebSocket, and what is said and heard on it in one of the dialects.

use std::net::{SocketAddr, TcpStream};

use crate::Outcome;
use crate::account::{Account, Api};
use crate::hands;
use crate::script::{Dialect, Heard, Say};
use crate::socket::{Socket, begin_text};

/// Characters of a sealed SDP: an audio call's has about 1,200 bytes, and three candidates in it.
const SDP: usize = 2000;
/// The same of a candidate.
const CANDIDATE: usize = 240;
/// Characters of a call id.
const ID: usize = 36;

/// The last frame of a greeting.
const GREETED: &[u8] = br#"{"type":"queue_drained""#;

/// A member at an open session.
#[derive(Debug)]
pub(crate) struct Phone {
    socket: Socket,
    user: String,
    dialect: Dialect,
}

/// Has each of `accounts` allow its neighbour to call it.
pub(crate) fn introduce(address: SocketAddr, accounts: &[Account]) -> Outcome<()> {
    let pairs: Vec<_> = accounts.chunks_exact(2).collect();
    hands::share(&pairs, |part| {
        let mut api = Api::connect(address)?;
        let allowed = serde_json::json!({"state": "allowed"});
        for pair in part {
            for (owner, peer) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
                let path = format!("/api/v1/contacts/{}", peer.user);
                api.ask("PUT", &path, Some(owner), &allowed)?;
            }
        }
        Ok(part.to_vec())
    })?;
    Ok(())
}

/// Opens the sessions of `accounts`: of each four, two in either dialect, in every pairing.
pub(crate) fn connect_all(address: SocketAddr, accounts: &[Account]) -> Outcome<Vec<Phone>> {
    let spoken = [
        [Dialect::Privcomm, Dialect::Privcomm],
        [Dialect::Privcomm, Dialect::Mvchat],
        [Dialect::Mvchat, Dialect::Privcomm],
        [Dialect::Mvchat, Dialect::Mvchat],
    ];
    let dialects = spoken.into_iter().flatten().cycle();
    let members: Vec<_> = accounts.iter().zip(dialects).collect();
    hands::share(&members, |part| {
        let connect =
            |(account, dialect): &(&Account, _)| Phone::connect(address, account, *dialect);
        part.iter().map(connect).collect()
    })
}

impl Phone {
    /// Connects, and waits until the session stands.
    fn connect(address: SocketAddr, account: &Account, dialect: Dialect) -> Outcome<Self> {
        let spoken = match dialect {
            Dialect::Privcomm => "privcomm.v1",
            Dialect::Mvchat => "mvchat.v1",
        };
        let headers = format!("{}Sec-WebSocket-Protocol: {spoken}\r\n", account.bearer());
        let mut socket = Socket::open(address, &headers)?;
        socket.wait_for(|content| Ok(content.starts_with(GREETED)))?;
        Ok(Self {
            socket,
            user: account.user.clone(),
            dialect,
        })
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Lets reads return at once.
    pub(crate) fn stop_waiting(&self) -> Outcome<&TcpStream> {
        self.socket.stop_waiting()
    }

    /// Says something to `peer` in a call, and returns how long the frame was.
    pub(crate) fn say(&mut self, say: Say, peer: &str, call: &str) -> usize {
        let text = match self.dialect {
            Dialect::Privcomm => privcomm(say, peer, call),
            Dialect::Mvchat => mvchat(say, peer, call),
        };
        let unsent = self.socket.unsent();
        begin_text(unsent, text.len());
        unsent.extend_from_slice(text.as_bytes());
        text.len()
    }

    /// Writes what was said. It is little, and nothing else waits in the socket.
    pub(crate) fn flush(&mut self) -> Outcome<()> {
        self.socket.flush()?;
        if self.socket.is_stuck() {
            return Err("the daemon doesn't read".into());
        }
        Ok(())
    }

    /// Reads what has arrived, through `scratch`, and gives to `each` what it was, how long, and the
    /// id of a call that was granted.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        mut each: impl FnMut(Heard, usize, Option<&str>),
    ) -> Outcome<()> {
        let dialect = self.dialect;
        self.socket.read(scratch, |content| {
            let text = std::str::from_utf8(content)?;
            let heard = match dialect {
                Dialect::Privcomm => privcomm_heard(text),
                Dialect::Mvchat => mvchat_heard(text),
            };
            let heard = heard.ok_or_else(|| format!("not expected: {text}"))?;
            let call = (heard == Heard::Granted)
                .then(|| text.split_once(r#""call_id":""#)?.1.get(..ID))
                .flatten();
            each(heard, text.len(), call);
            Ok(())
        })
    }
}

fn privcomm(say: Say, peer: &str, call: &str) -> String {
    let (kind, rest) = match say {
        Say::Ring | Say::Offer => ("call_offer", format!(r#","sdp":"{:x<SDP$}""#, "")),
        Say::Take | Say::Answer => ("call_answer", format!(r#","sdp":"{:x<SDP$}""#, "")),
        Say::Candidate => (
            "ice_candidate",
            format!(r#","candidate":"{:x<CANDIDATE$}""#, ""),
        ),
        Say::HangUp => ("call_end", String::new()),
    };
    format!(r#"{{"type":"{kind}","recipient_id":"{peer}","call_id":"{call}"{rest}}}"#)
}

fn mvchat(say: Say, peer: &str, call: &str) -> String {
    let described = |kind| format!(r#","sdp":{{"type":"{kind}","sdp":"{:x<SDP$}"}}"#, "");
    let (action, rest) = match say {
        Say::Ring => {
            return format!(r#"{{"id":"1","call":{{"action":"initiate","user":"{peer}"}}}}"#);
        }
        Say::Offer => ("sdp", described("offer")),
        Say::Take => ("answer", String::new()),
        Say::Answer => ("sdp", described("answer")),
        Say::Candidate => ("ice", format!(r#","candidate":"{:x<CANDIDATE$}""#, "")),
        Say::HangUp => ("end", String::new()),
    };
    format!(r#"{{"id":"2","call":{{"action":"{action}","call_id":"{call}"{rest}}}}}"#)
}

fn privcomm_heard(text: &str) -> Option<Heard> {
    let (kind, rest) = text.strip_prefix(r#"{"type":""#)?.split_once('"')?;
    match kind {
        "call_offer" | "call_answer" => Some(Heard::Sdp),
        "ice_candidate" => Some(Heard::Candidate),
        "call_end" => Some(Heard::HangUp),
        "call_state" => {
            let (_, state) = rest.split_once(r#""state":""#)?;
            match state.split_once('"')?.0 {
                "ringing" => Some(Heard::Ringing),
                "connected" => Some(Heard::Connected),
                "ended" => Some(Heard::Ended),
                _ => None,
            }
        }
        _ => None,
    }
}

fn mvchat_heard(text: &str) -> Option<Heard> {
    if text.starts_with(r#"{"ctrl":"#) {
        return text.contains(r#","code":200"#).then_some(Heard::Granted);
    }
    let what = text.strip_prefix(r#"{"info":{"what":""#)?;
    match what.split_once('"')?.0 {
        "incoming_call" => Some(Heard::Incoming),
        "call_ringing" => Some(Heard::Ringing),
        "call_answered" => Some(Heard::Connected),
        "call_sdp" => Some(Heard::Sdp),
        "call_ice" => Some(Heard::Candidate),
        "call_ended" => Some(Heard::Ended),
        _ => None,
    }
}
