//! `scimgate status`, `diff` and `reload`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{Scene, Told, until};
use crate::harness::Request;
use crate::house::House;
use crate::serve_command::Served;

#[test]
fn an_edit_is_seen_refused_mended_and_made_live() {
    let mut scene = Scene::start();
    let status = scene.run(&["status"]);
    assert_eq!(status.status, 0, "{}", status.text);
    assert!(
        status.text.contains("All is well.") && status.text.contains("acme"),
        "{}",
        status.text
    );
    let diff = scene.run(&["diff", "--exit-code"]);
    assert_eq!(
        (diff.status, diff.text.as_str()),
        (0, "What is running is what is on disk.\n")
    );

    let script = "scripts/sosafe.rhai";
    scene.house.edit(script, "\"job_title\"", "\"job_titel\"");
    let diff = scene.run(&["diff", "--exit-code"]);
    assert_eq!(diff.status, 1);
    assert!(
        diff.text.contains("did you mean `job_title`?"),
        "{}",
        diff.text
    );
    assert!(
        diff.text.contains(
            "vendor sosafe would be refused; the last good version stays, if there is one\n"
        ),
        "{}",
        diff.text
    );
    assert!(!diff.text.contains("tenant acme"), "{}", diff.text);
    let reload = scene.run(&["reload"]);
    assert_eq!(reload.status, 1);
    assert!(
        reload
            .text
            .contains("refused; the last good version stays, if there is one: vendor sosafe\n"),
        "{}",
        reload.text
    );
    let status = scene.run(&["status"]);
    assert_eq!(status.status, 1);
    let rejected = "(rejected: scripts/sosafe.rhai:";
    assert!(
        status.text.contains(" (good) / on disk ") && status.text.contains(rejected),
        "{}",
        status.text
    );
    let of_tenant = scene.run(&["status", "--tenant", "acme", "--format", "json"]);
    assert_eq!(of_tenant.status, 1);
    let of_tenant: serde_json::Value = serde_json::from_str(&of_tenant.text).unwrap();
    assert_eq!(of_tenant["standing"]["vendors"]["sosafe"]["state"], "kept");

    scene.house.edit(script, "\"job_titel\"", "\"job_title\"");
    scene.house.edit(script, ".cut(120)", ".cut(100)");
    scene.house.edit(
        "tenants/acme.toml",
        "adapter",
        "limits = { per_second = 3 }\nadapter",
    );
    let diff = scene.run(&["diff"]);
    assert_eq!(diff.status, 0);
    let expect = "vendor sosafe changes\n  user_attributes displayName\n    \
        - attr(\"displayName\", \"display_name\").cut(120)\n    \
        + attr(\"displayName\", \"display_name\").cut(100)\n";
    assert!(diff.text.starts_with(expect), "{}", diff.text);
    assert!(
        diff.text
            .contains("tenant acme changes\n  limits.per_second\n"),
        "{}",
        diff.text
    );
    let reload = scene.run(&["reload"]);
    assert_eq!(reload.status, 0, "{}", reload.text);
    assert!(
        reload
            .text
            .contains("live now: vendor sosafe, tenant acme\n"),
        "{}",
        reload.text
    );
    assert_eq!(scene.run(&["status"]).status, 0);
    assert_eq!(scene.run(&["diff", "--exit-code"]).status, 0);
    scene.served.terminate();
}

#[test]
fn tenants_that_leave_are_told() {
    let mut scene = Scene::start();
    for name in ["b", "c"] {
        scene.house.tenant(name, scene.vendor.base_url(), "k");
    }
    assert_eq!(scene.run(&["reload"]).status, 0);
    for name in ["b", "c"] {
        scene.house.remove(&format!("tenants/{name}.toml"));
    }
    let told = scene.run(&["reload"]);
    assert_eq!(told.status, 1);
    assert!(told.text.contains("tenant::vanished"), "{}", told.text);
    let status = scene.run(&["status"]).text;
    let concern = "tenant b: its file is gone, and the last good version is still in use\n";
    assert!(status.contains(concern), "{status}");
    let told = scene.run(&["reload", "--force"]);
    let leaving = "removed, answered 503 for a while and then 401: tenant b, tenant c\n";
    assert!(told.text.starts_with(leaving), "{}", told.text);
    let status = scene.run(&["status"]).text;
    assert!(
        status.contains("nothing runs / its file is gone\n"),
        "{status}"
    );
    scene.served.terminate();
}

/// A vendor that refuses a key there would be an alarm for nothing.
#[test]
fn what_transcripts_act_out_is_in_no_log() {
    let mut scene = Scene::start();
    let transcript = "tests/vendors/sosafe/group-priorities.http";
    scene.house.copy(transcript, transcript);
    let told = scene.run(&["reload"]);
    assert!(
        told.text.contains("live now: vendor sosafe"),
        "{}",
        told.text
    );
    let log = scene.served.terminate();
    assert!(log.contains("\"taken\":\"vendor sosafe"), "{log}");
    assert!(!log.contains("several groups"), "{log}");
}

#[test]
fn a_secret_that_changes_is_told_and_not_shown() {
    let mut scene = Scene::start();
    let path = scene.house.path().join("tenants/acme.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let key = scimgate::demo::emulator::sosafe::Client::default().api_key;
    std::fs::write(&path, text.replace(&key, "another-key")).unwrap();
    let diff = scene.run(&["diff", "--format", "json"]);
    assert!(diff.text.contains("credential.key"), "{}", diff.text);
    assert!(
        !diff.text.contains(&key) && !diff.text.contains("another-key"),
        "{}",
        diff.text
    );
    scene.served.terminate();
}

#[test]
fn a_role_too_low_is_told_with_the_way_out() {
    let mut scene = Scene::start();
    let viewer = scene.mint("viewer", "anna");
    assert_eq!(scene.run_as(&viewer, &["status"]).status, 0);
    let told = scene.run_as(&viewer, &["reload"]);
    assert_eq!(told.status, 1);
    assert_eq!(
        told.errors,
        "scimgate: this takes the role operator; the token has viewer\n  \
         make a token with `scimgate admin mint --role operator`\n"
    );
    assert_eq!(
        scene
            .run_as(&scene.mint("operator", "b"), &["reload"])
            .status,
        0
    );
    assert_eq!(scene.run_as("sca_wrong", &["status"]).status, 1);
    scene.served.terminate();
}

#[test]
fn without_a_gateway_the_way_to_one_is_told() {
    let house = House::of_sosafe();
    let told = Told::of(house.run(&["status"]));
    assert_eq!(told.status, 78);
    assert!(
        told.errors.contains("no gateway has run here"),
        "{}",
        told.errors
    );
    let mint = ["admin", "mint", "--role", "viewer", "--name", "anna"];
    assert_eq!(house.run(&mint).status.code(), Some(0));
    let told = Told::of(house.run(&["status", "--admin", "http://127.0.0.1:1"]));
    assert_eq!(told.status, 69);
    assert!(
        told.errors
            .contains("no gateway answers at http://127.0.0.1:1"),
        "{}",
        told.errors
    );
    let told = Told::of(house.run(&["status", "--admin", "http://192.0.2.1:9091"]));
    assert_eq!(told.status, 78, "no pass is sent to another host");
}

#[test]
fn a_watched_status_is_told_again_and_again() {
    let mut scene = Scene::start();
    let mut watching = scene.command(&["status", "--watch"]);
    let mut watching = watching.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let verdicts = lines
        .map_while(Result::ok)
        .filter(|line| line == "All is well.");
    assert_eq!(verdicts.take(2).count(), 2);
    watching.kill().unwrap();
    watching.wait().unwrap();
    scene.served.terminate();
}

#[test]
fn the_log_of_a_gateway_elsewhere_is_told_as_that_of_here() {
    let mut scene = Scene::start();
    let minted = scene.run(&["token", "mint", "--tenant", "acme"]);
    let (_, token) = minted.text.split_once("Secret Token: ").unwrap();
    let gone = Request::new("DELETE", "/t/acme/scim/v2/Users/4711")
        .header("Authorization", &format!("Bearer {}", token.trim()));
    let gone = Served::send(&scene.served.origin, &gone);
    let id = gone.header("x-request-id");
    let viewer = scene.mint("viewer", "anna");

    // Somewhere else, with a token and nothing of the gateway's.
    let laptop = House::empty();
    let run = |arguments: &[&str]| {
        let mut command = laptop.command(arguments);
        command.env("SCIMGATE_ADMIN", &scene.served.admin);
        Told::of(
            command
                .env("SCIMGATE_ADMIN_TOKEN", &viewer)
                .output()
                .unwrap(),
        )
    };
    until("the request is in the log", || {
        run(&["explain", id]).status == 0
    });
    let here = |arguments: &[&str]| {
        let mut command = scene.command(arguments);
        Told::of(command.env_remove("SCIMGATE_ADMIN").output().unwrap())
    };
    for arguments in [
        &["log", "--tenant", "acme", "--action", "delete"][..],
        &["log", "--format", "csv", "--since", "1h", "-n", "1"],
        &["explain", id],
        &["explain", id, "--format", "json"],
    ] {
        let told = run(arguments);
        assert_eq!(told.status, 0, "{arguments:?}: {}", told.errors);
        assert!(told.text.contains(id), "{arguments:?}: {}", told.text);
        assert_eq!(told.text, here(arguments).text, "{arguments:?}");
    }
    let told = run(&["explain", "no-such-request"]);
    assert_eq!(told.status, 1);
    assert!(told.errors.contains("no-such-request"), "{}", told.errors);
    scene.served.terminate();
}

/// The pepper of another place makes passes that open nothing here.
#[test]
fn only_who_may_read_the_pepper_needs_no_token() {
    let mut scene = Scene::start();
    let other = House::of_sosafe();
    let mint = ["admin", "mint", "--role", "editor", "--name", "anna"];
    assert_eq!(other.run(&mint).status.code(), Some(0));
    let told = Told::of(other.run(&["status", "--admin", &scene.served.admin]));
    assert_eq!(told.status, 1);
    assert!(
        told.errors.contains("opens nothing here"),
        "{}",
        told.errors
    );
    scene.served.terminate();
}
