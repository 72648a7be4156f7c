//! What the service tells of itself (RFC 7643 §5–7, RFC 7644 §4).

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::compare::same_text;
use super::cursor;
use super::response::{Page, list_response};
use super::schema::Schema;
use super::{Object, Profile, ResourceKind, ResourceType, bulk};

/// What one tenant's SCIM service offers.
#[derive(Clone, Debug)]
pub struct Service {
    /// Full definitions: what requests are read by.
    pub resource_types: Vec<ResourceType>,
    /// Narrowed definitions: what `/Schemas` says.
    pub published: Vec<ResourceType>,
    /// How far to bend.
    pub profile: Profile,
    /// Most resources on one page, at least 1.
    pub page_max: u32,
}

impl Service {
    /// The full definition of a kind of resource, if it is served.
    pub fn resource_type(&self, kind: ResourceKind) -> Option<&ResourceType> {
        self.resource_types.iter().find(|types| types.kind == kind)
    }

    /// `/ServiceProviderConfig`. `base` is the Tenant URL without a slash at its end, here and
    /// below.
    pub fn service_provider_config(&self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": { "supported": true },
            "bulk": { "supported": true, "maxOperations": bulk::MAX_OPERATIONS, "maxPayloadSize": bulk::MAX_PAYLOAD },
            "filter": { "supported": true, "maxResults": self.page_max },
            "changePassword": { "supported": false },
            "sort": { "supported": true },
            "etag": { "supported": true },
            // RFC 9865 §4.
            "pagination": {
                "cursor": true,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": self.page_max,
                "maxPageSize": self.page_max,
                "cursorTimeout": cursor::TIMEOUT,
            },
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "Bearer token in the Authorization header",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            }],
            "meta": meta("ServiceProviderConfig", format!("{base}/ServiceProviderConfig")),
        })
    }

    /// `/ResourceTypes`.
    pub fn resource_types(&self, base: &str) -> Value {
        list(
            self.published
                .iter()
                .map(|types| resource_type(types, base))
                .collect(),
        )
    }

    /// `/ResourceTypes/{name}`.
    pub fn resource_type_document(&self, base: &str, name: &str) -> Option<Value> {
        let found = self
            .published
            .iter()
            .find(|types| same_text(&types.name, name))?;
        Some(Value::Object(resource_type(found, base)))
    }

    /// `/Schemas`.
    pub fn schemas(&self, base: &str) -> Value {
        list(
            self.published_schemas()
                .map(|item| schema(item, base))
                .collect(),
        )
    }

    /// `/Schemas/{urn}`.
    pub fn schema_document(&self, base: &str, urn: &str) -> Option<Value> {
        let found = self
            .published_schemas()
            .find(|schema| same_text(&schema.id, urn))?;
        Some(Value::Object(schema(found, base)))
    }

    /// User and Group schemas have no extension in common, so none stands twice.
    fn published_schemas(&self) -> impl Iterator<Item = &Schema> {
        self.published
            .iter()
            .flat_map(|types| types.schemas().map(|schema| &**schema))
    }
}

fn resource_type(types: &ResourceType, base: &str) -> Object {
    let extensions: Vec<Value> = types
        .extensions
        .iter()
        .map(|item| json!({ "schema": item.schema.id, "required": item.required }))
        .collect();
    object(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": types.name,
        "name": types.name,
        "endpoint": types.endpoint,
        "description": types.description,
        "schema": types.schema.id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", format!("{base}/ResourceTypes/{}", types.name)),
    }))
}

fn schema(schema: &Schema, base: &str) -> Object {
    object(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes,
        "meta": meta("Schema", format!("{base}/Schemas/{}", schema.id)),
    }))
}

fn meta(resource_type: &str, location: String) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}

fn list(resources: Vec<Object>) -> Value {
    let mut page = Page::default();
    page.extend(resources);
    list_response(page.count, 1, page).into_tree()
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
