//! Structure and size.

use super::*;

#[track_caller]
fn refused(body: Value, want: &str) {
    let error = PatchRequest::parse(body, &types('u'), Profile::Entra).unwrap_err();
    assert!(error.to_string().contains(want), "{error}");
}

#[test]
fn structure() {
    refused(json!([]), "the body must be a JSON object");
    refused(json!({}), "Operations must be a list"); // R171
    refused(json!({ "Operations": {} }), "Operations must be a list");
    refused(json!({ "Operations": [] }), "at least one");
    refused(
        json!({ "Operations": ["x"] }),
        "an operation must be an object",
    );
    refused(json!({ "Operations": [{ "path": "title" }] }), "op must be");
    refused(
        json!({ "Operations": [{ "op": "add", "path": 1 }] }),
        "path must be a string",
    );
    refused(
        json!({ "Operations": [{ "op": "add", "value": [] }] }),
        "must be an object",
    );
    let unmarked = json!({ "Operations": [{ "op": "remove", "path": "title" }] });
    let strict = PatchRequest::parse(unmarked.clone(), &types('u'), Profile::Strict).unwrap_err();
    assert!(strict.detail.contains("PatchOp"));
    assert!(PatchRequest::parse(unmarked, &types('u'), Profile::Okta).is_ok());
}

#[test]
fn sizes() {
    let operation = json!({ "op": "replace", "path": "title", "value": "x" });
    let many = |count: usize| json!({ "Operations": vec![operation.clone(); count] });
    assert!(PatchRequest::parse(many(1000), &types('u'), Profile::Entra).is_ok());
    refused(many(1001), "413: more than 1000 operations");
    let members = |count: usize| {
        let list: Vec<Value> = (0..count)
            .map(|id| json!({ "value": id.to_string(), "$ref": null }))
            .collect();
        json!({ "Operations": [{ "op": "add", "path": "members", "value": list }] })
    };
    assert!(PatchRequest::parse(members(5000), &types('g'), Profile::Entra).is_ok());
    let emails: Vec<Value> = (0..501)
        .map(|id| json!({ "value": id.to_string() }))
        .collect();
    refused(
        json!({ "Operations": [{ "op": "add", "path": "emails", "value": emails }] }),
        "emails has more than 500 values",
    );
    refused(members(5100), "413: more than 5000 values");
    refused(
        json!({ "Operations": [{ "op": "remove", "path": "x".repeat(513) }] }),
        "path longer than 512",
    );
    let key = "k".repeat(513);
    refused(
        json!({ "Operations": [{ "op": "add", "value": { key: 1 } }] }),
        "path longer than 512",
    );
}

#[test]
fn lists_cannot_be_grown_beyond_comparison() {
    let half = |from: u32| -> Vec<Value> {
        (from..from + 300)
            .map(|id| json!({ "value": id.to_string() }))
            .collect()
    };
    let operation = |from| json!({ "op": "add", "path": "emails", "value": half(from) });
    let operations = json!([operation(0), operation(300)]).to_string();
    check("{}", &operations, "emails has more than 500 values");
}

#[test]
fn members_without_id_are_refused() {
    let by_ref = json!({ "Operations": [
        { "op": "add", "path": "members", "value": [{ "$ref": "https://x/Users/u1" }] }
    ] });
    let error = PatchRequest::parse(by_ref, &types('g'), Profile::Entra).unwrap_err();
    assert_eq!(error.detail, "members must each have a value");
}

#[test]
fn a_value_must_be_there() {
    strict(
        "{}",
        r#"[{"op":"add","path":"title"}]"#,
        "invalidValue: add and replace need a value",
    );
    check(
        r#"{"title":"a"}"#,
        r#"[{"op":"replace","path":"title"}]"#,
        "{}",
    );
}

#[test]
fn odd_keys_are_skipped_odd_paths_refused() {
    check(
        "{}",
        r#"[{"op":"replace","value":{"a b":1,"":2,"emails[":3,"title":"x"}}]"#,
        r#"{"title":"x"}"#,
    );
    check(
        "{}",
        r#"[{"op":"replace","path":"extension#1","value":"x"}]"#,
        "{}",
    );
    check(
        "{}",
        r#"[{"op":"replace","path":"emails[type","value":"x"}]"#,
        "invalidPath",
    );
    for path in [".title", "title.", "name..givenName", "emails/value"] {
        let operation = format!(r#"[{{"op":"replace","path":"{path}","value":"x"}}]"#);
        check("{}", &operation, "invalidPath");
    }
    // A dot after the URN, as some of Entra's attribute lists have it.
    check(
        "{}",
        r#"[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User.title","value":"x"}]"#,
        r#"{"title":"x"}"#,
    );
    check(
        "{}",
        r#"[{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.employeeNumber","value":"7"}]"#,
        r#"{"schemas":["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"7"}}"#,
    );
    strict(
        "{}",
        r#"[{"op":"replace","value":{"a b":1}}]"#,
        "invalidPath",
    );
}
