//! One row: an id, two stamps, and the fields it was given.

use super::refusal::Refusal;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What the backend says of a row by itself.
const OWN: [&str; 4] = ["id", "created", "updated", "teams"];

/// A person or a team.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) fields: Map<String, Value>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl Row {
    pub(super) fn new(id: String, now: Timestamp) -> Self {
        Self {
            id,
            fields: Map::new(),
            created: now,
            updated: now,
        }
    }

    /// A text field; `None` when it is absent or no text.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// The row with a merge patch. One that changes nothing leaves the stamp.
    pub(super) fn merged(
        &self,
        patch: Map<String, Value>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if let Some(own) = OWN.iter().find(|own| patch.contains_key(**own)) {
            return Err(Refusal::read_only(own));
        }
        let mut row = self.clone();
        merge(&mut row.fields, patch);
        if row.fields != self.fields {
            row.updated = now;
        }
        Ok(row)
    }

    /// As it is shown: `{"id", …fields, "created", "updated"}`.
    pub(super) fn shown(&self) -> Map<String, Value> {
        let mut shown = Map::from_iter([("id".to_owned(), self.id.as_str().into())]);
        shown.extend(self.fields.clone());
        shown.shift_remove("password");
        shown.insert("created".to_owned(), stamp(self.created));
        shown.insert("updated".to_owned(), stamp(self.updated));
        shown
    }
}

/// RFC 7396: objects are merged, `null` removes, anything else replaces. What is left empty goes.
fn merge(into: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (into.get_mut(&name), value) {
            (_, Value::Null) => drop(into.shift_remove(&name)),
            (Some(Value::Object(held)), Value::Object(parts)) => {
                merge(held, parts);
                if held.is_empty() {
                    into.shift_remove(&name);
                }
            }
            (_, Value::Object(parts)) => {
                let mut fresh = Map::new();
                merge(&mut fresh, parts);
                if !fresh.is_empty() {
                    into.insert(name, Value::Object(fresh));
                }
            }
            (_, value) => drop(into.insert(name, value)),
        }
    }
}

fn stamp(time: Timestamp) -> Value {
    format!("{time:.3}").into()
}
