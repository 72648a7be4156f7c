//! What a package puts beside the program.

use std::path::Path;
use std::process::Command;

use crate::house::House;

fn scimgate(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_scimgate"))
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the build script says with this environment.
fn built(script: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(script);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env_remove("SCIMGATE_COMMIT");
    let output = command.env("CARGO_PKG_VERSION", "1.2.3");
    let output = output.envs(variables.iter().copied()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let mut lines = told.lines();
    let version = lines.find_map(|line| line.strip_prefix("cargo:rustc-env=SCIMGATE_VERSION="));
    version.unwrap_or_else(|| panic!("{told}")).to_owned()
}

#[test]
fn a_program_that_was_released_names_its_commit() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("build-script");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc
        .args(["--edition", "2024", "build.rs", "-o"])
        .arg(&script);
    let compiled = rustc.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(compiled.unwrap().success());
    let given = [("PROFILE", "release"), ("SCIMGATE_COMMIT", "4e9bb7412345")];
    assert_eq!(built(&script, &given), "1.2.3 (4e9bb7412345)");
    assert_eq!(built(&script, &[("PROFILE", "debug")]), "1.2.3");
    let printed = scimgate(&["--version"]);
    assert_eq!(printed, format!("scimgate {}\n", env!("SCIMGATE_VERSION")));
}

/// What bash offers for the last of `words`, in a house with its configuration.
fn completed(house: &House, words: &str) -> Vec<String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_scimgate"));
    let line = format!(
        "source <(scimgate completions bash); COMP_WORDS=({words}); \
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9; \
         _clap_complete_scimgate scimgate \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash")
        .args(["-c", &line])
        .current_dir(house.path())
        .env("SCIMGATE_CONFIG", "scimgate.toml")
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", binary.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<_> = told
        .split_whitespace()
        .map(|name| name.to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn bash_completes_verbs_options_tenants_and_vendors() {
    let house = House::of_example();
    house.write("scimgate.toml", "[catalog]\nadapters = \"adapters\"\n");
    house.write("tenants/acme.toml", "");
    house.write("tenants/globex.toml", "");
    let complete = |words: &str| completed(&house, words);
    assert_eq!(complete("scimgate che"), ["check"]);
    assert_eq!(complete("scimgate probe --read"), ["--read-only"]);
    assert_eq!(complete("scimgate token mint --tenant a"), ["acme"]);
    assert_eq!(complete("scimgate tenant show g"), ["globex"]);
    assert_eq!(complete("scimgate check --vendor ex"), ["example"]);
    assert_eq!(complete("scimgate test w"), ["webroot", "wedo", "wss"]);
    assert_eq!(complete("scimgate tenant add new --adapter so"), ["sosafe"]);
    // Another configuration, named in the line; one that cannot be read offers nothing.
    house.write("other.toml", "[catalog]\nbuilt_in = false\n");
    assert_eq!(complete("scimgate -c other.toml adapter show w"), [""; 0]);
    assert_eq!(complete("scimgate -c none.toml tenant show a"), [""; 0]);
}

#[test]
fn every_verb_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    let told = scimgate(&["man", pages.to_str().unwrap()]);
    let there = std::fs::read_dir(&pages).unwrap().count();
    assert!(
        told.starts_with(&format!("wrote {there} manual pages into ")),
        "{told}"
    );
    let help = scimgate(&["help"]);
    let verbs = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help");
    let mut count = 0;
    for verb in verbs {
        let page = std::fs::read_to_string(pages.join(format!("scimgate-{verb}.1")));
        assert!(page.unwrap().contains(".SH SYNOPSIS"), "{verb}");
        count += 1;
    }
    assert!(count > 7, "{help}");
    let main = std::fs::read_to_string(pages.join("scimgate.1")).unwrap();
    assert!(main.contains(".TH scimgate 1"), "{main}");
}
