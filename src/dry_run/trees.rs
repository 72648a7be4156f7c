//! The parts of an answer that mean something to a dry run: objects, lists of them, lists of ids.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::ledger::id_keys;
use crate::adapter::Adapter;
use crate::script::call::VendorReply;
use crate::script::replies::Format;
use crate::script::xml;

/// A part of an answer.
pub(super) enum Part<'t> {
    /// An object that has an id; what it holds is not walked.
    Record(&'t mut Map<String, Value>),
    /// A list of such objects, before each of them.
    Records(&'t mut Vec<Value>),
    /// A list of texts or numbers.
    Ids(&'t mut Vec<Value>),
    /// A text or number of neither.
    Leaf(&'t mut Value),
}

/// Visits the parts of an answer from the outside in.
pub(super) fn walk(tree: &mut Value, adapter: &Adapter, visit: &mut dyn FnMut(Part<'_>)) {
    match tree {
        Value::Object(members) if !id_keys(members, adapter).is_empty() => {
            visit(Part::Record(members));
        }
        Value::Object(members) => {
            for member in members.values_mut() {
                walk(member, adapter, visit);
            }
        }
        Value::Array(items) if envelope_of(items, adapter).is_some() => {
            let envelope = envelope_of(items, adapter).unwrap_or_default();
            let mut records: Vec<Value> = items
                .drain(..)
                .filter_map(|item| inner(item, &envelope))
                .collect();
            visit(Part::Records(&mut records));
            for record in &mut records {
                walk(record, adapter, visit);
            }
            let wrapped = |record| Value::Object(Map::from_iter([(envelope.clone(), record)]));
            items.extend(records.into_iter().map(wrapped));
        }
        Value::Array(items) if items.iter().any(|item| is_record(item, adapter)) => {
            visit(Part::Records(items));
            for item in items {
                walk(item, adapter, visit);
            }
        }
        Value::Array(items)
            if items
                .iter()
                .all(|item| item.is_string() || item.is_number()) =>
        {
            visit(Part::Ids(items));
        }
        Value::Array(items) => {
            for item in items {
                walk(item, adapter, visit);
            }
        }
        Value::String(_) | Value::Number(_) => visit(Part::Leaf(tree)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether an answer shows anything: an object with an id.
pub(super) fn has_records(tree: &Value, adapter: &Adapter) -> bool {
    first_record(tree, adapter).is_some()
}

/// The first object with an id.
pub(super) fn first_record<'t>(
    tree: &'t Value,
    adapter: &Adapter,
) -> Option<&'t Map<String, Value>> {
    match tree {
        Value::Object(members) if is_record(tree, adapter) => Some(members),
        Value::Object(members) => members
            .values()
            .find_map(|member| first_record(member, adapter)),
        Value::Array(items) => items.iter().find_map(|item| first_record(item, adapter)),
        _ => None,
    }
}

/// Whether an answer has a list of texts or numbers with something in it.
pub(super) fn has_ids(tree: &Value) -> bool {
    let plain = |item: &Value| item.is_string() || item.is_number();
    match tree {
        Value::Object(members) => members.values().any(has_ids),
        Value::Array(items) if !items.is_empty() && items.iter().all(plain) => true,
        _ => false,
    }
}

/// Whether an answer has a list, be it empty.
pub(super) fn has_list(tree: &Value, adapter: &Adapter) -> bool {
    match tree {
        Value::Object(_) if is_record(tree, adapter) => false,
        Value::Object(members) => members.values().any(|value| has_list(value, adapter)),
        Value::Array(_) => true,
        _ => false,
    }
}

/// Makes an answer's counts and cursors those of a list of `count` that ends here.
pub(super) fn end_list(tree: &mut Value, count: usize, adapter: &Adapter) {
    if is_record(tree, adapter) {
        return;
    }
    let Value::Object(members) = tree else {
        return;
    };
    for (name, value) in members {
        let name = name.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match value {
            Value::Number(_) if says(&["total", "count"]) => *value = count.into(),
            Value::Number(_) if name == "pages" => *value = count.min(1).into(),
            Value::String(_) if says(&["total", "count"]) => *value = count.to_string().into(),
            Value::String(_) if says(&["next", "cursor", "continuation"]) => *value = Value::Null,
            Value::Bool(_) if says(&["next", "more"]) => *value = false.into(),
            value => end_list(value, count, adapter),
        }
    }
}

/// An answer with another body.
pub(super) fn reply_of(reply: &VendorReply, tree: &Value, adapter: &Adapter) -> VendorReply {
    let body = match adapter.manifest.replies.format {
        Format::Json => Some(tree.to_string()),
        Format::Xml => xml::write(tree).ok(),
    };
    VendorReply {
        body: body.map_or_else(|| reply.body.clone(), Bytes::from),
        ..reply.clone()
    }
}

/// The one member of each item that holds the record: `user` of `[{"user": {"id": 17}}]`.
fn envelope_of(items: &[Value], adapter: &Adapter) -> Option<String> {
    let member = |item: &Value| {
        let members = item.as_object().filter(|members| members.len() == 1)?;
        let (name, record) = members.iter().next()?;
        is_record(record, adapter).then(|| name.clone())
    };
    let first = items.first().and_then(member)?;
    let all = items
        .iter()
        .all(|item| member(item).as_ref() == Some(&first));
    all.then_some(first)
}

fn inner(item: Value, envelope: &str) -> Option<Value> {
    match item {
        Value::Object(mut members) => members.remove(envelope),
        _ => None,
    }
}

fn is_record(value: &Value, adapter: &Adapter) -> bool {
    let members = value.as_object();
    members.is_some_and(|members| !id_keys(members, adapter).is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adapter::compile::Files;

    #[test]
    fn records_of_a_list_may_stand_in_envelopes() {
        let mut tree = json!({"users": [{"user": {"id": 1}}, {"user": {"id": 2}}]});
        let named = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let adapter = Adapter::compile(Files {
            name: "example".to_owned(),
            manifest: named(
                "example.toml",
                include_str!("../../tests/data/example.toml"),
            ),
            script: named(
                "example.rhai",
                include_str!("../../tests/data/example.rhai"),
            ),
        });
        walk(&mut tree, &adapter.unwrap(), &mut |part| {
            if let Part::Records(items) = part {
                items.truncate(1);
            }
        });
        assert_eq!(tree, json!({"users": [{"user": {"id": 1}}]}));
    }
}
