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
