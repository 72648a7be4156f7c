//! Tokens of vendors' consoles: `scn_…`. One makes and rotates tenants of one adapter, within a
//! template that the operator gave, and opens no other door.

use super::TokenKind;
use super::admin::AdminName;
use super::grants::Grant;

/// What whoever shows a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Whose token it is, for the audit.
    pub name: AdminName,
    /// The one adapter whose tenants it makes.
    pub adapter: String,
    /// What all of its tenants have and no request changes: a part of a tenant's file.
    pub template: String,
}

impl Grant for Scope {
    const KIND: TokenKind = TokenKind::Onboarding;
}
