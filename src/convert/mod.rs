//! Value conversions between what Entra sends and what vendors keep.
//!
//! Every function here is pure and total: text in, text out, `None` when the text
//! cannot be understood, never a panic. The cost is bounded because a text longer
//! than [`LONGEST`] is not looked at. What to do with a `None` (drop the value, answer
//! `invalidValue`, take a default) is the mapping's business.

pub mod country;
pub mod language;
pub mod phone;
pub mod slug;
pub mod text;
pub mod timezone;

/// Bytes above which a text is not converted. No country, zone, language or phone
/// number comes near; a longer one is a mistake or an attack.
pub const LONGEST: usize = 1024;

/// The text without surrounding space, if there is any and it is not too long.
fn bounded(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    (text.len() <= LONGEST && !trimmed.is_empty()).then_some(trimmed)
}

/// The rows of a data file: no comments, no empty lines.
fn rows(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Nothing a stranger sends may panic, whatever it is made of.
        #[test]
        fn every_conversion_is_total(any in "\\PC{0,40}|[+0-9 ()/x.-]{0,30}|\\s?.{0,20}", max in 0usize..12) {
            let _ = country::find(&any);
            let _ = timezone::to_iana(&any);
            let _ = language::fit(&any, "_", &["de_CH", "en"]);
            let _ = language::to_bcp47(&any, "_");
            let _ = text::is_address(&any);
            prop_assert!(any.starts_with(text::cut(&any, max)));
            prop_assert!(text::cut(&any, max).chars().count() <= max);
            prop_assert!(any.contains(text::first_word(&any)) && any.contains(text::rest_words(&any)));
            let (street, house_no) = text::split_street(&any);
            prop_assert!(any.contains(street) && any.contains(house_no));
        }

        /// E.164 is `+`, then at most 15 digits, the first not 0; and it is its own E.164.
        #[test]
        fn a_number_is_e164_or_nothing(any in "\\PC{0,20}|[+0-9 ()/x.-]{0,30}", region in "[A-Z]{2}|001|") {
            for region in [None, Some(region.as_str())] {
                let Some(number) = phone::e164(&any, region) else { continue };
                let digits = number.strip_prefix('+').unwrap_or_default();
                prop_assert!((4..=15).contains(&digits.len()), "{number}");
                prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0'), "{number}");
                let again = phone::e164(&number, None);
                prop_assert_eq!(again.as_deref(), Some(number.as_str()));
            }
        }
    }

    #[test]
    fn a_text_too_long_is_not_looked_at() {
        let padded = |text: &str| format!("{text}{}", " ".repeat(LONGEST));
        assert!(country::find(&padded("CH")).is_none());
        assert!(timezone::to_iana(&padded("UTC")).is_none());
        assert!(language::fit(&padded("de"), "-", &[]).is_none());
        assert!(language::to_bcp47(&padded("de"), "_").is_none());
        assert!(phone::e164(&padded("+41442681234"), None).is_none());
    }
}
