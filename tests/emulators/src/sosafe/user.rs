//! One user row, and the changes a body asks for.

use super::field::{FIELDS, Field};
use super::refusal::Refusal;
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A row: `{"id": 18231, "status": "PENDING", "login": …, "address": {…}, "user_group": null,
/// "created_at": "…Z", "updated_at": "…Z"}`, every field present, `null` when unset.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) status: Status,
    /// The fields that are set, by the name in [`FIELDS`].
    pub(super) values: BTreeMap<&'static str, String>,
    pub(super) user_group: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Where a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    /// Takes a licence.
    Active,
    /// Deleted; its e-mail address and login stay taken.
    Archived,
    Inactive,
    /// Just created; not yet activated.
    Pending,
}

/// What a body sets and clears; `None` clears.
#[derive(Debug, Default)]
pub(super) struct Changes {
    values: Vec<(&'static str, Option<String>)>,
    pub(super) user_group: Option<Option<String>>,
}

impl User {
    pub(super) fn new(id: u64, now: Timestamp) -> Self {
        let values = BTreeMap::new();
        Self {
            id,
            status: Status::Pending,
            values,
            user_group: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// A field's text; `None` when unset.
    pub(super) fn get(&self, field: &str) -> Option<&str> {
        self.values.get(field).map(String::as_str)
    }

    pub(super) fn apply(&mut self, changes: Changes) {
        for (field, value) in changes.values {
            match value {
                Some(text) => self.values.insert(field, text),
                None => self.values.remove(field),
            };
        }
        if let Some(group) = changes.user_group {
            self.user_group = group;
        }
    }

    /// E1007 naming the first mandatory field that is not set.
    pub(super) fn must_be_complete(&self) -> Result<(), Refusal> {
        let missing = FIELDS
            .iter()
            .find(|field| field.mandatory && self.get(field.name).is_none());
        missing.map_or(Ok(()), |field| {
            Err(Refusal::bad_field(field.name, "Pflichtfeld fehlt."))
        })
    }
}

impl Changes {
    /// Reads a body's object. E1007 names the first field that is unknown, read-only or badly filled.
    pub(super) fn parse(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut changes = Self::default();
        for (name, value) in body {
            match name.as_str() {
                "id" | "status" | "created_at" | "updated_at" => {
                    return Err(Refusal::bad_field(name, "Das Feld ist schreibgeschützt."));
                }
                "user_group" => {
                    changes.user_group = Some(text(name, value)?.map(|name| name.trim().to_owned()))
                }
                "address" => changes.set_address(value)?,
                _ if name.contains('.') => return Err(unknown(name)),
                _ => changes.set(name, value)?,
            }
        }
        Ok(changes)
    }

    /// Whether the change touches this field.
    pub(super) fn touches(&self, field: &str) -> bool {
        self.values.iter().any(|(name, _)| *name == field)
    }

    /// `null` clears the whole address; an object is merged into it.
    fn set_address(&mut self, value: &Value) -> Result<(), Refusal> {
        match value {
            Value::Null => {
                let address = FIELDS
                    .iter()
                    .filter(|field| field.name.starts_with("address."));
                self.values.extend(address.map(|field| (field.name, None)));
                Ok(())
            }
            Value::Object(parts) => parts
                .iter()
                .try_for_each(|(part, value)| self.set(&format!("address.{part}"), value)),
            _ => Err(Refusal::bad_field("address", "Kein Objekt.")),
        }
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), Refusal> {
        let field = Field::named(name).ok_or_else(|| unknown(name))?;
        let kept = match text(name, value)? {
            None if field.mandatory => {
                return Err(Refusal::bad_field(name, "Pflichtfeld ist leer."));
            }
            None => None,
            Some(text) => Some(field.accept(text)?),
        };
        self.values.push((field.name, kept));
        Ok(())
    }
}

fn text<'a>(name: &str, value: &'a Value) -> Result<Option<&'a str>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Refusal::bad_field(name, "Kein Text.")),
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::bad_field(name, "Unbekanntes Feld.")
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("id", &self.id)?;
        row.serialize_entry("status", &self.status)?;
        for field in FIELDS.iter().filter(|field| !field.name.contains('.')) {
            row.serialize_entry(field.name, &self.get(field.name))?;
        }
        row.serialize_entry("address", &Address(self))?;
        row.serialize_entry("user_group", &self.user_group)?;
        row.serialize_entry("created_at", &format!("{:.0}", self.created_at))?;
        row.serialize_entry("updated_at", &format!("{:.0}", self.updated_at))?;
        row.end()
    }
}

struct Address<'a>(&'a User);

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = FIELDS.iter().filter_map(|field| {
            Some((field.name.strip_prefix("address.")?, self.0.get(field.name)))
        });
        serializer.collect_map(parts)
    }
}
