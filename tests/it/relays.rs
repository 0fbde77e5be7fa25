//! Media relays: several of them, relays on their own, the end of one, and the end of a member.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{Appliance, Person, Process, Setup, TurnClient, fresh_id, soon, told};

const SECRET: &str = "a-secret-that-machines-share";

/// A secret as it lies on every machine.
struct SharedSecret(TempDir);

impl SharedSecret {
    fn new(text: &str) -> Self {
        let secret = Self(TempDir::new().unwrap());
        fs::write(secret.path(), text).unwrap();
        secret.chmod(0o600);
        secret
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("turn-secret")
    }

    fn chmod(&self, mode: u32) {
        fs::set_permissions(self.path(), Permissions::from_mode(mode)).unwrap();
    }

    fn setting(&self) -> String {
        format!("turn.secret_file={}", self.path().display())
    }

    /// A relay on its own, at this address.
    async fn relay(&self, ip: &str) -> Process {
        self.relay_setup(ip).spawn().await
    }

    fn relay_setup(&self, ip: &str) -> Setup {
        Setup::relay()
            .set(format!("turn.listen={ip}:0"))
            .set(self.setting())
    }

    /// An appliance without a relay of its own, whose members use these.
    async fn signaling(&self, relays: &[&Process]) -> Appliance {
        let urls: Vec<String> = relays.iter().map(|relay| url(relay)).collect();
        Setup::lenient()
            .set("server.listen=127.0.0.4:0")
            .set("turn.enabled=false")
            .set(format!("turn.extra_urls={}", urls.join(",")))
            .set(self.setting())
            .start()
            .await
    }
}

fn url(relay: &Process) -> String {
    format!("turn:{}?transport=udp", relay.listening()[0])
}

async fn credentials(person: &Person) -> Value {
    person.get("/api/v1/turn-credentials").await.with(200)
}

/// A call over the WebSocket, in which both allocate at the first relay that answers, tell each other
/// where, hear each other, and hang up.
async fn call(anna: &Person, bert: &Person) -> [(TurnClient, std::net::SocketAddr); 2] {
    let (mut annas, mut berts) = (anna.connect().await, bert.connect().await);
    let (mut one, relay, first) = TurnClient::allocate_at_first(&credentials(anna).await).await;
    annas
        .say(&json!({"type": "call_offer", "recipient_id": bert.user(), "sdp": first.to_string()}))
        .await;
    let offer = berts.expect("call_offer").await;
    let peer: std::net::SocketAddr = offer["sdp"].as_str().unwrap().parse().unwrap();
    let (mut other, same, second) = TurnClient::allocate_at_first(&credentials(bert).await).await;
    assert_eq!(relay, same);
    other.permit(peer).await.unwrap();
    berts
        .say(&json!({"type": "call_answer", "recipient_id": anna.user(),
            "call_id": offer["call_id"], "sdp": second.to_string()}))
        .await;
    let answer = annas.expect("call_answer").await;
    let peer = answer["sdp"].as_str().unwrap().parse().unwrap();
    one.permit(peer).await.unwrap();
    hear_each_other([(&one, first), (&other, second)]).await;
    annas
        .say(&json!({"type": "call_end", "recipient_id": bert.user(), "call_id": offer["call_id"]}))
        .await;
    berts.expect("call_end").await;
    [(one, first), (other, second)]
}

async fn hear_each_other(
    [(one, first), (other, second)]: [(&TurnClient, std::net::SocketAddr); 2],
) {
    one.send(second, b"there").await;
    assert_eq!(other.receive().await, (first, b"there".to_vec()));
    other.send(first, b"back").await;
    assert_eq!(one.receive().await, (second, b"back".to_vec()));
}

/// Two clients of this relay with allocations that permit each other.
async fn pair(relay: &Process, credentials: &Value) -> [(TurnClient, std::net::SocketAddr); 2] {
    let address = relay.listening()[0].parse().unwrap();
    let mut one = TurnClient::new(address, credentials).await;
    let mut other = TurnClient::new(address, credentials).await;
    let (first, second) = (
        one.allocate().await.unwrap(),
        other.allocate().await.unwrap(),
    );
    one.permit(second).await.unwrap();
    other.permit(first).await.unwrap();
    [(one, first), (other, second)]
}

/// Passes once the relay lets nobody in any more.
async fn until_draining(relay: std::net::SocketAddr, credentials: &Value) {
    soon("the end of new allocations", async {
        loop {
            let mut late = TurnClient::new(relay, credentials).await;
            match late.allocate().await {
                Ok(_) => late.refresh(0).await.unwrap(),
                Err(code) => return assert_eq!(code, 508),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_works_over_relays_elsewhere_also_after_one_died() {
    let secret = SharedSecret::new(SECRET);
    let relays = [
        secret.relay("127.0.0.2").await,
        secret.relay("127.0.0.3").await,
    ];
    let appliance = secret.signaling(&[&relays[0], &relays[1]]).await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    let addresses: Vec<_> = relays
        .iter()
        .map(|relay| relay.listening()[0].parse().unwrap())
        .collect();
    assert_eq!(told(&credentials(&anna).await), addresses);
    let health = appliance.place().get("/health").await.with(200);
    assert_eq!(health["checks"]["turn"], "off");

    let [(_, first), _] = call(&anna, &bert).await;
    assert_eq!(first.ip(), addresses[0].ip());

    let [dies, _stays] = relays;
    dies.kill();
    let [(_, first), _] = call(&anna, &bert).await;
    assert_eq!(first.ip(), addresses[1].ip());
}

#[tokio::test]
async fn a_relay_that_does_not_answer_is_told_last() {
    let secret = SharedSecret::new(SECRET);
    let dead = secret.relay("127.0.0.2").await;
    let silent = url(&dead);
    dead.kill();
    let live = secret.relay("127.0.0.3").await;
    let appliance = Setup::lenient()
        .set("turn.enabled=false")
        .set(format!("turn.extra_urls={silent},{}", url(&live)))
        .set(secret.setting())
        .start()
        .await;
    let person = Person::join(appliance.place()).await;
    soon("the other order", async {
        while credentials(&person).await["urls"] != json!([url(&live), silent]) {}
    })
    .await;
}

#[tokio::test]
async fn both_parties_of_a_call_are_told_its_order_and_calls_are_spread() {
    let relays = ["a.invalid", "b.invalid", "c.invalid"].map(|host| format!("turns:{host}"));
    let appliance = Setup::lenient()
        .set("turn.enabled=false")
        .set(format!("turn.extra_urls={}", relays.join(",")))
        .start()
        .await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut firsts = std::collections::HashSet::new();
    while firsts.len() < relays.len() {
        let path = format!("/api/v1/turn-credentials?call={}", fresh_id());
        let [told, again] = [
            anna.get(&path).await.with(200),
            bert.get(&path).await.with(200),
        ];
        assert_eq!(told["urls"], again["urls"]);
        assert_eq!(told["ice_servers"][0]["urls"], told["urls"]);
        assert_ne!(told["username"], again["username"]);
        firsts.insert(told["urls"][0].as_str().unwrap().to_owned());
    }
    let wrong = anna.get("/api/v1/turn-credentials?call=mine").await;
    wrong.refused_field("invalid_field", "call");
}

#[tokio::test]
async fn relays_elsewhere_are_told_behind_the_own_and_share_its_credentials() {
    let secret = SharedSecret::new(SECRET);
    let relay = secret.relay("127.0.0.2").await;
    let appliance = Setup::lenient()
        .set(format!("turn.extra_urls={}", url(&relay)))
        .set(secret.setting())
        .start()
        .await;
    let person = Person::join(appliance.place()).await;
    let credentials = credentials(&person).await;
    let relays = told(&credentials);
    assert_eq!(relays[1], relay.listening()[0].parse().unwrap());
    for relay in relays {
        let mut client = TurnClient::new(relay, &credentials).await;
        assert!(client.allocate().await.is_ok());
    }

    let stranger = SharedSecret::new("a-secret-of-somebody-else");
    let foreign = stranger.relay("127.0.0.3").await;
    let address = foreign.listening()[0].parse().unwrap();
    let mut client = TurnClient::new(address, &credentials).await;
    assert_eq!(client.allocate().await, Err(401));
}

#[tokio::test]
async fn every_credential_has_a_quota_at_a_relay_on_its_own() {
    let secret = SharedSecret::new(SECRET);
    let setup = secret.relay_setup("127.0.0.2");
    let relay = setup.set("turn.max_allocations_per_user=1").spawn().await;
    let appliance = secret.signaling(&[&relay]).await;
    let person = Person::join(appliance.place()).await;
    let address = relay.listening()[0].parse().unwrap();
    for credentials in [credentials(&person).await, credentials(&person).await] {
        let mut first = TurnClient::new(address, &credentials).await;
        assert!(first.allocate().await.is_ok());
        let mut second = TurnClient::new(address, &credentials).await;
        assert_eq!(second.allocate().await, Err(486));
    }
}

#[tokio::test]
async fn a_relay_on_its_own_says_what_is_wrong_with_its_secret() {
    let secret = SharedSecret::new(SECRET);
    secret.chmod(0o644);
    let shared = secret.relay_setup("127.0.0.2");
    let short = SharedSecret::new("short");
    let short = short.relay_setup("127.0.0.2");
    let absent = Setup::relay().set("turn.secret_file=/nowhere/secret");
    for (setup, said) in [
        (Setup::relay(), "--role relay needs turn.secret_file"),
        (absent, "can't read /nowhere/secret"),
        (shared, "chmod o= "),
        (short, "16 to 512"),
    ] {
        let stderr = setup.fail().await;
        assert!(stderr.contains(said) && stderr.contains("fix:"), "{stderr}");
    }
}

#[tokio::test]
async fn a_relay_that_is_told_to_stop_lets_calls_end() {
    let secret = SharedSecret::new(SECRET);
    let setup = secret.relay_setup("127.0.0.2");
    let relay = setup.set("turn.drain_timeout=1h").spawn().await;
    let appliance = secret.signaling(&[&relay]).await;
    let credentials = credentials(&Person::join(appliance.place()).await).await;
    let [(mut one, first), (mut other, second)] = pair(&relay, &credentials).await;
    relay.signal(Signal::TERM);
    until_draining(told(&credentials)[0], &credentials).await;
    one.refresh(600).await.unwrap();
    hear_each_other([(&one, first), (&other, second)]).await;
    one.refresh(0).await.unwrap();
    other.refresh(0).await.unwrap();
    let (status, said) = relay.wait().await;
    assert!(status.success(), "{said}");
}

#[tokio::test]
async fn a_second_signal_ends_calls_at_once() {
    let secret = SharedSecret::new(SECRET);
    let setup = secret.relay_setup("127.0.0.2");
    let relay = setup.set("turn.drain_timeout=1h").spawn().await;
    let appliance = secret.signaling(&[&relay]).await;
    let credentials = credentials(&Person::join(appliance.place()).await).await;
    let _talking = pair(&relay, &credentials).await;
    relay.signal(Signal::TERM);
    until_draining(told(&credentials)[0], &credentials).await;
    relay.signal(Signal::TERM);
    let (_, said) = relay.wait().await;
    assert!(said.contains("second signal"), "{said}");
}

#[tokio::test]
async fn calls_outlast_an_appliance_that_stops() {
    let appliance = Setup::lenient().set("turn.drain_timeout=1h").spawn().await;
    let person = Person::join(appliance.place()).await;
    let credentials = credentials(&person).await;
    let relay = told(&credentials)[0];
    let mut client = TurnClient::new(relay, &credentials).await;
    client.allocate().await.unwrap();
    let mut socket = person.connect().await;
    appliance.signal(Signal::TERM);
    assert_eq!(socket.closed().await, 1012);
    until_draining(relay, &credentials).await;
    client.refresh(600).await.unwrap();
    soon("the end of HTTP", async {
        while appliance.place().dial().await.is_ok() {}
    })
    .await;
    client.refresh(0).await.unwrap();
    let (status, said) = appliance.wait().await;
    assert!(status.success(), "{said}");
}

#[tokio::test]
async fn without_a_drain_timeout_nobody_is_waited_for() {
    let appliance = Appliance::start().await;
    let person = Person::join(appliance.place()).await;
    let credentials = credentials(&person).await;
    let mut client = TurnClient::new(told(&credentials)[0], &credentials).await;
    client.allocate().await.unwrap();
    soon("the end", appliance.stop()).await;
}

#[tokio::test]
async fn deleting_an_account_ends_its_allocations_at_once() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    let [(mut gone, first), (left, second)] = call(&anna, &bert).await;
    let known = credentials(&anna).await;

    let login = anna.fresh_login().await;
    anna.ask("DELETE", "/api/v1/account", Some(&login))
        .await
        .with(204);
    gone.send(second, b"still here").await;
    assert_eq!(gone.refresh(600).await, Err(401));
    left.assert_nothing_came().await;
    left.send(first, b"anybody there").await;
    left.assert_nothing_came().await;
    gone.assert_nothing_came().await;
    assert_eq!(gone.allocate().await, Err(401));
    let mut again = TurnClient::new(told(&known)[0], &known).await;
    assert_eq!(again.allocate().await, Err(401));
}
