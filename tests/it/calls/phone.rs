//! A client that makes calls in either dialect, so that one test can be about both.

use serde_json::{Value, json};

use crate::rig::{Heard, Person, Place, Socket, fresh_id};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Privcomm,
    Mvchat,
}

/// A step in a call, in the words of neither dialect.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// Rings the peer, in `privcomm.v1` with this SDP.
    Dial(&'a str),
    /// Takes the call, in `privcomm.v1` with this SDP.
    Answer(&'a str),
    /// Passes an offering SDP.
    Offer(&'a str),
    /// Passes a candidate.
    Candidate(&'a str),
    Reject,
    End,
}

/// Every step that a call must exist for.
pub(super) const STEPS: [Step<'static>; 5] = [
    Step::Answer("x"),
    Step::Offer("x"),
    Step::Candidate("x"),
    Step::Reject,
    Step::End,
];

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

    /// Comes with a session whose dialect is settled before the first word is said.
    pub(super) async fn by_subprotocol(person: Person, dialect: Dialect) -> Self {
        let bearer = format!("Bearer {}", person.token());
        let name = match dialect {
            Dialect::Privcomm => "privcomm.v1",
            Dialect::Mvchat => "mvchat.v1",
        };
        let headers = [
            ("sec-websocket-protocol", name),
            ("authorization", bearer.as_str()),
        ];
        let opened = Socket::try_open(person.place(), "/ws", &headers).await;
        let mut socket = opened.unwrap();
        socket.expect("ready").await;
        Self {
            person,
            socket,
            dialect,
            last_id: 0,
        }
    }

    /// Drops the socket, and goes on once the daemon has noticed.
    pub(super) async fn leave(self) -> Person {
        self.socket.leave().await;
        self.person
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
        let number = self.attempt(Step::Dial("x"), &Value::Null, callee).await;
        assert_ne!(number, 200);
        number
    }

    /// Takes a step that may be refused. 200, or the number of the refusal as `mvchat.v1` has it.
    pub(super) async fn attempt(&mut self, step: Step<'_>, call: &Value, peer: &str) -> u64 {
        let frame = self.frame(step, call, peer);
        self.outcome(&frame).await.0
    }

    /// The same, with what the daemon said of a refusal.
    pub(super) async fn refusal(&mut self, step: Step<'_>, call: &Value, peer: &str) -> Value {
        let frame = self.frame(step, call, peer);
        let (number, said) = self.outcome(&frame).await;
        assert_ne!(number, 200);
        said
    }

    /// Takes a step in a frame that says it comes from `victim`, wherever there is room to say so.
    pub(super) async fn attempt_as(
        &mut self,
        victim: &Person,
        step: Step<'_>,
        call: &Value,
        peer: &str,
    ) -> u64 {
        let mut frame = self.frame(step, call, peer);
        for member in ["sender_id", "from", "peer_id", "user_id"] {
            frame[member] = victim.user().into();
            if frame["call"].is_object() {
                frame["call"][member] = victim.user().into();
            }
        }
        self.outcome(&frame).await.0
    }

    fn frame(&mut self, step: Step<'_>, call: &Value, peer: &str) -> Value {
        match self.dialect {
            Dialect::Privcomm => {
                let mut frame = match step {
                    Step::Dial(sdp) | Step::Offer(sdp) => json!({"type": "call_offer", "sdp": sdp}),
                    Step::Answer(sdp) => json!({"type": "call_answer", "sdp": sdp}),
                    Step::Candidate(text) => json!({"type": "ice_candidate", "candidate": text}),
                    Step::Reject => json!({"type": "call_reject"}),
                    Step::End => json!({"type": "call_end"}),
                };
                frame["recipient_id"] = peer.into();
                frame["call_id"] = call.clone();
                frame
            }
            Dialect::Mvchat => {
                let mut action = match step {
                    Step::Dial(_) => json!({"action": "initiate", "user": peer}),
                    Step::Answer(_) => json!({"action": "answer"}),
                    Step::Offer(sdp) => json!({"action": "sdp", "sdp": offered(sdp)}),
                    Step::Candidate(text) => json!({"action": "ice", "candidate": text}),
                    Step::Reject => json!({"action": "reject"}),
                    Step::End => json!({"action": "end"}),
                };
                action["call_id"] = call.clone();
                self.last_id += 1;
                json!({"id": self.last_id.to_string(), "call": action})
            }
        }
    }

    /// What comes of a frame, and what was said if it was refused.
    async fn outcome(&mut self, frame: &Value) -> (u64, Value) {
        self.socket.say(frame).await;
        match self.dialect {
            Dialect::Privcomm => {
                // A grant isn't told. A refusal is told before the next frame is heard.
                self.socket.sync().await;
                self.socket.sync().await;
                let error = self.socket.find_aside(|frame| frame["type"] == "error");
                error.map_or((200, Value::Null), |error| (number_of(&error), error))
            }
            Dialect::Mvchat => {
                let is_meant = |heard: &Value| heard["ctrl"]["id"] == frame["id"];
                let answer = self.socket.expect_that("ctrl", is_meant).await["ctrl"].clone();
                (answer["code"].as_u64().unwrap(), answer)
            }
        }
    }

    /// Something passes each way.
    pub(super) async fn expect_alive(&mut self, other: &mut Self, call: &Value) {
        let mark = json!(fresh_id());
        self.send_candidate(call, &other.person, &mark).await;
        other.expect_candidate(call, &mark).await;
        other.send_candidate(call, &self.person, &mark).await;
        self.expect_candidate(call, &mark).await;
    }

    /// A call that is connected; both have heard everything.
    pub(super) async fn talk(&mut self, other: &mut Self) -> Value {
        let call = self.ring(other).await;
        other.answer(&call, &self.person, "an answer").await;
        self.expect_connected(&call).await;
        self.expect_sdp(&call, "answer", "an answer").await;
        call
    }

    /// A call that rings; both have heard so.
    pub(super) async fn ring(&mut self, other: &mut Self) -> Value {
        let call = self.dial(&other.person, "an offer").await;
        assert_eq!(other.expect_ring(&self.person, "an offer").await, call);
        call
    }

    /// Hangs up, and both hear it, to the last word about that call.
    pub(super) async fn hang_up(&mut self, other: &mut Self, call: &Value) {
        self.step("end", call, &other.person).await;
        self.expect_end(call, "hangup").await;
        other.expect_end(call, "hangup").await;
        other.socket.find_aside(|frame| frame["type"] == "call_end");
    }

    /// Hears that it rings, who calls, and with which SDP. Gives the call.
    pub(super) async fn expect_ring(&mut self, caller: &Person, sdp: &str) -> Value {
        match self.dialect {
            Dialect::Privcomm => {
                let offer = self.socket.expect("call_offer").await;
                assert_eq!(offer["sender_id"], caller.user());
                assert_eq!(offer["sdp"], sdp);
                // It says so by itself where the offer comes later than the call.
                self.socket.find_aside(|frame| frame["state"] == "ringing");
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

    /// Hears that it rings, and who calls. Gives the call.
    pub(super) async fn expect_caller(&mut self, caller: &Person) -> Value {
        let is_ring = |frame: &Value| {
            frame["info"]["what"] == "incoming_call"
                || frame["type"] == "call_offer"
                || frame["type"] == "call_state" && frame["state"] == "ringing"
        };
        let frame = self.socket.expect_that("a ring", is_ring).await;
        let members = [
            &frame["sender_id"],
            &frame["peer_id"],
            &frame["info"]["from"],
        ];
        assert!(members.contains(&&json!(caller.user())), "{frame}");
        let told = [&frame["call_id"], &frame["info"]["call_id"]];
        told.into_iter().find(|id| id.is_string()).unwrap().clone()
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
        number_of(&self.socket.expect_that("a refusal", is_meant).await)
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

/// The number of `mvchat.v1` for what `privcomm.v1` says. A call that is over is told by its last
/// state.
fn number_of(frame: &Value) -> u64 {
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
