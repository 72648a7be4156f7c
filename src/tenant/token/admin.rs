//! Tokens of those who administer the gateway: `sca_…`, each with a name for
//! the audit and a role.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TokenKind;
use super::grants::Grant;

/// What somebody may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks: status, events, configuration.
    Viewer,
    /// Runs the place: reloads, tries requests out, makes and ends tenants' tokens.
    Operator,
    /// Decides what is served, also where a guard says no.
    Editor,
}

impl Role {
    /// All, from the least on.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Editor];

    /// `viewer`, `operator` or `editor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Editor => "editor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is viewer, operator or editor")]
pub struct NoRole;

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        let mut all = Self::ALL.into_iter();
        all.find(|role| role.as_str() == text).ok_or(NoRole)
    }
}

const LOCAL: &str = "local";

/// Who administers: 1 to 64 letters, digits, `.`, `-`, `_` or `@`. It stands in
/// every line of the audit, where `local` is whoever works on the host itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdminName(Arc<str>);

impl AdminName {
    /// What a name may be, for whoever gave another.
    pub const FORM: &str = "a name is 1 to 64 letters, digits and . - _ @, and not `local`, \
        which the audit calls whoever works on the gateway's host";

    /// Takes `text` if it is such a name; `None` otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
        let is_name = (1..=64).contains(&text.len()) && text.chars().all(fits) && text != LOCAL;
        is_name.then(|| Self(text.into()))
    }

    /// Whoever may read the gateway's pepper.
    pub fn local() -> Self {
        Self(LOCAL.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdminName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who asks at the admin port, and what he may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// As it was given when the token was made.
    pub name: AdminName,
    /// What he may do.
    pub role: Role,
}

impl Actor {
    /// Whoever may read the gateway's pepper may do everything.
    pub fn local() -> Self {
        Self {
            name: AdminName::local(),
            role: Role::Editor,
        }
    }
}

impl Grant for Actor {
    const KIND: TokenKind = TokenKind::Admin;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_nobody_elses() {
        let long = "a".repeat(65);
        for (text, expect) in [
            ("anna", true),
            ("a.smith-1_x@example.com", true),
            ("", false),
            (long.as_str(), false),
            ("anna smith", false),
            ("anna\n", false),
            ("ännä", false),
            ("local", false),
        ] {
            assert_eq!(AdminName::parse(text).is_some(), expect, "{text:?}");
        }
    }
}
