//! `scimgate log` and `scimgate explain`, beside a gateway that runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Output, Stdio};

use expect_test::{Expect, expect};
use scimgate::demo::emulator::kit::{Action, Fault};
use serde_json::{Value, json};

use crate::harness::{TestGateway, person};
use crate::house::{House, text_of};

/// Three events: one that went well, one that collided, one that met an outage.
async fn three() -> (TestGateway, [String; 3]) {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let anna = person();
    let made = a.post("/Users", &anna).await;
    let mut twin = person();
    twin["userName"] = anna["userName"].clone();
    let collided = a.post("/Users", &twin).await;
    gateway.faults([Fault::new("PATCH", "/**", Action::Status(500.into()))]);
    let user = format!("/Users/{}", made.json()["id"].as_str().unwrap());
    let title = json!([{"op": "Replace", "path": "title", "value": "Engineer"}]);
    let failed = a.patch(&user, title).await;
    gateway.events(3).await;
    let ids = [made, collided, failed].map(|it| it.header("x-request-id").to_owned());
    (gateway, ids)
}

fn run(gateway: &TestGateway, arguments: &[&str]) -> Output {
    gateway.command(arguments).output().unwrap()
}

/// Without what differs from run to run: request ids, times, and columns' widths.
fn settled(text: &str, ids: &[String; 3]) -> String {
    let mut text = text.to_owned();
    for (id, name) in ids.iter().zip(["FIRST", "SECOND", "THIRD"]) {
        text = text.replace(id, name);
    }
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_time = |place: usize, word: &str| {
            let next = words.get(place + 1).unwrap_or(&"");
            next.trim_end_matches(',') == "ms" || word.starts_with("20") && word.ends_with('Z')
        };
        let told = words.iter().enumerate();
        let told = told.map(|(place, word)| if is_time(place, word) { "#" } else { word });
        // The directory is another one in each run.
        let told = told.map(|word| match word.split_once("/scripts/") {
            Some((_, file)) => file,
            None => word,
        });
        format!("{}\n", told.collect::<Vec<_>>().join(" "))
    });
    lines.collect()
}

#[track_caller]
fn check(output: &Output, ids: &[String; 3], expect: Expect) {
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output.stderr));
    expect.assert_eq(&settled(&text_of(&output.stdout), ids));
}

#[tokio::test]
async fn the_log_is_told_in_columns_as_json_and_as_values_with_commas() {
    let (gateway, ids) = three().await;
    check(
        &run(&gateway, &["log"]),
        &ids,
        expect![[r#"
            time tenant action status code took identity request changes
            # a create success - # ms p…@e…com FIRST 8 attributes
            # a create failure EntryConflict # ms p…@e…com SECOND 8 attributes
            # a update failure InternalServerError # ms 18001 THIRD title
            cause: sosafe.rhai:128:31, in update_user: PATCH /users/18001: the vendor answered 500
        "#]],
    );
    let failures = [
        "log", "--tenant", "a", "--status", "failure", "--since", "1h",
    ];
    let output = run(&gateway, &[&failures[..], &["--format", "json"]].concat());
    let lines = text_of(&output.stdout);
    let told: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["code"], "EntryConflict");
    assert_eq!(told[0]["request_id"], ids[1].as_str());
    let values = ["log", "--code", "entryconflict", "--format", "csv"];
    let text = text_of(&run(&gateway, &values).stdout);
    let values: Vec<_> = text.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(
        values[1..8],
        [
            "a",
            "sosafe",
            "create",
            "failure",
            "EntryConflict",
            "409",
            "user"
        ]
    );
    for (arguments, expect) in [
        (&["log", "--action", "delete"][..], 1),
        // Nobody has this name.
        (&["log", "--tenant", "b"], 0),
        (&["log", "-n", "2"], 3),
    ] {
        let text = text_of(&run(&gateway, arguments).stdout);
        // The cause of a failure is a line of its own below it.
        let rows = text.lines().filter(|line| !line.starts_with(' '));
        assert_eq!(rows.count(), expect, "{arguments:?}: {text}");
    }
    gateway.end().await;
}

#[tokio::test]
async fn a_word_that_is_none_of_entras_is_refused_with_those_that_are() {
    let gateway = TestGateway::start().await;
    for (arguments, expect) in [
        (
            ["log", "--status", "failed"],
            "success, failure, skipped, warning",
        ),
        (
            ["log", "--action", "patch"],
            "create, update, delete, disable, other",
        ),
        (["log", "--since", "yesterday"], "such as 1h"),
    ] {
        let output = run(&gateway, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = text_of(&output.stderr);
        assert!(told.contains(expect), "{told}");
    }
    gateway.end().await;
}

#[tokio::test]
async fn a_request_is_explained_from_what_was_understood_to_what_to_do() {
    let (gateway, ids) = three().await;
    check(
        &run(&gateway, &["explain", &ids[1]]),
        &ids,
        expect![[r#"
            request SECOND
            # tenant a, vendor sosafe
            POST /Users user p…@e…com
            create: failure (EntryConflict), answered 409, took # ms

            It was to change:
            userName: p…@e…com
            active: true
            displayName: D…
            emails[type eq "work"].value: p…@e…com
            name.givenName: G…
            name.familyName: F…
            phoneNumbers[type eq "work"].value: +…
            externalId: e…

            What happened:
            # ms plan: create with display_name, email, external_ref, first_name, last_name, login, phone; switch on; store what the vendor cannot
            # ms native fields: display_name, email, external_ref, first_name, last_name, login, phone
            # ms create_user() ran for # ms and threw
            # ms POST /users → 400 in # ms
            # ms GET /users/18001 → 200 in # ms
            # ms find_user() ran for # ms
            # ms GET /users?login=… → 200 in # ms
            # ms looked up by userName: 1 found
            # ms somebody else's object has this userName

            Why: Another user already has this userName. Match on it, or remove the other one at the vendor.
            At fault: the request
            What Entra does next: In its next cycle Entra looks the object up by its matching attribute. If it finds it, it uses it; otherwise it tries to create it again, and fails again.
            What to do: Let Entra match by the attribute named above, or remove the other object at the vendor.
        "#]],
    );
    check(
        &run(&gateway, &["explain", &ids[2]]),
        &ids,
        expect![[r#"
            request THIRD
            # tenant a, vendor sosafe
            PATCH /Users/{id} user 18001
            update: failure (InternalServerError), answered 503, took # ms

            It was to change:
            title: E…

            What happened:
            # ms replace title
            # ms plan: change job_title; store what the vendor cannot
            # ms native fields: job_title
            # ms update_user() ran for # ms and threw
            # ms try 1 failed (500); the next one after # ms
            # ms try 2 failed (500); the next one after # ms
            # ms PATCH /users/18001 → 500 in # ms

            Why: The vendor's API answered with an error or with something unusable. If this lasts, give the vendor the time of this request. Request id THIRD.
            Cause: sosafe.rhai:128:31, in update_user: PATCH /users/18001: the vendor answered 500
            At fault: the vendor
            What Entra does next: Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
            What to do: If this started without a change of yours, give the vendor the time of this request. If it always happens, correct the place named in scripts/sosafe.rhai, or [replies] in adapters/sosafe.toml.
        "#]],
    );
    let told = run(&gateway, &["explain", "no-such-request"]);
    assert_eq!(told.status.code(), Some(1));
    assert!(
        text_of(&told.stderr).contains("for 30 days"),
        "{}",
        text_of(&told.stderr)
    );
    gateway.end().await;
}

/// Whoever only looks leaves no database behind, least of all one without its tokens' key.
#[test]
fn where_no_gateway_has_run_there_is_no_log_and_none_is_made() {
    let house = House::empty();
    for arguments in [&["log"][..], &["explain", "some-request"]] {
        let told = house.run(arguments);
        assert_eq!(told.status.code(), Some(78));
        let told = text_of(&told.stderr);
        assert!(told.contains("no gateway has run"), "{told}");
    }
    assert!(!house.path().join("state").exists());
}

#[tokio::test]
async fn the_log_is_followed_as_it_grows() {
    let gateway = TestGateway::start().await;
    gateway.a.make("/Users", &person()).await;
    gateway.events(1).await;
    let mut following = gateway.command(&["log", "--follow", "--format", "json"]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = move || {
        let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        event["request_id"].as_str().unwrap().to_owned()
    };
    let first = tokio::task::spawn_blocking(move || (next(), next));
    let (first, next) = first.await.unwrap();
    assert_eq!(first, gateway.events(1).await[0].request_id);
    let later = gateway.a.post("/Users", &person()).await;
    let second = tokio::task::spawn_blocking(next).await.unwrap();
    assert_eq!(second, later.header("x-request-id"));
    following.kill().unwrap();
    following.wait().unwrap();
    gateway.end().await;
}
