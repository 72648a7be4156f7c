//! What only a whole gateway can show of a vendor that takes writes by the job: many clients on
//! several threads, an index that lags, a job without end. Scenarios V01 to V04, at ten
//! times the vendor's pace, which has tests of its own (`kills/batches.rs`).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use scimgate::adapter::keys::TenantId;
use scimgate::catalog::{self, Sources};
use scimgate::config::Config;
use scimgate::demo::emulator::kit::{Action, Emulator, Fault};
use scimgate::demo::emulator::wss::{Account, Limits, Options, start};
use scimgate::gateway::Gateway;
use scimgate::server::Running;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Connection, Request, Response, copy_edited};

/// A gateway with two worker threads before one account.
struct Stand {
    vendor: Emulator,
    address: std::net::SocketAddr,
    token: String,
    _running: Running,
    _directory: TempDir,
}

impl Stand {
    async fn start() -> Self {
        Self::with(|manifest| manifest).await
    }

    /// With an edited manifest.
    async fn with(edit: impl Fn(String) -> String) -> Self {
        let vendor = start(Options::default()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let quick = Limits {
            submits_per_minute: 60,
            ..Limits::default()
        };
        vendor.set_limits(quick).unwrap();
        let config = write_files(directory.path(), vendor.base_url(), |manifest| {
            let usual = "batches_per_minute = 6\n";
            assert!(manifest.contains(usual));
            edit(manifest.replace(usual, "batches_per_minute = 60\n"))
        });
        let (catalog, report) = catalog::load(&Sources {
            has_built_in: false,
            adapters: config.catalog.adapters.clone(),
            scripts: config.catalog.scripts.clone(),
            tenants: Some(config.catalog.tenants.clone()),
        });
        assert!(report.problems().is_empty(), "{}", report.render(false));
        let gateway = Gateway::open(&config).unwrap();
        gateway.publish(&catalog);
        let tenant = TenantId::parse("acme").unwrap();
        let token = gateway.tokens().issue(tenant, None).await.unwrap();
        Self {
            vendor,
            address: gateway.local_addr(),
            token: token.reveal().to_owned(),
            _running: gateway.start().unwrap(),
            _directory: directory,
        }
    }

    /// On a connection of its own.
    async fn ask(&self, method: &str, path: &str, body: Value) -> Response {
        let mut connection = Connection::open(self.address).await;
        connection.send(&self.request(method, path, body)).await
    }

    fn request(&self, method: &str, path: &str, body: Value) -> Request {
        let request = Request::new(method, &format!("/scim/v2{path}"))
            .header("Authorization", &format!("Bearer {}", self.token));
        match body {
            Value::Null => request,
            body => request.json(&body),
        }
    }

    /// Creates all of them at once, each on a connection of its own.
    async fn create_all(&self, names: impl IntoIterator<Item = String>) -> Vec<Response> {
        let mut tasks = Vec::new();
        for name in names {
            let request = self.request("POST", "/Users", user(&name));
            let address = self.address;
            tasks.push(tokio::spawn(async move {
                Connection::open(address).await.send(&request).await
            }));
        }
        let mut responses = Vec::new();
        for task in tasks {
            responses.push(task.await.unwrap());
        }
        responses
    }

    fn users(&self) -> Vec<Value> {
        let state = self.vendor.state();
        state["accounts"][0]["users"].as_array().unwrap().clone()
    }

    fn jobs(&self) -> u64 {
        self.vendor.counters().of("POST /jobs")
    }
}

fn write_files(directory: &Path, base_url: &str, edit: impl Fn(String) -> String) -> Config {
    let manifest = "adapters/wss.toml";
    copy_edited(manifest, &directory.join(manifest), edit);
    let script = "scripts/wss.rhai";
    copy_edited(script, &directory.join(script), |text| text);
    std::fs::create_dir_all(directory.join("tenants")).unwrap();
    let account = Account::default();
    let text = format!(
        "adapter = \"wss\"\nbase_url = \"{base_url}\"\nsettings = {{ account = \"{}\" }}\n\
         [credential]\nusername = {{ value = \"{}\" }}\npassword = {{ value = \"{}\" }}\n",
        account.account_id, account.username, account.password,
    );
    std::fs::write(directory.join("tenants/acme.toml"), text).unwrap();
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.workers = Some(2);
    config.catalog.adapters = directory.join("adapters");
    config.catalog.scripts = directory.join("scripts");
    config.catalog.tenants = directory.join("tenants");
    config.store.path = directory.join("state/scimgate.db");
    config.limits.requests_per_second = 10_000.try_into().unwrap();
    config.limits.burst = 10_000.try_into().unwrap();
    config
}

fn user(name: &str) -> Value {
    let address = format!("{name}@example.com");
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": name, "userName": address, "active": true,
        "emails": [{"type": "work", "value": address, "primary": true}],
    })
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

fn id(response: &Response) -> String {
    response.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn v01_fifty_creates_at_once_are_three_jobs_at_most() {
    let stand = Stand::start().await;
    let responses = stand.create_all((0..50).map(|n| format!("p{n}"))).await;
    let ids: BTreeSet<String> = responses
        .iter()
        .map(|response| {
            assert_eq!(response.status, 201, "{response}");
            id(response)
        })
        .collect();
    assert_eq!((ids.len(), stand.users().len()), (50, 50));
    assert!(stand.jobs() <= 3, "{} jobs", stand.jobs());
    assert_eq!(stand.vendor.counters().refused, 0);
}

#[tokio::test]
async fn v01_many_members_of_one_group_are_few_jobs() {
    let stand = Stand::start().await;
    let members = stand.create_all((0..20).map(|n| format!("p{n}"))).await;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "All", "externalId": "all",
    });
    let group = id(&stand.ask("POST", "/Groups", group).await);
    let before = stand.jobs();
    let path = format!("/Groups/{group}");
    let add = |member: &Response| {
        let value = json!([{"value": id(member)}]);
        let body = patch(json!([{"op": "Add", "path": "members", "value": value}]));
        stand.request("PATCH", &path, body)
    };
    let requests: Vec<_> = members.iter().map(add).collect();
    let mut tasks = Vec::new();
    for request in requests {
        let address = stand.address;
        tasks.push(tokio::spawn(async move {
            Connection::open(address).await.send(&request).await.status
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), 204);
    }
    let state = stand.vendor.state();
    let joined = state["accounts"][0]["groups"][0]["members"].as_array();
    assert_eq!(joined.map(Vec::len), Some(20));
    assert!(stand.jobs() - before <= 3, "{} jobs", stand.jobs() - before);
}

#[tokio::test]
async fn v02_a_user_is_found_while_the_index_does_not_know_it() {
    let stand = Stand::start().await;
    let lagging = Limits {
        index_lag_ms: 2_000,
        ..Limits::default()
    };
    stand.vendor.set_limits(lagging).unwrap();
    let began = Instant::now();
    let made = id(&stand.ask("POST", "/Users", user("ada")).await);
    let filter = "/Users?filter=userName+eq+%22ADA%40example.com%22";
    // Several connections, and so both threads: what one wrote the other knows.
    for _ in 0..4 {
        let found = stand.ask("GET", filter, Value::Null).await;
        assert_eq!(found.json()["Resources"][0]["id"], made, "{found}");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "the index lagged");
    let gone = stand
        .ask("DELETE", &format!("/Users/{made}"), Value::Null)
        .await;
    assert_eq!(gone.status, 204);
    // The deletion is in no index yet either, once the creation is.
    tokio::time::sleep_until((began + Duration::from_millis(2_200)).into()).await;
    let found = stand.ask("GET", filter, Value::Null).await;
    assert_eq!(found.json()["totalResults"], 0, "{found}");
}

#[tokio::test]
async fn v03_one_duplicate_of_twenty_fails_alone() {
    let stand = Stand::start().await;
    let taken = json!({"loginName": "p7@example.com", "externalRef": "somebody-else"});
    let seed = json!({"accounts": [{"users": [taken]}]});
    stand.vendor.seed(seed).unwrap();
    let responses = stand.create_all((0..20).map(|n| format!("p{n}"))).await;
    for (number, response) in responses.iter().enumerate() {
        let expected = if number == 7 { 409 } else { 201 };
        assert_eq!(response.status, expected, "{number}: {response}");
    }
    assert_eq!(responses[7].json()["scimType"], "uniqueness");
    assert_eq!(stand.users().len(), 20);
    assert!(stand.jobs() <= 3, "{} jobs", stand.jobs());
}

#[tokio::test]
async fn v04_a_job_without_end_is_503_and_makes_no_second_user() {
    let stand =
        Stand::with(|manifest| manifest.replace("longest_ms = 30_000", "longest_ms = 3_000")).await;
    let stalled = Limits {
        stall: true,
        ..Limits::default()
    };
    stand.vendor.set_limits(stalled).unwrap();
    for _ in 0..2 {
        let refused = stand.ask("POST", "/Users", user("ada")).await;
        assert_eq!(refused.status, 503, "{refused}");
        assert!(refused.retry_after().is_some(), "{refused}");
    }
    // The first job runs; the one behind it had not begun and was taken back.
    assert_eq!(stand.vendor.counters().of("DELETE /jobs/{id}"), 2);
    stand.vendor.set_limits(Limits::default()).unwrap();
    let made = stand.ask("POST", "/Users", user("ada")).await;
    assert_eq!(made.status, 201, "{made}");
    let users = stand.users();
    assert_eq!(users.len(), 1, "{users:?}");
    assert_eq!(users[0]["key"], id(&made));
}

#[tokio::test]
async fn v32_a_lost_submission_is_sent_again_under_its_token() {
    let stand = Stand::start().await;
    stand.vendor.faults(vec![
        Fault::new("POST", "/accounts/*/jobs", Action::DropAfter).nth(1),
    ]);
    let made = stand.ask("POST", "/Users", user("ada")).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!((stand.jobs(), stand.users().len()), (2, 1));
    assert_eq!(stand.vendor.counters().duplicates, 0);
}

#[tokio::test]
async fn a_client_that_hangs_up_takes_nobody_along() {
    let stand = Stand::start().await;
    let request = stand.request("POST", "/Users", user("gone"));
    let mut connection = Connection::open(stand.address).await;
    let sent = tokio::time::timeout(Duration::from_millis(20), connection.send(&request)).await;
    assert!(sent.is_err(), "the job takes longer");
    drop(connection);
    let made = stand.ask("POST", "/Users", user("stays")).await;
    assert_eq!(made.status, 201, "{made}");
    let logins: BTreeSet<_> = (stand.users().iter())
        .map(|user| user["loginName"].as_str().unwrap().to_owned())
        .collect();
    assert!(logins.contains("gone@example.com"), "{logins:?}");
}
