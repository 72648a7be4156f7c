//! `bulkId:x` in values.

use std::collections::BTreeSet;

use super::*;

/// The value with `<x>` for each reference to x, and the bulkIds found.
#[track_caller]
fn check(value: Value, resolved: Value, bulk_ids: &[&str]) {
    let mut found = BTreeSet::new();
    reference::each(&value, &mut |bulk_id| {
        found.insert(bulk_id);
    });
    assert_eq!(found, bulk_ids.iter().copied().collect(), "{value}");
    let mut value = value.clone();
    let id_of = |bulk_id: &str| match bulk_id {
        "a" => Ok("id a"),
        "b" => Ok("id\"b"),
        _ => Ok("?"),
    };
    reference::resolve(&mut value, &id_of).unwrap();
    assert_eq!(value, resolved);
}

#[test]
fn a_reference_is_a_whole_string_anywhere_in_the_data() {
    // R105
    check(json!("bulkId:a"), json!("id a"), &["a"]);
    check(
        json!({ "members": [{ "value": "bulkId:a" }, { "value": "7" }], "x": { "y": ["bulkId:b"] } }),
        json!({ "members": [{ "value": "id a" }, { "value": "7" }], "x": { "y": ["id\"b"] } }),
        &["a", "b"],
    );
    for text in [
        "bulkid:a",
        "a bulkId:a",
        " bulkId:a",
        "bulkId",
        "\"bulkId:a\"",
        "/Users/bulkId:a",
    ] {
        check(
            json!({ "displayName": text }),
            json!({ "displayName": text }),
            &[],
        );
    }
    check(
        json!({ "bulkId:a": [1, true, null] }),
        json!({ "bulkId:a": [1, true, null] }),
        &[],
    );
}

#[test]
fn a_url_holds_one_at_its_end() {
    check(
        json!({ "$ref": "https://x/scim/v2/Users/bulkId:a" }),
        json!({ "$ref": "https://x/scim/v2/Users/id%20a" }),
        &["a"],
    );
    check(
        json!({ "$ref": "../Users/bulkId:b" }),
        json!({ "$ref": "../Users/id%22b" }),
        &["b"],
    );
    check(
        json!({ "$ref": "bulkId:a" }),
        json!({ "$ref": "id a" }),
        &["a"],
    );
    check(
        json!({ "$ref": "/bulkId:a/x" }),
        json!({ "$ref": "/bulkId:a/x" }),
        &[],
    );
}

#[test]
fn a_patch_path_holds_them_between_quotes() {
    check(
        json!([{ "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:b\"]" }]),
        json!([{ "path": "members[value eq \"id a\" or value eq \"id\\\"b\"]" }]),
        &["a", "b"],
    );
    for path in [
        "members",
        "x[y eq \"bulkId:a",
        "x[y eq \"abulkId:a\"]",
        "\"",
        "x[y eq bulkId:a]",
    ] {
        check(json!({ "path": path }), json!({ "path": path }), &[]);
    }
    check(
        json!({ "path": "é\"bulkId:a\"é" }),
        json!({ "path": "é\"id a\"é" }),
        &["a"],
    );
}
