//! A whole gateway for each test: a directory of its own with a store file,
//! adapters and tenants; SoSafe's emulator with two customers; two tenants with
//! a token each. It starts in a few dozen milliseconds.

mod dice;
mod http;
pub(crate) mod logs;
#[allow(dead_code, reason = "the rest is for the tests of the store itself")]
pub(crate) mod postgres;
mod tenant;
pub(crate) mod traces;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Uri;
use jiff::Timestamp;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use scimgate::adapter::keys::TenantId;
use scimgate::catalog::{self, Sources};
use scimgate::config::{Config, Identity, TenantLabel};
use scimgate::demo::emulator::kit::{Emulator, Fault};
use scimgate::demo::emulator::sosafe;
use scimgate::gateway::conditions::Conditions;
use scimgate::gateway::status::Condition;
use scimgate::gateway::{self, Gateway};
use scimgate::provisioning::trace::Event;
use scimgate::server::Running;
use scimgate::server::ops::Metrics as _;
use scimgate::store::Store;
use scimgate::store::health::Health;
use scimgate::store::log::{Filter, Log, Order};
use scimgate::telemetry::Telemetry;
use scimgate::tenant::token::Tokens;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use dice::Dice;
pub(crate) use http::{Connection, Request, Response};
pub(crate) use tenant::{Tenant, members_in};

/// How a gateway differs from one where all is well and nothing is short.
#[derive(Clone)]
pub(crate) struct Options {
    /// What every vendor call takes.
    pub(crate) latency: Duration,
    /// Licences of each customer.
    pub(crate) licences: u64,
    /// E-mail domains of each customer; empty for any.
    pub(crate) domains: Vec<String>,
    /// The vendor's limit of a whole call, in milliseconds.
    pub(crate) call_ms: u64,
    /// The `X-Api-Key` the gateway holds for tenant a, where it is not the right one.
    pub(crate) wrong_key: Option<String>,
    /// The `idp_tenant` of tenant a, where it is not the right one.
    pub(crate) wrong_idp_tenant: Option<String>,
    /// Where tenants look for the vendor, where that is not the emulator.
    pub(crate) base_url: Option<String>,
    /// The gateway's deadline.
    pub(crate) request_seconds: u64,
    /// What is written another way in the vendor's script.
    pub(crate) script: fn(String) -> String,
    /// How the provisioning log names people.
    pub(crate) identity: Identity,
    /// Lines of `[limits]` of each tenant, of its vendor calls.
    pub(crate) vendor_limits: &'static str,
    /// How metrics name tenants.
    pub(crate) tenant_label: TenantLabel,
    /// Sections at the end of the files of tenant a and b.
    pub(crate) sections: [String; 2],
    /// The URL of the PostgreSQL that takes the place of the SQLite file.
    pub(crate) postgres: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            licences: 100_000,
            domains: Vec::new(),
            call_ms: 20_000,
            wrong_key: None,
            wrong_idp_tenant: None,
            base_url: None,
            request_seconds: 45,
            script: |text| text,
            identity: Identity::Masked,
            vendor_limits: "per_second = 100000\nburst = 100000\nper_minute = 6000000\nconcurrency = 8\n",
            tenant_label: TenantLabel::Full,
            sections: Default::default(),
            postgres: None,
        }
    }
}

/// A running gateway, its vendor and its two tenants.
pub(crate) struct TestGateway {
    pub(crate) a: Tenant,
    pub(crate) b: Tenant,
    pub(crate) vendor: Emulator,
    telemetry: Telemetry,
    running: Option<Running>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) log: Arc<Log>,
    conditions: Arc<Conditions>,
    pub(crate) store: Store,
    may_name: bool,
    directory: TempDir,
    log_from: usize,
}

const IDP_TENANTS: [&str; 2] = [
    "aaaaaaaa-1111-4222-8333-444444444444",
    "bbbbbbbb-1111-4222-8333-444444444444",
];

impl TestGateway {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        // Compiling scripts takes a while that other tests' clocks must not stand still.
        let may_name = options.identity == Identity::Full;
        let opening = tokio::task::spawn_blocking(move || Opened::open(&options));
        let Opened {
            gateway,
            vendor,
            telemetry,
            directory,
            keys,
            store,
            log_from,
        } = opening.await.unwrap();
        let tokens = gateway.tokens();
        let address = gateway.local_addr();
        let log = gateway.log();
        let conditions = gateway.conditions();
        let mut tenants = Vec::new();
        for (name, key) in ["a", "b"].into_iter().zip(keys) {
            let id = TenantId::parse(name).unwrap();
            let token = tokens.issue(id, None).await.unwrap();
            tenants.push(Tenant {
                address,
                base: format!("/t/{name}/scim/v2"),
                token: token.reveal().to_owned(),
                api_key: key,
            });
        }
        let b = tenants.pop().unwrap();
        let a = tenants.pop().unwrap();
        let running = Some(gateway.start().unwrap());
        Self {
            a,
            b,
            vendor,
            telemetry,
            running,
            tokens,
            log,
            conditions,
            store,
            may_name,
            directory,
            log_from,
        }
    }

    /// What makes another gateway one that serves the same tenants at the same vendor.
    pub(crate) fn replica(&self, options: Options) -> Options {
        Options {
            base_url: Some(self.vendor.base_url().to_owned()),
            wrong_key: Some(self.a.api_key.clone()),
            ..options
        }
    }

    /// Puts faults in force at the vendor.
    pub(crate) fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.vendor.faults(faults.into_iter().collect());
    }

    /// Tenant a's user rows at the vendor.
    pub(crate) fn rows(&self) -> Vec<Value> {
        rows_of(&self.vendor.state(), 0)
    }

    /// Tenant a's user rows that are not archived.
    pub(crate) fn living_rows(&self) -> Vec<Value> {
        let mut rows = self.rows();
        rows.retain(|row| row["status"] != "ARCHIVED");
        rows
    }

    /// Tenant a's row of one user.
    pub(crate) fn row(&self, id: &str) -> Value {
        let found = self
            .rows()
            .into_iter()
            .find(|row| row["id"].as_u64() == id.parse().ok());
        found.unwrap_or_else(|| panic!("the vendor has no row {id}"))
    }

    /// What somebody does at the vendor by hand, as customer a.
    pub(crate) async fn by_hand(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let base: Uri = self.vendor.base_url().parse().unwrap();
        let authority = base.authority().unwrap().as_str();
        let mut request = Request::new(method, &format!("{}{path}", base.path()))
            .header("X-Api-Key", &self.a.api_key)
            .header("X-Idp-Tenant", IDP_TENANTS[0]);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let mut vendor = Connection::open(authority.parse().unwrap()).await;
        vendor.send(&request).await
    }

    /// What Prometheus would read.
    pub(crate) fn metrics(&self) -> String {
        self.telemetry.scrape().text()
    }

    /// Asserts that no log line since the start holds one of `words`.
    #[track_caller]
    pub(crate) fn log_never_says<S: AsRef<str>>(&self, words: impl IntoIterator<Item = S>) {
        let log = logs::since(self.log_from);
        for word in words {
            let leak = log.lines().find(|line| line.contains(word.as_ref()));
            assert_eq!(leak, None, "the log holds {:?}", word.as_ref());
        }
    }

    /// Tenant a's provisioning log, oldest first, once it has `count` events.
    pub(crate) async fn events(&self, count: usize) -> Vec<Event> {
        let filter = Filter {
            tenant: TenantId::parse("a"),
            ..Filter::default()
        };
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            let events = self.store.events(filter.clone(), Order::After(0), 1000);
            let events = events.await.unwrap().events;
            if events.len() >= count {
                return events;
            }
            assert!(Instant::now() < patience, "{} of {count}", events.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The binary, on this gateway's store.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_scimgate"));
        let store = self.directory.path().join("state/scimgate.db");
        command.args(arguments).env_clear();
        command.env("SCIMGATE_STORE__PATH", store);
        command
    }

    /// The key of its tokens' digests.
    pub(crate) fn pepper(&self) -> std::path::PathBuf {
        self.directory.path().join("state/scimgate.pepper")
    }

    /// What is the matter with tenant a now.
    pub(crate) fn conditions(&self) -> Vec<Condition> {
        self.conditions.of(&TenantId::parse("a").unwrap())
    }

    /// What was logged in this process since this gateway began.
    pub(crate) fn logged(&self) -> String {
        logs::since(self.log_from)
    }

    /// Revokes the token of tenant a.
    pub(crate) async fn revoke_a(&self) {
        let tenant = TenantId::parse("a").unwrap();
        for token in self.tokens.list(&tenant).await.unwrap() {
            self.tokens.revoke(&tenant, &token.key_id).await.unwrap();
        }
    }

    /// How tenant a is doing.
    pub(crate) async fn health(&self) -> Health {
        let tenant = TenantId::parse("a").unwrap();
        self.store.health(&tenant, Timestamp::now()).await.unwrap()
    }

    /// All of the provisioning log and its tallies, as text.
    fn provisioning_log(&self) -> String {
        self.log.close();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let events = self.store.events(Filter::default(), Order::Newest, 1000);
        let page = runtime.unwrap().block_on(events).unwrap();
        serde_json::to_string(&page).unwrap()
    }

    /// Ends it where no other test's clock stands still: searching the log takes a while.
    pub(crate) async fn end(self) {
        tokio::task::spawn_blocking(move || drop(self))
            .await
            .unwrap();
    }

    /// Waits for the end of everything the gateway does.
    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

/// Whatever a test is about: no log line and no metric ever holds a secret or a person's data.
impl Drop for TestGateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut words: BTreeSet<String> = [&self.a, &self.b]
            .into_iter()
            .flat_map(|tenant| [tenant.token.clone(), tenant.api_key.clone()])
            .collect();
        let metrics = self.metrics();
        // Of very many people some are enough.
        for row in rows_of(&self.vendor.state(), 0).iter().take(20) {
            words.extend(personal_values(row));
        }
        for word in &words {
            assert!(!metrics.contains(word), "the metrics hold {word:?}");
        }
        if !self.may_name {
            // A task of this test's may not be blocked on from within its runtime.
            let kept =
                std::thread::scope(|scope| scope.spawn(|| self.provisioning_log()).join().unwrap());
            let leak = words.iter().find(|word| kept.contains(word.as_str()));
            assert_eq!(leak, None, "the provisioning log holds it");
        }
        self.log_never_says(words);
    }
}

/// A text that no other test has.
pub(crate) fn unique(prefix: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", &random[..12])
}

/// Edits a copy of a file of the repository.
pub(crate) fn copy_edited(from: &str, to: &Path, edit: impl Fn(String) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::write(to, edit(text)).unwrap();
}

/// A gateway that is bound and does not run yet.
struct Opened {
    gateway: Gateway,
    vendor: Emulator,
    telemetry: Telemetry,
    directory: TempDir,
    keys: [String; 2],
    store: Store,
    log_from: usize,
}

impl Opened {
    fn open(options: &Options) -> Self {
        let log_from = logs::capture();
        let keys = [unique("key-a-"), unique("key-b-")];
        let vendor = start_vendor(options, &keys);
        let directory = tempfile::tempdir().unwrap();
        let config = write_files(directory.path(), options, &keys, vendor.base_url());
        let (catalog, report) = catalog::load(&Sources {
            has_built_in: false,
            adapters: config.catalog.adapters.clone(),
            scripts: config.catalog.scripts.clone(),
            tenants: Some(config.catalog.tenants.clone()),
        });
        assert!(report.problems().is_empty(), "{}", report.render(false));
        let readers = SdkMeterProvider::builder();
        let telemetry = Telemetry::collecting(readers, options.tenant_label).unwrap();
        let gateway = Gateway::open(&config).unwrap();
        let gateway = gateway.measured_by(&telemetry.instruments());
        gateway.publish(&catalog);
        Self {
            gateway,
            vendor,
            telemetry,
            directory,
            keys,
            store: gateway::open_store(&config).unwrap(),
            log_from,
        }
    }
}

fn start_vendor(options: &Options, keys: &[String; 2]) -> Emulator {
    let clients = keys
        .iter()
        .zip(IDP_TENANTS)
        .map(|(key, idp_tenant)| sosafe::Client {
            api_key: key.clone(),
            idp_tenant: idp_tenant.to_owned(),
            licences_total: options.licences,
            domains: options.domains.clone(),
            ..sosafe::Client::default()
        });
    let options = sosafe::Options {
        clients: clients.collect(),
        latency: options.latency,
        ..sosafe::Options::default()
    };
    sosafe::start(options).unwrap()
}

fn write_files(directory: &Path, options: &Options, keys: &[String; 2], emulator: &str) -> Config {
    let call_ms = options.call_ms;
    copy_edited(
        "adapters/sosafe.toml",
        &directory.join("adapters/sosafe.toml"),
        |text| text.replace("call_ms = 20000", &format!("call_ms = {call_ms}")),
    );
    copy_edited(
        "scripts/sosafe.rhai",
        &directory.join("scripts/sosafe.rhai"),
        options.script,
    );
    std::fs::create_dir_all(directory.join("tenants")).unwrap();
    let base_url = options.base_url.as_deref().unwrap_or(emulator);
    for (place, name) in ["a", "b"].into_iter().enumerate() {
        let is_a = place == 0;
        let key = options.wrong_key.as_ref().filter(|_| is_a);
        let idp_tenant = options.wrong_idp_tenant.as_deref().filter(|_| is_a);
        let text = format!(
            "adapter = \"sosafe\"\nbase_url = \"{base_url}\"\n\
             settings = {{ idp_tenant = \"{}\" }}\n\
             credential = {{ key = {{ value = \"{}\" }} }}\n[limits]\n{}{}",
            idp_tenant.unwrap_or(IDP_TENANTS[place]),
            key.unwrap_or(&keys[place]),
            options.vendor_limits,
            options.sections[place],
        );
        std::fs::write(directory.join(format!("tenants/{name}.toml")), text).unwrap();
    }
    config(directory, options)
}

fn config(directory: &Path, options: &Options) -> Config {
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.workers = Some(2);
    config.catalog.adapters = directory.join("adapters");
    config.catalog.scripts = directory.join("scripts");
    config.catalog.tenants = directory.join("tenants");
    config.store.path = directory.join("state/scimgate.db");
    if let Some(url) = &options.postgres {
        let secret = |name: &str, text: &str| {
            std::fs::write(directory.join(name), text).unwrap();
            Some(directory.join(name))
        };
        config.store.postgres_url_file = secret("url", url);
        config.store.pepper_file = secret("pepper", &"7".repeat(64));
    }
    config.limits.requests_per_second = 10_000.try_into().unwrap();
    config.limits.burst = 10_000.try_into().unwrap();
    config.limits.in_flight = 256;
    config.deadline.request_seconds = options.request_seconds;
    config.log.identity = options.identity;
    config
}

fn rows_of(state: &Value, client: usize) -> Vec<Value> {
    state["clients"][client]["users"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// What a row says of a person, as far as it is long enough to be told from chance.
fn personal_values(row: &Value) -> Vec<String> {
    const PERSONAL: [&str; 9] = [
        "/login",
        "/email",
        "/display_name",
        "/first_name",
        "/last_name",
        "/salutation_line",
        "/phone",
        "/external_ref",
        "/address/street",
    ];
    let values = PERSONAL
        .iter()
        .filter_map(|field| row.pointer(field)?.as_str());
    values
        .filter(|value| value.len() > 5)
        .map(str::to_owned)
        .collect()
}

/// A user whose every value is in no other test, nor anywhere in a log.
pub(crate) fn person() -> Value {
    let name = unique("p");
    let digits: String = uuid::Uuid::new_v4()
        .as_u128()
        .to_string()
        .chars()
        .take(7)
        .collect();
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": unique("external-"),
        "userName": format!("{name}@example.com"),
        "displayName": format!("Display {name}"),
        "name": {"givenName": format!("Given{name}"), "familyName": format!("Family{name}")},
        "emails": [{"type": "work", "value": format!("{name}@example.com"), "primary": true}],
        "phoneNumbers": [{"type": "work", "value": format!("+4144{digits}")}],
        "active": true,
    })
}

/// A group whose name is in no other test.
pub(crate) fn group(members: &[&str]) -> Value {
    let members = members.iter().map(|id| serde_json::json!({"value": id}));
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "externalId": unique("external-"),
        "displayName": unique("Group-"),
        "members": members.collect::<Vec<_>>(),
    })
}
