//! The paths of the contract.

use crate::demo::emulator::kit::Call;
use hyper::Method;

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Token,
    Sites {
        gsm: String,
    },
    Site {
        gsm: String,
        site: String,
        part: Part,
    },
    NoSuchPath,
    WrongMethod,
}

/// What of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    AddMember(String),
    CreateGroup,
    CreateTarget,
    DeleteGroup(String),
    DeleteTarget(String),
    GetGroup(String),
    GetTarget(String),
    ListGroups,
    ListMembers(String),
    ListTargets,
    PutGroup(String),
    PutTarget(String),
    RemoveMember(String, String),
}

impl Route {
    pub(super) fn of(call: &Call) -> Self {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["auth", "token"] if call.method == Method::POST => Self::Token,
            ["service", "api", "console", "gsm", gsm, "sites"] if call.method == Method::GET => {
                let gsm = (*gsm).to_owned();
                Self::Sites { gsm }
            }
            [
                "service",
                "api",
                "awareness",
                "gsm",
                gsm,
                "sites",
                site,
                rest @ ..,
            ] => match Part::of(call.method.as_str(), rest) {
                Some(part) => Self::Site {
                    gsm: (*gsm).to_owned(),
                    site: (*site).to_owned(),
                    part,
                },
                None if is_known(rest) => Self::WrongMethod,
                None => Self::NoSuchPath,
            },
            _ => Self::NoSuchPath,
        }
    }

    /// The name in the counters and the journal.
    pub(super) fn template(&self, call: &Call) -> &'static str {
        match self {
            Self::Token if contains(&call.body, b"grant_type=refresh_token") => {
                "POST /auth/token (refresh)"
            }
            Self::Token => "POST /auth/token",
            Self::Sites { .. } => "GET /sites",
            Self::Site { part, .. } => part.template(),
            Self::NoSuchPath => "no such path",
            Self::WrongMethod => "wrong method",
        }
    }
}

impl Part {
    fn of(method: &str, path: &[&str]) -> Option<Self> {
        let own = |text: &str| text.to_owned();
        Some(match (method, path) {
            ("GET", ["targets"]) => Self::ListTargets,
            ("POST", ["targets"]) => Self::CreateTarget,
            ("GET", ["targets", id]) => Self::GetTarget(own(id)),
            ("PUT", ["targets", id]) => Self::PutTarget(own(id)),
            ("DELETE", ["targets", id]) => Self::DeleteTarget(own(id)),
            ("GET", ["targetgroups"]) => Self::ListGroups,
            ("POST", ["targetgroups"]) => Self::CreateGroup,
            ("GET", ["targetgroups", id]) => Self::GetGroup(own(id)),
            ("PUT", ["targetgroups", id]) => Self::PutGroup(own(id)),
            ("DELETE", ["targetgroups", id]) => Self::DeleteGroup(own(id)),
            ("GET", ["targetgroups", id, "memberships"]) => Self::ListMembers(own(id)),
            ("POST", ["targetgroups", id, "memberships"]) => Self::AddMember(own(id)),
            ("DELETE", ["targetgroups", id, "memberships", membership]) => {
                Self::RemoveMember(own(id), own(membership))
            }
            _ => return None,
        })
    }

    fn template(&self) -> &'static str {
        match self {
            Self::AddMember(_) => "POST /targetgroups/{id}/memberships",
            Self::CreateGroup => "POST /targetgroups",
            Self::CreateTarget => "POST /targets",
            Self::DeleteGroup(_) => "DELETE /targetgroups/{id}",
            Self::DeleteTarget(_) => "DELETE /targets/{id}",
            Self::GetGroup(_) => "GET /targetgroups/{id}",
            Self::GetTarget(_) => "GET /targets/{id}",
            Self::ListGroups => "GET /targetgroups",
            Self::ListMembers(_) => "GET /targetgroups/{id}/memberships",
            Self::ListTargets => "GET /targets",
            Self::PutGroup(_) => "PUT /targetgroups/{id}",
            Self::PutTarget(_) => "PUT /targets/{id}",
            Self::RemoveMember(..) => "DELETE /targetgroups/{id}/memberships/{id}",
        }
    }

    pub(super) fn is_about_members(&self) -> bool {
        matches!(
            self,
            Self::AddMember(_) | Self::ListMembers(_) | Self::RemoveMember(..)
        )
    }
}

fn is_known(path: &[&str]) -> bool {
    ["GET", "POST", "PUT", "DELETE"]
        .iter()
        .any(|method| Part::of(method, path).is_some())
}

fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}
