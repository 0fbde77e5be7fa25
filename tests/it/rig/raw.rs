//! A WebSocket client that needn't behave: every byte is the test's.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Place, soon};

/// Frame types of RFC 6455 §5.2.
pub(crate) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;
}

/// The bit beside a length that says a mask follows.
const MASKED: u8 = 0x80;

/// A connection that has switched to WebSocket.
#[derive(Debug)]
pub(crate) struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    /// Opens one, authenticated by header where there is a token.
    pub(crate) async fn open(place: Place, token: Option<&str>) -> Self {
        let mut head = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            place.address()
        );
        if let Some(token) = token {
            write!(head, "Authorization: Bearer {token}\r\n").unwrap();
        }
        head.push_str("\r\n");
        let mut stream = place.dial().await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut socket = Self { stream };
        let answer = soon("the switch", socket.read_head()).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        socket
    }

    /// Reads the answer's head, and no byte more.
    async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Writes bytes. That the daemon has gone shows when it is listened to.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = soon("room to write", self.stream.write_all(bytes)).await;
    }

    /// Writes a masked frame with this first byte (flags and opcode).
    pub(crate) async fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut bytes = vec![first];
        match payload.len() {
            length @ ..126 => bytes.push(MASKED + u8::try_from(length).unwrap()),
            length @ ..65_536 => {
                bytes.push(MASKED + 126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                bytes.push(MASKED + 127);
                bytes.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        // A mask of zeros leaves the payload as it is.
        bytes.extend([0; 4]);
        bytes.extend(payload);
        self.write(&bytes).await;
    }

    /// The next frame: its opcode and payload. None where the connection ends.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        soon("a frame", self.read_frame()).await.ok()
    }

    async fn read_frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await?;
        let length = match self.stream.read_u8().await? {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            length => u64::from(length),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await?;
        Ok((first & 0x0f, payload))
    }

    /// The code of the close frame that comes; none where the connection ends without one.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        while let Some((opcode, payload)) = self.next().await {
            if opcode == opcode::CLOSE {
                return Some(u16::from_be_bytes([payload[0], payload[1]]));
            }
        }
        None
    }

    /// The connection itself.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}
