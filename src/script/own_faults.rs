//! A script's own mistakes pass through its `catch`.
//!
//! `try` is for what the vendor answers. rhai's `catch` takes everything, also a property that is
//! not there, and hands it over as a map: what the script then makes of it hides the place. So
//! each `catch` begins with a call that throws such a mistake on, with the place it had. The call
//! is written into the text that runs; places are told in the text as its author wrote it.

use rhai::{AST, ASTNode, Dynamic, Engine, EvalAltResult, Expr, Map, Position, Stmt};

/// What each `catch` begins with. Nobody calls it by hand: it is in no manual.
const PASS_ON: &str = "_pass_on";

/// The variable of a `catch` that has none.
const CAUGHT: &str = "_caught";

/// A mistake of the script's own, on its way out.
#[derive(Clone, Debug)]
pub(super) struct OwnFault {
    pub(super) message: String,
    pub(super) position: Position,
}

/// The text that runs, where it is another one than was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Inserted(Vec<Insertion>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Insertion {
    line: usize,
    /// In characters, from 1, of what it stands before.
    column: usize,
    length: usize,
}

/// Registers what each `catch` begins with.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<OwnFault>("OwnFault");
    engine.register_fn(PASS_ON, pass_on);
}

fn pass_on(caught: Dynamic) -> Result<(), Box<EvalAltResult>> {
    let again = caught.read_lock::<OwnFault>().map(|fault| fault.clone());
    let fault = again.or_else(|| {
        let told = caught.read_lock::<Map>()?;
        let number = |name: &str| {
            let number = told.get(name).and_then(|value| value.as_int().ok());
            number.and_then(|number| u16::try_from(number).ok())
        };
        // rhai names its own errors so.
        told.get("error").filter(|kind| kind.is_string())?;
        let message = told.get("message")?.to_string();
        let told_at = number("line").map(|line| {
            let column = number("position").unwrap_or(0);
            Position::new(line, column)
        });
        let (message, inner) = innermost(&message);
        Some(OwnFault {
            position: inner.or(told_at).unwrap_or(Position::NONE),
            message,
        })
    });
    let Some(fault) = fault else {
        return Ok(());
    };
    let position = fault.position;
    Err(EvalAltResult::ErrorRuntime(Dynamic::from(fault), position).into())
}

/// The first line of rhai's message without the place that stands in it, and that place.
fn innermost(message: &str) -> (String, Option<Position>) {
    let first = message.lines().next().unwrap_or_default();
    let place = first.rsplit_once(" (line ").and_then(|(before, place)| {
        let (line, column) = place.strip_suffix(')')?.split_once(", position ")?;
        Some((
            before,
            Position::new(line.parse().ok()?, column.parse().ok()?),
        ))
    });
    match place {
        Some((before, position)) => (before.to_owned(), Some(position)),
        None => (first.to_owned(), None),
    }
}

/// `text` with each `catch` of `ast` passing the script's own mistakes on.
pub(super) fn guarded(text: &str, ast: &AST) -> (String, Inserted) {
    let mut wanted = Vec::new();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        if let Some(ASTNode::Stmt(Stmt::TryCatch(parts, _))) = path.last() {
            let opens = parts.branch.position();
            let name = match &parts.expr {
                Expr::Variable(variable, ..) => Some(variable.1.to_string()),
                _ => None,
            };
            if let (Some(line), Some(column)) = (opens.line(), opens.position()) {
                wanted.push((line, column, name));
            }
        }
        true
    });
    wanted.sort();
    wanted.dedup();
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let mut inserted = Vec::new();
    // From the end, so that what stands before keeps its place.
    for (line, column, name) in wanted.into_iter().rev() {
        let Some(written) = lines.get_mut(line - 1) else {
            continue;
        };
        let byte = |letters: usize| written.char_indices().nth(letters).map(|(at, _)| at);
        let Some(open) = byte(column - 1).filter(|at| written[*at..].starts_with('{')) else {
            continue;
        };
        let variable = name.as_deref().unwrap_or(CAUGHT);
        let call = format!(" {PASS_ON}({variable});");
        written.insert_str(open + 1, &call);
        let mut length = call.chars().count();
        inserted.push(Insertion {
            line,
            column: column + 1,
            length,
        });
        if name.is_none() {
            let bound = format!("({CAUGHT}) ");
            length = bound.chars().count();
            written.insert_str(open, &bound);
            inserted.push(Insertion {
                line,
                column,
                length,
            });
        }
    }
    inserted.sort();
    (lines.join("\n"), Inserted(inserted))
}

impl Inserted {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a column of the text that runs stands in the text as written.
    pub(super) fn as_written(&self, line: usize, column: usize) -> usize {
        let mut before = 0;
        for one in self.0.iter().filter(|one| one.line == line) {
            if column >= one.column + before + one.length {
                before += one.length;
            }
        }
        column.saturating_sub(before)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::script::engine::scripting;

    #[test]
    fn columns_are_told_as_they_were_written() {
        let text = "fn g() { throw 1 }\nfn f() { try { g() } catch (fault) { fault } }\nfn h() { try { g() } catch { 2 } }";
        let ast = scripting().engine.compile(text).unwrap();
        let (runs, inserted) = guarded(text, &ast);
        assert!(
            runs.contains("catch (fault) { _pass_on(fault); fault }"),
            "{runs}"
        );
        for (line, (runs, written)) in runs.lines().zip(text.lines()).enumerate() {
            let (there, here) = (runs.rfind('}').unwrap(), written.rfind('}').unwrap());
            assert_eq!(inserted.as_written(line + 1, there + 1), here + 1);
            let (there, here) = (runs.find("g()").unwrap(), written.find("g()").unwrap());
            assert_eq!(inserted.as_written(line + 1, there + 1), here + 1);
        }
        assert!(scripting().engine.compile(runs).is_ok());
    }
}
