//! What can be seen to be wrong in a script without running it. rhai finds a
//! misspelt function only when a request reaches it; we find it at load.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::engine::scripting;
use super::natives;
use super::program::Script;
use crate::problem::{Problem, counted, nearest, offset_of};

/// Host functions: the numbers of parameters by name.
fn host_functions() -> &'static BTreeMap<String, BTreeSet<usize>> {
    static HOST: LazyLock<BTreeMap<String, BTreeSet<usize>>> = LazyLock::new(|| {
        let all = scripting().engine.collect_fn_metadata(
            None,
            |info| Some((info.metadata.name.to_string(), info.metadata.num_params)),
            true,
        );
        let own: BTreeSet<_> = scripting().docs().names().collect();
        let is_open = |name: &str| natives::is_open(name) || own.contains(name);
        let mut functions: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (name, parameters) in all.into_iter().filter(|(name, _)| is_open(name)) {
            functions.entry(name).or_default().insert(parameters);
        }
        functions
    });
    &HOST
}

/// Calls of functions that neither the script nor the host has, or with the
/// wrong number of arguments.
pub(crate) fn unknown_functions(script: &Script) -> Vec<Problem> {
    let mut problems = Vec::new();
    script.ast.walk(&mut |path: &[ASTNode<'_>]| {
        let call = match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, position))) => Some((call, 0, *position)),
            Some(ASTNode::Expr(Expr::MethodCall(call, position))) => Some((call, 1, *position)),
            Some(ASTNode::Stmt(Stmt::FnCall(call, position))) => Some((call, 0, *position)),
            _ => None,
        };
        if let Some((call, receiver, position)) = call {
            problems.extend(judge(script, call, receiver, position));
        }
        true
    });
    problems
}

/// Whether a function that runs while serving reads a constant of the script
/// (`global::NAME`). If none does, the constants need not be evaluated anew for
/// each call; tables, which read most of them, are evaluated once.
pub(crate) fn serves_constants(ast: &AST) -> bool {
    let mut serving = ast.clone();
    serving.clear_statements();
    serving
        .retain_functions(|_, _, name, _| !matches!(name, "user_attributes" | "group_attributes"));
    // The walk ends with `false` at the first one found.
    !serving.walk(&mut |path: &[ASTNode<'_>]| {
        !matches!(path.last(), Some(ASTNode::Expr(Expr::Variable(variable, ..))) if !variable.2.is_empty())
    })
}

fn judge(
    script: &Script,
    call: &FnCallExpr,
    receiver: usize,
    position: Position,
) -> Option<Problem> {
    let name = call.name.as_str();
    if call.op_token.is_some() || is_keyword(name) {
        return None;
    }
    let given = call.args.len();
    let host = host_functions().get(name);
    let own = script.arity(name);
    let fits =
        own == Some(given) || host.is_some_and(|arities| arities.contains(&(given + receiver)));
    if fits {
        return None;
    }
    let line = position.line().unwrap_or(1);
    let start = offset_of(&script.text, line, position.position().unwrap_or(1));
    let problem = match (own, host) {
        (None, None) => unknown(script, name),
        (Some(own), _) => wrong_arity(script, name, given, &own.to_string()),
        (None, Some(arities)) => {
            let counts = arities
                .iter()
                .map(|n| n.saturating_sub(receiver).to_string());
            let wanted = counts.collect::<Vec<_>>().join(" or ");
            wrong_arity(script, name, given, &wanted)
        }
    };
    Some(problem.at(start, name.len()))
}

fn unknown(script: &Script, name: &str) -> Problem {
    let message = format!("there is no function `{name}`");
    let problem = Problem::error("script::unknown-function", &script.file, message);
    let problem = problem.label("not known");
    let host = host_functions().keys().map(String::as_str);
    // rhai keeps operators and accessors under names that nobody can write.
    let known = host
        .chain(script.functions())
        .filter(|known| known.starts_with(char::is_alphabetic) && !known.contains('$'));
    match nearest(name, known) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None => problem.help("define it here; scripts/README.md lists those there are"),
    }
}

fn wrong_arity(script: &Script, name: &str, given: usize, wanted: &str) -> Problem {
    let given = counted(given, "argument");
    let message = format!("`{name}` is called with {given}");
    Problem::error("script::wrong-arity", &script.file, message)
        .label(format!("takes {wanted}"))
        .help(format!("give it {wanted}"))
}

/// Words that look like calls and are none.
fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "type_of" | "is_def_var" | "is_def_fn" | "is_shared" | "call" | "Fn" | "print" | "debug"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, serves: bool) {
        let ast = scripting().engine.compile(source).unwrap();
        assert_eq!(serves_constants(&ast), serves, "{source}");
    }

    #[test]
    fn constants_count_only_where_they_are_read_while_serving() {
        check(
            "const A = 1; fn user_attributes() { [global::A] } fn get_user(id) { id }",
            false,
        );
        check("const A = 1; fn get_user(id) { global::A }", true);
        check(
            "const A = 1; fn more_attributes(user) { global::A } fn get_user(id) { more_attributes(id) }",
            true,
        );
        check(
            "const A = 1; fn inner() { if true { [#{ a: global::A }] } } fn get_user(id) { inner() }",
            true,
        );
        check(
            "const A = 1; fn get_user(id) { id.map(|x| x + global::A) }",
            true,
        );
    }
}
