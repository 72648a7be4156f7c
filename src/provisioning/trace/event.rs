//! A story in the words of Entra's provisioning log, as it is kept and given out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Decision, Deed, End, Ended, Fault, Membership, Modified, Moment, Step, code, mask};
use crate::adapter::keys::TenantId;
use crate::scim::ResourceKind;

/// What a request was for. Entra's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A new user or group.
    Create,
    /// A changed one.
    Update,
    /// One that is removed.
    Delete,
    /// An account that is switched off.
    Disable,
    /// Reading, and asking what the service offers.
    Other,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Disable,
        Self::Other,
    ];

    /// As Entra spells it, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Disable => "disable",
            Self::Other => "other",
        }
    }
}

/// What came of a request. Entra's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was carried out.
    Success,
    /// It was not.
    Failure,
    /// There was nothing to do.
    Skipped,
    /// It was carried out, and something about it should be looked at.
    Warning,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Skipped, Self::Warning];

    /// As Entra spells it, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
        }
    }
}

/// One line of the provisioning log, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When the request came.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// The id in the answer and in log lines.
    pub request_id: String,
    /// Which operation of a bulk request, from 1; 0 is a request of its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub part: u32,
    /// Whose.
    pub tenant: TenantId,
    /// The adapter's name: Entra's target system.
    pub vendor: String,
    /// What it was for.
    pub action: Action,
    /// What came of it.
    pub status: Status,
    /// The error code in Entra's provisioning log, if the gateway can derive it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The HTTP status Entra got; none if it hung up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Whose fault a failure was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// RFC 7644 §3.12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim_type: Option<String>,
    /// The text Entra shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For operators only: where the failure arose, and its cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What somebody must do, where the adapter says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// `/Users/{id}`.
    pub route: String,
    /// `user` or `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceKind>,
    /// The SCIM id: Entra's target id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// `userName` or a group's `displayName`, as `log.identity` allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// From the first byte to the end of the work, in microseconds.
    pub duration_us: u64,
    /// The work ended after the answer, which said that the request took too long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unheard: bool,
    /// When the answer went out, in microseconds since the request came, where the work went on
    /// after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_us: Option<u64>,
    /// What it changes, values masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modified: Vec<Modified>,
    /// Who was to join or leave the group, or which groups the user was to leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Membership>,
    /// What happened, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Moment>,
}

impl Event {
    /// Tells a story in Entra's words.
    pub fn of(story: &Ended) -> Self {
        let (http_status, failed) = outcome(story);
        let failed = failed.unwrap_or_default();
        let (steps, modified, members) = split(&story.steps);
        Self {
            at: Timestamp::try_from(story.came).unwrap_or_default(),
            request_id: story.asked.request_id.to_string(),
            part: story.asked.part,
            tenant: story.asked.tenant.clone(),
            vendor: story.asked.vendor.to_string(),
            action: action(story),
            status: status(story),
            code: code::of(story).map(str::to_owned),
            http_status,
            fault: failed.fault,
            scim_type: failed.scim_type.map(str::to_owned),
            detail: failed.detail.map(|text| mask::sentence(text).into_owned()),
            reason: failed.reason.map(|text| mask::sentence(text).into_owned()),
            remedy: failed.remedy.map(str::to_owned),
            method: story.asked.method.to_owned(),
            route: story.asked.route.to_owned(),
            resource: story.subject.kind,
            target_id: story.subject.id.clone(),
            identity: story.subject.identity.clone(),
            duration_us: super::step::micros(story.took),
            unheard: story.unheard,
            answered_us: story.answered.map(super::step::micros),
            modified,
            members,
            steps,
        }
    }
}

impl Ended {
    /// What it was for, in Entra's words.
    pub fn action(&self) -> Action {
        action(self)
    }

    /// What came of it, in Entra's words.
    pub fn status(&self) -> Status {
        status(self)
    }

    /// The error code that Entra's log shows; none for a success.
    pub fn code(&self) -> Option<&'static str> {
        code::of(self)
    }

    /// Whether the request was to change something.
    pub fn is_write(&self) -> bool {
        use Deed::{Create, Delete, Patch, Replace};
        matches!(self.subject.deed, Create | Replace | Patch | Delete)
    }

    /// Whether it was refused because `scimgate probe` asked for what must be refused.
    pub fn is_provoked(&self) -> bool {
        let is_refused = matches!(
            self.end,
            End::Failed {
                fault: Fault::Client,
                ..
            }
        );
        self.is_probing && is_refused
    }

    /// Whether Entra counts it as a failure. That something read or deleted is not there, or is
    /// of another version than a condition says, is an answer.
    pub fn is_failure(&self) -> bool {
        match &self.end {
            End::Done { .. } => self.unheard,
            End::Failed { status: 412, .. } => false,
            End::Failed { status: 404, .. } => {
                !matches!(self.subject.deed, Deed::Get | Deed::Delete)
            }
            End::Failed { .. } | End::TimedOut => true,
            End::HungUp => false,
        }
    }
}

#[derive(Default)]
struct Failed<'e> {
    fault: Option<Fault>,
    scim_type: Option<&'static str>,
    detail: Option<&'e str>,
    reason: Option<&'e str>,
    remedy: Option<&'e str>,
}

/// What Entra got, and what is told of a failure.
fn outcome(story: &Ended) -> (Option<u16>, Option<Failed<'_>>) {
    // The answer went out before the end, unless the other side had hung up.
    let late = story.answered.map(|_| 503);
    match &story.end {
        End::Done { .. } if story.unheard => (late, None),
        End::Done { status } => (Some(*status), None),
        End::Failed {
            status,
            scim_type,
            detail,
            fault,
            reason,
            remedy,
        } => {
            let failed = Failed {
                fault: Some(*fault),
                scim_type: *scim_type,
                detail: Some(detail),
                reason: reason.as_deref(),
                remedy: remedy.as_deref(),
            };
            let status = if story.unheard { late } else { Some(*status) };
            (status, Some(failed))
        }
        End::TimedOut => {
            let failed = Failed {
                fault: Some(Fault::Late),
                detail: Some("The request took too long."),
                ..Failed::default()
            };
            (Some(503), Some(failed))
        }
        End::HungUp => (None, None),
    }
}

fn action(story: &Ended) -> Action {
    match story.subject.deed {
        Deed::Create => Action::Create,
        Deed::Replace | Deed::Patch if story.subject.disables => Action::Disable,
        Deed::Replace | Deed::Patch => Action::Update,
        Deed::Delete => Action::Delete,
        Deed::Unread | Deed::Get | Deed::List | Deed::Bulk | Deed::Discover => {
            refused_action(story)
        }
    }
}

/// What was refused before it was read is told by its method.
fn refused_action(story: &Ended) -> Action {
    match (story.subject.deed, story.asked.method, story.asked.route) {
        (Deed::Unread, "POST", "/Users" | "/Groups") => Action::Create,
        (Deed::Unread, "PATCH" | "PUT", _) => Action::Update,
        (Deed::Unread, "DELETE", _) => Action::Delete,
        _ => Action::Other,
    }
}

fn status(story: &Ended) -> Status {
    let noted = |wanted: fn(&Step) -> bool| story.steps.iter().any(|noted| wanted(&noted.step));
    match &story.end {
        End::Failed { .. } if !story.is_failure() => Status::Skipped,
        End::Failed { .. } | End::TimedOut => Status::Failure,
        End::HungUp => Status::Warning,
        End::Done { .. } if story.unheard => Status::Warning,
        End::Done { .. }
            if noted(|step| matches!(step, Step::NotTaken { .. } | Step::Ignored { .. })) =>
        {
            Status::Warning
        }
        End::Done { .. } if noted(is_nothing_to_tell) && !noted(is_change) => Status::Skipped,
        End::Done { .. } => Status::Success,
    }
}

fn is_nothing_to_tell(step: &Step) -> bool {
    let decision = Decision::NothingToTell;
    matches!(step, Step::Decided { decision: noted } if *noted == decision)
}

fn is_change(step: &Step) -> bool {
    match step {
        Step::Call { method, .. } => method != "GET",
        Step::Decided { decision } => *decision == Decision::KeptHere,
        _ => false,
    }
}

/// Modified attributes stand apart, the last account of them, as a second one was made knowing
/// more.
fn split(noted: &[Moment]) -> (Vec<Moment>, Vec<Modified>, Vec<Membership>) {
    let (mut steps, mut modified) = (Vec::with_capacity(noted.len()), Vec::new());
    let mut members = Vec::new();
    for moment in noted {
        match &moment.step {
            Step::Changes { attributes } => modified.clone_from(attributes),
            Step::Members { changes } => members.clone_from(changes),
            _ => steps.push(moment.clone()),
        }
    }
    (steps, modified, members)
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Times as RFC 3339 has them, in UTC.
mod rfc3339 {
    use jiff::Timestamp;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{time:.3}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
