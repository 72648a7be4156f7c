//! The document that describes both APIs, used as a generated client would use it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Scene;
use crate::harness::Request;
use crate::serve_command::Served;

/// What stands for a name in a path, and bodies, by operation.
struct Client {
    scene: Scene,
    console: String,
    document: Value,
    called: BTreeSet<String>,
    /// By name.
    places: Vec<(String, String)>,
}

impl Client {
    /// Calls the operation of this id with the body it takes, and gives the answer.
    #[track_caller]
    fn call(&mut self, id: &str, body: Value) -> Value {
        let (path, method, operation) = operations(&self.document)
            .find(|(_, _, operation)| operation["operationId"] == id)
            .unwrap_or_else(|| panic!("no operation {id}"));
        assert_eq!(
            operation.get("requestBody").is_some(),
            !body.is_null(),
            "{id}"
        );
        let mut target = path.to_owned();
        for parameter in operation["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let place = self.places.iter().rfind(|(held, _)| held == name);
            let (_, value) = place.unwrap_or_else(|| panic!("{id}: {name}"));
            target = target.replace(&format!("{{{name}}}"), value);
        }
        let scheme = operation["security"][0].as_object().unwrap();
        let token = match scheme.keys().next().unwrap().as_str() {
            "admin" => self.scene.editor.clone(),
            "console" => self.console.clone(),
            other => panic!("{other}"),
        };
        let answer = self
            .scene
            .ask(&token, &method.to_uppercase(), &target, &body);
        assert!(matches!(answer.status, 200 | 204), "{id}: {answer}");
        let described = &operation["responses"][answer.status.to_string()];
        assert!(described.is_object(), "{id}: {answer}");
        let shape = &described["content"]["application/json"]["schema"];
        assert_eq!(shape.is_object(), answer.status == 200, "{id}");
        self.fits(shape, &answer.json(), id);
        self.called.insert(id.to_owned());
        answer.json()
    }

    fn put(&mut self, name: &str, value: &Value) {
        let value = value.as_str().unwrap().to_owned();
        self.places.push((name.to_owned(), value));
    }

    /// As far as a generated client relies on it: objects have what is required, and nothing that
    /// is not described.
    #[track_caller]
    fn fits(&self, shape: &Value, value: &Value, id: &str) {
        if let Some(name) = shape["$ref"].as_str() {
            let pointer = name.trim_start_matches('#');
            let named = self.document.pointer(pointer);
            return self.fits(named.unwrap_or_else(|| panic!("{id}: {name}")), value, id);
        }
        if let (Some(properties), Some(object)) =
            (shape["properties"].as_object(), value.as_object())
        {
            for required in shape["required"].as_array().into_iter().flatten() {
                assert!(
                    object.contains_key(required.as_str().unwrap()),
                    "{id}: {required}"
                );
            }
            for (name, value) in object {
                let property = properties.get(name);
                self.fits(
                    property.unwrap_or_else(|| panic!("{id}: {name}")),
                    value,
                    id,
                );
            }
        }
        for element in value.as_array().into_iter().flatten() {
            self.fits(&shape["items"], element, id);
        }
    }
}

/// Path, method and operation of each.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Every name that the document refers to is in it.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.extend(
                object
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_operation_of_the_document_does_what_it_says() {
    let scene = Scene::of("sosafe");
    let console = scene.console(&scene.plain_template());
    let served = scene.admin("GET", "/openapi.json", Value::Null).json();
    let theirs = scene.ask(&console, "GET", "/onboarding/v1/openapi.json", &Value::Null);
    assert_eq!(theirs.json(), served);
    let mut found = Vec::new();
    references(&served, &mut found);
    for name in found {
        assert!(
            served.pointer(name.trim_start_matches('#')).is_some(),
            "{name}"
        );
    }
    let all: BTreeSet<_> = operations(&served)
        .map(|(.., operation)| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let mut client = Client {
        scene,
        console,
        document: served,
        called: BTreeSet::new(),
        places: Vec::new(),
    };
    let tenant = client.scene.tenant();
    client.call("post_tenants", json!({"name": "acme", "tenant": tenant}));
    client.put("tenant", &"acme".into());
    for id in [
        "get_status",
        "get_diff",
        "get_tenants",
        "get_tenants_tenant",
        "get_tenants_tenant_definition",
        "get_tenants_tenant_events",
        "get_events",
        "get_config",
        "get_audit",
        "get_openapi_json",
        "onboarding_get_openapi_json",
        "post_reload",
        "post_reload_forced",
        "post_tenants_tenant_disable",
        "post_tenants_tenant_enable",
    ] {
        client.call(id, Value::Null);
    }
    client.call("patch_tenants_tenant", json!({"limits": {"burst": 3}}));
    let minted = client.call("post_tenants_tenant_tokens", json!({"oauth": true}));
    client.put("key", &minted["key"]);
    client.call("get_tenants_tenant_tokens", Value::Null);
    client.call("delete_tenants_tenant_tokens_key", Value::Null);
    let person = "### Entra asks\nGET /Users?filter=userName eq \"nobody\"\n";
    client.call("post_tenants_tenant_dry_run", json!({"requests": person}));
    // A request that is in the log.
    let token = client.scene.token("acme");
    let path = "/t/acme/scim/v2/Users";
    let bearer = format!("Bearer {token}");
    let broken = Request::new("POST", path)
        .header("Authorization", &bearer)
        .json(&json!({}));
    let answered = Served::send(&client.scene.served.origin, &broken);
    client.put("request", &answered.header("x-request-id").into());
    client.call("get_events_request", Value::Null);

    let customer = client.scene.customer("70021");
    let onboarded = client.call("onboarding_post_customers", customer);
    client.put("customer", &onboarded["customer"]);
    client.put("key", &onboarded["key"]);
    client.call("onboarding_get_customers_customer", Value::Null);
    client.call(
        "onboarding_delete_customers_customer_tokens_key",
        Value::Null,
    );
    client.call("delete_tenants_tenant", Value::Null);
    assert_eq!(client.called, all);
}
