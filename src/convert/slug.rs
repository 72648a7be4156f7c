//! Names for vendors that take few characters and few of them.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of `~` and six hex digits.
const MARK: usize = 7;

/// `text` in the letters `A-Z a-z 0-9 . _ -`: accents are dropped (NFKD), anything else becomes
/// `_`. A slug of more than `letters` characters is cut and [`marked`].
pub fn slug(text: &str, letters: usize) -> String {
    let plain = plain(text);
    match plain.len() <= letters {
        true => plain,
        false => marked(text, letters),
    }
}

/// The slug, cut for `~` and the first six hex digits of the SHA-256 of `text`: as good as unique
/// for one text, and the same every time.
pub fn marked(text: &str, letters: usize) -> String {
    let mut slug = plain(text);
    slug.truncate(letters.saturating_sub(MARK));
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest
        .iter()
        .take(3)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{slug}~{hex}")
}

fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter));
    let known = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    letters
        .map(|letter| if known(letter) { letter } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_plain_and_of_one_text_only() {
        for (text, letters, expect) in [
            ("Sales", 31, "Sales"),
            ("Sales EMEA", 31, "Sales_EMEA"),
            ("Führungskräfte", 31, "Fuhrungskrafte"),
            ("ﬁnance №1", 31, "finance_No1"),
            ("a\u{1f600}b/c", 31, "a_b_c"),
            ("", 31, ""),
        ] {
            assert_eq!(slug(text, letters), expect);
        }
        let long = "A name that is much longer than thirty-one letters";
        assert_eq!(slug(long, 31).len(), 31);
        assert_ne!(slug(long, 31), slug(&format!("{long}!"), 31));
        assert_ne!(marked("Sales EMEA", 31), marked("Sales_EMEA", 31));
    }
}
