//! From the vendor to SCIM: a native object, read by the table.

use rhai::{Dynamic, ImmutableString, Map};
use serde_json::Value;

use super::converter::Closures;
use super::field::Field;
use super::row::Row;
use super::table::Mapping;
use crate::adapter::keys::NativeId;
use crate::script::fault::Failure;
use crate::script::host::json;

/// A native object, read by the table.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// What the vendor calls it.
    pub(crate) id: NativeId,
    /// One entry a mapped row.
    pub(crate) values: Vec<ReadValue>,
}

/// One attribute as the vendor holds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadValue {
    pub(crate) row: usize,
    pub(crate) native: Value,
    pub(crate) scim: Option<Value>,
}

/// The id that a value is: a text that is not empty, or a whole number.
pub(crate) fn id_in(value: &Dynamic) -> Option<NativeId> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return (!text.is_empty()).then(|| NativeId::new(&text));
    }
    value.is_int().then(|| NativeId::new(&value.to_string()))
}

impl Mapping {
    /// The vendor's key in a native object, or in the fields of a write.
    pub(crate) fn key_in(&self, object: &Map) -> Option<NativeId> {
        id_in(&self.id_field.get(object)?)
    }

    /// What stands where the vendor's key should.
    pub(crate) fn key_value_in(&self, object: &Map) -> Option<Dynamic> {
        self.id_field.get(object)
    }

    /// Where the vendor's key stands in a native object: `id`, or `user.id`.
    pub(crate) fn key_field(&self) -> &str {
        self.id_field.dotted()
    }

    /// What stands at a path of a native object, as text; none where nothing does.
    pub(crate) fn text_at(object: &Map, path: &str) -> Option<String> {
        Some(Field::parse(path)?.get(object)?.to_string())
    }

    /// A native field that every object of the vendor has, and that this one, which was read as
    /// `reading`, does not show; and its attribute. Null is an answer: somebody made it so by hand.
    pub(crate) fn lacking(&self, reading: &Reading, object: &Map) -> Option<(&str, &str)> {
        let values = reading.values.iter().filter(|value| value.native.is_null());
        let mut rows = values.filter_map(|value| self.row(value.row));
        let row = rows.find(|row| {
            let is_shown = |field: &Field| object.contains_key(field.first());
            row.required && !row.read_only && !row.fields.iter().any(is_shown)
        })?;
        let field = row.fields.first()?;
        Some((field.dotted(), &row.spelling))
    }

    /// Reads a native object whose key is `id`.
    ///
    /// # Errors
    /// Whatever a closure throws.
    pub(crate) fn read(
        &self,
        id: NativeId,
        object: &Map,
        closures: &Closures<'_>,
    ) -> Result<Reading, Failure> {
        let values = self.shown_rows().map(|(index, row)| {
            let native = row.held_by(object);
            let scim = match row.is_echo(&native, object) {
                true => None,
                false => row.to_scim(&native, closures)?,
            };
            if let Some(seen) = self.seen.as_ref().filter(|_| scim.is_some()) {
                seen.read.set(index);
            }
            Ok(ReadValue {
                row: index,
                native,
                scim,
            })
        });
        Ok(Reading {
            id,
            values: values.collect::<Result<_, Failure>>()?,
        })
    }
}

impl Row {
    /// Whether the vendor answers with another field's value for want of one.
    fn is_echo(&self, native: &Value, object: &Map) -> bool {
        let other = self.echo.as_ref().and_then(|field| field.get(object));
        other.is_some_and(|other| json::to_value(&other).as_ref() == Some(native))
    }

    fn held_by(&self, object: &Map) -> Value {
        let held = |field: &Field| {
            field
                .get(object)
                .and_then(|value| json::to_value(&value))
                .unwrap_or(Value::Null)
        };
        if let [field] = self.fields.as_slice() {
            return held(field);
        }
        let parts: Vec<_> = self.fields.iter().map(held).collect();
        if parts.iter().all(Value::is_null) {
            Value::Null
        } else {
            Value::Array(parts)
        }
    }
}
