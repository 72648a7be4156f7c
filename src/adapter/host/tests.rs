#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use rhai::Scope;

use crate::adapter::engine::scripting;

/// `segment` of `segment(text)`, `lookup` of `.lookup(field)`.
fn name(signature: &str) -> &str {
    let name = signature
        .split_once('(')
        .map_or(signature, |(name, _)| name);
    name.trim_start_matches('.')
}

#[test]
fn every_example_of_the_manual_is_true() {
    let mut examples = 0;
    for function in scripting().docs().functions() {
        for (expression, expected) in function.examples {
            let source = format!("({expression}) == ({expected})");
            let ast = scripting().engine.compile(&source).unwrap();
            let holds = scripting()
                .engine
                .eval_ast_with_scope::<bool>(&mut Scope::new(), &ast);
            assert!(
                matches!(holds, Ok(true)),
                "{}: {source}: {holds:?}",
                function.signature
            );
            examples += 1;
        }
    }
    assert!(examples > 15, "{examples} examples");
}

#[test]
fn every_host_function_is_in_the_manual() {
    let documented: BTreeSet<&str> = scripting()
        .docs()
        .functions()
        .iter()
        .map(|function| name(function.signature))
        .collect();
    let registered = scripting().engine.collect_fn_metadata(
        None,
        |info| Some(info.metadata.name.to_string()),
        false,
    );
    // Taken over from rhai to close them, or properties of a fault.
    let undocumented = ["parse_json", "replace"];
    for name in registered.iter().filter(|name| !name.contains('$')) {
        assert!(
            documented.contains(name.as_str()) || undocumented.contains(&name.as_str()),
            "{name} is registered and not documented"
        );
    }
    for name in documented {
        assert!(
            registered.iter().any(|registered| registered == name),
            "{name} is documented and not registered"
        );
    }
}

/// `scripts/README.md`, renewed by `UPDATE_EXPECT=1 cargo test --lib manual`.
#[test]
fn the_manual_can_be_read() {
    let page = format!(
        "{}{}",
        include_str!("manual_head.md"),
        scripting().docs().table()
    );
    expect_test::expect_file!["../../../scripts/README.md"].assert_eq(&page);
}
