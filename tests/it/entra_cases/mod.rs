//! Every request Entra is known to send, played against a gateway of its own.
//!
//! `tests/data/entra-cases.jsonl` holds one case a line: fixtures, request,
//! accepted statuses, expectations. [`World`] makes the fixtures and knows the
//! variables, [`expectation`] reads the expectations: one it does not
//! understand fails the case. All are played.

mod adaptations;
mod changes;
mod discovery;
mod expectation;
mod hold;
mod load;
mod path;
mod phrase;
mod sign_in;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::harness::Request;
use expectation::Expectation;
use hold::Played;
use world::World;

const CASES: &str = include_str!("../../data/entra-cases.jsonl");

/// How many cases are played at a time.
const AT_ONCE: usize = 4;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    #[serde(rename = "area")]
    _area: String,
    method: String,
    path: String,
    body: Value,
    expect_status: Vec<u16>,
    expect: Vec<String>,
    #[serde(default)]
    pre: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(rename = "source")]
    _source: String,
    #[serde(default, rename = "conf")]
    _confidence: Option<String>,
}

fn cases() -> Vec<Case> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let cases: Vec<Case> = CASES.lines().map(read).collect();
    let expected = |id: &str| cases.iter().find(|case| case.id == id).map(|it| &it.expect);
    let whole = |mut case: Case| {
        let texts = case.expect.iter();
        let texts = texts.flat_map(
            |text| match text.strip_prefix("same as ").and_then(expected) {
                Some(others) => others.clone(),
                None => vec![text.clone()],
            },
        );
        case.expect = texts.collect();
        case
    };
    cases.iter().cloned().map(whole).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds() {
    let mut waiting = cases();
    let mut playing = tokio::task::JoinSet::new();
    let mut failures = Vec::new();
    while !waiting.is_empty() || !playing.is_empty() {
        while playing.len() < AT_ONCE
            && let Some(case) = waiting.pop()
        {
            playing.spawn(play(case));
        }
        match playing.join_next().await {
            Some(Ok(Err(failure))) => failures.push(failure),
            Some(Err(panic)) => failures.push(panic.to_string()),
            _ => {}
        }
    }
    failures.sort();
    let count = failures.len();
    assert!(
        count == 0,
        "{count} cases failed\n\n{}",
        failures.join("\n\n")
    );
}

#[test]
fn ids_are_unique() {
    let known: BTreeSet<String> = cases().into_iter().map(|case| case.id).collect();
    assert_eq!(known.len(), cases().len());
}

#[test]
fn an_expectation_nobody_understands_is_an_error() {
    for text in ["the moon is full", "then GET /Users -> 200: it sings", "id"] {
        assert!(Expectation::parse(text).is_err(), "{text}");
    }
}

/// The judge is judged: what is not so must not hold.
#[tokio::test]
async fn a_false_expectation_fails_its_case() {
    let falsehoods = [
        ("R-01", "id == \"0\""),
        ("R-01", "active === \"true\""),
        ("R-01", "userName absent"),
        ("R-01", "then GET /Users/{{u.id}} -> 404"),
        ("Q-01", "totalResults == \"1\""),
        ("Q-01", "Resources length 2"),
        ("P-01", "then GET /Users/{{u.id}} -> 200: userName kept"),
        ("G-16", "{{u.id}} is a member"),
        ("G-16", "members unchanged"),
        (
            "F-09",
            "then GET /Users/{{u.id}} -> 200: all changed; array lengths unchanged",
        ),
        ("A-01", "3601 <= expires_in <= 21600"),
        ("A-05", "wrong audience refused"),
        ("A-06", "json access_token"),
        ("A-06", "then GET /Users?count=1 with the token -> 200"),
    ];
    for (id, expectation) in falsehoods {
        let mut case = cases().into_iter().find(|case| case.id == id).unwrap();
        case.expect = vec![expectation.to_owned()];
        let failure = play(case).await.expect_err(expectation);
        assert!(failure.contains("does not hold"), "{failure}");
    }
}

/// Plays one case; `Err` is the report of its failure.
async fn play(mut case: Case) -> Result<(), String> {
    let report = |what: &str| format!("=== {} {what}", case.id);
    let expectations = case.expect.iter().map(|text| Expectation::parse(text));
    let expectations: Result<Vec<_>, _> = expectations.collect();
    let expectations = expectations.map_err(|why| report(&why))?;
    let mut world = World::start(sign_in::is_about(&case)).await;
    for fixture in &case.pre {
        world.make(fixture).await.map_err(|why| report(&why))?;
    }
    let id = case.id.clone();
    adaptations::adapt(&mut case);
    let request = request(&world, &case).map_err(|why| format!("=== {id} {why}"))?;
    let played = Played::send(world, request).await;
    let tell = |why: String| {
        format!(
            "=== {id} {why}\n--- request\n{}\n--- response\n{}",
            played.request, played.response
        )
    };
    if !case.expect_status.contains(&played.response.status) {
        return Err(tell(format!("status is none of {:?}", case.expect_status)));
    }
    for (expectation, text) in expectations.iter().zip(&case.expect) {
        let held = played.holds(expectation).await;
        held.map_err(|why| tell(format!("does not hold: {text}\n    {why}")))?;
    }
    played.end().await;
    Ok(())
}

fn request(world: &World, case: &Case) -> Result<Request, String> {
    let tenant = world.tenant();
    let mut request = tenant.request(&case.method, &world.expand(&case.path)?);
    request = match &case.body {
        Value::Null => request,
        Value::String(text) => request.body(world.expand(text)?),
        body => request.json(&world.expand_json(body)?),
    };
    for (name, value) in &case.headers {
        request = match value {
            Some(value) => request.header(name, &world.expand(value)?),
            None => request.without(name),
        };
    }
    Ok(request)
}
