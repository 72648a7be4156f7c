//! The text that is written of a user says what the tree says.

use serde_json::{Value, json};

use super::*;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::read::{ReadValue, Reading};
use crate::adapter::mapping::remember::{assemble, finish};
use crate::adapter::remembered::ValueOverride;
use crate::scim::version::version;

const LOCATION: &str = "https://x/scim/v2/Users/7";

/// One attribute of each kind that a table can have.
const ROWS: &str = r#"
fn user_attributes() {
    [
        attr("userName", "login").required().lookup("login"),
        attr("active", "on"),
        attr("name.givenName", "first"),
        attr("name.familyName", "last"),
        attr(`emails[type eq "work"].value`, "mail").primary(),
        attr(`emails[type eq "work"].display`, "shown"),
        attr(`emails[type eq "home"].value`, "private"),
        attr(`phoneNumbers[primary eq true].value`, "phone"),
        attr("roles", "roles"),
        attr("meta.created", "made"),
        attr("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "team"),
        attr("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "boss").reference("User"),
    ]
}"#;

fn values() -> [Value; 12] {
    [
        json!("ad\"a\n"),
        json!(true),
        json!("Ada"),
        json!("L\u{f6}"),
        json!("a@x"),
        json!("A"),
        json!("b@x"),
        json!("+41"),
        json!([{"value": "admin", "type": "x"}, {"value": "user"}]),
        json!("2026-11-30T00:00:00Z"),
        json!("R&D"),
        json!("9"),
    ]
}

/// The reading with those values whose bit is set.
fn reading(bits: usize) -> Reading {
    let values = values().into_iter().enumerate();
    Reading {
        id: NativeId::new("7"),
        values: values
            .map(|(row, value)| ReadValue {
                row,
                native: value.clone(),
                scim: (bits >> row & 1 == 1).then_some(value),
            })
            .collect(),
    }
}

fn as_tree(mapping: &Mapping, reading: &Reading, remembered: &Remembered) -> Object {
    let mut tree = assemble(mapping, reading, remembered);
    tree.shift_insert(1, "id".into(), "7".into());
    let version = version(&tree);
    finish(mapping.kind, &mut tree, LOCATION.into(), version);
    tree
}

fn as_text(mapping: &Mapping, reading: &Reading, remembered: &Remembered) -> Option<String> {
    let mut text = Vec::new();
    let version = mapping.write_text(reading, remembered, "7", LOCATION, &mut text);
    let text = String::from_utf8(text).unwrap();
    assert_eq!(version.is_none(), text.is_empty());
    assert!(version.is_none_or(|version| text.contains(&json!(version).to_string())));
    (!text.is_empty()).then_some(text)
}

#[test]
fn text_and_tree_are_the_same_whatever_a_user_has() {
    let mut mapping = Bench::new(ROWS).unwrap().mapping;
    let none = Remembered::default();
    for bits in 0..1 << 12 {
        if bits % 256 == 0 {
            assert!(bits == 0 || as_text(&mapping, &reading(bits), &none).is_none());
            mapping = mapping.clone();
        }
        let reading = reading(bits);
        let text = as_text(&mapping, &reading, &none);
        // Whoever has a manager is answered with where that is.
        assert_eq!(text.is_none(), bits >> 11 == 1, "{bits:b}");
        if let Some(text) = text.filter(|_| bits % 7 == 0 || bits < 300) {
            let tree = as_tree(&mapping, &reading, &none);
            assert_eq!(text, Value::Object(tree).to_string(), "{bits:b}");
        }
    }
}

#[test]
fn the_clients_own_value_is_answered_while_the_vendor_holds_what_it_became() {
    let bench = Bench::new(ROWS).unwrap();
    let mut remembered = Remembered::default();
    let mut keep = |attribute: &str, value: Option<Value>, native: Value| {
        let kept = ValueOverride { value, native };
        remembered.overrides.insert(attribute.to_owned(), kept);
    };
    keep("userName", Some(json!("ADA")), values()[0].clone());
    keep("name.givenName", None, json!("Ada"));
    keep("active", Some(json!(false)), json!("another"));
    let reading = reading(0b111);
    let text = as_text(&bench.mapping, &reading, &remembered).unwrap();
    let tree = as_tree(&bench.mapping, &reading, &remembered);
    assert_eq!(text, Value::Object(tree).to_string());
    assert!(text.contains("ADA") && !text.contains("givenName") && text.contains("true"));
    remembered.extra.insert("nickName".into(), "A".into());
    assert_eq!(as_text(&bench.mapping, &reading, &remembered), None);
}

#[test]
fn what_a_text_cannot_say_takes_a_tree() {
    let none = Remembered::default();
    for (table, value) in [
        (r#"attr("active", "on").pending("NEW")"#, json!("NEW")),
        (
            r#"attr(`emails[type eq "work"].primary`, "first")"#,
            json!(true),
        ),
    ] {
        let bench = Bench::new(&format!("fn user_attributes() {{ [{table}] }}")).unwrap();
        let value = ReadValue {
            row: 0,
            native: value.clone(),
            scim: Some(value),
        };
        let reading = Reading {
            id: NativeId::new("7"),
            values: vec![value],
        };
        assert_eq!(as_text(&bench.mapping, &reading, &none), None, "{table}");
    }
}
