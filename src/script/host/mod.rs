//! What scripts may call. Everything not registered here does not exist for them.

mod batches;
mod calls;
mod context;
mod dn;
pub mod document;
mod fault;
mod forms;
mod graphql;
mod item;
pub(crate) mod json;
mod once;
mod poll;
mod quoting;
mod shape;
pub(crate) mod table;
mod text;
mod trees;

use rhai::Engine;

pub(crate) use context::ScriptContext;
use document::Docs;
pub(crate) use fault::Fault;
pub(crate) use forms::FORM;
pub(crate) use graphql::is_query;
pub(crate) use item::Item;
pub(crate) use shape::shape_of;

/// Registers all host functions on `engine` and gives their manual.
pub(crate) fn register(engine: &mut Engine) -> Docs {
    let mut docs = Docs::default();
    calls::register(engine, &mut docs);
    calls::register_once(engine, &mut docs);
    calls::register_sleep(engine, &mut docs);
    poll::register(engine, &mut docs);
    once::register(engine, &mut docs);
    batches::register(engine, &mut docs);
    forms::register(engine, &mut docs);
    trees::register(engine, &mut docs);
    dn::register(engine, &mut docs);
    graphql::register(engine, &mut docs);
    quoting::register(engine, &mut docs);
    text::register(engine, &mut docs);
    fault::register(engine, &mut docs);
    table::register(engine, &mut docs);
    table::register_conversions(engine, &mut docs);
    docs
}
