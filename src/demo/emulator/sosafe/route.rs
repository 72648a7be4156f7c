//! The paths of the contract.

use crate::demo::emulator::kit::Call;

/// What a call asks for. An id that is no number is 0, which no user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Activate(u64),
    Client,
    CreateUser,
    Deactivate(u64),
    DeleteGroup(String),
    DeleteUser(u64),
    GetUser(u64),
    ListGroups,
    ListUsers,
    NoSuchPath,
    PatchUser(u64),
    PutGroup(String),
    RenameGroup(String),
    Restore(u64),
    WrongMethod,
}

impl Route {
    pub(super) fn of(call: &Call) -> Self {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["client"]) => Self::Client,
            ("GET", ["users"]) => Self::ListUsers,
            ("POST", ["users"]) => Self::CreateUser,
            ("GET", ["users", id]) => Self::GetUser(number(id)),
            ("PATCH", ["users", id]) => Self::PatchUser(number(id)),
            ("DELETE", ["users", id]) => Self::DeleteUser(number(id)),
            ("POST", ["users", id, "activate"]) => Self::Activate(number(id)),
            ("POST", ["users", id, "deactivate"]) => Self::Deactivate(number(id)),
            ("POST", ["users", id, "restore"]) => Self::Restore(number(id)),
            ("GET", ["user-groups"]) => Self::ListGroups,
            ("PUT", ["user-groups", name]) => Self::PutGroup((*name).to_owned()),
            ("DELETE", ["user-groups", name]) => Self::DeleteGroup((*name).to_owned()),
            ("POST", ["user-groups", name, "rename"]) => Self::RenameGroup((*name).to_owned()),
            (_, ["client" | "users" | "user-groups"] | ["users" | "user-groups", _]) => {
                Self::WrongMethod
            }
            (
                _,
                ["users", _, "activate" | "deactivate" | "restore"] | ["user-groups", _, "rename"],
            ) => Self::WrongMethod,
            _ => Self::NoSuchPath,
        }
    }

    /// The name in the counters and the journal.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::Activate(_) => "POST /users/{id}/activate",
            Self::Client => "GET /client",
            Self::CreateUser => "POST /users",
            Self::Deactivate(_) => "POST /users/{id}/deactivate",
            Self::DeleteGroup(_) => "DELETE /user-groups/{name}",
            Self::DeleteUser(_) => "DELETE /users/{id}",
            Self::GetUser(_) => "GET /users/{id}",
            Self::ListGroups => "GET /user-groups",
            Self::ListUsers => "GET /users",
            Self::NoSuchPath => "no such path",
            Self::PatchUser(_) => "PATCH /users/{id}",
            Self::PutGroup(_) => "PUT /user-groups/{name}",
            Self::RenameGroup(_) => "POST /user-groups/{name}/rename",
            Self::Restore(_) => "POST /users/{id}/restore",
            Self::WrongMethod => "wrong method",
        }
    }

    /// The user it writes to: one write on one user at a time.
    pub(super) fn written_user(&self) -> Option<u64> {
        match self {
            Self::Activate(id) | Self::Deactivate(id) | Self::Restore(id) => Some(*id),
            Self::PatchUser(id) | Self::DeleteUser(id) => Some(*id),
            _ => None,
        }
    }
}

fn number(id: &str) -> u64 {
    let digits = id.bytes().all(|b| b.is_ascii_digit());
    id.parse().ok().filter(|_| digits).unwrap_or(0)
}
