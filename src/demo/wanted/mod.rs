//! The directory Entra holds in the demo: people and groups of an invented company, and a month
//! of changes. The same on every run.
//!
//! [`history()`] gives its states in time. What a vendor must end up with is [`Outcome`].

mod groups;
mod history;
mod outcome;
pub mod path;
mod people;
mod places;
#[cfg(test)]
mod tests;

pub use history::history;
pub use outcome::{ExpectedGroup, ExpectedUser, Outcome};

use std::collections::BTreeMap;

/// Entra's own id of a user or group: a GUID. Their order is the order of creation.
pub type ObjectId = String;

/// All users and groups assigned to the application at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// The users in scope; a deleted one is not there.
    pub users: BTreeMap<ObjectId, WantedUser>,
    /// The groups in scope.
    pub groups: BTreeMap<ObjectId, WantedGroup>,
}

/// A user after Entra's attribute mapping: values by SCIM path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedUser {
    /// Also sent as `externalId`.
    pub object_id: ObjectId,
    /// Whether the account may sign in; mapped to `active`.
    pub enabled: bool,
    /// The manager's object id.
    pub manager: Option<ObjectId>,
    /// Values by one of [`path::MAPPED`]; an absent one is not set in Entra.
    pub attributes: BTreeMap<&'static str, String>,
}

/// A group with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedGroup {
    /// Also sent as `externalId`.
    pub object_id: ObjectId,
    /// Unique in the directory.
    pub display_name: String,
    /// The members and the number of the state in which each joined.
    pub members: BTreeMap<ObjectId, usize>,
}

impl WantedUser {
    /// An enabled user with nothing but the attributes no user is without.
    pub fn new(object_id: &str, user_name: &str) -> Self {
        let user = Self {
            object_id: object_id.to_owned(),
            enabled: true,
            manager: None,
            attributes: BTreeMap::new(),
        };
        user.with(path::EXTERNAL_ID, object_id)
            .with(path::USER_NAME, user_name)
    }

    /// With one attribute set.
    #[must_use]
    pub fn with(mut self, path: &'static str, value: impl Into<String>) -> Self {
        self.set(path, value);
        self
    }

    /// Sets one attribute.
    pub fn set(&mut self, path: &'static str, value: impl Into<String>) {
        self.attributes.insert(path, value.into());
    }

    /// `userName`, which no user is without.
    pub fn user_name(&self) -> &str {
        self.get(path::USER_NAME).unwrap_or_default()
    }

    /// One attribute; `None` when it is not set.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.attributes.get(path).map(String::as_str)
    }
}

/// The GUID of the `number`th object of a sort.
fn object_id(sort: u32, number: usize) -> ObjectId {
    format!("{sort:08x}-5ca1-4ab1-8e57-{number:012x}")
}
