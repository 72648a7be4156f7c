//! When a certificate ends: as much of X.509 as that takes.
//!
//! `x509-parser` would read it too, and brings 19 crates into the program that nothing else there
//! needs, a parser generator and numbers of any size among them; rustls' own reader of certificates
//! does not tell the time. A certificate that is read here is the operator's own.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// `UTCTime` (RFC 5280 §4.1.2.5.1): two digits of the year.
const UTC_TIME: u8 = 0x17;
/// The version of a certificate, which the oldest ones do not have.
const VERSION: u8 = 0xa0;

/// `notAfter` of a certificate in DER, in Unix seconds; `None` if it cannot be read.
pub(super) fn not_after(certificate: &[u8]) -> Option<i64> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut signed, _) = element(certificate)?;
    let (tag, _, rest) = element(signed)?;
    if tag == VERSION {
        signed = rest;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        (_, _, signed) = element(signed)?;
    }
    let (_, validity, _) = element(signed)?;
    let (_, _, end) = element(validity)?;
    let (tag, text, _) = element(end)?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match (tag, text.get(..2)?) {
        (UTC_TIME, year) if year >= "50" => format!("19{text}"),
        (UTC_TIME, _) => format!("20{text}"),
        _ => text.to_owned(),
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?;
    Some(time.timestamp().as_second())
}

/// The first element of `der`: its tag, its content, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..0x80 => (usize::from(length), rest),
        // The length itself is so many bytes long.
        long => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = bytes.iter().try_fold(0_usize, |length, byte| {
                length.checked_mul(256)?.checked_add(usize::from(*byte))
            });
            (length?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["scim.test".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 2, 3);
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_found_in_both_forms_of_time() {
        let day = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        let end = not_after(&certificate(2031));
        assert_eq!(end, Some(day("2031-02-03T00:00:00Z")));
        let end = not_after(&certificate(2077));
        assert_eq!(end, Some(day("2077-02-03T00:00:00Z")), "GeneralizedTime");
    }

    #[test]
    fn no_cut_certificate_is_read_beyond_its_end() {
        let whole = certificate(2031);
        for length in 0..whole.len() {
            let _ = not_after(&whole[..length]);
        }
        assert_eq!(not_after(&whole[..20]), None);
    }
}
