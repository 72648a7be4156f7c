//! What a PUT may not change (RFC 7644 §3.5.1).

use serde_json::Value;

use super::filter::equal;
use super::leaf::list_schema;
use super::resource::extension;
use super::schema::{Attribute, Mutability};
use super::{Object, ResourceType, ScimError};

/// Whether a PUT must be held against the resource as it is: some attribute is set only once. Of
/// lists (`members`) elements are replaced, not changed, so their parts do not count.
pub fn is_any(types: &ResourceType) -> bool {
    types.attributes().any(|(_, attribute)| concerns(attribute))
}

/// Keeps in `after` the immutable values of `before`, which silence does not clear. Both are in
/// canonical form.
///
/// # Errors
/// `mutability` where `after` has another value.
pub fn keep(before: &Object, after: &mut Object, types: &ResourceType) -> Result<(), ScimError> {
    for (urn, attribute) in types.attributes() {
        let held = match urn {
            None => before.get(&attribute.name),
            Some(urn) => before.get(urn).and_then(|held| held.get(&attribute.name)),
        };
        let Some(held) = held.filter(|_| concerns(attribute)) else {
            continue;
        };
        let holder = match urn {
            None => &mut *after,
            Some(urn) => {
                list_schema(after, urn);
                extension(after, urn)
            }
        };
        keep_attribute(holder, attribute, held)?;
    }
    Ok(())
}

fn keep_attribute(
    holder: &mut Object,
    attribute: &Attribute,
    held: &Value,
) -> Result<(), ScimError> {
    if is_immutable(attribute) {
        return keep_value(holder, attribute, held);
    }
    let parts = attribute.sub_attributes.iter();
    for part in parts.filter(|part| is_immutable(part)) {
        let Some(held) = held.get(&part.name) else {
            continue;
        };
        let slot = holder
            .entry(attribute.name.as_str())
            .or_insert_with(|| Value::Object(Object::new()));
        if let Some(parts) = slot.as_object_mut() {
            keep_value(parts, part, held)?;
        }
    }
    Ok(())
}

fn keep_value(holder: &mut Object, attribute: &Attribute, held: &Value) -> Result<(), ScimError> {
    match holder.get(&attribute.name) {
        Some(new) if equal(attribute, held, new) != Some(true) => Err(ScimError::mutability(
            format!("{} is immutable", attribute.name),
        )),
        _ => {
            holder.insert(attribute.name.clone(), held.clone());
            Ok(())
        }
    }
}

fn concerns(attribute: &Attribute) -> bool {
    let has_part = attribute.sub_attributes.iter().any(is_immutable);
    is_immutable(attribute) || (!attribute.multi_valued && has_part)
}

fn is_immutable(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::Immutable
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::scim::schema::{Extension, Schema};
    use crate::scim::tests::object;

    /// A user with an immutable attribute, and one that is part of another.
    fn types() -> ResourceType {
        let text = include_str!("../../tests/data/kit.json").replace(KIT, "KIT");
        let schema: Schema = serde_json::from_str(&text).unwrap();
        let mut user = ResourceType::user();
        user.extensions.push(Extension {
            schema: Arc::new(schema),
            required: false,
        });
        user
    }

    const KIT: &str = "urn:example:params:scim:schemas:extension:kit:2.0:User";

    /// `want`: the resource to be written, or a part of the refusal.
    #[track_caller]
    fn check(before: &str, after: &str, want: &str) {
        let mut got = object(after);
        match keep(&object(before), &mut got, &types()) {
            Ok(()) => assert_eq!(got, object(want), "{after}"),
            Err(error) => assert!(error.to_string().contains(want), "{error}"),
        }
    }

    #[test]
    fn a_put_is_held_against_what_is_set_once() {
        // R147
        let set = r#"{"schemas":["KIT"],"title":"a","KIT":{"serial":"s1","desk":{"number":"n","room":"r"}}}"#;
        check("{}", set, set);
        check(set, set, set);
        check(
            set,
            r#"{"schemas":["KIT"],"KIT":{"serial":"S1","desk":{"room":"q"}}}"#,
            r#"{"schemas":["KIT"],"KIT":{"serial":"s1","desk":{"room":"q","number":"n"}}}"#,
        );
        check(
            set,
            r#"{"title":"b"}"#,
            r#"{"title":"b","schemas":["KIT"],"KIT":{"serial":"s1","desk":{"number":"n"}}}"#,
        );
        check(set, r#"{"KIT":{"serial":"s2"}}"#, "serial is immutable");
        check(
            set,
            r#"{"KIT":{"desk":{"number":"m"}}}"#,
            "number is immutable",
        );
        check(r#"{"title":"a"}"#, r#"{"title":"b"}"#, r#"{"title":"b"}"#);
    }

    #[test]
    fn only_types_that_have_such_attributes_are_read() {
        assert!(is_any(&types()));
        assert!(!is_any(&ResourceType::user()) && !is_any(&ResourceType::group()));
    }
}
