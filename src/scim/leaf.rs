//! The address of one value in a resource: what a row of a mapping table stands for.

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Value, json};

use super::compare::same_text;
use super::filter::{Filter, Operator, Test};
use super::{AttrPath, Object, Path, Profile, ResourceType, ScimError};

/// The place of one value. Two leaves are equal when they are the same place.
///
/// A list can also be a leaf as a whole (`roles`); complex attributes cannot, except through the
/// `value` that `manager` and `members` stand for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leaf {
    /// URN of the extension, spelt as in the schema; `None` for core and common attributes.
    pub schema: Option<String>,
    /// Attribute name.
    pub attribute: String,
    /// Which element of a list.
    pub element: Option<Selector>,
    /// Sub-attribute name.
    pub sub: Option<String>,
}

/// How an element of a list is told from the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// `[type eq "work"]`.
    Type(String),
    /// `[primary eq true]`.
    Primary,
}

impl Leaf {
    /// Reads `userName`, `name.givenName`, `emails[type eq "work"].value`,
    /// `urn:…:User:costCenter`, `urn:…:User:manager`, `members`.
    ///
    /// # Errors
    /// `invalidPath`, saying which form is needed or which attribute may be meant.
    pub fn parse(text: &str, types: &ResourceType) -> Result<Self, ScimError> {
        let refuse = |reason: &str| ScimError::invalid_path(format!("{text} {reason}"));
        let mut path = Path::parse(text, types, Profile::Entra)?;
        let attribute = types.root(&path.attr);
        let attribute = attribute.ok_or_else(|| refuse("is no attribute"))?;
        let is_list = attribute.multi_valued && attribute.name != "members";
        if path.sub().is_none() && !is_list && attribute.sub("value").is_some() {
            path.attr.sub = Some("value".to_owned());
        }
        match (&path.filter, path.sub()) {
            (None, Some(_)) if is_list => Err(refuse(
                "is a part of a list; choose an element, as in emails[type eq \"work\"]",
            )),
            (None, None) if attribute.is_complex() && !is_list => {
                Err(refuse("has parts; name one of them"))
            }
            (Some(_), None) if attribute.is_complex() => Err(refuse("has parts; name one of them")),
            _ => Self::of(&path).ok_or_else(|| {
                refuse("is no single value; choose by [type eq \"…\"] or [primary eq true] only")
            }),
        }
    }

    /// The leaf of a path whose filter, if any, is a selector.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let element = match &path.filter {
            None => None,
            Some(filter) => Some(Selector::of(filter)?),
        };
        Some(Self {
            schema: path.attr.schema.clone(),
            attribute: path.attr.attribute.clone(),
            element,
            sub: path.sub().map(str::to_owned),
        })
    }

    /// Whether it is this core attribute, and not a part of it.
    pub(crate) fn is_whole(&self, attribute: &str) -> bool {
        self.has_no_parts() && self.attribute == attribute
    }

    /// Whether it is a core attribute as a whole.
    pub(crate) fn has_no_parts(&self) -> bool {
        self.schema.is_none() && self.element.is_none() && self.sub.is_none()
    }

    /// The value at this place. Of a list without selector (`members`) the first element's.
    pub fn get<'a>(&self, resource: &'a Object) -> Option<&'a Value> {
        let holder = match &self.schema {
            Some(urn) => resource.get(urn)?.as_object()?,
            None => resource,
        };
        let value = holder.get(&self.attribute)?;
        let value = match (&self.element, value, &self.sub) {
            (Some(selector), Value::Array(elements), _) => {
                elements.iter().find(|element| selector.selects(element))?
            }
            (None, Value::Array(elements), Some(_)) => elements.first()?,
            (Some(_), _, _) => return None,
            (None, value, _) => value,
        };
        match &self.sub {
            Some(sub) => value.get(sub),
            None => Some(value),
        }
    }

    /// Puts a value at this place. A missing element is made with its `type` or `primary`, a
    /// missing extension with its URN in `schemas`.
    pub fn set(&self, resource: &mut Object, value: Value) {
        let Some(holder) = self.holder(resource) else {
            return;
        };
        let slot = holder.entry(self.attribute.as_str()).or_insert(Value::Null);
        let slot = match (&self.element, &self.sub) {
            (Some(selector), _) => selector.element(slot),
            (None, Some(_)) if slot.is_array() || self.attribute == "members" => first(slot),
            _ => slot,
        };
        let Some(sub) = &self.sub else {
            *slot = value;
            return;
        };
        if let Some(parts) = object(slot) {
            parts.insert(sub.clone(), value);
        }
    }

    fn holder<'r>(&self, resource: &'r mut Object) -> Option<&'r mut Object> {
        let Some(urn) = &self.schema else {
            return Some(resource);
        };
        list_schema(resource, urn);
        object(resource.entry(urn.as_str()).or_insert(Value::Null))
    }

    /// Takes the value from this place, together with whatever is left empty by it: an element
    /// with nothing but its `type` and `primary`, a list, a complex attribute, an extension.
    pub fn remove(&self, resource: &mut Object) -> Option<Value> {
        let Some(urn) = &self.schema else {
            return self.remove_from(resource);
        };
        let extension = resource.get_mut(urn)?.as_object_mut()?;
        let removed = self.remove_from(extension);
        if extension.is_empty() {
            resource.shift_remove(urn);
            unlist_schema(resource, urn);
        }
        removed
    }

    fn remove_from(&self, holder: &mut Object) -> Option<Value> {
        if self.element.is_none() && self.sub.is_none() {
            return holder.shift_remove(&self.attribute);
        }
        let value = holder.get_mut(&self.attribute)?;
        let removed = match value {
            Value::Array(elements) => self.remove_element(elements),
            Value::Object(parts) => parts.shift_remove(self.sub.as_ref()?),
            _ => None,
        };
        if is_bare(value) {
            holder.shift_remove(&self.attribute);
        }
        removed
    }

    fn remove_element(&self, elements: &mut Vec<Value>) -> Option<Value> {
        let selects = |element: &Value| self.element.as_ref().is_none_or(|it| it.selects(element));
        let index = elements.iter().position(selects)?;
        let Some(sub) = &self.sub else {
            return Some(elements.remove(index));
        };
        let element = elements.get_mut(index)?;
        let removed = element.as_object_mut()?.shift_remove(sub);
        if is_spent(element) {
            elements.remove(index);
        }
        removed
    }
}

impl fmt::Display for Leaf {
    /// The spelling of Entra's attribute list: `manager` and `members` without `.value`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let implied = matches!(self.attribute.as_str(), "manager" | "members")
            && self.sub.as_deref() == Some("value");
        let sub = self.sub.clone().filter(|_| !implied);
        let (schema, attribute) = (self.schema.clone(), self.attribute.clone());
        let Some(selector) = &self.element else {
            return AttrPath {
                schema,
                attribute,
                sub,
            }
            .fmt(f);
        };
        AttrPath {
            schema,
            attribute,
            sub: None,
        }
        .fmt(f)?;
        write!(f, "[{selector}]")?;
        sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}

impl Selector {
    /// The selector a filter amounts to.
    fn of(filter: &Filter) -> Option<Self> {
        let Filter::Test(path, Test::Compare(Operator::Eq, value)) = filter else {
            return None;
        };
        match (path.attr.attribute.as_str(), value) {
            ("type", Value::String(kind)) => Some(Self::Type(kind.clone())),
            ("primary", Value::Bool(true)) => Some(Self::Primary),
            _ => None,
        }
    }

    fn selects(&self, element: &Value) -> bool {
        match self {
            Self::Type(kind) => {
                let found = element.get("type").and_then(Value::as_str);
                found.is_some_and(|found| same_text(found, kind))
            }
            Self::Primary => element.get("primary") == Some(&Value::Bool(true)),
        }
    }

    /// The element in a list, made if there is none.
    fn element<'v>(&self, slot: &'v mut Value) -> &'v mut Value {
        let elements = list(slot);
        let found = elements.iter().position(|element| self.selects(element));
        let index = found.unwrap_or(elements.len());
        if found.is_none() {
            elements.push(match self {
                Self::Type(kind) => json!({ "type": kind }),
                Self::Primary => json!({ "primary": true }),
            });
        }
        &mut elements[index]
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(kind) => write!(f, "type eq {}", Value::from(kind.as_str())),
            Self::Primary => f.write_str("primary eq true"),
        }
    }
}

/// Whether an element says nothing any more: only which one it was.
pub(super) fn is_spent(element: &Value) -> bool {
    element.as_object().is_some_and(|parts| {
        parts
            .keys()
            .all(|name| matches!(name.as_str(), "type" | "primary"))
    })
}

/// Adds an extension's URN to `schemas`.
pub(super) fn list_schema(resource: &mut Object, urn: &str) {
    let schemas = list(resource.entry("schemas").or_insert(Value::Null));
    if !schemas.iter().any(|known| known == urn) {
        schemas.push(urn.into());
    }
}

/// Takes an extension's URN from `schemas`.
pub(super) fn unlist_schema(resource: &mut Object, urn: &str) {
    let Some(Value::Array(schemas)) = resource.get_mut("schemas") else {
        return;
    };
    schemas.retain(|known| known != urn);
    if schemas.is_empty() {
        resource.shift_remove("schemas");
    }
}

/// The list in a slot; anything else there gives way.
fn list(slot: &mut Value) -> &mut Vec<Value> {
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    match slot {
        Value::Array(elements) => elements,
        _ => unreachable!("made a list above"),
    }
}

fn first(slot: &mut Value) -> &mut Value {
    let elements = list(slot);
    if elements.is_empty() {
        elements.push(Value::Object(Object::new()));
    }
    &mut elements[0]
}

fn object(slot: &mut Value) -> Option<&mut Object> {
    if !slot.is_object() {
        *slot = Value::Object(Object::new());
    }
    slot.as_object_mut()
}

/// Whether a list or an object holds nothing.
pub(super) fn is_bare(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}
