//! The contract over real sockets.

#![allow(clippy::unwrap_used)]

use super::{KEY, start};
use crate::kit::Emulator;
use crate::testing::{self, Reply};
use serde_json::{Value, json};
use std::time::Duration;

struct Backend(Emulator);

impl Backend {
    fn start() -> Self {
        Self(start(Duration::ZERO).unwrap())
    }

    fn call_with(&self, key: &str, line: &str, body: &Value) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let url = format!("{}{path}", self.0.base_url());
        testing::send_json(method, &url, &[("x-key", key)], body)
    }

    /// A call that must be answered so; gives the body, `null` when there is none.
    #[track_caller]
    fn check(&self, line: &str, body: Value, status: u16) -> Value {
        let reply = self.call_with(KEY, line, &body);
        assert_eq!(reply.status, status, "{line} {body}: {reply:?}");
        reply.value()
    }

    #[track_caller]
    fn refused(&self, line: &str, body: Value, status: u16, error: Value) {
        assert_eq!(
            self.check(line, body.clone(), status),
            error,
            "{line} {body}"
        );
    }
}

#[test]
fn whatever_is_given_is_kept_and_merged() {
    let backend = Backend::start();
    let given = json!({"userName": "ada", "name": {"givenName": "Ada", "familyName": "Lane"},
        "emails": [{"type": "work", "value": "a@example.com", "primary": true}], "custom": {"floor": 3}});
    let made = backend.check("POST /people", given, 201);
    assert_eq!(made["id"], "p1001");
    assert_eq!(made["created"], made["updated"]);
    assert_eq!(
        made["created"].as_str().unwrap().len(),
        "2026-01-01T00:00:00.000Z".len()
    );

    let patch = json!({"name": {"givenName": null, "middleName": "K"}, "emails": [{"value": "b@example.com"}],
        "custom": {"floor": null}});
    let now = backend.check("PATCH /people/p1001", patch, 200);
    assert_eq!(
        now["name"],
        json!({"familyName": "Lane", "middleName": "K"})
    );
    assert_eq!(now["emails"], json!([{"value": "b@example.com"}]));
    assert_eq!(now.get("custom"), None);
    assert_eq!(backend.check("GET /people/p1001", Value::Null, 200), now);
}

#[test]
fn a_patch_that_changes_nothing_leaves_the_stamp() {
    let backend = Backend::start();
    backend.check(
        "POST /people",
        json!({"userName": "ada", "title": "x"}),
        201,
    );
    backend.0.advance_clock(Duration::from_secs(1));
    let same = backend.check("PATCH /people/p1001", json!({"title": "x"}), 200);
    assert_eq!(same["created"], same["updated"]);
    let other = backend.check("PATCH /people/p1001", json!({"title": "y"}), 200);
    assert_ne!(other["created"], other["updated"]);
}

#[test]
fn names_are_there_and_unique_without_regard_to_case() {
    let backend = Backend::start();
    let taken = json!({"code": "taken", "field": "userName"});
    let missing = json!({"code": "missing", "field": "userName"});
    let person = |name: &str| json!({ "userName": name });
    backend.check("POST /people", person("Ada"), 201);
    backend.check("POST /people", person("bob"), 201);
    backend.refused("POST /people", person("ADA"), 409, taken.clone());
    backend.refused("PATCH /people/p1002", person("aDA"), 409, taken);
    backend.refused("POST /people", json!({}), 400, missing.clone());
    backend.refused("PATCH /people/p1002", person(" "), 400, missing);
    backend.check("PATCH /people/p1001", person("ADA"), 200);
    backend.check("DELETE /people/p1001", Value::Null, 204);
    backend.check("POST /people", person("ada"), 201);
    backend.check("POST /teams", json!({"name": "A"}), 201);
    let taken = json!({"code": "taken", "field": "name"});
    backend.refused("POST /teams", json!({"name": "a"}), 409, taken);
}

#[test]
fn rows_are_chosen_and_paged() {
    let backend = Backend::start();
    let people: Vec<Value> = (0..5)
        .map(|n| json!({"userName": format!("U{n}"), "externalId": format!("e{}", n % 2)}))
        .collect();
    backend.0.seed(json!({ "people": people })).unwrap();
    let found = |query: &str| {
        let page = backend.check(&format!("GET /people?{query}"), Value::Null, 200);
        let rows = page["items"].as_array().unwrap().clone();
        let names = rows.iter().map(|row| row["userName"].as_str().unwrap());
        (
            names.collect::<Vec<_>>().join(" "),
            page["total"].as_u64().unwrap(),
        )
    };
    let check =
        |query, names: &str, total| assert_eq!(found(query), (names.to_owned(), total), "{query}");
    check("offset=1&limit=2", "U1 U2", 5);
    check("offset=9", "", 5);
    check("userName=u3", "U3", 1);
    check("userName=u9", "", 0);
    check("externalId=e1", "U1 U3", 2);
    check("externalId=E1", "", 0);
    check("userName=u3&externalId=e0", "", 0);
}

#[test]
fn members_come_and_go() {
    let backend = Backend::start();
    let people = [json!({"userName": "ada"}), json!({"userName": "bob"})];
    backend
        .0
        .seed(json!({ "people": people, "teams": [{"name": "Red"}] }))
        .unwrap();
    let members = "POST /teams/t1001/members";
    let both = json!({"items": ["p1001", "p1002"]});
    assert_eq!(
        backend.check(members, json!({"add": ["p1002", "p1001"]}), 200),
        both
    );
    assert_eq!(
        backend.check(members, json!({"add": ["p1001"], "remove": ["p7"]}), 200),
        both
    );
    let teams = json!([{"id": "t1001", "name": "Red"}]);
    assert_eq!(
        backend.check("GET /people/p1001", Value::Null, 200)["teams"],
        teams
    );
    let nobody = json!({"code": "no_person", "field": "add"});
    backend.refused(
        members,
        json!({"add": ["t1001"], "remove": ["p1001"]}),
        400,
        nobody,
    );
    backend.check("DELETE /people/p1001", Value::Null, 204);
    let left = backend.check("GET /teams/t1001/members", Value::Null, 200);
    assert_eq!(left, json!({"items": ["p1002"]}));
    backend.check("DELETE /teams/t1001", Value::Null, 204);
    assert_eq!(
        backend
            .check("GET /people/p1002", Value::Null, 200)
            .get("teams"),
        None
    );
}

#[test]
fn a_manager_has_its_name() {
    let backend = Backend::start();
    let people = [
        json!({"userName": "ada", "displayName": "Ada Lane"}),
        json!({"userName": "bob", "manager": {"id": "p1001"}}),
        json!({"userName": "eve", "manager": {"id": "p7"}}),
    ];
    backend.0.seed(json!({ "people": people })).unwrap();
    let manager =
        |id: &str| backend.check(&format!("GET /people/{id}"), Value::Null, 200)["manager"].clone();
    assert_eq!(
        manager("p1002"),
        json!({"id": "p1001", "displayName": "Ada Lane"})
    );
    assert_eq!(manager("p1003"), json!({"id": "p7"}));
}

#[test]
fn the_front_door() {
    let backend = Backend::start();
    assert_eq!(
        backend
            .call_with("wrong", "GET /people", &Value::Null)
            .status,
        401
    );
    let absent = json!({"code": "absent"});
    for line in [
        "GET /people/p1001",
        "DELETE /people/t1",
        "GET /teams/p1001",
        "GET /people/p01001",
    ] {
        backend.refused(line, Value::Null, 404, absent.clone());
    }
    backend.refused("GET /nowhere", Value::Null, 404, json!({"code": "path"}));
    backend.refused("PUT /people", json!({}), 405, json!({"code": "method"}));
    backend.refused("POST /people", json!([]), 400, json!({"code": "json"}));
    let own = json!({"code": "read_only", "field": "id"});
    backend.refused(
        "POST /people",
        json!({"id": "p7", "userName": "a"}),
        400,
        own,
    );
}
