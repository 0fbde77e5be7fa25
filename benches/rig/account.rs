//! Accounts: registered and logged in over HTTP, as any client does it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::Outcome;
use crate::hands;

/// A member with a token that is good.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) user: String,
    token: String,
}

impl Account {
    /// The header that says who asks, with the end of its line.
    pub(crate) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }
}

/// Registers `count` members and logs them in.
pub(crate) fn make(address: SocketAddr, count: usize) -> Outcome<Vec<Account>> {
    hands::share(&vec![(); count], |part| {
        let mut api = Api::connect(address)?;
        part.iter().map(|()| api.make_account()).collect()
    })
}

/// A connection to the REST API.
pub(crate) struct Api {
    stream: TcpStream,
    origin: String,
}

impl Api {
    pub(crate) fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let origin = format!("http://{address}");
        Ok(Self { stream, origin })
    }

    fn make_account(&mut self) -> Outcome<Account> {
        let identity = SigningKey::from_bytes(&random()?);
        let prekey = PublicKey::from(&StaticSecret::from(random::<32>()?));
        let handle: String = random::<32>()?.into_iter().map(hexadecimal).collect();
        let registered = self.post(
            "/api/v1/register",
            &json!({
                "phone_hash": handle,
                "identity_key": STANDARD.encode(identity.verifying_key()),
                "signed_prekey": STANDARD.encode(prekey),
                "prekey_signature": STANDARD.encode(identity.sign(prekey.as_bytes()).to_bytes()),
            }),
        )?;
        let challenge = self.post("/api/v1/auth/challenge", &json!({ "phone_hash": handle }))?;
        let nonce = text(&challenge, "nonce")?;
        let statement = format!("PrivComm_Auth_v1\n{}\n{handle}\n{nonce}", self.origin);
        let signature = identity.sign(statement.as_bytes()).to_bytes();
        let token = self.post(
            "/api/v1/auth/token",
            &json!({
                "phone_hash": handle,
                "nonce": nonce,
                "signature": STANDARD.encode(signature),
            }),
        )?;
        Ok(Account {
            user: text(&registered, "user_id")?,
            token: text(&token, "token")?,
        })
    }

    fn post(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        self.ask("POST", path, None, body)
    }

    /// What the daemon answers; nothing is null.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        account: Option<&Account>,
        body: &Value,
    ) -> Outcome<Value> {
        let body = body.to_string();
        let bearer = account.map(Account::bearer).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
             {bearer}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        let (head, body) = self.response()?;
        if head.starts_with("HTTP/1.1 204") {
            Ok(Value::Null)
        } else if head.starts_with("HTTP/1.1 20") {
            Ok(serde_json::from_slice(&body)?)
        } else {
            Err(format!("{path}: {head}{}", String::from_utf8_lossy(&body)).into())
        }
    }

    /// The next response: its head, and its body of the length that the head tells.
    fn response(&mut self) -> Outcome<(String, Vec<u8>)> {
        let mut read = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let count = self.stream.read(&mut piece)?;
            if count == 0 {
                return Err("the daemon closed a connection".into());
            }
            read.extend_from_slice(&piece[..count]);
            let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&read[..end + 2]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            // An answer without a body has no length either.
            let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
            if read.len() >= end + 4 + length {
                return Ok((
                    head.replace("http/1.1", "HTTP/1.1"),
                    read.split_off(end + 4),
                ));
            }
        }
    }
}

fn text(value: &Value, name: &str) -> Outcome<String> {
    let text = value.get(name).and_then(Value::as_str);
    Ok(text.ok_or("a member is missing")?.to_owned())
}

fn hexadecimal(byte: u8) -> String {
    format!("{byte:02x}")
}

fn random<const N: usize>() -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
