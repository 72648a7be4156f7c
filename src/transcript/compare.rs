//! What was expected against what came.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::problem::{Difference, counted};

/// How strictly objects are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The same members.
    Exact,
    /// At least the members expected.
    AtLeast,
}

/// Values taken from responses, by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// The differences; placeholders of the expectation take what they stand for.
pub(crate) fn differences(
    expected: &Value,
    found: &Value,
    mode: Mode,
    variables: &mut Variables,
) -> Vec<Difference> {
    let mut comparison = Comparison {
        mode,
        variables,
        differences: Vec::new(),
    };
    comparison.compare("", expected, Some(found));
    comparison.differences
}

struct Comparison<'v> {
    mode: Mode,
    variables: &'v mut Variables,
    differences: Vec<Difference>,
}

impl Comparison<'_> {
    fn compare(&mut self, path: &str, expected: &Value, found: Option<&Value>) {
        match (expected, found) {
            (Value::String(text), found) if text == "<absent>" => {
                found.inspect(|found| self.differ(path, None, Some(found.to_string())));
            }
            (Value::String(text), Some(_)) if text == "<any>" => {}
            (Value::String(text), Some(found)) if placeholder(text).is_some() => {
                self.take(path, text, found)
            }
            (Value::Object(expected), Some(Value::Object(found))) => {
                for (name, value) in expected {
                    self.compare(&format!("{path}.{name}"), value, found.get(name));
                }
                let more = found.keys().filter(|name| !expected.contains_key(*name));
                if self.mode == Mode::Exact {
                    more.for_each(|name| {
                        let more = found[name].to_string();
                        self.differ(&format!("{path}.{name}"), None, Some(more));
                    });
                }
            }
            (Value::Array(expected), Some(Value::Array(found))) => {
                if expected.len() != found.len() {
                    let count = |list: &[Value]| Some(counted(list.len(), "element"));
                    self.differ(path, count(expected), count(found));
                }
                for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                    self.compare(&format!("{path}[{index}]"), expected, Some(found));
                }
            }
            (expected, Some(found)) if expected == found => {}
            (expected, found) => {
                self.differ(
                    path,
                    Some(expected.to_string()),
                    found.map(Value::to_string),
                );
            }
        }
    }

    fn take(&mut self, path: &str, text: &str, found: &Value) {
        let name = placeholder(text).unwrap_or_default();
        let found = found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned);
        match self.variables.get(name) {
            Some(known) if *known != found => {
                let known = known.clone();
                self.differ(path, Some(known), Some(found));
            }
            Some(_) => {}
            None => drop(self.variables.insert(name.to_owned(), found)),
        }
    }

    fn differ(&mut self, path: &str, expected: Option<String>, found: Option<String>) {
        let path = match path.trim_start_matches('.') {
            "" => "body",
            path => path,
        };
        self.differences.push(Difference {
            what: path.to_owned(),
            expected,
            found,
        });
    }
}

/// The name in a text that is one placeholder.
pub(super) fn placeholder(text: &str) -> Option<&str> {
    text.strip_prefix("{{")?.strip_suffix("}}").map(str::trim)
}

/// A text with all known variables in place.
pub(crate) fn fill(text: &str, variables: &Variables) -> String {
    variables
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{{{name}}}}}"), value)
        })
}

/// A JSON value with all known variables in place.
pub(crate) fn fill_value(value: &Value, variables: &Variables) -> Value {
    match value {
        Value::String(text) => fill(text, variables).into(),
        Value::Array(items) => items
            .iter()
            .map(|item| fill_value(item, variables))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, item)| (fill(name, variables), fill_value(item, variables)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(expected: Value, found: Value, mode: Mode, differences_expected: &[&str]) {
        let found = differences(&expected, &found, mode, &mut Variables::new());
        let told = found.into_iter().map(|it| {
            let or_nothing = |side: Option<String>| side.unwrap_or("nothing".to_owned());
            let (expected, found) = (or_nothing(it.expected), or_nothing(it.found));
            format!("{}: expected {expected}, got {found}", it.what)
        });
        assert_eq!(told.collect::<Vec<_>>(), differences_expected);
    }

    #[test]
    fn what_is_written_must_be_there() {
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), Mode::AtLeast, &[]);
        check(
            json!({"a": 1}),
            json!({"a": 1, "b": 2}),
            Mode::Exact,
            &["b: expected nothing, got 2"],
        );
        check(
            json!({"a": {"b": "x"}}),
            json!({"a": {"b": "y"}}),
            Mode::AtLeast,
            &[r#"a.b: expected "x", got "y""#],
        );
        check(
            json!({"a": [1, 2]}),
            json!({"a": [1]}),
            Mode::AtLeast,
            &["a: expected 2 elements, got 1 element"],
        );
        check(
            json!({"a": "<any>"}),
            json!({}),
            Mode::AtLeast,
            &[r#"a: expected "<any>", got nothing"#],
        );
        check(
            json!({"a": "<absent>"}),
            json!({"a": 1}),
            Mode::AtLeast,
            &["a: expected nothing, got 1"],
        );
        check(json!({"a": "<absent>"}), json!({}), Mode::Exact, &[]);
    }

    #[test]
    fn a_placeholder_takes_a_value_once_and_then_stands_for_it() {
        let mut variables = Variables::new();
        let expected = json!({"id": "{{group}}"});
        assert!(
            differences(
                &expected,
                &json!({"id": "g1"}),
                Mode::AtLeast,
                &mut variables
            )
            .is_empty()
        );
        assert_eq!(fill("/Groups/{{group}}", &variables), "/Groups/g1");
        assert!(
            !differences(
                &expected,
                &json!({"id": "g2"}),
                Mode::AtLeast,
                &mut variables
            )
            .is_empty()
        );
    }
}
