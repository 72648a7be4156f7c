//! What of a script's error may be told: its kind and its place. Texts that a script put together
//! while it ran may hold what a person's record holds, and errors go to logs and to the store.

use rhai::EvalAltResult;

use super::own_faults::{Inserted, OwnFault};
use crate::problem::offset_of;

/// What is said instead of a text that the script made.
const THROWN: &str = "the script threw a text of its own making";

/// `message`, or what may be said instead of it. `source` is the script as written: what stands in
/// it is no person's value. `inserted` leads from the places of the text that runs to those of the
/// text as written.
pub(super) fn told(
    error: &EvalAltResult,
    message: String,
    source: &str,
    inserted: &Inserted,
) -> String {
    let is_written = |text: &str| !text.is_empty() && source.contains(text);
    match innermost(error) {
        EvalAltResult::ErrorRuntime(thrown, _) if thrown.is::<OwnFault>() => {
            match message.split_once(": ") {
                Some((kind, name)) if !is_written(name) => kind.to_owned(),
                _ => message,
            }
        }
        EvalAltResult::ErrorRuntime(thrown, position) => {
            let line = position.line().unwrap_or(1);
            let column = inserted.as_written(line, position.position().unwrap_or(1));
            let start = offset_of(source, line, column);
            let by_script = source
                .get(start..)
                .is_some_and(|rest| rest.starts_with("throw"));
            let literal = thrown.is_string() && is_written(&thrown.to_string());
            match by_script && !literal {
                true => THROWN.to_owned(),
                false => message,
            }
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) if !is_written(name) => {
            "a map has no member of this name".to_owned()
        }
        EvalAltResult::ErrorIndexNotFound(..) => "there is nothing at this index".to_owned(),
        EvalAltResult::ErrorArithmetic(..) => {
            "a calculation or conversion of a number failed".to_owned()
        }
        _ => message,
    }
}

fn innermost(error: &EvalAltResult) -> &EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => innermost(inner),
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rhai::{Dynamic, Scope};

    use super::*;
    use crate::script::engine::scripting;

    #[track_caller]
    fn check(source: &str, expect: &str) {
        let engine = &scripting().engine;
        let ast = engine.compile(source).unwrap();
        let mail = ("ada@example.com",);
        let called = engine.call_fn::<Dynamic>(&mut Scope::new(), &ast, "main", mail);
        let error = called.unwrap_err();
        let told = told(&error, error.to_string(), source, &Inserted::default());
        assert!(told.contains(expect), "{source}: {told}");
        assert!(!told.contains("ada"), "{source}: {told}");
    }

    #[test]
    fn a_persons_value_is_not_told_whichever_way_it_got_into_the_error() {
        check("fn main(mail) { throw `no ${mail}` }", THROWN);
        check("fn main(mail) { throw #{ who: mail } }", THROWN);
        check(
            "fn inner(mail) { throw mail } fn main(mail) { inner(mail) }",
            THROWN,
        );
        check("fn main(mail) { #{}[mail] }", "no member");
        check("fn main(mail) { parse_int(mail) }", "number");
        check(
            "fn main(mail) { throw \"nobody is called so\" }",
            "nobody is called so",
        );
        check("fn main(mail) { get(\"/a\") }", "cannot be used");
    }
}
