//! From method, path, query and body to one of the things a SCIM service can be asked.

mod endpoint;
mod query;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use query::{Query, SortOrder};

use super::{
    Incoming, PatchRequest, Projection, ResourceKind, ResourceType, ScimError, Service, resource,
};
use endpoint::Endpoint;
use query::Parameters;

/// A request, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `GET /Users`.
    List {
        /// Of which.
        kind: ResourceKind,
        /// Which, and how much of them.
        query: Box<Query>,
    },
    /// `GET /Users/{id}`.
    Get {
        /// Of which.
        kind: ResourceKind,
        /// As in the URL, decoded; at most 256 bytes.
        id: String,
        /// What to answer.
        projection: Projection,
    },
    /// `POST /Users`.
    Create {
        /// Of which.
        kind: ResourceKind,
        /// The new resource.
        body: Incoming,
        /// What to answer.
        projection: Projection,
    },
    /// `PUT /Users/{id}`.
    Replace {
        /// Of which.
        kind: ResourceKind,
        /// Which one.
        id: String,
        /// The whole resource.
        body: Incoming,
        /// What to answer.
        projection: Projection,
    },
    /// `PATCH /Users/{id}`.
    Patch {
        /// Of which.
        kind: ResourceKind,
        /// Which one.
        id: String,
        /// The changes.
        patch: PatchRequest,
        /// What to answer.
        projection: Projection,
    },
    /// `DELETE /Users/{id}`.
    Delete {
        /// Of which.
        kind: ResourceKind,
        /// Which one.
        id: String,
    },
    /// `GET /ServiceProviderConfig`.
    ServiceProviderConfig,
    /// `GET /ResourceTypes` or `/ResourceTypes/{name}`.
    ResourceTypes(Option<String>),
    /// `GET /Schemas` or `/Schemas/{urn}`.
    Schemas(Option<String>),
}

/// Whether a method comes with a body that must be read before [`Request::parse`].
pub fn needs_body(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

/// The methods of an endpoint for the `Allow` header, by its path below the Tenant URL; `None`
/// where there is no such endpoint.
pub fn allowed_methods(path: &str, service: &Service) -> Option<&'static str> {
    Endpoint::parse(path, service)
        .ok()
        .map(|endpoint| endpoint.methods())
}

impl Request {
    /// Understands a request. `path` is what follows the Tenant URL, still percent-encoded
    /// (`//Users/` is `/Users`); `query` is raw, without `?`.
    ///
    /// # Errors
    /// 404 for an unknown endpoint or a segment that cannot be an id, 405 with the methods there
    /// are, 501 for `/Me`, `/Bulk` and `.search`, 403 for a filter on discovery, and whatever
    /// the body or the query is refused for.
    pub fn parse(
        method: &str,
        path: &str,
        query: Option<&str>,
        body: Option<Value>,
        service: &Service,
    ) -> Result<Self, ScimError> {
        let endpoint = Endpoint::parse(path, service)?;
        if !endpoint.methods().split(", ").any(|known| known == method) {
            let detail = format!("{method} is not served here; use {}", endpoint.methods());
            return Err(ScimError::method_not_allowed(detail));
        }
        let parameters = Parameters::parse(query.unwrap_or_default(), service.profile)?;
        match endpoint {
            Endpoint::Collection(types) if method == "GET" => Ok(Self::List {
                kind: types.kind,
                query: Box::new(parameters.query(types, service)?),
            }),
            Endpoint::Collection(types) => Ok(Self::Create {
                kind: types.kind,
                body: incoming(body, types, service)?,
                projection: parameters.projection(types),
            }),
            Endpoint::Item(types, id) => {
                Self::on_item(method, types, id, &parameters, body, service)
            }
            _ if parameters.has_filter() => Err(ScimError::forbidden(
                "discovery endpoints cannot be filtered",
            )),
            Endpoint::ServiceProviderConfig => Ok(Self::ServiceProviderConfig),
            Endpoint::ResourceTypes(name) => Ok(Self::ResourceTypes(name)),
            Endpoint::Schemas(urn) => Ok(Self::Schemas(urn)),
        }
    }

    fn on_item(
        method: &str,
        types: &ResourceType,
        id: String,
        parameters: &Parameters,
        body: Option<Value>,
        service: &Service,
    ) -> Result<Self, ScimError> {
        let (kind, projection) = (types.kind, parameters.projection(types));
        Ok(match method {
            "DELETE" => Self::Delete { kind, id },
            "PATCH" => {
                let patch = PatchRequest::parse(required(body)?, types, service.profile)?;
                Self::Patch {
                    kind,
                    id,
                    patch,
                    projection,
                }
            }
            "PUT" => {
                let body = incoming(body, types, service)?;
                Self::Replace {
                    kind,
                    id,
                    body,
                    projection,
                }
            }
            _ => Self::Get {
                kind,
                id,
                projection,
            },
        })
    }
}

fn incoming(
    body: Option<Value>,
    types: &ResourceType,
    service: &Service,
) -> Result<Incoming, ScimError> {
    resource::canonicalise(required(body)?, types, service.profile)
}

fn required(body: Option<Value>) -> Result<Value, ScimError> {
    body.ok_or_else(|| ScimError::invalid_syntax("the body must be a JSON object"))
}
