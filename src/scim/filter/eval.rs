//! Evaluation in three values: true, false, and "depends on a value we do not know".

use std::cmp::Ordering;

use serde_json::Value;

use super::folds::Folds;
use super::{Filter, Operator, Test};
use crate::scim::schema::{Attribute, Kind};
use crate::scim::value::instant;
use crate::scim::{AttrPath, Object, Path, ResourceType, UNKNOWN, work};

impl Filter {
    /// Whether a resource matches; `None` when an unknown value decides.
    pub(in crate::scim) fn verdict(&self, resource: &Object, types: &ResourceType) -> Option<bool> {
        let folds = Folds::default();
        self.decide(&|path, test| test_resource(path, test, resource, types, &folds))
    }

    fn decide<'v>(&'v self, leaf: &dyn Fn(&'v Path, &'v Test) -> Option<bool>) -> Option<bool> {
        match self {
            Self::And(parts) => every(parts.iter().map(|part| part.decide(leaf))),
            Self::Or(parts) => some(parts.iter().map(|part| part.decide(leaf))),
            Self::Not(inner) => inner.decide(leaf).map(|verdict| !verdict),
            Self::Test(path, test) => leaf(path, test),
        }
    }
}

/// Whether one element of a multi-valued attribute matches the filter in its brackets.
pub(in crate::scim) fn element_verdict(
    filter: &Filter,
    element: &Value,
    parent: &Attribute,
) -> Option<bool> {
    test_element(filter, element, parent, &Folds::default())
}

fn test_element<'v>(
    filter: &'v Filter,
    element: &'v Value,
    parent: &Attribute,
    folds: &Folds<'v>,
) -> Option<bool> {
    filter.decide(&|path, test| {
        let name = &path.attr.attribute;
        match parent.sub(name) {
            Some(attribute) => test_value(attribute, element.get(name), test, folds),
            None => test_value(parent, Some(element), test, folds),
        }
    })
}

/// Whether two values of an attribute are equal by its type; `None` when one is unknown.
pub(in crate::scim) fn equal(attribute: &Attribute, a: &Value, b: &Value) -> Option<bool> {
    compare(attribute, Operator::Eq, a, b, &Folds::default())
}

/// Whether a value stands for one that only the vendor knows.
pub(in crate::scim) fn is_unknown(value: &Value) -> bool {
    value.as_str() == Some(UNKNOWN)
}

fn test_resource<'v>(
    path: &'v Path,
    test: &'v Test,
    resource: &'v Object,
    types: &ResourceType,
    folds: &Folds<'v>,
) -> Option<bool> {
    let Some(attribute) = types.root(&path.attr) else {
        return Some(false);
    };
    let value = held(&path.attr, resource);
    if value.is_some_and(is_unknown) {
        return None;
    }
    if let Some(filter) = &path.filter {
        let elements = value.and_then(Value::as_array).into_iter().flatten();
        return some(elements.map(|element| {
            let part = test_part(attribute, path.sub.as_deref(), element, test, folds);
            every([test_element(filter, element, attribute, folds), part].into_iter())
        }));
    }
    match value {
        Some(Value::Array(elements)) if !elements.is_empty() => some(
            elements
                .iter()
                .map(|item| test_part(attribute, path.attr.sub.as_deref(), item, test, folds)),
        ),
        Some(one) => test_part(attribute, path.attr.sub.as_deref(), one, test, folds),
        None => test_value(attribute, None, test, folds),
    }
}

/// The value of an attribute in a resource.
fn held<'r>(path: &AttrPath, resource: &'r Object) -> Option<&'r Value> {
    let holder = match &path.schema {
        Some(urn) => resource.get(urn)?.as_object()?,
        None => resource,
    };
    holder.get(&path.attribute)
}

fn test_part<'v>(
    attribute: &Attribute,
    sub: Option<&str>,
    value: &'v Value,
    test: &'v Test,
    folds: &Folds<'v>,
) -> Option<bool> {
    match sub.and_then(|sub| attribute.sub(sub)) {
        Some(part) => test_value(part, value.get(&part.name), test, folds),
        None => test_value(attribute, Some(value), test, folds),
    }
}

/// Absent, null and empty are one state (RFC 7643 §2.5).
fn test_value<'v>(
    attribute: &Attribute,
    value: Option<&'v Value>,
    test: &'v Test,
    folds: &Folds<'v>,
) -> Option<bool> {
    let value = value.filter(|value| !is_empty(value));
    match (test, value) {
        (_, Some(value)) if is_unknown(value) => None,
        (Test::Present, value) => Some(value.is_some()),
        (Test::Compare(operator, expected), Some(value)) => {
            compare(attribute, *operator, value, expected, folds)
        }
        (Test::Compare(Operator::Eq, expected), None) => Some(expected.is_null()),
        (Test::Compare(Operator::Ne, expected), None) => Some(!expected.is_null()),
        (Test::Compare(..), None) => Some(false),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}

fn compare<'v>(
    attribute: &Attribute,
    operator: Operator,
    a: &'v Value,
    b: &'v Value,
    folds: &Folds<'v>,
) -> Option<bool> {
    if is_unknown(a) || is_unknown(b) || !work::compare(a, b) {
        return None;
    }
    let order = || order(attribute, a, b, folds);
    let texts = |holds: fn(&str, &str) -> bool| texts(attribute, a, b, holds, folds);
    let verdict = match operator {
        Operator::Eq => same(attribute, a, b, folds),
        Operator::Ne => !same(attribute, a, b, folds),
        Operator::Co => texts(|a, b| a.contains(b)),
        Operator::Sw => texts(|a, b| a.starts_with(b)),
        Operator::Ew => texts(|a, b| a.ends_with(b)),
        Operator::Gt => order().is_some_and(Ordering::is_gt),
        Operator::Ge => order().is_some_and(Ordering::is_ge),
        Operator::Lt => order().is_some_and(Ordering::is_lt),
        Operator::Le => order().is_some_and(Ordering::is_le),
    };
    Some(verdict)
}

fn same<'v>(attribute: &Attribute, a: &'v Value, b: &'v Value, folds: &Folds<'v>) -> bool {
    match (attribute.kind, a, b) {
        (Kind::String | Kind::Reference, Value::String(a), Value::String(b)) => {
            a == b || (!attribute.case_exact && folds.same(a, b))
        }
        (Kind::DateTime | Kind::Integer | Kind::Decimal, a, b) => {
            a == b || order(attribute, a, b, folds) == Some(Ordering::Equal)
        }
        _ => a == b,
    }
}

fn texts<'v>(
    attribute: &Attribute,
    a: &'v Value,
    b: &'v Value,
    holds: fn(&str, &str) -> bool,
    folds: &Folds<'v>,
) -> bool {
    let (Some(a), Some(b)) = (a.as_str(), b.as_str()) else {
        return false;
    };
    if attribute.case_exact || attribute.kind == Kind::Binary {
        return holds(a, b);
    }
    holds(&folds.of(a), &folds.of(b))
}

fn order<'v>(
    attribute: &Attribute,
    a: &'v Value,
    b: &'v Value,
    folds: &Folds<'v>,
) -> Option<Ordering> {
    match attribute.kind {
        Kind::DateTime => Some(instant(a.as_str()?)?.cmp(&instant(b.as_str()?)?)),
        Kind::Integer | Kind::Decimal => a.as_f64()?.partial_cmp(&b.as_f64()?),
        _ if attribute.case_exact => Some(a.as_str()?.cmp(b.as_str()?)),
        _ => Some((*folds.of(a.as_str()?)).cmp(&*folds.of(b.as_str()?))),
    }
}

/// False wins over unknown, unknown over true.
pub(in crate::scim) fn every(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    some(verdicts.map(|verdict| verdict.map(|value| !value))).map(|value| !value)
}

/// True wins over unknown, unknown over false.
pub(in crate::scim) fn some(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(false);
    for verdict in verdicts {
        match verdict {
            Some(true) => return Some(true),
            Some(false) => {}
            None => result = None,
        }
    }
    result
}
