//! How everything stands, as `scimgate status` and the admin port tell it:
//! plain data, for programs too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::adapter::keys::TenantId;
use crate::catalog::Standing;
pub use crate::store::health::{Health, Rates, Risk, RiskLevel};

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The program's.
    pub version: String,
    /// When this process began.
    pub since: Timestamp,
    /// Nothing is the matter.
    pub well: bool,
    /// What is the matter, in sentences; empty when all is well.
    pub concerns: Vec<String>,
    /// What runs against what lies on disk.
    pub standing: Standing,
    /// By id.
    pub tenants: Vec<TenantStatus>,
}

/// One tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TenantStatus {
    /// Its name.
    pub id: TenantId,
    /// Its adapter; `None` where nothing of it could be loaded.
    pub vendor: Option<String>,
    /// What an administrator pastes into Entra as Tenant URL.
    pub url: String,
    /// Its vendor failed so often that it is only probed, once a second.
    pub paused: bool,
    /// Tokens that work.
    pub tokens: usize,
    /// How Entra's requests went, and what Entra will make of it.
    pub health: Health,
    /// Requests of the last 24 hours that were carried out, and something about them should be
    /// looked at.
    pub warnings: u32,
}

/// What is kept of one token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenStatus {
    /// The eight characters behind `scg_`.
    pub key: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; null is never.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Whether it opens the door now.
    pub works: bool,
}
