//! Putting a call's values where a transcript's answer has those of its own call.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::parts::{Parts, pair_name};

/// Shorter texts are replaced where they stand alone, not inside of others.
const WORD: usize = 3;

/// What stands for what: texts of a transcript's call, by those of the call at hand.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    by_text: BTreeMap<String, String>,
}

impl Bindings {
    /// Of two calls of one form, value by value. A text that would stand for two is left out.
    pub(super) fn between(told: &Parts, call: &Parts) -> Self {
        let call = call.slots();
        let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (place, text) in told.slots() {
            let is_text = !text.starts_with('<') && !["true", "false"].contains(&text.as_str());
            let Some(value) = call.get(&place).filter(|_| is_text) else {
                continue;
            };
            let bound = found.entry(text).or_insert_with(|| Some(value.clone()));
            if bound.as_ref() != Some(value) {
                *bound = None;
            }
        }
        let sure = found
            .into_iter()
            .filter_map(|(text, value)| Some((text, value?)));
        Self {
            by_text: sure.collect(),
        }
    }

    /// One text for another.
    pub(super) fn add(&mut self, text: &str, value: &str) {
        self.by_text.insert(text.to_owned(), value.to_owned());
    }

    /// Whether the call says what stands for this.
    pub(super) fn binds(&self, value: &Value) -> bool {
        text_of(value).is_some_and(|text| self.by_text.contains_key(&text))
    }

    /// Puts the values in: where a text stands alone, and as a word of a longer one.
    pub(super) fn apply(&self, tree: &mut Value) {
        match tree {
            Value::Object(members) => members.values_mut().for_each(|value| self.apply(value)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Value::String(_) | Value::Number(_) => {
                if let Some(value) = text_of(tree).and_then(|text| self.replaced(&text)) {
                    *tree = like(tree, &value);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Puts the values in where they are words of a longer text: what is made of others.
    pub(super) fn apply_inside(&self, value: &mut Value) {
        if let Value::String(text) = value
            && !self.by_text.contains_key(text)
        {
            *text = self.in_words(text);
        }
    }

    fn replaced(&self, text: &str) -> Option<String> {
        match self.by_text.get(text) {
            Some(value) => Some(value.clone()),
            None => Some(self.in_words(text)).filter(|filled| filled != text),
        }
    }

    fn in_words(&self, text: &str) -> String {
        let parts = text.split_inclusive(char::is_whitespace).map(|part| {
            self.in_place(part, part.trim_end(), |part| part.contains('@'))
                .unwrap_or_else(|| self.in_part(part))
        });
        parts.collect()
    }

    fn in_part(&self, part: &str) -> String {
        let words = part.split_inclusive(|letter: char| !letter.is_alphanumeric());
        let filled = words.map(|word| {
            let bare = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
            self.in_place(word, bare, is_word)
                .unwrap_or_else(|| word.to_owned())
        });
        filled.collect()
    }

    /// `whole`, which begins with `bare`, with what stands for that.
    fn in_place(&self, whole: &str, bare: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        let value = self.by_text.get(bare).filter(|_| fits(bare))?;
        Some(format!("{value}{}", whole.get(bare.len()..)?))
    }
}

fn is_word(text: &str) -> bool {
    text.chars().count() >= WORD && text.chars().all(char::is_alphabetic)
}

/// A text or number as text.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text as the kind of value that `form` is.
pub(super) fn like(form: &Value, text: &str) -> Value {
    let number = text.parse::<Number>().ok().filter(|_| form.is_number());
    number.map_or_else(|| text.into(), Value::Number)
}

/// Puts `changes` into an object: objects into objects, named pairs by their names, and whatever
/// else in place of what was there.
pub(super) fn merge(object: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match (object.get_mut(name), change) {
            (Some(Value::Object(held)), Value::Object(change)) => merge(held, change),
            (Some(Value::Array(held)), Value::Array(change)) if is_pairs(change) => {
                for pair in change {
                    held.retain(|other| pair_name(other) != pair_name(pair));
                    held.push(pair.clone());
                }
            }
            _ => drop(object.insert(name.clone(), change.clone())),
        }
    }
}

fn is_pairs(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| pair_name(item).is_some())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::script::call::{CallBody, VendorCall, Verb};

    fn post(body: Value) -> Parts {
        let call = VendorCall {
            method: Verb::Post,
            path: "/users".into(),
            body: Some(CallBody {
                media_type: "application/json",
                bytes: Bytes::from(body.to_string()),
            }),
            idempotent: false,
            token: None,
            resource: None,
        };
        Parts::of(&call, &[])
    }

    #[test]
    fn values_stand_where_the_transcript_has_its_own() {
        let told = post(json!({"first": "Ada", "last": "Lane", "mail": "a@b.c", "login": "a@b.c"}));
        let call =
            post(json!({"first": "Grace", "last": "Moss", "mail": "m@b.c", "login": "l@b.c"}));
        let mut answer = json!({"id": 7, "full": "Ada Lane", "last": "Lane", "mail": "a@b.c"});
        Bindings::between(&told, &call).apply(&mut answer);
        assert_eq!(
            answer,
            json!({"id": 7, "full": "Grace Moss", "last": "Moss", "mail": "a@b.c"}),
            "one text that stands for two is left alone"
        );
    }

    #[test]
    fn pairs_are_merged_by_their_names() {
        let mut held = json!({"attr": [{"@n": "A", "#text": "1"}, {"@n": "B", "#text": "2"}]});
        let change = json!({"attr": [{"@n": "B", "#text": "3"}]});
        if let (Value::Object(held), Value::Object(change)) = (&mut held, &change) {
            merge(held, change);
        }
        assert_eq!(
            held,
            json!({"attr": [{"@n": "A", "#text": "1"}, {"@n": "B", "#text": "3"}]})
        );
    }
}
