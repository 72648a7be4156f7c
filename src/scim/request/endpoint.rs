//! Which endpoint a path names.

use percent_encoding::percent_decode_str;

use crate::scim::compare::same_text;
use crate::scim::{ResourceType, ScimError, Service};

/// Longest segment, in bytes after decoding.
const MAX_SEGMENT: usize = 256;

/// An endpoint of the service.
pub(super) enum Endpoint<'s> {
    Collection(&'s ResourceType),
    Item(&'s ResourceType, String),
    /// `GET` on the Tenant URL itself: all resource types.
    Root,
    /// `POST …/.search`, of one resource type or of all.
    Search(Option<&'s ResourceType>),
    ServiceProviderConfig,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    Bulk,
}

impl<'s> Endpoint<'s> {
    /// Empty segments are skipped: with a slash at the end of the Tenant URL Entra asks for
    /// `//Users`.
    pub(super) fn parse(path: &str, service: &'s Service) -> Result<Self, ScimError> {
        let segments: Result<Vec<String>, ScimError> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect();
        let mut segments = segments?.into_iter();
        let endpoint = segments.next().unwrap_or_default();
        let (item, more) = (segments.next(), segments.next());
        if endpoint == "Me" {
            return Err(ScimError::not_implemented(
                "/Me is not offered: the bearer token stands for a tenant, not for a person. Use /Users/{id}.",
            ));
        }
        match Self::of(&endpoint, item, service).filter(|_| more.is_none()) {
            Some(found) => Ok(found),
            None => Err(ScimError::not_found("there is no such endpoint")),
        }
    }

    fn of(endpoint: &str, item: Option<String>, service: &'s Service) -> Option<Self> {
        match endpoint {
            "Bulk" if item.is_none() => return Some(Self::Bulk),
            "" if item.is_none() => return Some(Self::Root),
            ".search" if item.is_none() => return Some(Self::Search(None)),
            "ServiceProviderConfig" if item.is_none() => return Some(Self::ServiceProviderConfig),
            "ResourceTypes" => return Some(Self::ResourceTypes(item)),
            "Schemas" => return Some(Self::Schemas(item)),
            _ => {}
        }
        let mut served = service.resource_types.iter();
        let types = served.find(|types| same_text(types.kind.endpoint(), endpoint))?;
        Some(match item {
            None => Self::Collection(types),
            Some(word) if word == ".search" => Self::Search(Some(types)),
            Some(id) => Self::Item(types, id),
        })
    }

    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Collection(_) => "GET, POST",
            Self::Bulk => "POST",
            Self::Item(..) => "GET, PUT, PATCH, DELETE",
            Self::Search(_) => "POST",
            _ => "GET",
        }
    }
}

/// One segment, decoded after the path was split. What could change the path of a vendor call
/// names nothing here.
fn decode(segment: &str) -> Result<String, ScimError> {
    let nothing = || ScimError::not_found("there is nothing at this path");
    let text = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| nothing())?;
    let unsafe_char = |c: char| c.is_control() || matches!(c, '/' | '\\');
    if text.len() > MAX_SEGMENT || text == "." || text == ".." || text.contains(unsafe_char) {
        return Err(nothing());
    }
    Ok(text.into_owned())
}
