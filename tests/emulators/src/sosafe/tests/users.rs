//! Users: creation in two steps, merge, uniqueness, archive, look-ups, locks.

use super::*;
use crate::kit::{Action, Fault};

#[test]
fn a_new_row_is_pending_and_shows_every_field() {
    let sosafe = SoSafe::start();
    sosafe.emulator.stop_clock();
    let mut body = person("Ada");
    body["content_language"] = json!("de_CH");
    body["external_ref"] = json!("0b1c");
    body["address"] = json!({"street": "Hauptstr.", "house_no": "5a", "country": "Schweiz"});
    let row = sosafe.ok("POST /users", body, 201);
    let now = format!("{:.0}", sosafe.emulator.clock().now());
    let expect = json!({
        "id": 18001, "status": "PENDING", "login": "Ada@example.com", "email": "ada@example.com",
        "first_name": "Ada", "last_name": "Lovelace", "display_name": null, "job_title": null,
        "content_language": "de_CH", "salutation_line": null, "academic_degree": null, "name_suffix": null,
        "phone": null, "external_ref": "0b1c", "nickname": null, "category": null, "ui_locale": null, "tz": null,
        "personnel_no": null, "ext1": null, "company": null, "ext2": null, "department": null,
        "address": {"text": null, "street": "Hauptstr.", "house_no": "5a", "city": null, "state": null, "zip": null, "country": "Schweiz"},
        "user_group": null, "created_at": now, "updated_at": now,
    });
    assert_eq!(row, expect);
    assert!(row["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(sosafe.ok("GET /users/18001", Value::Null, 200), row);
}

#[test]
fn what_a_body_may_not_say() {
    let sosafe = SoSafe::start();
    let check = |body: Value, field: &str| {
        sosafe.refused("POST /users", body, (400, "E1007", field));
    };
    for field in ["login", "email", "first_name", "last_name"] {
        let mut body = person("ada");
        body.as_object_mut().unwrap().remove(field);
        check(body, field);
        check(person_with("ada", field, Value::Null), field);
        check(person_with("ada", field, json!("")), field);
    }
    check(person_with("ada", "gender", json!("Other")), "gender");
    check(
        person_with("ada", "address.city", json!("Bern")),
        "address.city",
    );
    check(
        person_with("ada", "address", json!({"planet": "Erde"})),
        "address.planet",
    );
    check(person_with("ada", "address", json!("Bern")), "address");
    check(
        person_with("ada", "address", json!({"country": "CH"})),
        "address.country",
    );
    check(
        person_with("ada", "display_name", json!("x".repeat(121))),
        "display_name",
    );
    check(
        person_with("ada", "external_ref", json!("x".repeat(65))),
        "external_ref",
    );
    check(
        person_with("ada", "content_language", json!("de-CH")),
        "content_language",
    );
    check(
        person_with("ada", "personnel_no", json!(42)),
        "personnel_no",
    );
    for field in ["id", "status", "created_at", "updated_at"] {
        check(person_with("ada", field, json!("ACTIVE")), field);
    }
    sosafe.refused("POST /users", json!([]), (400, "E1000", ""));
    sosafe.refused("POST /users", Value::Null, (400, "E1000", ""));
    assert_eq!(sosafe.ok("GET /users", Value::Null, 200)["total"], 0);
}

#[test]
fn only_the_customers_domains_come_in() {
    let sosafe = SoSafe::of(Client {
        domains: vec!["Example.com".into()],
        ..Client::default()
    });
    let id = sosafe.user("ada");
    let stranger = person_with("bob", "email", json!("bob@example.org"));
    sosafe.refused("POST /users", stranger, (422, "E1105", "email"));
    let line = format!("PATCH /users/{id}");
    sosafe.refused(
        &line,
        json!({"email": "ada@sub.example.com"}),
        (422, "E1105", "email"),
    );
    sosafe.ok(&line, json!({"email": "Ada2@EXAMPLE.com"}), 200);
}

#[test]
fn an_email_and_a_login_are_taken_ignoring_case() {
    let sosafe = SoSafe::start();
    let (ada, bob) = (sosafe.user("ada"), sosafe.user("bob"));
    let check = |line: &str, body: Value, code: &str, field: &str, by: u64| {
        let error = sosafe.refused(line, body, (400, code, field));
        assert_eq!(error["existing_id"], by);
    };
    let line = format!("PATCH /users/{bob}");
    check(
        "POST /users",
        person_with("eve", "email", json!("ADA@example.com")),
        "E1001",
        "email",
        ada,
    );
    check(
        "POST /users",
        person_with("eve", "login", json!("ADA@example.com")),
        "E1002",
        "login",
        ada,
    );
    check(
        &line,
        json!({"email": "Ada@example.com"}),
        "E1001",
        "email",
        ada,
    );
    check(
        &line,
        json!({"login": "ADA@EXAMPLE.COM"}),
        "E1002",
        "login",
        ada,
    );
    sosafe.ok(&line, json!({"login": "BOB@example.com"}), 200);
    sosafe.ok(&line, json!({"email": "robert@example.com"}), 200);
    sosafe.ok(
        "POST /users",
        person_with("new", "email", json!("bob@example.com")),
        201,
    );
    assert_eq!(sosafe.emulator.counters().duplicates, 4);
}

#[test]
fn a_patch_is_a_merge_and_null_clears() {
    let sosafe = SoSafe::start();
    let id = sosafe.user("ada");
    let line = format!("PATCH /users/{id}");
    let row = sosafe.ok(
        &line,
        json!({"job_title": "Engineer", "address": {"city": "Bern", "zip": "03000"}}),
        200,
    );
    assert_eq!(
        (&row["job_title"], &row["first_name"]),
        (&json!("Engineer"), &json!("ada"))
    );
    let row = sosafe.ok(
        &line,
        json!({"job_title": null, "address": {"city": null}}),
        200,
    );
    assert_eq!(
        (
            &row["job_title"],
            &row["address"]["city"],
            &row["address"]["zip"]
        ),
        (&Value::Null, &Value::Null, &json!("03000"))
    );
    let row = sosafe.ok(&line, json!({"address": null}), 200);
    assert!(
        row["address"]
            .as_object()
            .unwrap()
            .values()
            .all(Value::is_null)
    );
    sosafe.refused(
        &line,
        json!({"nickname": "x", "tz": "W. Europe Standard Time"}),
        (400, "E1007", "tz"),
    );
    sosafe.refused(
        &line,
        json!({"last_name": null}),
        (400, "E1007", "last_name"),
    );
    let row = sosafe.ok(&line, json!({}), 200);
    assert_eq!(
        (&row["nickname"], &row["last_name"]),
        (&Value::Null, &json!("Lovelace"))
    );
    sosafe.refused("PATCH /users/1", json!({}), (404, "E1404", ""));
}

#[test]
fn activation_needs_a_licence_and_is_idempotent() {
    let sosafe = SoSafe::of(Client {
        licences_total: 1,
        ..Client::default()
    });
    let ada = sosafe.user("ada");
    let bob = sosafe.ok("POST /users", person("bob"), 201)["id"]
        .as_u64()
        .unwrap();
    let act = |id: u64, what: &str| format!("POST /users/{id}/{what}");
    sosafe.refused(&act(bob, "activate"), Value::Null, (400, "E1302", ""));
    assert_eq!(
        sosafe.ok(&format!("GET /users/{bob}"), Value::Null, 200)["status"],
        "PENDING"
    );
    assert_eq!(
        sosafe.ok(&act(ada, "activate"), Value::Null, 200)["status"],
        "ACTIVE"
    );
    assert_eq!(
        sosafe.ok(&act(ada, "deactivate"), Value::Null, 200)["status"],
        "INACTIVE"
    );
    assert_eq!(
        sosafe.ok(&act(ada, "deactivate"), Value::Null, 200)["status"],
        "INACTIVE"
    );
    assert_eq!(
        sosafe.ok(&act(bob, "activate"), Value::Null, 200)["status"],
        "ACTIVE"
    );
    sosafe.ok(&format!("DELETE /users/{bob}"), Value::Null, 204);
    assert_eq!(
        sosafe.ok("GET /client", Value::Null, 200)["licences"]["used"],
        0
    );
}

#[test]
fn an_archived_row_blocks_its_names_until_it_is_restored() {
    let sosafe = SoSafe::start();
    let id = sosafe.user("ada");
    let at = |what: &str| format!("{what} /users/{id}");
    sosafe.ok(&at("DELETE"), Value::Null, 204);
    sosafe.refused(&at("DELETE"), Value::Null, (404, "E1404", ""));
    assert_eq!(
        sosafe.ok(&at("GET"), Value::Null, 200)["status"],
        "ARCHIVED"
    );
    assert_eq!(
        sosafe.refused("POST /users", person("ada"), (400, "E1001", "email"))["existing_id"],
        id
    );
    sosafe.refused(
        &at("PATCH"),
        json!({"nickname": "x"}),
        (400, "E1007", "status"),
    );
    sosafe.refused(
        &format!("POST /users/{id}/activate"),
        Value::Null,
        (400, "E1007", "status"),
    );
    sosafe.refused(
        &format!("POST /users/{id}/deactivate"),
        Value::Null,
        (400, "E1007", "status"),
    );
    assert_eq!(sosafe.ids("GET /users"), [0u64; 0]);
    let restore = format!("POST /users/{id}/restore");
    assert_eq!(sosafe.ok(&restore, Value::Null, 200)["status"], "INACTIVE");
    sosafe.ok(&format!("POST /users/{id}/activate"), Value::Null, 200);
    assert_eq!(sosafe.ok(&restore, Value::Null, 200)["status"], "ACTIVE");
    assert_eq!(sosafe.ids("GET /users"), [id]);
}

#[test]
fn a_look_up_finds_exactly_one_archived_or_not_and_a_misspelt_one_everybody() {
    let sosafe = SoSafe::start();
    let ada = sosafe.ok(
        "POST /users",
        person_with("Ada", "external_ref", json!("0b1c")),
        201,
    )["id"]
        .as_u64()
        .unwrap();
    let (bob, gone) = (sosafe.user("bob"), sosafe.user("gone"));
    sosafe.ok(&format!("DELETE /users/{gone}"), Value::Null, 204);
    let check = |query: &str, expect: &[u64]| {
        assert_eq!(sosafe.ids(&format!("GET /users{query}")), expect, "{query}")
    };
    check("?email=ADA%40example.com", &[ada]);
    check("?login=ada@example.com", &[ada]);
    check("?external_ref=0b1c", &[ada]);
    check("?external_ref=0B1C", &[]);
    check("?email=ada", &[]);
    check("?email=", &[]);
    check("?email=gone@example.com", &[gone]);
    check("?login=gone@example.com", &[gone]);
    check("?email=ada@example.com&login=bob@example.com", &[]);
    check("", &[ada, bob]);
    check("?mail=ada@example.com", &[ada, bob]);
    check("?first_name=Ada", &[ada, bob]);
}

#[test]
fn pages_hold_at_most_250_rows() {
    let sosafe = SoSafe::start();
    let users: Vec<Value> = (0..260).map(|n| person(&format!("u{n}"))).collect();
    sosafe
        .emulator
        .seed(json!({"clients": [{"users": users}]}))
        .unwrap();
    let check = |query: &str, expect: (u64, u64, u64, usize)| {
        let page = sosafe.ok(&format!("GET /users{query}"), Value::Null, 200);
        let number = |name: &str| page[name].as_u64().unwrap();
        let rows = page["data"].as_array().unwrap().len();
        assert_eq!(
            (number("page"), number("limit"), number("pages"), rows),
            expect,
            "{query}"
        );
        assert_eq!(number("total"), 260);
    };
    check("", (1, 100, 3, 100));
    check("?page=3&limit=100", (3, 100, 3, 60));
    check("?page=4&limit=100", (4, 100, 3, 0));
    check("?limit=1000", (1, 250, 2, 250));
    check("?limit=0&page=0", (1, 100, 3, 100));
    check("?limit=x&page=-1", (1, 100, 3, 100));
    check(&format!("?page={}", u64::MAX), (u64::MAX, 100, 3, 0));
    assert_eq!(
        sosafe.ids("GET /users?page=2&limit=250").first(),
        Some(&18251)
    );
}

#[test]
fn two_writes_on_one_user_at_once_lock_the_second_out() {
    let sosafe = SoSafe::start();
    let (ada, bob) = (sosafe.user("ada"), sosafe.user("bob"));
    sosafe.emulator.faults(vec![
        Fault::new("PATCH", "/users/*", Action::DelayMs(1_000)).nth(1),
    ]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sosafe.ok(
                &format!("PATCH /users/{ada}"),
                json!({"nickname": "first"}),
                200,
            )
        });
        while sosafe.emulator.counters().of("PATCH /users/{id}") == 0 {
            #[expect(clippy::disallowed_methods, reason = "this thread has no runtime")]
            std::thread::sleep(Duration::from_millis(1));
        }
        sosafe.refused(
            &format!("PATCH /users/{ada}"),
            json!({"nickname": "second"}),
            (409, "E1901", ""),
        );
        sosafe.refused(
            &format!("POST /users/{ada}/deactivate"),
            Value::Null,
            (409, "E1901", ""),
        );
        sosafe.ok(&format!("GET /users/{ada}"), Value::Null, 200);
        sosafe.ok(
            &format!("PATCH /users/{bob}"),
            json!({"nickname": "other"}),
            200,
        );
    });
    assert_eq!(
        sosafe.ok(&format!("GET /users/{ada}"), Value::Null, 200)["nickname"],
        "first"
    );
    sosafe.ok(
        &format!("PATCH /users/{ada}"),
        json!({"nickname": "second"}),
        200,
    );
}
