#![allow(clippy::unwrap_used)]

use super::*;
use crate::scim::schema::USER;

fn service() -> Service {
    let all = vec![ResourceType::user(), ResourceType::group()];
    Service {
        published: all.clone(),
        resource_types: all,
        profile: Profile::Entra,
        page_max: 200,
    }
}

fn at<'v>(document: &'v Value, pointer: &str) -> &'v Value {
    document.pointer(pointer).unwrap()
}

#[test]
fn schemas() {
    let document = service().schemas("https://x/scim/v2"); // D-01
    assert_eq!(at(&document, "/totalResults"), 3);
    let ids: Vec<&Value> = at(&document, "/Resources")
        .as_array()
        .unwrap()
        .iter()
        .map(|item| at(item, "/id"))
        .collect();
    assert_eq!(
        ids,
        [
            USER,
            crate::scim::schema::ENTERPRISE_USER,
            crate::scim::schema::GROUP
        ]
    );
    let text = document.to_string();
    assert!(!text.contains("null") && text.contains("\"readWrite\""));
    let location = format!("https://x/scim/v2/Schemas/{USER}");
    assert_eq!(
        at(&document, "/Resources/0/meta/location"),
        &Value::from(location)
    );
    for attribute in at(&document, "/Resources/0/attributes").as_array().unwrap() {
        for characteristic in [
            "name",
            "type",
            "multiValued",
            "required",
            "mutability",
            "returned",
            "uniqueness",
        ] {
            assert!(attribute.get(characteristic).is_some(), "{attribute}"); // R12
        }
    }
}

#[test]
fn single_documents() {
    let service = service();
    assert_eq!(
        at(
            &service.schema_document("", &USER.to_lowercase()).unwrap(),
            "/id"
        ),
        USER
    ); // D-02
    assert!(service.schema_document("", "urn:x").is_none()); // R08
    assert_eq!(
        at(
            &service.resource_type_document("", "User").unwrap(),
            "/endpoint"
        ),
        "/Users"
    );
    assert!(service.resource_type_document("", "Device").is_none()); // R06
}

#[test]
fn resource_types() {
    let document = service().resource_types("b");
    assert_eq!(at(&document, "/Resources/0/endpoint"), "/Users"); // R05
    assert_eq!(
        at(&document, "/Resources/0/schemaExtensions/0/required"),
        false
    );
    assert_eq!(
        at(&document, "/Resources/1/meta/location"),
        "b/ResourceTypes/Group"
    );
}

#[test]
fn configuration() {
    let document = service().service_provider_config("b"); // D-04, R02
    assert_eq!(at(&document, "/patch/supported"), true);
    assert_eq!(
        at(&document, "/filter"),
        &serde_json::json!({ "supported": true, "maxResults": 200 })
    );
    assert_eq!(
        at(&document, "/bulk"),
        &serde_json::json!({ "supported": true, "maxOperations": 100, "maxPayloadSize": 1_048_576 })
    );
    for (feature, offered) in [("changePassword", false), ("sort", true), ("etag", true)] {
        assert_eq!(at(&document, &format!("/{feature}/supported")), offered);
    }
    assert_eq!(
        at(&document, "/pagination"),
        &serde_json::json!({ "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 200, "maxPageSize": 200, "cursorTimeout": 3600 })
    ); // R151, R153
    assert_eq!(
        at(&document, "/authenticationSchemes/0/type"),
        "oauthbearertoken"
    );
}
