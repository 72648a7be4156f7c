//! What can be the matter with a tenant, through the real program: `status`, its exit status, the
//! metrics, and the alert that is made of them.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::admin::until;
use crate::harness::Request;
use crate::house::{House, text_of};
use crate::kills::disk::limited;
use crate::serve_command::Served;

/// A vendor that gives one and the same answer to everything.
fn vendor((status, body): (u16, &'static str)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _read = stream.read(&mut [0; 16 << 10]);
            let wait = if status == 429 {
                "Retry-After: 600\r\n"
            } else {
                ""
            };
            let size = body.len();
            let _written = stream.write_all(
                format!("HTTP/1.1 {status} -\r\n{wait}Content-Length: {size}\r\nConnection: close\r\n\r\n{body}").as_bytes(),
            );
        }
    });
    format!("http://{address}/v1")
}

/// A tenant, what its vendor does, how often it is asked, and what is the matter with it then.
struct Matter {
    tenant: &'static str,
    adapter: &'static str,
    vendor: Option<(u16, &'static str)>,
    asked: usize,
    condition: &'static str,
    /// Words of the cause, or of the sentence where that says all.
    says: &'static str,
}

const NOBODY: (u16, &str) = (200, r#"{"data": [], "total": 0, "pages": 1}"#);

const MATTERS: &[Matter] = &[
    Matter {
        tenant: "key",
        adapter: "sosafe",
        vendor: Some((401, "{}")),
        asked: 2,
        condition: "credential_refused",
        says: "the vendor refuses the gateway's credential",
    },
    Matter {
        tenant: "right",
        adapter: "alarmed",
        vendor: Some((403, r#"{"error": {"code": "E0999"}}"#)),
        asked: 1,
        condition: "right_missing",
        says: "the vendor answered 403 with the code E0999",
    },
    Matter {
        tenant: "setup",
        adapter: "verified",
        vendor: Some(NOBODY),
        asked: 0,
        condition: "setup_unfit",
        says: "the script throws invalid: The tenant's place is closed.",
    },
    Matter {
        tenant: "away",
        adapter: "sosafe",
        vendor: None,
        asked: 1,
        condition: "vendor_unreachable",
        says: "the call was not sent: Connection refused",
    },
    Matter {
        tenant: "page",
        adapter: "sosafe",
        vendor: Some((200, "<!doctype html><p>Log in")),
        asked: 1,
        condition: "vendor_unusable",
        says: "the vendor answered 200 with HTML instead of JSON",
    },
    Matter {
        tenant: "busy",
        adapter: "sosafe",
        vendor: Some((429, "{}")),
        asked: 3,
        condition: "vendor_busy",
        says: "the call has to wait",
    },
    Matter {
        tenant: "script",
        adapter: "broken",
        vendor: Some(NOBODY),
        asked: 1,
        condition: "script_failing",
        says: "scripts/broken.rhai:",
    },
    Matter {
        tenant: "proof",
        adapter: "unproven",
        vendor: Some(NOBODY),
        asked: 1,
        condition: "transcripts_failing",
        says: "tests/vendors/unproven/read.http:",
    },
    Matter {
        tenant: "files",
        adapter: "sosafe",
        vendor: Some(NOBODY),
        asked: 1,
        condition: "files_refused",
        says: "tenants/files.toml:4: there is no key `credentials`",
    },
    Matter {
        tenant: "ends",
        adapter: "sosafe",
        vendor: Some(NOBODY),
        asked: 1,
        condition: "token_expiring",
        says: "its last token expires at",
    },
    Matter {
        tenant: "halt",
        adapter: "sosafe",
        vendor: Some(NOBODY),
        asked: 1,
        condition: "quarantine_near",
        says: "token refused",
    },
    Matter {
        tenant: "disk",
        adapter: "sosafe",
        vendor: Some(NOBODY),
        asked: 0,
        condition: "store_not_writable",
        says: "",
    },
    Matter {
        tenant: "well",
        adapter: "sosafe",
        vendor: Some(NOBODY),
        asked: 3,
        condition: "",
        says: "",
    },
];

fn house() -> House {
    let house = House::of_sosafe();
    for name in ["broken", "unproven", "alarmed", "verified"] {
        for (directory, extension) in [("adapters", "toml"), ("scripts", "rhai")] {
            let from = format!("{directory}/sosafe.{extension}");
            house.copy(&from, &format!("{directory}/{name}.{extension}"));
        }
    }
    house.edit(
        "scripts/broken.rhai",
        "fn find_user(field, value) {",
        "fn find_user(field, value) { throw \"no way\";",
    );
    house.edit(
        "adapters/alarmed.toml",
        "[[replies.errors]]",
        "[[replies.errors]]\nstatus = 403\ncode = \"E0999\"\nmeans = \"forbidden\"\nalarm = \"renew the licence\"\n\n[[replies.errors]]",
    );
    house.edit(
        "scripts/alarmed.rhai",
        "fn find_group(field, name) {",
        "fn find_group(field, name) { try { get(\"/user-groups\") } catch { return [] }",
    );
    house.edit(
        "scripts/verified.rhai",
        "fn find_user(field, value) {",
        "fn verify() { throw invalid(\"place\", \"The tenant's place is closed.\") }\n\nfn find_user(field, value) {",
    );
    house.write(
        "tests/vendors/unproven/read.http",
        "# It is not so\n\n### Entra asks\nGET /Users/7\n\n### Vendor is called\nGET /users/8\n\n\
         ### Vendor answers\n404\n\n### Entra gets\n404\n",
    );
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[catalog]\nwatch = \"off\"\n[deadline]\nrequest_seconds = 2\n",
    );
    for matter in MATTERS {
        let url = match matter.vendor {
            None => "http://127.0.0.1:1/".to_owned(),
            Some(answer) => vendor(answer),
        };
        house.tenant(matter.tenant, &url, "k");
        let file = format!("tenants/{}.toml", matter.tenant);
        house.edit(
            &file,
            "adapter = \"sosafe\"",
            &format!("adapter = \"{}\"", matter.adapter),
        );
    }
    // The second call of a minute is held back.
    house.edit(
        "tenants/busy.toml",
        "adapter = ",
        "limits = { per_minute = 1 }\nadapter = ",
    );
    house
}

fn token(house: &House, matter: &Matter) -> String {
    let mut arguments = vec![
        "-c",
        "scimgate.toml",
        "token",
        "mint",
        "--tenant",
        matter.tenant,
    ];
    if matter.condition == "token_expiring" {
        arguments.extend(["--expires", "10d"]);
    }
    let minted = text_of(&house.run(&arguments).stdout);
    minted
        .split_once("Secret Token: ")
        .unwrap()
        .1
        .trim()
        .to_owned()
}

#[test]
fn whatever_is_the_matter_is_told_by_status_and_metrics() {
    let house = house();
    let tokens: Vec<_> = MATTERS.iter().map(|matter| token(&house, matter)).collect();
    let halt = MATTERS.iter().position(|matter| matter.tenant == "halt");
    let key = &tokens[halt.unwrap()]["scg_".len()..][..8];
    let revoke = [
        "-c",
        "scimgate.toml",
        "token",
        "revoke",
        "--tenant",
        "halt",
        "--key",
        key,
    ];
    assert!(house.run(&revoke).status.success());
    house.edit("tenants/files.toml", "credential", "credentials");
    let served = Served::of(limited(&house));
    for (matter, token) in MATTERS.iter().zip(&tokens) {
        let path = format!(
            "/t/{}/scim/v2/Users?filter=userName+eq+%22nobody%22",
            matter.tenant
        );
        for _ in 0..matter.asked {
            served.get(&path, token);
        }
    }
    // What the script catches is no alarm.
    let right = MATTERS
        .iter()
        .position(|matter| matter.tenant == "right")
        .unwrap();
    let groups = "/t/right/scim/v2/Groups?filter=displayName+eq+%22nobody%22";
    assert_eq!(served.get(groups, &tokens[right]).status, 200);
    // Nobody asked for it.
    until("setup_unfit", || {
        !of_tenant(&status(&house, &served), "setup").is_empty()
    });
    // What is counted is written now and then: before nothing can be.
    until("quarantine_near", || {
        !of_tenant(&status(&house, &served), "halt").is_empty()
    });
    fill_the_disk(&served);
    let path = "/t/disk/scim/v2/Users".to_owned();
    let disk = MATTERS
        .iter()
        .position(|matter| matter.tenant == "disk")
        .unwrap();
    let create = Request::new("POST", &path)
        .header("Authorization", &format!("Bearer {}", tokens[disk]))
        .json(&crate::harness::person());
    assert_eq!(Served::send(&served.origin, &create).status, 503);

    let status = status(&house, &served);
    assert_eq!(status["well"], false);
    let metrics = Served::send(&served.ops, &Request::new("GET", "/metrics"));
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let mut alerted = BTreeSet::new();
    for matter in MATTERS {
        let told = of_tenant(&status, matter.tenant);
        let metric = format!(
            "scimgate_tenant_condition{{condition=\"{}\",tenant=\"{}\"",
            matter.condition, matter.tenant
        );
        let lines = metrics.lines().filter(|line| {
            line.starts_with("scimgate_tenant_condition{")
                && line.contains(&format!("tenant=\"{}\"", matter.tenant))
        });
        let lines: Vec<_> = lines.collect();
        if matter.condition.is_empty() {
            assert!(told.is_empty() && lines.is_empty(), "{told:?} {lines:?}");
            continue;
        }
        let [one] = told.as_slice() else {
            panic!("{}: {told:#?}", matter.tenant);
        };
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        assert_eq!(text("kind"), matter.condition, "{}", matter.tenant);
        let said = [text("cause"), text("sentence")].concat();
        assert!(said.contains(matter.says), "{}: {said}", matter.tenant);
        let of_files = ["transcripts_failing", "files_refused"].contains(&matter.condition);
        if !text("cause").is_empty() && !of_files && matter.asked > 0 {
            told_of_a_request(&house, &served, matter, &text("cause"), &text("remedy"));
        }
        assert!(!text("remedy").is_empty() && !text("since").is_empty());
        assert!(one["count"].as_u64().unwrap() >= 1);
        let [line] = lines.as_slice() else {
            panic!("{metric}: {lines:?}");
        };
        assert!(
            line.contains(matter.condition) && line.ends_with(" 1"),
            "{line}"
        );
        alerted.insert(matter.condition);
        // One tenant alone, with its exit status.
        let of_one = command(&house, &served, &["status", "--tenant", matter.tenant]);
        assert_eq!(of_one.status.code(), Some(1), "{}", matter.tenant);
        assert!(
            text_of(&of_one.stdout).contains(&text("remedy")),
            "{}: {}",
            matter.tenant,
            text_of(&of_one.stdout)
        );
    }
    every_condition_has_an_alert(&alerted);
    let log = served.kill();
    assert_eq!(log.matches("renew the licence").count(), 1, "{log}");
    assert!(log.contains("(error row: adapters/alarmed.toml:"), "{log}");
}

fn command(house: &House, served: &Served, arguments: &[&str]) -> std::process::Output {
    let arguments = [&["-c", "scimgate.toml"], arguments].concat();
    let mut command = house.command(&arguments);
    command
        .env("SCIMGATE_ADMIN", &served.admin)
        .output()
        .unwrap()
}

/// `log` and `explain` say the same of the last request.
fn told_of_a_request(house: &House, served: &Served, matter: &Matter, cause: &str, remedy: &str) {
    let log = command(
        house,
        served,
        &["log", "--tenant", matter.tenant, "--format", "json"],
    );
    let log = text_of(&log.stdout);
    let Some(last) = log.lines().last() else {
        // Nothing of it can be written.
        return assert_eq!(matter.condition, "store_not_writable");
    };
    let last: Value = serde_json::from_str(last).unwrap();
    let name = matter.tenant;
    assert!(
        [&last["reason"], &last["detail"]]
            .iter()
            .any(|told| **told == cause),
        "{name}: {last}"
    );
    let id = last["request_id"].as_str().unwrap();
    let story = text_of(&command(house, served, &["explain", id]).stdout);
    let also = match name {
        "key" => "not sent: the vendor refused the credential before",
        "busy" => "not sent: the vendor asks to wait",
        "right" => "What to do: Renew the licence.",
        _ => "",
    };
    assert!(
        [cause, remedy, also]
            .iter()
            .all(|words| story.contains(words)),
        "{name}: {story}"
    );
}

fn status(house: &House, served: &Served) -> Value {
    let told = command(house, served, &["status", "--format", "json"]);
    assert_eq!(told.status.code(), Some(1), "{}", text_of(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

fn of_tenant(status: &Value, tenant: &str) -> Vec<Value> {
    let tenants = status["tenants"].as_array().unwrap();
    let told = tenants.iter().find(|told| told["id"] == tenant);
    told.unwrap_or_else(|| panic!("no tenant {tenant}"))["conditions"]
        .as_array()
        .unwrap()
        .clone()
}

/// No file of the process may grow, or be written at all.
fn fill_the_disk(served: &Served) {
    let limit = ["--pid", &served.pid().to_string(), "--fsize=0:unlimited"];
    let limited = Command::new("prlimit").args(limit).output().unwrap();
    assert!(limited.status.success(), "{}", text_of(&limited.stderr));
}

/// One alert is about all conditions but those that have one of their own.
fn every_condition_has_an_alert(conditions: &BTreeSet<&str>) {
    let alerts = include_str!("../../../deploy/helm/scimgate/files/alerts.yaml");
    let (_, rest) = alerts
        .split_once("scimgate_tenant_condition{condition!~\"")
        .unwrap();
    let (others, _) = rest.split_once('"').unwrap();
    for other in others.split('|') {
        let own = match other {
            "credential_refused" => "scimgate_vendor_credential_refused",
            "vendor_unreachable" => "scimgate_breaker_state",
            "store_not_writable" => "scimgate_store_errors_total",
            "token_expiring" => "scimgate_token_expiry_seconds",
            "quarantine_near" => "scimgate_tenant_quarantine_risk",
            other => panic!("{other} has no alert"),
        };
        assert!(conditions.contains(other) && alerts.contains(own), "{own}");
    }
}

/// The calls by which the gateway signs in stand in the story of the request that needed them.
#[test]
fn a_login_is_told_with_its_answer() {
    let house = House::empty();
    let new = ["adapter", "new", "desk", "--credential", "key-exchange"];
    assert!(house.run(&new).status.success());
    let url = vendor((200, r#"{"key": "k", "items": [], "total": 0}"#));
    house.write(
        "tenants/acme.toml",
        &format!(
            "adapter = \"desk\"\nbase_url = \"{url}\"\n\
             credential = {{ username = {{ value = \"u\" }}, password = {{ value = \"p\" }} }}\n"
        ),
    );
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[catalog]\nwatch = \"off\"\n[log]\nreads = \"all\"\n",
    );
    let mint = ["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"];
    let minted = text_of(&house.run(&mint).stdout);
    let token = minted.split_once("Secret Token: ").unwrap().1.trim();
    let mut served = Served::start(&house);
    let path = "/t/acme/scim/v2/Users?filter=userName+eq+%22nobody%22";
    for told in [true, false] {
        let answer = served.get(path, token);
        assert_eq!(answer.status, 200);
        let story = command(&house, &served, &["explain", answer.header("x-request-id")]);
        let story = text_of(&story.stdout);
        let login = "signed in to the vendor: POST /login → 200";
        assert_eq!(story.contains(login), told, "{story}");
    }
    served.terminate();
}
