//! From a script as written to a [`Script`], and its tables; or to all that is wrong with it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rhai::{AST, CallFnOptions, Dynamic, ParseError, ParseErrorType, Scope};

use super::check;
use super::engine::scripting;
use super::fault::{Failure, ScriptFault};
use super::fiber;
use super::host::table::Attr;
use super::kinds;
use super::own_faults::{self, Inserted};
use super::pieces::{Unbalanced, unbalanced};
use super::program::{Script, UNFIT, fault_of};
use crate::problem::{Problem, nearest, offset_of};

/// Longer sources are refused before they are parsed: parsing costs more than
/// linear time.
const SOURCE_MAX: usize = 64 << 10;

/// CPU time for compiling and evaluating tables, off the request path.
pub(crate) const LOAD_CPU: Duration = Duration::from_secs(2);

impl Script {
    /// Compiles and lints a source.
    ///
    /// # Errors
    /// Every problem that can be seen without running it.
    pub fn compile(file: &str, text: String) -> Result<Self, Vec<Problem>> {
        if text.len() > SOURCE_MAX {
            let size = text.len();
            let problem = Problem::error(
                "script::too-large",
                file,
                format!("the script has {size} bytes"),
            )
            .help(format!(
                "a script may have {SOURCE_MAX} bytes: shorten it, or let long lists be settings of the manifest"
            ));
            return Err(vec![problem]);
        }
        let mut ast = parse(file, &text)?;
        ast.set_source(file);
        let (runs, inserted) = running(file, &text, &ast)?;
        let functions = ast
            .iter_functions()
            .map(|f| (f.name.to_owned(), f.params.len()))
            .collect();
        let script = Self {
            file: file.to_owned(),
            path_words: path_words(&text),
            text,
            serves_constants: check::serves_constants(&ast),
            brakes: Arc::default(),
            runs: Arc::new(runs),
            inserted,
            ast: Arc::new(ast),
            functions,
            watch: None,
        };
        let mut problems = check::unknown_functions(&script);
        problems.extend(script.wrong_kinds());
        if problems.is_empty() {
            Ok(script)
        } else {
            Err(problems)
        }
    }

    /// Evaluates a table function.
    ///
    /// # Errors
    /// The script's error as a problem.
    pub(crate) fn table(&self, function: &str) -> Result<Vec<Attr>, Problem> {
        let (ast, file, name) = (
            Arc::clone(&self.runs),
            self.file.clone(),
            function.to_owned(),
        );
        let evaluated = fiber::run_alone(
            move |_| {
                let options = CallFnOptions::new();
                let rows = scripting().engine.call_fn_with_options::<Dynamic>(
                    options,
                    &mut Scope::new(),
                    &ast,
                    &name,
                    (),
                );
                let rows = rows.map_err(|error| Failure::from(fault_of(&error, &file, &name)))?;
                let rows = rows.try_cast::<rhai::Array>();
                let attr = Dynamic::try_cast::<Attr>;
                Ok(rows.and_then(|rows| rows.into_iter().map(attr).collect::<Option<Vec<_>>>()))
            },
            LOAD_CPU,
        );
        match evaluated {
            Ok(Some(rows)) => Ok(rows),
            Ok(None) => {
                let message = format!("`{function}` does not give an array of rows");
                let problem = Problem::error("table::not-a-row", &self.file, message);
                let problem = problem.help("a table is an array of attr(…)");
                Err(self.at_function(problem, function))
            }
            Err(Failure::Script(fault)) => Err(self.problem(&fault, function)),
            Err(other) => Err(Problem::error(
                "script::failed",
                &self.file,
                other.to_string(),
            )),
        }
    }

    /// Calls of host functions with an argument, written out, of a kind they do not take.
    fn wrong_kinds(&self) -> impl Iterator<Item = Problem> {
        let found = kinds::misfits(&self.ast, |name| self.arity(name).is_some());
        found.into_iter().map(|misfit| {
            let (name, given) = (&misfit.function, misfit.given);
            let message = format!("`{name}` is given {given} as argument {}", misfit.argument);
            let line = misfit.position.line().unwrap_or(1);
            let start = offset_of(&self.text, line, misfit.position.position().unwrap_or(1));
            let help = manual_of(name).unwrap_or_else(|| "scripts/README.md has all".to_owned());
            Problem::error("script::wrong-kind", &self.file, message)
                .at(start, name.len())
                .label("must be of another kind")
                .help(help)
        })
    }

    /// A run-time error of a table as a problem with its place. A loop without
    /// end has none but the function's.
    fn problem(&self, fault: &ScriptFault, function: &str) -> Problem {
        let problem = Problem::error("script::failed", &self.file, fault.message.clone());
        if fault.place.line == 0 {
            return self.at_function(problem, function).help(
                "a table is evaluated once, when the script is loaded, and must finish quickly",
            );
        }
        let start = offset_of(&self.text, fault.place.line, fault.place.column);
        let name = word_at(&self.text, start);
        let problem = problem.at(start, name.len().max(1));
        match manual_of(name) {
            Some(manual) if fault.message.starts_with(UNFIT) => problem.help(manual),
            _ => problem,
        }
    }

    fn at_function(&self, problem: Problem, function: &str) -> Problem {
        match self.text.find(&format!("fn {function}(")) {
            Some(start) => problem
                .at(start + 3, function.len())
                .label("in this function"),
            None => problem,
        }
    }
}

/// The script as it runs, and what was inserted for that.
fn running(file: &str, text: &str, ast: &AST) -> Result<(AST, Inserted), Vec<Problem>> {
    let (guarded, inserted) = own_faults::guarded(text, ast);
    if inserted.is_empty() {
        return Ok((ast.clone(), inserted));
    }
    let mut runs = parse(file, &guarded)?;
    runs.set_source(file);
    Ok((runs, inserted))
}

/// What stands between a slash and the next sign that is part of no word.
fn path_words(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let words = text.split('/').skip(1).filter_map(|rest| {
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        rest.get(..end).filter(|word| !word.is_empty())
    });
    words.map(str::to_owned).collect()
}

/// Parses on a fiber: rhai's parser recurses, and only a fiber has the stack for
/// whatever a file may hold.
fn parse(file: &str, text: &str) -> Result<AST, Vec<Problem>> {
    let source = text.to_owned();
    let parsed = fiber::run_alone(move |_| Ok(scripting().engine.compile(source)), LOAD_CPU);
    match parsed {
        Ok(Ok(ast)) => Ok(ast),
        Ok(Err(error)) => Err(vec![syntax(file, text, &error)]),
        Err(failure) => Err(vec![Problem::error(
            "script::failed",
            file,
            failure.to_string(),
        )]),
    }
}

fn syntax(file: &str, text: &str, error: &ParseError) -> Problem {
    let position = error.position();
    let start = offset_of(
        text,
        position.line().unwrap_or(1),
        position.position().unwrap_or(1),
    );
    match error.err_type() {
        ParseErrorType::VariableUndefined(name) => unknown_variable(file, text, name)
            .at(start, name.len())
            .label("not known"),
        other => match unbalanced(text) {
            Some(bracket) => open_bracket(file, text, &bracket),
            None => Problem::error("script::syntax", file, plain_syntax(other))
                .at(start.min(text.len()), 1)
                .help(
                    "the mistake is here or just before it; the language is Rhai: scripts/rhai.md",
                ),
        },
    }
}

fn open_bracket(file: &str, text: &str, bracket: &Unbalanced) -> Problem {
    let before = text.get(..bracket.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let sign = &bracket.bracket;
    let (message, help) = match bracket.opens {
        true => (
            format!("a {sign} opened in line {line} is never closed"),
            "close it",
        ),
        false => (
            format!("a {sign} in line {line} closes nothing"),
            "remove it, or open what it closes",
        ),
    };
    Problem::error("script::syntax", file, message)
        .at(bracket.start, sign.len())
        .help(help)
}

/// Rhai's words; where it only says what it missed, that is said plainly.
fn plain_syntax(error: &ParseErrorType) -> String {
    match error {
        ParseErrorType::MissingToken(token, purpose) => {
            let purpose = purpose.trim();
            format!("`{token}` is missing here {purpose}")
                .trim_end()
                .to_owned()
        }
        other => other.to_string(),
    }
}

fn unknown_variable(file: &str, text: &str, name: &str) -> Problem {
    let message = format!("there is no variable `{name}`");
    let problem = Problem::error("script::unknown-variable", file, message);
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    match (
        manual_of(name),
        nearest(name, words.filter(|word| *word != name)),
    ) {
        (Some(manual), _) => problem.help(manual),
        (None, Some(meant)) => problem.help(format!("did you mean `{meant}`?")),
        (None, None) => problem.help("define it with `let`, or put a text in quotes; a closure sees only its own parameters: if it needs more, use a `for` loop"),
    }
}

/// The name that begins at `start`, if one does.
fn word_at(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

/// How a host function is called, out of its manual.
fn manual_of(name: &str) -> Option<String> {
    let functions = scripting().docs().functions();
    let found = functions.iter().find(|function| {
        let called = function.signature.trim_start_matches('.');
        called
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('('))
    })?;
    Some(format!("write `{}`: {}", found.signature, found.text))
}
