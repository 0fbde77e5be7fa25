//! The requests the engine is asked: the least that says what is meant, in our own words.

use std::net::SocketAddr;
use std::time::Duration;

use stun::agent::TransactionId;
use stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME};
use stun::error_code::ErrorCodeAttribute;
use stun::integrity::MessageIntegrity;
use stun::message::{
    CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, Getter, METHOD_ALLOCATE, METHOD_CHANNEL_BIND,
    METHOD_CREATE_PERMISSION, METHOD_REFRESH, Message, MessageType, Method, Setter,
};
use stun::textattrs::TextAttribute;
use turn::auth::AuthHandler;
use turn::proto::PROTO_UDP;
use turn::proto::channum::ChannelNumber;
use turn::proto::lifetime::Lifetime;
use turn::proto::peeraddr::PeerAddress;
use turn::proto::reqtrans::RequestedTransport;

use crate::base::random;
use crate::turn::message::ErrorCode;

/// A request to the engine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Canonical {
    Allocate(Duration),
    Refresh(Duration),
    CreatePermission(SocketAddr),
    ChannelBind(u16, SocketAddr),
}

impl Canonical {
    fn method(&self) -> Method {
        match self {
            Self::Allocate(_) => METHOD_ALLOCATE,
            Self::Refresh(_) => METHOD_REFRESH,
            Self::CreatePermission(_) => METHOD_CREATE_PERMISSION,
            Self::ChannelBind(..) => METHOD_CHANNEL_BIND,
        }
    }

    fn attributes(&self) -> Vec<Box<dyn Setter>> {
        match *self {
            Self::Allocate(lifetime) => vec![
                Box::new(RequestedTransport {
                    protocol: PROTO_UDP,
                }),
                Box::new(Lifetime(lifetime)),
            ],
            Self::Refresh(lifetime) => vec![Box::new(Lifetime(lifetime))],
            Self::CreatePermission(peer) => vec![Box::new(peer_address(peer))],
            Self::ChannelBind(number, peer) => vec![
                Box::new(ChannelNumber(number)),
                Box::new(peer_address(peer)),
            ],
        }
    }
}

fn peer_address(peer: SocketAddr) -> PeerAddress {
    PeerAddress {
        ip: peer.ip(),
        port: peer.port(),
    }
}

/// Signs requests to the engine with a key that exists in this process only. Who the client is
/// was settled at the gate; the engine knows nobody's name.
pub(super) struct Signer {
    key: Vec<u8>,
}

impl Signer {
    pub(super) const REALM: &str = "relay";
    const NAME: &str = "gate";
    pub(super) const NONCE: &str = "passed";

    pub(super) fn random() -> Self {
        Self {
            key: random::draw::<32>().to_vec(),
        }
    }

    /// The bytes of a request.
    pub(super) fn write(&self, request: &Canonical) -> Result<Vec<u8>, stun::Error> {
        let text = |attr, text: &str| Box::new(TextAttribute::new(attr, text.to_owned()));
        let mut setters: Vec<Box<dyn Setter>> = vec![
            Box::new(TransactionId::new()),
            Box::new(MessageType::new(request.method(), CLASS_REQUEST)),
        ];
        setters.extend(request.attributes());
        setters.push(text(ATTR_USERNAME, Self::NAME));
        setters.push(text(ATTR_REALM, Self::REALM));
        setters.push(text(ATTR_NONCE, Self::NONCE));
        setters.push(Box::new(MessageIntegrity(self.key.clone())));
        let mut message = Message::new();
        message.build(&setters)?;
        Ok(message.raw)
    }
}

impl AuthHandler for Signer {
    fn auth_handle(
        &self,
        _username: &str,
        _realm: &str,
        _src_addr: SocketAddr,
    ) -> Result<Vec<u8>, turn::Error> {
        Ok(self.key.clone())
    }
}

/// How a request went. The engine's silence means that it knows no such allocation.
pub(super) fn outcome(answer: Option<Vec<u8>>) -> Result<(), ErrorCode> {
    let Some(raw) = answer else {
        return Err(ErrorCode::AllocationMismatch);
    };
    let mut message = Message {
        raw,
        ..Message::default()
    };
    if message.decode().is_err() {
        return Err(ErrorCode::ServerError);
    }
    if message.typ.class == CLASS_SUCCESS_RESPONSE {
        return Ok(());
    }
    let mut refusal = ErrorCodeAttribute::default();
    let number = refusal.get_from(&message).map(|()| refusal.code.0);
    Err(ErrorCode::ALL
        .into_iter()
        .find(|code| Ok(code.number()) == number)
        .unwrap_or(ErrorCode::ServerError))
}
