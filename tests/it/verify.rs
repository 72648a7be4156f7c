//! `verify()` through the real program: at load, when a secret changes, at Entra's Test Connection,
//! and by `scimgate tenant test`. A vendor that does not answer holds nobody up.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::admin::until;
use crate::harness::Request;
use crate::house::{House, text_of};
use crate::serve_command::Served;

const TEST_CONNECTION: &str =
    "/t/acme/scim/v2/Users?filter=userName+eq+%22b0f1f8c2-5c3c-4a7e-9d0e-1a2b3c4d5e6f%22";

/// Finds nobody, and says of a key whether it has all rights.
#[derive(Default)]
struct Vendor {
    permits: AtomicBool,
    /// How often it was asked for the rights, by key.
    asked_by_old: AtomicUsize,
    asked_by_new: AtomicUsize,
}

impl Vendor {
    fn start(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let vendor = Arc::clone(self);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 16 << 10];
                let read = stream.read(&mut request).unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let (status, body) = vendor.answer(&request);
                let size = body.len();
                let _written = stream.write_all(
                    format!("HTTP/1.1 {status} -\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{body}").as_bytes(),
                );
            }
        });
        format!("http://{address}/v1")
    }

    fn answer(&self, request: &str) -> (u16, &'static str) {
        if request.starts_with("POST /v1/login") {
            return (404, r#"{"error": "no such path"}"#);
        }
        if !request.starts_with("GET /v1/rights") {
            return (200, r#"{"data": [], "total": 0, "pages": 1}"#);
        }
        let asked = match request.to_lowercase().contains("x-api-key: new") {
            true => &self.asked_by_new,
            false => &self.asked_by_old,
        };
        asked.fetch_add(1, Ordering::Relaxed);
        match self.permits.load(Ordering::Relaxed) {
            true => (200, r#"{"rights": "all"}"#),
            false => (403, r#"{"error": {"code": "E0999"}}"#),
        }
    }
}

/// Takes connections and never answers; counts them.
fn silent(connections: &Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::clone(connections);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().flatten() {
            held.push(stream);
            connections.fetch_add(1, Ordering::Relaxed);
        }
    });
    format!("http://{address}/v1")
}

/// With a tenant `acme` whose key stands in a file.
fn house(vendor: &Arc<Vendor>) -> House {
    let house = House::of_sosafe();
    house.edit(
        "scripts/sosafe.rhai",
        "fn find_user(field, value) {",
        "fn verify() { get(\"/rights\") }\n\nfn find_user(field, value) {",
    );
    house.tenant("acme", &vendor.start(), "k");
    house.edit("tenants/acme.toml", "value = \"k\"", "file = \"../key\"");
    house.write("key", "old");
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[catalog]\nwatch = \"off\"\n",
    );
    house
}

fn command(house: &House, served: &Served, arguments: &[&str]) -> std::process::Output {
    let arguments = [&["-c", "scimgate.toml"], arguments].concat();
    let mut command = house.command(&arguments);
    let command = command.env("SCIMGATE_ADMIN", &served.admin);
    command.output().unwrap()
}

/// The kinds of what is the matter with acme.
fn conditions(house: &House, served: &Served) -> Vec<String> {
    let told = command(house, served, &["status", "--format", "json"]);
    let status: Value = serde_json::from_slice(&told.stdout).unwrap();
    let tenants = status["tenants"].as_array().unwrap();
    let acme = tenants
        .iter()
        .find(|tenant| tenant["id"] == "acme")
        .unwrap();
    let held = acme["conditions"].as_array().unwrap().iter();
    held.map(|one| one["kind"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_verify_throws_is_a_condition_until_it_does_not_and_holds_nobody_up() {
    let (vendor, connections) = (Arc::new(Vendor::default()), Arc::default());
    let house = house(&vendor);
    // The silent ones come first, by name.
    let silent = silent(&connections);
    for number in 0..40 {
        house.tenant(&format!("aa{number}"), &silent, "k");
    }
    let mint = ["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"];
    let minted = text_of(&house.run(&mint).stdout);
    let token = minted.split_once("Secret Token: ").unwrap().1.trim();
    let mut served = Served::start(&house);
    let began = Instant::now();
    let ready = Served::send(&served.ops, &Request::new("GET", "/readyz"));
    assert_eq!(ready.status, 200);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );

    until("the missing right is told", || {
        conditions(&house, &served) == ["right_missing"]
    });
    assert!(connections.load(Ordering::Relaxed) > 0, "others hang");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(vendor.asked_by_old.load(Ordering::Relaxed), 1);

    // Test Connection fails with it, an ordinary look-up does not ask.
    assert_eq!(served.get(TEST_CONNECTION, token).status, 503);
    let nobody = "/t/acme/scim/v2/Users?filter=userName+eq+%22nobody%22";
    for _ in 0..3 {
        assert_eq!(served.get(nobody, token).status, 200);
    }
    assert_eq!(conditions(&house, &served), ["right_missing"]);
    assert_eq!(vendor.asked_by_old.load(Ordering::Relaxed), 2);

    vendor.permits.store(true, Ordering::Relaxed);
    assert_eq!(served.get(TEST_CONNECTION, token).status, 200);
    assert!(conditions(&house, &served).is_empty());

    // Another secret is verified at once.
    vendor.permits.store(false, Ordering::Relaxed);
    house.write("key", "new");
    assert!(command(&house, &served, &["reload"]).status.success());
    until("the new key is tried", || {
        conditions(&house, &served) == ["right_missing"]
    });
    assert_eq!(vendor.asked_by_new.load(Ordering::Relaxed), 1);
    let log = served.terminate();
    assert!(
        log.contains("what this tenant is set up with does not work"),
        "{log}"
    );
}

#[test]
fn tenant_test_says_what_verify_found_or_that_there_is_none() {
    let vendor = Arc::new(Vendor::default());
    let house = house(&vendor);
    let test = ["-c", "scimgate.toml", "tenant", "test", "acme"];
    let told = house.run(&test);
    assert_eq!(told.status.code(), Some(1), "{}", text_of(&told.stdout));
    let text = text_of(&told.stdout);
    assert!(text.contains("the script's verify"), "{text}");
    assert!(
        text.contains("GET /rights") && text.contains("permission missing"),
        "{text}"
    );
    vendor.permits.store(true, Ordering::Relaxed);
    let told = house.run(&test);
    assert_eq!(told.status.code(), Some(0), "{}", text_of(&told.stdout));
    assert!(!text_of(&told.stdout).contains("no verify()"));
    house.edit(
        "scripts/sosafe.rhai",
        "fn verify() { get(\"/rights\") }",
        "",
    );
    let told = house.run(&test);
    assert_eq!(told.status.code(), Some(0));
    let text = text_of(&told.stdout);
    assert!(text.contains("The adapter has no verify()"), "{text}");
}

/// A login path that the vendor does not know is told as such, and as no outage.
#[test]
fn tenant_test_says_that_the_login_leads_nowhere() {
    let url = Arc::new(Vendor::default()).start();
    let house = House::empty();
    let new = ["adapter", "new", "desk", "--credential", "key-exchange"];
    assert!(house.run(&new).status.success());
    house.write(
        "tenants/acme.toml",
        &format!(
            "adapter = \"desk\"\nbase_url = \"{url}\"\n\
             credential = {{ username = {{ value = \"u\" }}, password = {{ value = \"p\" }} }}\n"
        ),
    );
    house.write("scimgate.toml", "[catalog]\nwatch = \"off\"\n");
    let told = house.run(&["-c", "scimgate.toml", "tenant", "test", "acme"]);
    assert_eq!(told.status.code(), Some(1), "{}", text_of(&told.stdout));
    let text = text_of(&told.stdout);
    assert!(text.contains("/login") && text.contains("404"), "{text}");
    assert!(!text.contains("could not be reached"), "{text}");
}
