//! `scimgate test`: what it says of a difference, how it blesses, what it writes
//! for machines.

use expect_test::{Expect, expect};
use serde_json::Value;

use crate::house::{House, text_of};

const TRANSCRIPT: &str = "tests/vendors/example/read.http";

fn house() -> House {
    let house = House::of_example();
    house.copy("tests/data/example.http", TRANSCRIPT);
    house
}

/// A house of a real vendor with one of its transcripts.
fn house_of(vendor: &str, transcript: &str) -> (House, String) {
    let house = House::of_vendor(vendor);
    let file = format!("tests/vendors/{vendor}/{transcript}.http");
    house.copy(&file, &file);
    (house, file)
}

#[track_caller]
fn check(house: &House, arguments: &[&str], status: i32, expected: Expect) {
    let output = house.run(&[&["test"], arguments].concat());
    expected.assert_eq(&text_of(&output.stdout));
    assert_eq!(text_of(&output.stderr), "");
    assert_eq!(output.status.code(), Some(status));
}

#[test]
fn what_was_expected_and_what_came_stand_below_each_other() {
    let house = house();
    house.edit(TRANSCRIPT, "GET /people/7", "GET /people/8");
    house.edit(TRANSCRIPT, "\"title\": \"Boss\"", "\"title\": \"Head\"");
    check(
        &house,
        &[],
        1,
        expect![[r#"
            example
              FAIL  A user is read  (1 call)
                    tests/vendors/example/read.http
                    line 8  a call of the vendor
                      - GET /people/8
                      + GET /people/7
                    line 18  title
                      - "Head"
                      + "Boss"
            0 passed, 1 failed
        "#]],
    );
    house.copy("tests/data/example.http", TRANSCRIPT);
    house.edit(TRANSCRIPT, "### Entra gets\n200", "### Entra gets\n404");
    check(
        &house,
        &["example", "--filter", "is read"],
        1,
        expect![[r#"
            example
              FAIL  A user is read  (1 call)
                    tests/vendors/example/read.http
                    line 16  status
                      - 404
                      + 200
            0 passed, 1 failed
        "#]],
    );
    check(
        &house,
        &["--filter", "is written"],
        1,
        expect![[r#"
        example
        0 passed, 0 failed
        none of example's 1 transcript matches "is written"
    "#]],
    );
}

#[test]
fn a_transcript_that_is_none_says_why() {
    let house = house();
    house.edit(TRANSCRIPT, "### Entra asks", "### Okta asks");
    check(
        &house,
        &[],
        1,
        expect![[r#"
            example
              FAIL  A user is read  (0 calls)
                    tests/vendors/example/read.http
                    line 4  `### Okta asks` is none of: Entra asks, Vendor is called, Vendor answers, Entra gets
                      tests/vendors/README.md has the form of a transcript
            0 passed, 1 failed
        "#]],
    );
}

/// Vendor, transcript, and what is put in the place of what.
type Spoilt = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Whatever is spoilt in a transcript that held, blessing brings back as it was.
#[test]
fn a_blessed_transcript_is_as_it_would_have_been_written() {
    const SPOILT: &[Spoilt] = &[
        (
            "sosafe",
            "get-user",
            &[("\"locality\": \"Bern\"", "\"locality\": \"Biel\"")],
        ),
        (
            "sosafe",
            "get-user",
            &[("### Entra gets\n200", "### Entra gets\n201")],
        ),
        ("sosafe", "get-user", &[("@calls 1", "@calls 5")]),
        (
            "sosafe",
            "street-and-number",
            &[
                ("\"house_no\": \"5a\"", "\"house_no\": 5"),
                ("\"house_no\": null", "\"house_nr\": 1, \"house_no\": null"),
            ],
        ),
        (
            "sosafe",
            "group-put",
            &[
                (
                    "{\"user_group\": null}",
                    "{\"user_group\": null, \"more\": {}}",
                ),
                ("@calls 12", "@calls 11"),
            ],
        ),
        (
            "paloalto",
            "group-replace-members",
            &[("action = get\ntype = config", "action = set")],
        ),
        (
            "wedo",
            "get-user",
            &[("### Entra gets\n200", "### Entra gets\n500")],
        ),
    ];
    for (vendor, transcript, edits) in SPOILT {
        let (house, file) = house_of(vendor, transcript);
        let before = std::fs::read_to_string(house.path().join(&file)).unwrap();
        edits
            .iter()
            .for_each(|(from, to)| house.edit(&file, from, to));
        assert_eq!(
            house.run(&["test"]).status.code(),
            Some(1),
            "{file}: {edits:?}"
        );
        let output = house.run(&["test", "--bless"]);
        let after = std::fs::read_to_string(house.path().join(&file)).unwrap();
        assert_eq!(after, before, "{file}: {edits:?}");
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output.stdout));
    }
}

/// The answer to a call that is not the one written leads to a failure: that is not the vendor's.
#[test]
fn another_call_is_told_before_what_follows_from_it() {
    let house = house();
    house.edit(TRANSCRIPT, "GET /people/7", "PUT /people/7");
    house.edit(
        TRANSCRIPT,
        "### Vendor answers\n200",
        "### Vendor answers\n500",
    );
    let told = text_of(&house.run(&["test"]).stdout);
    let call = "a call of the vendor\n          - PUT /people/7\n          + GET /people/7\n";
    assert!(told.contains(call), "{told}");
}

/// The vendor's answer was written for the call that stands above it.
#[test]
fn another_call_is_not_blessed() {
    for (from, to) in [
        ("GET /people", "DELETE /people"),
        ("GET /people/", "GET /persons/"),
    ] {
        let house = house();
        house.edit(TRANSCRIPT, from, to);
        let before = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
        let output = house.run(&["test", "--bless"]);
        let printed = text_of(&output.stdout);
        assert!(
            printed.contains("belongs to the call that is written"),
            "{printed}"
        );
        assert_eq!(output.status.code(), Some(1), "{to}");
        let after = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
        assert_eq!(after, before);
    }
    let house = house();
    let before = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
    let line = before
        .lines()
        .find(|line| line.starts_with("GET /people/"))
        .unwrap();
    house.edit(TRANSCRIPT, line, &format!("{line}?all=1"));
    assert_eq!(house.run(&["test", "--bless"]).status.code(), Some(0));
    let after = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
    assert_eq!(after, before);
}

#[test]
fn calls_that_are_no_longer_made_are_taken_out_when_blessing() {
    let house = house();
    let before = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
    let more =
        "### Vendor is called\nGET /more\n\n### Vendor answers\n200\n\n{}\n\n### Vendor is called";
    house.edit(TRANSCRIPT, "### Vendor is called", more);
    house.edit(TRANSCRIPT, "@calls 1", "@calls 2");
    assert_eq!(house.run(&["test", "--bless"]).status.code(), Some(0));
    let after = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
    assert_eq!(after, before);
}

#[test]
fn what_the_vendor_answers_is_never_made_up() {
    let house = house();
    house.edit(
        "scripts/example.rhai",
        "{ get(`/people/${id}`) }",
        "{ get(`/people/${id}`); get(\"/more\") }",
    );
    let before = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
    check(
        &house,
        &["--bless"],
        1,
        expect![[r#"
            example
              FAIL  A user is read  (2 calls)
                    tests/vendors/example/read.http
                    line 4  the calls of the vendor
                      + GET /more
                    line 16  status
                      - 200
                      + 503 (scripts/example.rhai:14:54, in get_user: GET /more: the call was not sent: the transcript does not have this call)
                    not blessed: the vendor is called once more: GET /more. Write this call and what the vendor answers, and bless again
            0 passed, 1 failed
        "#]],
    );
    let after = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
    assert_eq!(after, before);
}

/// Placeholders and what Entra's side learns in one exchange stay in the next.
#[test]
fn an_error_becomes_the_body_that_came() {
    let house = house();
    house.edit(
        TRANSCRIPT,
        "### Vendor answers\n200",
        "### Vendor answers\n404",
    );
    assert_eq!(house.run(&["test", "--bless"]).status.code(), Some(0));
    let after = std::fs::read_to_string(house.path().join(TRANSCRIPT)).unwrap();
    let (_, gets) = after.split_once("### Entra gets\n").unwrap();
    expect![[r#"
        404

        {"status": "404", "detail": "There is no User with this id."}
    "#]]
    .assert_eq(gets);
}

#[test]
fn coverage_names_what_nothing_exercises() {
    check(
        &house(),
        &["--coverage"],
        0,
        expect![[r#"
        example
          ok    A user is read  (1 call)
          exercised:
              0 %  0 of 4 rows written to the vendor
                     not User userName
                     not User active
                     not User title
                     not User emails[type eq "work"].value
             75 %  3 of 4 rows read from the vendor
                     not User emails[type eq "work"].value
            100 %  0 of 0 error rows
             14 %  1 of 7 functions
                     not create_user
                     not delete_user
                     not find_user
                     not list_users
                     not shorten
                     not update_user
        1 passed, 0 failed
    "#]],
    );
    let output = house().run(&["test", "--coverage", "--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let functions = &told["coverage"]["example"][3];
    assert_eq!(functions["of"], "functions");
    assert_eq!(
        (functions["all"].as_u64(), functions["exercised"].as_u64()),
        (Some(7), Some(1))
    );
    assert_eq!(told["transcripts"][0]["passed"], true);
}

#[test]
fn build_servers_get_what_they_read() {
    let house = house();
    house.edit(TRANSCRIPT, "\"title\": \"Boss\"", "\"title\": \"Head\"");
    let output = house.run(&["test", "--format", "github", "--junit", "junit.xml"]);
    expect![[r#"
        ::error file=tests/vendors/example/read.http,line=18,endLine=18,col=46,endColumn=52,title=transcript%3A%3Abody::title: expected "Head", got "Boss"%0Afix the script, or accept the new result with `scimgate test --bless`
    "#]].assert_eq(&text_of(&output.stdout));
    let junit = std::fs::read_to_string(house.path().join("junit.xml")).unwrap();
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="scimgate">
          <testsuite name="example" tests="1" failures="1" errors="0" skipped="0">
            <testcase classname="example" name="A user is read" file="tests/vendors/example/read.http">
              <failure type="transcript::body" message="title: expected &quot;Head&quot;, got &quot;Boss&quot;">tests/vendors/example/read.http: title: expected &quot;Head&quot;, got &quot;Boss&quot; (fix the script, or accept the new result with `scimgate test --bless`)
        </failure>
            </testcase>
          </testsuite>
        </testsuites>
    "#]].assert_eq(&junit);
    let output = house.run(&["test", "--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problem = &told["transcripts"][0]["problems"][0];
    assert_eq!(problem["code"], "transcript::body");
    assert_eq!(
        (problem["line"].as_u64(), problem["column"].as_u64()),
        (Some(18), Some(46))
    );
}
