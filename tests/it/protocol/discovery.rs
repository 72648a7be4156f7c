//! What the service tells of itself, and that it is true.

use serde_json::{Map, Value, json};

use super::{Service, refused, unique};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// R01 R02 R03 R151
#[tokio::test]
async fn the_service_tells_what_it_can() {
    let service = Service::strict().await;
    let config = service.get("/ServiceProviderConfig").await;
    let schema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    assert_eq!(config["schemas"], json!([schema]));
    assert_eq!(config["meta"]["resourceType"], "ServiceProviderConfig");
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        assert!(config[feature]["supported"].is_boolean(), "{feature}");
    }
    for limit in [
        "/bulk/maxOperations",
        "/bulk/maxPayloadSize",
        "/filter/maxResults",
    ] {
        assert!(config.pointer(limit).is_some_and(Value::is_u64), "{limit}");
    }
    let schemes = config["authenticationSchemes"].as_array().unwrap();
    for part in ["type", "name", "description"] {
        assert!(
            schemes.iter().all(|scheme| scheme[part].is_string()),
            "{part}"
        );
    }
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
    assert_eq!(config["pagination"]["cursor"], true);
    assert!(config["pagination"]["cursorTimeout"].is_u64());
}

/// R04 R05 R06 R07 R08 R122
#[tokio::test]
async fn types_and_schemas_name_each_other() {
    let service = Service::strict().await;
    let types = resources(&service, "/ResourceTypes").await;
    let schemas = resources(&service, "/Schemas").await;
    let mut named = Vec::new();
    for kind in &types {
        for member in ["id", "name", "endpoint", "schema"] {
            assert!(kind[member].is_string(), "{member} of {kind}");
        }
        let name = kind["name"].as_str().unwrap();
        assert_eq!(service.get(&format!("/ResourceTypes/{name}")).await, *kind);
        named.push(kind["schema"].clone());
        for extension in kind["schemaExtensions"].as_array().into_iter().flatten() {
            assert!(extension["required"].is_boolean(), "{extension}");
            named.push(extension["schema"].clone());
        }
    }
    let published: Vec<Value> = schemas.iter().map(|schema| schema["id"].clone()).collect();
    let is_message = |urn: &Value| urn.as_str().unwrap().contains(":api:messages:");
    assert!(!published.iter().any(is_message), "{published:?}");
    assert!(
        named.iter().all(|urn| published.contains(urn)),
        "{named:?} {published:?}"
    );
    assert!(
        published.iter().all(|urn| named.contains(urn)),
        "{named:?} {published:?}"
    );
    for schema in &schemas {
        let urn = schema["id"].as_str().unwrap();
        assert_eq!(service.get(&format!("/Schemas/{urn}")).await, *schema);
    }
    for path in ["/ResourceTypes/Device", "/Schemas/urn:example:none"] {
        refused(&service.tenant.get(path).await, 404, "", path);
    }
}

/// R09 R10 R13
#[tokio::test]
async fn discovery_is_read_and_not_queried() {
    let service = Service::strict().await;
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        let plain = service.get(path).await;
        let asked = service
            .get(&format!("{path}?startIndex=2&count=1&sortBy=name"))
            .await;
        assert_eq!(plain, asked, "{path}");
        let filtered = service.tenant.get(&format!("{path}?filter=id+pr")).await;
        refused(&filtered, 403, "", path);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let response = service.ask(&format!("{method} {path}"), None).await;
            refused(&response, 405, "", method);
            assert_eq!(response.header("allow"), "GET", "{method} {path}");
        }
    }
}

/// R11 R12
#[tokio::test]
async fn attributes_carry_their_characteristics() {
    let service = Service::strict().await;
    for schema in resources(&service, "/Schemas").await {
        for attribute in schema["attributes"].as_array().unwrap() {
            characteristics(attribute);
        }
    }
    let user = service
        .get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User")
        .await;
    let group = service
        .get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group")
        .await;
    let name = attribute(&user, "userName");
    for (characteristic, want) in [
        ("required", json!(true)),
        ("caseExact", json!(false)),
        ("uniqueness", json!("server")),
        ("multiValued", json!(false)),
    ] {
        assert_eq!(name[characteristic], want, "{characteristic} of userName");
    }
    assert_eq!(attribute(&user, "groups")["mutability"], "readOnly");
    assert_eq!(attribute(&group, "displayName")["required"], true);
    let members = attribute(&group, "members");
    let value = members["subAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["name"] == "value");
    assert_eq!(value.unwrap()["mutability"], "immutable");
}

/// R123 R133: whatever is published as writable is kept and answered as it was sent.
#[tokio::test]
async fn nothing_published_is_dropped() {
    let service = Service::strict().await;
    let manager = service.user(json!({})).await;
    let mut body = Map::new();
    let mut urns = Vec::new();
    for schema in resources(&service, "/Schemas").await {
        let urn = schema["id"].as_str().unwrap();
        if !urn.ends_with(":User") {
            continue;
        }
        urns.push(json!(urn));
        let values = object(&schema["attributes"], &manager["id"]);
        match urn.contains(":core:") {
            true => body.extend(values),
            false => drop(body.insert(urn.to_owned(), Value::Object(values))),
        }
    }
    body.insert("userName".to_owned(), unique("all-").into());
    body.insert("schemas".to_owned(), Value::Array(urns));
    let made = service
        .tenant
        .post("/Users", &Value::Object(body.clone()))
        .await;
    assert_eq!(made.status, 201, "{made}");
    let read = service.get(&super::at(&made.json())).await;
    assert!(body.len() > 20, "{} attributes are tried", body.len());
    for (name, sent) in &body {
        holds(&read[name], sent, name);
    }
}

#[track_caller]
fn holds(read: &Value, sent: &Value, place: &str) {
    match (read, sent) {
        (Value::Object(read), Value::Object(sent)) => {
            for (name, sent) in sent {
                let read = read.get(name).unwrap_or(&Value::Null);
                holds(read, sent, &format!("{place}.{name}"));
            }
        }
        (Value::Array(read), Value::Array(sent)) if place != "schemas" => {
            assert_eq!(read.len(), sent.len(), "{place}");
            read.iter()
                .zip(sent)
                .for_each(|(read, sent)| holds(read, sent, place));
        }
        _ => assert_eq!(read, sent, "{place}"),
    }
}

async fn resources(service: &Service, path: &str) -> Vec<Value> {
    let list = service.get(path).await;
    assert_eq!(list["schemas"], json!([LIST]), "{path}");
    let resources = list["Resources"].as_array().unwrap().clone();
    assert_eq!(list["totalResults"], resources.len(), "{path}");
    resources
}

fn attribute<'s>(schema: &'s Value, name: &str) -> &'s Value {
    let mut attributes = schema["attributes"].as_array().unwrap().iter();
    attributes
        .find(|attribute| attribute["name"] == name)
        .unwrap()
}

fn characteristics(attribute: &Value) {
    let one_of = |name: &str, words: &[&str]| {
        let word = attribute[name].as_str().unwrap_or_default();
        assert!(words.contains(&word), "{name} of {attribute}");
    };
    assert!(
        attribute["name"].is_string() && attribute["description"].is_string(),
        "{attribute}"
    );
    assert!(
        attribute["multiValued"].is_boolean() && attribute["required"].is_boolean(),
        "{attribute}"
    );
    one_of(
        "type",
        &[
            "string",
            "boolean",
            "decimal",
            "integer",
            "dateTime",
            "binary",
            "reference",
            "complex",
        ],
    );
    one_of(
        "mutability",
        &["readOnly", "readWrite", "immutable", "writeOnly"],
    );
    one_of("returned", &["always", "never", "default", "request"]);
    let parts = attribute["subAttributes"].as_array();
    assert_eq!(
        parts.is_some(),
        attribute["type"] == "complex",
        "{attribute}"
    );
    if attribute["type"] == "reference" {
        assert!(attribute["referenceTypes"].is_array(), "{attribute}");
    }
    parts.into_iter().flatten().for_each(characteristics);
}

/// A value for each attribute a client may write.
fn object(attributes: &Value, user: &Value) -> Map<String, Value> {
    let told = |attribute: &&Value| attribute["mutability"] != "writeOnly";
    let written = |attribute: &&Value| attribute["mutability"] != "readOnly" && told(attribute);
    let attributes = attributes.as_array().unwrap().iter().filter(written);
    let values = attributes.filter_map(|attribute| {
        Some((
            attribute["name"].as_str()?.to_owned(),
            value(attribute, user)?,
        ))
    });
    values.collect()
}

fn value(attribute: &Value, user: &Value) -> Option<Value> {
    let name = attribute["name"].as_str()?;
    let one = match attribute["type"].as_str()? {
        "boolean" => json!(true),
        "integer" => json!(7),
        "decimal" => json!(1.5),
        "dateTime" => json!("2026-01-31T12:00:00Z"),
        "binary" => json!("QUJD"),
        "reference" if name == "$ref" => return None,
        "reference" => json!("https://example.com/x"),
        "complex" if name == "manager" => json!({"value": user}),
        "complex" => Value::Object(object(&attribute["subAttributes"], user)),
        _ => match attribute["canonicalValues"].as_array() {
            Some(words) => words.first()?.clone(),
            None => json!(format!("a {name}")),
        },
    };
    Some(match attribute["multiValued"] == true {
        true => json!([one]),
        false => one,
    })
}
