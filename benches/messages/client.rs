//! A member who sends and receives messages: frames made beforehand, and no more read of what comes
//! than the load needs.

use std::net::{SocketAddr, TcpStream};

use crate::Outcome;
use crate::account::Account;
use crate::hands;
use crate::socket::{Socket, begin_text};

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
    socket: Socket,
    /// The frame of a message to this client's partner.
    template: Vec<u8>,
    /// Ids to acknowledge, with quotes and commas.
    received: Vec<u8>,
    /// Messages sent and not accepted yet.
    pub(crate) in_flight: usize,
}

/// Opens the sessions of `accounts`, several at once.
pub(crate) fn connect_all(address: SocketAddr, accounts: &[Account]) -> Outcome<Vec<Client>> {
    hands::share(accounts, |part| {
        let connect = |account| Client::connect(address, account);
        part.iter().map(connect).collect()
    })
}

impl Client {
    /// Connects, and waits until the session stands.
    pub(crate) fn connect(address: SocketAddr, account: &Account) -> Outcome<Self> {
        let mut client = Self {
            socket: Socket::open(address, &account.bearer())?,
            template: Vec::new(),
            received: Vec::new(),
            in_flight: 0,
        };
        client.wait_for(|heard| heard == Heard::Ready)?;
        Ok(client)
    }

    /// Reads until a frame `is` what is waited for; what comes right behind it stays unread.
    pub(crate) fn wait_for(&mut self, is: impl Fn(Heard) -> bool) -> Outcome<()> {
        self.socket.wait_for(|content| Ok(is(understand(content)?)))
    }

    /// Writes to `recipient` from now on: `payload` in a frame whose id is set for each message.
    pub(crate) fn write_to(&mut self, recipient: &str, payload: &str) {
        let id = "0".repeat(ID);
        let text = format!(
            r#"{{"type":"encrypted_message","id":"{id}","recipient_id":"{recipient}","payload":"{payload}"}}"#
        );
        self.template = Vec::new();
        begin_text(&mut self.template, text.len());
        self.template.extend_from_slice(text.as_bytes());
    }

    /// Lets reads return at once.
    pub(crate) fn stop_waiting(&self) -> Outcome<&TcpStream> {
        self.socket.stop_waiting()
    }

    /// Queues message `number`.
    pub(crate) fn send(&mut self, number: usize) {
        let unsent = self.socket.unsent();
        let start = unsent.len();
        unsent.extend_from_slice(&self.template);
        // The head of a frame of this length takes eight bytes.
        let id = start + 8 + SENT.len();
        let mut text = [b'0'; ID];
        text[..ID_HEAD.len()].copy_from_slice(ID_HEAD);
        let mut rest = number;
        for digit in text[ID_HEAD.len()..].iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        unsent[id..id + ID].copy_from_slice(&text);
        self.in_flight += 1;
    }

    /// Reads what has arrived, through `scratch`, and gives every frame to `each`.
    pub(crate) fn read(&mut self, scratch: &mut [u8], mut each: impl FnMut(Heard)) -> Outcome<()> {
        let (received, in_flight) = (&mut self.received, &mut self.in_flight);
        self.socket.read(scratch, |content| {
            let heard = understand(content)?;
            match heard {
                Heard::Message(_) => {
                    received.push(b'"');
                    received.extend_from_slice(&content[MESSAGE.len()..MESSAGE.len() + ID]);
                    received.extend_from_slice(b"\",");
                }
                Heard::Accepted(_) => *in_flight -= 1,
                Heard::Ready | Heard::Other => {}
            }
            each(heard);
            Ok(())
        })
    }

    /// Queues one acknowledgement of everything received.
    pub(crate) fn acknowledge(&mut self) {
        const HEAD: &[u8] = br#"{"type":"ack","message_ids":["#;
        if self.received.is_empty() {
            return;
        }
        self.received.pop();
        let length = HEAD.len() + self.received.len() + 2;
        let unsent = self.socket.unsent();
        begin_text(unsent, length);
        unsent.extend_from_slice(HEAD);
        unsent.append(&mut self.received);
        unsent.extend_from_slice(b"]}");
    }

    /// Writes what is queued, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> Outcome<()> {
        self.socket.flush()
    }

    /// Whether something waits for the socket to take more.
    pub(crate) fn is_stuck(&self) -> bool {
        self.socket.is_stuck()
    }
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
