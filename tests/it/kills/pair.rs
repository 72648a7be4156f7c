//! Two replicas on one PostgreSQL, as processes, each with the same tenants.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::class::Class;
use super::model::{Model, REPLICA};
use crate::harness::postgres::Postgres;
use crate::harness::{Connection, Request, Response};
use crate::house::{House, text_of};
use crate::serve_command::Served;

const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
[catalog]
watch = "off"
[limits]
requests_per_second = 10000
burst = 10000
[deadline]
request_seconds = 20
[store]
postgres_url_file = "url"
pepper_file = "pepper"
"#;

/// Two processes, their database and their vendors.
pub(super) struct Pair {
    pub(super) server: Postgres,
    pub(super) houses: [House; 2],
    pub(super) served: [Option<Served>; 2],
    /// Between the first one and the database.
    pub(super) wire: Wire,
    tenants: Vec<(&'static Class, Model, String)>,
}

impl Pair {
    pub(super) async fn of(classes: &[&'static Class]) -> Self {
        let (server, url) = block_in_place(|| {
            let server = Postgres::start();
            let url = server.database();
            (server, url)
        });
        let (_, rest) = url.split_once('@').unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        let wire = Wire::to(address.parse().unwrap()).await;
        let through_wire = url.replace(address, &wire.address.to_string());
        let houses = [through_wire, url].map(|url| {
            let house = House::empty();
            house.write("scimgate.toml", CONFIGURATION);
            house.write("url", &url);
            house.write("pepper", &"0a".repeat(32));
            house
        });
        let mut tenants = Vec::new();
        for class in classes {
            let vendor = Model::start(class, class.lag()).await;
            for (number, house) in houses.iter().enumerate() {
                move_in(house, class, &vendor, number);
            }
            let token = block_in_place(|| token(&houses[1], class));
            tenants.push((*class, vendor, token));
        }
        let served = block_in_place(|| houses.each_ref().map(|house| Some(serve(house))));
        Self {
            server,
            houses,
            served,
            wire,
            tenants,
        }
    }

    pub(super) fn vendor(&self, class: &str) -> &Model {
        let mut tenants = self.tenants.iter();
        &tenants.find(|(of, ..)| of.name == class).unwrap().1
    }

    /// A request to one replica, on a connection of its own; `None` if no whole answer came.
    pub(super) fn send(
        &self,
        replica: usize,
        class: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> impl Future<Output = Option<Response>> + use<> {
        let mut tenants = self.tenants.iter();
        let (_, _, token) = tenants.find(|(of, ..)| of.name == class).unwrap();
        let request = Request::new(method, &format!("/t/{class}/scim/v2{path}"))
            .header("Authorization", &format!("Bearer {token}"));
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        let origin = &self.served[replica].as_ref().expect("it runs").origin;
        let address: SocketAddr = origin.trim_start_matches("http://").parse().unwrap();
        async move {
            let mut connection = Connection::try_open(address).await.ok()?;
            connection.try_send(&request).await.ok()
        }
    }

    /// Comes again when it is told to, as Entra does.
    pub(super) async fn until_done(
        &self,
        replica: usize,
        class: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Response {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.send(replica, class, method, path, body).await;
            let answer = answer.expect("a whole answer");
            if answer.status != 503 {
                return answer;
            }
            assert!(answer.retry_after().is_some(), "{answer}");
            assert!(Instant::now() < until, "{answer}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn make(
        &self,
        replica: usize,
        class: &str,
        path: &str,
        body: &Value,
    ) -> String {
        let made = self.until_done(replica, class, "POST", path, body).await;
        assert_eq!(made.status, 201, "{made}");
        made.json()["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn signal(&self, name: &str) {
        block_in_place(|| self.served[0].as_ref().unwrap().signal(name));
    }

    /// Processor time that both have taken so far.
    pub(super) fn cpu(&self) -> Duration {
        self.served.iter().flatten().map(Served::cpu).sum()
    }

    pub(super) fn end(mut self) {
        for served in self.served.iter_mut().flatten() {
            let log = block_in_place(|| served.terminate());
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}

/// Writes a tenant's files; its calls say which replica they come from.
fn move_in(house: &House, class: &Class, vendor: &Model, number: usize) {
    let name = class.name;
    let manifest = class.manifest(class.lag());
    let manifest = format!("{manifest}\n[headers]\n{REPLICA} = \"{number}\"\n");
    house.write(&format!("adapters/{name}.toml"), &manifest);
    house.write(&format!("scripts/{name}.rhai"), &class.script());
    let tenant = format!(
        "adapter = \"{name}\"\nbase_url = \"{}\"\ncredential = {{ key = {{ value = \"k\" }} }}\n",
        vendor.base_url
    );
    house.write(&format!("tenants/{name}.toml"), &tenant);
}

fn token(house: &House, class: &Class) -> String {
    let minted = house.run(&[
        "-c",
        "scimgate.toml",
        "token",
        "mint",
        "--tenant",
        class.name,
    ]);
    assert!(minted.status.success(), "{}", text_of(&minted.stderr));
    let minted = text_of(&minted.stdout);
    minted.split_whitespace().last().unwrap().to_owned()
}

pub(super) fn serve(house: &House) -> Served {
    Served::of(house.command(&["-c", "scimgate.toml", "serve"]))
}

/// What leads to the database. When it is cut, what was sent arrives after all once it is whole.
pub(super) struct Wire {
    address: SocketAddr,
    pub(super) is_cut: watch::Sender<bool>,
}

impl Wire {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = cut.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await?;
                    let ((asked, told), (said, ask)) = (client.into_split(), server.into_split());
                    tokio::join!(pass(asked, ask, cut.clone()), pass(said, told, cut));
                    std::io::Result::Ok(())
                });
            }
        });
        Self { address, is_cut }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut cut: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let whole = cut.wait_for(|is_cut| !is_cut).await.is_ok();
        if !whole || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

pub(super) fn patch(operations: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

pub(super) fn adding(member: &str) -> Value {
    json!({"op": "add", "path": "members", "value": [{"value": member}]})
}

pub(super) fn person(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name, "externalId": name, "active": true,
    })
}
