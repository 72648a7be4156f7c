//! A tenant file as it may be shown: a report of mistakes goes to terminals and
//! logs, and the lines around a mistake may hold a secret.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys of a tenant file whose values are no secrets.
const OPEN: [&str; 10] = [
    "version",
    "credential_kind",
    "adapter",
    "base_url",
    "profile",
    "settings",
    "limits",
    "groups",
    "federation",
    "entra_tokens",
];
/// Keys of a credential that only name the place of a secret.
const PLACES: [&str; 2] = ["file", "env"];

/// The bytes of `text` that may be a secret: every value that is not known to be
/// none, for a mistyped key must not open it. In a text that is no TOML, all
/// behind the first `=` of each line.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let file = DeTable::parse(text).ok();
    secrets_as(text, file.as_ref().map(Spanned::get_ref))
}

fn secrets_as(text: &str, file: Option<&DeTable<'_>>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    match file {
        Some(file) => {
            let hidden = file
                .iter()
                .filter(|(key, _)| !OPEN.contains(&key.get_ref().as_ref()));
            hidden.for_each(|(_, value)| collect(value, &mut found));
        }
        None => {
            let mut start = 0;
            for line in text.split_inclusive('\n') {
                let end = start + line.len();
                found.extend(line.find('=').map(|sign| start + sign + 1..end));
                start = end;
            }
        }
    }
    found
}

fn collect(value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => {
            let hidden = table
                .iter()
                .filter(|(key, _)| !PLACES.contains(&key.get_ref().as_ref()));
            hidden.for_each(|(_, value)| collect(value, found));
        }
        DeValue::Array(elements) => elements.iter().for_each(|value| collect(value, found)),
        _ => found.push(value.span()),
    }
}

/// What is left of a secret, so that the text around it keeps its form.
const FORM: &[u8] = b"\"'{}[]";

/// The text with secrets blotted out and everything else in its place.
pub fn redacted(text: &str) -> String {
    let file = DeTable::parse(text).ok();
    redacted_as(text, file.as_ref().map(Spanned::get_ref))
}

/// The same, of a text that was read as `file`; `None` if it is no TOML.
pub(super) fn redacted_as(text: &str, file: Option<&DeTable<'_>>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in secrets_as(text, file) {
        let secret = bytes.get_mut(range).unwrap_or_default();
        let letters = secret
            .iter_mut()
            .filter(|byte| !byte.is_ascii_whitespace() && !FORM.contains(byte));
        letters.for_each(|byte| *byte = b'*');
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(redacted(text), expected);
    }

    #[test]
    fn what_may_be_a_secret_is_blotted_out() {
        check(
            "credential = { key = { value = \"s3cret\" } }",
            "credential = { key = { value = \"******\" } }",
        );
        check(
            "credential = { key = \"ö1\" }",
            "credential = { key = \"***\" }",
        );
        check(
            "[credential]\nkey.value = \"p@ss-w0rd!\"\n",
            "[credential]\nkey.value = \"**********\"\n",
        );
        check("[credential]\nkey = 12345\n", "[credential]\nkey = *****\n");
        check("credential.key = '''a\nb'''", "credential.key = '''*\n*'''");
        check(
            "credentail = { key = \"a\" }",
            "credentail = { key = \"*\" }",
        );
        check(
            "[[credential.key]]\nvalue = [\"ab\"]",
            "[[credential.key]]\nvalue = [\"**\"]",
        );
    }

    #[test]
    fn what_is_none_is_shown() {
        for text in [
            "adapter = \"sosafe\"\nbase_url = \"https://a.example\"\nsettings = { idp = \"x\" }",
            "credential = { key = { file = \"/run/key\" } }",
            "[credential.key]\nenv = \"KEY\"",
            "[groups.priority]\nSales = 1",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn no_value_of_a_text_that_is_no_toml_is_shown() {
        check(
            "adapter = \"a\"\nkey = { \"b",
            "adapter = \"*\"\nkey = { \"*",
        );
    }
}
