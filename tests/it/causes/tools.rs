//! The same sentence from `test`, `dry-run` and `check`, once for each cause.

use scimgate::demo::emulator::kit::Action;
use scimgate::provisioning::trace::Fault;

use super::table::{Ask, Case, scripts, vendors};
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

/// The real vendor with a script that fails.
fn broken(case: &Case) -> House {
    let house = House::of_sosafe();
    let file = house.path().join("scripts/sosafe.rhai");
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = (case.script)(text.clone());
    assert_ne!(edited, text, "{}", case.name);
    std::fs::write(file, edited).unwrap();
    house
}

/// What the dry run is asked.
fn asked(ask: Ask) -> &'static str {
    match ask {
        Ask::Find => "GET /Users?filter=userName+eq+%22nobody@example.com%22\n",
        Ask::List => "GET /Users?count=5\n",
        Ask::Create => {
            "POST /Users\n\n{\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \
             \"userName\": \"ada@example.com\", \"displayName\": \"Ada Lane\", \"title\": \"Boss\"}\n"
        }
        Ask::Rename => {
            "PATCH /Users/18231\n\n{\"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"], \
             \"Operations\": [{\"op\": \"Replace\", \"path\": \"displayName\", \"value\": \"Another\"}]}\n"
        }
        Ask::Delete => "DELETE /Users/18231\n",
        Ask::FindGroup => "GET /Groups?filter=displayName+eq+%22nobody%22\n",
        _ => "GET /Users/18231\n",
    }
}

/// A transcript in which the case's function is called.
fn transcript(ask: Ask) -> &'static str {
    match ask {
        Ask::Find => "find-user-none",
        Ask::List => "page-users",
        Ask::Create => "create-user-all-attributes",
        Ask::Rename => "patch-user",
        Ask::Delete => "delete-user",
        Ask::FindGroup => "group-find",
        _ => "get-user",
    }
}

/// Places are told as the file is named.
fn says_all(case: &Case, told: &str, tool: &str) {
    for words in case.says {
        let name = case.name;
        assert!(
            told.contains(words),
            "{tool}, {name}: {words:?} is not in {told}"
        );
    }
    assert!(
        told.contains("sosafe.rhai:"),
        "{tool}, {}: {told}",
        case.name
    );
}

#[test]
fn every_way_a_script_fails_is_told_by_test_and_dry_run_with_its_place() {
    for case in scripts() {
        let house = broken(&case);
        for name in ["get-user", transcript(case.ask)] {
            let file = format!("tests/vendors/sosafe/{name}.http");
            house.copy(&file, &file);
        }
        says_all(&case, &fails(&house, &["test"]), "test");
        let ask = format!(
            "@setting idp_tenant = 11111111-2222-3333-4444-555555555555\n\n### Entra asks\n{}",
            asked(case.ask)
        );
        house.write("ask.http", &ask);
        let told = house.run(&["dry-run", "--vendor", "sosafe", "ask.http"]);
        says_all(&case, &text_of(&told.stdout), "dry-run");
        assert_eq!(told.status.code(), Some(1), "{}", case.name);
    }
}

#[test]
fn every_answer_that_cannot_be_used_is_told_by_test_in_the_same_words() {
    // The others are the network's: it does not take part in transcripts.
    for case in vendors()
        .into_iter()
        .filter(|case| case.fault == Fault::Vendor)
    {
        let Some(Action::Status(answer)) = case.vendor.map(|vendor| vendor().action) else {
            continue;
        };
        let house = House::of_sosafe();
        let headers: String = answer
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        let (code, body) = (answer.code, &answer.body);
        let text = format!(
            "# A user is read\n@calls 1\n\n### Entra asks\nGET /Users/18231\n\n### Vendor is called\nGET /users/18231\n\n\
             ### Vendor answers\n{code}\n{headers}\n{body}\n\n### Entra gets\n200\n"
        );
        house.write("tests/vendors/sosafe/read.http", &text);
        let told = fails(&house, &["test"]);
        says_all(&case, &told, "test");
    }
}
