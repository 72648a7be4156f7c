//! What the backend says when it does not do as asked: a status, a code, perhaps a field.

use crate::kit::Answer;
use serde_json::json;

/// On the wire `{"code": "taken", "field": "userName"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    field: Option<String>,
}

impl Refusal {
    pub(super) const BAD_KEY: Self = Self::new(401, "key");
    pub(super) const ABSENT: Self = Self::new(404, "absent");
    pub(super) const NO_SUCH_PATH: Self = Self::new(404, "path");
    pub(super) const WRONG_METHOD: Self = Self::new(405, "method");
    pub(super) const NOT_JSON: Self = Self::new(400, "json");
    pub(super) fn taken(field: &str) -> Self {
        Self::new(409, "taken").on(field)
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::new(400, "missing").on(field)
    }

    pub(super) fn read_only(field: &str) -> Self {
        Self::new(400, "read_only").on(field)
    }

    pub(super) fn no_person() -> Self {
        Self::new(400, "no_person").on("add")
    }

    const fn new(status: u16, code: &'static str) -> Self {
        Self {
            status,
            code,
            field: None,
        }
    }

    fn on(self, field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..self
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let body = match &refusal.field {
            Some(field) => json!({"code": refusal.code, "field": field}),
            None => json!({"code": refusal.code}),
        };
        Self {
            duplicate: refusal.code == "taken",
            ..Self::json(refusal.status, &body)
        }
    }
}
