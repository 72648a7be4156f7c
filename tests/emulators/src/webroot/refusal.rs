//! Webroot's errors: `{"StatusCode", "Error", "Message", "RequestId", "Fields"?}`.

use crate::kit::Answer;
use serde_json::json;

/// One refusal.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: &'static str,
    fields: Vec<&'static str>,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) const NO_USER_AGENT: Self = Self::new(
        400,
        "UserAgentRequired",
        "A User-Agent of the form Name/Version is required.",
    );
    pub(super) const BAD_TOKEN: Self = Self::new(
        401,
        "Unauthorized",
        "The access token is invalid or expired.",
    );
    pub(super) const FOREIGN_SITE: Self = Self::new(
        403,
        "AccessDenied",
        "The site is not managed by this account.",
    );
    pub(super) const SUSPENDED: Self = Self::new(403, "SiteSuspended", "The site is suspended.");
    pub(super) const NO_SUCH_PATH: Self = Self::new(404, "NoSuchResource", "No such resource.");
    pub(super) const WRONG_METHOD: Self = Self::new(405, "MethodNotAllowed", "Method not allowed.");
    pub(super) const NOT_FOUND: Self = Self::new(404, "NotFound", "The object does not exist.");
    pub(super) const NOT_JSON: Self =
        Self::new(400, "MalformedBody", "The body is not a JSON object.");
    pub(super) fn invalid(field: &'static str, message: &'static str) -> Self {
        let refusal = Self::new(400, "ValidationFailed", message);
        Self {
            fields: vec![field],
            ..refusal
        }
    }

    pub(super) const EMAIL_TAKEN: Self = Self::new(
        400,
        "DuplicateEmail",
        "A target with this email address already exists.",
    );
    pub(super) const GROUP_TAKEN: Self = Self::new(
        400,
        "DuplicateGroupName",
        "A group with this name already exists.",
    );
    pub(super) const ALREADY_MEMBER: Self =
        Self::new(400, "AlreadyMember", "The target is a member of the group.");
    pub(super) const GROUP_NOT_EMPTY: Self =
        Self::new(400, "GroupNotEmpty", "The group has members.");
    pub(super) const FOREIGN_DOMAIN: Self = Self::new(
        422,
        "DomainNotVerified",
        "The domain of the email address is not verified.",
    );
    pub(super) const PUBLIC_DOMAIN: Self = Self::new(
        422,
        "PublicDomain",
        "Addresses of public email services are not accepted.",
    );
    pub(super) const STALE: Self = Self::new(
        409,
        "ConcurrencyConflict",
        "The object was changed by another caller.",
    );
    pub(super) const CONTINUATION_EXPIRED: Self =
        Self::new(410, "ContinuationExpired", "The continuation has expired.");
    pub(super) fn too_many_calls(seconds: u64) -> Self {
        let refusal = Self::new(429, "TooManyRequests", "Too many requests.");
        Self {
            retry_after: Some(seconds),
            ..refusal
        }
    }

    const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
            fields: Vec::new(),
            retry_after: None,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let mut body = json!({
            "StatusCode": refusal.status,
            "Error": refusal.code,
            "Message": refusal.message,
            "RequestId": "7d3f0b52-9f14-4f0e-8a49-0f5d3c1b2a66",
        });
        if let (false, Some(body)) = (refusal.fields.is_empty(), body.as_object_mut()) {
            body.insert("Fields".to_owned(), json!(refusal.fields));
        }
        let mut answer = Self::json(refusal.status, &body);
        answer.duplicate = matches!(refusal.code, "DuplicateEmail" | "DuplicateGroupName");
        if refusal.status == 401 {
            answer = answer.header("www-authenticate", "Bearer error=\"invalid_token\"");
        }
        match refusal.retry_after {
            Some(seconds) => answer.header("retry-after", seconds),
            None => answer,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}
