//! What administrators did: one row for each write, kept for good.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapter::keys::TenantId;
use crate::provisioning::memory::Recall;

/// One thing that somebody did, or tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// The name of an admin token; `local` for the command line on the gateway's host.
    pub actor: String,
    /// What, as a stable word: `token.mint`, `reload`.
    pub what: String,
    /// Whose, where it is about one tenant.
    pub tenant: Option<TenantId>,
    /// What it was done to: a key id, a route.
    pub subject: String,
    /// How it ended: `done`, or the code of the refusal.
    pub outcome: String,
    /// Hash of what was there before, where there is one.
    pub before: Option<String>,
    /// Hash of what is there now.
    pub after: Option<String>,
    /// The request it came with; empty from the command line.
    pub request_id: String,
}

/// Where deeds are kept.
pub trait AuditBook: Send + Sync {
    /// Adds one.
    fn record(&self, deed: Deed) -> Recall<'_, ()>;

    /// The latest, newest first, at most `most`.
    fn deeds(&self, most: u32) -> Recall<'_, Vec<Deed>>;
}
