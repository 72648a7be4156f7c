//! The contract over real sockets: the front door, users, and the traps.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Limits, Network, Options, start};
use crate::kit::Emulator;
use crate::testing::{self, Reply};
use serde_json::{Value, json};
use std::time::Duration;

const FIELDS: &str = "fragment U on User { id login email firstName lastName fullName preferredName \
     function locale accountType status purgeAt version createdAt updatedAt }";
const DAY: Duration = Duration::from_secs(86_400);

struct Wedo(Emulator);

impl Wedo {
    fn start() -> Self {
        Self(start(Options::default()).unwrap())
    }

    fn send(&self, token: &str, network: &str, body: &Value) -> Reply {
        let url = format!("{}/graphql", self.0.base_url());
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("x-wedo-network", network),
        ];
        testing::send_json("POST", &url, &headers, body)
    }

    fn call(&self, query: &str, variables: Value) -> Value {
        let body = json!({"query": format!("{query} {FIELDS}"), "variables": variables});
        self.send("demo-token", "acme", &body).json()
    }

    /// The root field of an operation that must succeed.
    #[track_caller]
    fn ok(&self, query: &str, variables: Value) -> Value {
        let reply = self.call(query, variables);
        assert_eq!(reply["errors"], Value::Null, "{query}: {reply}");
        let data = reply["data"].as_object().unwrap();
        data.values().next().unwrap().clone()
    }

    /// The extensions of an operation that must be refused with this code and field.
    #[track_caller]
    fn refused(&self, query: &str, variables: Value, code: &str, field: &str) -> Value {
        let reply = self.call(query, variables);
        let extensions = reply["errors"][0]["extensions"].clone();
        let seen = (
            extensions["code"].as_str().unwrap_or_default(),
            extensions["field"].as_str().unwrap_or_default(),
        );
        assert_eq!(seen, (code, field), "{query}: {reply}");
        extensions
    }

    fn make(&self, input: Value) -> Value {
        self.ok(CREATE, json!({"i": input}))["user"].clone()
    }

    fn logins(&self, arguments: &str) -> Vec<Value> {
        let users = self.ok(
            &format!("{{ users{arguments}{{ nodes{{ login }} }} }}"),
            json!({}),
        );
        let nodes = users["nodes"].as_array().unwrap().iter();
        nodes.map(|user| user["login"].clone()).collect()
    }
}

const CREATE: &str = "mutation($i:CreateUserInput!){ createUser(input:$i){ user{ ...U } } }";
const UPDATE: &str = "mutation($id:ID!,$i:UpdateUserInput!,$v:Int!){ updateUser(id:$id, input:$i, ifVersion:$v){ user{ ...U } } }";
const DEACTIVATE: &str = "mutation($id:ID!,$h:HandOver!){ deactivateUser(id:$id, handOver:$h){ user{ id status purgeAt } } }";
const REACTIVATE: &str = "mutation($id:ID!){ reactivateUser(id:$id){ user{ id status } } }";
const PURGE: &str = "mutation($id:ID!,$n:String!){ purgeUser(id:$id, confirmFullName:$n){ ok } }";

fn person(name: &str) -> Value {
    let login = format!("{name}@example.com");
    json!({"login": login, "email": login, "firstName": name, "lastName": "Lane", "invite": true})
}

#[test]
fn a_user_is_invited_and_has_a_global_id() {
    let wedo = Wedo::start();
    let ada = wedo.make(person("Ada"));
    assert_eq!(ada["id"], "VXNlcjo0MjE=");
    assert_eq!(
        (&ada["login"], &ada["status"]),
        (&json!("ada@example.com"), &json!("INVITED"))
    );
    assert_eq!(
        (&ada["fullName"], &ada["version"]),
        (&json!("Ada Lane"), &json!(1))
    );
    let mut quiet = person("Bob");
    quiet["invite"] = false.into();
    assert_eq!(wedo.make(quiet)["status"], "NOT_INVITED");
}

#[test]
fn login_and_address_are_taken_once_in_any_case_and_even_when_deactivated() {
    let wedo = Wedo::start();
    let ada = wedo.make(person("ada"));
    wedo.ok(DEACTIVATE, json!({"id": ada["id"], "h": {}}));
    wedo.refused(CREATE, json!({"i": person("ADA")}), "LOGIN_TAKEN", "login");
    let mut other = person("eva");
    other["email"] = "Ada@example.com".into();
    wedo.refused(CREATE, json!({"i": other}), "EMAIL_TAKEN", "email");
    assert_eq!(wedo.0.counters().duplicates, 2);
}

#[test]
fn lists_hide_deactivated_users_unless_told_and_go_on_at_a_cursor() {
    let wedo = Wedo::start();
    for name in ["ada", "bob", "eva"] {
        wedo.make(person(name));
    }
    wedo.ok(DEACTIVATE, json!({"id": "VXNlcjo0MjI=", "h": {}}));
    assert_eq!(wedo.logins(""), ["ada@example.com", "eva@example.com"]);
    assert_eq!(wedo.logins("(includeDeactivated:true)").len(), 3);
    assert!(
        wedo.logins(r#"(filter:{login:{eq:"bob@example.com"}})"#)
            .is_empty()
    );
    let list = "query($a:String){ users(includeDeactivated:true, first:2, after:$a){ nodes{ login } pageInfo{ hasNextPage endCursor } totalCount } }";
    let first = wedo.ok(list, json!({}));
    assert_eq!(
        (&first["pageInfo"]["hasNextPage"], &first["totalCount"]),
        (&json!(true), &json!(3))
    );
    let second = wedo.ok(list, json!({"a": first["pageInfo"]["endCursor"]}));
    assert_eq!(second["nodes"], json!([{"login": "eva@example.com"}]));
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    wedo.refused(list, json!({"a": "x"}), "VALIDATION", "after");
    wedo.refused(
        "{ users(first:101){ totalCount } }",
        json!({}),
        "VALIDATION",
        "first",
    );
}

#[test]
fn a_change_is_made_of_the_version_named() {
    let wedo = Wedo::start();
    let id = wedo.make(person("ada"))["id"].clone();
    let change = |version, input: Value| json!({"id": id, "i": input, "v": version});
    let ada = wedo.ok(
        UPDATE,
        change(1, json!({"preferredName": "Addy", "locale": "FR"})),
    );
    assert_eq!(
        (&ada["user"]["version"], &ada["user"]["locale"]),
        (&json!(2), &json!("FR"))
    );
    wedo.refused(UPDATE, change(1, json!({})), "VERSION_CONFLICT", "");
    wedo.refused(
        UPDATE,
        change(2, json!({"locale": "IT"})),
        "VALIDATION",
        "locale",
    );
    wedo.refused(
        UPDATE,
        change(2, json!({"accountType": null})),
        "VALIDATION",
        "accountType",
    );
    wedo.refused(
        UPDATE,
        change(2, json!({"function": ""})),
        "VALIDATION",
        "function",
    );
    wedo.refused(
        UPDATE,
        change(2, json!({"email": "ada"})),
        "VALIDATION",
        "email",
    );
    wedo.refused(
        UPDATE,
        change(2, json!({"status": "ACTIVE"})),
        "VALIDATION",
        "status",
    );
    wedo.refused(UPDATE, json!({"id": "x", "i": {}, "v": 1}), "NOT_FOUND", "");
}

#[test]
fn a_deactivated_user_comes_back_as_before_or_goes_after_30_days() {
    let wedo = Wedo::start();
    let id = wedo.make(person("ada"))["id"].clone();
    let off = || wedo.ok(DEACTIVATE, json!({"id": id, "h": {}}))["user"]["status"].clone();
    assert_eq!(off(), "DEACTIVATED");
    wedo.0.advance_clock(29 * DAY);
    assert_eq!(
        wedo.ok(REACTIVATE, json!({"id": id}))["user"]["status"],
        "INVITED"
    );
    assert_eq!((off(), off()), (json!("DEACTIVATED"), json!("DEACTIVATED")));
    wedo.0.advance_clock(30 * DAY);
    wedo.refused(REACTIVATE, json!({"id": id}), "NOT_FOUND", "");
    assert_ne!(wedo.make(person("ada"))["id"], id);
}

#[test]
fn purging_wants_a_deactivated_user_and_the_full_name() {
    let wedo = Wedo::start();
    let id = wedo.make(person("ada"))["id"].clone();
    let purge = |name: &str| json!({"id": id, "n": name});
    wedo.refused(PURGE, purge("ada Lane"), "VALIDATION", "status");
    wedo.ok(DEACTIVATE, json!({"id": id, "h": {}}));
    wedo.refused(PURGE, purge("Ada"), "VALIDATION", "confirmFullName");
    assert_eq!(wedo.ok(PURGE, purge("ada Lane")), json!({"ok": true}));
    wedo.refused(PURGE, purge("ada Lane"), "NOT_FOUND", "");
}

#[test]
fn open_tasks_are_handed_over() {
    let wedo = Wedo::start();
    let seed =
        |login: &str, tasks: u64| json!({"login": login, "email": login, "openTasks": tasks});
    let users = [seed("a@x.ch", 3), seed("b@x.ch", 1), seed("c@x.ch", 2)];
    wedo.0
        .seed(json!({"networks": [{"users": users}]}))
        .unwrap();
    let off = |id: &str, hand_over: Value| json!({"id": id, "h": hand_over});
    let (a, b, c) = ("VXNlcjo0MjE=", "VXNlcjo0MjI=", "VXNlcjo0MjM=");
    wedo.refused(DEACTIVATE, off(a, json!({})), "HANDOVER_REQUIRED", "");
    let to = |whom: &str| json!({"tasks": "REASSIGN", "reassignTo": whom, "meetings": whom});
    wedo.refused(DEACTIVATE, off(a, to(a)), "VALIDATION", "reassignTo");
    wedo.refused(DEACTIVATE, off(a, to("x")), "VALIDATION", "reassignTo");
    wedo.ok(DEACTIVATE, off(a, to(b)));
    wedo.ok(DEACTIVATE, off(c, json!({"tasks": "COMPLETE"})));
    let tasks = |place: usize| wedo.0.state()["networks"][0]["users"][place]["openTasks"].clone();
    assert_eq!(
        [tasks(0), tasks(1), tasks(2)],
        [json!(0), json!(4), json!(0)]
    );
}

#[test]
fn the_last_administrator_stays_one() {
    let wedo = Wedo::start();
    let mut input = person("ada");
    input["accountType"] = "ADMINISTRATOR".into();
    let id = wedo.make(input)["id"].clone();
    let demote = json!({"id": id, "i": {"accountType": "USER"}, "v": 1});
    wedo.refused(UPDATE, demote.clone(), "LAST_ADMINISTRATOR", "");
    wedo.refused(
        DEACTIVATE,
        json!({"id": id, "h": {}}),
        "LAST_ADMINISTRATOR",
        "",
    );
    let mut second = person("bob");
    second["accountType"] = "ADMINISTRATOR".into();
    wedo.make(second);
    assert_eq!(wedo.ok(UPDATE, demote)["user"]["accountType"], "USER");
}

#[test]
fn licences_run_out() {
    let network = Network {
        licences_total: 1,
        ..Network::default()
    };
    let options = Options {
        clients: vec![network],
        ..Options::default()
    };
    let wedo = Wedo(start(options).unwrap());
    let ada = wedo.make(person("ada"));
    let extensions = wedo.refused(CREATE, json!({"i": person("bob")}), "LICENSE_EXHAUSTED", "");
    assert_eq!(extensions["available"], 0);
    wedo.ok(DEACTIVATE, json!({"id": ada["id"], "h": {}}));
    wedo.make(person("bob"));
    wedo.refused(
        REACTIVATE,
        json!({"id": ada["id"]}),
        "LICENSE_EXHAUSTED",
        "",
    );
}

#[test]
fn cost_is_counted_by_the_minute() {
    let wedo = Wedo::start();
    wedo.0.stop_clock();
    let limits = Limits {
        cost_per_minute: Some(12),
    };
    wedo.0.set_limits(limits).unwrap();
    let reply = wedo.call(CREATE, json!({"i": person("ada")}));
    let cost = json!({"used": 10, "remaining": 2, "resetMs": 60_000});
    assert_eq!(reply["extensions"]["cost"], cost);
    wedo.0.advance_clock(Duration::from_secs(20));
    let query = "{ users(first:100){ totalCount } }";
    wedo.ok(query, json!({}));
    let extensions = wedo.refused(query, json!({}), "RATE_LIMITED", "");
    assert_eq!(extensions["retryAfterMs"], 40_000);
    wedo.0.advance_clock(Duration::from_secs(40));
    wedo.ok(query, json!({}));
}

#[test]
fn the_front_door_lets_in_who_has_token_and_network() {
    let wedo = Wedo::start();
    let body = json!({"query": "{ users{ totalCount } }"});
    let code = |reply: &Reply| reply.json()["errors"][0]["extensions"]["code"].clone();
    for (token, network) in [("wrong", "acme"), ("demo-token", "globex")] {
        let reply = wedo.send(token, network, &body);
        assert_eq!(
            (reply.status, code(&reply)),
            (200, json!("UNAUTHENTICATED"))
        );
    }
    let url = format!("{}/graphql", wedo.0.base_url());
    let bare = testing::send("POST", &url, &[], b"{}", Duration::from_secs(5)).unwrap();
    assert_eq!(
        (bare.status, &*bare.body),
        (401, b"Unauthorized".as_slice())
    );
}

#[test]
fn what_is_no_document_is_refused_with_400() {
    let wedo = Wedo::start();
    for query in [
        "",
        "users",
        "{ users{ nodes{ password } } }",
        "{ nobody{ id } }",
        "{ users }x",
        "query($id:ID!){ user(id:$id){ id } }",
        "{ users{ ...V } }",
        "{ users(first:){ totalCount } }",
    ] {
        wedo.make(person(&format!("p{}", query.len())));
        let reply = wedo.send("demo-token", "acme", &json!({"query": query}));
        let code = reply.json()["errors"][0]["extensions"]["code"].clone();
        assert_eq!(
            (reply.status, code),
            (400, json!("GRAPHQL_PARSE_FAILED")),
            "{query}"
        );
    }
}
