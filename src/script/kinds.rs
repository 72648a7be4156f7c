//! Arguments of the wrong kind, as far as they are written out: `invalid((), "x")` fails only when
//! a request reaches it, and is found when the script is loaded.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rhai::{AST, ASTNode, Array, Dynamic, Expr, FnCallExpr, ImmutableString, Map, Position, Stmt};

use super::engine::scripting;

/// A call that no form of a host function fits.
pub(super) struct Misfit {
    pub(super) function: String,
    /// Which argument, from 1, and what it is.
    pub(super) argument: usize,
    pub(super) given: &'static str,
    pub(super) position: Position,
}

type Forms = BTreeMap<(String, usize), Vec<Vec<TypeId>>>;

/// The kinds of arguments that host functions take, by name and number.
fn forms() -> &'static Forms {
    static FORMS: LazyLock<Forms> = LazyLock::new(|| {
        let documented = scripting().docs().functions().iter();
        let names = documented.filter_map(|function| function.signature.split_once('('));
        let names: BTreeSet<&str> = names
            .map(|(name, _)| name)
            .filter(|name| !name.starts_with('.'))
            .collect();
        let all = scripting().engine.collect_fn_metadata(
            None,
            |info| {
                let of = info.metadata;
                Some((of.name.to_string(), of.num_params, of.param_types.to_vec()))
            },
            true,
        );
        let mut forms = Forms::new();
        for (name, number, kinds) in all {
            if names.contains(name.as_str()) && kinds.len() == number {
                forms.entry((name, number)).or_default().push(kinds);
            }
        }
        forms
    });
    &FORMS
}

/// Calls of host functions with an argument, written out, of a kind they do not take. `is_own`
/// tells the functions that the script defines itself.
pub(super) fn misfits(ast: &AST, is_own: impl Fn(&str) -> bool) -> Vec<Misfit> {
    let mut found = Vec::new();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        let call = match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, position))) => Some((call, *position)),
            Some(ASTNode::Stmt(Stmt::FnCall(call, position))) => Some((call, *position)),
            _ => None,
        };
        if let Some((call, position)) = call.filter(|(call, _)| !is_own(&call.name)) {
            found.extend(misfit(call, position));
        }
        true
    });
    found
}

fn misfit(call: &FnCallExpr, position: Position) -> Option<Misfit> {
    let forms = forms().get(&(call.name.to_string(), call.args.len()))?;
    let fits = |kinds: &Vec<TypeId>, at: usize| {
        let given = call.args.get(at).and_then(kind_of);
        let wanted = kinds.get(at).copied();
        given.is_none_or(|(_, given)| {
            wanted.is_none_or(|wanted| wanted == TypeId::of::<Dynamic>() || given.contains(&wanted))
        })
    };
    let all = 0..call.args.len();
    if forms
        .iter()
        .any(|kinds| all.clone().all(|at| fits(kinds, at)))
    {
        return None;
    }
    // The one that no form takes; with several forms it may be only their combination.
    let at = all
        .clone()
        .find(|at| !forms.iter().any(|kinds| fits(kinds, *at)))?;
    Some(Misfit {
        function: call.name.to_string(),
        argument: at + 1,
        given: call.args.get(at).and_then(kind_of)?.0,
        position,
    })
}

/// What an expression is, if it is written out: in words, and as a parameter has it.
fn kind_of(expression: &Expr) -> Option<(&'static str, Vec<TypeId>)> {
    Some(match expression {
        Expr::Unit(_) => ("()", vec![TypeId::of::<()>()]),
        Expr::BoolConstant(..) => ("true or false", vec![TypeId::of::<bool>()]),
        Expr::IntegerConstant(..) => ("a number", vec![TypeId::of::<i64>()]),
        Expr::FloatConstant(..) => ("a number with a fraction", vec![TypeId::of::<f64>()]),
        Expr::StringConstant(..) | Expr::InterpolatedString(..) => (
            "a text",
            vec![
                TypeId::of::<ImmutableString>(),
                TypeId::of::<String>(),
                TypeId::of::<&str>(),
            ],
        ),
        // One that holds nothing but values written out is folded into a constant.
        Expr::Array(..) => ("an array", vec![TypeId::of::<Array>()]),
        Expr::DynamicConstant(value, _) if value.is_array() => {
            ("an array", vec![TypeId::of::<Array>()])
        }
        Expr::Map(..) => ("an object", vec![TypeId::of::<Map>()]),
        Expr::DynamicConstant(value, _) if value.is_map() => {
            ("an object", vec![TypeId::of::<Map>()])
        }
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expect: Option<(&str, usize, &str)>) {
        let ast = scripting().engine.compile(source).unwrap();
        let found = misfits(&ast, |_| false);
        let found = found
            .first()
            .map(|one| (one.function.as_str(), one.argument, one.given));
        assert_eq!(found, expect, "{source}");
    }

    #[test]
    fn an_argument_written_out_is_of_a_kind_that_the_function_takes() {
        check(
            "fn f() { throw invalid((), \"x\") }",
            Some(("invalid", 1, "()")),
        );
        check(
            "fn f() { throw invalid(\"title\", 7) }",
            Some(("invalid", 2, "a number")),
        );
        check("fn f() { busy(\"soon\") }", Some(("busy", 1, "a text")));
        check("fn f() { get(\"/a\", [1]) }", Some(("get", 2, "an array")));
        check(
            "fn f(x) { get(`/a/${x}`, #{ a: 1 }); post(\"/a\", 7); sleep(1); sleep(0.5) }",
            None,
        );
        check("fn f(x) { throw invalid(x, x) }", None);
    }
}
