//! What a request was answered, alike for one that came alone and an operation of a bulk request.

use std::fmt;

use serde_json::Value;

use crate::harness::Response;

/// The answer to one request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Null where there is none: an operation of a bulk request that succeeds has none.
    pub(super) body: Value,
    location: String,
}

impl Answer {
    pub(super) fn of(response: &Response) -> Self {
        Self {
            status: response.status,
            body: response.json(),
            location: response.header("location").to_owned(),
        }
    }

    pub(super) fn in_bulk(answer: &Value) -> Self {
        let status = answer["status"].as_str().and_then(|text| text.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("no status: {answer}")),
            body: answer["response"].clone(),
            location: answer["location"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The id of what it is about.
    #[track_caller]
    pub(super) fn id(&self) -> String {
        let id = self.location.rsplit('/').next().unwrap_or_default();
        assert!(!id.is_empty(), "no location: {self}");
        id.to_owned()
    }

    pub(super) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// Asserts the status.
    #[track_caller]
    pub(super) fn is(&self, status: u16, what: &str) {
        assert_eq!(self.status, status, "{what}: {self}");
    }

    /// Asserts that a value is taken: 409 `uniqueness`.
    #[track_caller]
    pub(super) fn is_taken(&self, what: &str) {
        self.is(409, what);
        assert_eq!(self.body["scimType"], "uniqueness", "{what}: {self}");
    }

    /// Asserts that a value is refused, and named: 400 `invalidValue`.
    #[track_caller]
    pub(super) fn is_invalid(&self, named: &str, what: &str) {
        self.is(400, what);
        assert_eq!(self.body["scimType"], "invalidValue", "{what}: {self}");
        let detail = self.detail();
        assert!(detail.contains(named), "{what}: no {named:?} in {self}");
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}
