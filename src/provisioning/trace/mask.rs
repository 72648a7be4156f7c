//! Values without the people in them: enough to recognise what one knows, too little to learn
//! what one does not.

use std::borrow::Cow;

use serde_json::Value;

/// Stands for what is left out.
const GAP: char = '…';

/// A text's first letter, and of an e-mail address the domain's first and its last label:
/// `a…@e…com`. Shorter texts than four letters are all gap.
pub fn text(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            let last = domain.rsplit_once('.').map_or("", |(_, last)| last);
            format!("{}@{}{last}", begin(local), begin(domain))
        }
        None if text.chars().count() < 4 => GAP.to_string(),
        None => begin(text),
    }
}

/// A value: what is true or false or nothing is nobody's, all else is masked.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => value.to_string(),
        Value::Number(_) => GAP.to_string(),
        Value::String(held) => text(held),
        Value::Array(list) => format!("[{} {GAP}]", list.len()),
        Value::Object(_) => format!("{{{GAP}}}"),
    }
}

/// A value without even an outline of the person.
pub fn nobody(held: &Value) -> String {
    match held {
        Value::String(_) => GAP.to_string(),
        held => value(held),
    }
}

/// A path to the vendor, query included: segments that `is_literal` knows from the script, and
/// opaque ids, stand as they are; of the query the names do.
pub(crate) fn path(path: &str, is_literal: impl Fn(&str) -> bool) -> String {
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    let mut told = String::with_capacity(path.len() + 16);
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            told.push('/');
        }
        if segment.is_empty() || is_opaque(segment) || is_literal(segment) {
            told.push_str(segment);
        } else {
            told.push(GAP);
        }
    }
    for (index, pair) in query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .enumerate()
    {
        told.push(if index == 0 { '?' } else { '&' });
        told.push_str(pair.split('=').next().unwrap_or_default());
        told.push('=');
        told.push(GAP);
    }
    told
}

/// A sentence that may quote a value: words that look like an address are masked.
pub fn sentence(sentence: &str) -> Cow<'_, str> {
    if !sentence.contains('@') {
        return Cow::Borrowed(sentence);
    }
    let words = sentence.split_inclusive(char::is_whitespace).map(|word| {
        let plain = word.trim_end();
        match plain.contains('@') {
            true => format!("{}{}", text(plain), &word[plain.len()..]).into(),
            false => Cow::Borrowed(word),
        }
    });
    Cow::Owned(words.collect())
}

fn begin(text: &str) -> String {
    text.chars().next().into_iter().chain([GAP]).collect()
}

/// An id as it stands if it is opaque, else its outline: some vendors' ids are names.
pub(crate) fn id(id: &str) -> String {
    match is_opaque(id) {
        true => id.to_owned(),
        false => text(id),
    }
}

/// A number or a UUID: what databases count by.
fn is_opaque(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_digit()) || is_uuid(segment)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_by_its_outline() {
        for (held, told) in [
            ("anna.smith@example.com", "a…@e…com"),
            ("anna@localhost", "a…@l…"),
            ("@", "…@…"),
            ("Anna", "A…"),
            ("Ann", "…"),
            ("", "…"),
            ("Ärztin", "Ä…"),
        ] {
            assert_eq!(text(held), told, "{held}");
        }
        for (held, told) in [
            (serde_json::json!(true), "true"),
            (serde_json::json!(null), "null"),
            (serde_json::json!(4711), "…"),
            (serde_json::json!(["a", "b"]), "[2 …]"),
            (serde_json::json!({"value": "Anna"}), "{…}"),
            // An externalId leads to its owner in the directory.
            (
                serde_json::json!("2819c223-7f76-453a-919d-413861904646"),
                "2…",
            ),
        ] {
            assert_eq!(value(&held), told);
        }
    }

    #[test]
    fn of_a_path_only_the_scripts_own_words_and_ids_are_told() {
        let known = |word: &str| matches!(word, "users" | "activate");
        for (asked, told) in [
            ("/users/18231", "/users/18231"),
            ("/users/18231/activate", "/users/18231/activate"),
            ("/users/anna.smith", "/users/…"),
            (
                "/users?login=anna%40example.com&page=1",
                "/users?login=…&page=…",
            ),
            ("/groups/Sales%20DE/rename", "/…/…/…"),
            ("/", "/"),
        ] {
            assert_eq!(path(asked, known), told, "{asked}");
        }
    }

    #[test]
    fn a_sentence_loses_its_addresses_only() {
        assert_eq!(sentence("The path is wrong."), "The path is wrong.");
        assert_eq!(
            sentence("The user anna@example.com exists."),
            "The user a…@e…com exists."
        );
    }
}
