//! What real APIs do, in small adapters that no product is behind: `tests/data/<name>` has the
//! manifest, the script and transcripts.

use std::path::Path;
use std::sync::Arc;

use scimgate::adapter::Adapter;
use scimgate::catalog::{self, Sources};
use scimgate::transcript;

/// The adapters of a directory, which must have nothing wrong with them.
fn adapter(name: &str) -> Arc<Adapter> {
    adapter_in(name, name)
}

fn adapter_in(directory: &str, name: &str) -> Arc<Adapter> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let directory = tests.join(directory);
    let (catalog, report) = catalog::load(&Sources {
        has_built_in: false,
        adapters: directory.clone(),
        scripts: directory,
        tenants: None,
    });
    assert!(!report.has_errors(), "{}", report.render(false));
    Arc::clone(&catalog.adapters[name])
}

/// Loads a tenant of the tower.
fn tenant(text: &str) -> Result<Vec<String>, String> {
    let tenants = tempfile::tempdir().unwrap();
    std::fs::write(tenants.path().join("acme.toml"), text).unwrap();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tower");
    let (catalog, report) = catalog::load(&Sources {
        has_built_in: false,
        adapters: directory.clone(),
        scripts: directory,
        tenants: Some(tenants.path().to_owned()),
    });
    let tenant = catalog.tenants.values().next();
    let tenant = tenant.ok_or_else(|| report.render(false))?;
    Ok(tenant.upstream.secrets.keys().cloned().collect())
}

/// Plays all transcripts of an adapter.
#[track_caller]
fn check(name: &str, count: usize) {
    played(&adapter(name), name, count);
}

#[track_caller]
fn played(adapter: &Arc<Adapter>, directory: &str, count: usize) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = std::fs::read_dir(tests.join(directory)).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut played = 0;
    for file in files.filter(|file| file.extension().is_some_and(|it| it == "http")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let transcript = transcript::parse(&file.to_string_lossy(), &text).unwrap();
        let outcome = transcript::run(&transcript, adapter).unwrap();
        let misfits = &outcome.misfits;
        assert!(misfits.is_empty(), "{}:\n{misfits:#?}", file.display());
        played += 1;
    }
    assert_eq!(played, count);
}

#[test]
fn errors_in_sentences_envelopes_and_lists_of_pairs() {
    check("tracker", 6);
}

#[test]
fn a_login_with_a_tree_of_secrets_and_a_fence_between_customers() {
    check("tower", 10);
}

#[test]
fn a_fence_where_a_user_has_one_group() {
    played(&adapter_in("tower", "skyline"), "tower/skyline", 1);
}

#[test]
fn two_manifests_share_a_script() {
    let tower = adapter("tower");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tower");
    let (catalog, _) = catalog::load(&Sources {
        has_built_in: false,
        adapters: directory.clone(),
        scripts: directory,
        tenants: None,
    });
    let skyline = &catalog.adapters["skyline"];
    assert_eq!(skyline.script.text, tower.script.text);
    assert_eq!(skyline.manifest.title, "Skyline");
}

#[test]
fn a_tenant_chooses_its_credential() {
    let base = "adapter = \"tower\"\nbase_url = \"https://tower.example/v3\"\n";
    let usual = r#"credential = { account = { value = "a" }, secret = { value = "b" } }"#;
    let secrets = tenant(&format!("{base}{usual}")).unwrap();
    assert_eq!(secrets, ["account", "secret"]);
    let other = "credential_kind = \"static\"\ncredential = { token = { value = \"t\" } }";
    assert_eq!(tenant(&format!("{base}{other}")).unwrap(), ["token"]);
    let unknown = tenant(&format!("{base}credential_kind = \"statik\"")).unwrap_err();
    assert!(unknown.contains("did you mean `static`?"), "{unknown}");
    let mixed = tenant(&format!("{base}credential_kind = \"static\"\n{usual}")).unwrap_err();
    assert!(mixed.contains("no part `account`"), "{mixed}");
}
