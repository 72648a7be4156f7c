//! Every requirement of `tests/data/checklist.md` is named by a test or a row of a table
//! (`R97`, `R04-R05`), or is told here not to be met.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Requirements that are not met, and why.
const NOT_MET: &[(&str, &str)] = &[
    (
        "R198",
        "Prefer: respond-async is optional, and Entra and Okta never send it",
    ),
    (
        "R199",
        "events are optional, and no client of the gateway asks for them",
    ),
    (
        "R200",
        "devices are another RFC; resource types beside User and Group are not offered",
    ),
    (
        "R201",
        "the interoperability profile is a draft that contradicts RFC 7644 (R188)",
    ),
];

#[test]
fn every_requirement_is_tested_or_told() {
    let named = named_in_tests();
    let told: BTreeSet<u16> = NOT_MET
        .iter()
        .flat_map(|(number, _)| numbers(number))
        .collect();
    let missing = requirements()
        .into_iter()
        .filter(|(number, _)| !named.contains(number) && !told.contains(number));
    let missing: Vec<String> = missing
        .map(|(number, text)| format!("R{number:02} {text}"))
        .collect();
    assert!(
        missing.is_empty(),
        "{} requirements without a test:\n  {}",
        missing.len(),
        missing.join("\n  ")
    );
}

#[test]
fn what_is_told_not_to_be_met_is_a_requirement_without_a_test() {
    let (named, all) = (named_in_tests(), requirements());
    for (number, reason) in NOT_MET {
        let [number] = numbers(number)[..] else {
            panic!("{number} is one number");
        };
        assert!(
            all.contains_key(&number),
            "R{number} is not in the checklist"
        );
        assert!(!named.contains(&number), "R{number} has a test after all");
        assert!(reason.len() > 20, "R{number} needs a reason");
    }
}

#[test]
fn numbers_are_read_as_written() {
    assert_eq!(numbers("R04-R05, R13x xR14 (R97) R1 R1234"), [4, 5, 97]);
    assert_eq!(numbers("| R50-R52 |"), [50, 51, 52]);
}

/// The first column of the checklist's tables, with the requirement.
fn requirements() -> BTreeMap<u16, String> {
    let text = std::fs::read_to_string(root().join("tests/data/checklist.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| R"));
    let rows = rows.filter_map(|row| row.split_once(" | "));
    rows.flat_map(|(first, rest)| {
        let text = rest.split(" | ").nth(2).unwrap_or_default();
        let numbers = numbers(&format!("R{first}"));
        numbers.into_iter().map(|number| (number, text.to_owned()))
    })
    .collect()
}

fn named_in_tests() -> BTreeSet<u16> {
    let mut paths = Vec::new();
    for folder in ["src", "tests"] {
        collect(&root().join(folder), &mut paths);
    }
    let own = ["checklist.rs", "checklist.md"];
    paths.retain(|path| !own.contains(&path.file_name().unwrap().to_str().unwrap()));
    paths
        .iter()
        .flat_map(|path| numbers(&test_text(path)))
        .collect()
}

/// Of a source file what is compiled for tests, of any other file all.
fn test_text(path: &Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let below = path.strip_prefix(root()).unwrap().to_str().unwrap();
    if !below.starts_with("src/") || below.contains("/tests") || below.ends_with("conformance.rs") {
        return text;
    }
    text.split_once("#[cfg(test)]")
        .map_or_else(String::new, |(_, tests)| tests.to_owned())
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_corpus = path.ends_with("corpus") || path.ends_with("target");
        match path.is_dir() {
            true if !is_corpus => collect(&path, paths),
            false
                if matches!(
                    extension,
                    Some("rs" | "txt" | "md" | "http" | "jsonl" | "toml")
                ) =>
            {
                paths.push(path)
            }
            _ => {}
        }
    }
}

/// The numbers in a text: `R97` alone, `R50-R52` as three.
fn numbers(text: &str) -> Vec<u16> {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let mut found = Vec::new();
    for word in words.by_ref() {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        if let (Some(first), Some(last)) = (number(first), number(last)) {
            found.extend(first..=last);
        }
    }
    found
}

/// `R` with two or three digits.
fn number(word: &str) -> Option<u16> {
    let digits = word.strip_prefix('R')?;
    let right = matches!(digits.len(), 2 | 3) && digits.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| digits.parse().ok())?
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
