//! What TOML's reader says about a value, in words for whoever wrote the file: the key, and what
//! it must be. The reader speaks of Rust's types.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// The message for an error in `text`.
pub fn plain(text: &str, error: &Error) -> String {
    let message = error.message();
    let Ok(parsed) = DeTable::parse(text) else {
        return format!("not valid TOML: {}", without_expected(message));
    };
    let place = error.span().and_then(|span| {
        let mut found = None;
        search(parsed.get_ref(), "", &span, &mut found);
        found
    });
    let place = place.unwrap_or_default();
    of_serde(&place, message)
}

/// Where an error is: the dotted key, and what its table's texts are.
#[derive(Default)]
struct Place {
    key: String,
    /// Texts in the value, if it is a table: name and text.
    texts: Vec<(String, String)>,
}

fn search(table: &DeTable<'_>, above: &str, span: &Range<usize>, found: &mut Option<Place>) {
    for (name, value) in table {
        let key = joined(above, name.get_ref());
        if name.span() == *span || value.span() == *span {
            *found = Some(Place {
                texts: texts(value.get_ref()),
                key,
            });
            return;
        }
        descend(value, &key, span, found);
    }
}

fn descend(
    value: &Spanned<DeValue<'_>>,
    key: &str,
    span: &Range<usize>,
    found: &mut Option<Place>,
) {
    match value.get_ref() {
        DeValue::Table(inner) => search(inner, key, span, found),
        DeValue::Array(items) => {
            for item in items {
                if item.span() == *span {
                    *found = Some(Place {
                        texts: texts(item.get_ref()),
                        key: key.to_owned(),
                    });
                }
                descend(item, key, span, found);
            }
        }
        _ => {}
    }
}

fn texts(value: &DeValue<'_>) -> Vec<(String, String)> {
    let DeValue::Table(table) = value else {
        return Vec::new();
    };
    let entries = table.iter().filter_map(|(name, value)| {
        let text = value.get_ref().as_str()?;
        Some((name.get_ref().to_string(), text.to_owned()))
    });
    entries.collect()
}

fn joined(above: &str, name: &str) -> String {
    match above {
        "" => name.to_owned(),
        _ => format!("{above}.{name}"),
    }
}

fn of_serde(place: &Place, message: &str) -> String {
    let key = place.key.as_str();
    if let Some(name) = quoted_after(message, "missing field ") {
        return format!("{} is missing", joined(key, name));
    }
    if let Some(name) = quoted_after(message, "unknown field ") {
        let section = key.rsplit_once('.').map_or("", |(above, _)| above);
        let known = choices(message);
        return match section {
            "" => format!("there is no key `{name}`; there are: {known}"),
            _ => format!("there is no key `{name}` in {section}; there are: {known}"),
        };
    }
    if let Some(word) = quoted_after(message, "unknown variant ") {
        let inner = place.texts.iter().find(|(_, text)| text == word);
        let key = inner.map_or_else(|| key.to_owned(), |(name, _)| joined(key, name));
        return format!("{} must be {}, not {word}", named(&key), either(message));
    }
    let wrong = (message.strip_prefix("invalid type: "))
        .or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        return must_be(named(key), found, expected);
    }
    if message.starts_with("data did not match") || message.starts_with("invalid length") {
        return format!("{} cannot have this value", named(key));
    }
    match message.strip_prefix("must be ") {
        Some(_) => format!("{} {message}", named(key)),
        None => message.to_owned(),
    }
}

fn named(key: &str) -> &str {
    match key {
        "" => "this",
        _ => key,
    }
}

/// `limits.burst must be a whole number of at least 1, not 0`, out of serde's words for what was
/// found and expected.
pub fn must_be(key: &str, found: &str, expected: &str) -> String {
    let kind = kind(expected);
    match value(found) {
        Some(found) => format!("{key} must be {kind}, not {found}"),
        None => format!("{key} must be {kind}"),
    }
}

/// What serde expects, without the names of types.
fn kind(expected: &str) -> &str {
    const WHOLE: [&str; 10] = [
        "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize",
    ];
    match expected {
        it if it.contains("nonzero") => "a whole number of at least 1",
        it if WHOLE.contains(&it) && it.starts_with('u') => "a whole number, 0 or more",
        it if WHOLE.contains(&it) => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        it if it.contains("string") || it == "path" || it == "a path" => "a text in quotes",
        it if it.starts_with("a sequence") || it.starts_with("a tuple") => "a list in [ ]",
        it if it.starts_with("struct ") || it.contains("map") || it.contains("table") => {
            "a section with keys of its own"
        }
        _ => "something else",
    }
}

/// What serde found, as it is written in a file.
fn value(found: &str) -> Option<String> {
    match found {
        "sequence" => return Some("a list".to_owned()),
        "map" => return Some("a section".to_owned()),
        _ => {}
    }
    if let Some(text) = found.strip_prefix("string ") {
        return Some(text.to_owned());
    }
    if let Some(state) = found.strip_prefix("bool ") {
        return Some(state.to_owned());
    }
    found.split('`').nth(1).map(str::to_owned)
}

/// What stands in backquotes right after `words`.
fn quoted_after<'m>(message: &'m str, words: &str) -> Option<&'m str> {
    let rest = message.strip_prefix(words)?.strip_prefix('`')?;
    rest.split_once('`').map(|(name, _)| name)
}

/// All names but the first, which is the wrong one.
fn names(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).skip(1).collect()
}

fn choices(message: &str) -> String {
    match names(message).as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

fn either(message: &str) -> String {
    one_of(&names(message))
}

/// `a, b or c`.
pub fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// Syntax errors end with what the reader waited for, which explains something if it is a sign.
fn without_expected(message: &str) -> &str {
    match message.split_once(", expected ") {
        Some((what, expected)) if !expected.contains('`') => what,
        _ => message,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its errors count")]
    struct Written {
        title: String,
        size: Option<std::num::NonZeroU32>,
        count: Option<u32>,
        is_new: Option<bool>,
        list: Option<Vec<String>>,
        kind: Option<Kind>,
        inner: Option<Inner>,
        tagged: Option<Tagged>,
        map: Option<BTreeMap<String, u32>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Page,
        Offset,
        Cursor,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its errors count")]
    struct Inner {
        depth: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Tagged {
        Basic,
        Bearer,
    }

    #[test]
    fn the_key_is_named_and_no_type() {
        for (line, expect) in [
            (
                "size = 0",
                "size must be a whole number of at least 1, not 0",
            ),
            (
                "size = -1",
                "size must be a whole number of at least 1, not -1",
            ),
            (
                "count = \"x\"",
                "count must be a whole number, 0 or more, not \"x\"",
            ),
            (
                "count = 1.5",
                "count must be a whole number, 0 or more, not 1.5",
            ),
            ("is_new = 1", "is_new must be true or false, not 1"),
            ("list = true", "list must be a list in [ ], not true"),
            ("list = [1]", "list must be a text in quotes, not 1"),
            (
                "kind = \"azure\"",
                "kind must be page, offset or cursor, not azure",
            ),
            ("inner = {}", "inner.depth is missing"),
            (
                "inner = 3",
                "inner must be a section with keys of its own, not 3",
            ),
            (
                "inner = { depth = 1, deep = 1 }",
                "there is no key `deep` in inner; there are: depth",
            ),
            (
                "tagged = { kind = \"basci\" }",
                "tagged.kind must be basic or bearer, not basci",
            ),
            (
                "map = { a = \"x\" }",
                "map.a must be a whole number, 0 or more, not \"x\"",
            ),
            ("size = 0.0.0", "not valid TOML: invalid float"),
        ] {
            let text = format!("title = \"t\"\n{line}\n");
            let error = toml::from_str::<Written>(&text).unwrap_err();
            assert_eq!(plain(&text, &error), expect, "{line}: {error}");
        }
        let error = toml::from_str::<Written>("size = 1\n").unwrap_err();
        assert_eq!(plain("size = 1\n", &error), "title is missing");
    }
}
