//! Calls as the relay sees them: pairs of clients that send each other a packet every 20 ms.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use privcomm::base::Clock;

use super::stun::{
    ALLOCATE, Answer, CHANNEL_BIND, Pass, Request, Transaction, channel_header, transaction,
};
use crate::rig::PATIENCE;

const CLIENTS: usize = 20;
const CHANNEL: u16 = 0x4000;
const FRAME: Duration = Duration::from_millis(20);
/// A packet of speech.
const MEDIA: usize = 160;

/// What became of the packets.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) sent: usize,
    pub(super) lost: usize,
}

pub(super) struct Calls(Vec<UdpSocket>);

impl Calls {
    /// Sets every call up: neighbours speak to each other.
    pub(super) fn open(relay: SocketAddrV4, secret: &str) -> Self {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| Client::allocate(client, relay, secret))
            .collect();
        for (number, client) in clients.iter().enumerate() {
            let neighbour = clients[number ^ 1].relayed;
            let id = transaction(3, number);
            let bind = Request::new(CHANNEL_BIND, id)
                .with_channel(CHANNEL)
                .with_peer(neighbour)
                .signed(&client.pass);
            let refusal = ask(&client.socket, &id, &bind, |answer| answer.refusal());
            assert_eq!(refusal, None);
        }
        Self(clients.into_iter().map(|client| client.socket).collect())
    }

    /// Everybody speaks for so long.
    pub(super) fn talk(&mut self, long: Duration) -> Spoken {
        let mut packet = channel_header(CHANNEL, MEDIA).to_vec();
        packet.resize(packet.len() + MEDIA, 0x55);
        let (mut sent, mut heard) = (0, 0);
        let start = Instant::now();
        let mut next = start;
        while start.elapsed() < long {
            for client in &self.0 {
                client.send(&packet).unwrap();
                sent += 1;
            }
            next += FRAME;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            heard += self.listen(&packet);
        }
        let mut silent = 0;
        while heard < sent && silent < 50 {
            thread::sleep(FRAME);
            let came = self.listen(&packet);
            silent = if came == 0 { silent + 1 } else { 0 };
            heard += came;
        }
        Spoken {
            sent,
            lost: sent - heard,
        }
    }

    /// How many packets have come.
    fn listen(&self, packet: &[u8]) -> usize {
        let mut heard = 0;
        let mut buffer = [0; 512];
        for client in &self.0 {
            while let Ok(length) = client.recv(&mut buffer) {
                assert_eq!(&buffer[..length], packet);
                heard += 1;
            }
        }
        heard
    }
}

struct Client {
    socket: UdpSocket,
    pass: Pass,
    relayed: SocketAddrV4,
}

impl Client {
    fn allocate(number: usize, relay: SocketAddrV4, secret: &str) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(relay).unwrap();
        socket.set_nonblocking(true).unwrap();
        let hour = Clock::System.now().as_secs() + 3600;
        let id = transaction(1, number);
        let plain = Request::new(ALLOCATE, id).with_transport().bytes();
        let pass = ask(&socket, &id, &plain, |challenge| {
            Pass::new(secret, format!("{hour}:{number:016x}"), &challenge).unwrap()
        });
        let id = transaction(2, number);
        let signed = Request::new(ALLOCATE, id).with_transport().signed(&pass);
        let relayed = ask(&socket, &id, &signed, |answer| answer.relayed().unwrap());
        Self {
            socket,
            pass,
            relayed,
        }
    }
}

/// What is read from the answer to a request.
fn ask<T>(
    socket: &UdpSocket,
    id: &Transaction,
    request: &[u8],
    read: impl FnOnce(Answer<'_>) -> T,
) -> T {
    socket.send(request).unwrap();
    let start = Instant::now();
    let mut buffer = [0; 512];
    while start.elapsed() < PATIENCE {
        if let Ok(length) = socket.recv(&mut buffer) {
            let answer = Answer::read(&buffer[..length]).filter(|answer| answer.answers(id));
            if let Some(answer) = answer {
                return read(answer);
            }
        }
        thread::yield_now();
    }
    panic!("the relay doesn't answer");
}
