//! The one place where text is compared without regard to case.

use std::borrow::Cow;

use caseless::Caseless;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::Object;

/// The form under which two spellings of a caseless value are equal: NFKC and default case
/// folding (near to PRECIS UsernameCaseMapped, RFC 7644 §5).
///
/// Borrows when the text is already folded ASCII.
pub fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(text.chars().nfkc().default_case_fold().nfkc().collect());
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
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
        ] {
            assert_eq!(same_text(a, b), same, "{a} {b}");
        }
    }

    #[test]
    fn borrows_what_is_folded() {
        assert!(matches!(fold("plain-1"), Cow::Borrowed(_)));
        assert!(matches!(fold("Plain"), Cow::Owned(_)));
    }
}
