//! Looking at a job until it has ended.

use std::time::Duration;

use rhai::{Dynamic, Engine, FnPtr, NativeCallContext};

use super::calls::{Request, Thrown, cancelled};
use super::context::ScriptContext;
use super::document::Docs;
use super::fault::Fault;
use crate::script::call::Verb;
use crate::script::fiber::{Answer, Ask};

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(2);

/// Registers `poll`.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.call(
        "poll(path, milliseconds, |reply| …)",
        "Reads the path again and again until the function returns `true` for the reply; returns that reply. The first read comes after so many milliseconds. Each pause is half as long again as the one before, at most two seconds. If the request's time is up first, the outcome is unknown.",
        &[(
            r#"poll("/jobs/7", 250, |job| job.data != ())"#,
            "GET /jobs/7",
        )],
    );
    engine.register_fn("poll", poll);
}

fn poll(
    context: NativeCallContext<'_>,
    path: &str,
    milliseconds: i64,
    has_ended: FnPtr,
) -> Result<Dynamic, Thrown> {
    let script = ScriptContext::of(&context)?;
    let first = u64::try_from(milliseconds).unwrap_or(0).max(1);
    let mut wait = Duration::from_millis(first).min(LONGEST);
    loop {
        match script.call().ask(Ask::Pause(wait)) {
            Answer::Go => {}
            Answer::Late => return Err(Fault::unknown_outcome().throw(context.call_position())),
            _ => return Err(cancelled(&context)),
        }
        let reply = Request::new(Verb::Get, path).send(&context)?;
        if has_ended.call_within_context::<bool>(&context, (reply.clone(),))? {
            return Ok(reply);
        }
        wait = (wait + wait / 2).min(LONGEST);
    }
}
