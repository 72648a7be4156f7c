//! Where an operation may go: the resources of the tenant, and nowhere else.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::reference::PREFIX;
use crate::scim::compare::same_text;
use crate::scim::{ResourceKind, ScimError, Service};

/// What stands for itself in a URL (RFC 3986 §3.3).
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b':')
    .remove(b'_')
    .remove(b'~');

/// What an operation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `/Users`.
    Collection(ResourceKind),
    /// `/Users/{id}`, the id decoded.
    Item(ResourceKind, String),
    /// `/Users/bulkId:x`: what the operation of this `bulkId` makes.
    Made(ResourceKind, String),
}

impl Target {
    /// Reads a path below the Tenant URL, with or without the slash in front.
    ///
    /// # Errors
    /// `invalidPath` for whatever is no resource: URLs, queries, `/Bulk`, `.search`, discovery.
    pub(super) fn parse(path: &str, service: &Service) -> Result<Self, ScimError> {
        let refused = || {
            ScimError::invalid_path(
                "The path of an operation is that of a resource type or a resource, such as /Users or /Users/{id}.",
            )
        };
        if path.contains(['?', '#']) {
            return Err(refused());
        }
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let (endpoint, item, more) = (segments.next(), segments.next(), segments.next());
        let mut served = service.resource_types.iter().map(|types| types.kind);
        let kind = served
            .find(|kind| endpoint.is_some_and(|named| same_text(kind.endpoint(), named)))
            .filter(|_| more.is_none())
            .ok_or_else(refused)?;
        let Some(item) = item else {
            return Ok(Self::Collection(kind));
        };
        let item = percent_decode_str(item).decode_utf8();
        let item = item.map_err(|_| refused())?;
        match item.strip_prefix(PREFIX) {
            _ if item == ".search" => Err(refused()),
            Some(bulk_id) => Ok(Self::Made(kind, bulk_id.to_owned())),
            None => Ok(Self::Item(kind, item.into_owned())),
        }
    }

    pub(super) fn kind(&self) -> ResourceKind {
        match self {
            Self::Collection(kind) | Self::Item(kind, _) | Self::Made(kind, _) => *kind,
        }
    }

    /// The path of what has a path already.
    pub(super) fn path(&self) -> Option<String> {
        match self {
            Self::Collection(kind) => Some(format!("/{}", kind.endpoint())),
            Self::Item(kind, id) => Some(item_path(*kind, id)),
            Self::Made(..) => None,
        }
    }
}

/// The path of a resource.
pub(super) fn item_path(kind: ResourceKind, id: &str) -> String {
    format!("/{}/{}", kind.endpoint(), quoted(id))
}

/// An id as it stands in a URL.
pub(super) fn quoted(id: &str) -> String {
    utf8_percent_encode(id, QUOTED).to_string()
}
