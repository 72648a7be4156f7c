//! The same sentence from `test`, `dry-run` and `check`, once for each cause.

use crate::house::{House, text_of};

const TRANSCRIPT: &str = "tests/data/example.http";

/// The example with so many copies of its transcript.
fn house(copies: usize) -> House {
    let house = House::of_example();
    for number in 0..copies {
        house.copy(
            TRANSCRIPT,
            &format!("tests/vendors/example/read-{number}.http"),
        );
    }
    house
}

fn fails(house: &House, arguments: &[&str]) -> String {
    let output = house.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{}", text_of(&output.stderr));
    text_of(&output.stdout)
}

/// What `get_user` does, and what every tool says of it.
const CASES: &[(&str, &str)] = &[
    (
        "throw \"no way\"",
        "scripts/example.rhai:14:32, in get_user: no way",
    ),
    (
        "let x = #{}; x.domainid",
        "in get_user: Property not found: domainid",
    ),
    (
        "return 7",
        "scripts/example.rhai:14:1, in get_user: get_user must give an object with its id in `id`, and gave a number",
    ),
    ("loop { }", "in get_user: "),
    (
        "try { let x = #{}; x.nosuch } catch { throw not_found() }",
        "in get_user: Property not found: nosuch",
    ),
];

#[test]
fn one_cause_is_told_in_one_sentence_by_every_tool() {
    for (statement, sentence) in CASES {
        let house = house(12);
        let broken = format!("fn get_user(id)              {{ {statement}; get(");
        house.edit(
            "scripts/example.rhai",
            "fn get_user(id)              { get(",
            &broken,
        );
        house.write("ask.http", "### Entra asks\nGET /Users/7\n");
        let told = fails(&house, &["test"]);
        assert!(told.contains(sentence), "{statement}: {told}");
        assert!(
            told.contains("11 more transcripts by the same cause"),
            "{told}"
        );
        assert!(told.lines().count() <= 12, "{told}");
        let told = fails(&house, &["dry-run", "--vendor", "example", "ask.http"]);
        assert!(told.contains(sentence), "{statement}: {told}");
        // As one line, for a terminal's width cuts it.
        let told = fails(&house, &["check"]).replace("\n  │ ", " ");
        assert!(told.contains(sentence), "{statement}: {told}");
        assert!(
            told.contains("the same cause breaks 11 more transcripts"),
            "{told}"
        );
        assert!(!told.contains("finds the reason in its log"), "{told}");
    }
}

#[test]
fn what_a_script_prints_is_shown() {
    let house = house(1);
    let prints = "fn get_user(id)              { print(`asked for ${id}`); debug(id); get(";
    house.edit(
        "scripts/example.rhai",
        "fn get_user(id)              { get(",
        prints,
    );
    house.write("ask.http", "### Entra asks\nGET /Users/7\n");
    let told = text_of(&house.run(&["test"]).stdout);
    assert!(told.contains("printed: asked for 7"), "{told}");
    assert!(told.contains("printed: line 14: \"7\""), "{told}");
    let told = text_of(
        &house
            .run(&["dry-run", "--vendor", "example", "ask.http"])
            .stdout,
    );
    assert!(told.contains("printed: asked for 7"), "{told}");
}
