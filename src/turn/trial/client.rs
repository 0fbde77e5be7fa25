//! One client of a relay: it asks, and understands what is answered.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::wire::Wire;
use super::{Probe, ProbeError, Route, Step};
use crate::base::random;
use crate::turn::message::{
    Algorithm, Class, Key, Method, PasswordAlgorithm, Shape, Writer, attribute,
};

/// How long a connection may take to come about.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How long an answer may take, all repetitions included.
const PATIENCE: Duration = Duration::from_secs(4);

/// When a datagram without an answer is sent again, doubled each time (RFC 8489 §6.2.1).
const FIRST_REPETITION: Duration = Duration::from_millis(500);

/// UDP, in REQUESTED-TRANSPORT (RFC 8656 §18.7).
const UDP: [u8; 4] = [17, 0, 0, 0];

/// What a success may hold that somebody wants.
type Address = Option<SocketAddr>;

/// A client.
pub(super) struct Client<'a> {
    wire: Wire,
    probe: Probe<'a>,
    realm: String,
    nonce: Vec<u8>,
    key: Option<Key>,
}

/// What an answer says.
enum Reply {
    Success(Address),
    Refusal { code: u16 },
}

impl<'a> Client<'a> {
    pub(super) async fn connect(probe: Probe<'a>, route: &Route<'_>) -> Result<Self, ProbeError> {
        let opening = tokio::time::timeout(CONNECT_PATIENCE, Wire::open(route)).await;
        let opened = opening.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        Ok(Self {
            wire: opened.map_err(ProbeError::Connect)?,
            probe,
            realm: String::new(),
            nonce: Vec::new(),
            key: None,
        })
    }

    /// Where the relay sees this client.
    pub(super) async fn binding(&mut self) -> Result<SocketAddr, ProbeError> {
        let transaction = random::draw();
        let question = Writer::new(Class::Request, Method::Binding, transaction).finish();
        let found = self
            .exchange(Step::Binding, &question, &transaction)
            .await?;
        match found {
            Reply::Success(Some(address)) => Ok(address),
            Reply::Success(None) => Err(ProbeError::Foreign(Step::Binding)),
            Reply::Refusal { code } => Err(refused(Step::Binding, code)),
        }
    }

    /// Opens an allocation and gives its relayed address.
    pub(super) async fn allocate(&mut self) -> Result<SocketAddr, ProbeError> {
        // Without credentials first: the refusal brings realm and nonce (RFC 8489 §9.2.3).
        let transaction = random::draw();
        let question = Writer::new(Class::Request, Method::Allocate, transaction)
            .attribute(attribute::REQUESTED_TRANSPORT, &UDP)
            .finish();
        match self
            .exchange(Step::Allocate, &question, &transaction)
            .await?
        {
            Reply::Refusal { code: 401 } if self.key.is_some() => {}
            Reply::Refusal { code } => return Err(refused(Step::Allocate, code)),
            Reply::Success(_) => return Err(ProbeError::Foreign(Step::Allocate)),
        }
        let relayed = self
            .ask(Step::Allocate, |it| {
                it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
            })
            .await?;
        relayed.ok_or(ProbeError::Foreign(Step::Allocate))
    }

    pub(super) async fn permit(&mut self, peer: SocketAddr) -> Result<(), ProbeError> {
        let asked = self.ask(Step::CreatePermission, |it| {
            it.xored_address(attribute::XOR_PEER_ADDRESS, peer)
        });
        asked.await.map(drop)
    }

    pub(super) async fn bind(&mut self, number: u16, peer: SocketAddr) -> Result<(), ProbeError> {
        let [high, low] = number.to_be_bytes();
        let asked = self.ask(Step::ChannelBind, |it| {
            it.attribute(attribute::CHANNEL_NUMBER, &[high, low, 0, 0])
                .xored_address(attribute::XOR_PEER_ADDRESS, peer)
        });
        asked.await.map(drop)
    }

    /// Gives the allocation back.
    pub(super) async fn close(&mut self) -> Result<(), ProbeError> {
        let asked = self.ask(Step::Refresh, |it| {
            it.attribute(attribute::LIFETIME, &[0; 4])
        });
        asked.await.map(drop)
    }

    /// Sends media on a channel (RFC 8656 §12.5).
    pub(super) async fn send_on(&mut self, number: u16, media: &[u8]) -> Result<(), ProbeError> {
        let length = u16::try_from(media.len()).unwrap_or(u16::MAX);
        let mut message = number.to_be_bytes().to_vec();
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(&media[..usize::from(length)]);
        self.wire.send(&message).await.map_err(ProbeError::Connect)
    }

    /// The media of the next message on a channel. Cancel-safe.
    pub(super) async fn receive_on(&mut self, number: u16) -> Result<Vec<u8>, ProbeError> {
        loop {
            let message = self.wire.receive().await.map_err(ProbeError::Connect)?;
            let Some((&[high, low, long, short], media)) = message.split_first_chunk::<4>() else {
                continue;
            };
            let length = usize::from(u16::from_be_bytes([long, short]));
            if u16::from_be_bytes([high, low]) == number
                && let Some(media) = media.get(..length)
            {
                return Ok(media.to_vec());
            }
        }
    }

    /// Asks with credentials, and once more where the nonce is stale (RFC 8489 §9.2.5).
    async fn ask(
        &mut self,
        step: Step,
        build: impl Fn(Writer) -> Writer,
    ) -> Result<Address, ProbeError> {
        for _ in 0..2 {
            let transaction = random::draw();
            let request = build(Writer::new(Class::Request, method(step), transaction))
                .attribute(attribute::USERNAME, self.probe.username.as_bytes())
                .attribute(attribute::REALM, self.realm.as_bytes())
                .attribute(attribute::NONCE, &self.nonce);
            let key = self.key.clone().ok_or(ProbeError::Foreign(step))?;
            let request = request.sign(Algorithm::Sha1, &key).finish();
            match self.exchange(step, &request, &transaction).await? {
                Reply::Success(address) => return Ok(address),
                Reply::Refusal { code: 438 } => {}
                Reply::Refusal { code } => return Err(refused(step, code)),
            }
        }
        Err(refused(step, 438))
    }

    /// Sends a request until its answer comes.
    async fn exchange(
        &mut self,
        step: Step,
        request: &[u8],
        transaction: &[u8; 12],
    ) -> Result<Reply, ProbeError> {
        let end = Instant::now() + PATIENCE;
        let mut wait = if self.wire.is_lossy() {
            FIRST_REPETITION
        } else {
            PATIENCE
        };
        while Instant::now() < end {
            let sent = timeout_at(end, self.wire.send(request)).await;
            sent.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
                .map_err(ProbeError::Connect)?;
            let until = end.min(Instant::now() + wait);
            match timeout_at(until, self.answer(step, transaction)).await {
                Ok(reply) => return reply,
                Err(_elapsed) => wait *= 2,
            }
        }
        Err(ProbeError::Silent(step))
    }

    /// The answer to this transaction; what else comes is passed over.
    async fn answer(&mut self, step: Step, transaction: &[u8; 12]) -> Result<Reply, ProbeError> {
        loop {
            let message = self.wire.receive().await.map_err(ProbeError::Connect)?;
            if let Ok(shape) = Shape::read(&message)
                && shape.transaction == *transaction
            {
                return self.understand(step, &shape);
            }
        }
    }

    fn understand(&mut self, step: Step, shape: &Shape<'_>) -> Result<Reply, ProbeError> {
        let foreign = ProbeError::Foreign(step);
        if shape.class == Class::Error {
            let Some(&[_, _, class, number, ..]) = shape.attribute(attribute::ERROR_CODE) else {
                return Err(foreign);
            };
            self.learn(shape);
            let code = u16::from(class) * 100 + u16::from(number);
            return Ok(Reply::Refusal { code });
        }
        // A relay that knows the password says so with every success but that of a Binding.
        let is_signed = self
            .key
            .as_ref()
            .is_some_and(|key| shape.is_signed_with(key));
        if shape.class != Class::Success || (step != Step::Binding && !is_signed) {
            return Err(foreign);
        }
        let wanted = match step {
            Step::Binding => attribute::XOR_MAPPED_ADDRESS,
            _ => attribute::XOR_RELAYED_ADDRESS,
        };
        let value = shape.attribute(wanted);
        Ok(Reply::Success(value.and_then(|it| shape.xored_address(it))))
    }

    /// Takes up realm and nonce.
    fn learn(&mut self, shape: &Shape<'_>) {
        if let Some(realm) = shape.text(attribute::REALM) {
            realm.clone_into(&mut self.realm);
            let Probe {
                username,
                credential,
                ..
            } = self.probe;
            self.key = Some(Key::long_term(
                PasswordAlgorithm::Md5,
                username,
                realm,
                credential,
            ));
        }
        if let Some(nonce) = shape.attribute(attribute::NONCE) {
            self.nonce = nonce.to_vec();
        }
    }
}

const fn refused(step: Step, code: u16) -> ProbeError {
    ProbeError::Refused { step, code }
}

const fn method(step: Step) -> Method {
    match step {
        Step::Binding => Method::Binding,
        Step::Allocate => Method::Allocate,
        Step::CreatePermission => Method::CreatePermission,
        Step::ChannelBind => Method::ChannelBind,
        Step::Refresh => Method::Refresh,
    }
}
