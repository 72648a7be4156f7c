//! Faults, journal, counters, clock and the control port, over real sockets with SoSafe behind.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Action, Drip, Emulator, Fault, Status};
use crate::sosafe::{Client, Options, start};
use crate::testing::{self, Reply};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn emulator() -> Emulator {
    start(Options::default()).unwrap()
}

fn call(emulator: &Emulator, line: &str, body: Value) -> Result<Reply, String> {
    patient_call(emulator, line, body, Duration::from_secs(10))
}

fn patient_call(
    emulator: &Emulator,
    line: &str,
    body: Value,
    patience: Duration,
) -> Result<Reply, String> {
    let client = Client::default();
    let headers = [
        ("X-Api-Key", client.api_key.as_str()),
        ("X-Idp-Tenant", client.idp_tenant.as_str()),
    ];
    let (method, path) = line.split_once(' ').unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    testing::send(
        method,
        &format!("{}{path}", emulator.base_url()),
        &headers,
        body.as_bytes(),
        patience,
    )
}

fn control(emulator: &Emulator, line: &str, body: Value) -> Reply {
    let (method, name) = line.split_once(' ').unwrap();
    let url = format!("{}/{name}", emulator.control_url());
    testing::send_json(method, &url, &[], &body)
}

fn ada() -> Value {
    json!({"login": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"})
}

fn users(emulator: &Emulator) -> usize {
    emulator.state()["clients"][0]["users"]
        .as_array()
        .unwrap()
        .len()
}

/// Creates a user under a fault: what the caller sees, and whether the vendor has the user.
fn create_under(action: Action) -> (Result<Reply, String>, bool) {
    let emulator = emulator();
    emulator.faults(vec![Fault::new("POST", "/users", action)]);
    let reply = patient_call(&emulator, "POST /users", ada(), Duration::from_secs(1));
    (reply, users(&emulator) == 1)
}

#[test]
fn a_broken_connection_before_and_after_the_work() {
    let check = |action: Action, error: &str, done: bool| {
        let name = action.name();
        let (reply, has) = create_under(action);
        let seen = reply.expect_err(name);
        assert!(seen.contains(error), "{name}: {seen}");
        assert_eq!(has, done, "{name}");
    };
    check(Action::DropBefore, "broken", false);
    check(Action::DropAfter, "broken", true);
    check(Action::BlackHole, "silence", false);
    check(Action::DelayAfterMs(5_000), "silence", true);
    check(Action::Truncate(20), "broken", true);
    check(Action::Truncate(1_000_000), "broken", true);
    check(
        Action::Drip(Drip {
            bytes: 1,
            every_ms: 50,
        }),
        "silence",
        true,
    );
}

#[test]
fn a_wrong_answer_before_and_after_the_work() {
    let check = |action: Action, status: u16, done: bool| {
        let name = action.name();
        let (reply, has) = create_under(action);
        let reply = reply.expect(name);
        assert_eq!((reply.status, has), (status, done), "{name}");
        reply
    };
    let page = check(Action::Html502, 502, false);
    assert!(page.header("content-type") == "text/html" && page.body.starts_with(b"<html>"));
    let away = check(Action::Redirect("http://127.0.0.1:1/".into()), 307, false);
    assert_eq!(away.header("location"), "http://127.0.0.1:1/");
    let headers = [
        ("retry-after".to_owned(), "7".to_owned()),
        ("Content-Type".to_owned(), "text/plain".to_owned()),
    ];
    let own = Status {
        code: 503,
        headers: headers.into(),
        body: "later".into(),
        after: false,
    };
    let reply = check(Action::Status(own), 503, false);
    assert_eq!(
        (reply.header("retry-after"), reply.header("content-type")),
        ("7", "text/plain")
    );
    assert_eq!(reply.body, "later");
    check(
        Action::Status(Status {
            after: true,
            ..504.into()
        }),
        504,
        true,
    );
    let huge = check(Action::Huge(3_000_000), 201, true);
    assert!(huge.body.len() > 3_000_000 && huge.json()["id"] == 18001);
    let stranger = check(Action::WrongUser, 201, true);
    assert_eq!(stranger.json()["email"], "stranger@example.invalid");
    let slow = check(
        Action::Drip(Drip {
            bytes: 200,
            every_ms: 5,
        }),
        201,
        true,
    );
    assert_eq!(slow.json()["email"], "ada@example.com");
}

#[test]
fn a_truncated_body_arrives_up_to_the_cut() {
    use std::io::{Read, Write};
    let emulator = emulator();
    emulator.faults(vec![Fault::new("GET", "/client", Action::Truncate(10))]);
    let authority = emulator
        .base_url()
        .strip_prefix("http://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    let idp_tenant = Client::default().idp_tenant;
    write!(stream, "GET /provisioning/v1/client HTTP/1.1\r\nhost: x\r\nx-api-key: demo-key\r\nx-idp-tenant: {idp_tenant}\r\n\r\n").unwrap();
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    assert!(reply.ends_with("\r\n\r\n{\"client\":"), "{reply}");
}

#[test]
fn wrong_user_shows_another_row_of_the_same_customer() {
    let emulator = emulator();
    let bob =
        json!({"login": "bob", "email": "bob@example.com", "first_name": "Bob", "last_name": "B"});
    emulator
        .seed(json!({"clients": [{"users": [ada(), bob]}]}))
        .unwrap();
    emulator.faults(vec![Fault::new("GET", "/users**", Action::WrongUser)]);
    let row = call(&emulator, "GET /users/18001", Value::Null)
        .unwrap()
        .json();
    assert_eq!(row["email"], "bob@example.com");
    let page = call(&emulator, "GET /users?email=bob@example.com", Value::Null)
        .unwrap()
        .json();
    assert_eq!(page["data"][0]["email"], "ada@example.com");
}

#[test]
fn a_fault_meets_the_nth_or_every_nth_call_it_matches() {
    let emulator = emulator();
    let statuses = |faults: Vec<Fault>, lines: &[&str]| -> Vec<u16> {
        emulator.faults(faults);
        lines
            .iter()
            .map(|line| call(&emulator, line, Value::Null).unwrap().status)
            .collect()
    };
    let status = |code: u16| Action::Status(code.into());
    let lines = [
        "GET /client",
        "GET /users",
        "GET /users",
        "GET /users?page=2",
        "GET /users",
    ];
    assert_eq!(
        statuses(
            vec![Fault::new("GET", "/users", status(500)).nth(2)],
            &lines
        ),
        [200, 200, 500, 200, 200]
    );
    assert_eq!(
        statuses(
            vec![Fault::new("get", "/users", status(500)).every(2)],
            &lines
        ),
        [200, 200, 500, 200, 500]
    );
    assert_eq!(
        statuses(vec![Fault::new("*", "/users?page=*", status(500))], &lines),
        [200, 200, 200, 500, 200]
    );
    assert_eq!(
        statuses(vec![Fault::new("POST", "**", status(500))], &lines),
        [200; 5]
    );
    let two = vec![
        Fault::new("*", "**", status(500)).nth(1),
        Fault::new("*", "**", status(501)).nth(2),
    ];
    assert_eq!(statuses(two, &lines), [500, 501, 200, 200, 200]);
    assert_eq!(
        statuses(
            vec![Fault::new("*", "**", status(500)).client(4711)],
            &lines
        ),
        [500; 5]
    );
    assert_eq!(
        statuses(
            vec![Fault::new("*", "**", status(500)).client(4712)],
            &lines
        ),
        [200; 5]
    );
    assert_eq!(statuses(Vec::new(), &lines), [200; 5]);
}

#[test]
fn delays_add_up_and_join_other_faults() {
    let emulator = emulator();
    let delay = |ms| Fault::new("GET", "/client", Action::DelayMs(ms));
    emulator.faults(vec![
        delay(60),
        delay(60),
        Fault::new("GET", "/client", Action::Status(503.into())),
    ]);
    let began = Instant::now();
    assert_eq!(
        call(&emulator, "GET /client", Value::Null).unwrap().status,
        503
    );
    assert!(began.elapsed() >= Duration::from_millis(120));
    emulator.faults(Vec::new());
    emulator.set_latency(Duration::from_millis(80));
    let began = Instant::now();
    assert_eq!(
        call(&emulator, "GET /client", Value::Null).unwrap().status,
        200
    );
    assert!(began.elapsed() >= Duration::from_millis(80));
}

#[test]
fn the_work_goes_on_when_the_caller_hangs_up() {
    let emulator = emulator();
    emulator.faults(vec![Fault::new("POST", "/users", Action::DelayMs(1_200))]);
    let reply = patient_call(&emulator, "POST /users", ada(), Duration::from_millis(600));
    assert_eq!(
        (reply.unwrap_err().as_str(), users(&emulator)),
        ("silence", 0)
    );
    let deadline = Instant::now() + Duration::from_secs(5);
    while users(&emulator) == 0 {
        assert!(Instant::now() < deadline, "the work was given up");
        #[expect(clippy::disallowed_methods, reason = "this thread has no runtime")]
        std::thread::sleep(Duration::from_millis(5));
    }
    let entry = &emulator.journal()[0];
    assert_eq!((entry.decided, entry.answered), (Some(201), None));
}

#[test]
fn the_journal_has_every_call_without_its_key() {
    let emulator = emulator();
    emulator.faults(vec![Fault::new("POST", "/users", Action::DropAfter).nth(1)]);
    call(&emulator, "POST /users", ada()).unwrap_err();
    call(&emulator, "GET /users?email=a%40b", Value::Null).unwrap();
    let url = format!("{}/client", emulator.base_url());
    testing::send(
        "GET",
        &url,
        &[("authorization", "Bearer s3cret")],
        b"",
        Duration::from_secs(5),
    )
    .unwrap();

    let journal = emulator.journal();
    let [create, find, stranger] = journal.as_slice() else {
        panic!("{journal:?}")
    };
    assert_eq!(
        (create.method.as_str(), create.path.as_str(), create.route),
        ("POST", "/users", "POST /users")
    );
    assert_eq!(
        (create.decided, create.answered, create.fault),
        (Some(201), None, Some("drop_after"))
    );
    assert_eq!(
        (find.path.as_str(), find.decided, find.answered),
        ("/users?email=a%40b", Some(200), Some(200))
    );
    assert_eq!(
        (create.client.as_deref(), stranger.client.as_deref()),
        (Some("4711"), None)
    );
    assert_eq!(
        (stranger.answered, stranger.body_hash.as_deref()),
        (Some(401), None)
    );
    assert_eq!(create.body.as_deref(), Some(ada().to_string().as_str()));

    let quiet =
        String::from_utf8(control(&emulator, "GET journal", Value::Null).body.to_vec()).unwrap();
    let full = String::from_utf8(
        control(&emulator, "GET journal?bodies=1", Value::Null)
            .body
            .to_vec(),
    )
    .unwrap();
    assert!(!quiet.contains("ada@example.com") && full.contains("ada@example.com"));
    assert!(quiet.contains(create.body_hash.as_deref().unwrap()));
    assert!(!full.contains("demo-key") && !full.contains("s3cret"));
}

#[test]
fn the_counters_tell_mistakes_from_faults() {
    let emulator = emulator();
    emulator.faults(vec![Fault::new(
        "GET",
        "/client",
        Action::Status(400.into()),
    )]);
    for (line, body) in [
        ("POST /users", ada()),
        ("POST /users", ada()),
        ("GET /client", Value::Null),
        ("GET /users/1", Value::Null),
    ] {
        call(&emulator, line, body).unwrap();
    }
    let expect = json!({
        "calls": 4, "writes": 2, "refused": 2, "duplicates": 1,
        "by_route": {"GET /client": 1, "GET /users/{id}": 1, "POST /users": 2},
    });
    assert_eq!(serde_json::to_value(emulator.counters()).unwrap(), expect);
    assert_eq!(
        control(&emulator, "GET counters", Value::Null).json(),
        expect
    );
    assert_eq!(
        (
            emulator.counters().of("POST /users"),
            emulator.counters().of("GET /users")
        ),
        (2, 0)
    );
}

#[test]
fn the_control_port_does_what_the_rust_side_does() {
    let emulator = emulator();
    let done = |line: &str, body: Value| {
        assert_eq!(
            control(&emulator, line, body.clone()).status,
            204,
            "{line} {body}"
        )
    };
    done("POST seed", json!({"clients": [{"users": [ada()]}]}));
    assert_eq!(
        control(&emulator, "GET state", Value::Null).json(),
        emulator.state()
    );
    done(
        "POST faults",
        json!([
            {"match": {"method": "GET", "path": "/users/*", "nth": 1}, "do": {"status": {"code": 503, "headers": {"retry-after": "1"}}}},
            {"match": {"path": "/users/*", "every": 2}, "do": "drop_before"},
            {"match": {"client": "4712"}, "do": "black_hole"},
            {"match": {"method": "PUT"}, "do": {"drip": {"bytes": 1, "every_ms": 10}}},
            {"match": {"method": "PUT"}, "do": {"delay_ms": 1}},
            {"match": {"method": "PUT"}, "do": "html_502"},
        ]),
    );
    assert_eq!(
        call(&emulator, "GET /users/18001", Value::Null)
            .unwrap()
            .header("retry-after"),
        "1"
    );
    call(&emulator, "GET /users/18001", Value::Null).unwrap_err();
    let before = emulator.clock().now();
    done("POST clock", json!({"advance_days": 30, "stop": true}));
    let days = emulator.clock().now().duration_since(before).as_secs() / 86_400;
    assert_eq!(days, 30);
    assert_eq!(emulator.clock().now(), emulator.clock().now());
    done("POST limits", json!({"first_sync_running": true}));
    assert_eq!(
        call(&emulator, "GET /client", Value::Null).unwrap().status,
        503
    );
    done("POST latency", json!({"ms": 1}));
    done("POST reset", Value::Null);
    assert_eq!(
        call(&emulator, "GET /client", Value::Null).unwrap().status,
        200
    );
    assert_eq!(
        (
            users(&emulator),
            emulator.journal().len(),
            emulator.counters().calls
        ),
        (0, 1, 1)
    );
}

#[test]
fn a_control_message_with_a_mistake_changes_nothing() {
    let emulator = emulator();
    let check = |line: &str, body: Value, status: u16| {
        let reply = control(&emulator, line, body.clone());
        assert_eq!(reply.status, status, "{line} {body}");
        assert!(reply.json()["error"].is_string());
    };
    check(
        "POST faults",
        json!([{"match": {"verb": "GET"}, "do": "drop_before"}]),
        400,
    );
    check("POST faults", json!([{"do": "explode"}]), 400);
    check("POST faults", json!({}), 400);
    check("POST limits", json!({"rate": {"per_hour": 1}}), 400);
    check("POST clock", json!({"advance_ms": -1}), 400);
    check("POST seed", json!({"clients": [{"client": 1}]}), 400);
    check("POST nothing", json!({}), 404);
    check("GET nothing", json!({}), 404);
    check("PUT faults", json!([]), 405);
    assert_eq!(
        call(&emulator, "GET /client", Value::Null).unwrap().status,
        200
    );
}

#[test]
fn a_dropped_emulator_frees_its_ports() {
    let emulator = emulator();
    let url = format!("{}/client", emulator.base_url());
    drop(emulator);
    testing::send("GET", &url, &[], b"", Duration::from_secs(5)).unwrap_err();
}
