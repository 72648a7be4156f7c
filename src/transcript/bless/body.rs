//! JSON as it is written, changed no more than it must be: white space and order
//! stay, and so do placeholders that still stand for what came.

use std::ops::Range;

use serde_json::Value;

use super::super::compare::{Mode, Variables, fill, fill_value, placeholder};
use super::super::tree::{Part, Tree};

/// Shorter values are found by accident.
const TELLING: usize = 8;

/// Writes what came in the words of the transcript.
pub(super) struct Scribe<'v> {
    /// The values that names stand for.
    pub(super) variables: &'v Variables,
}

impl Scribe<'_> {
    /// A text in which names stand for their values again.
    pub(super) fn named(&self, text: &str) -> String {
        let telling = self
            .variables
            .iter()
            .filter(|(_, value)| value.len() >= TELLING);
        telling.fold(text.to_owned(), |text, (name, value)| {
            text.replace(value, &format!("{{{{{name}}}}}"))
        })
    }

    /// A value as text, on one line.
    pub(super) fn shown(&self, value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| self.member(name, value));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
            Value::Array(elements) => {
                let elements = elements.iter().map(|value| self.shown(value));
                format!("[{}]", elements.collect::<Vec<_>>().join(", "))
            }
            Value::String(text) => Value::from(self.named(text)).to_string(),
            other => other.to_string(),
        }
    }

    fn member(&self, name: &str, value: &Value) -> String {
        format!("{}: {}", Value::from(self.named(name)), self.shown(value))
    }

    /// What is expected, changed to fit what was found. `written` is the text of `expected`.
    pub(super) fn rewritten(
        &self,
        written: &str,
        expected: &Value,
        found: &Value,
        mode: Mode,
    ) -> String {
        match Tree::read(written) {
            Some(tree) => self.node(written, &tree, expected, found, mode),
            None => self.shown(found),
        }
    }

    fn node(&self, text: &str, tree: &Tree, expected: &Value, found: &Value, mode: Mode) -> String {
        let as_written = || text.get(tree.span.clone()).unwrap_or_default().to_owned();
        match (expected, found) {
            (Value::String(word), found) if self.stands_for(word, found) => as_written(),
            (Value::Object(_), Value::Object(_)) => self.object(text, tree, expected, found, mode),
            (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
                let pairs = tree.parts.iter().zip(ours.iter().zip(theirs));
                let parts = pairs.map(|(part, (ours, theirs))| {
                    let new = self.node(text, &part.tree, ours, theirs, mode);
                    (part.tree.span.clone(), new)
                });
                spliced(text, &tree.span, parts)
            }
            _ if fill_value(expected, self.variables) == *found => as_written(),
            _ if mode == Mode::AtLeast => self.shown(&essence(found)),
            _ => self.shown(found),
        }
    }

    /// Whether a placeholder may stay for a value.
    fn stands_for(&self, word: &str, found: &Value) -> bool {
        let Some(name) = placeholder(word) else {
            return word == "<any>";
        };
        let came = match found {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let known = self.variables.get(name);
        known.is_none_or(|known| *known == came)
    }

    /// Members that did not come go, and where nothing more may come those that came are added.
    fn object(
        &self,
        text: &str,
        tree: &Tree,
        expected: &Value,
        found: &Value,
        mode: Mode,
    ) -> String {
        let mut written = String::new();
        let mut before: Option<&Part> = None;
        for part in &tree.parts {
            let ours = expected.get(&part.name).unwrap_or(&Value::Null);
            let theirs = found.get(fill(&part.name, self.variables));
            let value = match theirs {
                None if ours == "<absent>" => slice(text, &part.tree.span).to_owned(),
                None => {
                    before = Some(part);
                    continue;
                }
                Some(theirs) => self.node(text, &part.tree, ours, theirs, mode),
            };
            if !written.is_empty() {
                let gap = before.map(|before| before.tree.span.end..part.start);
                written += gap.as_ref().map_or(", ", |gap| slice(text, gap));
            }
            written += slice(text, &(part.start..part.tree.span.start));
            written += &value;
            before = Some(part);
        }
        let known = |name: &str| {
            tree.parts
                .iter()
                .any(|part| fill(&part.name, self.variables) == name)
        };
        let more = found.as_object().into_iter().flatten();
        for (name, value) in more.filter(|(name, _)| mode == Mode::Exact && !known(name)) {
            if !written.is_empty() {
                written += ", ";
            }
            written += &self.member(name, value);
        }
        let inner = tree.inner();
        format!(
            "{}{written}{}",
            slice(text, &(tree.span.start..inner.start)),
            slice(text, &(inner.end..tree.span.end))
        )
    }
}

/// A resource or message without what no transcript says: its schemas, and what
/// differs from run to run.
pub(super) fn essence(body: &Value) -> Value {
    match body {
        Value::Object(members) => {
            let is_told = |name: &str| {
                !members.contains_key("schemas") || !["schemas", "id", "meta"].contains(&name)
            };
            let told = members.iter().filter(|(name, _)| is_told(name));
            let told = told.map(|(name, value)| (name.clone(), essence(value)));
            Value::Object(told.collect())
        }
        Value::Array(elements) => elements.iter().map(essence).collect(),
        other => other.clone(),
    }
}

fn slice<'t>(text: &'t str, span: &Range<usize>) -> &'t str {
    text.get(span.clone()).unwrap_or_default()
}

/// The text within `whole` with parts of it replaced.
fn spliced(
    text: &str,
    whole: &Range<usize>,
    parts: impl Iterator<Item = (Range<usize>, String)>,
) -> String {
    let (mut written, mut at) = (String::new(), whole.start);
    for (span, new) in parts {
        written += slice(text, &(at..span.start));
        written += &new;
        at = span.end;
    }
    written + slice(text, &(at..whole.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(written: &str, found: Value, mode: Mode, expected: &str) {
        let variables = Variables::from([("id".to_owned(), "0123456789".to_owned())]);
        let scribe = Scribe {
            variables: &variables,
        };
        let value = serde_json::from_str(written).unwrap_or_default();
        assert_eq!(scribe.rewritten(written, &value, &found, mode), expected);
    }

    #[test]
    fn only_what_differs_is_written_anew() {
        let kept = "{ \"a\": 1,\n  \"b\":[1,  2], \"c\": \"<any>\" }";
        check(
            kept,
            json!({"b": [1, 2], "a": 1, "c": 3, "d": 4}),
            Mode::AtLeast,
            kept,
        );
        check(
            kept,
            json!({"a": "x\"", "b": [1, 3], "c": 3, "d": {"e": [true, null]}}),
            Mode::Exact,
            "{ \"a\": \"x\\\"\",\n  \"b\":[1,  3], \"c\": \"<any>\", \"d\": {\"e\": [true, null]} }",
        );
        check(
            r#"{"a": [1, 2]}"#,
            json!({"a": [1]}),
            Mode::AtLeast,
            r#"{"a": [1]}"#,
        );
        check(
            r#"{"a":-1.5e3}"#,
            json!({"a": -1500.0}),
            Mode::Exact,
            r#"{"a":-1.5e3}"#,
        );
    }

    #[test]
    fn members_that_are_gone_go() {
        let all = r#"{"a": 1, "b": 2, "c": 3}"#;
        check(all, json!({"c": 3}), Mode::AtLeast, r#"{"c": 3}"#);
        check(
            all,
            json!({"a": 1, "c": 3}),
            Mode::AtLeast,
            r#"{"a": 1, "c": 3}"#,
        );
        check(all, json!({"d": 1}), Mode::Exact, r#"{"d": 1}"#);
        check(all, json!({}), Mode::Exact, "{}");
        check(
            r#"{"a": "<absent>"}"#,
            json!({}),
            Mode::AtLeast,
            r#"{"a": "<absent>"}"#,
        );
        check(
            r#"{"a": "<absent>"}"#,
            json!({"a": 1}),
            Mode::AtLeast,
            r#"{"a": 1}"#,
        );
        check("{}", json!({"a": 1}), Mode::Exact, r#"{"a": 1}"#);
    }

    #[test]
    fn names_stay_for_their_values() {
        check(
            r#"{"a": "{{id}}"}"#,
            json!({"a": "0123456789"}),
            Mode::Exact,
            r#"{"a": "{{id}}"}"#,
        );
        check(
            r#"{"a": "{{new}}"}"#,
            json!({"a": "any"}),
            Mode::Exact,
            r#"{"a": "{{new}}"}"#,
        );
        check(
            r#"{"a": "{{id}}"}"#,
            json!({"a": "other"}),
            Mode::Exact,
            r#"{"a": "other"}"#,
        );
        check(
            r#"{"a": 1}"#,
            json!({"a": "/x/0123456789"}),
            Mode::Exact,
            r#"{"a": "/x/{{id}}"}"#,
        );
    }

    #[test]
    fn arrays_of_objects_are_changed_inside() {
        check(
            "[{\"a\": 1},\n {\"a\": 2}]",
            json!([{"a": 1, "b": 1}, {"a": 3, "b": 2}]),
            Mode::AtLeast,
            "[{\"a\": 1},\n {\"a\": 3}]",
        );
    }
}
