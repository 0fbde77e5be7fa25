//! A lean HTTP/1.1 client: one connection for each request, and raw bytes where a test wants them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// Where a daemon listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    address: SocketAddr,
}

impl Place {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// No place at all, for what needs none.
    pub(crate) fn nowhere() -> Self {
        Self::new(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    pub(crate) const fn address(self) -> SocketAddr {
        self.address
    }

    /// What clients sign.
    pub(crate) fn origin(self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn dial(self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    pub(crate) async fn get(self, path: &str) -> Answer {
        self.ask("GET", path, None, None).await
    }

    pub(crate) async fn post(self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, None, Some(body)).await
    }

    /// One request. Fails the test where no whole answer comes.
    pub(crate) async fn ask(
        self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        match self.try_ask(method, path, token, body).await {
            Some(answer) => answer,
            None => panic!("{method} {path}: the connection broke"),
        }
    }

    /// One request; none where the daemon went away before it had answered.
    pub(crate) async fn try_ask(
        self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Option<Answer> {
        let text = body.map(Value::to_string);
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        if let Some(token) = token {
            write!(head, "Authorization: Bearer {token}\r\n").unwrap();
        }
        if let Some(text) = &text {
            head.push_str("Content-Type: application/json\r\n");
            write!(head, "Content-Length: {}\r\n", text.len()).unwrap();
        }
        head.push_str("\r\n");
        head.push_str(text.as_deref().unwrap_or_default());
        self.say(head.as_bytes()).await
    }

    /// Sends these bytes and reads one answer.
    pub(crate) async fn say(self, bytes: &[u8]) -> Option<Answer> {
        soon("an HTTP answer", async {
            let mut stream = self.dial().await.ok()?;
            stream.write_all(bytes).await.ok()?;
            Answer::read(&mut stream).await
        })
        .await
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// Reads one; none where the connection ends before it is whole.
    pub(crate) async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = Self::parse(&bytes) {
                return Some(answer);
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let mut answer = Self {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        let length: usize = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let body = &bytes[end + 4..];
        if body.len() < length {
            return None;
        }
        answer.body = body[..length].to_vec();
        Some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("{error} in {}", self.text()),
        }
    }

    /// The body of an answer that must have this status.
    pub(crate) fn with(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The problem in an answer that must be a refusal with this status and code, whole as
    /// PROTOCOL.md §10 has it.
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        let problem = self.with(status);
        assert_eq!(problem["code"], code, "{problem}");
        let kind = self.header("content-type");
        assert_eq!(kind, Some("application/problem+json"));
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        let id = self.header("x-request-id");
        assert_eq!(problem["request_id"].as_str(), id);
        problem
    }

    /// The same, where the field that is wrong must be named.
    pub(crate) fn refused_field(&self, code: &str, field: &str) {
        let problem = self.refused(400, code);
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
}
