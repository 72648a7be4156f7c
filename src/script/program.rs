//! A vendor's script, compiled, and how its functions are called.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, FuncArgs, Scope};

use super::brake::{Brake, Brakes};
use super::discreet;
use super::engine::scripting;
use super::fault::{Failure, ScriptFault};
use super::host::{Fault, ScriptContext};
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
    pub(crate) ast: Arc<AST>,
    /// Number of parameters by function name.
    pub(super) functions: BTreeMap<String, usize>,
    /// Words that stand in paths of the source.
    pub(super) path_words: BTreeSet<String>,
    pub(super) serves_constants: bool,
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
            .call_fn_with_options::<Dynamic>(options, &mut scope, &self.ast, function, arguments)
            .map_err(|error| match thrown_fault(&error) {
                Some(fault) if fault.is_bug() => ScriptFault {
                    message: "the vendor does not understand this call".to_owned(),
                    ..self.fault(&error)
                }
                .into(),
                Some(fault) => failure_of(fault),
                None => self.fault(&error).into(),
            })
    }

    /// What an error while serving is, without what may be a person's.
    fn fault(&self, error: &EvalAltResult) -> ScriptFault {
        let fault = fault_of(error, &self.file);
        ScriptFault {
            message: discreet::told(error, fault.message, &self.text),
            ..fault
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

/// Place and reason of a script's own error: the innermost place that is known.
pub(crate) fn fault_of(error: &EvalAltResult, file: &str) -> ScriptFault {
    let mut at = error;
    let mut position = error.position();
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = at {
        at = inner;
        if !at.position().is_none() {
            position = at.position();
        }
    }
    let text = match at {
        // A guard's reason, which rhai does not print.
        EvalAltResult::ErrorTerminated(reason, _) => reason.to_string(),
        EvalAltResult::ErrorRuntime(thrown, _) => thrown.to_string(),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            format!("{UNFIT}: {}", kinds(signature))
        }
        other => other.to_string(),
    };
    let place = format!(" ({position})");
    ScriptFault {
        script: file.to_owned(),
        line: position.line().unwrap_or(0),
        column: position.position().unwrap_or(0),
        message: text.strip_suffix(&place).unwrap_or(&text).to_owned(),
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
