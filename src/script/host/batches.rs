//! Writes that go to the vendor by the batch: `batch`, and what the batch's function needs.

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};
use serde_json::Value;

use super::calls::{Thrown, cancelled, error};
use super::context::ScriptContext;
use super::document::Docs;
use super::fault::Fault;
use super::item::Item;
use super::json;
use crate::script::call::VendorReply;
use crate::script::fiber::{Answer, Ask};
use crate::script::replies::{Answered, Meaning};

/// Registers the functions.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.function(
        "batch(name, item)",
        "Adds an item to the tenant's next batch of this name (`[batch.<name>]` in the manifest), waits for the batch, and returns the item's own result from what `run_<name>(items)` returns. If that has no result for it, the outcome is unknown.",
        &[],
    );
    engine.register_fn(
        "batch",
        |context: NativeCallContext<'_>, name: &str, item: Dynamic| {
            let results = submit(&context, name, &[item])?;
            Ok::<_, Thrown>(results.first().map_or(Dynamic::UNIT, json::to_dynamic))
        },
    );
    docs.function(
        "batch_all(name, items)",
        "The same for several items at once, which keep their order; returns an array of results.",
        &[],
    );
    engine.register_fn(
        "batch_all",
        |context: NativeCallContext<'_>, name: &str, items: Array| {
            let results = submit(&context, name, &items)?;
            let results = results.iter().map(json::to_dynamic);
            Ok::<_, Thrown>(results.collect::<Array>())
        },
    );
    engine.register_type_with_name::<Item>("Item");
    docs.function(
        ".plus(name, value)",
        "In `run_<name>(items)`: the item with one more member. Apart from that, a script can only send an item.",
        &[],
    );
    engine.register_fn(
        "plus",
        |context: NativeCallContext<'_>, item: Item, name: ImmutableString, value: Dynamic| {
            let value = written(&value, &context)?;
            Ok::<_, Thrown>(item.plus(&name, value))
        },
    );
    docs.function(
        "judged(part)",
        "For a part of a reply that has an outcome of its own, such as one result of a batch: returns the part, or throws the fault that `[replies]` in the manifest says. The pointers there then start at the part.",
        &[(
            r#"judged(#{ ref: "r1", status: "OK" })"#,
            r#"#{ ref: "r1", status: "OK" }"#,
        )],
    );
    engine.register_fn("judged", judged);
}

fn submit(
    context: &NativeCallContext<'_>,
    name: &str,
    items: &[Dynamic],
) -> Result<Vec<Value>, Thrown> {
    let script = ScriptContext::of(context)?;
    let refused = |text: &str| error(text, context.call_position());
    if script.environment().effects().is_looking_up() {
        return Err(refused("a batch cannot be handed in within once()"));
    }
    let batches = script.environment().batches();
    let batches = batches.ok_or_else(|| refused("a batch cannot wait for another one"))?;
    let items = items.iter().map(|item| written(item, context));
    let items = items.collect::<Result<_, _>>()?;
    let results = batches.submit(name, items);
    let results = results.ok_or_else(|| refused(&format!("the manifest has no [batch.{name}]")))?;
    match script.call().ask(Ask::Results(results)) {
        Answer::Results(Ok(results)) => Ok(results),
        Answer::Results(Err(failure)) => {
            let fault = Fault::failed(failure);
            if !fault.is_refusal() {
                script.environment().effects().written();
            }
            Err(fault.throw(context.call_position()))
        }
        _ => Err(cancelled(context)),
    }
}

fn written(value: &Dynamic, context: &NativeCallContext<'_>) -> Result<Value, Thrown> {
    json::to_value(value)
        .ok_or_else(|| error("this cannot be written as JSON", context.call_position()))
}

fn judged(context: NativeCallContext<'_>, part: Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
    let script = ScriptContext::of(&context)?;
    let body = written(&part, &context)?;
    let about = script.environment().effects().about();
    let answered = Answered::part(&body, about);
    let verdict = script.environment().replies().judge(&answered);
    if verdict.means == Meaning::Ok {
        script.environment().effects().written();
        return Ok(part);
    }
    // The part states its outcome, so that nothing about it is unknown.
    let fault = Fault::answered(&verdict, &VendorReply::silent(), body, true);
    Err(fault.throw(context.call_position()))
}
