//! Every line of the transcript in PROTOCOL.md §8, as it is written there.

use serde_json::{Value, json};

use crate::rig::{Appliance, Person, Setup, Socket};

/// Alice, who calls, and Bob, who takes her calls: both in the dialect.
struct Scene {
    alice: Person,
    bob: Person,
    caller: Socket,
    callee: Socket,
    _appliance: Appliance,
}

impl Scene {
    async fn open() -> Self {
        let appliance = Setup::lenient().set("calls.ringing_grace=1s").start().await;
        let [alice, bob] = Person::crowd(appliance.place()).await;
        bob.allow(&alice).await;
        let name = json!({"public_name": "Alice"});
        alice
            .ask("PATCH", "/api/v1/account", Some(&name))
            .await
            .with(200);
        Self {
            caller: greeted(&alice).await,
            callee: greeted(&bob).await,
            alice,
            bob,
            _appliance: appliance,
        }
    }

    /// A call that rings, everything about it heard.
    async fn ring(&mut self) -> Value {
        let call = json!({"id": "1", "call": {"action": "initiate", "user": self.bob.user()}});
        self.caller.say(&call).await;
        let ctrl = self.caller.next().await;
        let call = ctrl["ctrl"]["params"]["call_id"].clone();
        self.caller.next().await;
        self.callee.next().await;
        self.callee.next().await;
        call
    }

    /// A call that is connected, everything about it heard.
    async fn talk(&mut self) -> Value {
        let call = self.ring().await;
        let answer = json!({"id": "2", "call": {"action": "answer", "call_id": call}});
        self.callee.say(&answer).await;
        self.callee.next().await;
        self.callee.next().await;
        self.caller.next().await;
        call
    }
}

/// A session of which `hi`, `ready` and the end of the empty backlog were heard.
async fn greeted(person: &Person) -> Socket {
    let mut socket = Socket::open(person.place(), "/ws").await;
    socket
        .say(&json!({"id": "0", "hi": {"token": person.token()}}))
        .await;
    let hi = socket.next().await;
    assert_eq!(hi["ctrl"]["code"], 200, "{hi}");
    socket.expect("ready").await;
    socket.drain().await;
    socket
}

fn granted(id: &str) -> Value {
    json!({"ctrl": {"id": id, "code": 200}})
}

fn info(what: &str, call: &Value) -> Value {
    json!({"info": {"what": what, "call_id": call}})
}

fn ended(call: &Value, reason: &str) -> Value {
    json!({"info": {"what": "call_ended", "call_id": call, "reason": reason}})
}

fn assert_ice_servers(servers: &Value) {
    let servers = servers.as_array().unwrap();
    assert!(!servers.is_empty());
    let last = servers.last().unwrap();
    assert!(last["urls"].as_array().is_some_and(|urls| !urls.is_empty()));
    assert!(last["username"].is_string() && last["credential"].is_string());
}

#[tokio::test]
async fn hi_is_answered_with_the_user_and_ice_servers() {
    let appliance = Appliance::start().await;
    let alice = Person::join(appliance.place()).await;
    let mut socket = Socket::open(appliance.place(), "/ws").await;
    socket
        .say(&json!({"id": "0", "hi": {"token": alice.token()}}))
        .await;
    let mut answer = socket.next().await;
    assert_ice_servers(&answer["ctrl"]["params"]["ice_servers"]);
    answer["ctrl"]["params"]["ice_servers"] = json!([]);
    let params = json!({"user": alice.user(), "ice_servers": []});
    assert_eq!(
        answer,
        json!({"ctrl": {"id": "0", "code": 200, "params": params}})
    );
}

#[tokio::test]
async fn initiate_tells_the_caller_the_call_and_the_callee_who_calls() {
    let mut scene = Scene::open().await;
    let initiate = json!({"id": "1", "call": {"action": "initiate", "user": scene.bob.user()}});
    scene.caller.say(&initiate).await;
    let mut ctrl = scene.caller.next().await;
    assert_ice_servers(&ctrl["ctrl"]["params"]["ice_servers"]);
    ctrl["ctrl"]["params"]["ice_servers"] = json!([]);
    let call = ctrl["ctrl"]["params"]["call_id"].clone();
    let params = json!({"call_id": call, "ice_servers": []});
    assert_eq!(
        ctrl,
        json!({"ctrl": {"id": "1", "code": 200, "params": params}})
    );
    let incoming = json!({"info": {"what": "incoming_call", "call_id": call,
        "from": scene.alice.user(), "fromPublic": {"fn": "Alice"}}});
    assert_eq!(scene.callee.next().await, incoming);
    assert_eq!(scene.callee.next().await, info("call_ringing", &call));
    assert_eq!(scene.caller.next().await, info("call_ringing", &call));
}

#[tokio::test]
async fn a_caller_without_a_published_name_has_no_from_public() {
    let mut scene = Scene::open().await;
    scene.alice.allow(&scene.bob).await;
    let initiate = json!({"id": "1", "call": {"action": "initiate", "user": scene.alice.user()}});
    scene.callee.say(&initiate).await;
    let incoming = scene.caller.next().await;
    assert_eq!(incoming["info"]["what"], "incoming_call");
    assert!(incoming["info"].get("fromPublic").is_none(), "{incoming}");
}

#[tokio::test]
async fn answer_connects_both() {
    let mut scene = Scene::open().await;
    let call = scene.ring().await;
    let answer = json!({"id": "2", "call": {"action": "answer", "call_id": call}});
    scene.callee.say(&answer).await;
    assert_eq!(scene.callee.next().await, granted("2"));
    assert_eq!(scene.callee.next().await, info("call_answered", &call));
    assert_eq!(scene.caller.next().await, info("call_answered", &call));
}

#[tokio::test]
async fn reject_ends_the_call_for_both() {
    let mut scene = Scene::open().await;
    let call = scene.ring().await;
    let reject = json!({"id": "3", "call": {"action": "reject", "call_id": call}});
    scene.callee.say(&reject).await;
    assert_eq!(scene.callee.next().await, granted("3"));
    assert_eq!(scene.callee.next().await, ended(&call, "rejected"));
    assert_eq!(scene.caller.next().await, ended(&call, "rejected"));
}

#[tokio::test]
async fn end_hangs_up_for_both() {
    let mut scene = Scene::open().await;
    let call = scene.talk().await;
    let end = json!({"id": "4", "call": {"action": "end", "call_id": call}});
    scene.caller.say(&end).await;
    assert_eq!(scene.caller.next().await, granted("4"));
    assert_eq!(scene.caller.next().await, ended(&call, "hangup"));
    assert_eq!(scene.callee.next().await, ended(&call, "hangup"));
}

#[tokio::test]
async fn an_sdp_reaches_the_peer() {
    let mut scene = Scene::open().await;
    let call = scene.talk().await;
    let sdp = json!({"type": "offer", "sdp": "…"});
    let frame = json!({"id": "5", "call": {"action": "sdp", "call_id": call, "sdp": sdp}});
    scene.caller.say(&frame).await;
    assert_eq!(scene.caller.next().await, granted("5"));
    let heard = json!({"info": {"what": "call_sdp", "call_id": call, "sdp": sdp}});
    assert_eq!(scene.callee.next().await, heard);
}

#[tokio::test]
async fn a_candidate_reaches_the_peer() {
    let mut scene = Scene::open().await;
    let call = scene.talk().await;
    let candidate = json!({"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0"});
    let frame =
        json!({"id": "7", "call": {"action": "ice", "call_id": call, "candidate": candidate}});
    scene.callee.say(&frame).await;
    assert_eq!(scene.callee.next().await, granted("7"));
    let heard = json!({"info": {"what": "call_ice", "call_id": call, "candidate": candidate}});
    assert_eq!(scene.caller.next().await, heard);
}

#[tokio::test]
async fn a_call_ends_for_the_four_reasons_of_this_wire() {
    let mut scene = Scene::open().await;
    let call = scene.ring().await;
    scene.caller.leave().await;
    assert_eq!(scene.callee.next().await, ended(&call, "error"));
    let impatient = Setup::lenient().set("calls.ring_timeout=1s").start().await;
    let [alice, bob] = Person::crowd(impatient.place()).await;
    bob.allow(&alice).await;
    let (mut caller, _callee) = (greeted(&alice).await, greeted(&bob).await);
    caller
        .say(&json!({"id": "1", "call": {"action": "initiate", "user": bob.user()}}))
        .await;
    let call = caller.next().await["ctrl"]["params"]["call_id"].clone();
    caller.next().await;
    assert_eq!(caller.next().await, ended(&call, "timeout"));
    // The other two have tests of their own: hangup and rejected.
}
