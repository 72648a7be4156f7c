//! The functions by which scripts make faults, and what they read of a caught one.

use std::time::Duration;

use hyper::header::HeaderValue;
use rhai::{Dynamic, Engine, EvalAltResult, Map, NativeCallContext, Position};

use super::{Fault, FaultKind};
use crate::script::effects::LastCall;
use crate::script::host::context::ScriptContext;
use crate::script::host::document::Docs;
use crate::script::host::json;
use crate::script::host::shape::{names_of, shape_of};
use crate::script::replies::{LONGEST_SPAN, Meaning};

/// Registers the type and the functions that make one.
pub(in crate::script::host) fn register(engine: &mut Engine, docs: &mut Docs) {
    engine.register_type_with_name::<Fault>("Fault");
    engine.register_get("means", |fault: &mut Fault| fault.means().to_owned());
    engine.register_get("code", |fault: &mut Fault| {
        fault.code.clone().map_or(Dynamic::UNIT, Dynamic::from)
    });
    engine.register_get("status", |fault: &mut Fault| i64::from(fault.status));
    engine.register_get("after_loss", |fault: &mut Fault| fault.after_loss);
    engine.register_get("path", |fault: &mut Fault| {
        fault.path.clone().map_or(Dynamic::UNIT, Dynamic::from)
    });
    engine.register_get("headers", |fault: &mut Fault| {
        let text = |value: &HeaderValue| Some(Dynamic::from(value.to_str().ok()?.to_owned()));
        let headers = fault.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str().into(), text(value)?)));
        headers.collect::<Map>()
    });
    engine.register_get("body", |fault: &mut Fault| json::to_dynamic(&fault.body));

    docs.function(
        "part(reply, name)",
        "A member of the vendor's reply. If it is missing or null, Entra gets 503, as for any wrong answer of the vendor.",
        &[
            ("part(#{ data: [1] }, \"data\")", "[1]"),
        ],
    );
    engine.register_fn("part", part);
    docs.function(
        "about(reply, name, id)",
        "Checks that the reply is about this object, by the member with its id (case does not matter), and returns the reply. If it is about another object, Entra gets 503. Use it when a script reads an object, changes it and writes it back.",
        &[(
            r#"about(#{ id: 17, login: "ada" }, "id", "17")"#,
            r#"#{ id: 17, login: "ada" }"#,
        )],
    );
    engine.register_fn("about", about);
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
        "credential(detail)",
        "A fault to `throw`: the vendor refuses the tenant's credential. Entra gets 503 with `detail`, which says what to do in the gateway or at the vendor.",
        &[(r#"credential("The licence has no API.").means"#, r#""credential""#)],
    );
    engine.register_fn("credential", |detail: &str| {
        Fault::new(Meaning::Credential, None, detail)
    });
    docs.function(
        "forbidden(detail)",
        "A fault to `throw`: the credential is valid but lacks a right. Entra gets 503 with `detail`, which says which right.",
        &[(r#"forbidden("Give the key the role admin.").means"#, r#""forbidden""#)],
    );
    engine.register_fn("forbidden", |detail: &str| {
        Fault::new(Meaning::Forbidden, None, detail)
    });
    docs.function(
        "fault(detail)",
        "A fault to `throw`: the vendor failed. Entra gets 503; `detail` is for the log and `explain`, and must name no person.",
        &[(r#"fault("half an answer").means"#, r#""fault""#)],
    );
    engine.register_fn("fault", |detail: &str| Fault::unusable(detail.to_owned()));
    docs.function(
        "expired()",
        "A fault to `throw` in `list_…(page)`: the vendor no longer knows the cursor. The gateway reads the list from its start again.",
        &[("expired().means", r#""expired""#)],
    );
    engine.register_fn("expired", || Fault::new(Meaning::Expired, None, ""));
    docs.function(
        "busy(seconds)",
        "A fault to `throw`: nothing was done, and the request can be tried again after `seconds`.",
        &[("busy(5).means", r#""busy""#)],
    );
    engine.register_fn("busy", |seconds: i64| {
        let wait = u64::try_from(seconds).ok();
        let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_SPAN));
        Fault::made(FaultKind::Busy(wait))
    });
    docs.function(
        "busy()",
        "The same, if the vendor does not say when. Entra gets 503.",
        &[("busy().means", r#""busy""#)],
    );
    engine.register_fn("busy", || Fault::made(FaultKind::Busy(None)));
    docs.function(
        "unknown_outcome()",
        "A fault to `throw`: it is unknown whether the vendor did it. The gateway checks before it repeats anything.",
        &[("unknown_outcome().means", r#""unknown_outcome""#)],
    );
    engine.register_fn("unknown_outcome", || Fault::made(FaultKind::UnknownOutcome));
}

/// `part(reply, name)`.
fn part(
    context: NativeCallContext<'_>,
    reply: Dynamic,
    name: &str,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let found = match reply.read_lock::<Map>() {
        None => Err(format!(
            "a member `{name}` is read, and {} is no object",
            shape_of(&reply)
        )),
        Some(members) => match members.get(name) {
            Some(value) if !value.is_unit() => Ok(value.clone()),
            Some(_) => Err(format!("the member `{name}` is null")),
            None => Err(format!(
                "there is no member `{name}`; {}",
                names_of(&members)
            )),
        },
    };
    found.map_err(|what| {
        let position = context.call_position();
        let Ok(script) = ScriptContext::of(&context) else {
            return error(&what, position);
        };
        let last = script.environment().effects().last();
        // What is no object, and nothing that the vendor sent, the script made itself.
        if !reply.is_map() && !is_answer(&script, last.as_ref(), &reply) {
            return error(&what, position);
        }
        Fault::unusable(what).of_call(last).throw(position)
    })
}

/// `about(reply, name, id)`.
fn about(
    context: NativeCallContext<'_>,
    reply: Map,
    name: &str,
    id: Dynamic,
) -> Result<Map, Box<EvalAltResult>> {
    let held = reply.get(name).map(ToString::to_string);
    let is_it = |held: &String| held.to_lowercase() == id.to_string().to_lowercase();
    if held.as_ref().is_some_and(is_it) {
        return Ok(reply);
    }
    let last = ScriptContext::of(&context)
        .ok()
        .and_then(|script| script.environment().effects().last());
    let what = format!("the reply is about another object: its `{name}` is not the one asked for");
    Err(Fault::unusable(what)
        .of_call(last)
        .throw(context.call_position()))
}

/// Whether a value is the vendor's last answer as it came.
fn is_answer(script: &ScriptContext, last: Option<&LastCall>, value: &Dynamic) -> bool {
    let body = last.and_then(|last| script.environment().replies().parse(&last.body));
    body.is_some() && body == json::to_value(value)
}

fn error(text: &str, position: Position) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(text.into(), position).into()
}
