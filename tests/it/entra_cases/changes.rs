//! What a PATCH is to have done, told by the PATCH itself.

use serde_json::Value;

use super::hold::{Held, Played, same, that};
use super::path::Path;
use super::world::ENTERPRISE;

impl Played {
    /// Each value of the PATCH stands where its path says.
    pub(super) fn changes_made(&self, here: &Value) -> Held {
        for (name, value) in self.changes() {
            let path = Path::parse(&name).ok_or_else(|| format!("{name} is no place"))?;
            let found = path.of(here).unwrap_or(&Value::Null);
            same(found, &value, &name)?;
        }
        Ok(())
    }

    pub(super) fn changes_cleared(&self, here: &Value) -> Held {
        for (name, _) in self.changes() {
            let path = Path::parse(&name).ok_or_else(|| format!("{name} is no place"))?;
            let found = path.of(here).unwrap_or(&Value::Null);
            that(found.is_null() || *found == "", || {
                format!("{name} is {found}")
            })?;
        }
        Ok(())
    }

    /// Path and value of every change, those of pathless operations too.
    fn changes(&self) -> Vec<(String, Value)> {
        let operations = self.sent["Operations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let changes = operations
            .iter()
            .flat_map(|operation| match operation["path"].as_str() {
                Some(path) => vec![(path.to_owned(), operation["value"].clone())],
                None => {
                    let fields = operation["value"].as_object().cloned().unwrap_or_default();
                    fields.into_iter().collect()
                }
            });
        changes.collect()
    }

    pub(super) fn same_phones(&self, here: &Value) -> Held {
        let phones = |user: &Value| {
            let phones = user["phoneNumbers"].as_array().cloned().unwrap_or_default();
            let mut pairs: Vec<_> = phones
                .iter()
                .map(|phone| (phone["type"].to_string(), phone["value"].to_string()))
                .collect();
            pairs.sort();
            pairs
        };
        same(&phones(here), &phones(&self.sent), "phoneNumbers")
    }
}

/// No path became a key: only attribute names and schema URNs stand at the top.
pub(super) fn no_stray_keys(here: &Value) -> Held {
    let fields = here.as_object().ok_or("there is no resource")?;
    let stray = fields
        .keys()
        .find(|key| *key != ENTERPRISE && key.contains(['.', ':', '[']));
    that(stray.is_none(), || format!("the key {stray:?}"))
}
