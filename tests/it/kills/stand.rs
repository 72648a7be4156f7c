//! The real binary on a real store, with a vendor and a tenant of each class behind it. It can be
//! killed and started again; who asks it meanwhile hears nothing, or half an answer.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::timeout;

use super::class::Class;
use super::model::Model;
use crate::harness::{Connection, Request, Response};
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// Longer than the gateway's deadline: an answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(15);

const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
max_connections_per_source = 1024
[catalog]
watch = "off"
[limits]
requests_per_second = 10000
burst = 10000
in_flight = 256
[deadline]
request_seconds = 10
"#;

pub(super) struct Stand {
    pub(super) house: House,
    served: Option<Served>,
    address: watch::Sender<Option<SocketAddr>>,
    pub(super) tenants: Vec<Tenant>,
    /// What every process so far logged.
    log: String,
    launch: Launch,
}

/// How the binary is run.
pub(super) type Launch = fn(&House) -> Command;

/// A tenant, its vendor, and the way to the gateway wherever that is now.
#[derive(Clone)]
pub(super) struct Tenant {
    pub(super) class: &'static Class,
    pub(super) vendor: Model,
    token: String,
    address: watch::Receiver<Option<SocketAddr>>,
}

impl Stand {
    /// With a tenant of each of these classes.
    pub(super) async fn of(classes: impl IntoIterator<Item = &'static Class>) -> Self {
        Self::with(classes, None, |house| {
            house.command(&["-c", "scimgate.toml", "serve"])
        })
        .await
    }

    /// With another lag of class C than usual, and started another way.
    pub(super) async fn with(
        classes: impl IntoIterator<Item = &'static Class>,
        lag: Option<Duration>,
        launch: Launch,
    ) -> Self {
        let house = House::empty();
        house.write("scimgate.toml", CONFIGURATION);
        let (address, whereabouts) = watch::channel(None);
        let mut tenants = Vec::new();
        for class in classes {
            let lag = class.lag().map(|usual| lag.unwrap_or(usual));
            let vendor = Model::start(class, lag).await;
            let token = block_in_place(|| move_in(&house, class, lag, &vendor));
            tenants.push(Tenant {
                class,
                vendor,
                token,
                address: whereabouts.clone(),
            });
        }
        let mut stand = Self {
            house,
            served: None,
            address,
            tenants,
            log: String::new(),
            launch,
        };
        stand.start();
        stand
    }

    /// Starts the gateway and waits until it listens.
    pub(super) fn start(&mut self) {
        let served = block_in_place(|| Served::of((self.launch)(&self.house)));
        let address = served.origin.trim_start_matches("http://").parse();
        self.served = Some(served);
        self.address.send_replace(Some(address.unwrap()));
    }

    /// Ends it in the middle of what it does.
    pub(super) fn kill(&mut self) {
        self.address.send_replace(None);
        if let Some(served) = self.served.take() {
            self.log += &block_in_place(|| served.kill());
        }
    }

    /// Lets it end well and gives the log of all its lives.
    pub(super) fn end(mut self) -> String {
        self.address.send_replace(None);
        if let Some(mut served) = self.served.take() {
            self.log += &block_in_place(|| served.terminate());
        }
        assert!(!self.log.contains("panicked"), "{}", self.log);
        self.log
    }

    /// Does the same at every tenant, at the same time.
    pub(super) async fn at_every<F>(&self, act: impl Fn(Tenant) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut acting: JoinSet<()> = self.tenants.iter().cloned().map(act).collect();
        let mut failures = 0;
        while let Some(ended) = acting.join_next().await {
            failures += usize::from(ended.is_err());
        }
        assert_eq!(failures, 0, "tenants at which it failed, each told above");
    }

    pub(super) fn served(&self) -> &Served {
        self.served.as_ref().expect("it runs")
    }

    /// A probe's status and text.
    pub(super) async fn probe(&self, path: &str) -> (u16, String) {
        let address = self.served().ops.trim_start_matches("http://").parse();
        let mut connection = Connection::open(address.unwrap()).await;
        let answer = connection.send(&Request::new("GET", path)).await;
        (answer.status, text_of(&answer.body))
    }

    /// How many creates of all tenants are open, as `scimgate status` shows it.
    pub(super) fn open_creates(&self) -> u64 {
        let status: Value =
            serde_json::from_slice(&self.ask(&["--format", "json"]).stdout).unwrap();
        let tenants = status["tenants"].as_array().expect("a list of tenants");
        let open = tenants.iter().map(|tenant| &tenant["open_creates"]);
        open.map(|open| open.as_u64().expect("a number")).sum()
    }

    /// `scimgate status`.
    pub(super) fn status(&self) -> Output {
        self.ask(&[])
    }

    fn ask(&self, options: &[&str]) -> Output {
        let mut command = self.house.command(&["-c", "scimgate.toml", "status"]);
        command.args(options);
        command.env("SCIMGATE_ADMIN", &self.served().admin);
        block_in_place(|| command.output().unwrap())
    }
}

/// Writes a tenant's files and mints its token.
fn move_in(house: &House, class: &'static Class, lag: Option<Duration>, vendor: &Model) -> String {
    let name = class.name;
    house.write(&format!("adapters/{name}.toml"), &class.manifest(lag));
    house.write(&format!("scripts/{name}.rhai"), &class.script());
    let tenant = format!(
        "adapter = \"{name}\"\nbase_url = \"{}\"\ncredential = {{ key = {{ value = \"k\" }} }}\n",
        vendor.base_url
    );
    house.write(&format!("tenants/{name}.toml"), &tenant);
    let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", name]);
    assert!(minted.status.success(), "{}", text_of(&minted.stderr));
    let minted = text_of(&minted.stdout);
    minted.split_whitespace().last().unwrap().to_owned()
}

impl Tenant {
    pub(super) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("/t/{}/scim/v2{path}", self.class.name))
            .header("Authorization", &format!("Bearer {}", self.token))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Request {
        self.request("POST", path).json(body)
    }

    /// A PATCH of one operation.
    pub(super) fn patch(&self, path: &str, operation: Value) -> Request {
        self.request("PATCH", path).json(&serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation],
        }))
    }

    /// Tells when the gateway is killed, and where it is started again.
    pub(super) fn whereabouts(&self) -> watch::Receiver<Option<SocketAddr>> {
        let mut address = self.address.clone();
        address.mark_unchanged();
        address
    }

    /// The gateway's address, once it has one.
    pub(super) async fn address(&self) -> Option<SocketAddr> {
        let mut address = self.address.clone();
        let known = address.wait_for(Option::is_some).await.ok()?;
        *known
    }

    /// One request on a connection of its own; `None` if no whole answer came.
    pub(super) async fn try_send(&self, request: &Request) -> Option<Response> {
        let sent = async {
            let mut connection = Connection::try_open(self.address().await?).await.ok()?;
            connection.try_send(request).await.ok()
        };
        timeout(PATIENCE, sent).await.ok()?
    }

    /// One request to a gateway that is there.
    #[track_caller]
    pub(super) fn send<'a>(&'a self, request: &'a Request) -> impl Future<Output = Response> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.try_send(request).await;
            answer.unwrap_or_else(|| panic!("{place}: no whole answer to {request}"))
        }
    }
}
