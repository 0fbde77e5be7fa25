//! Somebody who uses the appliance: an identity, an account, a token.

use ed25519_dalek::{Signer, SigningKey};
use privcomm::base::random;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Heard, Place, Socket, base64, hex};

/// Somebody with an identity key and a handle; with an account and a token once registered.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    place: Place,
    identity: SigningKey,
    phone_hash: String,
    user: String,
    token: String,
}

impl Person {
    /// Somebody who isn't known to the daemon at `place`.
    pub(crate) fn stranger(place: Place) -> Self {
        Self {
            place,
            identity: SigningKey::from_bytes(&random::draw()),
            phone_hash: hex(&random::draw::<32>()),
            user: String::new(),
            token: String::new(),
        }
    }

    /// Somebody who isn't known yet, and calls themselves `name`: their handle is hashed as clients do.
    pub(crate) async fn named(place: Place, name: &str) -> Self {
        let server = place.get("/api/v1/server").await.with(200);
        let salt = unbase64(&server["handle_salt"]).try_into().unwrap();
        let name = name.to_owned();
        let hashing = move || privcomm::auth::Handle::of_name(&name, &salt);
        let handle = tokio::task::spawn_blocking(hashing).await.unwrap();
        Self {
            phone_hash: handle.as_str().to_owned(),
            ..Self::stranger(place)
        }
    }

    /// Somebody with an account and a token.
    pub(crate) async fn join(place: Place) -> Self {
        Self::join_with(place, 0).await
    }

    /// The same, with one-time prekeys numbered from 1.
    pub(crate) async fn join_with(place: Place, prekeys: u32) -> Self {
        let mut person = Self::stranger(place);
        let registered = person.register(1..=prekeys).await.with(201);
        assert_eq!(registered["status"], "registered");
        person.log_in().await;
        assert_eq!(registered["user_id"], person.user());
        person
    }

    /// As many as the pattern wants.
    pub(crate) async fn crowd<const N: usize>(place: Place) -> [Self; N] {
        let mut people = Vec::new();
        for _ in 0..N {
            people.push(Self::join(place).await);
        }
        people.try_into().unwrap()
    }

    /// Their user id; empty before they have one.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn phone_hash(&self) -> &str {
        &self.phone_hash
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn identity_key(&self) -> String {
        base64(self.identity.verifying_key().as_bytes())
    }

    /// The same person, who finds the daemon elsewhere: it was restarted.
    pub(crate) fn move_to(&mut self, place: Place) {
        self.place = place;
    }

    /// The same handle with another identity key.
    pub(crate) fn with_new_identity(&self) -> Self {
        let identity = SigningKey::from_bytes(&random::draw());
        Self {
            identity,
            ..self.clone()
        }
    }

    /// The base64 of what their identity key makes of `text`.
    pub(crate) fn sign(&self, text: impl AsRef<[u8]>) -> String {
        base64(self.identity.sign(text.as_ref()).to_bytes())
    }

    /// A nonce to sign.
    pub(crate) async fn challenge(&self) -> String {
        let body = json!({"phone_hash": self.phone_hash});
        let answer = self.place.post("/api/v1/auth/challenge", &body).await;
        answer.with(200)["nonce"].as_str().unwrap().to_owned()
    }

    /// The body of a registration, right in every part.
    pub(crate) async fn application(&self, prekeys: impl IntoIterator<Item = u32>) -> Value {
        let nonce = self.challenge().await;
        let mut application = json!({
            "phone_hash": self.phone_hash,
            "identity_key": self.identity_key(),
            "registration_id": 77,
            "one_time_prekeys": fresh_prekeys(prekeys),
            "nonce": nonce,
        });
        let signed = self.signed_prekey();
        application["signed_prekey"] = signed["signed_prekey"].clone();
        application["prekey_signature"] = signed["prekey_signature"].clone();
        let origin = self.place.origin();
        application["registration_signature"] = self.prove(&application, &origin).into();
        application
    }

    /// A new signed prekey and its signature.
    pub(crate) fn signed_prekey(&self) -> Value {
        let key: [u8; 32] = random::draw();
        json!({"signed_prekey": base64(key), "prekey_signature": self.sign(key)})
    }

    /// The signature that an application needs.
    pub(crate) fn prove(&self, application: &Value, origin: &str) -> String {
        let mut keys = Sha256::new();
        keys.update(unbase64(&application["signed_prekey"]));
        for key in application["one_time_prekeys"].as_array().unwrap() {
            let id = u32::try_from(key["key_id"].as_u64().unwrap()).unwrap();
            keys.update(id.to_be_bytes());
            keys.update(unbase64(&key["public_key"]));
        }
        self.sign(format!(
            "PrivComm_Register_v1\n{origin}\n{}\n{}\n{}",
            self.phone_hash,
            application["nonce"].as_str().unwrap(),
            base64(keys.finalize())
        ))
    }

    pub(crate) async fn register(&self, prekeys: impl IntoIterator<Item = u32>) -> Answer {
        let application = self.application(prekeys).await;
        self.place.post("/api/v1/register", &application).await
    }

    /// The body of a request for a token, or for the end of the account.
    pub(crate) fn login(&self, nonce: &str, origin: &str) -> Value {
        let text = format!("PrivComm_Auth_v1\n{origin}\n{}\n{nonce}", self.phone_hash);
        json!({"phone_hash": self.phone_hash, "nonce": nonce, "signature": self.sign(text)})
    }

    /// A login from a fresh nonce.
    pub(crate) async fn fresh_login(&self) -> Value {
        let nonce = self.challenge().await;
        self.login(&nonce, &self.place.origin())
    }

    /// Gets a new token.
    pub(crate) async fn log_in(&mut self) {
        let login = self.fresh_login().await;
        let answer = self
            .place
            .post("/api/v1/auth/token", &login)
            .await
            .with(200);
        answer["token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
        answer["user_id"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.user);
    }

    /// A request with their token.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.place.ask(method, path, Some(&self.token), body).await
    }

    /// A request with their token, of a daemon that may go away meanwhile.
    pub(crate) async fn try_ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Answer> {
        let place = self.place;
        place.try_ask(method, path, Some(&self.token), body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, Some(body)).await
    }

    /// Says that `other` may call them and fill their queue.
    pub(crate) async fn allow(&self, other: &Self) {
        self.regard(other, "allowed").await;
    }

    /// Says that they never want to hear from `other`.
    pub(crate) async fn block(&self, other: &Self) {
        self.regard(other, "blocked").await;
    }

    async fn regard(&self, other: &Self, state: &str) {
        let path = format!("/api/v1/contacts/{}", other.user());
        let contact = self.put(&path, &json!({"state": state})).await.with(200);
        assert_eq!(contact["state"], state);
    }

    /// Sends a message by request.
    pub(crate) async fn post_message(&self, to: &Self, payload: &str) -> Answer {
        let body = json!({"recipient_id": to.user(), "payload": base64(payload)});
        self.post("/api/v1/messages", &body).await
    }

    /// Says that messages arrived.
    pub(crate) async fn ack(&self, ids: &[&Value]) {
        let body = json!({"message_ids": ids});
        self.post("/api/v1/messages/ack", &body).await.with(204);
    }

    /// Everything that waits for them, read page by page and taken out of nothing.
    pub(crate) async fn waiting(&self) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or_else(String::new, |last| {
                format!("?after={}", last["message_id"].as_str().unwrap())
            });
            let page = self
                .get(&format!("/api/v1/messages{after}"))
                .await
                .with(200);
            all.extend(page["messages"].as_array().unwrap().iter().cloned());
            if page["more"] == false {
                return all;
            }
        }
    }

    /// A session that stands: `ready` was heard.
    pub(crate) async fn connect(&self) -> Socket {
        let (socket, _) = self.arrive().await;
        socket
    }

    /// A session that stands, where the daemon doesn't go away meanwhile.
    pub(crate) async fn try_connect(&self) -> Option<Socket> {
        let mut socket = Socket::try_open(self.place, "/ws", &[]).await.ok()?;
        socket
            .say(&json!({"type": "auth", "token": self.token}))
            .await;
        match socket.hear().await {
            Heard::Frame(ready) => {
                assert_eq!(ready["type"], "ready", "{ready}");
                Some(socket)
            }
            Heard::Closed(1012) | Heard::Broken => None,
            Heard::Closed(code) => panic!("closed with {code} before ready"),
        }
    }

    /// A session that stands, and its `ready`.
    pub(crate) async fn arrive(&self) -> (Socket, Value) {
        let mut socket = Socket::open(self.place, "/ws").await;
        socket
            .say(&json!({"type": "auth", "token": self.token}))
            .await;
        let ready = socket.next().await;
        assert_eq!(ready["type"], "ready", "{ready}");
        assert_eq!(ready["user_id"], self.user());
        (socket, ready)
    }
}

/// One-time prekeys with these numbers.
pub(crate) fn fresh_prekeys(ids: impl IntoIterator<Item = u32>) -> Vec<Value> {
    let fresh = |id| json!({"key_id": id, "public_key": base64(random::draw::<32>())});
    ids.into_iter().map(fresh).collect()
}

/// The bytes of a base64 text that the daemon or the rig made.
pub(crate) fn unbase64(text: &Value) -> Vec<u8> {
    use ::base64::Engine as _;
    let text = text.as_str().unwrap();
    ::base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}
