//! When a certificate ends (RFC 5280 §4.1.2.5).
//!
//! The crate that verifies certificates says whether one is good now, but not until when.

use std::fs;
use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::base::Timestamp;

const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When the first certificate of the file `path` (PEM) ends. None: it can't be read, or is no
/// certificate.
pub fn certificate_ends(path: &Path) -> Option<Timestamp> {
    let file = fs::read(path).ok()?;
    let certificate = CertificateDer::pem_slice_iter(&file).next()?.ok()?;
    not_after(&certificate)
}

/// The field `notAfter` of a certificate.
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (whole, _) = element(certificate, SEQUENCE)?;
    let (mut fields, _) = element(whole, SEQUENCE)?;
    if fields.first() == Some(&EXPLICIT_VERSION) {
        fields = skip(fields)?;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = skip(fields)?;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    time(skip(validity)?)
}

/// `UTCTime` has two digits of the year, of which 50 and above are of the last century.
fn time(bytes: &[u8]) -> Option<Timestamp> {
    let (tag, body, _) = any(bytes)?;
    let text = std::str::from_utf8(body).ok()?.strip_suffix('Z')?;
    let full = match tag {
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let moment = DateTime::strptime("%Y%m%d%H%M%S", full).ok()?;
    let moment = moment.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let millis = u64::try_from(moment.as_millisecond()).ok()?;
    Some(Timestamp::from_millis(millis))
}

fn skip(bytes: &[u8]) -> Option<&[u8]> {
    any(bytes).map(|(_, _, rest)| rest)
}

fn element(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, body, rest) = any(bytes)?;
    (tag == expected).then_some((body, rest))
}

/// The first element of DER, and what follows it. Lengths up to 65,535, which no certificate exceeds.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&low, rest) = rest.split_first()?;
            (usize::from(low), rest)
        }
        0x82 => {
            let (high, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*high)), rest)
        }
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((tag, body, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any as arbitrary, prop, prop_assert_eq, proptest};
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["relay.example".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 3, 4);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_forms() {
        for (year, date) in [(2031, "2031-03-04"), (2051, "2051-03-04")] {
            let end = not_after(&certificate(year)).unwrap();
            assert_eq!(end.date(), date);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_no_certificate_has_no_end(bytes in prop::collection::vec(arbitrary::<u8>(), 0..200)) {
            let _ = not_after(&bytes);
        }

        #[test]
        fn a_certificate_that_is_cut_off_has_no_end(cut in 0_usize..200) {
            let whole = certificate(2031);
            prop_assert_eq!(not_after(&whole[..cut.min(whole.len() - 1)]), None);
        }
    }
}
