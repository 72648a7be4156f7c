//! What only a whole gateway can show of a vendor whose tokens end, whose lists go on by
//! continuations and whose customers share one client: scenarios V08, V09 and V11.

use std::path::Path;
use std::time::Duration;

use scimgate::adapter::keys::TenantId;
use scimgate::catalog::{self, Sources};
use scimgate::config::Config;
use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::emulator::webroot::{Account, Options, Site, start};
use scimgate::gateway::Gateway;
use scimgate::server::Running;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Connection, Request, Response, copy_edited};

/// A gateway before two sites of one account, each a tenant, and one URL for both.
struct Stand {
    vendor: Emulator,
    address: std::net::SocketAddr,
    /// One for each site.
    tokens: Vec<String>,
    _running: Running,
    _directory: TempDir,
}

fn sites() -> [Site; 2] {
    ["site-a", "site-b"].map(|id| Site {
        site_id: id.to_owned(),
        ..Site::default()
    })
}

impl Stand {
    async fn start() -> Self {
        let vendor = start(Options {
            clients: vec![Account {
                sites: sites().into(),
                ..Account::default()
            }],
            ..Options::default()
        });
        let vendor = vendor.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let config = write_files(directory.path(), vendor.base_url());
        let (catalog, report) = catalog::load(&Sources {
            has_built_in: false,
            adapters: config.catalog.adapters.clone(),
            scripts: config.catalog.scripts.clone(),
            tenants: Some(config.catalog.tenants.clone()),
        });
        assert!(report.problems().is_empty(), "{}", report.render(false));
        let gateway = Gateway::open(&config).unwrap();
        gateway.publish(&catalog);
        let mut tokens = Vec::new();
        for site in sites() {
            let tenant = TenantId::parse(&site.site_id).unwrap();
            let token = gateway.tokens().issue(tenant, None).await.unwrap();
            tokens.push(token.reveal().to_owned());
        }
        Self {
            vendor,
            address: gateway.local_addr(),
            tokens,
            _running: gateway.start().unwrap(),
            _directory: directory,
        }
    }

    /// As the Entra of one site; the Tenant URL is the same for all.
    async fn ask(&self, site: usize, method: &str, path: &str, body: Value) -> Response {
        let mut request = Request::new(method, &format!("/scim/v2{path}"))
            .header("Authorization", &format!("Bearer {}", self.tokens[site]));
        if !body.is_null() {
            request = request.json(&body);
        }
        Connection::open(self.address).await.send(&request).await
    }

    fn asked_for_tokens(&self) -> (u64, u64) {
        let counters = self.vendor.counters();
        (
            counters.of("POST /auth/token"),
            counters.of("POST /auth/token (refresh)"),
        )
    }
}

fn write_files(directory: &Path, base_url: &str) -> Config {
    write_edited(directory, base_url, |manifest| manifest)
}

fn write_edited(directory: &Path, base_url: &str, edit: impl Fn(String) -> String) -> Config {
    let manifest = "adapters/webroot.toml";
    copy_edited(manifest, &directory.join(manifest), edit);
    let script = "scripts/webroot.rhai";
    copy_edited(script, &directory.join(script), |text| text);
    std::fs::create_dir_all(directory.join("tenants")).unwrap();
    let account = Account::default();
    for Site { site_id, .. } in sites() {
        let text = format!(
            "adapter = \"webroot\"\nbase_url = \"{base_url}\"\n\
             settings = {{ gsm_key = \"{}\", site_id = \"{site_id}\" }}\n\
             limits = {{ per_second = 100000, burst = 100000, per_minute = 6000000, concurrency = 16 }}\n\
             [credential]\nclient_id = {{ value = \"{}\" }}\nclient_secret = {{ value = \"{}\" }}\n\
             username = {{ value = \"{}\" }}\npassword = {{ value = \"{}\" }}\n",
            account.gsm_key,
            account.client_id,
            account.client_secret,
            account.username,
            account.password,
        );
        std::fs::write(directory.join(format!("tenants/{site_id}.toml")), text).unwrap();
    }
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
        "name": {"givenName": "Given", "familyName": "Family"},
    })
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

#[tokio::test]
async fn v08_a_token_that_ends_under_ten_parallel_calls_is_refreshed_once() {
    let stand = Stand::start().await;
    let made = stand.ask(0, "POST", "/Users", user("ada")).await;
    let path = format!("/Users/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(stand.asked_for_tokens(), (1, 0));
    // The vendor's clock alone moves on: the gateway takes its token for good and meets 401.
    stand.vendor.advance_clock(Duration::from_secs(301));
    stand.vendor.set_latency(Duration::from_millis(20));
    let one = || stand.ask(0, "GET", &path, Value::Null);
    let all = tokio::join!(
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one()
    );
    let all: [Response; 10] = all.into();
    assert!(all.iter().all(|response| response.status == 200));
    assert_eq!(stand.asked_for_tokens(), (1, 1));
}

#[tokio::test]
async fn v08_a_refresh_token_older_than_fourteen_days_is_followed_by_a_full_grant() {
    let stand = Stand::start().await;
    stand.ask(0, "POST", "/Users", user("ada")).await;
    stand.vendor.advance_clock(Duration::from_secs(15 * 86_400));
    let again = stand.ask(0, "POST", "/Users", user("bob")).await;
    assert_eq!(again.status, 201, "{again}");
    assert_eq!(stand.asked_for_tokens(), (2, 1));
}

#[tokio::test]
async fn v09_twelve_hundred_members_leave_in_one_patch() {
    const MEMBERS: usize = 1_200;
    let stand = Stand::start().await;
    let address = |number| format!("p{number}@example.com");
    let target = |number| json!({"EmailAddress": address(number), "UserName": address(number)});
    let members: Vec<_> = (0..=MEMBERS).map(address).collect();
    let seed = json!({"sites": [{
        "SiteId": "site-a",
        "Targets": (0..=MEMBERS).map(target).collect::<Vec<_>>(),
        "TargetGroups": [{"GroupName": "All", "Members": members}],
    }]});
    stand.vendor.seed(seed).unwrap();
    let state = stand.vendor.state();
    let targets = state["sites"][0]["Targets"].as_array().unwrap();
    let leaving = targets
        .iter()
        .skip(1)
        .map(|row| json!({"value": row["TargetId"]}));
    let leaving: Vec<_> = leaving.collect();
    let group = state["sites"][0]["TargetGroups"][0]["GroupId"]
        .as_str()
        .unwrap();
    let body = patch(json!([{"op": "Remove", "path": "members", "value": leaving}]));
    let response = stand
        .ask(0, "PATCH", &format!("/Groups/{group}"), body)
        .await;
    assert_eq!(response.status, 204, "{response}");
    let left = &stand.vendor.state()["sites"][0]["TargetGroups"][0]["Members"];
    assert_eq!(*left, json!(["p0@example.com"]));
    let pages = "GET /targetgroups/{id}/memberships";
    assert_eq!(stand.vendor.counters().of(pages), 13);
}

#[tokio::test]
async fn v11_one_url_serves_all_sites_and_the_token_alone_tells_them_apart() {
    let stand = Stand::start().await;
    for (site, name) in [(0, "ada"), (1, "bob")] {
        let made = stand.ask(site, "POST", "/Users", user(name)).await;
        assert_eq!(made.status, 201, "{made}");
    }
    let state = stand.vendor.state();
    for (site, name) in [(0, "ada"), (1, "bob")] {
        let targets = state["sites"][site]["Targets"].as_array().unwrap();
        let found: Vec<_> = targets.iter().map(|row| &row["UserName"]).collect();
        assert_eq!(found, [&json!(format!("{name}@example.com"))]);
    }
    let filter = "/Users?filter=userName+eq+%22ada%40example.com%22";
    let found = stand.ask(1, "GET", filter, Value::Null).await;
    assert_eq!(found.json()["totalResults"], 0);
    let id = state["sites"][0]["Targets"][0]["TargetId"]
        .as_str()
        .unwrap();
    let foreign = stand
        .ask(1, "DELETE", &format!("/Users/{id}"), Value::Null)
        .await;
    assert_eq!(foreign.status, 404);
    let left = stand.vendor.state()["sites"][0]["Targets"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1);
    // The same client: one token for both.
    assert_eq!(stand.asked_for_tokens(), (1, 0));
}

#[test]
fn a_token_endpoint_is_always_the_tenants_own() {
    let problems = |token_url: &str, base_url: &str| {
        let directory = tempfile::tempdir().unwrap();
        let config = write_edited(directory.path(), base_url, |manifest| {
            manifest.replace("\"/auth/token\"", &format!("\"{token_url}\""))
        });
        let (_, report) = catalog::load(&Sources {
            has_built_in: false,
            adapters: config.catalog.adapters,
            scripts: config.catalog.scripts,
            tenants: Some(config.catalog.tenants),
        });
        report.render(false)
    };
    let base_url = "https://vendor.example";
    assert_eq!(
        problems("/oauth/token", base_url),
        problems("/auth/token", base_url)
    );
    for elsewhere in ["https://login.example/token", "{site_id}", "auth/token"] {
        let found = problems(elsewhere, base_url);
        assert!(found.contains("tenant::token-url"), "{elsewhere}: {found}");
    }
}
