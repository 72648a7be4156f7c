//! What went wrong, by whose fault it was.
//!
//! A fault keeps its meaning to the end: an outage never looks like "user not
//! found", our expired vendor credential never looks like Entra's bad token.
//! `server/rescue.rs` is the one place that turns a [`Failure`] into an answer.

use std::time::Duration;

use crate::scim::{ScimError, ScimType};

/// Why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The request cannot be carried out as it stands; Entra's administrator can act on it.
    #[error("{0}")]
    Client(ScimError),
    /// The vendor, or the way to it, failed.
    #[error("{0}")]
    Vendor(VendorFault),
    /// The adapter's script is wrong.
    #[error("{0}")]
    Script(ScriptFault),
    /// The gateway itself cannot do it now.
    #[error("{0}")]
    Gateway(GatewayFault),
}

/// The vendor's faults.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VendorFault {
    /// Nothing reached the vendor.
    #[error("the vendor could not be reached")]
    Unreachable,
    /// The call may have been carried out, and a look-up did not show whether.
    #[error("the vendor did not confirm the change")]
    UnknownOutcome,
    /// The vendor answered 5xx, nonsense, a redirect or too much.
    #[error("the vendor's answer could not be used")]
    Unusable,
    /// The vendor is throttling or not ready.
    #[error("the vendor is busy")]
    Busy {
        /// How long it asks for.
        retry_after: Option<Duration>,
    },
    /// The vendor refuses the credential the gateway holds for this tenant.
    #[error("the vendor refuses the gateway's credential")]
    Credential,
    /// The vendor knows that credential and does not let it do this.
    #[error("the vendor does not permit the gateway's credential to do this")]
    Forbidden {
        /// What it lacks, in words for Entra's administrator.
        detail: Option<String>,
    },
}

/// A script's faults: place and reason are for operators, never for Entra.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{script}:{line}:{column}: {message}")]
pub struct ScriptFault {
    /// File name of the script.
    pub script: String,
    /// 1-based; 0 when the engine gave none.
    pub line: usize,
    /// 1-based; 0 when the engine gave none.
    pub column: usize,
    /// The engine's message.
    pub message: String,
}

/// Our own faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayFault {
    /// Too many requests wait for the same thing.
    #[error("the gateway is overloaded")]
    Overloaded,
    /// The request's time is up. A write that was begun goes on.
    #[error("the request took too long")]
    DeadlineExceeded,
    /// The store cannot be read or written.
    #[error("the gateway's store is not available")]
    StoreUnavailable,
    /// What the tenant needs could not be loaded; the reason was logged then.
    #[error("the tenant's files cannot be used")]
    TenantUnavailable,
    /// A defect of the gateway; the request id leads to the log.
    #[error("internal error")]
    Internal,
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self::Client(error)
    }
}

impl From<VendorFault> for Failure {
    fn from(fault: VendorFault) -> Self {
        Self::Vendor(fault)
    }
}

impl From<ScriptFault> for Failure {
    fn from(fault: ScriptFault) -> Self {
        Self::Script(fault)
    }
}

impl From<GatewayFault> for Failure {
    fn from(fault: GatewayFault) -> Self {
        Self::Gateway(fault)
    }
}

impl Failure {
    /// Whether a write went out and its outcome is unknown, so that a look-up can
    /// show it. What failed after all retries has been looked up already.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        matches!(self, Self::Vendor(VendorFault::UnknownOutcome))
    }

    /// Whether a unique value is taken (RFC 7644 §3.12 `uniqueness`).
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Client(error) if error.scim_type == Some(ScimType::Uniqueness))
    }
}
