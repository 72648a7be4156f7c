//! Calling the vendor: `get`, `post`, `put`, `patch`, `delete`.
//!
//! Each suspends the fiber until the reply is there, so a script reads straight
//! down. No borrow, lock or span guard is held across the suspension.

use std::time::Duration;

use rhai::{Dynamic, Engine, EvalAltResult, Map, NativeCallContext, Position};
use serde_json::Value;
use uuid::Uuid;

use super::context::ScriptContext;
use super::document::Docs;
use super::fault::Fault;
use super::json::{self, Unread};
use super::quoting::query_string;
use crate::script::call::{CallBody, Errand, RequestToken, VendorCall, VendorReply, Verb};
use crate::script::fiber::{Answer, Ask};
use crate::script::replies::{Answered, Format, Meaning, is_html};

pub(super) type Thrown = Box<EvalAltResult>;

/// Registers the calls.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.call(
        "get(path)",
        "Sends a GET and returns the reply, parsed as JSON or XML as the manifest says. The path is below the tenant's base URL. A whole URL works too if it is below the base URL.",
        &[(r#"get(`/users/${segment("a/b")}`)"#, r#"GET /users/a%2Fb"#)],
    );
    engine.register_fn("get", |context: NativeCallContext<'_>, path: &str| {
        Request::new(Verb::Get, path).send(&context)
    });
    docs.call(
        "get(path, query)",
        "The same with a query, quoted: `get(\"/users\", query(\"email\", mail))`.",
        &[(
            r#"get("/users", query("email", "a@b.c"))"#,
            r#"GET /users?email=a%40b.c"#,
        )],
    );
    engine.register_fn(
        "get",
        |context: NativeCallContext<'_>, path: &str, query: Map| {
            Request::new(Verb::Get, &format!("{path}{}", query_string(&query))).send(&context)
        },
    );
    docs.call(
        "delete(path)",
        "Sends a DELETE.",
        &[(r#"delete("/users/17")"#, r#"DELETE /users/17"#)],
    );
    engine.register_fn("delete", |context: NativeCallContext<'_>, path: &str| {
        Request::new(Verb::Delete, path).send(&context)
    });
    docs.call(
        "post(path)",
        "Sends a POST without a body. If the reply is lost, the gateway does not send it again.",
        &[(
            r#"post("/users/17/activate")"#,
            r#"POST /users/17/activate"#,
        )],
    );
    docs.call(
        "post(path, body)",
        "Sends a POST with a JSON body. If the reply is lost, the gateway does not send it again.",
        &[(
            r#"post("/users", #{ login: "ada" })"#,
            r#"POST /users {"login":"ada"}"#,
        )],
    );
    docs.call(
        "put(path)",
        "Sends a PUT without a body.",
        &[(r#"put("/teams/3/people/17")"#, r#"PUT /teams/3/people/17"#)],
    );
    docs.call(
        "put(path, body)",
        "Sends a PUT with a JSON body.",
        &[(
            r#"put("/users/17", #{ login: "ada" })"#,
            r#"PUT /users/17 {"login":"ada"}"#,
        )],
    );
    docs.call(
        "patch(path)",
        "Sends a PATCH without a body.",
        &[(r#"patch("/users/17")"#, r#"PATCH /users/17"#)],
    );
    docs.call(
        "patch(path, body)",
        "Sends a PATCH with a JSON body.",
        &[(
            r#"patch("/users/17", #{ phone: () })"#,
            r#"PATCH /users/17 {"phone":null}"#,
        )],
    );
    for (name, verb) in [
        ("post", Verb::Post),
        ("put", Verb::Put),
        ("patch", Verb::Patch),
    ] {
        engine.register_fn(name, move |context: NativeCallContext<'_>, path: &str| {
            Request::new(verb, path).send(&context)
        });
        engine.register_fn(
            name,
            move |context: NativeCallContext<'_>, path: &str, body: Dynamic| {
                Request::new(verb, path)
                    .json(&body, &context)?
                    .send(&context)
            },
        );
    }
    docs.call(
        "post_again(path)",
        "For a POST that may be repeated safely, as the vendor documents: if the reply is lost, the gateway sends it again.",
        &[(
            r#"post_again("/users/17/activate")"#,
            r#"POST /users/17/activate"#,
        )],
    );
    engine.register_fn(
        "post_again",
        |context: NativeCallContext<'_>, path: &str| {
            Request {
                idempotent: true,
                ..Request::new(Verb::Post, path)
            }
            .send(&context)
        },
    );
    docs.call(
        "post_again(path, body)",
        "The same with a JSON body.",
        &[(
            r#"post_again("/teams/3/members", #{ add: [17] })"#,
            r#"POST /teams/3/members {"add":[17]}"#,
        )],
    );
    engine.register_fn(
        "post_again",
        |context: NativeCallContext<'_>, path: &str, body: Dynamic| {
            Request {
                idempotent: true,
                ..Request::new(Verb::Post, path)
            }
            .json(&body, &context)?
            .send(&context)
        },
    );
}

/// A POST that the vendor carries out once, however often it comes.
pub(super) fn register_once(engine: &mut Engine, docs: &mut Docs) {
    docs.function(
        "post_once(path, body)",
        "A POST with a random token in the header that the manifest names as `request_token`. If the reply is lost, the gateway sends it again with the same token, so that the vendor recognises it.",
        &[],
    );
    engine.register_fn(
        "post_once",
        |context: NativeCallContext<'_>, path: &str, body: Dynamic| {
            let script = ScriptContext::of(&context)?;
            let header = script.environment().request_token().ok_or_else(|| {
                let text = "post_once() needs `request_token` in the manifest";
                error(text, context.call_position())
            })?;
            let token = RequestToken {
                header: header.to_owned(),
                value: Uuid::new_v4().to_string(),
            };
            Request {
                token: Some(token),
                ..Request::new(Verb::Post, path)
            }
            .json(&body, &context)?
            .send(&context)
        },
    );
}

/// rhai's own `sleep` blocks the thread; ours suspends the fiber.
pub(super) fn register_sleep(engine: &mut Engine, docs: &mut Docs) {
    docs.function(
        "sleep(seconds)",
        "Waits this long, at most until the request's time is up. Other requests are not delayed.",
        &[(r#"sleep(0)"#, r#"()"#)],
    );
    engine.register_fn("sleep", |context: NativeCallContext<'_>, seconds: i64| {
        sleep(
            &context,
            Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
        )
    });
    engine.register_fn("sleep", |context: NativeCallContext<'_>, seconds: f64| {
        sleep(
            &context,
            Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        )
    });
}

fn sleep(context: &NativeCallContext<'_>, time: Duration) -> Result<(), Thrown> {
    match ScriptContext::of(context)?.call().ask(Ask::Sleep(time)) {
        Answer::Cancelled => Err(cancelled(context)),
        _ => Ok(()),
    }
}

pub(super) fn cancelled(context: &NativeCallContext<'_>) -> Thrown {
    EvalAltResult::ErrorTerminated("cancelled".into(), context.call_position()).into()
}

/// A call in the making.
pub(super) struct Request {
    pub(super) verb: Verb,
    pub(super) path: String,
    pub(super) body: Option<CallBody>,
    pub(super) idempotent: bool,
    pub(super) token: Option<RequestToken>,
}

impl Request {
    pub(super) fn new(verb: Verb, path: &str) -> Self {
        Self {
            verb,
            path: path.to_owned(),
            body: None,
            idempotent: false,
            token: None,
        }
    }

    pub(super) fn json(
        mut self,
        body: &Dynamic,
        context: &NativeCallContext<'_>,
    ) -> Result<Self, Thrown> {
        let bytes = json::written(body).ok_or_else(|| {
            error(
                "this body cannot be written as JSON",
                context.call_position(),
            )
        })?;
        self.body = Some(CallBody {
            media_type: "application/json",
            bytes,
        });
        Ok(self)
    }

    pub(super) fn send(self, context: &NativeCallContext<'_>) -> Result<Dynamic, Thrown> {
        self.ask(context, read)
    }

    /// Sends it and reads the reply with `read`.
    pub(super) fn ask(
        self,
        context: &NativeCallContext<'_>,
        read: impl FnOnce(&ScriptContext, Errand, &VendorReply, bool) -> Result<Dynamic, Fault>,
    ) -> Result<Dynamic, Thrown> {
        let script = ScriptContext::of(context)?;
        let call = VendorCall {
            method: self.verb,
            path: self.path,
            body: self.body,
            idempotent: self.idempotent,
            token: self.token,
            resource: script.environment().effects().about(),
        };
        let (errand, repeatable, path) = (call.errand(), call.is_repeatable(), call.path.clone());
        match script.call().ask(Ask::Call(call)) {
            Answer::Reply(Ok(reply)) => {
                read(&script, errand, &reply, repeatable).map_err(|fault| {
                    let effects = script.environment().effects();
                    if fault.is_refusal() {
                        effects.refused();
                    }
                    let fault = fault.of_call(effects.last()).of_path(path).of_reply(&reply);
                    fault.throw(context.call_position())
                })
            }
            Answer::Reply(Err(fault)) => {
                let last = script.environment().effects().last();
                let fault = Fault::unanswered(fault, repeatable).of_call(last);
                Err(fault.of_path(path).throw(context.call_position()))
            }
            _ => Err(cancelled(context)),
        }
    }
}

/// The reply's body, or the fault it stands for.
pub(super) fn read(
    script: &ScriptContext,
    errand: Errand,
    reply: &VendorReply,
    repeatable: bool,
) -> Result<Dynamic, Fault> {
    let replies = script.environment().replies();
    if let Some(body) = replies.plain(&Answered::of(reply, errand, None), &reply.body) {
        return Ok(body);
    }
    let body = replies.parse(&reply.body);
    let verdict = replies.judge(&Answered::of(reply, errand, body.as_ref()));
    let is = |verb| errand.verb == Some(verb);
    match verdict.means {
        // The lost try did it: what is to be gone is gone.
        Meaning::Absent if is(Verb::Delete) && reply.after_loss => Ok(Dynamic::UNIT),
        // A script cannot hold it, and is not to blame.
        Meaning::Ok if body.as_ref().is_some_and(|body| !json::fits(body)) => {
            Err(unusable(reply, repeatable, too_much()))
        }
        Meaning::Ok if body.is_some() => {
            let body = body.map(|body| replies.with_headers(body, &reply.headers));
            Ok(body.as_ref().map_or(Dynamic::UNIT, json::to_dynamic))
        }
        // What was to be read is not there: no script can go on from that.
        Meaning::Ok if reply.body.is_empty() && !is(Verb::Get) => Ok(Dynamic::UNIT),
        Meaning::Ok => Err(garbled(replies.format, reply, repeatable)),
        _ => Err(Fault::answered(
            &verdict,
            reply,
            body.unwrap_or(Value::Null),
            repeatable,
        )),
    }
}

/// A success whose body is cut or not readable: the work may be done.
fn garbled(format: Format, reply: &VendorReply, repeatable: bool) -> Fault {
    let language = match format {
        Format::Json => "JSON",
        Format::Xml => "XML",
    };
    let size = reply.body.len();
    let why = (format == Format::Json).then(|| json::why_unread(&reply.body));
    let came = if reply.body.is_empty() {
        format!("an empty body instead of {language}")
    } else if is_html(&reply.body) {
        format!("HTML instead of {language}")
    } else if why == Some(Unread::TooMuch) {
        too_much().to_owned()
    } else if why == Some(Unread::Cut) {
        format!("JSON that is cut off after {size} bytes")
    } else {
        format!("{size} bytes that are no {language} the gateway can read")
    };
    unusable(reply, repeatable, &came)
}

/// What came, where a script cannot hold it.
fn too_much() -> &'static str {
    let action = "ask the vendor for smaller pages, or a lower [paging] size";
    tracing::warn!(action, "the vendor's reply is too large");
    "more than a script can hold at once: 4 MiB of text, 10,000 elements or 30,000 members"
}

fn unusable(reply: &VendorReply, repeatable: bool, came: &str) -> Fault {
    let text = format!("the vendor answered {} with {came}", reply.status);
    failed(reply, Value::Null, repeatable).saying(text)
}

/// A fault of a reply that the reply table takes for a success.
pub(super) fn failed(reply: &VendorReply, body: Value, repeatable: bool) -> Fault {
    let verdict = crate::script::replies::Verdict {
        means: Meaning::Fault,
        code: None,
        field: None,
        attribute: None,
        detail: None,
        alarm: None,
        row: None,
        retry_after: None,
    };
    Fault::answered(&verdict, reply, body, repeatable)
}

pub(super) fn error(text: &str, position: Position) -> Thrown {
    EvalAltResult::ErrorRuntime(text.into(), position).into()
}
