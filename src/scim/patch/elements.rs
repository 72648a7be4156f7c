//! Changes within the list of a multi-valued attribute.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::apply::set_part;
use super::{Op, Stop};
use crate::scim::filter::{
    Filter, Operator, Test, element_verdict, equal, every, is_unknown, some,
};
use crate::scim::leaf::is_spent;
use crate::scim::schema::Attribute;
use crate::scim::value::check_length;
use crate::scim::{Object, Profile, ScimError};

/// What is done to the selected elements.
pub(super) struct Change<'a> {
    pub(super) op: Op,
    /// To this part of them, or to all of them.
    pub(super) sub: Option<&'a str>,
    pub(super) value: Option<&'a Value>,
}

/// Adds elements; one that is there already is brought up to date instead.
pub(super) fn append(
    elements: &mut Vec<Value>,
    attribute: &Attribute,
    more: &[Value],
    profile: Profile,
) -> Result<(), Stop> {
    check_length(attribute, elements.len() + more.len())?;
    let mut known = Known::of(elements, attribute);
    for element in more {
        let index = match known.seat(elements, attribute, element, profile)? {
            Seat::End => {
                known.note(element, elements.len());
                elements.push(element.clone());
                elements.len() - 1
            }
            Seat::Instead(index) => {
                replace_at(elements, index, element.clone());
                index
            }
            Seat::Onto(index) => {
                overlay(elements, index, element);
                index
            }
        };
        lead(elements, index);
    }
    Ok(())
}

/// Removes the elements that are like one of those given.
pub(super) fn subtract(
    elements: &mut Vec<Value>,
    attribute: &Attribute,
    given: &Value,
) -> Result<(), Stop> {
    let given = given.as_array().map(Vec::as_slice).unwrap_or_default();
    let keys: Option<HashSet<&str>> = given.iter().map(|item| key(attribute, item)).collect();
    let mut verdicts = Vec::with_capacity(elements.len());
    for element in elements.iter() {
        let verdict = match (&keys, key(attribute, element)) {
            (Some(keys), Some(key)) => Some(keys.contains(key)),
            _ => some(given.iter().map(|given| is_like(attribute, element, given))),
        };
        verdicts.push(verdict.ok_or(Stop::NeedsRead)?);
    }
    let mut verdicts = verdicts.into_iter();
    elements.retain(|_| !verdicts.next().unwrap_or(false));
    Ok(())
}

/// Changes, replaces or removes the elements a filter selects; all without filter.
pub(super) fn alter(
    elements: &mut Vec<Value>,
    attribute: &Attribute,
    filter: Option<&Filter>,
    change: &Change<'_>,
    profile: Profile,
) -> Result<(), Stop> {
    let selected = select(elements, attribute, filter)?;
    if change.op == Op::Remove {
        return remove(elements, attribute, &selected, change);
    }
    if !selected.contains(&true) {
        let mut seed = seed(filter, attribute, profile)?;
        change.on(&mut seed, attribute, filter)?;
        return append(elements, attribute, &[seed], profile);
    }
    for index in (0..selected.len()).filter(|index| selected.get(*index) == Some(&true)) {
        if let Some(element) = elements.get_mut(index) {
            change.on(element, attribute, filter)?;
        }
        lead(elements, index);
    }
    Ok(())
}

/// Removes selected elements, or a part of them and then those that say nothing any more.
fn remove(
    elements: &mut Vec<Value>,
    attribute: &Attribute,
    selected: &[bool],
    change: &Change<'_>,
) -> Result<(), Stop> {
    for (element, _) in elements
        .iter_mut()
        .zip(selected)
        .filter(|(_, selected)| **selected)
    {
        change.on(element, attribute, None)?;
    }
    let mut selected = selected.iter();
    elements.retain(|element| {
        let touched = selected.next().is_some_and(|selected| *selected);
        !(touched && (change.sub.is_none() || is_spent(element)))
    });
    Ok(())
}

/// For each element whether the filter selects it.
fn select(
    elements: &[Value],
    attribute: &Attribute,
    filter: Option<&Filter>,
) -> Result<Vec<bool>, Stop> {
    let verdict = |element| {
        filter.map_or(Some(true), |filter| {
            element_verdict(filter, element, attribute)
        })
    };
    elements
        .iter()
        .map(|element| verdict(element).ok_or(Stop::NeedsRead))
        .collect()
}

/// The element a filter describes, for when there is none: Entra sets
/// `phoneNumbers[type eq "mobile"].value` without ever having added the number.
fn seed(
    filter: Option<&Filter>,
    attribute: &Attribute,
    profile: Profile,
) -> Result<Value, ScimError> {
    let nothing = || ScimError::no_target(format!("no value of {} matches", attribute.name));
    let Some(filter) = filter else {
        return Ok(Value::Object(Object::new()));
    };
    if !profile.makes_missing_elements() {
        return Err(nothing());
    }
    described(filter).map(Value::Object).ok_or_else(nothing)
}

/// The parts that a conjunction of equalities demands.
fn described(filter: &Filter) -> Option<Object> {
    match filter {
        Filter::And(all) => all
            .iter()
            .map(described)
            .try_fold(Object::new(), |mut parts, more| {
                parts.extend(more?);
                Some(parts)
            }),
        Filter::Test(path, Test::Compare(Operator::Eq, value)) if !value.is_null() => Some(
            Object::from_iter([(path.attr.attribute.clone(), value.clone())]),
        ),
        _ => None,
    }
}

impl Change<'_> {
    fn on(
        &self,
        element: &mut Value,
        attribute: &Attribute,
        filter: Option<&Filter>,
    ) -> Result<(), Stop> {
        match (self.sub, self.value, element) {
            (Some(sub), value, Value::Object(parts)) => set_part(parts, attribute, sub, value),
            (Some(_), _, _) => Err(Stop::NeedsRead),
            (None, Some(value), element) => {
                *element = chosen(value, filter);
                Ok(())
            }
            (None, None, _) => Ok(()),
        }
    }
}

/// A replacement keeps what its filter chose it by, unless it says otherwise.
fn chosen(value: &Value, filter: Option<&Filter>) -> Value {
    let Value::Object(parts) = value else {
        return value.clone();
    };
    let mut element = filter.and_then(described).unwrap_or_default();
    element.extend(parts.clone());
    Value::Object(element)
}

/// Where a new element goes.
enum Seat {
    End,
    /// In the place of another.
    Instead(usize),
    /// Over one that is the same, which keeps its other parts.
    Onto(usize),
}

/// Elements by their identifying value, so that thousands of members cost one pass.
struct Known(Option<HashMap<String, usize>>);

impl Known {
    fn of(elements: &[Value], attribute: &Attribute) -> Self {
        let keys = elements
            .iter()
            .enumerate()
            .map(|(index, element)| key(attribute, element).map(|key| (key.to_owned(), index)));
        Self(keys.collect::<Option<_>>().filter(|_| attribute.is_keyed()))
    }

    fn note(&mut self, element: &Value, index: usize) {
        if let (Some(known), Some(value)) =
            (&mut self.0, element.get("value").and_then(Value::as_str))
        {
            known.insert(value.to_owned(), index);
        }
    }

    fn seat(
        &self,
        elements: &[Value],
        attribute: &Attribute,
        element: &Value,
        profile: Profile,
    ) -> Result<Seat, Stop> {
        if let (Some(known), Some(key)) = (&self.0, key(attribute, element)) {
            return Ok(known.get(key).map_or(Seat::End, |&index| Seat::Onto(index)));
        }
        let mut seats = elements.iter().enumerate();
        let slot = seats.find(|(_, present)| takes_slot(attribute, present, element, profile));
        if let Some((index, _)) = slot {
            return Ok(Seat::Instead(index));
        }
        for (index, present) in elements.iter().enumerate() {
            if is_same(attribute, present, element).ok_or(Stop::NeedsRead)? {
                return Ok(Seat::Onto(index));
            }
        }
        Ok(Seat::End)
    }
}

/// The identifying value of an element, if it has one and it is known.
fn key<'v>(attribute: &Attribute, element: &'v Value) -> Option<&'v str> {
    if !attribute.is_keyed() {
        return None;
    }
    element
        .get("value")
        .filter(|value| !is_unknown(value))
        .and_then(Value::as_str)
}

/// Whether a new element takes the place of a present one: it has the same `type` (Entra keeps
/// one value for each), or the vendor has but one place for both, which an unknown value shows.
fn takes_slot(attribute: &Attribute, present: &Value, new: &Value, profile: Profile) -> bool {
    let shares = |name: &str| match (attribute.sub(name), present.get(name), new.get(name)) {
        (Some(part), Some(a), Some(b)) => equal(part, a, b) == Some(true),
        _ => false,
    };
    let unknown = holds_unknown(present);
    let by_type = shares("type")
        && (unknown || (attribute.has_slots() && profile.holds_one_element_a_type()));
    // A place that is told by its type is not that of the primary one.
    let by_primary = unknown
        && present.get("type").is_none()
        && shares("primary")
        && new.get("primary") == Some(&Value::Bool(true));
    by_type || by_primary
}

fn holds_unknown(element: &Value) -> bool {
    element
        .as_object()
        .is_some_and(|parts| parts.values().any(is_unknown))
}

/// Whether two elements are the same one: equal `value` and no different `type`, or, where
/// there is no `value`, equal in all parts.
fn is_same(attribute: &Attribute, a: &Value, b: &Value) -> Option<bool> {
    let (Some(first), Some(second)) = (a.get("value"), b.get("value")) else {
        return match (a, b) {
            (Value::Object(first), Value::Object(second)) => same_parts(attribute, first, second),
            _ => equal(attribute, a, b),
        };
    };
    let types = match (a.get("type"), b.get("type")) {
        (Some(first), Some(second)) => same_part(attribute, "type", first, second),
        _ => Some(true),
    };
    every([types, same_part(attribute, "value", first, second)].into_iter())
}

fn same_parts(attribute: &Attribute, a: &Object, b: &Object) -> Option<bool> {
    if a.len() != b.len() {
        return Some(false);
    }
    every(a.iter().map(|(name, value)| match b.get(name) {
        Some(other) => same_part(attribute, name, value, other),
        None => Some(false),
    }))
}

/// Whether an element has all the parts that were given to find it by.
fn is_like(attribute: &Attribute, element: &Value, given: &Value) -> Option<bool> {
    let Value::Object(given) = given else {
        return equal(attribute, element, given);
    };
    let telling = |name: &&String| !matches!(name.as_str(), "$ref" | "display" | "primary");
    let mut names = given.keys().filter(telling).peekable();
    if names.peek().is_none() {
        return Some(false);
    }
    every(
        names.map(|name| match (element.get(name), given.get(name)) {
            (Some(value), Some(given)) => same_part(attribute, name, value, given),
            // Entra may say `type: "User"` of a member that was added without.
            (None, _) if name == "type" => Some(true),
            _ => Some(false),
        }),
    )
}

fn same_part(attribute: &Attribute, name: &str, a: &Value, b: &Value) -> Option<bool> {
    match attribute.sub(name) {
        Some(part) => equal(part, a, b),
        None => Some(a == b),
    }
}

/// RFC 7643 §2.4: a new primary value makes the others secondary.
fn lead(elements: &mut [Value], index: usize) {
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    if !elements.get(index).is_some_and(is_primary) {
        return;
    }
    for (other, element) in elements.iter_mut().enumerate() {
        let primary = element.get_mut("primary").filter(|_| other != index);
        if let Some(primary) = primary.filter(|value| **value != Value::Bool(false)) {
            *primary = Value::Bool(false);
        }
    }
}

/// The new one stays primary if the old one was and nothing is said.
fn replace_at(elements: &mut [Value], index: usize, element: Value) {
    let Some(present) = elements.get_mut(index) else {
        return;
    };
    let primary = present.get_mut("primary").map(Value::take);
    *present = element;
    if let (Some(primary), Value::Object(parts)) = (primary, present) {
        parts.entry("primary").or_insert(primary);
    }
}

fn overlay(elements: &mut [Value], index: usize, element: &Value) {
    if let (Some(Value::Object(present)), Value::Object(parts)) = (elements.get_mut(index), element)
    {
        present.extend(parts.clone());
    }
}
