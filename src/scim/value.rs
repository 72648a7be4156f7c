//! One received value brought into the form of its attribute: types checked, wrappers taken off,
//! names of parts canonical, empty things gone. POST, PUT and PATCH all come through here.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

use super::compare::same_text;
use super::error::quoted;
use super::path::sub_name;
use super::schema::{Attribute, Kind, Mutability};
use super::{Object, Profile, ScimError, json};

/// Where a value stands, for messages; written out only when one is needed.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) urn: Option<&'a str>,
    pub(super) attribute: &'a str,
    pub(super) sub: Option<&'a str>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.attribute)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}

/// Most elements of a list that are compared with each other one by one.
pub(super) const MAX_ELEMENTS: usize = 500;
/// Most skipped names that are kept to be told.
const MAX_IGNORED: usize = 100;

/// Shapes values by the rules of a profile and keeps the names it did not know.
pub(super) struct Shaper {
    pub(super) profile: Profile,
    /// What was skipped, as it was spelt.
    pub(super) ignored: Vec<String>,
}

impl Shaper {
    pub(super) fn new(profile: Profile) -> Self {
        Self {
            profile,
            ignored: Vec::new(),
        }
    }

    /// Notes a name that no schema has.
    ///
    /// # Errors
    /// Under the strict profile it is `invalidSyntax`.
    pub(super) fn ignore(&mut self, name: impl fmt::Display) -> Result<(), ScimError> {
        let name: String = name.to_string().chars().take(256).collect();
        if !self.profile.skips_unknown_attributes() {
            return Err(ScimError::invalid_syntax(format!(
                "no schema has an attribute {}",
                quoted(&name)
            )));
        }
        if self.ignored.len() < MAX_IGNORED && !self.ignored.contains(&name) {
            self.ignored.push(name);
        }
        Ok(())
    }

    /// The value that takes the place of all an attribute had.
    ///
    /// # Errors
    /// As [`Self::whole`]; also for a text where the elements of the list are told apart by their
    /// type: nobody could say which of them it is, and all would be lost.
    pub(super) fn instead(
        &mut self,
        attribute: &Attribute,
        place: Place<'_>,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let is_text = value.as_str().is_some_and(|text| !text.is_empty());
        match is_text && attribute.has_slots() {
            true => Err(expected(place, "a list of objects")),
            false => self.whole(attribute, place, value),
        }
    }

    /// The value of an attribute, a list where it is multi-valued. `None` is "absent".
    pub(super) fn whole(
        &mut self,
        attribute: &Attribute,
        place: Place<'_>,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        match attribute.multi_valued {
            true => self.list(attribute, place, value),
            false => self.one(attribute, place, value),
        }
    }

    /// One value: of a single-valued attribute, or an element of a list.
    pub(super) fn one(
        &mut self,
        attribute: &Attribute,
        place: Place<'_>,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let value = match self.profile.takes_other_wrappings() {
            true if attribute.is_complex() => unwrap_list(value),
            true => unwrap_value(unwrap_list(value)),
            false => value,
        };
        if self.is_absent(&value) {
            return Ok(None);
        }
        match attribute.kind {
            Kind::Complex => self.complex(attribute, place, value),
            kind => self.simple(kind, place, value).map(Some),
        }
    }

    /// RFC 7643 §2.5: null and absent are one state; for Entra `""` is that state too.
    fn is_absent(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text.is_empty() && self.profile.takes_empty_as_absent(),
            _ => false,
        }
    }

    fn list(
        &mut self,
        attribute: &Attribute,
        place: Place<'_>,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let received = match value {
            Value::Array(received) => received,
            other if self.is_absent(&other) => return Ok(None),
            other if self.profile.takes_other_wrappings() => vec![other],
            _ => return Err(expected(place, "a list")),
        };
        check_length(attribute, received.len())?;
        let count = received.len();
        let mut elements = Vec::with_capacity(count);
        for element in received {
            elements.extend(self.one(attribute, place, element)?);
        }
        let has_value = |element: &Value| {
            let value = element.get("value").and_then(Value::as_str);
            value.is_some_and(|value| !value.is_empty())
        };
        // An element that names nobody must not become an empty list, which would empty a group.
        if attribute.is_keyed() && (elements.len() < count || !elements.iter().all(has_value)) {
            return Err(ScimError::invalid_value(format!(
                "{place} must each have a value"
            )));
        }
        let mut elements = once_each(elements);
        self.keep_one_primary(place, &mut elements)?;
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }

    /// RFC 7643 §2.4: `primary: true` stands at most once. Microsoft's validator sets it on all.
    fn keep_one_primary(&self, place: Place<'_>, elements: &mut [Value]) -> Result<(), ScimError> {
        let is_primary = |element: &&mut Value| element.get("primary") == Some(&Value::Bool(true));
        for element in elements.iter_mut().filter(is_primary).skip(1) {
            if !self.profile.settles_primaries() {
                let detail = format!("{place} has more than one primary value");
                return Err(ScimError::invalid_value(detail));
            }
            element["primary"] = Value::Bool(false);
        }
        Ok(())
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        place: Place<'_>,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let received = self.parts(attribute, place, value)?;
        let mut parts = Object::new();
        for (name, value) in received {
            let Some(sub) = sub_name(attribute, &name).and_then(|name| attribute.sub(name)) else {
                self.ignore(format_args!("{place}.{name}"))?;
                continue;
            };
            if sub.mutability == Mutability::ReadOnly {
                continue;
            }
            let place = Place {
                sub: Some(&sub.name),
                ..place
            };
            if let Some(value) = self.whole(sub, place, value)? {
                parts.insert(sub.name.clone(), value);
            }
        }
        Ok((!parts.is_empty()).then_some(Value::Object(parts)))
    }

    /// The parts of a complex value as received; a bare text is its `value`.
    ///
    /// # Errors
    /// `invalidValue` when it is neither.
    pub(super) fn parts(
        &self,
        attribute: &Attribute,
        place: Place<'_>,
        value: Value,
    ) -> Result<Object, ScimError> {
        let tolerant = self.profile.takes_other_wrappings();
        match value {
            Value::Object(parts) if tolerant && attribute.name == "roles" => Ok(role(parts)),
            Value::Object(parts) => Ok(parts),
            text @ Value::String(_) if tolerant && attribute.sub("value").is_some() => {
                let parts = Object::from_iter([("value".to_owned(), text)]);
                Ok(if attribute.name == "roles" {
                    role(parts)
                } else {
                    parts
                })
            }
            _ => Err(expected(place, "an object")),
        }
    }

    fn simple(&self, kind: Kind, place: Place<'_>, value: Value) -> Result<Value, ScimError> {
        let shaped = match kind {
            Kind::Boolean => self.boolean(value),
            Kind::Integer => self.number(value).filter(|number| !number.is_f64()),
            Kind::Decimal => self.number(value),
            Kind::Binary => text(value).filter(|value| value.as_str().is_some_and(is_base64)),
            Kind::DateTime => text(value).filter(|value| value.as_str().is_some_and(is_date_time)),
            _ => text(value),
        };
        match shaped {
            Some(value) if self.is_misplaced_json(place, &value) => {
                Err(expected(place, "a text, and not JSON in a text"))
            }
            shaped => shaped.ok_or_else(|| expected(place, article(kind))),
        }
    }

    /// A list or an object as a text, in the place of an address or a number: who takes other
    /// wrappings must not keep the wrapping itself. Roles and entitlements may be called anything.
    fn is_misplaced_json(&self, place: Place<'_>, value: &Value) -> bool {
        let text = value.as_str().map_or("", str::trim_start);
        text.starts_with(['{', '['])
            && self.profile.takes_other_wrappings()
            && place.sub == Some("value")
            && !matches!(place.attribute, "roles" | "entitlements")
            && json::read(text.as_bytes()).is_ok()
    }

    fn boolean(&self, value: Value) -> Option<Value> {
        match value {
            Value::Bool(_) => Some(value),
            Value::String(text) if self.profile.takes_quoted_literals() => flag(&text),
            _ => None,
        }
    }

    fn number(&self, value: Value) -> Option<Value> {
        match value {
            Value::Number(_) => Some(value),
            Value::String(text) if self.profile.takes_quoted_literals() => {
                text.parse::<Number>().ok().map(Value::Number)
            }
            _ => None,
        }
    }
}

/// Lists whose elements have no exact key cost the square of their length.
///
/// # Errors
/// `invalidValue` beyond [`MAX_ELEMENTS`].
pub(super) fn check_length(attribute: &Attribute, length: usize) -> Result<(), ScimError> {
    if length <= MAX_ELEMENTS || attribute.is_keyed() {
        return Ok(());
    }
    let detail = format!("{} has more than {MAX_ELEMENTS} values", attribute.name);
    Err(ScimError::invalid_value(detail))
}

/// RFC 7643 §2.4: a pair of `type` and `value` stands once; what is said of it again is added.
fn once_each(received: Vec<Value>) -> Vec<Value> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut elements: Vec<Value> = Vec::with_capacity(received.len());
    for element in received {
        // `Value`'s `Display` takes several times as long.
        let pair = element
            .get("value")
            .map(|value| (value, element.get("type")));
        let pair = pair.and_then(|pair| serde_json::to_string(&pair).ok());
        let place = pair.map(|pair| *places.entry(pair).or_insert(elements.len()));
        match (place.and_then(|place| elements.get_mut(place)), element) {
            (Some(Value::Object(present)), Value::Object(more)) => present.extend(more),
            (_, element) => elements.push(element),
        }
    }
    elements
}

/// RFC 7643 §2.3.6: base64 with either alphabet of RFC 4648 §4 and §5, padded or not.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    let padding = text.len() - digits.len();
    let whole = text.len().is_multiple_of(4) && padding <= 2;
    digits.bytes().all(is_digit) && digits.len() % 4 != 1 && (whole || padding == 0)
}

/// Entra writes booleans as `"True"` and `"False"`.
pub(super) fn flag(text: &str) -> Option<Value> {
    let flags = [("true", true), ("false", false)];
    let found = flags
        .into_iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, flag)| Value::Bool(flag))
}

/// Whether a text is an `xsd:dateTime` (RFC 7643 §2.3.5).
pub(super) fn is_date_time(text: &str) -> bool {
    instant(text).is_some()
}

/// The instant an `xsd:dateTime` names; without offset it is taken as UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if !text.contains('T') {
        return None;
    }
    let zoned = text.parse::<Timestamp>().ok();
    zoned.or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        local
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    })
}

/// `[x]` for a single-valued attribute is `x`.
fn unwrap_list(value: Value) -> Value {
    match value {
        Value::Array(mut elements) if elements.len() <= 1 => elements.pop().unwrap_or_default(),
        other => other,
    }
}

/// `{"$ref": null, "value": x}` for a simple attribute is `x` (the provisioning service of 2018).
fn unwrap_value(value: Value) -> Value {
    match value {
        Value::Object(mut parts) => match parts.remove("value") {
            Some(inner) => inner,
            None => Value::Object(parts),
        },
        other => other,
    }
}

/// `SingleAppRoleAssignment` and `AppRoleAssignmentsComplex` put a role as JSON into the text of
/// `value`: `{"id":"…","value":"25","displayName":"Role25"}`.
fn role(mut parts: Object) -> Object {
    let inner = parts
        .get("value")
        .and_then(Value::as_str)
        .filter(|text| text.starts_with('{'));
    let Some(Value::Object(inner)) = inner.and_then(|text| json::read(text.as_bytes()).ok()) else {
        return parts;
    };
    for (name, value) in inner {
        let name = match name {
            name if same_text(&name, "displayName") => "display".to_owned(),
            name if same_text(&name, "id") => continue,
            name => name,
        };
        parts.insert(name, value);
    }
    parts
}

fn text(value: Value) -> Option<Value> {
    value.is_string().then_some(value)
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "true or false",
        Kind::Integer => "a whole number",
        Kind::Decimal => "a number",
        Kind::DateTime => "an xsd:dateTime such as 2026-01-31T12:00:00Z",
        Kind::Binary => "a base64 string",
        Kind::Complex => "an object",
        Kind::String | Kind::Reference => "a string",
    }
}

fn expected(place: Place<'_>, what: &str) -> ScimError {
    ScimError::invalid_value(format!("{place} must be {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn date_times() {
        for (text, good) in [
            ("2011-05-13T04:42:34Z", true),
            ("2011-05-13T04:42:34.123+02:00", true),
            ("2011-05-13T04:42:34", true),
            ("2011-05-13", false),
            ("yesterday", false),
        ] {
            assert_eq!(is_date_time(text), good, "{text}");
        }
        assert_eq!(
            instant("2011-05-13T04:00:00Z"),
            instant("2011-05-13T06:00:00+02:00")
        );
    }

    #[test]
    fn binaries() {
        // R133
        for (text, good) in [
            ("QUJD", true),
            ("QUI=", true),
            ("QQ==", true),
            ("QQ", true),
            ("a-_b", true),
            ("Q", false),
            ("Q===", false),
            ("QUI==", false),
            ("Q=UI", false),
            ("***", false),
            ("QU JD", false),
        ] {
            assert_eq!(is_base64(text), good, "{text}");
        }
    }

    #[test]
    fn a_pair_stands_once() {
        // R135
        let received = json!([
            { "value": "a", "type": "work" }, { "value": "a", "type": "work", "primary": true },
            { "value": "a" }, { "value": "a", "type": "home" }, { "type": "work" }, { "type": "work" }, "x", "x"
        ]);
        let kept = json!([
            { "value": "a", "type": "work", "primary": true },
            { "value": "a" }, { "value": "a", "type": "home" }, { "type": "work" }, { "type": "work" }, "x", "x"
        ]);
        let received = received.as_array().cloned().unwrap_or_default();
        assert_eq!(Value::Array(once_each(received)), kept);
    }

    #[test]
    fn a_role_in_a_string_is_opened() {
        let parts = json!({ "value": r#"{"id":"0a","value":"25","displayName":"R"}"# });
        let Value::Object(parts) = parts else { return };
        assert_eq!(
            Value::Object(role(parts)),
            json!({ "value": "25", "display": "R" })
        );
    }
}
