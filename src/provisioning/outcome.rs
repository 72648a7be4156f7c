//! Why a step of a request was not carried out, and of whom it is said.
//!
//! "There is no such object" is only an answer to Entra when it is said of the object that the
//! request is about ([`NotDone::into_failure`]). Of anybody else it is information: a member who
//! is gone has left, a group that is gone need not be left.

use crate::adapter::keys::{NativeId, ScimId};
use crate::provisioning::trace::Decision;
use crate::scim::{ResourceKind, ScimError};
use crate::script::fault::{Failure, GatewayFault, VendorFault};

/// What a step is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) kind: ResourceKind,
    pub(super) id: SubjectId,
}

/// How a step knows what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SubjectId {
    /// By the id that Entra uses.
    Scim(ScimId),
    /// By the id that the vendor uses.
    Native(NativeId),
    /// It does not exist yet.
    New,
}

impl Subject {
    pub(super) fn scim(kind: ResourceKind, id: &ScimId) -> Self {
        let id = SubjectId::Scim(id.clone());
        Self { kind, id }
    }

    pub(super) fn native(kind: ResourceKind, id: &NativeId) -> Self {
        let id = SubjectId::Native(id.clone());
        Self { kind, id }
    }

    pub(super) fn new(kind: ResourceKind) -> Self {
        let id = SubjectId::New;
        Self { kind, id }
    }
}

/// Why a step was not carried out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NotDone {
    /// The vendor or the store says that this object does not exist. Nothing was changed.
    Absent(Subject),
    /// The vendor refuses a value that another object has. Nothing was changed.
    Conflict(ScimError),
    /// The request cannot be carried out as it stands. Nothing was changed.
    Refused(ScimError),
    /// A write may or may not have been carried out.
    Unknown(Failure),
    /// Nothing was changed: it was never sent, or the vendor certainly did not do it.
    Failed(Failure),
}

/// Result of a step.
pub(super) type Outcome<T> = Result<T, NotDone>;

impl NotDone {
    /// Sorts what a function of the script ended with. `subject` is whom the function was about;
    /// `wrote` says whether one of its calls may have changed something at the vendor.
    pub(super) fn of(failure: Failure, subject: Subject, wrote: bool) -> Self {
        match failure {
            Failure::Vendor(VendorFault::UnknownOutcome, _) => Self::Unknown(failure),
            failure if wrote => Self::Unknown(failure),
            Failure::Client(error) if error.status == 404 => Self::Absent(subject),
            Failure::Client(error) if error.status == 409 => Self::Conflict(error),
            Failure::Client(error) => Self::Refused(error),
            other => Self::Failed(other),
        }
    }

    /// The same, said of what follows a write that was carried out: something was changed.
    pub(super) fn after_a_write(self) -> Self {
        match self {
            Self::Failed(failure) => Self::Unknown(failure),
            other => other,
        }
    }

    /// Whether the object that is absent is this one.
    pub(super) fn is_absent(&self, subject: &Subject) -> bool {
        matches!(self, Self::Absent(absent) if absent == subject)
    }

    /// Whether the vendor does not know the cursor of a list any more.
    pub(super) fn is_expired(&self) -> bool {
        matches!(self, Self::Failed(Failure::Vendor(VendorFault::Expired, _)))
    }

    /// Whether the request itself is at fault, so that sending it again leads to the same answer.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Refused(_))
    }

    /// The request's failure. Only the absence of `target`, the object that the request names,
    /// becomes 404.
    pub(super) fn into_failure(self, target: Option<&Subject>) -> Failure {
        match self {
            Self::Absent(absent) if Some(&absent) == target => no_such(absent.kind),
            // Somebody else went while the request was carried out: the next try finds it so.
            Self::Absent(_) => VendorFault::UnknownOutcome.into(),
            Self::Conflict(error) | Self::Refused(error) => error.into(),
            Self::Unknown(failure) | Self::Failed(failure) => failure,
        }
    }
}

impl From<Failure> for NotDone {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Client(error) if error.status == 409 => Self::Conflict(error),
            Failure::Client(error) => Self::Refused(error),
            Failure::Vendor(VendorFault::UnknownOutcome, _) => Self::Unknown(failure),
            other => Self::Failed(other),
        }
    }
}

impl From<ScimError> for NotDone {
    fn from(error: ScimError) -> Self {
        Failure::from(error).into()
    }
}

impl From<VendorFault> for NotDone {
    fn from(fault: VendorFault) -> Self {
        Failure::from(fault).into()
    }
}

impl From<GatewayFault> for NotDone {
    fn from(fault: GatewayFault) -> Self {
        Self::Failed(fault.into())
    }
}

impl From<crate::provisioning::memory::MemoryError> for NotDone {
    fn from(error: crate::provisioning::memory::MemoryError) -> Self {
        Self::Failed(error.into())
    }
}

/// 404 for an object of this type.
pub(super) fn no_such(kind: ResourceKind) -> Failure {
    ScimError::not_found(format!("There is no {} with this id.", kind.as_str())).into()
}

/// What looking for an unconfirmed write came to, for the request trace.
pub(super) fn looked(found: bool) -> Decision {
    match found {
        true => Decision::FoundDone,
        false => Decision::StillInDoubt,
    }
}
