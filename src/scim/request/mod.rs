//! From method, path, query and body to one of the things a SCIM service can be asked.

mod endpoint;
mod query;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use query::Query;

use super::{
    Incoming, Object, PatchRequest, Preconditions, Projection, ResourceKind, ResourceType,
    ScimError, Service, resource,
};
use endpoint::Endpoint;
use query::Parameters;

/// A request, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `GET /Users` or `POST /Users/.search`.
    List {
        /// Of which.
        kind: ResourceKind,
        /// Which, and how much of them.
        query: Box<Query>,
    },
    /// `GET` on the Tenant URL itself or `POST /.search`: of every resource type its query, which
    /// differ in how they read the same words only (RFC 7644 §3.4.2.1). What they name is resolved
    /// by [`ResourceType::widened`].
    Search {
        /// By resource type, in the order of the answer; never empty.
        queries: Vec<(ResourceKind, Query)>,
    },
    /// `GET /Users/{id}`.
    Get {
        /// Of which.
        kind: ResourceKind,
        /// As in the URL, decoded; at most 256 bytes.
        id: String,
        /// What to answer.
        projection: Projection,
        /// For which versions of it.
        conditions: Preconditions,
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
        /// For which versions of it.
        conditions: Preconditions,
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
        /// For which versions of it.
        conditions: Preconditions,
    },
    /// `DELETE /Users/{id}`.
    Delete {
        /// Of which.
        kind: ResourceKind,
        /// Which one.
        id: String,
        /// For which versions of it.
        conditions: Preconditions,
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

/// Whether a path below the Tenant URL is that of bulk requests (RFC 7644 §3.7).
pub fn is_bulk(path: &str) -> bool {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .eq(["Bulk"])
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
    /// are, 501 for `/Me`, 403 for a filter on discovery, and whatever
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
            let method: String = method.chars().take(16).collect();
            let detail = format!("{method} is not served here; use {}", endpoint.methods());
            return Err(ScimError::method_not_allowed(detail));
        }
        if let Endpoint::Search(types) = endpoint {
            let parameters = Parameters::of_body(required(body)?, service.profile)?;
            return Self::query(types, &parameters, service);
        }
        let parameters = Parameters::parse(query.unwrap_or_default(), service.profile)?;
        match endpoint {
            Endpoint::Root | Endpoint::Search(_) => Self::query(None, &parameters, service),
            Endpoint::Collection(types) if method == "GET" => {
                Self::query(Some(types), &parameters, service)
            }
            Endpoint::Collection(types) => {
                let body = incoming(body, types, service)?;
                let projection = parameters.projection(types);
                Ok(Self::Create {
                    kind: types.kind,
                    projection: projection.showing_written(holds(&body.resource), types),
                    body,
                })
            }
            Endpoint::Bulk => Err(ScimError::invalid_syntax(
                "a bulk request is a JSON object and cannot be part of another",
            )),
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

    /// Sets the conditions of `If-Match` and `If-None-Match`. Where they mean nothing, on lists,
    /// on POST and on discovery, they are ignored.
    ///
    /// # Errors
    /// As [`Preconditions::parse`].
    pub fn under(
        mut self,
        if_match: Option<&str>,
        if_none_match: Option<&str>,
    ) -> Result<Self, ScimError> {
        if let Self::Get { conditions, .. }
        | Self::Replace { conditions, .. }
        | Self::Patch { conditions, .. }
        | Self::Delete { conditions, .. } = &mut self
        {
            *conditions = Preconditions::parse(if_match, if_none_match)?;
        }
        Ok(self)
    }

    fn query(
        types: Option<&ResourceType>,
        parameters: &Parameters,
        service: &Service,
    ) -> Result<Self, ScimError> {
        if let Some(types) = types {
            return Ok(Self::List {
                kind: types.kind,
                query: Box::new(parameters.query(types, service)?),
            });
        }
        let each = service.resource_types.iter().map(|types| {
            let widened = types.widened(&service.resource_types);
            Ok((types.kind, parameters.query(&widened, service)?))
        });
        Ok(Self::Search {
            queries: each.collect::<Result<_, ScimError>>()?,
        })
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
        let conditions = Preconditions::default();
        Ok(match method {
            "DELETE" => Self::Delete {
                kind,
                id,
                conditions,
            },
            "PATCH" => {
                let patch = PatchRequest::parse(required(body)?, types, service.profile)?;
                let projection =
                    projection.showing_written(|urn, name| patch.writes(urn, name), types);
                Self::Patch {
                    kind,
                    id,
                    patch,
                    projection,
                    conditions,
                }
            }
            "PUT" => {
                let body = incoming(body, types, service)?;
                let projection = projection.showing_written(holds(&body.resource), types);
                Self::Replace {
                    kind,
                    id,
                    body,
                    projection,
                    conditions,
                }
            }
            _ => Self::Get {
                kind,
                id,
                projection,
                conditions,
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

/// Whether a resource has an attribute, by the extension it stands under.
fn holds(resource: &Object) -> impl Fn(Option<&str>, &str) -> bool {
    |urn, name| match urn {
        None => resource.contains_key(name),
        Some(urn) => resource
            .get(urn)
            .is_some_and(|held| held.get(name).is_some()),
    }
}

fn required(body: Option<Value>) -> Result<Value, ScimError> {
    body.ok_or_else(|| ScimError::invalid_syntax("the body must be a JSON object"))
}
