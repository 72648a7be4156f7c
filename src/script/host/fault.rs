//! Faults as scripts see them: thrown by calls, made by `conflict(…)` and its
//! like, caught with `try`/`catch`, and turned into a [`Failure`] when uncaught.

use std::time::Duration;

use hyper::HeaderMap;
use rhai::{Dynamic, EvalAltResult, Position};
use serde_json::Value;

use crate::scim::{Note, ScimError};
use crate::script::call::{CallFault, VendorReply};
use crate::script::effects::LastCall;
use crate::script::fault::{Failure, GatewayFault, VendorFault};
use crate::script::origin::{Origin, Place, plain};
use crate::script::replies::{Meaning, Verdict, is_html};

mod functions;

pub(super) use functions::register;

/// An answer in words: its status, the vendor's code, and what is wrong with its body.
fn shown(verdict: &Verdict<'_>, reply: &VendorReply) -> String {
    let status = reply.status;
    match verdict.code.as_deref().filter(|code| is_code(code)) {
        Some(code) => format!("the vendor answered {status} with the code {code}"),
        None if is_html(&reply.body) => format!("the vendor answered {status} with HTML"),
        None => format!("the vendor answered {status}"),
    }
}

/// Whether a code is one, and no sentence that might name somebody.
fn is_code(code: &str) -> bool {
    let fits = |letter: u8| letter.is_ascii_alphanumeric() || b"_-.".contains(&letter);
    !code.is_empty() && code.len() <= 40 && code.bytes().all(fits)
}

/// What a script throws or catches.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: FaultKind,
    /// The vendor's own code, if its answer had one.
    code: Option<String>,
    /// HTTP status of the vendor's answer, 0 if there was none.
    status: u16,
    /// The answer's body, for the script to look into; never shown to Entra.
    body: Box<Value>,
    /// The native field it is about, if the answer named one.
    field: Option<String>,
    attribute: Option<String>,
    detail: Option<String>,
    /// What is wrong with the value of the attribute, whichever that is, unless `detail` says it.
    defect: Option<&'static str>,
    /// An earlier try of the call was lost and may have been carried out.
    after_loss: bool,
    /// The path of the call, as the script wrote it, and the headers of its answer: for the
    /// script to look into, and shown to nobody.
    path: Option<String>,
    headers: Box<HeaderMap>,
    /// What happened, and at which call: for whoever runs the gateway.
    origin: Box<Origin>,
    /// Where it was thrown first.
    position: Position,
}

#[derive(Clone, Debug, PartialEq)]
enum FaultKind {
    /// The meaning of the vendor's answer.
    Meant(Meaning),
    /// It may or may not have been done.
    UnknownOutcome,
    /// Nothing was sent.
    Unreachable,
    /// Not now.
    Busy(Option<Duration>),
    /// The batch it was in failed like this.
    Failed(Box<Failure>),
}

impl Fault {
    /// An answer that is not [`Meaning::Ok`]. A failed call that must not be
    /// repeated may have been carried out, whatever its status says.
    pub(super) fn answered(
        verdict: &Verdict<'_>,
        reply: &VendorReply,
        body: Value,
        repeatable: bool,
    ) -> Self {
        let kind = match verdict.means {
            Meaning::Busy => FaultKind::Busy(reply.retry_after.or(verdict.retry_after)),
            Meaning::Fault if !repeatable => FaultKind::UnknownOutcome,
            means => FaultKind::Meant(means),
        };
        Self {
            kind,
            code: verdict.code.clone(),
            status: reply.status,
            body: Box::new(body),
            field: verdict.field.clone(),
            attribute: verdict.attribute.map(str::to_owned),
            detail: verdict.detail.map(str::to_owned),
            after_loss: reply.after_loss,
            origin: Box::new(Origin {
                row: verdict.row.cloned(),
                action: verdict.alarm.map(str::to_owned),
                ..Origin::of(shown(verdict, reply))
            }),
            ..Self::bare(FaultKind::UnknownOutcome)
        }
    }

    /// No answer.
    pub(super) fn unanswered(fault: CallFault, repeatable: bool) -> Self {
        let what = match &fault {
            CallFault::NotSent(why) => format!("the call was not sent: {}", plain(why)),
            CallFault::Lost(why) => format!("no whole answer came: {}", plain(why)),
            CallFault::Busy { .. } => {
                "the call has to wait: the vendor asks for it, or this tenant's [limits] do"
                    .to_owned()
            }
            CallFault::Credential | CallFault::LeaseEnded | CallFault::Login(_) => {
                fault.to_string()
            }
        };
        let kind = match fault {
            CallFault::NotSent(_) => FaultKind::Unreachable,
            CallFault::Lost(_) if repeatable => FaultKind::Meant(Meaning::Fault),
            CallFault::Lost(_) => FaultKind::UnknownOutcome,
            CallFault::Busy { retry_after } => FaultKind::Busy(retry_after),
            CallFault::Credential => FaultKind::Meant(Meaning::Credential),
            CallFault::Login(_) => FaultKind::Meant(Meaning::Fault),
            CallFault::LeaseEnded => {
                FaultKind::Failed(Box::new(GatewayFault::lease_ended().into()))
            }
        };
        Self::bare(kind).saying(what)
    }

    /// A reply that cannot be used, whatever its status: `what` says why not.
    pub(super) fn unusable(what: String) -> Self {
        Self::new(Meaning::Fault, None, "").saying(what)
    }

    /// With what happened in words.
    pub(super) fn saying(mut self, what: String) -> Self {
        self.origin.what = what;
        self
    }

    /// With the call it came of.
    pub(super) fn of_call(mut self, last: Option<LastCall>) -> Self {
        self.origin.call = last.map(|last| last.call);
        self
    }

    /// With the place in the script where it was noticed, unless it has one.
    pub(crate) fn noticed_at(mut self, place: Place) -> Self {
        self.origin.place.get_or_insert(place);
        self
    }

    /// With the path of that call.
    pub(super) fn of_path(mut self, path: String) -> Self {
        self.path = Some(path);
        self
    }

    /// With the headers of its answer.
    pub(super) fn of_reply(mut self, reply: &VendorReply) -> Self {
        self.headers = Box::new(reply.headers.clone());
        self
    }

    /// A batch's.
    pub(super) fn failed(failure: Failure) -> Self {
        let (fault, origin) = match failure {
            Failure::Vendor(fault, origin) => (fault, origin),
            other => return Self::bare(FaultKind::Failed(Box::new(other))),
        };
        let kind = match fault {
            VendorFault::UnknownOutcome => FaultKind::UnknownOutcome,
            VendorFault::Unreachable => FaultKind::Unreachable,
            VendorFault::Busy { retry_after } => FaultKind::Busy(retry_after),
            other => FaultKind::Failed(Box::new(Failure::Vendor(other, origin.clone()))),
        };
        Self {
            origin: origin.unwrap_or_default(),
            ..Self::bare(kind)
        }
    }

    /// It may or may not have been done.
    pub(super) fn unknown_outcome() -> Self {
        Self::bare(FaultKind::UnknownOutcome)
    }

    fn bare(kind: FaultKind) -> Self {
        Self {
            kind,
            code: None,
            status: 0,
            body: Box::default(),
            field: None,
            attribute: None,
            detail: None,
            defect: None,
            after_loss: false,
            path: None,
            headers: Box::default(),
            origin: Box::default(),
            position: Position::NONE,
        }
    }

    fn new(meaning: Meaning, attribute: Option<&str>, detail: &str) -> Self {
        Self {
            attribute: attribute.map(str::to_owned),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            ..Self::made(FaultKind::Meant(meaning))
        }
    }

    /// One that a script makes itself.
    fn made(kind: FaultKind) -> Self {
        let fault = Self::bare(kind);
        let what = format!("the script throws {}", fault.means());
        fault.saying(what)
    }

    /// A value that cannot stand in an address of the vendor's API.
    pub(super) fn no_segment(attribute: Option<&str>) -> Self {
        let defect = "is \".\", \"..\" or contains a control character such as a tab or a line break, which \
                      cannot be part of an address of this vendor's API. Change it.";
        Self::of_value(attribute, defect).saying("segment() refuses a value".into())
    }

    /// A value that the vendor's own format cannot carry.
    pub(super) fn unencodable(by: &str, attribute: Option<&str>) -> Self {
        let defect =
            "contains a control character, which this vendor's API cannot carry. Remove it.";
        Self::of_value(attribute, defect).saying(format!("{by}() refuses a value"))
    }

    /// A value that has a defect, whatever its attribute.
    fn of_value(attribute: Option<&str>, defect: &'static str) -> Self {
        Self {
            defect: Some(defect),
            ..Self::new(Meaning::Invalid, attribute, "")
        }
    }

    /// With the native field that it is about.
    pub(super) fn in_field(mut self, field: String) -> Self {
        self.field = Some(field);
        self
    }

    /// As an error a script can catch.
    pub(super) fn throw(mut self, position: Position) -> Box<EvalAltResult> {
        if self.position.is_none() {
            self.position = position;
        }
        EvalAltResult::ErrorRuntime(Dynamic::from(self), position).into()
    }

    /// With the SCIM attribute that `of_field` gives for the native field, if
    /// the fault does not name one itself.
    pub(crate) fn naming(mut self, of_field: impl FnOnce(&str) -> Option<String>) -> Self {
        if self.attribute.is_none() {
            self.attribute = self.field.as_deref().and_then(of_field);
        }
        self
    }

    /// What is wrong with the call itself, if the vendor says that something is: only a corrected
    /// script makes it right.
    pub(crate) fn bug(&self) -> Option<String> {
        let is_bug = self.kind == FaultKind::Meant(Meaning::Bug);
        is_bug.then(|| format!("the vendor does not understand this call: {}", self.origin))
    }

    /// Line and column where it was thrown first, from 1, unless the script made it itself.
    pub(crate) fn place(&self) -> Option<(usize, usize)> {
        Some((self.position.line()?, self.position.position().unwrap_or(0)))
    }

    /// Whether the vendor certainly did not do what it was asked.
    pub(super) fn is_refusal(&self) -> bool {
        match &self.kind {
            FaultKind::Meant(Meaning::Ok | Meaning::Fault) | FaultKind::UnknownOutcome => false,
            FaultKind::Failed(failure) => !failure.is_unconfirmed(),
            FaultKind::Meant(_) | FaultKind::Unreachable | FaultKind::Busy(_) => true,
        }
    }

    /// What it means for the request. `title` is the vendor's name.
    pub(crate) fn into_failure(self, title: &str) -> Failure {
        let note = Note {
            cause: self.origin.to_string(),
            action: self.origin.action.clone(),
        };
        let origin = (!self.origin.what.is_empty()).then_some(self.origin);
        let vendor = |fault| Failure::Vendor(fault, origin);
        let meaning = match self.kind {
            FaultKind::UnknownOutcome => return vendor(VendorFault::UnknownOutcome),
            FaultKind::Unreachable => return vendor(VendorFault::Unreachable),
            FaultKind::Busy(retry_after) => return vendor(VendorFault::Busy { retry_after }),
            FaultKind::Failed(failure) => return *failure,
            FaultKind::Meant(meaning) => meaning,
        };
        let attribute = self.attribute.as_deref();
        let detail = |default: String| self.detail.clone().unwrap_or(default);
        match meaning {
            Meaning::Absent => {
                ScimError::not_found(detail(format!("{title} has no such object."))).into()
            }
            Meaning::Conflict => {
                let error = ScimError::uniqueness(detail(conflict_text(title, attribute)));
                error.noting(note).into()
            }
            Meaning::Invalid => {
                let usual = match self.defect {
                    Some(defect) => format!("{} {defect}", attribute.unwrap_or("A value")),
                    None => invalid_text(title, attribute),
                };
                let error = ScimError::invalid_value(detail(usual));
                error.noting(note).into()
            }
            Meaning::Quota => ScimError::invalid_value(detail(format!(
                "{title} refuses: a licence or quota is used up. Free or buy one, then retry."
            )))
            .noting(note)
            .into(),
            Meaning::Busy => vendor(VendorFault::Busy { retry_after: None }),
            Meaning::Credential => vendor(VendorFault::Credential {
                detail: self.detail,
            }),
            Meaning::Forbidden => vendor(VendorFault::Forbidden {
                detail: self.detail,
            }),
            Meaning::Expired => vendor(VendorFault::Expired),
            Meaning::Fault | Meaning::Ok => vendor(VendorFault::Unusable),
            Meaning::Bug => GatewayFault::Internal.into(),
        }
    }

    fn means(&self) -> &'static str {
        match self.kind {
            FaultKind::Meant(Meaning::Ok) => "ok",
            FaultKind::Meant(Meaning::Absent) => "absent",
            FaultKind::Meant(Meaning::Conflict) => "conflict",
            FaultKind::Meant(Meaning::Invalid) => "invalid",
            FaultKind::Meant(Meaning::Expired) => "expired",
            FaultKind::Meant(Meaning::Busy) | FaultKind::Busy(_) => "busy",
            FaultKind::Meant(Meaning::Quota) => "quota",
            FaultKind::Meant(Meaning::Credential) => "credential",
            FaultKind::Meant(Meaning::Forbidden) => "forbidden",
            FaultKind::Meant(Meaning::Fault) | FaultKind::Failed(_) => "fault",
            FaultKind::Meant(Meaning::Bug) => "bug",
            FaultKind::UnknownOutcome => "unknown_outcome",
            FaultKind::Unreachable => "unreachable",
        }
    }
}

fn conflict_text(title: &str, attribute: Option<&str>) -> String {
    match attribute {
        Some(name) => format!("Another object in {title} already has this {name}."),
        None => format!("{title} already has such an object."),
    }
}

fn invalid_text(title: &str, attribute: Option<&str>) -> String {
    match attribute {
        Some(name) => {
            format!("{title} does not accept the value of {name}. Check the attribute mapping.")
        }
        None => {
            format!("{title} does not accept a value of this object. Check the attribute mapping.")
        }
    }
}
