//! From SCIM to the vendor: which native fields a write sets.

use rhai::{Dynamic, Map};
use serde_json::Value;

use super::converter::{Closures, Refusal};
use super::extra::extra_of;
use super::row::Row;
use super::table::Mapping;
use crate::adapter::keys::NativeId;
use crate::scim::patch::UNKNOWN;
use crate::scim::{Object, ResourceType, ScimError};
use crate::script::host::json;

/// One attribute's new value; `None` unassigns it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) row: usize,
    pub(crate) value: Option<Value>,
    /// The native id of the resource that `value` names, where the row is a reference.
    pub(crate) refers_to: Option<NativeId>,
}

/// What a write is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new object: absent attributes are not mentioned.
    Create,
    /// An existing object: what is unassigned is set to null.
    Update,
}

/// A write, translated.
#[derive(Debug, Default)]
pub(crate) struct Native {
    /// The fields for the script, nested.
    pub(crate) fields: Map,
    /// What each row became, for faithful read-back; nothing of what is never shown.
    pub(crate) written: Vec<Written>,
}

/// What one attribute became.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) row: usize,
    /// The client's value.
    pub(crate) value: Option<Value>,
    /// The native value it became.
    pub(crate) native: Value,
}

impl Mapping {
    /// All attributes of a resource as changes, absent ones included, but for what is never shown:
    /// who could not read it does not mean to unassign it.
    pub(crate) fn whole(&self, resource: &Object) -> Vec<Change> {
        self.writable()
            .filter(|(_, held)| !held.write_only || held.leaf.get(resource).is_some())
            .map(|(row, held)| Change {
                row,
                value: held.leaf.get(resource).cloned(),
                refers_to: None,
            })
            .collect()
    }

    /// What differs between two states of a resource. Unknown values are
    /// untouched ones.
    pub(crate) fn difference(&self, before: &Object, after: &Object) -> Vec<Change> {
        self.writable()
            .filter_map(|(row, held)| {
                let value = held.leaf.get(after);
                let changed = value != held.leaf.get(before);
                changed.then(|| Change {
                    row,
                    value: value.cloned(),
                    refers_to: None,
                })
            })
            .collect()
    }

    /// A resource of which nothing is known but that it exists: every mapped
    /// attribute holds [`UNKNOWN`].
    pub(crate) fn unknown(&self) -> &Object {
        &self.unknown
    }

    /// A resource as functions of the script see it: what is absent is `()`.
    pub(crate) fn for_script(&self, resource: &Object) -> Dynamic {
        seen_by_script(resource, &self.resource_type)
    }

    /// Whether what the vendor holds and what only we remember can be told apart
    /// in a changed resource: an unknown value has not been moved to a place
    /// that the table does not have.
    pub(crate) fn is_told_apart(&self, changed: &Object) -> bool {
        !has_unknown(&extra_of(self, changed))
    }

    fn writable(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.mapped().filter(|(_, row)| row.is_written())
    }

    /// Translates changes. `resource` is the whole resource as it is to be, as
    /// far as it is known.
    ///
    /// # Errors
    /// `Invalid` names the attribute; `NeedsRead` when a value depends on one
    /// that is not known.
    pub(crate) fn write(
        &self,
        changes: &[Change],
        resource: &Object,
        purpose: Purpose,
        closures: &Closures<'_>,
    ) -> Result<Native, Refusal> {
        let mut native = Native::default();
        for change in changes {
            let Some(row) = self.row(change.row) else {
                continue;
            };
            let value = match (&change.value, &change.refers_to) {
                (Some(_), Some(native)) => native.as_str().into(),
                (Some(value), None) => row
                    .to_native(value, resource, closures)
                    .map_err(|why| row.blame(why))?,
                (None, _) => row.substitute(resource, &self.resource_type, closures)?,
            };
            if let Some(seen) = self.seen.as_ref().filter(|_| !value.is_null()) {
                seen.written.set(change.row);
            }
            if purpose == Purpose::Update || !value.is_null() {
                row.put(&mut native.fields, &value);
            }
            if row.write_only {
                continue;
            }
            native.written.push(Written {
                row: change.row,
                value: change.value.clone(),
                native: value,
            });
        }
        Ok(native)
    }
}

impl Row {
    /// The native value of an absent attribute.
    fn substitute(
        &self,
        resource: &Object,
        types: &ResourceType,
        closures: &Closures<'_>,
    ) -> Result<Value, Refusal> {
        let made = match &self.otherwise {
            None => Value::Null,
            Some(_) if has_unknown(resource) => return Err(Refusal::NeedsRead),
            Some(closure) => {
                let made = closures
                    .call(closure, seen_by_script(resource, types), &self.spelling)
                    .map_err(Refusal::Failed)?;
                if made.is_null() {
                    made
                } else {
                    self.to_native(&made, resource, closures)?
                }
            }
        };
        if made.is_null() && self.required {
            let text = format!(
                "{} is missing, and {} needs it.",
                self.spelling, closures.title
            );
            return Err(Refusal::Failed(ScimError::invalid_value(text).into()));
        }
        Ok(made)
    }

    fn blame(&self, why: Refusal) -> Refusal {
        match why {
            Refusal::Invalid(expected) => Refusal::Failed(
                ScimError::invalid_value(format!("{} must be {expected}.", self.spelling)).into(),
            ),
            other => other,
        }
    }

    fn put(&self, fields: &mut Map, value: &Value) {
        if let [field] = self.fields.as_slice() {
            field.put(fields, json::to_dynamic(value));
            return;
        }
        for (index, field) in self.fields.iter().enumerate() {
            let part = value.get(index).filter(|part| part.as_str() != Some(""));
            field.put(fields, part.map_or(Dynamic::UNIT, json::to_dynamic));
        }
    }
}

/// The resource for a closure: absent attributes are there as `()`, so that only a misspelt one
/// is an error.
pub(super) fn seen_by_script(resource: &Object, types: &ResourceType) -> Dynamic {
    let mut seen: Map = types
        .names()
        .map(|name| (name.into(), Dynamic::UNIT))
        .collect();
    seen.extend(
        resource
            .iter()
            .map(|(name, value)| (name.as_str().into(), json::to_dynamic(value))),
    );
    seen.into()
}

/// What [`Mapping::unknown`] gives, of a table's rows.
pub(super) fn unknown(rows: &[Row]) -> Object {
    let mut resource = Object::new();
    for row in rows.iter().filter(|row| row.is_written()) {
        row.leaf.set(&mut resource, UNKNOWN.into());
        // An element that is not there is not primary either.
        row.mark_primary(&mut resource, UNKNOWN.into());
    }
    resource
}

fn has_unknown(resource: &Object) -> bool {
    fn unknown(value: &Value) -> bool {
        match value {
            Value::String(text) => text == UNKNOWN,
            Value::Array(items) => items.iter().any(unknown),
            Value::Object(members) => members.values().any(unknown),
            _ => false,
        }
    }
    resource.values().any(unknown)
}
