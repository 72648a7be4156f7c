//! Faithful read-back. Entra compares what it reads with what it sent and sends
//! again what differs, so where the way to the vendor and back does not end
//! where it began, the gateway remembers the client's value, and answers it for as
//! long as the vendor still holds what it became.

use serde_json::Value;

use super::extra::merge;
use super::read::{ReadValue, Reading};
use super::row::Row;
use super::table::Mapping;
use super::write::{Purpose, Written};
use crate::adapter::remembered::{Remembered, ValueOverride};
use crate::scim::{Object, ResourceKind};

/// The resource as Entra sees it, without `id` and `meta`: the vendor's values,
/// the client's own words where they still hold, and what only we remember.
pub(crate) fn assemble(mapping: &Mapping, reading: &Reading, remembered: &Remembered) -> Object {
    // `id`, `meta` and `schemas` come to the values.
    let mut resource = Object::with_capacity(reading.values.len() + 3);
    // Its place; what it holds is known in the end.
    resource.insert("schemas".to_owned(), Value::Array(Vec::new()));
    for value in &reading.values {
        let Some(row) = mapping.row(value.row) else {
            continue;
        };
        let Some(scim) = row.answer(value, remembered) else {
            continue;
        };
        row.leaf.set(&mut resource, scim);
        row.mark_primary(&mut resource, true.into());
    }
    merge(mapping, &mut resource, &remembered.extra);
    mapping.resource_type.set_schemas(&mut resource);
    resource
}

/// Puts the gateway's own words about it into a resource that has its `id`.
pub(crate) fn finish(kind: ResourceKind, resource: &mut Object, location: String, version: String) {
    let held = resource.shift_remove("meta");
    let mut meta = Object::with_capacity(5);
    meta.insert("resourceType".into(), kind.as_str().into());
    if let Some(Value::Object(held)) = held {
        meta.extend(held);
    }
    meta.insert("location".into(), location.into());
    meta.insert("version".into(), version.into());
    resource.insert("meta".into(), Value::Object(meta));
}

impl Reading {
    /// The attributes that are answered with the client's own value.
    pub(crate) fn answered_from(&self, mapping: &Mapping, remembered: &Remembered) -> Vec<String> {
        let answered = self.values.iter().filter_map(|value| {
            let row = mapping.row(value.row)?;
            let kept = remembered.overrides.get(&row.spelling)?;
            let holds = kept.native == value.native || row.is_pending(&value.native);
            holds.then(|| row.spelling.clone())
        });
        answered.collect()
    }
}

impl Row {
    fn answer(&self, value: &ReadValue, remembered: &Remembered) -> Option<Value> {
        if !self.is_pending(&value.native) {
            return self.shown(value, remembered).cloned();
        }
        let kept = remembered.overrides.get(&self.spelling);
        kept.map_or_else(|| Some(false.into()), |kept| kept.value.clone())
    }

    /// The client's own value while the vendor holds what it became, or else the vendor's; of a
    /// value that is not pending.
    pub(super) fn shown<'r>(
        &self,
        value: &'r ReadValue,
        remembered: &'r Remembered,
    ) -> Option<&'r Value> {
        let kept = remembered.overrides.get(&self.spelling);
        let kept = kept.filter(|kept| kept.native == value.native);
        kept.map_or(value.scim.as_ref(), |kept| kept.value.as_ref())
    }
}

/// A value that the vendor keeps otherwise than it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotTaken {
    /// The attribute's canonical spelling.
    pub(crate) spelling: String,
    pub(crate) sent: Value,
    pub(crate) kept: Value,
}

/// Notes, after a write, the client's values to which the vendor's do not lead back. Gives what
/// the vendor did not take as it was sent.
pub(crate) fn update_overrides(
    mapping: &Mapping,
    remembered: &mut Remembered,
    written: &[Written],
    reading: &Reading,
) -> Vec<NotTaken> {
    let mut not_taken = Vec::new();
    for write in written {
        let Some(row) = mapping.row(write.row) else {
            continue;
        };
        let Some(now) = reading.values.iter().find(|value| value.row == write.row) else {
            continue;
        };
        // What a reference names goes on being it when its native id changes.
        let faithful = now.scim == write.value
            && !row.is_pending(&now.native)
            && !(row.is_reference() && write.value.is_some());
        let taken = same_native(&now.native, &write.native) || row.is_pending(&now.native);
        if faithful || !taken {
            remembered.overrides.remove(&row.spelling);
        } else {
            let kept = ValueOverride {
                value: write.value.clone(),
                native: now.native.clone(),
            };
            remembered.overrides.insert(row.spelling.clone(), kept);
        }
        if !taken {
            tracing::warn!(
                attribute = row.spelling,
                action = "compare the mapping with the vendor's rules",
                "the vendor stored another value than the gateway sent"
            );
            not_taken.push(NotTaken {
                spelling: row.spelling.clone(),
                sent: write.native.clone(),
                kept: now.native.clone(),
            });
        }
    }
    not_taken
}

impl Reading {
    /// Whether the vendor holds what was sent. A new object is not sent what is
    /// absent, and may have the vendor's default there.
    pub(crate) fn has(&self, written: &[Written], purpose: Purpose) -> bool {
        let mut sent = written
            .iter()
            .filter(|one| purpose == Purpose::Update || !one.native.is_null());
        sent.all(|sent| {
            let mut values = self.values.iter();
            let now = values.find(|value| value.row == sent.row);
            now.is_some_and(|now| same_native(&now.native, &sent.native))
        })
    }
}

/// Whether the vendor holds what it was sent; several fields may come back with
/// null for an empty text.
fn same_native(now: &Value, sent: &Value) -> bool {
    let void = |value: &Value| value.is_null() || value.as_str() == Some("");
    match (now, sent) {
        (Value::Array(now), Value::Array(sent)) => {
            now.len() == sent.len()
                && now
                    .iter()
                    .zip(sent)
                    .all(|(now, sent)| same_native(now, sent))
        }
        (Value::Null, Value::Array(sent)) => sent.iter().all(void),
        _ => now == sent || (void(now) && void(sent)),
    }
}
