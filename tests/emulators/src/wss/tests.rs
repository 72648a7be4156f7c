//! The contract over real sockets: jobs, the lagging index, and the traps.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Account, Limits, Options, start};
use crate::kit::Emulator;
use crate::testing::{self, Reply};
use serde_json::{Value, json};
use std::time::Duration;

const BASIC: (&str, &str) = ("authorization", "Basic ZGVtby11c2VyOmRlbW8tcGFzc3dvcmQ=");

/// A job ends at once, nothing is counted, and the index does not lag, unless said otherwise.
fn quick() -> Limits {
    Limits {
        submits_per_minute: 1_000_000,
        reads_per_minute: 1_000_000,
        job_ms: 0,
        index_lag_ms: 0,
        ..Limits::default()
    }
}

struct Wss(Emulator);

impl Wss {
    fn new() -> Self {
        Self::with(quick())
    }

    fn with(limits: Limits) -> Self {
        let options = Options {
            limits,
            ..Options::default()
        };
        let emulator = start(options).unwrap();
        emulator.stop_clock();
        Self(emulator)
    }

    /// `call("GET /users/u-1", …)` of account 70021.
    fn call(&self, line: &str, body: Value) -> Reply {
        self.send(line, body, &[BASIC])
    }

    fn send(&self, line: &str, body: Value, headers: &[(&str, &str)]) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let url = format!("{}/accounts/70021{path}", self.0.base_url());
        testing::send_json(method, &url, headers, &body)
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.call(&format!("GET {path}"), Value::Null);
        assert_eq!(reply.status, 200, "{path}");
        reply.json()
    }

    fn submit(&self, operations: Value) -> String {
        let reply = self.call("POST /jobs", json!({ "operations": operations }));
        assert_eq!(reply.status, 202);
        reply.json()["jobId"].as_str().unwrap().to_owned()
    }

    /// A job of these operations, ended.
    fn job(&self, operations: Value) -> Value {
        let id = self.submit(operations);
        self.get(&format!("/jobs/{id}"))
    }

    /// The key of a user made for it.
    fn user(&self, login: &str) -> String {
        let job = self.job(json!([create(login)]));
        job["results"][0]["key"].as_str().unwrap().to_owned()
    }

    /// The error code of one operation.
    fn failure(&self, operation: Value) -> String {
        let job = self.job(json!([operation]));
        assert_eq!(job["state"], "DONE_WITH_ERRORS", "{job}");
        let code = &job["results"][0]["error"]["code"];
        code.as_str().unwrap().to_owned()
    }

    fn found(&self, query: &str) -> usize {
        let found = self.get(&format!("/users?{query}"));
        found["matches"].as_array().unwrap().len()
    }
}

fn create(login: &str) -> Value {
    json!({"ref": "r1", "op": "CREATE_USER", "user": {"loginName": login}})
}

#[test]
fn a_job_is_queued_runs_and_ends_by_the_clock() {
    let wss = Wss::with(Limits {
        job_ms: 100,
        index_lag_ms: 200,
        ..quick()
    });
    let first = wss.submit(json!([create("ada")]));
    let second = wss.submit(json!([create("bob")]));
    let state = |id: &str| wss.get(&format!("/jobs/{id}"))["state"].clone();
    assert_eq!(
        (state(&first), state(&second)),
        ("RUNNING".into(), "QUEUED".into())
    );
    wss.0.advance_clock(Duration::from_millis(100));
    assert_eq!(
        (state(&first), state(&second)),
        ("DONE".into(), "RUNNING".into())
    );
    let key = wss.get(&format!("/jobs/{first}"))["results"][0]["key"].clone();
    let path = format!("/users/{}", key.as_str().unwrap());
    assert_eq!(wss.get(&path)["loginName"], "ada");
    assert_eq!(wss.found("loginName=ada"), 0, "not in the index yet");
    wss.0.advance_clock(Duration::from_millis(200));
    assert_eq!(wss.found("loginName=ADA"), 1);
    wss.0.advance_clock(Duration::from_secs(86_400));
    let forgotten = wss.call(&format!("GET /jobs/{first}"), Value::Null);
    assert_eq!(forgotten.status, 404);
}

#[test]
fn each_operation_succeeds_or_fails_by_itself() {
    let wss = Wss::new();
    let job = wss.job(json!([
        {"ref": "r1", "op": "CREATE_USER", "user": {"loginName": "ada"}},
        {"ref": "r2", "op": "CREATE_USER", "user": {"loginName": "ADA"}},
        {"ref": "r3", "op": "CREATE_GROUP", "group": {"groupName": "All"}},
        {"ref": "r4", "op": "ADD_MEMBER", "group": {"ref": "r3"}, "member": {"ref": "r1"}},
    ]));
    let statuses: Vec<_> = (0..4)
        .map(|n| job["results"][n]["status"].clone())
        .collect();
    assert_eq!(statuses, ["OK", "FAILED", "OK", "OK"]);
    assert_eq!(job["results"][1]["error"]["code"], "DUPLICATE_LOGIN");
    assert_eq!((&job["done"], &job["failed"]), (&json!(3), &json!(1)));
    let group = job["results"][2]["key"].as_str().unwrap();
    let members = wss.get(&format!("/groups/{group}/members"));
    assert_eq!(members["members"], json!([job["results"][0]["key"]]));
}

#[test]
fn operations_are_refused_by_code() {
    let wss = Wss::new();
    let key = wss.user("ada");
    let field = |name: &str, value: Value| json!({"ref": "r1", "op": "UPDATE_USER", "key": key, "user": {name: value}});
    for (operation, code) in [
        (create("ada"), "DUPLICATE_LOGIN"),
        (field("lang", "de".into()), "INVALID_FIELD"),
        (field("countryCode", "Schweiz".into()), "INVALID_FIELD"),
        (field("phone", "044 268".into()), "INVALID_FIELD"),
        (field("street", "a\nb".into()), "INVALID_FIELD"),
        (field("email", "a@EXAMPLE.com".into()), "INVALID_FIELD"),
        (field("nickName", "x".into()), "INVALID_FIELD"),
        (field("loginName", Value::Null), "INVALID_FIELD"),
        (field("managerLogin", "10.0.0.1".into()), "INVALID_MANAGER"),
        (field("managerLogin", "nobody".into()), "INVALID_MANAGER"),
        (
            json!({"ref": "r1", "op": "DELETE_USER", "key": "u-0"}),
            "USER_NOT_FOUND",
        ),
        (
            json!({"ref": "r1", "op": "DELETE_GROUP", "key": "g-0"}),
            "GROUP_NOT_FOUND",
        ),
    ] {
        assert_eq!(wss.failure(operation.clone()), code, "{operation}");
    }
    let group =
        wss.job(json!([{"ref": "r1", "op": "CREATE_GROUP", "group": {"groupName": "All"}}]));
    let group = &group["results"][0]["key"];
    let again = json!({"ref": "r1", "op": "CREATE_GROUP", "group": {"groupName": "ALL"}});
    assert_eq!(wss.failure(again), "DUPLICATE_GROUP");
    for op in ["ADD_MEMBER", "REMOVE_MEMBER"] {
        let stranger =
            json!({"ref": "r1", "op": op, "group": {"key": group}, "member": {"key": "u-0"}});
        assert_eq!(wss.failure(stranger), "MEMBER_NOT_FOUND");
    }
}

#[test]
fn a_manager_is_shown_by_the_login_name_it_has_now() {
    let wss = Wss::new();
    let (boss, ada) = (wss.user("boss"), wss.user("ada"));
    wss.job(
        json!([{"ref": "r1", "op": "UPDATE_USER", "key": ada, "user": {"managerLogin": "BOSS"}}]),
    );
    wss.job(
        json!([{"ref": "r1", "op": "UPDATE_USER", "key": boss, "user": {"loginName": "chief"}}]),
    );
    let path = format!("/users/{ada}");
    assert_eq!(wss.get(&path)["managerLogin"], "chief");
    let found = wss.get("/users?loginName=ada");
    assert_eq!(found["matches"][0]["managerLogin"], "chief");
    wss.job(json!([{"ref": "r1", "op": "DELETE_USER", "key": boss}]));
    assert_eq!(wss.get(&path).get("managerLogin"), None);
}

#[test]
fn the_same_token_is_the_same_job() {
    let wss = Wss::new();
    let body = json!({"operations": [create("ada")]});
    let submit = |token: &str| {
        let headers = [BASIC, ("x-request-token", token)];
        wss.send("POST /jobs", body.clone(), &headers).json()["jobId"].clone()
    };
    assert_eq!(submit("t1"), submit("t1"));
    assert_ne!(submit("t1"), submit("t2"));
}

#[test]
fn an_aborted_job_does_not_say_what_it_did() {
    let wss = Wss::with(Limits {
        abort_after: Some(1),
        ..quick()
    });
    let job = wss.job(json!([create("ada"), create("bob")]));
    assert_eq!(
        (&job["state"], job.get("results")),
        (&json!("ABORTED"), None)
    );
    assert_eq!(
        (wss.found("loginName=ada"), wss.found("loginName=bob")),
        (1, 0)
    );
}

#[test]
fn a_job_that_has_not_begun_can_be_taken_back() {
    let wss = Wss::with(Limits {
        stall: true,
        ..quick()
    });
    let running = wss.submit(json!([create("ada")]));
    let queued = wss.submit(json!([create("bob")]));
    let cancel = |id: &str| wss.call(&format!("DELETE /jobs/{id}"), Value::Null).status;
    assert_eq!((cancel(&running), cancel(&queued)), (409, 204));
    wss.0.set_limits(quick()).unwrap();
    assert_eq!(wss.get(&format!("/jobs/{running}"))["state"], "DONE");
    assert_eq!(wss.found("loginName=bob"), 0);
}

#[test]
fn results_and_lists_come_in_pages() {
    let wss = Wss::new();
    let operations: Vec<_> = (0..150)
        .map(|n| json!({"ref": format!("r{n}"), "op": "CREATE_USER", "user": {"loginName": format!("p{n}")}}))
        .collect();
    let id = wss.submit(operations.into());
    let first = wss.get(&format!("/jobs/{id}"));
    assert_eq!(
        (first["results"].as_array().unwrap().len(), &first["next"]),
        (100, &json!(100))
    );
    let second = wss.get(&format!("/jobs/{id}?from=100&max=100"));
    assert_eq!(
        (
            second["results"].as_array().unwrap().len(),
            second.get("next")
        ),
        (50, None)
    );
    let page = wss.call("GET /users?max=100&token=none", Value::Null);
    assert_eq!(page.header("x-sync-status"), "more");
    let rest = wss.call(
        &format!("GET /users?max=100&token={}", page.header("x-sync-token")),
        Value::Null,
    );
    assert_eq!(rest.header("x-sync-status"), "done");
    assert_eq!(rest.json()["users"].as_array().unwrap().len(), 50);
}

#[test]
fn calls_are_counted_and_refused_at_the_door() {
    let wss = Wss::with(Limits {
        queued_most: 2,
        stall: true,
        ..Limits::default()
    });
    let submit = || wss.call("POST /jobs", json!({"operations": [create("ada")]}));
    let statuses: Vec<_> = (0..7).map(|_| submit().status).collect();
    assert_eq!(statuses, [202, 202, 202, 202, 409, 409, 429]);
    assert_eq!(submit().header("retry-after"), "");
    wss.0.advance_clock(Duration::from_secs(10));
    assert_eq!(submit().status, 409, "one more every ten seconds");
    for (body, status) in [
        (json!({"operations": []}), 400),
        (json!({"operations": [{"op": "DANCE", "ref": "r1"}]}), 400),
        (json!({"operations": vec![create("x"); 501]}), 413),
    ] {
        wss.0.advance_clock(Duration::from_secs(10));
        assert_eq!(wss.call("POST /jobs", body).status, status);
    }
    let reads: Vec<_> = (0..121)
        .map(|_| wss.call("GET ", Value::Null).status)
        .collect();
    assert_eq!(reads.last(), Some(&429));
    assert_eq!(wss.call("POST /publish", Value::Null).status, 202);
    assert_eq!(wss.call("POST /publish", Value::Null).status, 429);
    assert_eq!(wss.call("GET /nothing", Value::Null).status, 404);
    assert_eq!(wss.call("PUT /users", Value::Null).status, 405);
}

#[test]
fn a_wrong_password_and_a_missing_role_are_told_apart() {
    let without_role = Account {
        username: "other".to_owned(),
        has_role: false,
        ..Account::default()
    };
    let options = Options {
        clients: vec![Account::default(), without_role],
        ..Options::default()
    };
    let wss = Wss(start(options).unwrap());
    let wrong = wss.send("GET ", Value::Null, &[("authorization", "Basic x")]);
    assert_eq!((wrong.status, wrong.body.len()), (401, 0));
    // other:demo-password
    let other = ("authorization", "Basic b3RoZXI6ZGVtby1wYXNzd29yZA==");
    let forbidden = wss.send("GET ", Value::Null, &[other]);
    assert_eq!(forbidden.status, 403);
    assert_eq!(forbidden.json(), json!({"message": "Invalid credentials"}));
}

#[test]
fn rows_go_in_and_come_out() {
    let wss = Wss::new();
    let rows = json!({"accounts": [{
        "users": [{"loginName": "boss"}, {"loginName": "ada", "managerLogin": "boss"}],
        "groups": [{"groupName": "All", "members": ["ada", "boss"]}],
    }]});
    wss.0.seed(rows).unwrap();
    assert_eq!(wss.found("loginName=ada"), 1);
    let state = wss.0.state();
    assert_eq!(state["accounts"][0]["users"][1]["managerLogin"], "boss");
    assert_eq!(
        state["accounts"][0]["groups"][0]["members"],
        json!(["ada", "boss"])
    );
    let stranger = json!({"accounts": [{"groups": [{"groupName": "B", "members": ["x"]}]}]});
    assert!(wss.0.seed(stranger).is_err());
    wss.0.reset();
    assert_eq!(wss.0.state()["accounts"][0]["users"], json!([]));
}
