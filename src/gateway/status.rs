//! How everything stands, as `scimgate status` and the admin port tell it:
//! plain data, for programs too.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapter::keys::TenantId;
use crate::catalog::Standing;
pub use crate::server::admin::bodies::TokenStatus;
pub use crate::store::health::{Health, Rates, Risk, RiskLevel};

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TenantStatus {
    /// Its name.
    pub id: TenantId,
    /// Its adapter; `None` where nothing of it could be loaded.
    pub vendor: Option<String>,
    /// What an administrator pastes into Entra as Tenant URL.
    pub url: String,
    /// Its vendor failed so often that it is only probed, once a second.
    pub paused: bool,
    /// Creates of which nobody knows yet whether they made an object. The gateway looks for it
    /// itself once they cannot take effect any more.
    #[serde(default)]
    pub open_creates: usize,
    /// Tokens that work.
    pub tokens: usize,
    /// How Entra's requests went, and what Entra will make of it.
    pub health: Health,
    /// What is the matter now, gravest first.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Requests of the last 24 hours that were carried out, and something about them should be
    /// looked at.
    pub warnings: u32,
}

/// Something that is the matter with a tenant now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Which of a fixed list.
    pub kind: ConditionKind,
    /// When it was first seen.
    pub since: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
    /// What is the matter, in a sentence without its full stop.
    pub sentence: String,
    /// Where the last failure arose and what it was; empty where the sentence says all.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

/// All that can be the matter with a tenant, gravest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ConditionKind {
    /// The vendor refuses the tenant's credential.
    CredentialRefused,
    /// The credential lacks a right.
    RightMissing,
    /// What the tenant is set up with does not work at the vendor.
    SetupUnfit,
    /// The vendor does not answer at all.
    VendorUnreachable,
    /// The vendor answers errors, or what cannot be used.
    VendorUnusable,
    /// The adapter's script fails.
    ScriptFailing,
    /// The store cannot be read or written.
    StoreNotWritable,
    /// The tenant's files cannot be used.
    FilesRefused,
    /// The adapter is in use, and its transcripts fail.
    TranscriptsFailing,
    /// Entra is about to stop the job.
    QuarantineNear,
    /// The last token that works expires soon, or has expired.
    TokenExpiring,
    /// The vendor asks to wait, again and again.
    VendorBusy,
    /// Requests take longer than they may.
    Slow,
    /// The gateway itself fails.
    GatewayFailing,
}

impl ConditionKind {
    /// `credential_refused`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialRefused => "credential_refused",
            Self::RightMissing => "right_missing",
            Self::SetupUnfit => "setup_unfit",
            Self::VendorUnreachable => "vendor_unreachable",
            Self::VendorUnusable => "vendor_unusable",
            Self::ScriptFailing => "script_failing",
            Self::StoreNotWritable => "store_not_writable",
            Self::FilesRefused => "files_refused",
            Self::TranscriptsFailing => "transcripts_failing",
            Self::QuarantineNear => "quarantine_near",
            Self::TokenExpiring => "token_expiring",
            Self::VendorBusy => "vendor_busy",
            Self::Slow => "slow",
            Self::GatewayFailing => "gateway_failing",
        }
    }

    /// What is the matter, in words.
    pub fn what(self) -> &'static str {
        match self {
            Self::CredentialRefused => "the vendor refuses this tenant's credential",
            Self::RightMissing => "this tenant's vendor credential lacks a right",
            Self::SetupUnfit => "what this tenant is set up with does not work at the vendor",
            Self::VendorUnreachable => "the vendor cannot be reached",
            Self::VendorUnusable => "the vendor answers with errors, or with something unusable",
            Self::ScriptFailing => "the adapter's script fails",
            Self::StoreNotWritable => "the gateway's store does not work",
            Self::FilesRefused => "the tenant's files cannot be used",
            Self::TranscriptsFailing => "the adapter's transcripts fail",
            Self::QuarantineNear => "Entra is about to stop its job",
            Self::TokenExpiring => "the token in Entra expires soon, or has expired",
            Self::VendorBusy => "the vendor asks to wait",
            Self::Slow => "requests take too long",
            Self::GatewayFailing => "the gateway itself fails",
        }
    }
}
