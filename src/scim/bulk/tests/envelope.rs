//! What is a bulk request, and where its operations may go.

use super::*;

#[track_caller]
fn refused(body: Value, status: u16, why: &str) {
    let error = Bulk::parse(body, &service(Profile::Strict)).unwrap_err();
    assert_eq!(error.status, status, "{error}");
    assert!(error.detail.contains(why), "{error}");
}

fn with(operations: Value) -> Value {
    json!({ "schemas": [REQUEST_SCHEMA], "Operations": operations })
}

#[test]
fn what_is_no_bulk_request_is_refused_as_a_whole() {
    refused(json!([]), 400, "must be a JSON object");
    refused(
        json!({ "Operations": [delete("/Users/1")] }),
        400,
        "schemas must contain",
    );
    refused(
        json!({ "schemas": [REQUEST_SCHEMA] }),
        400,
        "Operations must be a list",
    );
    refused(with(json!({})), 400, "Operations must be a list");
    refused(with(json!([])), 400, "at least one");
    refused(
        with(json!(["x"])),
        400,
        "Operations[0]: an operation must be an object",
    );
    let second = |operation: Value| with(json!([delete("/Users/1"), operation]));
    refused(
        second(json!({ "path": "/Users/1" })),
        400,
        "Operations[1]: method must be",
    );
    for method in [json!("GET"), json!("HEAD"), json!("")] {
        refused(
            second(json!({ "method": method, "path": "/Users" })),
            400,
            "method must be POST",
        );
    }
    refused(
        second(json!({ "method": 1, "path": "/Users" })),
        400,
        "method must be a string",
    );
    refused(
        second(json!({ "method": "DELETE" })),
        400,
        "path is required",
    );
    refused(
        second(json!({ "method": "DELETE", "path": ["/Users"] })),
        400,
        "path must be a string",
    );
    refused(
        second(json!({ "method": "POST", "path": "/Users" })),
        400,
        "a POST needs a bulkId",
    );
    refused(
        second(json!({ "method": "POST", "path": "/Users", "bulkId": "" })),
        400,
        "empty",
    );
    refused(
        second(json!({ "method": "POST", "path": "/Users", "bulkId": 7 })),
        400,
        "bulkId must be a string",
    );
    refused(second(user(&"b".repeat(257), json!({}))), 400, "256 bytes");
    refused(
        second(json!({ "method": "PUT", "path": "/Users/1", "version": 1 })),
        400,
        "version must be",
    );
    refused(
        with(json!([user("a", json!({})), user("a", json!({}))])),
        400,
        r#"the bulkId "a" stands"#,
    );
}

#[test]
fn fail_on_errors_is_a_count() {
    let body = |count: Value| json!({ "schemas": [REQUEST_SCHEMA], "failOnErrors": count, "Operations": [delete("/Users/1")] });
    for count in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("1"),
        json!(true),
        json!([]),
    ] {
        refused(body(count), 400, "failOnErrors");
    }
    for count in [json!(1), json!(u64::MAX), json!(null)] {
        assert!(Bulk::parse(body(count), &service(Profile::Strict)).is_ok());
    }
}

#[test]
fn more_operations_than_promised_are_refused_naming_the_limit() {
    // R114
    let many = |count: usize| with(vec![delete("/Users/1"); count].into());
    refused(many(101), 413, "maxOperations is 100");
    assert!(Bulk::parse(many(100), &service(Profile::Strict)).is_ok());
}

#[test]
fn members_are_found_in_any_case_and_the_tolerant_need_no_schemas() {
    let body = json!({ "operations": [
        { "METHOD": "delete", "Path": "Users/1/", "bulkid": null, "Version": null, "x": 1 }] });
    let bulk = Bulk::parse(body, &service(Profile::Entra)).unwrap();
    let mut server = Server::default();
    carry_out(bulk, &mut server);
    assert_eq!(server.asked, ["DELETE Users 1"]);
}

#[test]
fn an_operation_goes_to_resources_and_nowhere_else() {
    let refused = [
        "",
        "/",
        "/Bulk",
        "/Me",
        "/Schemas",
        "/ServiceProviderConfig",
        "/ResourceTypes/User",
        "/.search",
        "/Users/.search",
        "/Users/%2Esearch",
        "/Users/%2esearch",
        "/Devices/1",
        "/Users/1/2",
        "/Users/1/../2",
        "/t/other/scim/v2/Users/1",
        "/scim/v2/Users/1",
        "https://x/scim/v2/Users/1",
        "//other.example/Users/1",
        "/Users?filter=x",
        "/Users/1?attributes=id",
        "/Users/1#x",
        "/Users/%ff",
        "/%55sers/1",
        "\\Users\\1",
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for path in refused {
            let operation = json!({ "method": method, "path": path, "bulkId": "a", "data": {} });
            check(operation, 400, "invalidPath");
        }
    }
    for path in [
        "/Users/..",
        "/Users/%2e%2e",
        "/Users/a%2fb",
        "/Users/a%5Cb",
        "/Users/%00",
    ] {
        check(delete(path), 404, "");
    }
    check(delete(&format!("/Users/{}", "a".repeat(257))), 404, "");
    check(delete("/Users"), 405, "");
    check(
        json!({ "method": "POST", "path": "/Users/1", "bulkId": "a", "data": {} }),
        405,
        "",
    );
    check(
        json!({ "method": "PUT", "path": "/Users/1" }),
        400,
        "invalidSyntax",
    );
    check(
        json!({ "method": "PUT", "path": "/Users/1", "data": [] }),
        400,
        "",
    );
    check(
        json!({ "method": "PATCH", "path": "/Users/1", "data": "x" }),
        400,
        "invalidSyntax",
    );
}

/// Refused as the operation's own answer, with nothing asked.
#[track_caller]
fn check(operation: Value, status: u16, scim_type: &str) {
    let mut server = Server::default();
    let answer = carry_out(bulk(json!([operation.clone()])).unwrap(), &mut server);
    let answer = &answer["Operations"][0];
    assert_eq!(server.asked, [""; 0], "{operation}");
    assert_eq!(
        answer["status"],
        status.to_string(),
        "{operation}: {answer}"
    );
    assert_eq!(answer["response"]["status"], status.to_string());
    if !scim_type.is_empty() {
        assert_eq!(answer["response"]["scimType"], scim_type, "{operation}");
    }
}

#[test]
fn a_message_is_one_request_or_many() {
    let service = service(Profile::Entra);
    let body = || Some(with(json!([delete("/Users/1")])));
    for path in ["/Bulk", "//Bulk/"] {
        let message = Message::parse("POST", path, None, body(), &service).unwrap();
        assert!(matches!(message, Message::Bulk(_)), "{path}");
    }
    let message = Message::parse("GET", "/Users", None, None, &service).unwrap();
    assert!(matches!(message, Message::Single(_)));
    for (method, path, status) in [
        ("GET", "/Bulk", 405),
        ("POST", "/Bulk/1", 404),
        ("POST", "/bulk", 404),
    ] {
        let error = Message::parse(method, path, None, body(), &service).unwrap_err();
        assert_eq!(error.status, status, "{method} {path}");
    }
    assert_eq!(
        Message::parse("POST", "/Bulk", None, None, &service)
            .unwrap_err()
            .status,
        400
    );
}
