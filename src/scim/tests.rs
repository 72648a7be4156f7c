//! What several test modules use.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::{Object, ResourceType};

/// A type by the endpoint's first letter: `u` or `g`.
pub(super) fn types(kind: char) -> ResourceType {
    match kind {
        'g' => ResourceType::group(),
        _ => ResourceType::user(),
    }
}

/// JSON text; `ENT` stands for the URN of the enterprise extension.
pub(super) fn value(text: &str) -> Value {
    let text = text.replace("ENT", super::schema::ENTERPRISE_USER);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(super) fn object(text: &str) -> Object {
    match value(text) {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// Compact text with `ENT` for the URN, for messages.
pub(super) fn print(value: &Value) -> String {
    value
        .to_string()
        .replace(super::schema::ENTERPRISE_USER, "ENT")
}

#[test]
fn kinds_have_their_spellings() {
    use super::ResourceKind::{Group, User};
    assert_eq!(
        (User.as_str(), User.snake(), User.endpoint()),
        ("User", "user", "Users")
    );
    assert_eq!(
        (Group.as_str(), Group.snake(), Group.endpoint()),
        ("Group", "group", "Groups")
    );
    assert_eq!(serde_json::to_string(&Group).unwrap(), "\"group\"");
    assert!(User < Group);
}
