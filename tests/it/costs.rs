//! What a read must not cost: another thread. It is served where it came in; neither the store nor
//! the log is woken for it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use scimgate::demo::emulator::sosafe;

use crate::harness::Tenant;
use crate::house::{House, text_of};
use crate::serve_command::Served;

const READS: u32 = 300;
/// Of a read, in hundredths.
const MOST: u32 = 5;

/// How often threads gave their core up, but for those that serve.
fn waits(process: u32) -> u64 {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let others = threads
        .map(|thread| thread.unwrap().path())
        .filter(|thread| !read(thread.join("comm")).starts_with("worker"));
    let waits = others.filter_map(|thread| {
        let status = read(thread.join("status"));
        let mut lines = status.lines();
        let count = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        count.trim().parse::<u64>().ok()
    });
    waits.sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_wakes_no_other_thread() {
    let vendor = sosafe::start(sosafe::Options::default()).unwrap();
    let house = House::of_sosafe();
    let key = sosafe::Client::default().api_key;
    house.tenant("acme", vendor.base_url(), &key);
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[limits]\nrequests_per_second = 10000\nburst = 10000\n",
    );
    let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&minted.stdout);
    let mut served = Served::start(&house);
    let address = served.origin.trim_start_matches("http://").parse().unwrap();
    let token = minted.split_whitespace().last().unwrap();
    let tenant = Tenant::at(address, "/scim/v2", token);
    let person = json!({"userName": "ada@example.com", "emails": [{"type": "work", "value": "ada@example.com"}], "name": {"givenName": "Ada", "familyName": "Lane"}});
    let made = tenant.post("/Users", &person).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let get = tenant.request("GET", &format!("/Users/{id}"));
    let find = tenant.request("GET", "/Users?filter=userName+eq+%22ada@example.com%22");
    let mut connection = tenant.connect().await;
    for _ in 0..20 {
        assert_eq!(connection.send(&get).await.status, 200);
        assert_eq!(connection.send(&find).await.status, 200);
    }
    // The log is looked after by the clock, whether there is anything in it or not.
    let (process, span) = (served.process.id(), Duration::from_secs(2));
    let before = waits(process);
    tokio::time::sleep(span).await;
    let by_the_clock = (waits(process) - before) as f64 / span.as_secs_f64();
    let (before, began) = (waits(process), Instant::now());
    for _ in 0..READS / 2 {
        assert_eq!(connection.send(&get).await.status, 200);
        assert_eq!(connection.send(&find).await.status, 200);
    }
    let expected = by_the_clock * began.elapsed().as_secs_f64();
    let woken = (waits(process) - before) as f64 - 1.2 * expected;
    let most = f64::from(READS * MOST) / 100.0;
    assert!(
        woken <= most,
        "{woken} of {READS} reads, {by_the_clock} a second at rest"
    );
    served.terminate();
}
