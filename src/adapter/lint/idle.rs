//! What a script has and nobody uses.

use std::collections::BTreeSet;

use rhai::{ASTNode, Expr, FnPtr, Stmt};

use crate::adapter::compile;
use crate::adapter::manifest::Manifest;
use crate::problem::{Problem, offset_of};
use crate::script::program::Script;

/// Functions that neither the gateway nor, through others, a table or function
/// of the script calls.
pub(super) fn functions(script: &Script, manifest: &Manifest) -> Vec<Problem> {
    let runs_a_batch = |name: &str| {
        let batch = name.strip_prefix("run_");
        batch.is_some_and(|batch| manifest.batch.contains_key(batch))
    };
    let begun = script
        .functions()
        .filter(|name| compile::is_called_by_gateway(name) || runs_a_batch(name));
    let mut open: Vec<String> = begun.map(str::to_owned).collect();
    let mut used: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(caller) = open.pop() {
        let mut called = calls(script, &caller);
        called.retain(|name| script.arity(name).is_some() && !used.contains(name));
        used.extend(called.iter().cloned());
        open.extend(called);
    }
    let idle = script
        .functions()
        .filter(|name| !used.contains(*name) && !is_anonymous(name));
    idle.map(|name| {
        let message = format!("nothing calls `{name}`");
        let problem = Problem::error("lint::unused-function", &script.file, message)
            .warning()
            .label("never called")
            .help(
                "remove it, or correct the name if the gateway or another function should call it",
            );
        match script.text.find(&format!("fn {name}(")) {
            Some(start) => problem.at(start + "fn ".len(), name.len()),
            None => problem,
        }
    })
    .collect()
}

/// rhai's own names for functions without one.
fn is_anonymous(name: &str) -> bool {
    name.starts_with("anon$")
}

/// The names a function calls, or makes a pointer of.
fn calls(script: &Script, function: &str) -> Vec<String> {
    let body = script
        .ast
        .clone_functions_only_filtered(|_, _, _, name, _| name == function);
    let mut names = Vec::new();
    body.walk(&mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _)))
            | Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => names.push(call.name.to_string()),
            Some(ASTNode::Expr(Expr::DynamicConstant(value, _))) => {
                let pointer = value.read_lock::<FnPtr>();
                names.extend(pointer.map(|pointer| pointer.fn_name().to_owned()));
            }
            // `Fn("name")`, and what a host function is given to call by name.
            Some(ASTNode::Expr(Expr::StringConstant(text, _))) => names.push(text.to_string()),
            _ => {}
        }
        true
    });
    names
}

/// `const NAME = …` that nothing reads.
pub(super) fn constants(script: &Script) -> Vec<Problem> {
    let (mut defined, mut read) = (Vec::new(), BTreeSet::new());
    script.ast.walk(&mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(variable, _, _))) if path.len() == 1 => {
                let name = &variable.0;
                let position = name.pos;
                let line = position.line().unwrap_or(1);
                let start = offset_of(&script.text, line, position.position().unwrap_or(1));
                defined.push((name.name.to_string(), start));
            }
            Some(ASTNode::Expr(Expr::Variable(variable, ..))) => {
                read.insert(variable.1.to_string());
            }
            _ => {}
        }
        true
    });
    let idle = defined.into_iter().filter(|(name, _)| !read.contains(name));
    idle.map(|(name, start)| {
        Problem::error(
            "lint::unused-constant",
            &script.file,
            format!("nothing reads `{name}`"),
        )
        .warning()
        .at(start, name.len())
        .label("never read")
        .help(format!("remove it, or read it as `global::{name}`"))
    })
    .collect()
}
