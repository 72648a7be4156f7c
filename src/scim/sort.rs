//! Sorting (RFC 7644 §3.4.2.3).

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::compare::fold;
use super::schema::{Attribute, Kind, Returned};
use super::value::instant;
use super::work;
use super::{AttrPath, Object, Profile, ResourceType, ScimError};

/// By which attribute, and in which direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    by: AttrPath,
    order: SortOrder,
}

/// Direction of a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// The default: what has no value comes last.
    #[default]
    Ascending,
    /// On request: what has no value comes first.
    Descending,
}

/// A value to sort by, comparable with others of the same attribute.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Key {
    /// Boolean: false before true.
    Flag(bool),
    /// Integer or decimal.
    Number(f64),
    /// Point in time, whatever its offset.
    Time(Timestamp),
    /// Text; folded unless the attribute is `caseExact`.
    Text(String),
}

impl Sort {
    /// Reads `sortBy` and `sortOrder`. A complex attribute stands for its `value`, if it has one.
    ///
    /// # Errors
    /// Under the strict profile `invalidValue` for an attribute that no schema has, that has parts
    /// or is never told, and for an order that is none; under the others these are ignored.
    pub fn parse(
        by: Option<&str>,
        order: Option<&str>,
        types: &ResourceType,
        profile: Profile,
    ) -> Result<Option<Self>, ScimError> {
        let Some(by) = by.map(str::trim).filter(|by| !by.is_empty()) else {
            return Ok(None);
        };
        let read = || -> Result<Self, ScimError> {
            let order = SortOrder::parse(order.unwrap_or_default())?;
            Ok(Self {
                by: sortable(by, types)?,
                order,
            })
        };
        match read() {
            Ok(sort) => Ok(Some(sort)),
            Err(_) if profile.ignores_bad_sorting() => {
                let by = sortable(by, types).ok();
                Ok(by.map(|by| Self {
                    by,
                    order: SortOrder::Ascending,
                }))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the order follows from this core attribute.
    pub fn is_by(&self, attribute: &str) -> bool {
        self.by.schema.is_none() && self.by.attribute == attribute
    }

    /// What a resource in canonical form is sorted by: of a list the primary element's value, else
    /// the first one's. `None` if it has no value.
    pub fn key(&self, resource: &Object, types: &ResourceType) -> Option<Key> {
        let attribute = types.root(&self.by)?;
        let holder = match &self.by.schema {
            Some(urn) => resource.get(urn)?.as_object()?,
            None => resource,
        };
        let value = match holder.get(&attribute.name)? {
            Value::Array(elements) => foremost(elements)?,
            value => value,
        };
        match self.by.sub.as_deref().and_then(|sub| attribute.sub(sub)) {
            Some(part) => Key::of(part, value.get(&part.name)?),
            None => Key::of(attribute, value),
        }
    }

    /// Sorts what has been given its keys; what is equal keeps its order.
    pub fn arrange<T>(&self, items: &mut [(Option<Key>, T)]) {
        items.sort_by(|(a, _), (b, _)| match self.order {
            SortOrder::Ascending => ascending(a.as_ref(), b.as_ref()),
            SortOrder::Descending => ascending(b.as_ref(), a.as_ref()),
        });
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            SortOrder::Ascending => "ascending",
            SortOrder::Descending => "descending",
        };
        write!(f, "{} {order}", self.by)
    }
}

impl SortOrder {
    fn parse(text: &str) -> Result<Self, ScimError> {
        match text.trim() {
            "" => Ok(Self::Ascending),
            text if text.eq_ignore_ascii_case("ascending") => Ok(Self::Ascending),
            text if text.eq_ignore_ascii_case("descending") => Ok(Self::Descending),
            _ => Err(ScimError::invalid_value(
                "sortOrder must be ascending or descending",
            )),
        }
    }
}

impl Key {
    fn of(attribute: &Attribute, value: &Value) -> Option<Self> {
        match attribute.kind {
            Kind::Boolean => value.as_bool().map(Self::Flag),
            Kind::Integer | Kind::Decimal => value.as_f64().map(Self::Number),
            Kind::DateTime => instant(value.as_str()?).map(Self::Time),
            _ => {
                let text = value.as_str().filter(|text| !text.is_empty())?;
                // Beyond what may be spent it is taken as it stands; that outcome is not used.
                let is_as_it_stands = attribute.case_exact || !text.is_ascii() && !work::fold(text);
                let folded = match is_as_it_stands {
                    true => Cow::Borrowed(text),
                    false => fold(text),
                };
                Some(Self::Text(folded.into_owned()))
            }
        }
    }
}

/// The place of a `sortBy`, down to a simple value.
fn sortable(by: &str, types: &ResourceType) -> Result<AttrPath, ScimError> {
    let mut path = AttrPath::parse(by, types)
        .map_err(|error| ScimError::invalid_value(format!("sortBy: {}", error.detail)))?;
    let root = types.root(&path);
    if path.sub.is_none() && root.is_some_and(Attribute::is_complex) {
        let value = root.and_then(|attribute| attribute.sub("value"));
        let value = value.ok_or_else(|| {
            ScimError::invalid_value(format!("sortBy: {path} has parts; name one of them"))
        })?;
        path.sub = Some(value.name.clone());
    }
    let told = [root, types.attribute(&path)];
    match told
        .into_iter()
        .flatten()
        .any(|found| found.returned == Returned::Never)
    {
        true => Err(ScimError::invalid_value(format!(
            "sortBy: {path} is never told"
        ))),
        false => Ok(path),
    }
}

fn foremost(elements: &[Value]) -> Option<&Value> {
    let is_primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
    elements
        .iter()
        .find(is_primary)
        .or_else(|| elements.first())
}

fn ascending(a: Option<&Key>, b: Option<&Key>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        // `true` for what has no value: it comes after.
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}
