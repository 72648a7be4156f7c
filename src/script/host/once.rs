//! `once`: what a script has looked up is kept for a while.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, Engine, FnPtr, NativeCallContext};

use super::calls::{Thrown, cancelled, error};
use super::context::ScriptContext;
use super::document::Docs;
use super::fault::Fault;
use super::json;
use crate::script::fault::{Failure, VendorFault};
use crate::script::fiber::{Answer, Ask};
use crate::script::once::{Slot, Turn};

/// Registers `once`.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.call(
        "once(name, seconds, || …)",
        "What the function gives, looked up once for the tenant and kept for so many seconds (a day at most), for what rarely changes: roles, states, the ids of fields. Requests that need it at the same time wait for one look-up. A fault is not kept, and nothing outlasts a change of the adapter, the tenant or its secrets. The value must be plain data, of at most 256 KiB; the function must only read.",
        &[(r#"once("roles", 600, || get("/roles"))"#, "GET /roles")],
    );
    engine.register_fn(
        "once",
        |context: NativeCallContext<'_>, name: &str, seconds: i64, look_up: FnPtr| {
            once(&context, name, seconds, |context| {
                look_up.call_within_context(context, ())
            })
        },
    );
    docs.call(
        "once(name, seconds, value, |value| …)",
        "The same for each value that the function is given.",
        &[(
            r#"once("role", 600, "Admin", |role| get("/roles", query("name", role)))"#,
            "GET /roles?name=Admin",
        )],
    );
    engine.register_fn(
        "once",
        |context: NativeCallContext<'_>, name: &str, seconds: i64, of: Dynamic, look_up: FnPtr| {
            let value = json::to_value(&of)
                .ok_or_else(|| error("once() takes plain data", context.call_position()))?;
            once(&context, &format!("{name} {value}"), seconds, |context| {
                look_up.call_within_context(context, (of,))
            })
        },
    );
}

fn once(
    context: &NativeCallContext<'_>,
    name: &str,
    seconds: i64,
    look_up: impl FnOnce(&NativeCallContext<'_>) -> Result<Dynamic, Thrown>,
) -> Result<Dynamic, Thrown> {
    let script = ScriptContext::of(context)?;
    let refused = |text| error(text, context.call_position());
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| refused("once() keeps a value for 1 second or longer"))?;
    let environment = script.environment();
    let slot = environment.look_ups().slot(name);
    if let Some(value) = slot.kept() {
        return Ok(json::to_dynamic(value));
    }
    // Two that wait for each other's turn would wait for ever.
    let looking = environment.effects().look_up();
    let _looking = looking.ok_or_else(|| refused("once() cannot stand within once()"))?;
    let _turn = turn(context, &script, &slot)?;
    if let Some(value) = slot.kept() {
        return Ok(json::to_dynamic(value));
    }
    let found = look_up(context)?;
    let value = json::to_value(&found);
    let value = value.ok_or_else(|| refused("once() keeps plain data, and no function"))?;
    let time = Duration::from_secs(seconds);
    environment.look_ups().keep(name, slot, value, time);
    Ok(found)
}

/// Waits until nobody else looks it up. The turn ends with the fiber at the latest, however that ends.
fn turn(
    context: &NativeCallContext<'_>,
    script: &ScriptContext,
    slot: &Arc<Slot>,
) -> Result<Turn, Thrown> {
    if let Some(turn) = slot.try_turn() {
        return Ok(turn);
    }
    let (taken, next) = (Rc::new(Cell::new(None)), slot.turn());
    let place = Rc::clone(&taken);
    let wait = Box::pin(async move { place.set(Some(next.await)) });
    match script.call().ask(Ask::Wait(wait)) {
        Answer::Go => taken.take().ok_or_else(|| cancelled(context)),
        Answer::Late => {
            let busy = VendorFault::Busy { retry_after: None };
            let late = Failure::vendor(busy, "another request has been looking it up for too long");
            Err(Fault::failed(late).throw(context.call_position()))
        }
        _ => Err(cancelled(context)),
    }
}
