//! What went wrong, by whose fault it was.
//!
//! A fault keeps its meaning to the end: an outage never looks like "user not
//! found", our expired vendor credential never looks like Entra's bad token.
//! `server/rescue.rs` is the one place that turns a [`Failure`] into an answer.

use std::time::Duration;

use super::origin::{Origin, Place};
use crate::scim::ScimError;

/// Why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The request cannot be carried out as it stands; Entra's administrator can act on it.
    #[error("{0}")]
    Client(ScimError),
    /// The vendor, or the way to it, failed; and where that was noticed, and how.
    #[error("{}", told(.0, .1.as_deref()))]
    Vendor(VendorFault, Option<Box<Origin>>),
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
    Credential {
        /// What is wrong with it, in words for Entra's administrator.
        detail: Option<String>,
    },
    /// Something that the tenant is set up with does not work at the vendor.
    #[error("the tenant's setup does not work at the vendor")]
    Setup {
        /// What it is, in words for Entra's administrator.
        detail: String,
    },
    /// The vendor does not know the cursor of a list any more.
    #[error("the vendor does not know the list's cursor any more")]
    Expired,
    /// The vendor knows that credential and does not let it do this.
    #[error("the vendor does not permit the gateway's credential to do this")]
    Forbidden {
        /// What it lacks, in words for Entra's administrator.
        detail: Option<String>,
    },
}

/// A script's faults: place and reason are for operators, never for Entra.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ScriptFault {
    /// Where.
    pub place: Place,
    /// What is wrong: the engine's message, or what came and what was expected.
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
    #[error("the gateway's store is not available: {0}")]
    StoreUnavailable(String),
    /// What the tenant needs could not be loaded; the reason was logged then.
    #[error("the tenant's files cannot be used")]
    TenantUnavailable,
    /// A defect of the gateway; the request id leads to the log.
    #[error("internal error")]
    Internal,
}

impl GatewayFault {
    /// Another replica may do by now what this one was doing.
    pub fn lease_ended() -> Self {
        Self::StoreUnavailable("this replica's lease has ended".to_owned())
    }
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self::Client(error)
    }
}

impl From<VendorFault> for Failure {
    fn from(fault: VendorFault) -> Self {
        Self::Vendor(fault, None)
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

/// Where it was noticed and how, or else the kind of fault.
fn told(fault: &VendorFault, origin: Option<&Origin>) -> String {
    origin.map_or_else(|| fault.to_string(), ToString::to_string)
}

impl Failure {
    /// The vendor's fault, and what it was.
    pub(crate) fn vendor(fault: VendorFault, what: impl Into<String>) -> Self {
        let origin = Origin::of(what);
        Self::Vendor(fault, Some(Box::new(origin)))
    }

    /// The vendor answered what cannot be used: `what` says how.
    pub(crate) fn unusable(what: impl Into<String>) -> Self {
        Self::vendor(VendorFault::Unusable, what)
    }

    /// The one sentence that says where the fault arose and what it is, for whoever runs the
    /// gateway; none of a refusal that is the gateway's own, whose cause is the request.
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Client(error) => error.note.as_ref().map(|note| note.cause.clone()),
            Self::Vendor(..) | Self::Script(_) | Self::Gateway(_) => Some(self.to_string()),
        }
    }

    /// What somebody must do about it, where the manifest says so.
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::Client(error) => error.note.as_ref()?.action.as_deref(),
            Self::Vendor(_, origin) => origin.as_ref()?.action.as_deref(),
            Self::Script(_) | Self::Gateway(_) => None,
        }
    }

    /// Whether a write went out and its outcome is unknown, so that a look-up can
    /// show it. What failed after all retries has been looked up already.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        matches!(self, Self::Vendor(VendorFault::UnknownOutcome, _))
    }
}
