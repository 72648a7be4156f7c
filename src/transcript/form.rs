//! Forms in transcripts: one `name = value` a line, unquoted.

use serde_json::{Map, Value};

/// The media type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A form as it was sent, by name.
pub(crate) fn sent(body: &[u8]) -> Value {
    let pairs = url::form_urlencoded::parse(body).into_owned();
    let fields = pairs.map(|(name, value)| (name, Value::from(value)));
    Value::Object(fields.collect())
}

/// A form as a transcript writes it. A line without `=` has an empty value.
pub(crate) fn written(text: &str) -> Value {
    let fields = text.lines().map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.trim().to_owned(), Value::from(value.trim()))
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Fields as a transcript writes them, each value in the words of `shown`.
pub(super) fn lines(fields: &Map<String, Value>, shown: impl Fn(&str) -> String) -> String {
    let lines = fields.iter().map(|(name, value)| {
        let value = shown(value.as_str().unwrap_or_default());
        format!("{name} = {value}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_sent() {
        assert_eq!(
            written("action = get\nxpath = /a[@name='b c']"),
            sent(b"action=get&xpath=%2Fa%5B%40name%3D%27b+c%27%5D")
        );
        assert_ne!(written("a = 1"), sent(b"a=1&b="));
    }
}
