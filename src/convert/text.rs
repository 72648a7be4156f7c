//! Plain text: cutting to a vendor's limit, names, streets, e-mail addresses.

use unicode_normalization::char::is_combining_mark;

/// At most the first `max_chars` Unicode characters, cut where a reader sees a character
/// end: an accent, an emoji's skin tone or a flag's second half is not torn off. Only a
/// first such cluster that is too long by itself is cut inside.
pub fn cut(text: &str, max_chars: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(max_chars) else {
        return text;
    };
    let longest = text.get(..end).unwrap_or_default();
    let ends = longest.char_indices().rev().map(|(at, _)| at);
    let end = std::iter::once(end)
        .chain(ends)
        .find(|at| *at > 0 && is_boundary(text, *at));
    end.and_then(|at| text.get(..at)).unwrap_or(longest)
}

/// The first word of a display name: `Ada` of `Ada King Lovelace`. Empty when there is none.
pub fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// What follows the first word: `King Lovelace` of `Ada King Lovelace`. Empty when there
/// is nothing more.
pub fn rest_words(text: &str) -> &str {
    let text = text.trim();
    text.split_once(char::is_whitespace)
        .map_or("", |(_, rest)| rest.trim_start())
}

/// Street and house number: `Hauptstr. 5a` is `Hauptstr.` and `5a`.
///
/// The house number is what ends the text and looks like one: `5`, `5 a`, `12-14`, `5/7`.
/// Without one (`1 Mill Rd`, `Marktplatz`) all is street and the house number is empty.
pub fn split_street(text: &str) -> (&str, &str) {
    let text = text.trim();
    // "12 - 14 a" is the longest form, so four words are looked at.
    text.rmatch_indices(char::is_whitespace)
        .take(4)
        .filter_map(|(at, _)| text.split_at_checked(at))
        .map(|(street, house_no)| {
            (
                street.trim_end_matches(|c: char| c == ',' || c.is_whitespace()),
                house_no.trim_start(),
            )
        })
        .filter(|(street, house_no)| street.contains(char::is_alphabetic) && is_house_no(house_no))
        .last()
        .unwrap_or((text, ""))
}

/// Whether a text can serve as an e-mail address: `local@domain.example`, no comments, no
/// quotes. Light on purpose: only delivery proves an address (RFC 5321 §4.5.3.1 limits).
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && !local
            .contains(|c: char| c.is_whitespace() || c.is_control() || "()<>[],;:\\\"".contains(c))
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

/// Whether a cut before byte `at` keeps what belongs together: the cases of Unicode's UAX
/// #29 that occur in names.
fn is_boundary(text: &str, at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else {
        return false;
    };
    let (Some(last), Some(next)) = (before.chars().next_back(), after.chars().next()) else {
        return true;
    };
    let splits_flag = is_flag_half(next)
        && before
            .chars()
            .rev()
            .take_while(|c| is_flag_half(*c))
            .count()
            % 2
            == 1;
    !(extends(next) || last == JOINER || splits_flag)
}

const JOINER: char = '\u{200d}';

/// Characters that only change the one before: accents and variation selectors, the
/// joiner, vowels and finals of a Hangul syllable, skin tones, the tags of a region's flag.
fn extends(c: char) -> bool {
    is_combining_mark(c)
        || matches!(c, JOINER | '\u{1160}'..='\u{11ff}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

fn is_flag_half(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// `5`, `5a`, `5 a`, and ranges of them: `12-14`, `5a-c`, `5/7`.
fn is_house_no(text: &str) -> bool {
    let mut parts = text.split(['-', '–', '/', '+']).map(str::trim);
    parts.next().is_some_and(|first| {
        first.starts_with(|c: char| c.is_ascii_digit()) && is_house_no_part(first)
    }) && parts.all(is_house_no_part)
}

/// Up to five digits and a letter, at least one of the two.
fn is_house_no_part(part: &str) -> bool {
    let letter = part.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = part.len() - letter.len();
    let mut letters = letter.trim_start().chars();
    digits <= 5
        && !part.is_empty()
        && letters.next().is_none_or(char::is_alphabetic)
        && letters.next().is_none()
}

/// One part of a host name; letters of any script, as mail domains may have them.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_keeps_what_belongs_together() {
        for (text, max_chars, expect) in [
            ("Ada", 3, "Ada"),
            ("Ada", 2, "Ad"),
            ("Ada", 0, ""),
            ("", 5, ""),
            ("Zürich", 2, "Zü"),
            ("Zu\u{308}rich", 2, "Z"),
            ("Zu\u{308}rich", 3, "Zu\u{308}"),
            ("a👍🏽", 2, "a"),
            ("a👩‍👧", 3, "a"),
            ("a👩‍👧b", 4, "a👩‍👧"),
            ("🇨🇭🇩🇪", 3, "🇨🇭"),
            ("🇨🇭🇩🇪", 2, "🇨🇭"),
            ("a\u{1112}\u{1161}\u{11ab}", 3, "a"),
            ("한글", 1, "한"),
            ("u\u{308}\u{301}", 2, "u\u{308}"),
        ] {
            assert_eq!(cut(text, max_chars), expect, "{text:?} to {max_chars}");
        }
    }

    #[test]
    fn a_name_has_a_first_word_and_the_rest() {
        for (text, first, rest) in [
            ("Ada King Lovelace", "Ada", "King Lovelace"),
            ("  Ada\t King  Lovelace ", "Ada", "King  Lovelace"),
            ("Ada", "Ada", ""),
            (" ", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(
                (first_word(text), rest_words(text)),
                (first, rest),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_street_ends_with_its_house_number() {
        for (text, street, house_no) in [
            ("Hauptstr. 5a", "Hauptstr.", "5a"),
            (" Hauptstr.  5 ", "Hauptstr.", "5"),
            ("Hauptstr. 5 a", "Hauptstr.", "5 a"),
            ("Hauptstr. 12-14", "Hauptstr.", "12-14"),
            ("Hauptstr. 12–14", "Hauptstr.", "12–14"),
            ("Hauptstr. 12 - 14 b", "Hauptstr.", "12 - 14 b"),
            ("Hauptstr. 5a-c", "Hauptstr.", "5a-c"),
            ("Hauptstr. 5/7", "Hauptstr.", "5/7"),
            ("Via Roma, 12", "Via Roma", "12"),
            ("Straße des 17. Juni 135", "Straße des 17. Juni", "135"),
            ("Q5, 14-22", "Q5", "14-22"),
            ("1 Mill Rd", "1 Mill Rd", ""),
            ("Marktplatz", "Marktplatz", ""),
            ("Hauptstr. 12-", "Hauptstr. 12-", ""),
            ("Platz der Einheit Nr. -5", "Platz der Einheit Nr. -5", ""),
            ("Postfach 123456", "Postfach 123456", ""),
            ("Hauptstr. 5\n3. Stock", "Hauptstr. 5\n3. Stock", ""),
            ("Weg 7 abc", "Weg 7 abc", ""),
            ("12", "12", ""),
            ("12 14", "12 14", ""),
            ("", "", ""),
        ] {
            assert_eq!(split_street(text), (street, house_no), "{text:?}");
        }
    }

    #[test]
    fn an_address_has_two_good_halves() {
        for text in [
            "a@b.example",
            "ada.king+x@mail.b-c.example",
            "o'brien@x.example",
            "g_x.example#EXT#@t.example",
            "ada@bücher.example",
        ] {
            assert!(is_address(text), "{text:?}");
        }
        for text in [
            "",
            "ada",
            "@b.example",
            "a@",
            "a@b",
            "a@b@c.example",
            "a b@c.example",
            "a@b..example",
            "a@-b.example",
            "a@b.example.",
            "<a@b.example>",
            "a@b.exa mple",
            " a@b.example",
        ] {
            assert!(!is_address(text), "{text:?}");
        }
        assert!(!is_address(&format!("{}@b.example", "a".repeat(65))));
    }
}
