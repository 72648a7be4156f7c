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

fn is_record(value: &Value, adapter: &Adapter) -> bool {
    let members = value.as_object();
    members.is_some_and(|members| !id_keys(members, adapter).is_empty())
}
