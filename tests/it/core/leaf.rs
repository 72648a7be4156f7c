//! The attributes that `/Schemas` publishes, and resources made of them.

use serde_json::{Map, Value, json};

use super::play::Play;
use super::served::rich;
use crate::harness::unique;

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// An attribute without parts, or a part of one, as it is published.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Empty for what is not an extension's.
    pub(super) urn: String,
    pub(super) name: String,
    pub(super) part: Option<String>,
    is_list: bool,
    pub(super) told: Value,
    pub(super) mutability: String,
}

impl Leaf {
    /// Where its value, or its first element's, stands in a resource.
    pub(super) fn pointer(&self) -> String {
        let urn = match self.urn.as_str() {
            "" => String::new(),
            urn => format!("/{urn}"),
        };
        let first = if self.is_list { "/0" } else { "" };
        let part = self.part.as_ref().map(|part| format!("/{part}"));
        format!("{urn}/{}{first}{}", self.name, part.unwrap_or_default())
    }

    pub(super) fn path(&self) -> String {
        let urn = match self.urn.as_str() {
            "" => String::new(),
            urn => format!("{urn}:"),
        };
        let part = self.part.as_ref().map(|part| format!(".{part}"));
        format!("{urn}{}{}", self.name, part.unwrap_or_default())
    }

    pub(super) fn of<'r>(&self, resource: &'r Value) -> Option<&'r Value> {
        resource.pointer(&self.pointer())
    }

    pub(super) fn put(&self, resource: &mut Value, value: Value) {
        let mut place = resource;
        if !self.urn.is_empty() {
            place = &mut place[&self.urn];
        }
        place = &mut place[&self.name];
        if self.is_list {
            if place.is_null() {
                *place = json!([{}]);
            }
            place = &mut place[0];
        }
        match &self.part {
            Some(part) => place[part] = value,
            None => *place = value,
        }
    }

    pub(super) fn take(&self, resource: &mut Value) {
        let pointer = self.pointer();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match resource.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.shift_remove(name)),
            Some(Value::Array(elements)) => elements.clear(),
            _ => {}
        }
    }

    pub(super) fn is(&self, mutability: &str) -> bool {
        self.mutability == mutability
    }

    pub(super) fn is_unique(&self) -> bool {
        self.told["uniqueness"] == "server" || self.told["uniqueness"] == "global"
    }

    pub(super) fn listed(&self) -> Vec<Value> {
        let values = self.told["canonicalValues"].as_array();
        values.cloned().unwrap_or_default()
    }

    /// It and the other parts of its attribute.
    pub(super) fn beside(&self, leaves: &[Self]) -> Vec<Self> {
        let same = |other: &&Self| (&other.urn, &other.name) == (&self.urn, &self.name);
        leaves.iter().filter(same).cloned().collect()
    }

    /// Some value of its type.
    pub(super) fn sample(&self) -> Value {
        if let Some(value) = self.listed().first() {
            return value.clone();
        }
        match self.told["type"].as_str().unwrap() {
            "boolean" => true.into(),
            "integer" => 7.into(),
            "decimal" => 1.5.into(),
            "dateTime" => "2020-01-02T03:04:05Z".into(),
            "binary" => "aGVsbG8=".into(),
            "reference" => format!("https://people.example/{}", unique("r")).into(),
            _ => unique("text-").into(),
        }
    }
}

/// The leaves of one schema.
pub(super) fn leaves(schema: &Value, urn: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    let attributes = schema["attributes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for attribute in attributes {
        let whole = Leaf {
            urn: urn.to_owned(),
            name: text(&attribute["name"]),
            part: None,
            is_list: attribute["multiValued"] == true,
            told: attribute.clone(),
            mutability: text(&attribute["mutability"]),
        };
        let parts = attribute["subAttributes"].as_array();
        match parts.filter(|parts| !parts.is_empty()) {
            None => found.push(whole),
            Some(parts) => found.extend(parts.iter().map(|part| Leaf {
                part: Some(text(&part["name"])),
                told: part.clone(),
                mutability: match whole.is("readOnly") {
                    true => whole.mutability.clone(),
                    false => text(&part["mutability"]),
                },
                ..whole.clone()
            })),
        }
    }
    found
}

/// The leaves of a resource type: of its schema and its extensions. Members and managers name
/// others, which have tests of their own.
pub(super) fn all_of(schemas: &Map<String, Value>, core: &str) -> Vec<Leaf> {
    let kind = core.rsplit(':').next().unwrap();
    let mut found = leaves(&schemas[core], "");
    for (urn, schema) in schemas {
        let is_extension = urn.contains(":extension:") || urn.contains(":custom:");
        if is_extension && urn.ends_with(&format!(":{kind}")) {
            found.extend(leaves(schema, urn));
        }
    }
    found.retain(|leaf| !["members", "manager"].contains(&leaf.name.as_str()));
    found
}

/// A resource with something in each of `leaves` that a client may write, unlike any other in what
/// is unique.
pub(super) fn filled(core: &str, leaves: &[Leaf]) -> Value {
    let mut whole = match core {
        USER => rich(),
        _ => json!({"schemas": [core], "displayName": unique("group ")}),
    };
    for leaf in leaves {
        if leaf.is("readOnly") || leaf.of(&whole).is_some() {
            continue;
        }
        leaf.put(&mut whole, leaf.sample());
    }
    whole
}

/// Both types of resources that a vendor has.
pub(super) fn types(play: &Play) -> Vec<(&'static str, &'static str)> {
    let mut types = vec![("/Users", USER)];
    if play.vendor.has_groups {
        types.push(("/Groups", GROUP));
    }
    types
}
