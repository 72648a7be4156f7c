//! Faults as scripts see them: thrown by calls, made by `conflict(…)` and its
//! like, caught with `try`/`catch`, and turned into a [`Failure`] when uncaught.

use std::time::Duration;

use rhai::{Dynamic, Engine, EvalAltResult, Map, NativeCallContext, Position};
use serde_json::Value;

use super::document::Docs;
use super::json;
use crate::scim::ScimError;
use crate::script::call::{CallFault, VendorReply};
use crate::script::fault::{Failure, GatewayFault, VendorFault};
use crate::script::replies::{LONGEST_SPAN, Meaning, Verdict};

/// What a script throws or catches.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: FaultKind,
    /// The vendor's own code, if its answer had one.
    code: Option<String>,
    /// HTTP status of the vendor's answer, 0 if there was none.
    status: u16,
    /// The answer's body, for the script to look into; never shown to Entra.
    body: Value,
    /// The native field it is about, if the answer named one.
    field: Option<String>,
    attribute: Option<String>,
    detail: Option<String>,
    /// An earlier try of the call was lost and may have been carried out.
    after_loss: bool,
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
            body,
            field: verdict.field.clone(),
            attribute: verdict.attribute.map(str::to_owned),
            detail: verdict.detail.map(str::to_owned),
            after_loss: reply.after_loss,
        }
    }

    /// No answer.
    pub(super) fn unanswered(fault: CallFault, repeatable: bool) -> Self {
        let kind = match fault {
            CallFault::NotSent(_) => FaultKind::Unreachable,
            CallFault::Lost(_) if repeatable => FaultKind::Meant(Meaning::Fault),
            CallFault::Lost(_) => FaultKind::UnknownOutcome,
            CallFault::Busy { retry_after } => FaultKind::Busy(retry_after),
            CallFault::Credential => FaultKind::Meant(Meaning::Credential),
        };
        Self::bare(kind)
    }

    /// A batch's.
    pub(super) fn failed(failure: Failure) -> Self {
        Self::bare(match failure {
            Failure::Vendor(VendorFault::UnknownOutcome) => FaultKind::UnknownOutcome,
            Failure::Vendor(VendorFault::Unreachable) => FaultKind::Unreachable,
            Failure::Vendor(VendorFault::Busy { retry_after }) => FaultKind::Busy(retry_after),
            other => FaultKind::Failed(Box::new(other)),
        })
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
            body: Value::Null,
            field: None,
            attribute: None,
            detail: None,
            after_loss: false,
        }
    }

    fn new(meaning: Meaning, attribute: Option<&str>, detail: &str) -> Self {
        Self {
            attribute: attribute.map(str::to_owned),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            ..Self::bare(FaultKind::Meant(meaning))
        }
    }

    /// A value that the vendor's own format cannot carry.
    pub(super) fn unencodable() -> Self {
        let detail =
            "A value holds a control character, which this vendor's API cannot carry. Remove it.";
        Self::new(Meaning::Invalid, None, detail)
    }

    /// As an error a script can catch.
    pub(super) fn throw(self, position: Position) -> Box<EvalAltResult> {
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

    /// Whether the vendor says that the call itself is wrong, as only a mended
    /// script makes it right.
    pub(crate) fn is_bug(&self) -> bool {
        self.kind == FaultKind::Meant(Meaning::Bug)
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
        let meaning = match self.kind {
            FaultKind::UnknownOutcome => return VendorFault::UnknownOutcome.into(),
            FaultKind::Unreachable => return VendorFault::Unreachable.into(),
            FaultKind::Busy(retry_after) => return VendorFault::Busy { retry_after }.into(),
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
                ScimError::uniqueness(detail(conflict_text(title, attribute))).into()
            }
            Meaning::Invalid => {
                ScimError::invalid_value(detail(invalid_text(title, attribute))).into()
            }
            Meaning::Quota => ScimError::invalid_value(detail(format!(
                "{title} refuses: a licence or quota is used up. Free or buy one, then retry."
            )))
            .into(),
            Meaning::Busy => VendorFault::Busy { retry_after: None }.into(),
            Meaning::Credential => VendorFault::Credential.into(),
            Meaning::Forbidden => VendorFault::Forbidden {
                detail: self.detail,
            }
            .into(),
            Meaning::Fault | Meaning::Ok => VendorFault::Unusable.into(),
            Meaning::Bug => GatewayFault::Internal.into(),
        }
    }

    fn means(&self) -> &'static str {
        match self.kind {
            FaultKind::Meant(Meaning::Ok) => "ok",
            FaultKind::Meant(Meaning::Absent) => "absent",
            FaultKind::Meant(Meaning::Conflict) => "conflict",
            FaultKind::Meant(Meaning::Invalid) => "invalid",
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

/// Registers the type and the functions that make one.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    engine.register_type_with_name::<Fault>("Fault");
    engine.register_get("means", |fault: &mut Fault| fault.means().to_owned());
    engine.register_get("code", |fault: &mut Fault| {
        fault.code.clone().map_or(Dynamic::UNIT, Dynamic::from)
    });
    engine.register_get("status", |fault: &mut Fault| i64::from(fault.status));
    engine.register_get("after_loss", |fault: &mut Fault| fault.after_loss);
    engine.register_get("body", |fault: &mut Fault| json::to_dynamic(&fault.body));

    docs.function(
        "part(reply, name)",
        "A member of the vendor's reply. A reply without it is the vendor's fault (503) and not the script's.",
        &[
            ("part(#{ data: [1] }, \"data\")", "[1]"),
        ],
    );
    engine.register_fn(
        "part",
        |context: NativeCallContext<'_>, reply: Dynamic, name: &str| {
            let found = reply
                .read_lock::<Map>()
                .and_then(|members| members.get(name).cloned());
            found
                .filter(|value| !value.is_unit())
                .ok_or_else(|| Fault::new(Meaning::Fault, None, "").throw(context.call_position()))
        },
    );
    docs.function(
        "conflict(attribute, detail)",
        "A fault to `throw`: a unique value is taken. Entra gets 409 with `detail`.",
        &[(r#"conflict("userName", "taken").means"#, r#""conflict""#)],
    );
    engine.register_fn("conflict", |attribute: &str, detail: &str| {
        Fault::new(Meaning::Conflict, Some(attribute), detail)
    });
    docs.function(
        "invalid(attribute, detail)",
        "A fault to `throw`: a value is not acceptable. Entra gets 400 with `detail`.",
        &[(r#"invalid("title", "too long").means"#, r#""invalid""#)],
    );
    engine.register_fn("invalid", |attribute: &str, detail: &str| {
        Fault::new(Meaning::Invalid, Some(attribute), detail)
    });
    docs.function(
        "not_found()",
        "A fault to `throw`: there is no such object. Entra gets 404.",
        &[("not_found().means", r#""absent""#)],
    );
    engine.register_fn("not_found", || Fault::new(Meaning::Absent, None, ""));
    docs.function(
        "busy(seconds)",
        "A fault to `throw`: nothing was done, and trying again after `seconds` makes sense.",
        &[("busy(5).means", r#""busy""#)],
    );
    engine.register_fn("busy", |seconds: i64| {
        let wait = u64::try_from(seconds).ok();
        let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_SPAN));
        Fault::bare(FaultKind::Busy(wait))
    });
    docs.function(
        "busy()",
        "The same where nobody knows when. Entra gets 503.",
        &[("busy().means", r#""busy""#)],
    );
    engine.register_fn("busy", || Fault::bare(FaultKind::Busy(None)));
    docs.function(
        "unknown_outcome()",
        "A fault to `throw`: the vendor may or may not have done it. The gateway looks before anything is repeated.",
        &[("unknown_outcome().means", r#""unknown_outcome""#)],
    );
    engine.register_fn("unknown_outcome", Fault::unknown_outcome);
}
