//! Every protocol number of STUN and TURN that this relay speaks, once.

/// What a message is about (RFC 8489 §5, RFC 8656 §17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Binding,
    Allocate,
    Refresh,
    Send,
    Data,
    CreatePermission,
    ChannelBind,
}

impl Method {
    fn number(self) -> u16 {
        match self {
            Self::Binding => 0x001,
            Self::Allocate => 0x003,
            Self::Refresh => 0x004,
            Self::Send => 0x006,
            Self::Data => 0x007,
            Self::CreatePermission => 0x008,
            Self::ChannelBind => 0x009,
        }
    }

    fn numbered(number: u16) -> Option<Self> {
        Some(match number {
            0x001 => Self::Binding,
            0x003 => Self::Allocate,
            0x004 => Self::Refresh,
            0x006 => Self::Send,
            0x007 => Self::Data,
            0x008 => Self::CreatePermission,
            0x009 => Self::ChannelBind,
            _ => return None,
        })
    }
}

/// What part a message plays (RFC 8489 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Request,
    Indication,
    Success,
    Error,
}

impl Class {
    /// The bits of the message type that carry the class.
    const MASK: u16 = 0x110;

    fn bits(self) -> u16 {
        match self {
            Self::Request => 0x000,
            Self::Indication => 0x010,
            Self::Success => 0x100,
            Self::Error => 0x110,
        }
    }

    fn of(message_type: u16) -> Self {
        match (message_type & 0x100 != 0, message_type & 0x010 != 0) {
            (false, false) => Self::Request,
            (false, true) => Self::Indication,
            (true, false) => Self::Success,
            (true, true) => Self::Error,
        }
    }
}

/// The message type of a class and a method. Every method here fits the low four bits.
pub(super) fn message_type(class: Class, method: Method) -> u16 {
    class.bits() | method.number()
}

/// The class and the method of a message type, where both are known here.
pub(super) fn class_and_method(message_type: u16) -> Option<(Class, Method)> {
    let method = Method::numbered(message_type & !Class::MASK)?;
    Some((Class::of(message_type), method))
}

/// Attribute types (RFC 8489 §18.3, RFC 8656 §18).
pub(crate) mod attribute {
    pub(crate) const MAPPED_ADDRESS: u16 = 0x0001;
    pub(crate) const USERNAME: u16 = 0x0006;
    pub(crate) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(crate) const ERROR_CODE: u16 = 0x0009;
    pub(crate) const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub(crate) const CHANNEL_NUMBER: u16 = 0x000C;
    pub(crate) const LIFETIME: u16 = 0x000D;
    pub(crate) const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub(crate) const DATA: u16 = 0x0013;
    pub(crate) const REALM: u16 = 0x0014;
    pub(crate) const NONCE: u16 = 0x0015;
    pub(crate) const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub(crate) const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub(crate) const EVEN_PORT: u16 = 0x0018;
    pub(crate) const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub(crate) const DONT_FRAGMENT: u16 = 0x001A;
    pub(crate) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub(crate) const PASSWORD_ALGORITHM: u16 = 0x001D;
    pub(crate) const USERHASH: u16 = 0x001E;
    pub(crate) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(crate) const RESERVATION_TOKEN: u16 = 0x0022;
    pub(crate) const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
    pub(crate) const ADDRESS_ERROR_CODE: u16 = 0x8001;
    pub(crate) const PASSWORD_ALGORITHMS: u16 = 0x8002;
    pub(crate) const SOFTWARE: u16 = 0x8022;
    pub(crate) const FINGERPRINT: u16 = 0x8028;

    /// The first type that a receiver may ignore when it doesn't know it (RFC 8489 §14).
    const FIRST_OPTIONAL: u16 = 0x8000;

    /// Whether a request with this attribute can be served: it is known, or may be ignored.
    pub(crate) const fn is_understood(attribute: u16) -> bool {
        attribute >= FIRST_OPTIONAL
            || matches!(
                attribute,
                MAPPED_ADDRESS
                    | USERNAME
                    | MESSAGE_INTEGRITY
                    | ERROR_CODE
                    | UNKNOWN_ATTRIBUTES
                    | CHANNEL_NUMBER
                    | LIFETIME
                    | XOR_PEER_ADDRESS
                    | DATA
                    | REALM
                    | NONCE
                    | XOR_RELAYED_ADDRESS
                    | REQUESTED_ADDRESS_FAMILY
                    | EVEN_PORT
                    | REQUESTED_TRANSPORT
                    | DONT_FRAGMENT
                    | MESSAGE_INTEGRITY_SHA256
                    | PASSWORD_ALGORITHM
                    | XOR_MAPPED_ADDRESS
                    | RESERVATION_TOKEN
            )
    }
}

/// Why a request was refused (RFC 8489 §14.8, RFC 8656 §19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCode {
    /// 400: an attribute is missing or makes no sense.
    BadRequest,
    /// 401: credentials are needed, or these are wrong.
    Unauthenticated,
    /// 403: nothing is relayed to that peer.
    Forbidden,
    /// 420: an attribute that must be understood isn't.
    UnknownAttribute,
    /// 437: no allocation, or one already.
    AllocationMismatch,
    /// 438: the nonce is too old, or another client's.
    StaleNonce,
    /// 440: no relayed address of that family.
    AddressFamilyNotSupported,
    /// 441: the allocation is another user's.
    WrongCredentials,
    /// 442: only UDP is relayed.
    UnsupportedTransportProtocol,
    /// 443: the peer's address is of another family than the relayed one.
    PeerAddressFamilyMismatch,
    /// 486: the user has as many allocations as a user may have.
    AllocationQuotaReached,
    /// 500: the engine failed.
    ServerError,
    /// 508: the relay has no more to give.
    InsufficientCapacity,
}

impl ErrorCode {
    /// Every code, in the order of the numbers.
    pub const ALL: [Self; 13] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::UnknownAttribute,
        Self::AllocationMismatch,
        Self::StaleNonce,
        Self::AddressFamilyNotSupported,
        Self::WrongCredentials,
        Self::UnsupportedTransportProtocol,
        Self::PeerAddressFamilyMismatch,
        Self::AllocationQuotaReached,
        Self::ServerError,
        Self::InsufficientCapacity,
    ];

    /// The hundreds and the rest, as they go over the wire.
    pub(super) const fn class_and_number(self) -> (u8, u8) {
        match self {
            Self::BadRequest => (4, 0),
            Self::Unauthenticated => (4, 1),
            Self::Forbidden => (4, 3),
            Self::UnknownAttribute => (4, 20),
            Self::AllocationMismatch => (4, 37),
            Self::StaleNonce => (4, 38),
            Self::AddressFamilyNotSupported => (4, 40),
            Self::WrongCredentials => (4, 41),
            Self::UnsupportedTransportProtocol => (4, 42),
            Self::PeerAddressFamilyMismatch => (4, 43),
            Self::AllocationQuotaReached => (4, 86),
            Self::ServerError => (5, 0),
            Self::InsufficientCapacity => (5, 8),
        }
    }

    /// The number as people say it.
    pub fn number(self) -> u16 {
        let (hundreds, rest) = self.class_and_number();
        u16::from(hundreds) * 100 + u16::from(rest)
    }

    /// The reason phrase of the RFCs.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::BadRequest => "Bad Request",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::UnknownAttribute => "Unknown Attribute",
            Self::AllocationMismatch => "Allocation Mismatch",
            Self::StaleNonce => "Stale Nonce",
            Self::AddressFamilyNotSupported => "Address Family not Supported",
            Self::WrongCredentials => "Wrong Credentials",
            Self::UnsupportedTransportProtocol => "Unsupported Transport Protocol",
            Self::PeerAddressFamilyMismatch => "Peer Address Family Mismatch",
            Self::AllocationQuotaReached => "Allocation Quota Reached",
            Self::ServerError => "Server Error",
            Self::InsufficientCapacity => "Insufficient Capacity",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_type_carries_class_and_method() {
        let mut known = 0;
        for message_type in 0..=u16::MAX {
            if let Some((class, method)) = class_and_method(message_type) {
                assert_eq!(super::message_type(class, method), message_type);
                known += 1;
            }
        }
        assert_eq!(known, 4 * 7, "every class of every method");
        assert_eq!(message_type(Class::Error, Method::Allocate), 0x0113);
        assert_eq!(class_and_method(0x000A), None);
    }
}
