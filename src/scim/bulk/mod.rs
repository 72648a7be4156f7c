//! Bulk (RFC 7644 §3.7): many writes in one request, which may refer to what others of them make.
//!
//! | file | subject |
//! |---|---|
//! | `read` | the envelope: `BulkRequest` to operations |
//! | `target` | the paths operations may have |
//! | `reference` | `bulkId:x` in paths and values |
//! | `order` | in which order operations are carried out |
//! | `late` | what of a resource is added later, because it refers to what is made later |
//! | [`Run`] | the requests one by one, and the `BulkResponse` |
//!
//! An operation becomes a [`Request`] like any other, and a [`Request`] cannot be a bulk request:
//! what an operation reaches is what its sender reaches without Bulk.

mod late;
mod order;
mod read;
mod reference;
mod run;
mod target;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use run::Run;

use super::request::is_bulk;
use super::{Request, ScimError, Service};
use target::Target;

/// The message schema of a bulk request.
pub const REQUEST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The message schema of the answer.
pub const RESPONSE_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// `bulk.maxOperations` of the service (RFC 7643 §5).
pub const MAX_OPERATIONS: usize = 100;

/// `bulk.maxPayloadSize` of the service, in bytes: of the body of a bulk request.
pub const MAX_PAYLOAD: usize = 1024 * 1024;

/// Longest `bulkId`, in bytes.
const MAX_BULK_ID: usize = 256;

/// What a client may send: one request, or many in one.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Anything but `POST /Bulk`.
    Single(Request),
    /// `POST /Bulk`.
    Bulk(Bulk),
}

/// A bulk request, understood as far as its envelope goes: what is wrong with one operation is
/// that operation's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Bulk {
    operations: Vec<Operation>,
    fail_on_errors: Option<usize>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
struct Operation {
    method: Method,
    /// Where to, or why nowhere.
    target: Result<Target, ScimError>,
    bulk_id: Option<String>,
    /// What `If-Match` is elsewhere.
    version: Option<String>,
    data: Option<Value>,
}

/// The methods an operation may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Message {
    /// Understands a request; the parameters are those of [`Request::parse`].
    ///
    /// # Errors
    /// As [`Request::parse`] and [`Bulk::parse`].
    pub fn parse(
        method: &str,
        path: &str,
        query: Option<&str>,
        body: Option<Value>,
        service: &Service,
    ) -> Result<Self, ScimError> {
        match body {
            Some(body) if method == "POST" && is_bulk(path) => {
                Bulk::parse(body, service).map(Self::Bulk)
            }
            body => Request::parse(method, path, query, body, service).map(Self::Single),
        }
    }

    /// Sets the conditions of a single request, as [`Request::under`]. Bulk has none: each of its
    /// operations has its own `version`.
    ///
    /// # Errors
    /// As [`Request::under`].
    pub fn under(
        self,
        if_match: Option<&str>,
        if_none_match: Option<&str>,
    ) -> Result<Self, ScimError> {
        match self {
            Self::Single(request) => request.under(if_match, if_none_match).map(Self::Single),
            bulk => Ok(bulk),
        }
    }
}

impl Bulk {
    /// Sets out to carry the operations out; `base` is the Tenant URL without a slash at its end.
    pub fn run<'s>(self, service: &'s Service, base: &'s str) -> Run<'s> {
        Run::new(self, service, base)
    }
}

impl Method {
    const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Operation {
    /// The `bulkId` under which others refer to what this operation makes.
    fn makes(&self) -> Option<&str> {
        self.bulk_id
            .as_deref()
            .filter(|_| self.method == Method::Post)
    }
}
