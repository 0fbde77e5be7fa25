//! A WebSocket client that behaves.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use privcomm::base::random;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Person, Place, base64, fresh_id, soon};

/// One open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Frames that were read while another was looked for, in the order in which they came.
    set_aside: VecDeque<Value>,
}

/// What comes out of a socket.
#[derive(Debug)]
pub(crate) enum Heard {
    Frame(Value),
    /// The daemon closed it, with this code.
    Closed(u16),
    /// It broke without a close frame.
    Broken,
}

impl Socket {
    /// Opens one at `path`, without authentication of its own.
    pub(crate) async fn open(place: Place, path: &str) -> Self {
        match Self::try_open(place, path, &[]).await {
            Ok(socket) => socket,
            Err(status) => panic!("expected a socket at {path}, not {status}"),
        }
    }

    /// Opens one with these headers, or gives the HTTP status of the refusal; 0 where the daemon
    /// didn't answer at all.
    pub(crate) async fn try_open(
        place: Place,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let url = format!("ws://{}{path}", place.address());
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let handshake = soon("a handshake", async {
            let stream = place.dial().await.map_err(Error::Io)?;
            client_async(request, stream).await
        });
        match handshake.await {
            Ok((stream, _)) => Ok(Self {
                stream,
                set_aside: VecDeque::new(),
            }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(_) => Err(0),
        }
    }

    /// Sends one frame.
    pub(crate) async fn say(&mut self, frame: &Value) {
        self.say_message(Message::text(frame.to_string())).await;
    }

    /// Sends any WebSocket message. That the daemon has gone shows when it is listened to.
    pub(crate) async fn say_message(&mut self, message: Message) {
        let _ = soon("room to send", self.stream.send(message)).await;
    }

    /// Sends a message and gives its id.
    pub(crate) async fn send(&mut self, to: &Person, payload: &str) -> String {
        let id = fresh_id();
        self.send_as(&id, to, payload).await;
        id
    }

    /// Sends a message under this id.
    pub(crate) async fn send_as(&mut self, id: &str, to: &Person, payload: &str) {
        self.say(&json!({
            "type": "encrypted_message",
            "id": id,
            "recipient_id": to.user(),
            "payload": base64(payload),
        }))
        .await;
    }

    /// Acknowledges messages.
    pub(crate) async fn ack<'a>(&mut self, ids: impl IntoIterator<Item = &'a Value>) {
        let ids: Vec<&Value> = ids.into_iter().collect();
        self.say(&json!({"type": "ack", "message_ids": ids})).await;
    }

    /// The next frame in the order in which they came.
    pub(crate) async fn next(&mut self) -> Value {
        match self.set_aside.pop_front() {
            Some(frame) => frame,
            None => match self.hear().await {
                Heard::Frame(frame) => frame,
                end => panic!("expected a frame, not {end:?}"),
            },
        }
    }

    /// The next frame of this type; others are set aside for later.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        self.expect_that(kind, |frame| frame["type"] == kind).await
    }

    /// The next frame of which this is true; others are set aside for later.
    pub(crate) async fn expect_that(
        &mut self,
        what: &str,
        is_meant: impl Fn(&Value) -> bool,
    ) -> Value {
        if let Some(at) = self.set_aside.iter().position(&is_meant) {
            return self.set_aside.remove(at).unwrap();
        }
        loop {
            match self.hear().await {
                Heard::Frame(frame) if is_meant(&frame) => return frame,
                Heard::Frame(frame) => self.set_aside.push_back(frame),
                end => panic!("expected {what}, not {end:?} after {:?}", self.set_aside),
            }
        }
    }

    /// A frame of which this is true among those that were set aside.
    pub(crate) fn find_aside(&mut self, is_meant: impl Fn(&Value) -> bool) -> Option<Value> {
        let at = self.set_aside.iter().position(is_meant)?;
        self.set_aside.remove(at)
    }

    /// The next message, with its text read.
    pub(crate) async fn message(&mut self) -> (Value, String) {
        let message = self.expect("encrypted_message").await;
        let text = text_of(&message);
        (message, text)
    }

    /// The next `error`, which must have this code.
    pub(crate) async fn refused(&mut self, code: &str) -> Value {
        let error = self.expect("error").await;
        assert_eq!(error["code"], code, "{error}");
        assert!(error["detail"].is_string());
        error
    }

    /// Asks the daemon for a sign of life and waits for it: whatever it had to say before has been
    /// heard then, and is set aside.
    pub(crate) async fn sync(&mut self) {
        let mark = u32::from_be_bytes(random::draw());
        self.say(&json!({"type": "ping", "t": mark})).await;
        loop {
            match self.hear().await {
                Heard::Frame(frame) if frame["type"] == "pong" && frame["t"] == mark => return,
                Heard::Frame(frame) => self.set_aside.push_back(frame),
                end => panic!("expected a pong, not {end:?}"),
            }
        }
    }

    /// Everything that the daemon had to say until now.
    pub(crate) async fn drain(&mut self) -> Vec<Value> {
        self.sync().await;
        self.set_aside.drain(..).collect()
    }

    /// Waits until the daemon says something, and gives all that it has to say then.
    pub(crate) async fn burst(&mut self) -> Vec<Value> {
        let mut frames = vec![self.next().await];
        frames.extend(self.drain().await);
        frames
    }

    /// The code with which the daemon closes the session; frames before it are let go.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.hear().await {
                Heard::Frame(_) => {}
                Heard::Closed(code) => return code,
                Heard::Broken => panic!("the socket broke without a close frame"),
            }
        }
    }

    /// What comes next, whatever it is. Pings are answered on the way.
    pub(crate) async fn hear(&mut self) -> Heard {
        soon("a frame", self.hear_at_last()).await
    }

    /// The same, however long it takes. Cancelling loses nothing.
    pub(crate) async fn hear_at_last(&mut self) -> Heard {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Frame(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("the daemon sent {other:?}"),
                Some(Err(_)) | None => return Heard::Broken,
            }
        }
    }

    /// Says goodbye and waits until the daemon has heard it.
    pub(crate) async fn leave(mut self) {
        let _ = self.stream.close(None).await;
        soon("the end", async {
            while let Some(Ok(_)) = self.stream.next().await {}
        })
        .await;
    }
}

/// What a message says.
pub(crate) fn text_of(message: &Value) -> String {
    use ::base64::Engine as _;
    let payload = message["payload"].as_str().unwrap();
    let bytes = ::base64::engine::general_purpose::STANDARD.decode(payload);
    String::from_utf8(bytes.unwrap()).unwrap()
}
