//! What fuzzing reaches of this room: compiled by `cargo fuzz` only. Each entry takes any bytes, and
//! panics where a promise is broken.

use super::message::Message;
use super::{
    Account, Backup, Envelope, Identity, Kind, Peer, Prekeys, RecoveryCode, Refusal, Seen, Session,
    StoreKey,
};
use crate::base::{Secret, Timestamp, UserId};

/// A payload: read to the body, and given to somebody who can't know it.
pub fn payload(text: &str) {
    let Ok(envelope) = Envelope::from_payload(text) else {
        return;
    };
    let again = Envelope::from_payload(&envelope.to_payload());
    assert_eq!(again.as_ref(), Ok(&envelope));
    body(envelope.kind, &envelope.body);
}

/// A body of either kind: cut into fields, and refused by somebody who can't know it.
pub fn body(kind: Kind, body: &[u8]) {
    if let Ok(message) = Message::parse(kind, body) {
        assert_eq!(message.front.len() + message.sealed.len(), body.len());
    }
    let own = Account {
        user: UserId::from_bytes([1; 16]),
        identity: Identity::from_seed(&Secret::new([1; 32])),
    };
    let now = Timestamp::from_millis(1);
    let mut draw = || Secret::new([2; 32]);
    let mut prekeys = Prekeys::new(&mut draw, now);
    let mut peer = Peer::new(UserId::from_bytes([3; 16]));
    let before = (peer.clone(), prekeys.clone());
    let envelope = Envelope {
        kind,
        registration: super::RegistrationId::drawn([0; 4]),
        device: 1,
        body: body.to_vec(),
    };
    let opened = peer.open(&own, &mut prekeys, &envelope, &mut draw, now);
    assert!(opened.is_err(), "nobody knows the keys");
    assert_eq!((peer, prekeys), before);
}

/// Records of every kind: what is read writes itself the same way.
pub fn record(bytes: &[u8]) {
    if let Ok(session) = Session::from_record(bytes) {
        assert_eq!(
            Session::from_record(&session.to_record()),
            Ok(session.clone())
        );
        let mut used = session;
        let _ = used.seal(b"message");
    }
    if let Ok(peer) = Peer::from_record(bytes) {
        assert_eq!(Peer::from_record(&peer.to_record()), Ok(peer));
    }
    if let Ok(prekeys) = Prekeys::from_record(bytes) {
        assert_eq!(Prekeys::from_record(&prekeys.to_record()), Ok(prekeys));
    }
    if let Ok(seen) = Seen::from_record(bytes) {
        assert_eq!(Seen::from_record(&seen.to_record()), Ok(seen));
    }
}

/// A sealed record, and what any bytes say when they were sealed.
pub fn stored(bytes: &[u8]) {
    let key = StoreKey::new(Secret::new([7; 32]));
    let opened = key.open("record", bytes);
    assert!(matches!(opened, Err(Refusal::Tag | Refusal::Malformed(_))));
    let blob = key.seal("record", [9; 12], bytes);
    let opened = key.open("record", &blob).expect("sealed above");
    assert_eq!(*opened, bytes);
    let _ = super::Content::parse(&opened);
}

/// A recovery code, a backup's file under it, and what such a file says once it is opened.
pub fn backup(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(code) = RecoveryCode::parse(text)
    {
        assert_eq!(RecoveryCode::parse(&code.to_text()), Ok(code));
    }
    if let Ok(backup) = Backup::from_data(bytes) {
        assert_eq!(Backup::from_data(&backup.to_data()), Ok(backup));
    }
    let key = Secret::new([7; 32]);
    assert!(Backup::open_under(&key, bytes).is_err(), "nobody sealed it");
}
