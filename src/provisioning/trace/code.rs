//! The error codes that Entra's provisioning log shows, and what follows from each.
//!
//! The codes and what Entra does about them are documented (learn.microsoft.com, "Understand
//! how provisioning integrates with Azure Monitor logs" and "Provisioning logs error codes");
//! which HTTP status gives which is an inference, for Entra documents it for few of them.

use super::{Deed, End, Ended};

/// The code Entra shows for an answer; none for a success.
pub(super) fn of(story: &Ended) -> Option<&'static str> {
    match &story.end {
        _ if story.unheard => Some("InternalServerError"),
        End::Done { .. } => None,
        End::TimedOut => Some("InternalServerError"),
        End::HungUp => Some("Timeout"),
        End::Failed { .. } if !story.is_failure() => None,
        End::Failed { status, .. } => Some(of_status(*status, story.subject.deed)),
    }
}

fn of_status(status: u16, deed: Deed) -> &'static str {
    match (status, deed) {
        (401, _) => "Unauthorized",
        (403, _) => "InsufficientRights",
        (404, Deed::Replace | Deed::Patch) => "InvalidAnchor",
        (405, _) => "MethodNotAllowed",
        (409, _) => "EntryConflict",
        (422, _) => "UnprocessableEntity",
        (429, _) => "TooManyRequests",
        (501, _) => "NotImplemented",
        (500.., _) => "InternalServerError",
        (_, Deed::List) => "SystemForCrossDomainIdentityManagementServiceIncompatibleFiltering",
        (400, _) => "SystemForCrossDomainIdentityManagementBadRequest",
        _ => "WebExceptionProtocolError",
    }
}
