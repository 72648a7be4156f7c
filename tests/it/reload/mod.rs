//! Changing files while the gateway serves.
//!
//! A small vendor whose every version marks its answers: who reads a user sees
//! by its `nickName` which version of which script answered.

mod built_in;
mod certificate;
mod files;
mod generations;
mod oracle;
mod process;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use scimgate::adapter::keys::TenantId;
use scimgate::catalog::Reloader;
use scimgate::catalog::watch::{Means, Timing, Watch};
use scimgate::config::Config;
use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::emulator::reference;
use scimgate::gateway::Gateway;
use scimgate::server::Running;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Connection, Request, Tenant};

const MANIFEST: &str = r#"
title = "Small"
consistency = "A"

[credential]
kind = "header"
header = "X-Key"

[paging]
style = "offset"
size = 100

[ids]
user = { field = "id" }

[fields]
user = ["id", "userName", "displayName", "mark"]

[replies]
code = "/code"

[[replies.errors]]
code = "absent"
means = "absent"
"#;

const SCRIPT: &str = r#"
fn user_attributes() {
    [
        attr("userName",    "userName").required().lookup("userName").unique(),
        attr("displayName", "displayName"),
        attr("nickName",    "mark").to(|mark| mark).from(|mark| "MARK"),
    ]
}

fn find_user(field, value)   { get("/people", query(field, value)).items }
fn get_user(id)              { get(`/people/${id}`) }
fn list_users(page)          { rows(get("/people", #{ limit: page.size, offset: page.offset })) }
fn create_user(user)         { post("/people", user) }
fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
fn delete_user(id)           { delete(`/people/${id}`) }
fn rows(page)                { #{ rows: page.items, total: page.total } }
"#;

/// What every version must do, whatever its mark.
const TRANSCRIPT: &str = r##"# A user is read and renamed
@calls 2

### Entra asks
GET /Users/p1

### Vendor is called
GET /people/p1

### Vendor answers
200

{"id": "p1", "userName": "ada", "displayName": "Ada", "mark": "x"}

### Entra gets
200

{"userName": "ada", "displayName": "Ada", "nickName": "<any>"}

### Entra asks
PATCH /Users/p1

{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
 "Operations": [{"op": "Replace", "path": "displayName", "value": "Lane"}]}

### Vendor is called
PATCH /people/p1

{"displayName": "Lane"}

### Vendor answers
200

{"id": "p1", "userName": "ada", "displayName": "Lane", "mark": "x"}

### Entra gets
200

{"displayName": "Lane"}
"##;

/// The script of this mark.
fn script(mark: &str) -> String {
    SCRIPT.replace("MARK", mark)
}

/// A gateway whose files may change, with a vendor and a tenant of each name.
struct Site {
    directory: TempDir,
    vendor: Emulator,
    reloader: Reloader,
    tenants: Vec<Tenant>,
    /// The id of somebody at the vendor whom every tenant sees.
    person: String,
    _running: Running,
}

impl Site {
    /// Vendors of these names, each with the mark `<name> 0`.
    async fn of(names: &[&str]) -> Self {
        Self::with(names, |_| {}).await
    }

    async fn with(names: &[&str], configure: impl FnOnce(&mut Config)) -> Self {
        crate::harness::logs::capture();
        let directory = tempfile::tempdir().unwrap();
        let vendor = reference::start(Duration::ZERO).unwrap();
        let mut config = config(directory.path());
        configure(&mut config);
        for name in names {
            let files = Files::of(directory.path(), name);
            files.good(&format!("{name} 0"));
            write(
                &directory.path().join(format!("tenants/{name}.toml")),
                &tenant(name, vendor.base_url()),
            );
        }
        let gateway = Gateway::open(&config).unwrap();
        let (reloader, report) = gateway.load(&config);
        assert!(report.problems().is_empty(), "{}", report.render(false));
        let mut tenants = Vec::new();
        for name in names {
            let id = TenantId::parse(name).unwrap();
            let token = gateway.tokens().issue(id, None).await.unwrap();
            let base = format!("/t/{name}/scim/v2");
            tenants.push(Tenant::at(gateway.local_addr(), &base, token.reveal()));
        }
        Self {
            person: somebody(&vendor, "ada").await,
            directory,
            vendor,
            reloader,
            tenants,
            _running: gateway.start().unwrap(),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn files(&self, vendor: &str) -> Files {
        Files::of(self.directory.path(), vendor)
    }

    /// Watches from here on, and has had its first look.
    fn watch(&self, means: Means) -> Watch {
        let quick = Timing {
            quiet: Duration::from_millis(50),
            poll: Duration::from_millis(300),
            ..Timing::default()
        };
        let watch = Watch::start(self.reloader.clone(), means, quick).unwrap();
        let played = || {
            self.reloader
                .standing()
                .vendors
                .values()
                .all(|part| part.transcripts > Some(0))
        };
        until("the first transcripts are played", played);
        watch
    }

    /// The mark of the version that answers a tenant now.
    async fn mark(&self, tenant: &Tenant) -> String {
        let user = tenant.get(&format!("/Users/{}", self.person)).await;
        assert_eq!(user.status, 200, "{user}");
        user.json()["nickName"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    async fn until_mark(&self, mark: &str) {
        let patience = Instant::now() + PATIENCE;
        while self.mark(&self.tenants[0]).await != mark {
            assert!(
                Instant::now() < patience,
                "{mark} never answers: {:#?}",
                self.reloader.standing()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < patience, "not so in time: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The files of one vendor.
#[derive(Clone)]
struct Files {
    manifest: PathBuf,
    script: PathBuf,
    transcript: PathBuf,
}

impl Files {
    fn of(directory: &Path, vendor: &str) -> Self {
        Self {
            manifest: directory.join(format!("adapters/{vendor}.toml")),
            script: directory.join(format!("scripts/{vendor}.rhai")),
            transcript: directory.join(format!("transcripts/{vendor}/rename.http")),
        }
    }

    /// A good version that answers with this mark.
    fn good(&self, mark: &str) {
        write(&self.manifest, MANIFEST);
        write(&self.transcript, TRANSCRIPT);
        write(&self.script, &script(mark));
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn tenant(adapter: &str, base_url: &str) -> String {
    format!(
        "adapter = \"{adapter}\"\nbase_url = \"{base_url}\"\ncredential = {{ key = {{ value = \"{}\" }} }}\n\
         [limits]\nper_second = 100000\nburst = 100000\nper_minute = 6000000\nconcurrency = 32\n",
        reference::KEY
    )
}

fn config(directory: &Path) -> Config {
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.workers = Some(2);
    config.catalog.adapters = directory.join("adapters");
    config.catalog.scripts = directory.join("scripts");
    config.catalog.tenants = directory.join("tenants");
    config.catalog.transcripts = directory.join("transcripts");
    config.store.path = directory.join("state/scimgate.db");
    config.limits.requests_per_second = 10_000.try_into().unwrap();
    config.limits.burst = 10_000.try_into().unwrap();
    config
}

/// Makes somebody at the vendor by hand, with something in the marked field.
async fn somebody(vendor: &Emulator, name: &str) -> String {
    let (address, base) = place(vendor);
    let person = json!({"userName": name, "displayName": name, "mark": "x"});
    let request = Request::new("POST", &format!("{base}/people")).header("X-Key", reference::KEY);
    let mut connection = Connection::open(address).await;
    let request = request
        .json(&person)
        .header("Content-Type", "application/json");
    let made = connection.send(&request).await;
    assert_eq!(made.status, 201, "{made}");
    made.json()["id"].as_str().unwrap().to_owned()
}

fn place(vendor: &Emulator) -> (std::net::SocketAddr, String) {
    let base: hyper::Uri = vendor.base_url().parse().unwrap();
    let authority = base.authority().unwrap().as_str();
    (
        authority.parse().unwrap(),
        base.path().trim_end_matches('/').to_owned(),
    )
}

/// A PATCH of one user's display name.
fn renaming(tenant: &Tenant, id: &str, name: &str) -> Request {
    tenant
        .request("PATCH", &format!("/Users/{id}"))
        .json(&json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "Replace", "path": "displayName", "value": name}],
        }))
}

/// The vendor's own row of somebody.
fn row(vendor: &Emulator, id: &str) -> Value {
    let state = vendor.state();
    let people = state["people"].as_array().cloned().unwrap_or_default();
    let found = people.into_iter().find(|row| row["id"] == id);
    found.unwrap_or_else(|| panic!("no {id} in {state}"))
}
