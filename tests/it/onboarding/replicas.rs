//! Two gateways on one PostgreSQL: what is done at one is served by the other.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CONFIG, KEY, Scene, within};
use crate::harness::postgres::Postgres;
use crate::house::House;
use crate::serve_command::Served;

#[test]
fn a_change_at_one_replica_is_live_at_the_other_within_five_seconds() {
    let server = Postgres::shared();
    let url = server.database();
    let house = || {
        let house = House::of_sosafe();
        house.write("keys/credentials", KEY);
        house.write("keys/pepper", &KEY.replace('9', "4"));
        house.write("keys/postgres", &url);
        house
    };
    let config =
        format!("{CONFIG}pepper_file = \"keys/pepper\"\npostgres_url_file = \"keys/postgres\"\n");
    let first = Scene::begun(house(), "sosafe", &config);
    let beside = house();
    beside.write("tenants/.keep", "");
    beside.write("scimgate.toml", &config);
    let second = Served::start(&beside);
    let there = |token: &str| {
        let path = "/t/acme/scim/v2/Users?filter=userName+eq+%22nobody%22";
        second.get(path, token).status
    };
    let five = Duration::from_secs(5);
    let made = json!({"name": "acme", "tenant": first.tenant()});
    assert_eq!(first.admin("POST", "/tenants", made).status, 200);
    let token = first.token("acme");
    assert_eq!(first.connects("acme", &token), 200);
    within(five, "made", || there(&token) == 200);
    first.admin("POST", "/tenants/acme/disable", Value::Null);
    within(five, "switched off", || there(&token) == 503);
    first.admin("POST", "/tenants/acme/enable", Value::Null);
    within(five, "switched on", || there(&token) == 200);
    let wrong = json!({"credential": {"key": "wrong"}});
    first.admin("PATCH", "/tenants/acme", wrong);
    within(five, "changed", || there(&token) == 503);
    first.admin("DELETE", "/tenants/acme", Value::Null);
    within(five, "deleted", || there(&token) == 401);
}
