//! A tenant's settings for its vendor, checked against the manifest.

use std::collections::BTreeMap;

use serde_json::Value;

/// Setting names and values, none of them secret: scripts may read them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// Wraps values that were checked against a manifest.
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self(values)
    }

    /// The value of a setting, its default included.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value as text, for headers.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// A template with each `{name}` replaced by the setting's value.
    pub fn fill(&self, template: &str) -> String {
        self.names().fold(template.to_owned(), |text, name| {
            let value = self.text(name).unwrap_or_default();
            text.replace(&format!("{{{name}}}"), &value)
        })
    }

    /// The names there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
