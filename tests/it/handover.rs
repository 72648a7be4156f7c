//! Two instances on one PostgreSQL that hand over to each other, again and again, under load: whoever
//! stops serves what comes until nobody sends to it any more.
//!
//! `SCIMGATE_HANDOVERS=50 cargo test --test it handover` plays more of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, sleep, sleep_until};

use scimgate::demo::emulator::sosafe;

use crate::harness::postgres::Postgres;
use crate::harness::{Connection, Request, Tenant};
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// Clients, each with one connection that it keeps, and what each sends in a second.
const CLIENTS: usize = 10;
const A_SECOND: u32 = 10;
/// How long it takes those who send to notice that one stops.
const NOTICED_AFTER: Duration = Duration::from_millis(300);

/// Where requests go, and what became of them.
struct World {
    instances: Mutex<Vec<SocketAddr>>,
    token: String,
    over: AtomicBool,
    answered: AtomicUsize,
    made: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl World {
    fn pick(&self, number: usize) -> SocketAddr {
        let instances = self.instances.lock().unwrap();
        instances[number % instances.len()]
    }

    /// A connection to one that listens: whoever is refused one goes to the next.
    async fn connect(&self, mut number: usize) -> Connection {
        loop {
            if let Ok(connection) = Connection::try_open(self.pick(number)).await {
                return connection;
            }
            number += 1;
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn request(&self, client: usize, number: usize) -> Request {
        let credential = format!("Bearer {}", self.token);
        if number.is_multiple_of(2) {
            let path = "/scim/v2/Users?filter=userName+eq+%22nobody%40example.com%22";
            return Request::new("GET", path).header("Authorization", &credential);
        }
        let name = format!("u{client}-{number}@example.com");
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "externalId": name,
            "active": true,
            "name": { "givenName": "U", "familyName": "V" },
            "emails": [{ "type": "work", "primary": true, "value": name }],
        });
        let request = Request::new("POST", "/scim/v2/Users").json(&user);
        request.header("Authorization", &credential)
    }

    async fn send(&self, client: usize) {
        let mut connection = None;
        let mut due = Instant::now();
        for number in 0.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let mut held = match connection.take() {
                Some(held) => held,
                None => self.connect(client + number).await,
            };
            let request = self.request(client, number);
            match held.try_send(&request).await {
                Ok(answer) if answer.status < 300 => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    self.made
                        .fetch_add(usize::from(answer.status == 201), Ordering::Relaxed);
                    connection = (answer.header("connection") != "close").then_some(held);
                }
                Ok(answer) => self.failed.lock().unwrap().push(answer.to_string()),
                Err(error) => self.failed.lock().unwrap().push(format!("{error:?}")),
            }
            due += Duration::from_secs(1) / A_SECOND;
            sleep_until(due).await;
        }
    }
}

fn handovers() -> usize {
    let wanted = std::env::var("SCIMGATE_HANDOVERS").ok();
    wanted.map_or(10, |text| text.parse().expect("a number of handovers"))
}

fn address(served: &Served) -> SocketAddr {
    served.origin.trim_start_matches("http://").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_hand_over_without_a_request_lost_or_carried_out_twice() {
    let vendor = sosafe::start(sosafe::Options::default()).unwrap();
    let database = block_in_place(Postgres::shared);
    let house = House::of_sosafe();
    house.write("url", &block_in_place(|| database.database()));
    house.write("pepper", &"0a".repeat(32));
    let key = sosafe::Client::default().api_key;
    house.tenant("acme", vendor.base_url(), &key);
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"\"\n[admin]\nlisten = \"\"\n\
         [limits]\nrequests_per_second = 1000\n[log]\nfilter = \"warn\"\n\
         [store]\npostgres_url_file = \"url\"\npepper_file = \"pepper\"\n",
    );
    let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&minted.stdout);
    let mut running = Served::start(&house);
    let world = Arc::new(World {
        instances: Mutex::new(vec![address(&running)]),
        token: minted.split_whitespace().last().unwrap().to_owned(),
        over: AtomicBool::new(false),
        answered: AtomicUsize::new(0),
        made: AtomicUsize::new(0),
        failed: Mutex::default(),
    });
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let world = Arc::clone(&world);
        clients.spawn(async move { world.send(client).await });
    }
    for _ in 0..handovers() {
        let next = Served::start(&house);
        world.instances.lock().unwrap().push(address(&next));
        let mut old = std::mem::replace(&mut running, next);
        old.signal("TERM");
        sleep(NOTICED_AFTER).await;
        world.instances.lock().unwrap().remove(0);
        old.ended();
    }
    world.over.store(true, Ordering::Relaxed);
    clients.join_all().await;
    let failed = std::mem::take(&mut *world.failed.lock().unwrap());
    assert_eq!(failed, Vec::<String>::new());
    let made = world.made.load(Ordering::Relaxed);
    assert!(world.answered.load(Ordering::Relaxed) > 50 && made > 20);
    let tenant = Tenant::at(address(&running), "/scim/v2", &world.token);
    let all = tenant.get("/Users?count=1").await;
    assert_eq!(all.json()["totalResults"], made, "{all}");
    running.terminate();
}
