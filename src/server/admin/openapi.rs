//! The table of routes as an OpenAPI 3.1 document. It is made of the table, so
//! that it cannot say anything else.

use serde_json::{Map, Value, json};

use super::BASE;
use super::route::{ROUTES, Route};

/// The table of routes for programs.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(format!("{BASE}{}", route.path));
        let operations = path.or_insert_with(|| json!({}));
        let method = route.method.as_str().to_ascii_lowercase();
        if let Some(operations) = operations.as_object_mut() {
            operations.insert(method, operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Scimgate administration", "version": env!("CARGO_PKG_VERSION")},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": error()},
        },
        "paths": paths,
    })
}

fn operation(route: &Route) -> Value {
    let names = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
    });
    json!({
        "summary": route.summary,
        "description": format!("Takes the role {}.", route.role),
        "parameters": names.collect::<Vec<_>>(),
        "responses": {
            "2XX": {"description": "Done.", "content": {"application/json": {}}},
            "default": {
                "description": "Refused, and why.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    })
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
