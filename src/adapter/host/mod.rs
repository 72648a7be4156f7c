//! What scripts may call. Everything not registered here or in
//! [`crate::adapter::mapping::table`] does not exist for them.

mod batches;
mod calls;
pub mod definitions;
mod dn;
pub mod document;
mod fault;
mod forms;
mod graphql;
pub(in crate::adapter) mod json;
mod poll;
mod quoting;
mod stage;
#[cfg(test)]
mod tests;
mod text;
mod trees;

use rhai::Engine;

pub(in crate::adapter) use batches::Item;
use document::Docs;
pub(in crate::adapter) use fault::Fault;
pub(in crate::adapter) use forms::FORM;
pub(in crate::adapter) use graphql::is_query;
pub(in crate::adapter) use stage::Stage;

/// Registers all host functions on `engine` and gives their manual.
pub(in crate::adapter) fn register(engine: &mut Engine) -> Docs {
    let mut docs = Docs::default();
    calls::register(engine, &mut docs);
    calls::register_once(engine, &mut docs);
    calls::register_sleep(engine, &mut docs);
    poll::register(engine, &mut docs);
    batches::register(engine, &mut docs);
    forms::register(engine, &mut docs);
    trees::register(engine, &mut docs);
    dn::register(engine, &mut docs);
    graphql::register(engine, &mut docs);
    quoting::register(engine, &mut docs);
    text::register(engine, &mut docs);
    fault::register(engine, &mut docs);
    super::mapping::table::register(engine, &mut docs);
    docs
}
