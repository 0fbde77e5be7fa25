//! A member's WebSocket, by hand: frames made beforehand, and no more read of what comes than the
//! load needs.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use crate::Outcome;
use crate::account::Account;
use crate::stretch::HANDS;

/// Characters of a message id.
const ID: usize = 36;
/// What every id here begins with; a number of twelve digits follows.
const ID_HEAD: &[u8] = b"b0000000-0000-4000-8000-";

const ACCEPTED: &[u8] = br#"{"type":"message_accepted","id":""#;
const MESSAGE: &[u8] = br#"{"type":"encrypted_message","message_id":""#;
const READY: &[u8] = br#"{"type":"ready""#;
const ERROR: &[u8] = br#"{"type":"error""#;
const SENT: &[u8] = br#"{"type":"encrypted_message","id":""#;

/// One frame from the daemon, by the number of the message it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Message(usize),
    Accepted(usize),
    Ready,
    Other,
}

/// A member's open session.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    /// The beginning of a frame whose rest hasn't come.
    unread: Vec<u8>,
    /// What is to be written, from `written` on.
    unsent: Vec<u8>,
    written: usize,
    /// The frame of a message to this client's partner.
    template: Vec<u8>,
    /// Ids to acknowledge, with quotes and commas.
    received: Vec<u8>,
    /// Messages sent and not accepted yet.
    pub(crate) in_flight: usize,
}

/// Opens the sessions of `accounts`, several at once.
pub(crate) fn connect_all(address: SocketAddr, accounts: &[Account]) -> Outcome<Vec<Client>> {
    let share = accounts.len().div_ceil(HANDS.get()).max(1);
    thread::scope(|scope| {
        let hands: Vec<_> = accounts
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    part.iter()
                        .map(|account| Client::connect(address, account))
                        .collect::<Outcome<Vec<_>>>()
                })
            })
            .collect();
        let mut clients = Vec::with_capacity(accounts.len());
        for hand in hands {
            clients.extend(hand.join().map_err(|_| "a thread that connects broke")??);
        }
        Ok(clients)
    })
}

impl Client {
    /// Connects, and waits until the session stands.
    pub(crate) fn connect(address: SocketAddr, account: &Account) -> Outcome<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {}\r\n\r\n",
            account.token
        );
        stream.write_all(request.as_bytes())?;
        let mut client = Self {
            stream,
            unread: Vec::new(),
            unsent: Vec::new(),
            written: 0,
            template: Vec::new(),
            received: Vec::new(),
            in_flight: 0,
        };
        client.finish_handshake()?;
        client.wait_for(|heard| heard == Heard::Ready)?;
        Ok(client)
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
    pub(crate) fn wait_for(&mut self, is: impl Fn(Heard) -> bool) -> Outcome<()> {
        let mut piece = [0; 4096];
        loop {
            while let Some((heard, length)) = self.first_frame()? {
                self.unread.drain(..length);
                if is(heard) {
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

    fn first_frame(&self) -> Outcome<Option<(Heard, usize)>> {
        let Some((payload, length)) = frame(&self.unread) else {
            return Ok(None);
        };
        Ok(Some((understand(&self.unread[payload..length])?, length)))
    }

    /// Writes to `recipient` from now on: `payload` in a frame whose id is set for each message.
    pub(crate) fn write_to(&mut self, recipient: &str, payload: &str) {
        let id = "0".repeat(ID);
        let text = format!(
            r#"{{"type":"encrypted_message","id":"{id}","recipient_id":"{recipient}","payload":"{payload}"}}"#
        );
        self.template = Vec::new();
        begin_frame(&mut self.template, 1, text.len());
        self.template.extend_from_slice(text.as_bytes());
    }

    /// Lets reads return at once.
    pub(crate) fn stop_waiting(&self) -> Outcome<&TcpStream> {
        self.stream.set_nonblocking(true)?;
        Ok(&self.stream)
    }

    /// Queues message `number`.
    pub(crate) fn send(&mut self, number: usize) {
        let start = self.unsent.len();
        self.unsent.extend_from_slice(&self.template);
        // The head of a frame of this length takes eight bytes.
        let id = start + 8 + SENT.len();
        let mut text = [b'0'; ID];
        text[..ID_HEAD.len()].copy_from_slice(ID_HEAD);
        let mut rest = number;
        for digit in text[ID_HEAD.len()..].iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        self.unsent[id..id + ID].copy_from_slice(&text);
        self.in_flight += 1;
    }

    /// Reads what has arrived, through `scratch`, and gives every frame to `each`.
    pub(crate) fn read(&mut self, scratch: &mut [u8], mut each: impl FnMut(Heard)) -> Outcome<()> {
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
            if rest[0] & 0x0f == 9 {
                begin_frame(&mut self.unsent, 10, content.len());
                self.unsent.extend_from_slice(content);
            } else {
                let heard = understand(content)?;
                match heard {
                    Heard::Message(_) => {
                        self.received.push(b'"');
                        self.received
                            .extend_from_slice(&content[MESSAGE.len()..MESSAGE.len() + ID]);
                        self.received.extend_from_slice(b"\",");
                    }
                    Heard::Accepted(_) => self.in_flight -= 1,
                    _ => {}
                }
                each(heard);
            }
            rest = &rest[length..];
        }
        self.unread.extend_from_slice(rest);
        Ok(())
    }

    /// Queues one acknowledgement of everything received.
    pub(crate) fn acknowledge(&mut self) {
        const HEAD: &[u8] = br#"{"type":"ack","message_ids":["#;
        if self.received.is_empty() {
            return;
        }
        self.received.pop();
        let length = HEAD.len() + self.received.len() + 2;
        begin_frame(&mut self.unsent, 1, length);
        self.unsent.extend_from_slice(HEAD);
        self.unsent.append(&mut self.received);
        self.unsent.extend_from_slice(b"]}");
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

fn understand(content: &[u8]) -> Outcome<Heard> {
    if let Some(rest) = content.strip_prefix(MESSAGE) {
        return Ok(Heard::Message(number(rest)));
    }
    if let Some(rest) = content.strip_prefix(ACCEPTED) {
        return Ok(Heard::Accepted(number(rest)));
    }
    if content.starts_with(READY) {
        return Ok(Heard::Ready);
    }
    if content.starts_with(ERROR) {
        return Err(format!("refused: {}", String::from_utf8_lossy(content)).into());
    }
    Ok(Heard::Other)
}

fn number(id: &[u8]) -> usize {
    id[ID_HEAD.len()..ID]
        .iter()
        .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
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
