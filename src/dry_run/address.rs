//! What calls are about: `/users/18231/activate`, or `/config/user/entry[@name='ada']/member`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a URL's path may hold unquoted (RFC 3986 §2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where an object of a list is.
pub(super) fn at(list: &str, id: &str) -> String {
    format!("{list}/{}", utf8_percent_encode(id, UNRESERVED))
}

/// The texts in quotation marks.
pub(super) fn quoted(text: &str) -> Vec<String> {
    pieces(text)
        .into_iter()
        .filter(|(is_quoted, _)| *is_quoted)
        .map(|(_, piece)| piece.to_owned())
        .collect()
}

/// The text without what stands in quotation marks, and with its numbers alike.
pub(super) fn without_quoted(text: &str) -> String {
    let plain = pieces(text).into_iter().filter(|(is_quoted, _)| !is_quoted);
    let plain: String = plain.map(|(_, piece)| piece).collect();
    match plain.contains('[') {
        true => plain.replace(|c: char| c.is_ascii_digit(), ""),
        false => plain,
    }
}

/// Quoted and other pieces in order.
fn pieces(text: &str) -> Vec<(bool, &str)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    // Only a path has quotation marks that mean anything.
    while let Some(start) = rest.find(['\'', '"']).filter(|_| text.starts_with('/')) {
        let mark = rest[start..].chars().next().unwrap_or('"');
        let Some(length) = rest[start + 1..].find(mark) else {
            break;
        };
        pieces.push((false, &rest[..start]));
        pieces.push((true, &rest[start + 1..start + 1 + length]));
        rest = &rest[start + 2 + length..];
    }
    pieces.push((false, rest));
    pieces
}

/// Whether `address` is below `above`, and what comes after it: empty for the same.
pub(super) fn below<'a>(address: &'a str, above: &str) -> Option<&'a str> {
    let rest = address.strip_prefix(above)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// The list an address is in: without its last segment, or without what its last step must be.
pub(super) fn list_of(address: &str) -> &str {
    let address = address.trim_end_matches('/');
    let end = match address.ends_with(']') {
        true => last_step(address)
            .find('[')
            .map(|at| address.len() - last_step(address).len() + at),
        false => address.rfind('/'),
    };
    end.and_then(|end| address.get(..end)).unwrap_or_default()
}

/// The element that an address names by an attribute, and what comes after it.
pub(super) fn named_element(address: &str) -> Option<(&str, &str)> {
    let start = address.rfind("[@")?;
    let end = start + address.get(start..)?.find(']')? + 1;
    Some((address.get(..end)?, address.get(end..)?))
}

/// A step below an element: `/member[text()='ada']` as its name and the text it must have.
pub(super) fn step(tail: &str) -> Option<(&str, Option<String>)> {
    let step = tail.strip_prefix('/')?;
    let name = step.split('[').next()?;
    let wanted = quoted(tail).into_iter().next();
    (!name.is_empty() && !name.contains('/')).then_some((name, wanted))
}

/// The last step; a quoted `/` is none between steps.
fn last_step(address: &str) -> &str {
    let mut from = 0;
    let mut quote = None;
    for (at, letter) in address.char_indices() {
        match (quote, letter) {
            (Some(mark), letter) if mark == letter => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '/') => from = at + 1,
            _ => {}
        }
    }
    address.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "/config/entry[@name='a/b']/user/entry[@name='ada']";

    #[test]
    fn what_is_quoted_is_a_value() {
        assert_eq!(quoted(ENTRY), ["a/b", "ada"]);
        assert_eq!(
            without_quoted(ENTRY),
            "/config/entry[@name=]/user/entry[@name=]"
        );
        assert_eq!(without_quoted("Ada's"), "Ada's");
        assert_eq!(
            without_quoted("/user/entry[position()>0]"),
            without_quoted("/user/entry[position()>200]")
        );
    }

    #[test]
    fn lists_and_elements_are_told_apart() {
        assert_eq!(list_of("/users/1"), "/users");
        assert_eq!(list_of(ENTRY), "/config/entry[@name='a/b']/user/entry");
        assert_eq!(list_of("/u/entry[@name='a/b']"), "/u/entry");
        let member = format!("{ENTRY}/member[text()='x']");
        let (element, tail) = named_element(&member).unwrap_or_default();
        assert_eq!(element, ENTRY);
        assert_eq!(step(tail), Some(("member", Some("x".to_owned()))));
        assert_eq!(step("/member"), Some(("member", None)));
        assert_eq!(below(&member, ENTRY), Some("/member[text()='x']"));
        assert_eq!(below("/users/10", "/users/1"), None);
    }
}
