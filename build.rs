//! Tells the program which commit it was built from: `SCIMGATE_COMMIT`, or in a release build
//! what git says. A development build says nothing, so that a commit compiles nothing again.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SCIMGATE_COMMIT");
    let given = std::env::var("SCIMGATE_COMMIT").ok();
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = given.or_else(|| is_release.then(of_git).flatten());
    let commit = commit.filter(|commit| !commit.is_empty());
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!(
        "cargo:rustc-env=SCIMGATE_VERSION={version}{}",
        commit.map_or(String::new(), |commit| format!(" ({commit})"))
    );
}

fn of_git() -> Option<String> {
    println!(
        "cargo:rerun-if-changed={}",
        git(&["rev-parse", "--git-path", "logs/HEAD"])?
    );
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
