//! A vendor's script, compiled, and how its functions are called.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, FuncArgs, Position, Scope};

use super::brake::{Brake, Brakes};
use super::discreet;
use super::engine::scripting;
use super::fault::{Failure, ScriptFault};
use super::host::{Fault, ScriptContext};
use super::origin::Place;
use super::own_faults::{Inserted, OwnFault};
use super::watch::Watch;

/// The message of a call whose arguments have the wrong types.
pub(super) const UNFIT: &str = "no function takes these values";

/// A compiled script.
#[derive(Clone)]
pub struct Script {
    /// File name, as it stands in diagnostics.
    pub file: String,
    /// The text, for diagnostics.
    pub text: String,
    /// As written.
    pub(crate) ast: Arc<AST>,
    /// As it runs: its own mistakes pass through `catch`.
    pub(crate) runs: Arc<AST>,
    pub(super) inserted: Inserted,
    /// Number of parameters by function name.
    pub(super) functions: BTreeMap<String, usize>,
    /// Words that stand in paths of the source.
    pub(super) path_words: BTreeSet<String>,
    pub(crate) serves_constants: bool,
    pub(super) brakes: Arc<Brakes>,
    /// Notes which functions run, for coverage.
    pub(crate) watch: Option<Arc<Watch>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Script {
    /// The engine it runs on.
    pub(crate) fn engine(&self) -> &Engine {
        match &self.watch {
            Some(watch) => &watch.engine,
            None => &scripting().engine,
        }
    }

    pub(crate) fn watched_by(self, watch: Arc<Watch>) -> Self {
        Self {
            watch: Some(watch),
            ..self
        }
    }

    /// Whether the script defines `name`, and with how many parameters.
    pub(crate) fn arity(&self, name: &str) -> Option<usize> {
        self.functions.get(name).copied()
    }

    /// Whether the source itself has `word` as a segment of a path: then the segment is no value.
    pub(crate) fn writes(&self, word: &str) -> bool {
        self.path_words.contains(word)
    }

    /// The names the script defines.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// Calls a function of the script on the fiber of `context`. `failure_of`
    /// turns the fault it throws into a failure.
    ///
    /// # Errors
    /// What the script throws, by whose fault it is.
    pub(crate) fn call(
        &self,
        context: &ScriptContext,
        failure_of: impl FnOnce(Fault) -> Failure,
        function: &str,
        arguments: impl FuncArgs,
    ) -> Result<Dynamic, Failure> {
        let options = CallFnOptions::new()
            .with_tag(context.clone())
            .eval_ast(self.serves_constants);
        let mut scope = Scope::new();
        self.engine()
            .call_fn_with_options::<Dynamic>(options, &mut scope, &self.runs, function, arguments)
            .map_err(|error| self.failure(&error, failure_of, function))
    }

    fn failure(
        &self,
        error: &EvalAltResult,
        failure_of: impl FnOnce(Fault) -> Failure,
        function: &str,
    ) -> Failure {
        let script_fault = self.fault(error, function);
        let Some(fault) = thrown_fault(error) else {
            return script_fault.into();
        };
        let place = match fault.place() {
            Some((line, column)) => Place {
                line,
                column: self.inserted.as_written(line, column),
                function: self.function_at(line).unwrap_or(function).to_owned(),
                ..script_fault.place
            },
            None => script_fault.place,
        };
        match fault.bug() {
            Some(message) => ScriptFault { place, message }.into(),
            None => failure_of(fault.noticed_at(place)),
        }
    }

    /// Place and reason of an error in `function`; what stopped it without saying where has the
    /// function's place.
    pub(crate) fn fault(&self, error: &EvalAltResult, function: &str) -> ScriptFault {
        let mut fault = fault_of(error, &self.file, function);
        fault.message = discreet::told(error, fault.message, &self.text, &self.inserted);
        let place = &mut fault.place;
        place.column = self.inserted.as_written(place.line, place.column);
        if place.line == 0 {
            let start = self.place_of(&place.function);
            (place.line, place.column) = (start.line, start.column);
        } else if self.arity(function).is_some()
            && let Some(function) = self.function_at(place.line)
        {
            function.clone_into(&mut place.function);
        }
        fault
    }

    /// The function that a line is of.
    fn function_at(&self, line: usize) -> Option<&str> {
        let before: Vec<&str> = self.text.lines().take(line).collect();
        let starts = before.iter().rev().filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("private ")
                .unwrap_or(line)
                .strip_prefix("fn ")
        });
        let mut names = starts
            .filter_map(|rest| rest.split_once('('))
            .map(|(name, _)| name.trim());
        names.next()
    }

    /// Where a function of the script begins.
    pub(crate) fn place_of(&self, function: &str) -> Place {
        let start = self.text.find(&format!("fn {function}("));
        let before = start.and_then(|start| self.text.get(..start));
        let line = before.map_or(0, |before| before.matches('\n').count() + 1);
        Place {
            script: self.file.clone(),
            line,
            column: usize::from(line > 0),
            function: function.to_owned(),
        }
    }

    /// The brake of a tenant for this version of the script.
    pub(crate) fn brake(&self, tenant: &str) -> Brake {
        Brake::of(&self.brakes, tenant, &self.file)
    }
}

/// The fault a script threw, through the frames around it.
pub(crate) fn thrown_fault(error: &EvalAltResult) -> Option<Fault> {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => thrown_fault(inner),
        EvalAltResult::ErrorRuntime(value, _) => {
            value.read_lock::<Fault>().map(|fault| fault.clone())
        }
        _ => None,
    }
}

/// Place and reason of a script's own error: the innermost place that is known. `within` is the
/// function that was called, or the row.
pub(crate) fn fault_of(error: &EvalAltResult, file: &str, within: &str) -> ScriptFault {
    let mut at = error;
    let mut position = error.position();
    let mut function = within;
    while let EvalAltResult::ErrorInFunctionCall(name, _, inner, _) = at {
        at = inner;
        // rhai's name of a closure says nothing.
        if !name.contains('$') {
            function = name;
        }
        if !at.position().is_none() {
            position = at.position();
        }
    }
    let text = match at {
        // A guard's reason, which rhai does not print.
        EvalAltResult::ErrorTerminated(reason, _) => reason.to_string(),
        EvalAltResult::ErrorRuntime(thrown, _) => match thrown.read_lock::<OwnFault>() {
            Some(own) => {
                position = own.position;
                own.message.clone()
            }
            None => thrown.to_string(),
        },
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            format!("{UNFIT}: {}", kinds(signature))
        }
        other => other.to_string(),
    };
    let suffix = format!(" ({position})");
    let text = shortened(text);
    ScriptFault {
        place: Place {
            function: function.to_owned(),
            ..place_at(position, file)
        },
        message: text.strip_suffix(&suffix).unwrap_or(&text).to_owned(),
    }
}

/// A script may throw megabytes.
fn shortened(text: String) -> String {
    const MOST: usize = 500;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn place_at(position: Position, file: &str) -> Place {
    Place {
        script: file.to_owned(),
        line: position.line().unwrap_or(0),
        column: position.position().unwrap_or(0),
        function: String::new(),
    }
}

/// A call as rhai writes it, with the kinds of its values in a script's words:
/// `cut (Attr, &str | ImmutableString | String)` becomes `cut(row, text)`.
fn kinds(signature: &str) -> String {
    let Some((name, values)) = signature.split_once(" (") else {
        return signature.to_owned();
    };
    let values = values.trim_end_matches(')').split(", ").map(kind);
    format!("{}({})", name, values.collect::<Vec<_>>().join(", "))
}

fn kind(of_rhai: &str) -> &str {
    match of_rhai {
        "()" | "" => "()",
        "i64" => "number",
        "bool" => "true or false",
        "Attr" => "row",
        "Fn" => "function",
        "array" => "array",
        "map" => "map",
        "f64" | "decimal" => "decimal number",
        "char" => "character",
        text if text.contains("String") => "text",
        other => other.rsplit("::").next().unwrap_or(other),
    }
}
