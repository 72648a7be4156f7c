//! Definition files (`.d.rhai`), by which an editor's language server completes and explains what
//! a script writes. Names, types and numbers of parameters are the engine's own; words and
//! examples are the manual's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rhai::FuncMetadata;

use super::engine::{Scripting, language, scripting};
use super::host::document::{Documented, Shows};
use super::natives;

/// Functions of rhai that scripts do not have, or have from us.
const NOT_RHAIS: &[&str] = &["eval", "parse_json", "sleep"];

/// The files, and the manual beside them: name and text.
pub fn definitions() -> [(&'static str, String); 3] {
    let scripting = scripting();
    let manual = format!("# What a script can call\n\n{}", scripting.docs().table());
    [
        ("rhai.d.rhai", of_the_language()),
        ("scimgate.d.rhai", of_the_host(scripting)),
        ("functions.md", manual),
    ]
}

/// The language's own functions, as rhai describes them.
fn of_the_language() -> String {
    // Parts of it come with the line ends of another system.
    let whole = language().definitions().single_file().replace('\r', "");
    let parts = whole.split("\n\n").filter(|part| {
        let defined = part
            .lines()
            .last()
            .and_then(|line| line.strip_prefix("fn "));
        let name = defined.and_then(|rest| rest.split('(').next());
        name.is_none_or(|name| natives::is_open(name) && !NOT_RHAIS.contains(&name))
    });
    parts.collect::<Vec<_>>().join("\n\n")
}

/// What is registered beside them.
fn of_the_host(scripting: &Scripting) -> String {
    let registered =
        scripting
            .engine
            .collect_fn_metadata(None, |info| Some(info.metadata.clone()), false);
    let mut text = "module static;\n".to_owned();
    for function in scripting.docs().functions() {
        let names = parameters(function.signature);
        let overloads = registered.iter().filter(|found| {
            // What stands in the place of a closed one has no parameters' names.
            found.name == name(function.signature)
                && found.num_params == names.len()
                && found.params_info.len() == names.len()
        });
        let overloads = overloads.map(|found| definition(function, &names, found));
        // The engine keeps them in no order.
        text.extend(overloads.collect::<BTreeSet<_>>());
    }
    text
}

fn definition(function: &Documented, names: &[String], overload: &FuncMetadata) -> String {
    let mut text = format!("\n/// {}\n", function.text);
    if !function.examples.is_empty() {
        text += "///\n/// ```rhai\n";
        for (from, to) in function.examples {
            // Writing into a String does not fail.
            let _ = match function.shows {
                Shows::Value => writeln!(text, "/// {from} == {to}"),
                Shows::Call | Shows::Conversion => writeln!(text, "/// {from} // {to}"),
            };
        }
        text += "/// ```\n";
    }
    let parameters = names.iter().zip(&overload.params_info);
    let parameters: Vec<_> = parameters
        .map(|(name, info)| format!("{name}: {}", type_name(info)))
        .collect();
    let (name, result) = (&overload.name, type_name(&overload.return_type));
    let _ = writeln!(text, "fn {name}({}) -> {result};", parameters.join(", "));
    text
}

/// `segment` of `segment(text)`, `lookup` of `.lookup(field)`.
fn name(signature: &str) -> &str {
    let name = signature.split('(').next().unwrap_or_default();
    name.trim_start_matches('.')
}

/// The names in a signature; a method's row first.
fn parameters(signature: &str) -> Vec<String> {
    let (_, inside) = signature.split_once('(').unwrap_or_default();
    let inside = inside.strip_suffix(')').unwrap_or(inside);
    let mut names: Vec<_> = signature
        .starts_with('.')
        .then(|| "row".to_owned())
        .into_iter()
        .collect();
    let mut depth = 0;
    let parts = inside.split(|letter: char| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    names.extend(
        parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(parameter),
    );
    names
}

/// What a parameter is called of which the manual shows the form.
fn parameter(form: &str) -> String {
    match form.chars().next() {
        Some('#') => "values".to_owned(),
        Some('|') => "closure".to_owned(),
        Some('"') => "resource".to_owned(),
        _ => form.to_owned(),
    }
}

/// A type as definition files name it, of how Rust does: `?` is any.
fn type_name(info: &str) -> &'static str {
    let rust = info.rsplit_once(": ").map_or(info, |(_, rust)| rust);
    let word = |wanted: &str| {
        let mut words = rust.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        words.any(|word| word == wanted)
    };
    let known = [
        ("str", "String"),
        ("String", "String"),
        ("ImmutableString", "String"),
        ("string", "String"),
        ("bool", "bool"),
        ("i64", "int"),
        ("int", "int"),
        ("f64", "float"),
        ("float", "float"),
        ("Map", "Map"),
        ("map", "Map"),
        ("Array", "Array"),
        ("array", "Array"),
        ("FnPtr", "FnPtr"),
        ("Fn", "FnPtr"),
        ("Attr", "Attr"),
        ("Fault", "Fault"),
    ];
    let found = known.iter().find(|(rust, _)| word(rust));
    found.map_or("?", |(_, name)| name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// The definition of a function, its words included.
    fn defined(text: &str, line: &str) -> String {
        let parts = text.split("\n\n");
        let mut found = parts.filter(|part| part.contains(line));
        found
            .next()
            .unwrap_or_else(|| panic!("no {line}"))
            .to_owned()
    }

    #[test]
    fn every_documented_function_is_defined() {
        let text = of_the_host(scripting());
        for function in scripting().docs().functions() {
            assert!(
                text.contains(&format!("\n/// {}\n", function.text)),
                "{}",
                function.signature
            );
        }
        assert!(!text.contains("_:"), "{text}");
    }

    #[test]
    fn a_definition_has_names_types_words_and_examples() {
        let text = of_the_host(scripting());
        expect![[r#"
            /// The text, encoded for use as one segment of a path. `.`, `..` and control characters are refused with 400.
            ///
            /// ```rhai
            /// segment("R&D / Bern") == "R%26D%20%2F%20Bern"
            /// ```
            fn segment(text: String) -> String;"#]]
        .assert_eq(&defined(&text, "fn segment(text: String"));
        expect![[r#"
            /// The allowed values, and the vendor's value for each. Case does not matter. The vendor's values are texts, numbers, `true` or `false`. Any other value is refused with 400, or becomes `.others(native)`.
            ///
            /// ```rhai
            /// attr("active", "state").values(#{ "true": "ON", "false": "OFF" }) // {"active": true} ⇄ {"state": "ON"}
            /// attr("active", "status").values(#{ "true": 1, "false": 3 }) // {"active": false} ⇄ {"status": 3}
            /// ```
            fn values(row: Attr, values: Map) -> Attr;"#]].assert_eq(&defined(&text, "fn values("));
        expect![[r#"
            /// The same with a query, quoted: `get("/users", query("email", mail))`.
            ///
            /// ```rhai
            /// get("/users", query("email", "a@b.c")) // GET /users?email=a%40b.c
            /// ```
            fn get(path: String, query: Map) -> ?;"#]]
        .assert_eq(&defined(&text, "fn get(path: String, query"));
    }

    #[test]
    fn what_is_closed_is_not_offered() {
        let text = of_the_language();
        assert!(text.starts_with("module static;\n"), "{text}");
        assert!(text.contains("\nfn to_lower(") && text.contains("\n/// Convert the string"));
        for name in NOT_RHAIS {
            assert!(!text.contains(&format!("\nfn {name}(")), "{name}");
        }
    }
}
