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
                outcome.misfits.join("\n")
            );
        }
    }
}

#[test]
fn the_scenarios_that_only_a_vendor_makes_are_there_by_number() {
    let wanted: [(&str, &[&str]); 5] = [
        (
            "paloalto",
            &["V25", "V26", "V27", "V28", "V29", "V30", "V31", "V32"],
        ),
        ("sosafe", &["V19", "V20", "V21", "V22", "V23", "V24", "V32"]),
        // V08 and V11 need a network: `webroot`.
        ("webroot", &["V07", "V09", "V10", "V12", "V32"]),
        // V01 and V03 need several clients: `wss`.
        ("wss", &["V02", "V04", "V05", "V06", "V32"]),
        ("wedo", &["V13", "V14", "V15", "V16", "V17", "V18", "V32"]),
    ];
    for (vendor, numbers) in wanted {
        let adapters = adapters();
        let adapter = adapters
            .iter()
            .find(|adapter| adapter.name == vendor)
            .unwrap();
        let titles: Vec<String> = files(adapter).iter().map(|file| read(file).title).collect();
        for number in numbers {
            assert!(
                titles.iter().any(|title| title.starts_with(number)),
                "{vendor}: no transcript {number}"
            );
        }
    }
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
        transcript::run(&changed, adapter)
            .unwrap()
            .misfits
            .join("\n")
    };
    assert_eq!(misfits("# A", "# A"), "");
    assert!(misfits("GET /users/18231", "GET /users/1").contains("expected the call GET /users/1"));
    assert!(
        misfits("### Entra gets\n200", "### Entra gets\n201")
            .contains("expected status 201, got 200")
    );
    assert!(
        misfits("\"locality\": \"Bern\"", "\"locality\": \"Biel\"")
            .contains(r#"expected "Biel", got "Bern""#)
    );
    assert!(transcript::parse("changed", &text.replacen("@calls 1", "@calls 2", 1)).is_err());
}
