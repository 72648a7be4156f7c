//! The paths of the contract.

use crate::demo::emulator::kit::Call;
use hyper::Method;

/// What of an account a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Account,
    CancelJob(String),
    GetGroup(String),
    GetJob(String),
    GetUser(String),
    Groups,
    Members(String),
    Publish,
    SubmitJob,
    Users,
    NoSuchPath,
    WrongMethod,
}

impl Route {
    /// The account's number and what of it; no number for a path of another shape.
    pub(super) fn of(call: &Call) -> (String, Self) {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["accounts", account, rest @ ..] = segments.as_slice() else {
            return (String::new(), Self::NoSuchPath);
        };
        let route = Self::below(&call.method, rest);
        (
            (*account).to_owned(),
            match route {
                Some(route) => route,
                None if is_known(rest) => Self::WrongMethod,
                None => Self::NoSuchPath,
            },
        )
    }

    fn below(method: &Method, path: &[&str]) -> Option<Self> {
        let own = |text: &str| text.to_owned();
        Some(match (method.as_str(), path) {
            ("GET", []) => Self::Account,
            ("POST", ["jobs"]) => Self::SubmitJob,
            ("GET", ["jobs", id]) => Self::GetJob(own(id)),
            ("DELETE", ["jobs", id]) => Self::CancelJob(own(id)),
            ("GET", ["users"]) => Self::Users,
            ("GET", ["users", key]) => Self::GetUser(own(key)),
            ("GET", ["groups"]) => Self::Groups,
            ("GET", ["groups", key]) => Self::GetGroup(own(key)),
            ("GET", ["groups", key, "members"]) => Self::Members(own(key)),
            ("POST", ["publish"]) => Self::Publish,
            _ => return None,
        })
    }

    /// The name in the counters and the journal.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::Account => "GET /accounts/{acct}",
            Self::CancelJob(_) => "DELETE /jobs/{id}",
            Self::GetGroup(_) => "GET /groups/{key}",
            Self::GetJob(_) => "GET /jobs/{id}",
            Self::GetUser(_) => "GET /users/{key}",
            Self::Groups => "GET /groups",
            Self::Members(_) => "GET /groups/{key}/members",
            Self::Publish => "POST /publish",
            Self::SubmitJob => "POST /jobs",
            Self::Users => "GET /users",
            Self::NoSuchPath => "no such path",
            Self::WrongMethod => "wrong method",
        }
    }
}

fn is_known(path: &[&str]) -> bool {
    [Method::GET, Method::POST, Method::DELETE]
        .iter()
        .any(|method| Route::below(method, path).is_some())
}
