//! Closures of a table that fail at ordinary values.

use std::sync::Arc;

use crate::adapter::Adapter;
use crate::adapter::mapping::{Failed, Mapping};
use crate::problem::{Problem, offset_of};
use crate::script::LOAD_CPU;
use crate::script::fault::{Failure, ScriptFault};
use crate::script::fiber;
use crate::script::program::Script;

/// Tries the closures of a table, each with a few values.
pub(super) fn failing(adapter: &Arc<Adapter>, mapping: &Arc<Mapping>) -> Vec<Problem> {
    let (of, mapping) = (Arc::clone(adapter), Arc::clone(mapping));
    let tried = fiber::run_alone(move |_| Ok(mapping.try_closures(&of.closures())), LOAD_CPU);
    match tried {
        Ok(failed) => failed
            .into_iter()
            .map(|failed| warning(&adapter.script, &failed))
            .collect(),
        Err(Failure::Script(fault)) => {
            let message = format!("the closures of a table do not finish: {}", fault.message);
            vec![at(&adapter.script, &fault, message)]
        }
        Err(_) => Vec::new(),
    }
}

fn warning(script: &Script, failed: &Failed) -> Problem {
    let Failed {
        attribute,
        given,
        fault,
    } = failed;
    let message = format!(
        "the row of {attribute} fails when it is given {given}: {}",
        fault.message
    );
    at(script, fault, message)
        .help("return () for a value that has no equivalent, or throw invalid(attribute, detail) for a value that is wrong")
}

fn at(script: &Script, fault: &ScriptFault, message: String) -> Problem {
    let problem = Problem::error("lint::failing-closure", &script.file, message).warning();
    let start = offset_of(&script.text, fault.place.line, fault.place.column);
    problem.at(start, 1).label("fails here")
}
