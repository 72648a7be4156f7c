//! The blocks of `deploy/onboarding.md`, which the stories run as they stand there.

use serde_json::Value;

use super::{Scene, field};
use crate::reader::snippets;

const PAGE: &str = include_str!("../../../deploy/onboarding.md");

/// The text of the page's one block with these words.
#[track_caller]
pub(super) fn block(words: &str) -> String {
    let mut found = snippets(PAGE);
    found.retain(|snippet| snippet.text.contains(words));
    assert_eq!(found.len(), 1, "{words}");
    found.remove(0).text
}

/// Runs the commands of a block and gives what the last one prints.
#[track_caller]
pub(super) fn commands(scene: &Scene, block: &str) -> String {
    let lines = block.replace("\\\n", " ");
    let mut printed = String::new();
    for line in lines.lines() {
        let command = line.strip_prefix("scimgate ").unwrap();
        let arguments: Vec<&str> = command.split_whitespace().collect();
        printed = scene.run(&arguments);
    }
    printed
}

#[test]
fn a_console_with_the_pages_template_sends_the_pages_request() {
    let scene = Scene::of("sosafe");
    let template = block("archived = \"refuse\"");
    let there = "https://sosafe.example/provisioning/v1";
    assert!(template.contains(there));
    let template = template.replace(there, &scene.parts.base_url);
    scene.house.write("console.toml", &template);
    let minted = commands(&scene, &block("admin mint --onboarding"));
    let console = minted.trim().strip_prefix("Onboarding token: ").unwrap();

    let curl = block("curl ");
    assert!(curl.contains("127.0.0.1:9091/onboarding/v1/customers -H"));
    let (_, body) = curl.split_once("-d '").unwrap();
    let mut body: Value = serde_json::from_str(body.trim_end().trim_end_matches('\'')).unwrap();
    for (part, ours) in [
        ("settings", &scene.parts.settings),
        ("credential", &scene.parts.credential),
    ] {
        let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect();
        let said: Vec<String> = names(&body[part]);
        assert_eq!(said, names(&ours.clone().into()), "{part}");
        body[part] = ours.clone().into();
    }
    let answer = scene.onboard(console, &body);
    assert_eq!(answer.status, 200, "{answer}");
    let answer = answer.json();
    let token = field(&answer, "Secret Token");
    assert_eq!(
        scene.connects_at(&field(&answer, "Tenant URL"), &token),
        200
    );
    let tenant = answer["tenant"].as_str().unwrap();
    let path = format!("/tenants/{tenant}/definition");
    let told = scene.admin("GET", &path, Value::Null).json();
    assert_eq!(told["tenant"]["settings"]["archived"], "refuse", "{told}");
}
