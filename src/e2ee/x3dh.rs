//! First contact: what two sides agree on before they ever met (E2EE.md §4).

use super::kdf::{NO_SALT, hkdf};
use super::message::{Prefix, PrefixFields};
use super::{Account, Bundle, IdentityKey, KeyPair, OneTimePrekey, Refusal, SignedPrekey};
use super::{SignedPrekeyId, session::AssociatedData};
use crate::base::{Secret, UserId};

const INFO: &[u8] = b"PrivComm_X3DH_v1";
/// Goes before the agreements, so that they can't be taken for another protocol's.
const FILL: [u8; 32] = [0xff; 32];

/// What a first contact leaves both sides with.
pub(super) struct Agreed {
    pub(super) secret: Secret<32>,
    pub(super) associated: AssociatedData,
}

/// The initiator's half (§4.2), and the prefix from which the responder makes its own.
pub(super) fn initiate(
    own: &Account,
    bundle: &Bundle,
    ephemeral: &KeyPair,
) -> Result<(Agreed, Prefix), Refusal> {
    let signed = bundle.signed_prekey();
    let mut agreements = vec![
        own.identity.agreement().agree(signed)?,
        ephemeral.agree(&bundle.identity().agreement())?,
        ephemeral.agree(signed)?,
    ];
    if let Some((_, one_time)) = bundle.one_time() {
        agreements.push(ephemeral.agree(one_time)?);
    }
    let agreed = Agreed {
        secret: shared_secret(&agreements),
        associated: AssociatedData::new(
            (own.identity.public(), own.user),
            (bundle.identity(), bundle.user()),
        ),
    };
    let prefix = Prefix::new(&PrefixFields {
        identity: *own.identity.public(),
        ephemeral: *ephemeral.public(),
        signed: SignedPrekeyId::of(signed),
        one_time: bundle.one_time().map(|(id, _)| *id),
    });
    Ok((agreed, prefix))
}

/// The responder's half (§4.3), with the prekeys that the prefix names.
pub(super) fn respond(
    own: &Account,
    (their_identity, their_user): (&IdentityKey, UserId),
    ephemeral: &super::AgreementKey,
    signed: &SignedPrekey,
    one_time: Option<&OneTimePrekey>,
) -> Result<Agreed, Refusal> {
    let mut agreements = vec![
        signed.pair().agree(&their_identity.agreement())?,
        own.identity.agreement().agree(ephemeral)?,
        signed.pair().agree(ephemeral)?,
    ];
    if let Some(one_time) = one_time {
        agreements.push(one_time.pair().agree(ephemeral)?);
    }
    Ok(Agreed {
        secret: shared_secret(&agreements),
        associated: AssociatedData::new(
            (their_identity, their_user),
            (own.identity.public(), own.user),
        ),
    })
}

fn shared_secret(agreements: &[Secret<32>]) -> Secret<32> {
    let exposed = agreements.iter().map(|agreement| &agreement.expose()[..]);
    let input: Vec<&[u8]> = std::iter::once(&FILL[..]).chain(exposed).collect();
    hkdf(&NO_SALT, &input, INFO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::e2ee::vectors::{FirstContact, hex, hex_array, secret, vectors};

    #[test]
    fn both_halves_are_the_published_ones() {
        let contacts = vectors().x3dh;
        assert_eq!(contacts.len(), 2);
        for contact in contacts {
            let (alice, bob) = (contact.alice(), contact.bob());
            let ephemeral = KeyPair::new(secret(&contact.ek_private));
            let (agreed, prefix) = initiate(&alice, &contact.bundle(), &ephemeral).unwrap();
            assert_agreed(&agreed, &contact);
            assert_eq!(prefix.as_bytes(), &hex_array::<74>(&contact.prefix));
            let fields = prefix.fields().unwrap();
            assert_eq!(fields.signed.number(), contact.spk_id);
            let one_time = contact.one_time_prekey();
            assert_eq!(fields.one_time, one_time.as_ref().map(OneTimePrekey::id));
            let agreed = respond(
                &bob,
                (&fields.identity, alice.user),
                &fields.ephemeral,
                &contact.signed_prekey(),
                one_time.as_ref(),
            );
            assert_agreed(&agreed.unwrap(), &contact);
        }
    }

    fn assert_agreed(agreed: &Agreed, contact: &FirstContact) {
        assert_eq!(agreed.secret, secret(&contact.sk));
        assert_eq!(&agreed.associated.as_bytes()[..], hex(&contact.ad));
    }

    #[test]
    fn each_agreement_is_the_published_one() {
        for contact in vectors().x3dh {
            let published: Vec<Secret<32>> = contact.dh.iter().map(|text| secret(text)).collect();
            assert_eq!(published.len(), if contact.one_time { 4 } else { 3 });
            assert_eq!(shared_secret(&published), secret(&contact.sk));
            let (alice, bundle) = (contact.alice(), contact.bundle());
            let ephemeral = KeyPair::new(secret(&contact.ek_private));
            let first = alice.identity.agreement().agree(bundle.signed_prekey());
            assert_eq!(first.unwrap(), published[0]);
            let second = ephemeral.agree(&bundle.identity().agreement()).unwrap();
            assert_eq!(second, published[1]);
        }
    }

    #[test]
    fn a_prekey_of_small_order_is_refused() {
        let contact = &vectors().x3dh[0];
        let (alice, bob) = (contact.alice(), contact.bob());
        let ephemeral = KeyPair::new(secret(&contact.ek_private));
        for refused in vectors().x25519_refused {
            let key = super::super::AgreementKey::from_bytes(hex_array(&refused.public));
            let answered = respond(
                &bob,
                (alice.identity.public(), alice.user),
                &key,
                &contact.signed_prekey(),
                None,
            );
            assert_eq!(answered.err(), Some(Refusal::SmallOrder));
            assert_eq!(ephemeral.agree(&key).err(), Some(Refusal::SmallOrder));
        }
    }
}
