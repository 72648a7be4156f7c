//! WEDO's errors: an entry of `errors` with a code, mostly inside 200.

use super::document::Malformed;
use crate::kit::Answer;
use serde_json::{Map, Value, json};

/// One refusal, on the wire `{"data": …, "errors": [{"message", "path"?, "extensions": {"code", …}}]}`.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
    extensions: Map<String, Value>,
}

impl Refusal {
    pub(super) fn unauthenticated() -> Self {
        Self::new("UNAUTHENTICATED", "invalid network token")
    }

    pub(super) fn rate_limited(wait_ms: u64) -> Self {
        Self::new("RATE_LIMITED", "query cost exceeded").with("retryAfterMs", wait_ms)
    }

    pub(super) fn login_taken() -> Self {
        Self::new("LOGIN_TAKEN", "login already in use").with("field", "login")
    }

    pub(super) fn email_taken() -> Self {
        Self::new("EMAIL_TAKEN", "email already in use").with("field", "email")
    }

    pub(super) fn not_found() -> Self {
        Self::new("NOT_FOUND", "user not found")
    }

    pub(super) fn validation(field: &str, message: &str) -> Self {
        Self::new("VALIDATION", message).with("field", field)
    }

    pub(super) fn version_conflict(version: u64) -> Self {
        Self::new("VERSION_CONFLICT", "user was modified").with("version", version)
    }

    pub(super) fn handover_required(tasks: u64) -> Self {
        Self::new("HANDOVER_REQUIRED", "user has open tasks").with("openTasks", tasks)
    }

    pub(super) fn last_administrator() -> Self {
        Self::new("LAST_ADMINISTRATOR", "a network needs an administrator")
    }

    pub(super) fn license_exhausted() -> Self {
        Self::new("LICENSE_EXHAUSTED", "no license available").with("available", 0)
    }

    fn new(code: &'static str, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            extensions: Map::from_iter([("code".to_owned(), code.into())]),
        }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// As an answer to the operation `root`, or to a call that did not come to one.
    pub(super) fn answer(self, root: Option<&str>) -> Answer {
        let mut error = json!({"message": self.message, "extensions": self.extensions});
        let mut data = Value::Null;
        if let (Some(root), Some(error)) = (root, error.as_object_mut()) {
            error.insert("path".to_owned(), json!([root]));
            data = json!({ root: null });
        }
        // Of what the code is the contract's: 200.
        Answer {
            duplicate: matches!(self.code, "LOGIN_TAKEN" | "EMAIL_TAKEN"),
            ..Answer::json(200, &json!({"data": data, "errors": [error]}))
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl From<Malformed> for Answer {
    fn from(Malformed(why): Malformed) -> Self {
        let error = json!({"message": why, "extensions": {"code": "GRAPHQL_PARSE_FAILED"}});
        Self::json(400, &json!({"errors": [error]}))
    }
}
