//! A member's WebSocket, by hand: no more is done with what comes than the load needs.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::Outcome;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// The beginning of a frame whose rest hasn't come.
    unread: Vec<u8>,
    /// What is to be written, from `written` on.
    unsent: Vec<u8>,
    written: usize,
}

impl Socket {
    /// Opens one; `headers` are added to the request, each with the end of its line.
    pub(crate) fn open(address: SocketAddr, headers: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut socket = Self {
            stream,
            unread: Vec::new(),
            unsent: Vec::new(),
            written: 0,
        };
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {headers}\r\n"
        );
        socket.stream.write_all(request.as_bytes())?;
        socket.finish_handshake()?;
        Ok(socket)
    }

    fn finish_handshake(&mut self) -> Outcome<()> {
        let mut piece = [0; 1024];
        loop {
            let count = self.stream.read(&mut piece)?;
            self.unread.extend_from_slice(&piece[..count]);
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                if !self.unread.starts_with(b"HTTP/1.1 101") {
                    let head = String::from_utf8_lossy(&self.unread);
                    return Err(format!("no WebSocket: {head}").into());
                }
                self.unread.drain(..end + 4);
                return Ok(());
            }
            if count == 0 {
                return Err("the daemon closed a connection".into());
            }
        }
    }

    /// Reads until a frame `is` what is waited for; what comes right behind it stays unread.
    pub(crate) fn wait_for(&mut self, is: impl Fn(&[u8]) -> Outcome<bool>) -> Outcome<()> {
        let mut piece = [0; 4096];
        loop {
            while let Some((payload, length)) = frame(&self.unread) {
                let found = is(&self.unread[payload..length])?;
                self.unread.drain(..length);
                if found {
                    return Ok(());
                }
            }
            let count = self.stream.read(&mut piece)?;
            if count == 0 {
                return Err("the daemon closed a session".into());
            }
            self.unread.extend_from_slice(&piece[..count]);
        }
    }

    /// Lets reads return at once.
    pub(crate) fn stop_waiting(&self) -> Outcome<&TcpStream> {
        self.stream.set_nonblocking(true)?;
        Ok(&self.stream)
    }

    /// What is queued: frames are added behind it.
    pub(crate) fn unsent(&mut self) -> &mut Vec<u8> {
        &mut self.unsent
    }

    /// Reads what has arrived, through `scratch`, and gives the text of every frame to `each`.
    /// Pings are answered with the next flush.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        mut each: impl FnMut(&[u8]) -> Outcome<()>,
    ) -> Outcome<()> {
        let kept = self.unread.len();
        scratch[..kept].copy_from_slice(&self.unread);
        self.unread.clear();
        let count = match self.stream.read(&mut scratch[kept..]) {
            Ok(0) => return Err("the daemon closed a session".into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        let mut rest = &scratch[..kept + count];
        while let Some((payload, length)) = frame(rest) {
            let content = &rest[payload..length];
            match rest[0] & 0x0f {
                PING => {
                    begin_frame(&mut self.unsent, PONG, content.len());
                    self.unsent.extend_from_slice(content);
                }
                CLOSE => {
                    let why = String::from_utf8_lossy(content.get(2..).unwrap_or_default());
                    return Err(format!("the daemon closes a session: {why}").into());
                }
                _ => each(content)?,
            }
            rest = &rest[length..];
        }
        self.unread.extend_from_slice(rest);
        Ok(())
    }

    /// Writes what is queued, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> Outcome<()> {
        while self.written < self.unsent.len() {
            match self.stream.write(&self.unsent[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.unsent.clear();
        self.written = 0;
        Ok(())
    }

    /// Whether something waits for the socket to take more.
    pub(crate) fn is_stuck(&self) -> bool {
        self.written < self.unsent.len()
    }
}

/// Where the first whole frame of `bytes` has its payload, and where it ends.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (head, length) = match *bytes.get(1)? {
        126 => {
            let field = bytes.get(2..4)?.try_into().ok()?;
            (4, usize::from(u16::from_be_bytes(field)))
        }
        127 => {
            let field = bytes.get(2..10)?.try_into().ok()?;
            (10, usize::try_from(u64::from_be_bytes(field)).ok()?)
        }
        short => (2, usize::from(short)),
    };
    (bytes.len() >= head + length).then_some((head, head + length))
}

/// The head of a client's text frame.
pub(crate) fn begin_text(to: &mut Vec<u8>, length: usize) {
    begin_frame(to, TEXT, length);
}

/// The head of a client's frame. Its mask is zero, which leaves the payload as it is.
fn begin_frame(to: &mut Vec<u8>, opcode: u8, length: usize) {
    /// The bit that says that a mask follows.
    const MASKED: u8 = 0x80;
    to.push(0x80 | opcode);
    if let Some(short) = u8::try_from(length).ok().filter(|short| *short < 126) {
        to.push(MASKED | short);
    } else if let Ok(middle) = u16::try_from(length) {
        to.push(MASKED | 0x7e);
        to.extend_from_slice(&middle.to_be_bytes());
    } else {
        to.push(MASKED | 0x7f);
        to.extend_from_slice(&(length as u64).to_be_bytes());
    }
    to.extend_from_slice(&[0; 4]);
}
