//! A client that makes calls in either dialect, so that one test can be about both.

use serde_json::{Value, json};

use crate::rig::{Heard, Person, Place, Socket};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Privcomm,
    Mvchat,
}

/// Somebody at an open socket. Every step that is taken here must be granted.
pub(super) struct Phone {
    pub(super) person: Person,
    pub(super) socket: Socket,
    dialect: Dialect,
    last_id: u32,
}

impl Phone {
    pub(super) async fn connect(person: Person, dialect: Dialect) -> Self {
        let socket = match dialect {
            Dialect::Privcomm => person.connect().await,
            Dialect::Mvchat => greet(&person).await,
        };
        Self {
            person,
            socket,
            dialect,
            last_id: 0,
        }
    }

    /// Drops the socket, and comes back with another once the daemon has noticed.
    pub(super) async fn reconnect(self) -> Self {
        self.socket.leave().await;
        Self::connect(self.person, self.dialect).await
    }

    /// Comes back to a daemon that was restarted, at its new place.
    pub(super) async fn after_restart(mut self, place: Place) -> Self {
        self.person.move_to(place);
        Self::connect(self.person, self.dialect).await
    }

    /// Rings somebody with this SDP; both are told that it rings.
    pub(super) async fn dial(&mut self, callee: &Person, sdp: &str) -> Value {
        match self.dialect {
            Dialect::Privcomm => {
                self.offer(callee, None, sdp).await;
                let is_meant =
                    |frame: &Value| frame["type"] == "call_state" && frame["state"] == "ringing";
                let state = self.socket.expect_that("ringing", is_meant).await;
                assert_eq!(state["peer_id"], callee.user());
                state["call_id"].clone()
            }
            Dialect::Mvchat => {
                let params = self.initiate(callee).await;
                let call = params["call_id"].clone();
                self.expect_info("call_ringing", &call).await;
                self.act(json!({"action": "sdp", "call_id": call, "sdp": offered(sdp)}))
                    .await;
                call
            }
        }
    }

    /// What the answer to `initiate` says.
    pub(super) async fn initiate(&mut self, callee: &Person) -> Value {
        let action = json!({"action": "initiate", "user": callee.user()});
        self.act(action).await["params"].clone()
    }

    /// Tries to ring somebody, and gives the number of the refusal as `mvchat.v1` has it.
    pub(super) async fn dial_in_vain(&mut self, callee: &str) -> u64 {
        match self.dialect {
            Dialect::Privcomm => {
                let offer = json!({"type": "call_offer", "recipient_id": callee, "sdp": "x"});
                self.socket.say(&offer).await;
                self.expect_error().await
            }
            Dialect::Mvchat => {
                self.refused(json!({"action": "initiate", "user": callee}))
                    .await
            }
        }
    }

    /// Hears that it rings, who calls, and with which SDP. Gives the call.
    pub(super) async fn expect_ring(&mut self, caller: &Person, sdp: &str) -> Value {
        match self.dialect {
            Dialect::Privcomm => {
                let offer = self.socket.expect("call_offer").await;
                assert_eq!(offer["sender_id"], caller.user());
                assert_eq!(offer["sdp"], sdp);
                offer["call_id"].clone()
            }
            Dialect::Mvchat => {
                let what = |frame: &Value| frame["info"]["what"] == "incoming_call";
                let frame = self.socket.expect_that("incoming_call", what).await;
                assert_eq!(frame["info"]["from"], caller.user());
                let call = frame["info"]["call_id"].clone();
                self.expect_info("call_ringing", &call).await;
                self.expect_sdp(&call, "offer", sdp).await;
                call
            }
        }
    }

    /// Takes the call with this SDP, and hears that it is connected.
    pub(super) async fn answer(&mut self, call: &Value, caller: &Person, sdp: &str) {
        match self.dialect {
            Dialect::Privcomm => self.send_answer(call, caller, sdp).await,
            Dialect::Mvchat => {
                self.act(json!({"action": "answer", "call_id": call})).await;
                self.send_answer(call, caller, sdp).await;
            }
        }
        self.expect_connected(call).await;
    }

    pub(super) async fn expect_connected(&mut self, call: &Value) {
        match self.dialect {
            Dialect::Privcomm => {
                let is_meant =
                    |frame: &Value| frame["type"] == "call_state" && frame["state"] == "connected";
                let state = self.socket.expect_that("connected", is_meant).await;
                assert_eq!(state["call_id"], *call);
            }
            Dialect::Mvchat => {
                self.expect_info("call_answered", call).await;
            }
        }
    }

    /// Passes an answering SDP, in a call that was taken or for a renegotiation.
    pub(super) async fn send_answer(&mut self, call: &Value, peer: &Person, sdp: &str) {
        match self.dialect {
            Dialect::Privcomm => {
                let frame = json!({"type": "call_answer", "recipient_id": peer.user(),
                    "call_id": call, "sdp": sdp});
                self.socket.say(&frame).await;
            }
            Dialect::Mvchat => {
                let sdp = json!({"type": "answer", "sdp": sdp});
                self.act(json!({"action": "sdp", "call_id": call, "sdp": sdp}))
                    .await;
            }
        }
    }

    /// Passes an offering SDP in a call: an ICE restart.
    pub(super) async fn send_offer(&mut self, call: &Value, peer: &Person, sdp: &str) {
        match self.dialect {
            Dialect::Privcomm => self.offer(peer, Some(call), sdp).await,
            Dialect::Mvchat => {
                self.act(json!({"action": "sdp", "call_id": call, "sdp": offered(sdp)}))
                    .await;
            }
        }
    }

    /// Hears an SDP of this kind: `offer` or `answer`.
    pub(super) async fn expect_sdp(&mut self, call: &Value, kind: &str, sdp: &str) {
        match self.dialect {
            Dialect::Privcomm => {
                let frame = self.socket.expect(&format!("call_{kind}")).await;
                assert_eq!((&frame["sdp"], &frame["call_id"]), (&json!(sdp), call));
            }
            Dialect::Mvchat => {
                let info = self.expect_info("call_sdp", call).await;
                assert_eq!(info["sdp"], json!({"type": kind, "sdp": sdp}));
            }
        }
    }

    pub(super) async fn send_candidate(&mut self, call: &Value, peer: &Person, candidate: &Value) {
        match self.dialect {
            Dialect::Privcomm => {
                let frame = json!({"type": "ice_candidate", "recipient_id": peer.user(),
                    "call_id": call, "candidate": candidate});
                self.socket.say(&frame).await;
            }
            Dialect::Mvchat => {
                self.act(json!({"action": "ice", "call_id": call, "candidate": candidate}))
                    .await;
            }
        }
    }

    pub(super) async fn expect_candidate(&mut self, call: &Value, candidate: &Value) {
        let heard = match self.dialect {
            Dialect::Privcomm => self.socket.expect("ice_candidate").await,
            Dialect::Mvchat => self.expect_info("call_ice", call).await,
        };
        assert_eq!((&heard["candidate"], &heard["call_id"]), (candidate, call));
    }

    /// Takes a step that carries nothing: `reject` or `end`.
    pub(super) async fn step(&mut self, step: &str, call: &Value, peer: &Person) {
        match self.dialect {
            Dialect::Privcomm => self.say_step(step, call, peer).await,
            Dialect::Mvchat => {
                self.act(json!({"action": step, "call_id": call})).await;
            }
        }
    }

    /// Takes a step that must be refused, and gives the number of the refusal. A call that is over
    /// is told in `privcomm.v1` by its last state: that is 410 too.
    pub(super) async fn step_in_vain(&mut self, step: &str, call: &Value, peer: &Person) -> u64 {
        match self.dialect {
            Dialect::Privcomm => {
                self.say_step(step, call, peer).await;
                self.expect_error().await
            }
            Dialect::Mvchat => self.refused(json!({"action": step, "call_id": call})).await,
        }
    }

    /// Hears that the call is over, and why.
    pub(super) async fn expect_end(&mut self, call: &Value, reason: &str) {
        let end = match self.dialect {
            Dialect::Privcomm => {
                let is_meant =
                    |frame: &Value| frame["type"] == "call_state" && frame["state"] == "ended";
                self.socket.expect_that("ended", is_meant).await
            }
            Dialect::Mvchat => self.expect_info("call_ended", call).await,
        };
        assert_eq!((&end["reason"], &end["call_id"]), (&json!(reason), call));
    }

    /// Everything about calls that the daemon had to say until now.
    pub(super) async fn overheard(&mut self) -> Vec<Value> {
        let frames = self.socket.drain().await;
        let is_about_calls = |frame: &Value| {
            let kind = frame["type"].as_str().unwrap_or("call");
            kind.starts_with("call") || kind == "ice_candidate" || kind == "error"
        };
        frames.into_iter().filter(is_about_calls).collect()
    }

    /// An action of `mvchat.v1` that must be granted.
    pub(super) async fn act(&mut self, action: Value) -> Value {
        let answer = self.ask(action).await;
        assert_eq!(answer["code"], 200, "{answer}");
        answer
    }

    /// An action of `mvchat.v1` that must be refused.
    pub(super) async fn refused(&mut self, action: Value) -> u64 {
        let answer = self.ask(action).await;
        assert!(answer["text"].is_string(), "{answer}");
        answer["code"].as_u64().unwrap()
    }

    /// The `ctrl` that answers an action of `mvchat.v1`.
    pub(super) async fn ask(&mut self, action: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id.to_string();
        self.socket.say(&json!({"id": id, "call": action})).await;
        let is_meant = |frame: &Value| frame["ctrl"]["id"] == *id;
        self.socket.expect_that("ctrl", is_meant).await["ctrl"].clone()
    }

    async fn expect_info(&mut self, what: &str, call: &Value) -> Value {
        let is_meant =
            |frame: &Value| frame["info"]["what"] == what && frame["info"]["call_id"] == *call;
        self.socket.expect_that(what, is_meant).await["info"].clone()
    }

    async fn expect_error(&mut self) -> u64 {
        let is_meant = |frame: &Value| {
            frame["type"] == "error" || (frame["type"] == "call_state" && frame["state"] == "ended")
        };
        let frame = self.socket.expect_that("a refusal", is_meant).await;
        match frame["code"].as_str() {
            None | Some("call_ended") => 410,
            Some("invalid_field" | "invalid_json" | "payload_too_large") => 400,
            Some("not_allowed") => 403,
            Some("offline" | "not_found") => 404,
            Some("glare" | "wrong_state") => 409,
            Some("rate_limited") => 429,
            Some("busy") => 486,
            Some(code) => panic!("no number for {code}"),
        }
    }

    async fn offer(&mut self, to: &Person, call: Option<&Value>, sdp: &str) {
        let mut frame = json!({"type": "call_offer", "recipient_id": to.user(), "sdp": sdp});
        if let Some(call) = call {
            frame["call_id"] = call.clone();
        }
        self.socket.say(&frame).await;
    }

    async fn say_step(&mut self, step: &str, call: &Value, peer: &Person) {
        let kind = format!("call_{step}");
        let frame = json!({"type": kind, "recipient_id": peer.user(), "call_id": call});
        self.socket.say(&frame).await;
    }
}

/// A session that began with `hi`.
async fn greet(person: &Person) -> Socket {
    let mut socket = Socket::open(person.place(), "/ws").await;
    socket
        .say(&json!({"id": "0", "hi": {"token": person.token()}}))
        .await;
    let Heard::Frame(answer) = socket.hear().await else {
        panic!("expected the answer to hi");
    };
    assert_eq!(answer["ctrl"]["code"], 200, "{answer}");
    socket.expect("ready").await;
    socket
}

fn offered(sdp: &str) -> Value {
    json!({"type": "offer", "sdp": sdp})
}
