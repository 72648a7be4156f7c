//! SCIM errors (RFC 7644 §3.12): a status, sometimes a `scimType`, and a sentence for people.
//!
//! Entra prints `detail` verbatim in its provisioning log, so a detail names the attribute and
//! the remedy, and never repeats a received value.

use serde_json::{Value, json};

/// The message schema of an error body.
pub const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The detail error keywords of RFC 7644 §3.12, table 9, and of RFC 9865 §2.1, as far as they
/// are answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter does not parse, or compares what cannot be compared.
    InvalidFilter,
    /// The filter yields more than the server will look at.
    TooMany,
    /// A value is taken by another resource.
    Uniqueness,
    /// The attribute may not be changed so.
    Mutability,
    /// The body is not the JSON structure it should be.
    InvalidSyntax,
    /// The PATCH path does not parse or names nothing.
    InvalidPath,
    /// The PATCH path selects no value.
    NoTarget,
    /// A required value is missing, or a value has the wrong type.
    InvalidValue,
    /// RFC 9865 §2.1: the cursor is none of ours, or belongs to another query.
    InvalidCursor,
    /// RFC 9865 §2.1: the cursor is too old.
    ExpiredCursor,
    /// RFC 9865 §2.1: `count` is not that of the first page.
    InvalidCount,
}

impl ScimType {
    /// The keyword as it stands in the body.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// An answer other than success, as the identity provider sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct ScimError {
    /// HTTP status, 400..=599.
    pub status: u16,
    /// Keyword, where table 9 has one that fits.
    pub scim_type: Option<ScimType>,
    /// What is wrong and what to do about it.
    pub detail: String,
    /// What the client is not told.
    pub note: Option<Box<Note>>,
}

/// What whoever runs the gateway is told of a refusal, and the client is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it arose, and what it is.
    pub cause: String,
    /// What somebody must do, where whoever wrote the adapter says so.
    pub action: Option<String>,
}

impl ScimError {
    /// Any error; the named constructors below are to be preferred.
    pub fn new(status: u16, scim_type: Option<ScimType>, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type,
            detail: detail.into(),
            note: None,
        }
    }

    /// With what whoever runs the gateway is told.
    pub fn noting(mut self, note: Note) -> Self {
        self.note = Some(Box::new(note));
        self
    }

    /// The body: `schemas`, `status` as a string, `scimType` if any, `detail`.
    pub fn body(&self) -> Value {
        let mut body = json!({ "schemas": [ERROR_SCHEMA], "status": self.status.to_string() });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body["detail"] = self.detail.as_str().into();
        body
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::new(400, Some(ScimType::InvalidFilter), detail)
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::new(400, Some(ScimType::InvalidPath), detail)
    }

    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::new(400, Some(ScimType::InvalidSyntax), detail)
    }

    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::new(400, Some(ScimType::InvalidValue), detail)
    }

    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::new(400, Some(ScimType::Mutability), detail)
    }

    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::new(400, Some(ScimType::NoTarget), detail)
    }

    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::new(400, Some(ScimType::TooMany), detail)
    }

    /// 403: understood, and not offered to this caller.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, None, detail)
    }

    /// 404: the resource or the endpoint does not exist.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, None, detail)
    }

    /// 405: the endpoint exists and does not know the method.
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(405, None, detail)
    }

    /// 409 `uniqueness`: another resource has this value.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::new(409, Some(ScimType::Uniqueness), detail)
    }

    /// 412: the resource is not of the version the request is for (RFC 7644 §3.14).
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(412, None, detail)
    }

    /// 413: more than the gateway takes in one request.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(413, None, detail)
    }

    /// 501: a part of the protocol that is not offered.
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(501, None, detail)
    }
}

/// A client's text in the words of an error, in quotes and as [`short`] says.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", short(text))
}

/// The beginning of a client's text, without what no terminal shows.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 128;
    let shown = |letter: char| match letter.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    let start: String = text.chars().take(MOST).map(shown).collect();
    let more = text.chars().nth(MOST).map_or("", |_| "…");
    format!("{start}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_string_status_and_keyword() {
        let body = ScimError::uniqueness("userName is taken").body();
        assert_eq!(
            body,
            json!({ "schemas": [ERROR_SCHEMA], "status": "409", "scimType": "uniqueness", "detail": "userName is taken" })
        );
    }

    #[test]
    fn body_without_keyword_has_no_null() {
        assert!(
            ScimError::not_found("no such user")
                .body()
                .get("scimType")
                .is_none()
        );
    }
}
