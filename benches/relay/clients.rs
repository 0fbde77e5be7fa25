//! Allocations: four requests each, as many clients at once as a batch holds.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::crowd::{BATCH, Crowd, Wait};
use crate::server::{Mode, SECRET};
use crate::stun::{
    ALLOCATE, Answer, CHANNEL_BIND, CREATE_PERMISSION, Pass, Request, Transaction, transaction,
};

/// The one channel of every client.
pub(crate) const CHANNEL: u16 = 0x4001;
/// How long an answer may take before the question is asked again, and how often it is.
const PATIENCE: Duration = Duration::from_millis(500);
const TRIES: usize = 10;
/// How long credentials are good for, seconds.
const VALIDITY: i64 = 3600;

/// A client with an allocation.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: Ipv4Addr,
    pub(crate) relayed: SocketAddrV4,
    /// Who is on the other end of its channel.
    pub(crate) peer: SocketAddrV4,
}

/// The address of a client.
pub(crate) fn address(client: usize) -> Ipv4Addr {
    spread(Ipv4Addr::new(127, 1, 0, 1), client)
}

/// The address of the peer outside that belongs to a client.
fn outside(client: usize) -> Ipv4Addr {
    spread(Ipv4Addr::new(127, 3, 0, 1), client)
}

/// The address so far behind the first.
pub(crate) fn spread(first: Ipv4Addr, index: usize) -> Ipv4Addr {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    Ipv4Addr::from(u32::from(first).saturating_add(index))
}

/// Makes `count` allocations, an even number, from the client `first` on, each with a permission
/// and a channel: to its neighbour, or to a peer outside.
pub(crate) fn allocate(
    crowd: &mut Crowd,
    server: SocketAddrV4,
    mode: Mode,
    first: usize,
    count: usize,
) -> Outcome<Vec<Client>> {
    let mut round = Round {
        crowd,
        server,
        first,
        count,
        step: 0,
    };
    let expiry = jiff::Timestamp::now().as_second() + VALIDITY;
    let mut passes = Vec::with_capacity(count);
    round.ask(
        |_, id| Request::new(ALLOCATE, id).with_transport().bytes(),
        |client, challenge| {
            let username = format!("{expiry}:{client:016x}");
            passes.push((client, Pass::new(SECRET, username, challenge)?));
            Ok(())
        },
    )?;
    passes.sort_unstable_by_key(|(client, _)| *client);
    let pass = |client: usize| &passes[client - first].1;
    let mut relayed = vec![None; count];
    round.ask(
        |client, id| {
            Request::new(ALLOCATE, id)
                .with_transport()
                .signed(pass(client))
        },
        |client, answer| {
            relayed[client - first] = Some(granted(answer)?.relayed().ok_or("no address")?);
            Ok(())
        },
    )?;
    let relayed = relayed.into_iter().collect::<Option<Vec<_>>>();
    let relayed = relayed.ok_or("an allocation is missing")?;
    let port = round.crowd.port();
    let peer = |client: usize| match mode {
        Mode::Pair => relayed[(client - first) ^ 1],
        Mode::Peer => SocketAddrV4::new(outside(client), port),
    };
    round.ask(
        |client, id| {
            let request = Request::new(CREATE_PERMISSION, id);
            request.with_peer(peer(client)).signed(pass(client))
        },
        |_, answer| granted(answer).map(drop),
    )?;
    round.ask(
        |client, id| {
            let request = Request::new(CHANNEL_BIND, id).with_channel(CHANNEL);
            request.with_peer(peer(client)).signed(pass(client))
        },
        |_, answer| granted(answer).map(drop),
    )?;
    let clients = (first..first + count).map(|client| Client {
        address: address(client),
        relayed: relayed[client - first],
        peer: peer(client),
    });
    Ok(clients.collect())
}

fn granted<'a>(answer: &Answer<'a>) -> Outcome<Answer<'a>> {
    match answer.refusal() {
        None => Ok(*answer),
        Some(code) => Err(format!("a request of the set-up was refused with {code}").into()),
    }
}

/// The same question from everybody.
struct Round<'a> {
    crowd: &'a mut Crowd,
    server: SocketAddrV4,
    first: usize,
    count: usize,
    step: u16,
}

impl Round<'_> {
    /// Asks until everybody has an answer, and takes each answer once.
    fn ask(
        &mut self,
        question: impl Fn(usize, Transaction) -> Vec<u8>,
        mut take: impl FnMut(usize, &Answer<'_>) -> Outcome<()>,
    ) -> Outcome<()> {
        self.step += 1;
        let mut waiting: Vec<usize> = (self.first..self.first + self.count).collect();
        for _ in 0..TRIES {
            let mut asked = 0;
            let mut answered = BTreeSet::new();
            let mut last = Instant::now();
            while answered.len() < waiting.len() && last.elapsed() < PATIENCE {
                while asked < waiting.len() && asked - answered.len() < BATCH {
                    let client = waiting[asked];
                    let bytes = question(client, transaction(self.step, client));
                    self.crowd.send(address(client), self.server, &bytes)?;
                    asked += 1;
                }
                self.crowd.receive(Wait::Briefly)?;
                for answer in self.crowd.received().filter_map(Answer::read) {
                    let client = answer.client();
                    let is_ours = answer.answers(&transaction(self.step, client));
                    if is_ours && waiting.binary_search(&client).is_ok() && answered.insert(client)
                    {
                        take(client, &answer)?;
                        last = Instant::now();
                    }
                }
            }
            waiting.retain(|client| !answered.contains(client));
            if waiting.is_empty() {
                return Ok(());
            }
        }
        Err(format!("{} requests stay unanswered", waiting.len()).into())
    }
}
