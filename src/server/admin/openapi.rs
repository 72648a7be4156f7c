//! The table of routes as an OpenAPI 3.1 document. It is made of the table, so
//! that it cannot say anything else.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::route::{Access, ROUTES, Route, Shape};

/// What is asked at the other port, where each is described by its own standard.
const ELSEWHERE: &str = "SCIM (RFC 7644) and the OAuth token endpoint (RFC 6749) are on the gateway's main port. \
    They describe themselves: SCIM at /ServiceProviderConfig and /Schemas below the Tenant URL, the token \
    endpoint at /.well-known/oauth-authorization-server followed by the Tenant URL's path (RFC 8414).";

/// The table of routes for programs. `told` has the answers that whoever stands behind the port
/// makes, by the operation's name.
pub fn document(told: &[(&str, Shape)]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings
            .transforms
            .push(Box::new(RecursiveTransform(words)));
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(format!("{}{}", route.base(), route.path));
        let operations = path.or_insert_with(|| json!({}));
        let method = route.method.as_str().to_ascii_lowercase();
        if let Some(operations) = operations.as_object_mut() {
            operations.insert(method, operation(route, told, &mut generator));
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Error".to_owned(), error());
    let token = |prefix: &str| {
        let about = format!("A token that begins with {prefix}.");
        json!({"type": "http", "scheme": "bearer", "description": about})
    };
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Scimgate administration",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ELSEWHERE,
        },
        "components": {
            "securitySchemes": {"admin": token("sca_"), "console": token("scn_")},
            "schemas": schemas,
        },
        "paths": paths,
    })
}

/// One of several words as an `enum`: not every generator of clients understands a choice of constants.
fn words(schema: &mut Schema) {
    let choices = schema.get("oneOf").and_then(Value::as_array);
    let words = choices.and_then(|choices| {
        let each = choices.iter();
        each.map(|choice| choice.get("const").cloned())
            .collect::<Option<Vec<_>>>()
    });
    if let Some(words) = words {
        schema.remove("oneOf");
        schema.insert("type".into(), "string".into());
        schema.insert("enum".into(), words.into());
    }
}

fn operation(route: &Route, told: &[(&str, Shape)], generator: &mut SchemaGenerator) -> Value {
    let id = name(route);
    let told = told.iter().find(|(of, _)| *of == id);
    let names = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
    });
    let (scheme, takes) = match route.access {
        Access::Role(role) => ("admin", format!("Takes the role {role}.")),
        Access::Console => (
            "console",
            "Takes the token of a vendor's console.".to_owned(),
        ),
    };
    let done = match told.map(|(_, shape)| *shape).or(route.answer) {
        Some(shape) => {
            let answer = json!({"application/json": {"schema": shape(generator)}});
            ("200", json!({"description": "Done.", "content": answer}))
        }
        None => ("204", json!({"description": "Done."})),
    };
    let mut operation = json!({
        "operationId": id,
        "summary": route.summary,
        "description": takes,
        "security": [{scheme: []}],
        "parameters": names.collect::<Vec<_>>(),
        "responses": {
            done.0: done.1,
            "default": {
                "description": "Refused, and why.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    });
    if let Some(shape) = route.body
        && let Some(operation) = operation.as_object_mut()
    {
        let body = json!({"application/json": {"schema": shape(generator)}});
        operation.insert("requestBody".to_owned(), json!({ "content": body }));
    }
    operation
}

/// A name that a client's function may have: `post_tenants_tenant_tokens`.
fn name(route: &Route) -> String {
    let door = match route.access {
        Access::Role(_) => "",
        Access::Console => "onboarding_",
    };
    let path = route
        .path
        .replace(['{', '}', '.', '-'], "_")
        .replace('/', "_");
    let words = format!("{door}{}{path}", route.method.as_str().to_ascii_lowercase());
    let words = words.split('_').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

fn error() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["code", "message", "help"],
            "properties": {"code": text, "message": text, "help": text},
        }},
    })
}
