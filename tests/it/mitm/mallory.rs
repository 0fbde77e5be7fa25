//! Mallory, who plays Ben to Anna and Anna to Ben, with keys of her own: all that a server can do
//! where nobody compares safety numbers.

use privcomm::base::{MessageId, Secret, Timestamp, UserId};
use privcomm::e2ee::{
    Account, Bundle, BundleFields, Content, Envelope, Identity, Peer, Prekeys, RegistrationId, Says,
};
use serde_json::{Value, json};

use crate::rig::{base64, unbase64};

pub(super) struct Mallory {
    identity: Identity,
    prekeys: Prekeys,
}

/// Mallory as somebody's partner: she holds both ends of what is between them.
pub(super) struct InTheMiddle {
    mallory: Mallory,
    anna: UserId,
    ben: UserId,
    at_anna: Peer,
    at_ben: Peer,
}

impl Mallory {
    pub(super) fn new() -> Self {
        Self {
            identity: Identity::from_seed(&Secret::random()),
            prekeys: Prekeys::new(&mut Secret::random, now()),
        }
    }

    /// Makes somebody's bundle hers.
    pub(super) fn swap_keys(&self, bundle: &mut Value) {
        bundle["identity_key"] = json!(base64(self.identity.public().as_bytes()));
        let signed = self.prekeys.signed();
        bundle["signed_prekey"] = json!(base64(signed.public().as_bytes()));
        bundle["prekey_signature"] = json!(base64(self.identity.sign_prekey(signed)));
        bundle["one_time_prekey"] = Value::Null;
    }

    /// Puts her signed prekey into a bundle, with a signature that is hers.
    pub(super) fn swap_signed_prekey(&self, bundle: &mut Value) {
        let identity_key = bundle["identity_key"].clone();
        self.swap_keys(bundle);
        bundle["identity_key"] = identity_key;
    }
}

impl InTheMiddle {
    /// Between Anna, who took Mallory's bundle for Ben's, and Ben, whose own bundle this is.
    pub(super) fn new(mallory: Mallory, anna: UserId, bundle: &Value) -> Self {
        let bundle = checked(bundle);
        let ben = bundle.user();
        let mut at_ben = Peer::new(ben);
        at_ben.meet(bundle.identity());
        let as_anna = mallory.account(anna);
        at_ben
            .begin(&as_anna, &bundle, &mut Secret::random, now())
            .unwrap();
        Self {
            mallory,
            anna,
            ben,
            at_anna: Peer::new(anna),
            at_ben,
        }
    }

    /// Reads what Anna wrote to Ben, and seals it for him.
    pub(super) fn read(&mut self, payload: &str) -> (Vec<u8>, String) {
        let envelope = Envelope::from_payload(payload).unwrap();
        let as_ben = self.mallory.account(self.ben);
        let prekeys = &mut self.mallory.prekeys;
        let opened = self
            .at_anna
            .open(&as_ben, prekeys, &envelope, &mut Secret::random, now())
            .unwrap();
        assert_eq!(self.at_anna.user(), self.anna);
        let registration = RegistrationId::new(1).unwrap();
        let sealed = self.at_ben.seal(registration, &opened.message, now());
        (opened.message.to_vec(), sealed.unwrap().to_payload())
    }

    /// Seals a text of her own for Ben, in Anna's name.
    pub(super) fn write(&mut self, text: &str) -> String {
        let content = Content {
            id: MessageId::random(),
            written: now(),
            says: Says::Text(text.to_owned().into()),
        };
        let registration = RegistrationId::new(1).unwrap();
        let message = content.to_bytes().unwrap();
        let sealed = self.at_ben.seal(registration, &message, now());
        sealed.unwrap().to_payload()
    }
}

impl Mallory {
    fn account(&self, user: UserId) -> Account {
        Account {
            user,
            identity: self.identity.clone(),
        }
    }
}

fn checked(bundle: &Value) -> Bundle {
    let one_time = &bundle["one_time_prekey"];
    let number = one_time["key_id"]
        .as_u64()
        .map(|id| u32::try_from(id).unwrap());
    Bundle::check(&BundleFields {
        user: bundle["user_id"].as_str().unwrap().parse().unwrap(),
        identity_key: &unbase64(&bundle["identity_key"]),
        signed_prekey: unbase64(&bundle["signed_prekey"]).try_into().unwrap(),
        prekey_signature: unbase64(&bundle["prekey_signature"]).try_into().unwrap(),
        one_time_prekey: number.map(|number| {
            (
                number,
                unbase64(&one_time["public_key"]).try_into().unwrap(),
            )
        }),
    })
    .unwrap()
}

fn now() -> Timestamp {
    privcomm::base::Clock::default().now()
}
