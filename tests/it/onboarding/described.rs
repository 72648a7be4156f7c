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
        let misfit = match answer.status {
            200 => self.misfit(shape, &answer.json()),
            _ => None,
        };
        assert_eq!(misfit, None, "{id}: {answer}");
        self.called.insert(id.to_owned());
        answer.json()
    }

    fn put(&mut self, name: &str, value: &Value) {
        let value = value.as_str().unwrap().to_owned();
        self.places.push((name.to_owned(), value));
    }

    /// The first thing in an answer that is not as it is described: of another type, none of the
    /// words, without what is required, or with what is not described.
    fn misfit(&self, shape: &Value, value: &Value) -> Option<String> {
        if let Some(name) = shape["$ref"].as_str() {
            let named = self.document.pointer(name.trim_start_matches('#'));
            return self.misfit(named?, value);
        }
        if let Some(choices) = shape["anyOf"].as_array() {
            let mut misfits: Vec<_> = choices.iter().map(|it| self.misfit(it, value)).collect();
            let fits_one = misfits.iter().any(Option::is_none);
            return if fits_one {
                None
            } else {
                misfits.swap_remove(0)
            };
        }
        let words = shape["enum"].as_array();
        if words.is_some_and(|words| !words.contains(value)) || !is_of_type(&shape["type"], value) {
            return Some(format!("{value} is not {shape}"));
        }
        let within = |name: &str, found: String| format!("{name}: {found}");
        match value {
            Value::Object(object) if !shape["type"].is_null() => {
                let mut required = shape["required"].as_array().into_iter().flatten();
                let missing = required.find(|name| !object.contains_key(name.as_str().unwrap()));
                let mut parts = object.iter().filter_map(|(name, value)| {
                    let known = shape["properties"].get(name);
                    match known.unwrap_or(&shape["additionalProperties"]) {
                        Value::Null | Value::Bool(false) => {
                            Some(within(name, "is not described".to_owned()))
                        }
                        shape => Some(within(name, self.misfit(shape, value)?)),
                    }
                });
                missing
                    .map(|name| format!("without {name}"))
                    .or_else(|| parts.next())
            }
            Value::Array(list) => {
                let mut elements = list.iter();
                elements.find_map(|element| self.misfit(&shape["items"], element))
            }
            _ => None,
        }
    }
}

/// Whether a value is of one of these types; without any, each is.
fn is_of_type(types: &Value, value: &Value) -> bool {
    let is_of = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    };
    match types {
        Value::Null => true,
        Value::Array(names) => names.iter().any(is_of),
        name => is_of(name),
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
    // Problems, for status, diff and the reload to tell.
    client
        .scene
        .house
        .write("tenants/broken.toml", "adapter = \"sosafe\"\n");
    for id in [
        "get_status",
        "get_diff",
        "get_tenants",
        "get_tenants_tenant",
        "get_tenants_tenant_definition",
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
    // What the document is not about it leads to.
    let published = "/.well-known/oauth-authorization-server";
    let about = client.document["info"]["description"].as_str().unwrap();
    assert!(about.contains(published), "{about}");
    let metadata = client
        .scene
        .served
        .get(&format!("{published}/t/acme/scim/v2"), "");
    assert!(metadata.json()["token_endpoint"].is_string(), "{metadata}");
    // A request that is in the log.
    let token = client.scene.token("acme");
    let path = "/t/acme/scim/v2/Users";
    let bearer = format!("Bearer {token}");
    let broken = Request::new("POST", path)
        .header("Authorization", &bearer)
        .json(&json!({}));
    let answered = Served::send(&client.scene.served.origin, &broken);
    client.put("request", &answered.header("x-request-id").into());
    let events = client.call("get_events_request", Value::Null);
    assert_eq!(events[0]["action"], "create");
    for id in ["get_tenants_tenant_events", "get_events"] {
        let page = client.call(id, Value::Null);
        assert_ne!(page["events"], json!([]), "{id}");
    }
    let status = client.call("get_status", Value::Null);
    let broken = &status["standing"]["tenants"]["broken"];
    assert_eq!(broken["problems"][0]["severity"], "error", "{status}");

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
