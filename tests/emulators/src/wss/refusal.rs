//! WSS's errors: of a call, and of one operation of a job.

use crate::kit::Answer;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Wrong user name or password: 401 without a body.
    WrongPassword,
    /// A right one without the role, or about another account: 403 with a body that misleads.
    NoRole,
    /// A status with a code.
    Coded(u16, &'static str, Cow<'static, str>),
}

impl Refusal {
    pub(super) const NOT_FOUND: Self =
        Self::Coded(404, "NOT_FOUND", Cow::Borrowed("no such object"));
    pub(super) const NO_SUCH_PATH: Self =
        Self::Coded(404, "NO_SUCH_RESOURCE", Cow::Borrowed("no such resource"));
    pub(super) const WRONG_METHOD: Self = Self::Coded(
        405,
        "METHOD_NOT_ALLOWED",
        Cow::Borrowed("method not allowed"),
    );
    pub(super) fn unreadable(why: &str) -> Self {
        Self::Coded(400, "BAD_BATCH", format!("batch unreadable: {why}").into())
    }

    pub(super) const TOO_LARGE: Self = Self::Coded(
        413,
        "BATCH_TOO_LARGE",
        Cow::Borrowed("at most 500 operations"),
    );
    pub(super) const TOO_MANY_JOBS: Self =
        Self::Coded(409, "JOB_LIMIT", Cow::Borrowed("too many jobs are queued"));
    pub(super) const ALREADY_RUNNING: Self =
        Self::Coded(409, "ALREADY_RUNNING", Cow::Borrowed("the job is running"));
    pub(super) const TOO_MANY_CALLS: Self =
        Self::Coded(429, "RATE_LIMIT", Cow::Borrowed("too many requests"));
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongPassword => Self::empty(401),
            Refusal::NoRole => Self::json(403, &json!({"message": "Invalid credentials"})),
            Refusal::Coded(status, code, message) => Self::json(
                status,
                &json!({"error": {"code": code, "message": message}}),
            ),
        }
    }
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) code: &'static str,
    message: String,
    /// The field, and what is wrong with it.
    field: Option<(&'static str, &'static str)>,
}

impl Failed {
    pub(super) fn duplicate_login() -> Self {
        Self::new("DUPLICATE_LOGIN", "this loginName is taken").about("loginName", "taken")
    }

    pub(super) fn duplicate_group() -> Self {
        Self::new("DUPLICATE_GROUP", "this groupName is taken").about("groupName", "taken")
    }

    pub(super) fn no_user(key: &str) -> Self {
        Self::new("USER_NOT_FOUND", &format!("no user {key} in this account"))
    }

    pub(super) fn no_group(key: &str) -> Self {
        Self::new(
            "GROUP_NOT_FOUND",
            &format!("no group {key} in this account"),
        )
    }

    pub(super) fn no_member(key: &str) -> Self {
        Self::new("MEMBER_NOT_FOUND", &format!("no member {key}"))
    }

    pub(super) fn invalid(field: &'static str, reason: &'static str) -> Self {
        Self::new("INVALID_FIELD", &format!("{field}: {reason}")).about(field, reason)
    }

    pub(super) fn unknown_field(name: &str) -> Self {
        Self::new("INVALID_FIELD", &format!("{name}: unknown field"))
    }

    pub(super) fn invalid_manager() -> Self {
        Self::new("INVALID_MANAGER", "the manager cannot be resolved")
            .about("managerLogin", "unknown")
    }

    pub(super) fn quota() -> Self {
        Self::new("QUOTA_EXCEEDED", "the account's users are used up")
    }

    fn new(code: &'static str, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            field: None,
        }
    }

    fn about(self, field: &'static str, reason: &'static str) -> Self {
        Self {
            field: Some((field, reason)),
            ..self
        }
    }

    /// As it stands in a result.
    pub(super) fn shown(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some((field, reason)) = self.field {
            error["field"] = field.into();
            error["reason"] = reason.into();
        }
        error
    }
}
