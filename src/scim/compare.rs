//! The one place where text is compared without regard to case.

use std::borrow::Cow;
use std::iter::once;

use caseless::Caseless;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::Object;

/// Bytes of the longest text that is folded by the tables of Unicode.
pub const FOLDED: usize = 8 * 1024;

/// The form under which two spellings of a caseless value are equal: composed (NFC), full and
/// half width alike, and default case folding (RFC 8265 §3.3, UsernameCaseMapped). What only
/// looks alike stays apart: a no-break space is no space.
///
/// Of a text longer than [`FOLDED`] only the letters of ASCII are folded: nobody's name is, and the
/// tables of Unicode take a hundred times as long.
///
/// Borrows when the text is already folded ASCII.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.len() <= FOLDED && !text.is_ascii() {
        let one_width = text.chars().flat_map(one_width);
        return Cow::Owned(one_width.nfc().default_case_fold().nfc().collect());
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

/// A letter of the block of half and full width forms in its usual width.
fn one_width(letter: char) -> impl Iterator<Item = char> {
    let usual = matches!(letter, '\u{ff00}'..='\u{ffef}').then(|| once(letter).nfkc());
    let kept = usual.is_none().then_some(letter);
    usual.into_iter().flatten().chain(kept)
}

/// Whether two texts are equal without regard to case.
pub fn same_text(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a == b || fold(a) == fold(b)
}

/// The member of this name in any case.
pub(super) fn take(object: &mut Object, name: &str) -> Option<Value> {
    let key = object
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))?
        .clone();
    object.shift_remove(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_beyond_ascii() {
        for (a, b, same) in [
            ("ada@example.com", "ADA@Example.COM", true),
            ("ZOË", "zoë", true),
            ("Zoe\u{308}", "zoë", true), // combining diaeresis
            ("straße", "STRASSE", true),
            ("\u{ff21}da", "ada", true), // full-width A
            ("K", "\u{212a}", true),     // Kelvin sign
            ("ada", "adb", false),
            ("zoe", "zoë", false),
            ("eng team", "eng\u{a0}team", false), // no-break space
        ] {
            assert_eq!(same_text(a, b), same, "{a} {b}");
        }
    }

    #[test]
    fn beyond_the_longest_name_only_ascii_is_folded() {
        let long = |letters: &str| letters.repeat(FOLDED);
        assert!(same_text(&long("Aé"), &long("aé")));
        assert!(!same_text(&long("aÉ"), &long("aé")));
        assert!(same_text(&"É".repeat(FOLDED / 2), &"é".repeat(FOLDED / 2)));
    }

    #[test]
    fn borrows_what_is_folded() {
        assert!(matches!(fold("plain-1"), Cow::Borrowed(_)));
        assert!(matches!(fold("Plain"), Cow::Owned(_)));
    }
}
