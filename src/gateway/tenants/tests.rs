//! Tenants as they come, change and go.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::catalog::{Sources, load};
use crate::store::Store;
use crate::vendor::TlsOptions;

/// Tenants of one vendor, each with its calls a second.
fn catalog(tenants: &[(&str, u32)]) -> Catalog {
    catalog_with(tenants, "")
}

/// The same with a line more in each file.
fn catalog_with(tenants: &[(&str, u32)], line: &str) -> Catalog {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let manifest = include_str!("../../../tests/data/example.toml");
    let script = include_str!("../../../tests/data/example.rhai");
    std::fs::write(path("one.toml"), manifest).unwrap();
    std::fs::write(path("one.rhai"), script).unwrap();
    std::fs::create_dir(path("tenants")).unwrap();
    for (name, per_second) in tenants {
        let text = format!(
            "adapter = \"one\"\nbase_url = \"https://api.example\"\n\
             settings = {{ region = \"eu\" }}\n\
             credential = {{ token = {{ value = \"t\" }} }}\n\
             limits = {{ per_second = {per_second} }}\n{line}"
        );
        std::fs::write(path(&format!("tenants/{name}.toml")), text).unwrap();
    }
    let sources = Sources {
        has_built_in: false,
        adapters: path(""),
        scripts: path(""),
        tenants: Some(path("tenants")),
    };
    let (catalog, report) = load(&sources);
    assert!(report.problems().is_empty(), "{}", report.render(false));
    catalog
}

fn house() -> Tenants {
    let memory = Store::in_memory().unwrap();
    Tenants::new(&memory, CursorKey::new([0; 32]))
}

fn entry(tenants: &Tenants, name: &str) -> Arc<Entry> {
    let id = TenantId::parse(name).unwrap();
    tenants.live.load()[&id].clone().unwrap()
}

#[test]
fn new_limits_are_begun_once_and_not_again_at_every_reload() {
    let tenants = house();
    tenants.publish(&catalog(&[("a", 5)]));
    let old = Arc::clone(&entry(&tenants, "a").destination.state);
    tenants.publish(&catalog(&[("a", 7)]));
    let new = Arc::clone(&entry(&tenants, "a").destination.state);
    assert!(!Arc::ptr_eq(&old, &new));
    tenants.publish(&catalog(&[("a", 7), ("b", 1)]));
    assert!(Arc::ptr_eq(&new, &entry(&tenants, "a").destination.state));
}

fn federation(subject: &str, host: &str) -> String {
    format!(
        "federation = {{ entra_tenant = \"11111111-2222-3333-4444-555555555555\", \
         subject = \"{subject}\", audiences = [\"a\"], keys_url = \"https://{host}/\" }}\n"
    )
}

#[test]
fn whoever_is_no_longer_in_the_file_has_no_access_and_keys_outlive_a_reload() {
    let tenants = Arc::new(house());
    let pool = Pool::new(TlsOptions::load(None).unwrap());
    let entrances = Entrances::new(Arc::clone(&tenants), pool, Audience::default());
    let id = TenantId::parse("a").unwrap();
    tenants.publish(&catalog_with(&[("a", 5)], &federation("s", "one.example")));
    let before = entrances.trust(&id).ok().unwrap();
    let access = Access {
        tenant: id.clone(),
        ends: i64::MAX,
        generation: before.federation.generation(),
    };
    assert!(entrances.open_by(&access).is_ok());
    tenants.publish(&catalog_with(&[("a", 7)], &federation("s", "one.example")));
    let after = entrances.trust(&id).ok().unwrap();
    assert!(Arc::ptr_eq(&before.keys, &after.keys));
    tenants.publish(&catalog_with(&[("a", 7)], &federation("s", "two.example")));
    let after = entrances.trust(&id).ok().unwrap();
    assert!(!Arc::ptr_eq(&before.keys, &after.keys));
    assert!(entrances.open_by(&access).is_ok());
    for line in [federation("t", "two.example"), String::new()] {
        tenants.publish(&catalog_with(&[("a", 7)], &line));
        let refused = entrances.open_by(&access).err();
        assert_eq!(refused, Some(AuthFault::Revoked), "{line}");
    }
}

#[test]
fn nobody_learns_which_tenant_is_there_and_cannot_be_used() {
    let tenants = Arc::new(house());
    let pool = Pool::new(TlsOptions::load(None).unwrap());
    let entrances = Entrances::new(Arc::clone(&tenants), pool, Audience::default());
    let [there, broken, nobody] =
        ["a", "broken", "nobody"].map(|name| TenantId::parse(name).unwrap());
    let fault = |id: &TenantId| entrances.trust(id).err();
    let mut catalog = catalog(&[("a", 5)]);
    tenants.publish(&catalog);
    for id in [&there, &broken, &nobody] {
        assert_eq!(fault(id), Some(AuthFault::Unknown));
    }
    catalog.unusable.insert(broken.clone());
    tenants.publish(&catalog);
    for id in [&there, &broken, &nobody] {
        assert_eq!(fault(id), Some(AuthFault::TenantUnavailable));
    }
}

#[test]
fn what_lasts_goes_with_the_last_request_of_its_tenant() {
    let tenants = house();
    tenants.publish(&catalog(&[("a", 5), ("b", 5)]));
    let request = entry(&tenants, "a");
    tenants.publish(&catalog(&[("b", 5)]));
    tenants.publish(&catalog(&[("a", 5), ("b", 5)]));
    assert!(Arc::ptr_eq(&request.locks, &entry(&tenants, "a").locks));
    drop(request);
    tenants.publish(&catalog(&[("b", 5)]));
    assert_eq!(tenants.lasting.lock().unwrap().len(), 1);
}

#[test]
fn a_tenant_that_is_the_same_keeps_its_place() {
    let tenants = house();
    let first = catalog(&[("a", 5), ("b", 5)]);
    tenants.publish(&first);
    let before = ["a", "b"].map(|name| entry(&tenants, name));
    let mut next = catalog(&[("a", 5), ("b", 7)]);
    let id = TenantId::parse("a").unwrap();
    next.tenants
        .insert(id.clone(), Arc::clone(&first.tenants[&id]));
    tenants.publish(&next);
    let after = ["a", "b"].map(|name| entry(&tenants, name));
    assert!(Arc::ptr_eq(&before[0], &after[0]));
    assert!(!Arc::ptr_eq(&before[1], &after[1]));
}
