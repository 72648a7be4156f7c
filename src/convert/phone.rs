//! Phone numbers in E.164 (ITU-T E.164; RFC 7643 §4.1.2 `phoneNumbers`).
//!
//! The rules of the national numbering plans are `phonelib`'s. It knows libphonenumber's
//! lengths but hardly its ranges: `39 02 1234 5678` in `IT`, its `+` forgotten, passes as a
//! long Italian number.
//!
//! A full port of libphonenumber would refuse more, and translate nothing otherwise: of the
//! examples that its edition 9 has of mobile and fixed numbers in 245 regions, each in
//! national, international and E.164 form, phonelib makes the same E.164 of 1,466 of 1,467
//! (Argentine mobile numbers with `15` after the area code are none), and refuses 192 of its 245
//! invalid ones. A number that fits a length and no range goes to the vendor as it is.

use phonelib::PhoneNumber;

use super::bounded;

/// The E.164 form of a number as people write it: `044 268 12 34` in `CH` is
/// `+41442681234`. `region` is the ISO 3166-1 alpha-2 code of the country the number is
/// dialled from; a number that names its country itself (`+41…`, `0041…`) needs none.
/// Extensions (`x12`) are dropped, E.164 has no place for them. `None` when the number
/// fits no numbering plan, or when nothing says which country it belongs to.
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    let text = bounded(text)?;
    let number = international(text).or_else(|| PhoneNumber::parse_with_country(text, region?))?;
    Some(number.e164().to_owned())
}

/// A number that names its country. Stricter than `PhoneNumber::parse`, which reads bare
/// digits as North American if it can, and so would move a Chinese mobile to Maryland.
fn international(text: &str) -> Option<PhoneNumber> {
    let from_digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    (text.contains('+') || from_digits.starts_with("00")).then(|| PhoneNumber::parse(text))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, region: &str, expect: Option<&str>) {
        let region = Some(region).filter(|region| !region.is_empty());
        assert_eq!(
            e164(text, region).as_deref(),
            expect,
            "{text:?} in {region:?}"
        );
    }

    #[test]
    fn a_national_number_needs_its_region() {
        check("044 268 12 34", "CH", Some("+41442681234"));
        check("044 268 12 34", "ch", Some("+41442681234"));
        check("044 268 12 34", "", None);
        check("01904 000001", "GB", Some("+441904000001"));
        check("089/1234-56", "DE", Some("+4989123456"));
        check("(202) 555-0173", "US", Some("+12025550173"));
        check("06 698 21234", "IT", Some("+390669821234"));
        check("41 44 268 12 34", "CH", Some("+41442681234"));
        check("130 1234 5678", "CN", Some("+8613012345678"));
        check("130 1234 5678", "", None);
        check("55555555555", "", None);
        check("12025550173", "", None);
    }

    #[test]
    fn a_number_with_its_country_needs_no_region() {
        for region in ["", "CH", "US", "JP", "ZZ"] {
            check("+41 44 268 12 34", region, Some("+41442681234"));
            check("0041 44 268 12 34", region, Some("+41442681234"));
            check("+49 (0)89 1234-56", region, Some("+4989123456"));
            check("(+44) 20 7946 0958", region, Some("+442079460958"));
            check("tel:+1-202-555-0173", region, Some("+12025550173"));
        }
    }

    #[test]
    fn an_extension_is_dropped() {
        check("+41 44 268 12 34 x12", "", Some("+41442681234"));
        check("044 268 12 34 ext. 12", "CH", Some("+41442681234"));
        check("+41442681234;ext=12", "", Some("+41442681234"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for region in ["", "CH", "DE", "GB", "US", "AT", "ZZ"] {
            for text in [
                "",
                "+",
                "07-2",
                "n/a",
                "call me",
                "+999 123 456 789",
                "+41 44",
            ] {
                check(text, region, None);
            }
            check("+41 44 268 12 34 / +41 79 123 45 67", region, None);
        }
    }
}
