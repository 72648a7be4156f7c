//! The vendors' transcripts, as `scimgate test` plays them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scimgate::adapter::Adapter;
use scimgate::catalog::{self, Sources};
use scimgate::transcript;

/// How many transcripts a vendor must have.
const ENOUGH: usize = 25;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn adapters() -> Vec<Arc<Adapter>> {
    let (catalog, report) = catalog::load(&Sources {
        has_built_in: false,
        adapters: root().join("adapters"),
        scripts: root().join("scripts"),
        tenants: None,
    });
    assert!(!report.has_errors(), "{}", report.render(false));
    catalog.adapters.into_values().collect()
}

fn files(adapter: &Adapter) -> Vec<PathBuf> {
    let directory = root().join("tests/vendors").join(&adapter.name);
    let entries = std::fs::read_dir(&directory).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "http")
    });
    files.sort();
    files
}

fn read(file: &Path) -> transcript::Transcript {
    let name = file.file_name().unwrap().to_string_lossy();
    let text = std::fs::read_to_string(file).unwrap();
    transcript::parse(&name, &text).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[test]
fn every_transcript_of_every_vendor_holds() {
    let adapters = adapters();
    assert!(!adapters.is_empty());
    for adapter in adapters {
        let files = files(&adapter);
        assert!(
            files.len() >= ENOUGH,
            "{} has {}",
            adapter.name,
            files.len()
        );
        for file in files {
            let transcript = read(&file);
            let outcome = transcript::run(&transcript, &adapter).unwrap();
            assert!(
                outcome.misfits.is_empty(),
                "{}:\n{}",
                file.display(),
                told(&outcome.misfits)
            );
        }
    }
}

/// The scenarios that only a vendor makes, by their numbers. Each is the beginning of a
/// transcript's title (`V21  …`), or of a test's name where it takes a network (`v08_…`).
const SCENARIOS: [(&str, std::ops::RangeInclusive<u32>); 5] = [
    ("wss", 1..=6),
    ("webroot", 7..=12),
    ("wedo", 13..=18),
    ("sosafe", 19..=24),
    ("paloalto", 25..=31),
];

/// A reply that is lost is every vendor's scenario.
const LOST: u32 = 32;

#[test]
fn the_scenarios_that_only_a_vendor_makes_are_there_by_number() {
    let tests = tests_by_number();
    let adapters = adapters();
    let mut missing = Vec::new();
    for (vendor, numbers) in SCENARIOS {
        let adapter = adapters.iter().find(|adapter| adapter.name == vendor);
        let adapter = adapter.unwrap_or_else(|| panic!("there is no adapter {vendor}"));
        let titles: Vec<String> = files(adapter).iter().map(|file| read(file).title).collect();
        for number in numbers.chain([LOST]) {
            let (title, test) = (format!("V{number:02}  "), format!("v{number:02}_"));
            let played = titles.iter().any(|it| it.starts_with(&title));
            if !played && !tests.iter().any(|it| it.starts_with(&test)) {
                missing.push(format!("{vendor}: V{number:02}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// The tests of this directory that are named by a scenario's number.
fn tests_by_number() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("tests/it")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let texts = paths
        .filter(|path| path.is_file())
        .map(|path| std::fs::read_to_string(path).unwrap());
    let names = texts.flat_map(|text| {
        let lines: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once("fn v"))
            .collect();
        let names = lines.iter().map(|(_, rest)| format!("v{rest}"));
        names.collect::<Vec<_>>()
    });
    names.collect()
}

fn told(misfits: &[transcript::Misfit]) -> String {
    let lines = misfits.iter().map(|misfit| format!("{misfit}\n"));
    lines.collect()
}

/// A transcript that cannot fail is a defect: each kind of difference is found.
#[test]
fn a_transcript_that_does_not_fit_says_where() {
    let adapters = adapters();
    let adapter = adapters
        .iter()
        .find(|adapter| adapter.name == "sosafe")
        .unwrap();
    let file = root().join("tests/vendors/sosafe/get-user.http");
    let text = std::fs::read_to_string(file).unwrap();
    let misfits = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let changed = transcript::parse("changed", &text.replacen(from, to, 1)).unwrap();
        told(&transcript::run(&changed, adapter).unwrap().misfits)
    };
    assert_eq!(misfits("# A", "# A"), "");
    assert!(misfits("GET /users/18231", "GET /users/1").contains("expected GET /users/1,"));
    assert!(
        misfits("### Entra gets\n200", "### Entra gets\n201")
            .contains("status: expected 201, got 200")
    );
    assert!(
        misfits("\"locality\": \"Bern\"", "\"locality\": \"Biel\"")
            .contains(r#"expected "Biel", got "Bern""#)
    );
    assert!(transcript::parse("changed", &text.replacen("@calls 1", "@calls 2", 1)).is_err());
}
