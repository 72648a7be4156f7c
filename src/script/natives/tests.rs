#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use rhai::{CallFnOptions, FnPtr, ImmutableString, Map, Position, Scope};

use super::*;
use crate::script::engine::{language, scripting};
use crate::script::fiber::{cpu_of, memory, run_alone};
use crate::script::host::table::Attr;

/// What one call may hold at most, given some hundred KiB.
const MOST_HELD: isize = 16 << 20;

/// CPU time of one call, unoptimised, and on a core that another thread shares.
const MOST_CPU: Duration = Duration::from_secs(4);

/// The largest values a parameter takes here, and small ones that make the others count. `None`
/// for a type that no value of a script has.
fn values_of(of: TypeId) -> Option<Vec<Dynamic>> {
    let large = "a".repeat(200_000);
    let array: Array = (0..1_000)
        .map(|n| Dynamic::from(format!("text {n}")))
        .collect();
    let map: Map = (0..1_000_i64)
        .map(|n| (format!("name{n}").into(), Dynamic::from(n)))
        .collect();
    let texts = || vec![Dynamic::from(large.clone()), "a".into()];
    let function = || FnPtr::new("f").map(Dynamic::from);
    let known: [(TypeId, Vec<Dynamic>); 12] = [
        (
            TypeId::of::<i64>(),
            vec![
                i64::MAX.into(),
                i64::MIN.into(),
                1_i64.into(),
                150_000_i64.into(),
            ],
        ),
        (TypeId::of::<f64>(), vec![1e300.into(), (-0.5).into()]),
        (TypeId::of::<bool>(), vec![true.into()]),
        (TypeId::of::<char>(), vec!['a'.into()]),
        (TypeId::of::<()>(), vec![Dynamic::UNIT]),
        (TypeId::of::<ImmutableString>(), texts()),
        (TypeId::of::<Array>(), vec![array.clone().into()]),
        (TypeId::of::<Map>(), vec![map.clone().into()]),
        (TypeId::of::<FnPtr>(), vec![function().unwrap()]),
        (
            TypeId::of::<std::ops::Range<i64>>(),
            vec![Dynamic::from(0..i64::MAX)],
        ),
        (
            TypeId::of::<std::ops::RangeInclusive<i64>>(),
            vec![Dynamic::from(0..=i64::MAX)],
        ),
        (
            TypeId::of::<Attr>(),
            vec![Dynamic::from(Attr::new(
                "title",
                Vec::new(),
                Position::NONE,
            ))],
        ),
    ];
    if of == TypeId::of::<Dynamic>() {
        return Some(vec![large.into(), array.into(), map.into()]);
    }
    let mut found = known.into_iter().filter(|(known, _)| *known == of);
    found.next().map(|(_, values)| values)
}

/// All ways of giving one value for each parameter.
fn ways(parameters: &[TypeId]) -> Option<Vec<Vec<Dynamic>>> {
    let mut ways = vec![Vec::new()];
    for of in parameters {
        let values = values_of(*of)?;
        let longer = |way: &Vec<Dynamic>| {
            let with = |value: &Dynamic| way.iter().chain([value]).cloned().collect();
            values.iter().map(with).collect::<Vec<Vec<Dynamic>>>()
        };
        ways = ways.iter().flat_map(longer).collect();
    }
    Some(ways)
}

/// A script that calls it.
fn call_of(name: &str, parameters: usize) -> String {
    let names: Vec<_> = (0..parameters).map(|n| format!("p{n}")).collect();
    let is_word = name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
    let call = match (name.strip_prefix("get$"), names.as_slice()) {
        (Some(property), _) => format!("p0.{property}"),
        (None, [one]) if !is_word => format!("{name}{one}"),
        (None, [one, other]) if !is_word => format!("{one} {name} {other}"),
        _ => format!("{name}({})", names.join(", ")),
    };
    let callback = "fn f() { 1 } fn f(a) { a } fn f(a, b) { true } fn f(a, b, c) { true }";
    format!("{callback} fn main({}) {{ {call}; }}", names.join(", "))
}

/// Calls it every way; gives what held too much or did not end in time.
fn excesses(function: &FuncMetadata) -> Vec<String> {
    let Some(ways) = ways(&function.param_types) else {
        return Vec::new();
    };
    let source = call_of(&function.name, function.num_params);
    let ast = match scripting().engine.compile(&source) {
        Ok(ast) => ast,
        Err(error) => return vec![format!("{source}: {error}")],
    };
    let excess = |way: Vec<Dynamic>| {
        let (ast, shown) = (ast.clone(), format!("{} of {}", function.name, shown(&way)));
        let job = move |_: &_| {
            let called = || {
                let (engine, scope) = (&scripting().engine, &mut Scope::new());
                let options = CallFnOptions::new();
                let called =
                    engine.call_fn_with_options::<Dynamic>(options, scope, &ast, "main", way);
                called.err().map(|error| error.to_string())
            };
            Ok(cpu_of(|| memory::peak_of(called)))
        };
        match run_alone(job, 10 * MOST_CPU) {
            Ok(((error, held), cpu)) => {
                let used_up = error.is_some_and(|error| error.contains("used up"));
                let is_bounded = !used_up && held < MOST_HELD && cpu < MOST_CPU;
                (!is_bounded).then(|| format!("{shown}: {held} bytes, {cpu:?}"))
            }
            Err(failure) => Some(format!("{shown}: {failure}")),
        }
    };
    ways.into_iter().filter_map(excess).collect()
}

fn shown(way: &[Dynamic]) -> String {
    let types = way.iter().map(|value| {
        let text = value.to_string();
        format!("{} {:.12}", value.type_name(), text)
    });
    types.collect::<Vec<_>>().join(", ")
}

/// Every signature of the engine, the language's and ours, called with the largest values: what
/// is not bounded by what it is given is found here, and so is what a later rhai adds.
#[test]
fn every_function_a_script_can_call_is_bounded() {
    let all =
        scripting()
            .engine
            .collect_fn_metadata(None, |info| Some(info.metadata.clone()), true);
    assert!(all.len() > 500, "{}", all.len());
    let word = |name: &str| name.starts_with("set$") || name.contains("index$");
    let functions = all.iter().filter(|function| !word(&function.name));
    let excesses: Vec<_> = functions.flat_map(excesses).collect();
    assert!(excesses.is_empty(), "{excesses:#?}");
}

#[test]
fn what_is_not_on_the_list_is_closed() {
    let all = language().collect_fn_metadata(None, |info| Some(info.metadata.clone()), true);
    let closed = all.iter().filter(|function| !is_permitted(function));
    let names: BTreeSet<_> = closed.map(|function| function.name.as_str()).collect();
    for name in [
        "eval",
        "exit",
        "get_fn_metadata_list",
        "parse_json",
        "sleep",
        "to_blob",
        "to_json",
    ] {
        assert!(name == "eval" || names.contains(name), "{name}");
    }
    for source in [
        "exit()",
        "#{}.to_json()",
        "\"a\".to_blob()",
        "\"a\".pad(9, \"bc\")",
        "(1).bits",
    ] {
        let error = scripting().engine.eval::<Dynamic>(source).unwrap_err();
        assert!(
            error.to_string().contains("not available"),
            "{source}: {error}"
        );
    }
}
