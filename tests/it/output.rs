//! What every verb has in common: a form for programs, readers who have seen enough, and names that
//! nobody has.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::house::{House, text_of};

/// A directory with one tenant, two tokens of administrators and a page of a vendor.
fn house() -> House {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.copy("adapters/sosafe.md", "adapters/sosafe.md");
    let minted = ["admin", "mint", "--role", "viewer", "--name", "anna"];
    assert!(house.run(&minted).status.success());
    house
}

/// Verbs that print something without a gateway that runs.
const VERBS: [&[&str]; 17] = [
    &["check"],
    &["test"],
    &["adapter", "list"],
    &["adapter", "show", "sosafe"],
    &["adapter", "show", "sosafe", "--write"],
    &["adapter", "new", "desk"],
    &["admin", "mint", "--role", "viewer", "--name", "bert"],
    &["admin", "list"],
    &["token", "mint", "--tenant", "acme"],
    &["token", "mint", "--tenant", "acme", "--oauth"],
    &["token", "list", "--tenant", "acme"],
    &["tenant", "list"],
    &["tenant", "show", "acme"],
    &["config", "show"],
    &["config", "schema"],
    &["definitions", "there"],
    &["init", "new"],
];

#[test]
fn every_verb_has_a_form_for_programs() {
    let house = house();
    for verb in VERBS {
        let output = house.run(&[verb, &["--format", "json"]].concat());
        let printed = text_of(&output.stdout);
        let read = serde_json::from_str::<Value>(&printed);
        assert!(
            read.is_ok_and(|read| read.is_object() || read.is_array()),
            "{verb:?}: {printed}"
        );
    }
}

/// Whoever reads closes the pipe before anything was written.
#[test]
fn a_reader_who_has_seen_enough_is_no_fault() {
    let house = house();
    for verb in VERBS
        .into_iter()
        .chain([&["completions", "bash"][..], &["log"]])
    {
        let mut command = house.command(verb);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        drop(process.stdout.take());
        let mut said = String::new();
        process
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert!(process.wait().unwrap().code().is_some(), "{verb:?}");
        assert!(!said.contains("panicked"), "{verb:?}: {said}");
    }
}

#[test]
fn a_tenant_that_is_not_there_ends_every_verb_alike() {
    let house = house();
    // Something must have run for `log` to read.
    assert!(
        house
            .run(&["token", "mint", "--tenant", "acme"])
            .status
            .success()
    );
    house.write("asked.http", "### find\nGET /Users/1\n");
    let verbs: [&[&str]; 7] = [
        &["tenant", "show", "acmee"],
        &["tenant", "test", "acmee"],
        &["tenant", "remove", "acmee"],
        &["token", "mint", "--tenant", "acmee"],
        &["token", "list", "--tenant", "acmee"],
        &["log", "--tenant", "acmee"],
        &["dry-run", "--tenant", "acmee", "asked.http"],
    ];
    for verb in verbs {
        let output = house.run(verb);
        let said = text_of(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{verb:?}: {said}");
        let told = "there is no tenant acmee; did you mean acme?";
        assert!(said.contains(told), "{verb:?}: {said}");
    }
}
