//! A vendor's emulator and a gateway before it, with the vendor's adapter as it is in the
//! repository or edited.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use scimgate::adapter::keys::TenantId;
use scimgate::catalog::{self, Sources};
use scimgate::config::Config;
use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::vendors::named;
use scimgate::gateway::Gateway;
use scimgate::scim::Profile;
use scimgate::server::Running;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::picture::Picture;
use super::vendors::Vendor;
use crate::harness::{Tenant, copy_edited};

/// A place in the adapter's files that is written in another way: the end of the file's name
/// (`toml`, `rhai`, or `tenant`), what stands there, and what is to.
pub(super) type Edit = (&'static str, &'static str, &'static str);

/// Emulator and gateway, running. Everything they keep goes when this does.
pub(super) struct Stand {
    pub(super) vendor: &'static Vendor,
    pub(super) profile: Profile,
    pub(super) emulator: Arc<Emulator>,
    pub(super) tenant: Tenant,
    edits: Vec<Edit>,
    _running: Running,
    _directory: TempDir,
}

impl Stand {
    pub(super) async fn start(vendor: &'static Vendor, profile: Profile) -> Self {
        Self::edited(vendor, profile, &[]).await
    }

    pub(super) async fn edited(vendor: &'static Vendor, profile: Profile, edits: &[Edit]) -> Self {
        let emulator = (named(vendor.name).unwrap().start)(Duration::ZERO).unwrap();
        if let Some(limits) = vendor.limits {
            let limits: Value = serde_json::from_str(limits).unwrap();
            emulator.set_limits(limits).unwrap();
        }
        let edits = [vendor.edits, edits].concat();
        Self::before(Arc::new(emulator), vendor, profile, edits).await
    }

    /// A second gateway before the same vendor, which remembers nothing of the first one's doings.
    pub(super) async fn another(&self) -> Self {
        let emulator = Arc::clone(&self.emulator);
        Self::before(emulator, self.vendor, self.profile, self.edits.clone()).await
    }

    async fn before(
        emulator: Arc<Emulator>,
        vendor: &'static Vendor,
        profile: Profile,
        edits: Vec<Edit>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tenant = (named(vendor.name).unwrap().tenant_file)(&emulator);
        let tenant = format!("profile = \"{}\"\n{tenant}", profile.as_str());
        let (path, places) = (directory.path().to_owned(), edits.clone());
        // Compiling scripts takes a while that other tests' clocks must not stand still.
        let opening =
            tokio::task::spawn_blocking(move || open(&path, vendor.name, &tenant, &places));
        let gateway = opening.await.unwrap();
        let id = TenantId::parse("acme").unwrap();
        let token = gateway.tokens().issue(id, None).await.unwrap();
        let tenant = Tenant::at(gateway.local_addr(), "/scim/v2", token.reveal());
        Self {
            vendor,
            profile,
            emulator,
            tenant,
            edits,
            _running: gateway.start().unwrap(),
            _directory: directory,
        }
    }

    /// Whether a changed group is answered as a changed user is, with the resource.
    pub(super) fn changed_group(&self) -> u16 {
        match self.profile {
            Profile::Strict => 200,
            Profile::Entra | Profile::Okta => 204,
        }
    }

    /// All there is, at the vendor and as Entra sees it.
    pub(super) async fn picture(&self) -> Picture {
        Picture {
            vendor: self.emulator.state(),
            users: self.all("/Users").await,
            groups: match self.vendor.has_groups {
                true => self.all("/Groups").await,
                false => Value::Null,
            },
        }
    }

    async fn all(&self, endpoint: &str) -> Value {
        let listed = self.tenant.get(endpoint).await;
        assert_eq!(listed.status, 200, "{endpoint}: {listed}");
        listed.json()["Resources"].take()
    }

    /// The vendor's row of the user with this userName, as the vendor spells it.
    pub(super) fn row(&self, user_name: &Value) -> Value {
        let state = self.emulator.state();
        let rows = state.pointer(self.vendor.users).and_then(Value::as_array);
        let is_it = |row: &&Value| {
            let held = row.pointer(self.vendor.login).and_then(Value::as_str);
            let asked = user_name.as_str().unwrap();
            held.is_some_and(|held| held.to_lowercase() == asked.to_lowercase())
        };
        let found = rows.and_then(|rows| rows.iter().find(is_it)).cloned();
        found.unwrap_or_else(|| panic!("the vendor has no {user_name}: {state}"))
    }

    /// Whether the user is in use at the vendor.
    pub(super) fn is_active(&self, user_name: &Value) -> bool {
        (self.vendor.is_active)(&self.row(user_name))
    }

    /// How many memberships the vendor has.
    pub(super) fn joined(&self) -> usize {
        (self.vendor.joined)(&self.emulator.state())
    }

    /// How many users the vendor has, archived ones too.
    pub(super) fn users(&self) -> usize {
        let state = self.emulator.state();
        let rows = state.pointer(self.vendor.users).and_then(Value::as_array);
        rows.unwrap().len()
    }

    /// The ids that a filter finds, in the order of the answer.
    pub(super) async fn found(&self, endpoint: &str, attribute: &str, value: &str) -> Vec<String> {
        let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let path = format!("{endpoint}?filter={attribute}+eq+%22{value}%22");
        let found = self.tenant.get(&path).await;
        assert_eq!(found.status, 200, "{path}: {found}");
        let found = found.json();
        let resources = found["Resources"].as_array().cloned().unwrap_or_default();
        assert_eq!(found["totalResults"], json!(resources.len()), "{path}");
        let ids = resources.iter().map(|found| found["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    /// Waits until the vendor has been called `count` times by this route since the last reset.
    pub(super) async fn until_called(&self, route: &str, count: u64) {
        for _ in 0..1000 {
            if self.emulator.counters().of(route) >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{route} is not called {count} times");
    }

    /// Waits until nothing has gone on at the vendor for `quiet`.
    pub(super) async fn until_quiet(&self, quiet: Duration) {
        let mut calls = u64::MAX;
        while calls != self.emulator.counters().calls {
            calls = self.emulator.counters().calls;
            tokio::time::sleep(quiet).await;
        }
    }
}

fn open(directory: &Path, vendor: &str, tenant: &str, edits: &[Edit]) -> Gateway {
    for (place, end) in [("adapters", "toml"), ("scripts", "rhai")] {
        let file = format!("{place}/{vendor}.{end}");
        copy_edited(&file, &directory.join(&file), |text| edit(text, end, edits));
    }
    let tenants = directory.join("tenants");
    std::fs::create_dir(&tenants).unwrap();
    let tenant = edit(tenant.to_owned(), "tenant", edits);
    std::fs::write(tenants.join("acme.toml"), tenant).unwrap();
    let (catalog, report) = catalog::load(&Sources {
        has_built_in: false,
        adapters: directory.join("adapters"),
        scripts: directory.join("scripts"),
        tenants: Some(tenants),
    });
    assert!(report.problems().is_empty(), "{}", report.render(false));
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.workers = Some(2);
    config.store.path = directory.join("state/scimgate.db");
    config.limits.requests_per_second = 10_000.try_into().unwrap();
    config.limits.burst = 10_000.try_into().unwrap();
    config.limits.in_flight = 256;
    let gateway = Gateway::open(&config).unwrap();
    gateway.publish(&catalog);
    gateway
}

#[track_caller]
fn edit(text: String, end: &str, edits: &[Edit]) -> String {
    let meant = edits.iter().filter(|(file, ..)| *file == end);
    meant.fold(text, |text, (_, from, to)| {
        assert!(text.contains(from), "the {end} file has no {from:?}");
        text.replacen(from, to, 1)
    })
}
