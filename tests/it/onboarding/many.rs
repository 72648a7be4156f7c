//! Ten thousand tenants, from files and from the store. Only an optimised build says something
//! about time, and there it is held to a second:
//!
//! ```sh
//! cargo test --release --test it onboarding::many -- --ignored --nocapture --test-threads 1
//! ```

#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use scimgate::adapter::keys::TenantId;
use scimgate::catalog::{self, Sources};
use scimgate::gateway::{Registry, open_store};
use scimgate::tenant::seal::SealKeys;
use scimgate::tenant::secret::Vault;
use serde_json::json;

use super::{CONFIG, KEY, Scene, within};
use crate::harness::Request;
use crate::house::House;
use crate::serve_command::Served;

const MANY: usize = 10_000;

/// What each may take at rest, in bytes.
const EACH: usize = 16 << 10;

fn of_files() -> House {
    let house = House::of_sosafe();
    for number in 0..MANY {
        house.tenant(&format!("t{number}"), "http://127.0.0.1:1", "k");
    }
    house
}

fn of_the_store() -> House {
    let house = House::of_sosafe();
    house.write("keys/credentials", KEY);
    let (catalog, _) = catalog::load(&Sources {
        has_built_in: false,
        adapters: house.path().join("adapters"),
        scripts: house.path().join("scripts"),
        tenants: None,
    });
    let mut config = scimgate::config::Config::default();
    config.store.path = house.path().join("state/scimgate.db");
    let vault = Vault {
        keys: SealKeys::read(Some(&house.path().join("keys/credentials")), None).unwrap(),
        ..Vault::default()
    };
    let registry = Registry::new(open_store(&config).unwrap(), vault.into());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for number in 0..MANY {
            let id = TenantId::parse(&format!("t{number}")).unwrap();
            let tenant = json!({
                "adapter": "sosafe", "base_url": "http://127.0.0.1:1",
                "settings": {"idp_tenant": "11111111-2222-3333-4444-555555555555"},
                "credential": {"key": "k"},
            });
            let tenant = tenant.as_object().unwrap().clone();
            registry
                .add(&id, None, tenant, &catalog.adapters)
                .await
                .unwrap();
        }
    });
    house
}

/// Resident memory in bytes.
fn memory(served: &Served) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() << 10
}

/// CPU of all its threads so far. The kernel counts hundredths of a second.
fn cpu(served: &Served) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", served.pid())).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let [user, system] = [11, 12].map(|place| {
        let field = fields.split_whitespace().nth(place).unwrap();
        field.parse::<u64>().unwrap()
    });
    Duration::from_millis((user + system) * 10)
}

/// How often files had changed.
fn reloads(served: &Served) -> u64 {
    let metrics = Served::send(&served.ops, &Request::new("GET", "/metrics")).to_string();
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix("scimgate_reload_attempts_total "));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

/// Prints a time, which in an optimised build is a second at most.
fn took(what: &str, time: Duration) {
    println!("{what} after {time:.2?}");
    let bound = Duration::from_secs(1);
    let fits = cfg!(debug_assertions) || time <= bound;
    assert!(fits, "{what} after {time:.2?}");
}

/// From the start of the process until it says so.
fn ready(what: &str, house: &House) {
    house.write("scimgate.toml", CONFIG);
    house.write("tenants/.keep", "");
    let begun = Instant::now();
    let mut served = Served::start(house);
    within(Duration::from_secs(60), "it is ready", || {
        Served::send(&served.ops, &Request::new("GET", "/readyz")).status == 200
    });
    took(&format!("{what}: {MANY} tenants ready"), begun.elapsed());
    println!("{what}: {:.2?} of CPU until then", cpu(&served));
    served.terminate();
}

fn measure(what: &str, house: House, bare: usize) -> Scene {
    ready(what, &house);
    let scene = Scene::begun(house, "sosafe", CONFIG);
    let each = memory(&scene.served).saturating_sub(bare) / MANY;
    println!("{what}: {each} bytes each");
    // Transcripts are played and the store is asked about each tenant.
    std::thread::park_timeout(Duration::from_secs(30));
    let settled = cpu(&scene.served);
    let minute = Duration::from_secs(60);
    std::thread::park_timeout(minute);
    let rest = cpu(&scene.served) - settled;
    let percent = rest.as_secs_f64() * 100.0 / minute.as_secs_f64();
    println!("{what}: {settled:.2?} of CPU after 30 s more, then {percent:.2} % of a core at rest");
    let each_fits = each < EACH;
    assert!(each_fits, "{each} bytes each");
    scene
}

#[test]
#[ignore = "a measurement"]
fn ten_thousand_tenants_are_soon_ready_and_small() {
    let house = House::of_sosafe();
    house.write("keys/credentials", KEY);
    let scene = Scene::begun(house, "sosafe", CONFIG);
    let bare = memory(&scene.served);
    drop(scene);
    let house = of_files();
    house.write("keys/credentials", KEY);
    let scene = measure("from files", house, bare);
    // Files that were just written are looked at again until their times are surely past.
    let mut before = reloads(&scene.served);
    for _ in 0..3 {
        std::thread::park_timeout(Duration::from_secs(2));
        before = reloads(&scene.served);
    }
    let begun = Instant::now();
    scene.house.tenant("t5", "http://127.0.0.1:2", "k");
    let changed = || reloads(&scene.served) > before;
    within(Duration::from_secs(60), "the change is live", changed);
    took("from files: a change is live", begun.elapsed());
    drop(scene);
    let scene = measure("from the store", of_the_store(), bare);
    let begun = Instant::now();
    let changed = scene.admin("PATCH", "/tenants/t5", json!({"limits": {"burst": 3}}));
    assert_eq!(changed.status, 200, "{changed}");
    took("from the store: a change is live", begun.elapsed());
}
