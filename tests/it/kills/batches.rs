//! A vendor that takes six jobs a minute, before two replicas that are started and killed: no sixty
//! seconds see a seventh job.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::emulator::wss::{Account, Limits, Options, start};
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::sleep;

use super::pair::person;
use crate::harness::postgres::Postgres;
use crate::harness::{Connection, Request};
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// What `adapters/wss.toml` allows in any sixty seconds.
const LIMIT: usize = 6;

const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
[catalog]
watch = "off"
[store]
postgres_url_file = "url"
pepper_file = "pepper"
"#;

/// A replica, and where it is now.
struct Replica {
    served: Served,
    address: Arc<Mutex<SocketAddr>>,
    senders: Vec<JoinHandle<()>>,
}

impl Replica {
    /// Three who create people all the time, so that a batch always waits for the limit.
    fn start(house: &House, number: usize, token: &str) -> Self {
        let served = Served::start(house);
        let address = Arc::new(Mutex::new(address(&served)));
        let senders = (0..3).map(|sender| {
            let (address, token) = (Arc::clone(&address), token.to_owned());
            let name = format!("one{number}-{sender}");
            tokio::spawn(async move { create_all(&name, &address, &token).await })
        });
        Self {
            senders: senders.collect(),
            served,
            address,
        }
    }

    fn kill_and_start_again(&mut self, house: &House) {
        self.served.signal("KILL");
        self.served = Served::start(house);
        *self.address.lock().unwrap() = address(&self.served);
    }
}

fn address(served: &Served) -> SocketAddr {
    let address = served.origin.trim_start_matches("http://");
    address.parse().unwrap()
}

/// Creates one person after another. What was under way when a replica died is left to others: the
/// next batch must not wait for it.
async fn create_all(name: &str, address: &Mutex<SocketAddr>, token: &str) {
    for number in 0.. {
        let request = Request::new("POST", "/t/acme/scim/v2/Users")
            .header("Authorization", &format!("Bearer {token}"))
            .json(&person(&format!("{name}-{number}@example.com")));
        let address = *address.lock().unwrap();
        let sent = async {
            let mut connection = Connection::try_open(address).await.ok()?;
            connection.try_send(&request).await.ok()
        };
        match sent.await.map(|answer| answer.status) {
            Some(201) => {}
            Some(503) | None => sleep(Duration::from_millis(100)).await,
            Some(status) => panic!("{status}"),
        }
    }
}

fn house(url: &str, vendor: &Emulator) -> House {
    let house = House::of_vendor("wss");
    house.write("scimgate.toml", CONFIGURATION);
    house.write("url", url);
    house.write("pepper", &"0a".repeat(32));
    let account = Account::default();
    let tenant = format!(
        "adapter = \"wss\"\nbase_url = \"{}\"\nsettings = {{ account = \"{}\" }}\n\
         [credential]\nusername = {{ value = \"{}\" }}\npassword = {{ value = \"{}\" }}\n",
        vendor.base_url(),
        account.account_id,
        account.username,
        account.password,
    );
    house.write("tenants/acme.toml", &tenant);
    house
}

/// When the vendor got each job.
fn jobs(vendor: &Emulator) -> Vec<Timestamp> {
    let journal = vendor.journal();
    let jobs = journal.iter().filter(|call| call.route == "POST /jobs");
    jobs.map(|job| job.time.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sixty_seconds_see_more_batches_than_the_limit() {
    let (_server, url) = block_in_place(|| {
        let server = Postgres::shared();
        let url = server.database();
        (server, url)
    });
    let vendor = start(Options::default()).unwrap();
    // Who sends too many is counted, and not refused.
    let generous = Limits {
        submits_per_minute: 600,
        ..Limits::default()
    };
    vendor.set_limits(generous).unwrap();
    let houses = [(); 2].map(|()| house(&url, &vendor));
    let minted = houses[0].run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&minted.stdout);
    let token = minted.split_whitespace().last().unwrap();
    let one = block_in_place(|| Replica::start(&houses[0], 0, token));
    sleep(Duration::from_secs(3)).await;
    let other = block_in_place(|| Replica::start(&houses[1], 1, token));
    let mut replicas = [one, other];
    // One before the other notices what became of the one before, and one afterwards.
    for (seconds, number) in [(3, 1), (9, 0), (3, 1), (9, 0)] {
        sleep(Duration::from_secs(seconds)).await;
        block_in_place(|| replicas[number].kill_and_start_again(&houses[number]));
    }
    sleep(Duration::from_secs(35)).await;
    let sent = jobs(&vendor);
    for replica in replicas {
        replica.senders.iter().for_each(JoinHandle::abort);
        let log = block_in_place(|| replica.served.kill());
        assert!(!log.contains("panicked"), "{log}");
    }
    let seconds: Vec<_> = sent
        .iter()
        .map(|at| at.duration_since(sent[0]).as_secs_f64())
        .collect();
    eprintln!("jobs after so many seconds: {seconds:.1?}");
    for (place, first) in seconds.iter().enumerate() {
        let within = seconds[place..].iter().take_while(|at| **at < first + 60.0);
        let within = within.count();
        assert!(within <= LIMIT, "{within} jobs from {first:.1} s on");
    }
    assert!(seconds.len() + 1 >= LIMIT, "the limit is used");
}
