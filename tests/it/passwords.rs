//! What is set and never shown, a password, stands in no answer, log, store and dry run.

use std::path::Path;
use std::time::Duration;

use scimgate::demo::emulator::reference;
use serde_json::json;

use crate::admin::until;
use crate::harness::Request;
use crate::house::{House, text_of};
use crate::serve_command::Served;

const SECRETS: [&str; 3] = [
    "first-secret-4711",
    "second-secret-4712",
    "third-secret-4713",
];

/// The files below a directory that hold one of the secrets.
fn holding(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path));
        } else {
            let held = std::fs::read(&path).unwrap_or_default();
            let held = String::from_utf8_lossy(&held);
            if SECRETS.iter().any(|secret| held.contains(secret)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn a_password_reaches_the_vendor_and_nobody_else() {
    let vendor = reference::start(Duration::ZERO).unwrap();
    let house = House::of_vendor("reference");
    house.write(
        "tenants/acme.toml",
        &format!(
            "adapter = \"reference\"\nprofile = \"strict\"\nbase_url = \"{}\"\ncredential = {{ key = {{ value = \"{}\" }} }}\n",
            vendor.base_url(),
            reference::KEY
        ),
    );
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nfilter = \"trace\"\nreads = \"all\"\nidentity = \"full\"\n",
    );
    let mint = ["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"];
    let minted = text_of(&house.run(&mint).stdout);
    let token = minted.split_once("Secret Token: ").unwrap().1.trim();
    let mut served = Served::start(&house);
    let send = |method: &'static str, path: &str, body: serde_json::Value| {
        let path = format!("/t/acme/scim/v2{path}");
        let request = Request::new(method, &path)
            .header("Authorization", &format!("Bearer {token}"))
            .json(&body);
        let answer = Served::send(&served.origin, &request);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            !SECRETS.iter().any(|secret| text.contains(secret)),
            "{text}"
        );
        (answer.status, text)
    };
    let user = |secret: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ada@example.com", "password": secret,
        })
    };
    let (status, made) = send("POST", "/Users", user(SECRETS[0]));
    assert_eq!(status, 201, "{made}");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "password", "value": SECRETS[1]}],
    });
    assert_eq!(send("PATCH", &path, patch).0, 200);
    assert_eq!(send("PUT", &path, user(SECRETS[2])).0, 200);
    assert!(
        vendor.state().to_string().contains(SECRETS[2]),
        "the vendor has it"
    );
    let last = served_id(&house, &served);
    for command in [vec!["log", "--format", "json"], vec!["explain", &last]] {
        let told = command_at(&house, &served, &command);
        assert!(
            !SECRETS.iter().any(|secret| told.contains(secret)),
            "{told}"
        );
    }
    let log = served.terminate();
    assert!(!SECRETS.iter().any(|secret| log.contains(secret)), "{log}");
    assert_eq!(holding(house.path()), [] as [String; 0]);
}

fn command_at(house: &House, served: &Served, arguments: &[&str]) -> String {
    let mut command = house.command(&[&["-c", "scimgate.toml"], arguments].concat());
    let output = command
        .env("SCIMGATE_ADMIN", &served.admin)
        .output()
        .unwrap();
    text_of(&[output.stdout, output.stderr].concat())
}

/// The id of the last of the three requests in the log, which is written after they are answered.
fn served_id(house: &House, served: &Served) -> String {
    let mut log = String::new();
    until("three requests in the log", || {
        log = command_at(house, served, &["log", "--format", "json"]);
        log.lines().count() == 3
    });
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    last["request_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_dry_run_shows_that_a_password_is_sent_and_not_which() {
    let house = House::of_vendor("reference");
    let create = "tests/vendors/reference/create-user.http";
    house.copy(create, create);
    house.write(
        "requests.http",
        &format!(
            "@profile strict\n\n### Entra asks\nPOST /Users\n\n{{\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \"userName\": \"ada@example.com\", \"password\": \"{}\"}}\n",
            SECRETS[0]
        ),
    );
    for format in ["human", "json"] {
        let arguments = [
            "dry-run",
            "--vendor",
            "reference",
            "requests.http",
            "--format",
            format,
        ];
        let output = house.run(&arguments);
        let told = text_of(&[output.stdout, output.stderr].concat());
        assert!(told.contains("password") && told.contains("***"), "{told}");
        assert!(!told.contains(SECRETS[0]), "{told}");
    }
}
