//! What real APIs do, in small adapters that no product is behind: `tests/data/<name>` has the
//! manifest, the script and transcripts.

use std::path::Path;
use std::sync::Arc;

use scimgate::adapter::Adapter;
use scimgate::catalog::{self, Sources};
use scimgate::transcript;

/// The adapters of a directory, which must have nothing wrong with them.
fn adapter(name: &str) -> Arc<Adapter> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let directory = directory.join(name);
    let (catalog, report) = catalog::load(&Sources {
        adapters: directory.clone(),
        scripts: directory,
        tenants: None,
    });
    assert!(!report.has_errors(), "{}", report.render(false));
    Arc::clone(&catalog.adapters[name])
}

/// Plays all transcripts of an adapter.
#[track_caller]
fn check(name: &str, count: usize) {
    let adapter = adapter(name);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = std::fs::read_dir(directory.join(name)).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut played = 0;
    for file in files.filter(|file| file.extension().is_some_and(|it| it == "http")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let transcript = transcript::parse(&file.to_string_lossy(), &text).unwrap();
        let outcome = transcript::run(&transcript, &adapter).unwrap();
        let misfits = &outcome.misfits;
        assert!(misfits.is_empty(), "{}:\n{misfits:#?}", file.display());
        played += 1;
    }
    assert_eq!(played, count);
}

#[test]
fn errors_in_sentences_envelopes_and_lists_of_pairs() {
    check("tracker", 3);
}
