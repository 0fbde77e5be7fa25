//! Members who ask for anything with credentials that hold, over connections without sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::base::{Clock, Timestamp};
use crate::turn::allocation::{FiveTuple, ListenerId};
use crate::turn::framing::split_first;
use crate::turn::message::{
    ATTRIBUTE_HEADER, Algorithm, Class, HEADER, HEADROOM, Key, Method, PasswordAlgorithm, Shape,
    TAILROOM, TransactionId, Writer, attribute,
};
use crate::turn::passage::Passage;
use crate::turn::relay::State;
use crate::turn::streams::Berth;
use crate::turn::{AnswerRates, ChannelNumbers, ConnectionLimits, Reach, Settings, TurnSecret};

const REALM: &str = "north";
const SECRET: &[u8] = b"a secret for fuzzing";
const MEMBERS: u8 = 4;
const MAX_ALLOCATIONS: usize = 3;

const METHODS: [Method; 4] = [
    Method::Allocate,
    Method::Refresh,
    Method::CreatePermission,
    Method::ChannelBind,
];

const KINDS: [u16; 12] = [
    attribute::REQUESTED_TRANSPORT,
    attribute::LIFETIME,
    attribute::CHANNEL_NUMBER,
    attribute::XOR_PEER_ADDRESS,
    attribute::EVEN_PORT,
    attribute::RESERVATION_TOKEN,
    attribute::REQUESTED_ADDRESS_FAMILY,
    attribute::ADDITIONAL_ADDRESS_FAMILY,
    attribute::DONT_FRAGMENT,
    attribute::DATA,
    attribute::ADDRESS_ERROR_CODE,
    attribute::USERHASH,
];

/// Bytes that decide what happens next.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

struct Member {
    berth: Berth,
    username: String,
    nonce: Vec<u8>,
    relayed: Option<SocketAddr>,
}

impl Member {
    fn key(&self) -> Key {
        let password = TurnSecret::new(SECRET.to_vec()).password(&self.username);
        Key::long_term(PasswordAlgorithm::Md5, &self.username, REALM, &password)
    }

    /// Everything that came for this member since.
    fn received(&self) -> Vec<Vec<u8>> {
        let waiting = self.berth.outbox.take().now_or_never().unwrap_or_default();
        let mut rest = &waiting[..];
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let (first, behind) = split_first(rest);
            messages.push(first.to_vec());
            rest = behind;
        }
        messages
    }
}

/// A conversation of some members with the relay: every request is answered once and signed, and
/// nothing outlives its time.
pub fn conversation(script: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(run(Script(script)));
}

async fn run(mut script: Script<'_>) {
    let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
    let state = Arc::new(State::new(settings(), clock.clone()).expect("settings"));
    let mut members: Vec<Member> = (0..MEMBERS).map(|number| join(&state, number)).collect();
    let mut passage = Passage::new(ListenerId::stream(0), Arc::clone(&state));
    while let Some(what) = script.byte() {
        let who = usize::from(what % MEMBERS);
        match what / MEMBERS % 8 {
            0..4 => {
                let method = METHODS[usize::from(what / MEMBERS % 4)];
                ask(&mut passage, &mut members, who, method, &mut script).await;
            }
            4 => say(&mut passage, &members, who, &mut script).await,
            5 => {
                let media = script.bytes(8);
                let number = 0x4000 + u16::from(what / 32);
                let length = u16::try_from(media.len()).unwrap_or_default();
                let mut message = [number.to_be_bytes(), length.to_be_bytes()].concat();
                message.extend_from_slice(media);
                take(&mut passage, &members[who], &message).await;
            }
            6 => {
                let raw = script.bytes(usize::from(what));
                take(&mut passage, &members[who], raw).await;
            }
            _ => {
                clock.advance(Duration::from_secs(60 << (what / 32)));
                state.control.lock().await.sweep(&state.books).await;
            }
        }
        for member in &members {
            member.received();
        }
        assert!(state.books.read().table.len() <= MAX_ALLOCATIONS);
    }
    clock.advance(Duration::from_hours(2));
    state.control.lock().await.sweep(&state.books).await;
    assert_eq!(state.books.read().table.len(), 0);
}

fn join(state: &State, number: u8) -> Member {
    let tuple = FiveTuple {
        listener: ListenerId::stream(0),
        client: SocketAddr::from(([192, 0, 2, number], 4000)),
    };
    Member {
        berth: state.streams.admit(tuple).expect("a berth"),
        username: format!("{}:{number:016x}", 1_800_000_000 + 900 * u32::from(number)),
        nonce: Vec::new(),
        relayed: None,
    }
}

async fn take(passage: &mut Passage, member: &Member, message: &[u8]) {
    let mut buffer = vec![0; HEADROOM];
    buffer.extend_from_slice(message);
    buffer.resize(buffer.len() + TAILROOM, 0);
    let client = member.berth.tuple.client;
    passage.take(&mut buffer, message.len(), client).await;
}

async fn ask(
    passage: &mut Passage,
    members: &mut [Member],
    who: usize,
    method: Method,
    script: &mut Script<'_>,
) {
    let transaction = [script.byte().unwrap_or_default(); 12];
    let mut attributes = Vec::new();
    if method == Method::Allocate {
        attributes.push((attribute::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]));
    }
    for _ in 0..script.byte().unwrap_or_default() % 4 {
        attributes.push(draw(transaction, members, script));
    }
    for attempt in 0..2 {
        let member = &members[who];
        let request = Writer::new(Class::Request, method, transaction);
        let signed = attributes
            .iter()
            .fold(request, |it, (kind, value)| it.attribute(*kind, value))
            .attribute(attribute::USERNAME, member.username.as_bytes())
            .attribute(attribute::REALM, REALM.as_bytes())
            .attribute(attribute::NONCE, &member.nonce)
            .sign(Algorithm::Sha256, &member.key())
            .finish();
        take(passage, member, &signed).await;
        let received = member.received();
        let [answer] = &received[..] else {
            panic!("{} answers to a request", received.len());
        };
        let shape = Shape::read(answer).expect("an answer");
        assert_eq!(shape.transaction, transaction);
        let nonce = shape.attribute(attribute::NONCE).map(<[u8]>::to_vec);
        if let Some(nonce) = nonce.filter(|_| attempt == 0) {
            members[who].nonce = nonce;
            continue;
        }
        let is_challenge = shape.attribute(attribute::NONCE).is_some();
        assert!(is_challenge || shape.is_signed_with(&member.key()));
        let relayed = shape.attribute(attribute::XOR_RELAYED_ADDRESS);
        if let Some(value) = relayed.filter(|_| shape.class == Class::Success) {
            members[who].relayed = shape.xored_address(value);
        }
        return;
    }
}

/// An attribute of any kind: a peer that exists, a channel, or any value.
fn draw(transaction: TransactionId, members: &[Member], script: &mut Script<'_>) -> (u16, Vec<u8>) {
    let choice = script.byte().unwrap_or_default();
    let relayed = members[usize::from(choice % MEMBERS)].relayed;
    if let Some(peer) = relayed.filter(|_| choice & 0x80 != 0) {
        let kind = attribute::XOR_PEER_ADDRESS;
        let alone = Writer::new(Class::Request, Method::Binding, transaction)
            .xored_address(kind, peer)
            .finish();
        return (kind, alone[HEADER + ATTRIBUTE_HEADER..].to_vec());
    }
    if choice & 0x40 != 0 {
        return (attribute::CHANNEL_NUMBER, vec![0x40, choice & 7, 0, 0]);
    }
    let kind = KINDS[usize::from(choice) % KINDS.len()];
    let length = script.byte().unwrap_or_default() % 24;
    (kind, script.bytes(usize::from(length)).to_vec())
}

/// A Send indication.
async fn say(passage: &mut Passage, members: &[Member], who: usize, script: &mut Script<'_>) {
    let transaction = [1; 12];
    let (kind, value) = draw(transaction, members, script);
    let length = script.byte().unwrap_or_default();
    let indication = Writer::new(Class::Indication, Method::Send, transaction)
        .attribute(kind, &value)
        .attribute(attribute::DATA, script.bytes(usize::from(length)))
        .finish();
    take(passage, &members[who], &indication).await;
}

fn settings() -> Settings {
    Settings {
        listen: Vec::new(),
        tcp: false,
        tls: None,
        connections: ConnectionLimits::default(),
        realm: REALM.to_owned(),
        public_address: Some([203, 0, 113, 5].into()),
        relay_ports: 50_000..=50_003,
        reach: Reach::Closed,
        max_allocations: MAX_ALLOCATIONS,
        max_allocations_per_user: 1,
        nonce_ttl: Duration::from_secs(600),
        secret: TurnSecret::new(SECRET.to_vec()),
        answers: AnswerRates {
            per_source: 1_000_000,
            in_all: 1_000_000,
        },
        channels: ChannelNumbers::default(),
        max_peers: 3,
        max_bitrate: None,
        shards: None,
    }
}
