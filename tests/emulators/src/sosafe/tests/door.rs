//! Credentials, limits, paths, isolation between customers.

use super::super::{GroupBy, Limits};
use super::*;
use crate::kit::Rate;

#[test]
fn a_key_and_its_idp_tenant_open_the_door() {
    let sosafe = SoSafe::start();
    let check = |key: &str, idp_tenant: &str, status: u16, code: &str| {
        let reply = sosafe.call_as(key, idp_tenant, "GET /client", Value::Null);
        assert_eq!(reply.status, status);
        assert_eq!(
            reply.json()["error"]["code"].as_str().unwrap_or_default(),
            code
        );
    };
    check("demo-key", &sosafe.idp_tenant, 200, "");
    check("demo-key", &sosafe.idp_tenant.to_uppercase(), 200, "");
    check("other-key", &sosafe.idp_tenant, 401, "E0401");
    check("", "", 401, "E0401");
    check(
        "demo-key",
        "00000000-0000-0000-0000-000000000000",
        403,
        "E0403",
    );
    check("demo-key", "", 403, "E0403");
}

#[test]
fn the_connection_check_shows_the_contract() {
    let client = Client {
        domains: vec!["example.com".into()],
        licences_total: 500,
        ..Client::default()
    };
    let sosafe = SoSafe::of(client);
    sosafe.user("ada");
    let expect = json!({"client": 4711, "domains": ["example.com"], "licences": {"total": 500, "used": 1}, "group_by": "groups"});
    assert_eq!(sosafe.ok("GET /client", Value::Null, 200), expect);
}

#[test]
fn a_path_outside_the_contract_is_no_missing_row() {
    let sosafe = SoSafe::start();
    sosafe.refused("GET /user", Value::Null, (404, "E0404", ""));
    sosafe.refused("GET /users/18001/suspend", Value::Null, (404, "E0404", ""));
    sosafe.refused("PUT /users/18001", json!({}), (405, "E0405", ""));
    sosafe.refused("GET /user-groups/Finance", Value::Null, (405, "E0405", ""));
    sosafe.refused("GET /users/18001", Value::Null, (404, "E1404", ""));
    sosafe.refused("GET /users/abc", Value::Null, (404, "E1404", ""));
}

#[test]
fn the_sentences_are_german_and_the_shape_is_fixed() {
    let sosafe = SoSafe::start();
    let id = sosafe.user("ada");
    let expect = json!({"error": {"code": "E1001", "message": "Die E-Mail-Adresse wird bereits verwendet.", "field": "email", "existing_id": id}});
    assert_eq!(sosafe.call("POST /users", person("ada")).json(), expect);
    let expect = json!({"error": {"code": "E1404", "message": "Der Datensatz wurde nicht gefunden.", "field": null}});
    assert_eq!(sosafe.call("GET /users/1", Value::Null).json(), expect);
}

#[test]
fn before_the_first_sync_has_ended_nothing_works() {
    let sosafe = SoSafe::start();
    sosafe
        .emulator
        .set_limits(Limits {
            first_sync_running: true,
            ..Limits::default()
        })
        .unwrap();
    sosafe.refused("POST /users", person("ada"), (503, "E9003", ""));
    sosafe.refused("GET /client", Value::Null, (503, "E9003", ""));
    sosafe.emulator.set_limits(Limits::default()).unwrap();
    sosafe.ok("GET /client", Value::Null, 200);
}

#[test]
fn the_burst_ends_with_429_and_a_second_gives_ten_calls() {
    let sosafe = SoSafe::start();
    sosafe.emulator.stop_clock();
    sosafe.emulator.set_limits(json!({"rate": {}})).unwrap();
    for left in (0..20).rev() {
        let reply = sosafe.call("GET /client", Value::Null);
        assert_eq!(
            (reply.status, reply.header("x-ratelimit-remaining")),
            (200, left.to_string().as_str())
        );
    }
    let reply = sosafe.call("GET /client", Value::Null);
    assert_eq!((reply.status, reply.header("retry-after")), (429, "1"));
    assert_eq!(reply.header("x-ratelimit-remaining"), "0");
    sosafe.emulator.advance_clock(Duration::from_secs(1));
    let statuses: Vec<u16> = (0..11)
        .map(|_| sosafe.call("GET /client", Value::Null).status)
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10);
}

#[test]
fn a_minute_has_its_own_limit() {
    let sosafe = SoSafe::start();
    sosafe.emulator.stop_clock();
    let rate = Rate {
        per_second: 10,
        burst: 20,
        per_minute: 3,
    };
    sosafe
        .emulator
        .set_limits(Limits {
            rate: Some(rate),
            ..Limits::default()
        })
        .unwrap();
    (0..3).for_each(|_| drop(sosafe.ok("GET /client", Value::Null, 200)));
    sosafe.emulator.advance_clock(Duration::from_secs(53));
    assert_eq!(
        sosafe
            .call("GET /client", Value::Null)
            .header("retry-after"),
        "7"
    );
    sosafe.emulator.advance_clock(Duration::from_secs(7));
    sosafe.ok("GET /client", Value::Null, 200);
}

#[test]
fn one_customer_never_sees_another() {
    let other = Client {
        api_key: "other-key".into(),
        idp_tenant: "other-guid".into(),
        ..Client::default()
    };
    let sosafe = SoSafe::with(Options {
        clients: vec![Client::default(), other],
        ..Options::default()
    });
    let ada = sosafe.user("ada");
    let as_other = |line: &str, body: Value| sosafe.call_as("other-key", "other-guid", line, body);
    assert_eq!(as_other("GET /client", Value::Null).json()["client"], 4712);
    for line in [
        "GET /users/{}",
        "DELETE /users/{}",
        "POST /users/{}/activate",
        "POST /users/{}/restore",
    ] {
        let reply = as_other(&line.replace("{}", &ada.to_string()), Value::Null);
        assert_eq!(reply.json()["error"]["code"], "E1404", "{line}");
    }
    assert_eq!(
        as_other("GET /users?email=ada@example.com", Value::Null).json()["total"],
        0
    );
    let twin = as_other("POST /users", person("ada"));
    assert_eq!(
        (twin.status, twin.json()["id"].as_u64()),
        (201, Some(ada + 1))
    );
    assert_eq!(
        sosafe
            .call_as("demo-key", "other-guid", "GET /client", Value::Null)
            .status,
        403
    );
    assert_eq!(
        as_other("PUT /user-groups/Finance", Value::Null).status,
        201
    );
    assert_eq!(sosafe.ok("GET /user-groups", Value::Null, 200)["total"], 0);
}

#[test]
fn grouping_by_attribute_is_the_vendors_own_doing() {
    let sosafe = SoSafe::of(Client {
        group_by: GroupBy::Attribute,
        ..Client::default()
    });
    let row = sosafe.ok(
        "POST /users",
        person_with("ada", "department", json!("Finance")),
        201,
    );
    assert_eq!(row["user_group"], "Finance");
    let line = format!("PATCH /users/{}", row["id"]);
    assert_eq!(
        sosafe.ok(&line, json!({"department": "Sales"}), 200)["user_group"],
        "Sales"
    );
    sosafe.refused(
        &line,
        json!({"user_group": "Finance"}),
        (400, "E1007", "user_group"),
    );
    assert_eq!(
        sosafe.ok(&line, json!({"department": null}), 200)["user_group"],
        Value::Null
    );
    sosafe.refused(
        "POST /users",
        person_with("ada", "department", json!("Ghost")),
        (400, "E1001", "email"),
    );
    assert_eq!(sosafe.ok("GET /user-groups", Value::Null, 200)["total"], 2);
}

#[test]
fn a_seed_comes_back_as_state_and_a_bad_one_changes_nothing() {
    let sosafe = SoSafe::start();
    let legacy = json!({"id": 17000, "status": "ARCHIVED", "email": "Old@Example.com", "user_group": "Alumni"});
    sosafe
        .emulator
        .seed(json!({"clients": [{"user_groups": ["Finance"], "users": [legacy, person("ada")]}]}))
        .unwrap();
    let state = sosafe.emulator.state();
    let client = &state["clients"][0];
    assert_eq!(client["user_groups"], json!(["Alumni", "Finance"]));
    assert_eq!(
        (&client["users"][0]["email"], &client["users"][0]["login"]),
        (&json!("old@example.com"), &Value::Null)
    );
    assert_eq!(
        (&client["users"][1]["id"], &client["users"][1]["status"]),
        (&json!(18001), &json!("ACTIVE"))
    );
    assert_eq!(client["licences"]["used"], 1);
    sosafe.emulator.reset();
    sosafe.emulator.seed(state.clone()).unwrap();
    assert_eq!(sosafe.emulator.state(), state);

    for bad in [
        json!({"clients": [{"users": [person("new"), person("ada")]}]}),
        json!({"clients": [{"users": [person("new"), {"id": 17000, "email": "x@y"}]}]}),
        json!({"clients": [{"users": [person("new"), {"mail": "x@y"}]}]}),
        json!({"clients": [{"users": [{"id": 5, "email": "a@b"}, {"id": 5, "email": "c@d"}]}]}),
        json!({"clients": [{"client": 99}]}),
        json!({"users": []}),
    ] {
        assert!(sosafe.emulator.seed(bad.clone()).is_err(), "{bad}");
        assert_eq!(sosafe.emulator.state(), state, "{bad}");
    }
    assert_eq!(sosafe.ok("POST /users", person("new"), 201)["id"], 18002);
}
