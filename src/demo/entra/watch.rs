//! What a job tells whoever watches it.

use super::patch::Change;
use std::fmt;
use std::time::Duration;

/// Hears how a job gets on. Every method does nothing by itself.
pub trait Watch: Send + Sync {
    /// A part of a cycle begins; it has this many objects.
    fn phase(&self, title: &str, objects: usize) {
        let _ = (title, objects);
    }

    /// One object of the part is done, well or not.
    fn object(&self) {}

    /// An operation has ended.
    fn operation(&self, record: Record) {
        let _ = record;
    }
}

impl Watch for () {}

/// One operation that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it was for.
    pub operation: Operation,
    /// From the first byte sent to the last byte read.
    pub latency: Duration,
    /// The status; `None` when there was no answer.
    pub status: Option<u16>,
    /// What Entra's provisioning log would show, if it failed.
    pub failure: Option<String>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A query for nobody.
    TestConnection,
    /// A query by `userName`.
    MatchUser,
    /// POST.
    CreateUser,
    /// GET by id.
    ReadUser,
    /// PATCH of anything but the manager alone or `active` alone.
    UpdateUser,
    /// PATCH of the manager alone.
    SetManager,
    /// PATCH of `active` alone.
    SwitchUser,
    /// DELETE.
    DeleteUser,
    /// A query by `displayName`, without members.
    MatchGroup,
    /// POST.
    CreateGroup,
    /// GET by id, without members.
    ReadGroup,
    /// GET by id, with members.
    ReadMembers,
    /// PATCH of `displayName`.
    RenameGroup,
    /// PATCH that adds one member or several.
    AddMembers,
    /// PATCH that removes one member or several.
    RemoveMembers,
    /// DELETE.
    DeleteGroup,
}

impl Operation {
    /// What a PATCH with these changes is for.
    pub(super) fn of(changes: &[Change]) -> Self {
        match changes {
            [Change::Active(_)] => Self::SwitchUser,
            [Change::Manager(_)] => Self::SetManager,
            _ => Self::UpdateUser,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TestConnection => "test connection",
            Self::MatchUser => "match user",
            Self::CreateUser => "create user",
            Self::ReadUser => "read user",
            Self::UpdateUser => "update user",
            Self::SetManager => "set manager",
            Self::SwitchUser => "disable or enable user",
            Self::DeleteUser => "delete user",
            Self::MatchGroup => "match group",
            Self::CreateGroup => "create group",
            Self::ReadGroup => "read group",
            Self::ReadMembers => "read members",
            Self::RenameGroup => "rename group",
            Self::AddMembers => "add members",
            Self::RemoveMembers => "remove members",
            Self::DeleteGroup => "delete group",
        })
    }
}
