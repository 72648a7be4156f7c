//! The contract over real sockets: tokens, targets, groups, and the traps.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Account, Limits, Options, Site, start};
use crate::kit::{Emulator, Rate};
use crate::testing::{self, Reply};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::time::Duration;

const BASIC: &str = "Basic Y2xpZW50X2RlbW86ZGVtby1zZWNyZXQ=";
const PASSWORD: &str = "grant_type=password&username=scim%40msp.example&password=demo-password";

struct Webroot {
    emulator: Emulator,
    token: RefCell<String>,
}

impl Webroot {
    fn start() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let webroot = Self {
            emulator: start(options).unwrap(),
            token: RefCell::default(),
        };
        let given = webroot.ask(PASSWORD).json();
        *webroot.token.borrow_mut() = given["access_token"].as_str().unwrap().to_owned();
        webroot
    }

    fn ask(&self, form: &str) -> Reply {
        let url = format!("{}/auth/token", self.emulator.base_url());
        let headers = [("authorization", BASIC), ("user-agent", "test/1")];
        testing::send(
            "POST",
            &url,
            &headers,
            form.as_bytes(),
            Duration::from_secs(9),
        )
        .unwrap()
    }

    /// `call("POST /targets", …)` on the first site; `null` sends no body.
    fn call(&self, line: &str, body: Value) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let (account, site) = (Account::default(), Site::default());
        let base = format!(
            "{}/service/api/awareness/gsm/{}/sites/{}",
            self.emulator.base_url(),
            account.gsm_key,
            site.site_id
        );
        self.send(method, &format!("{base}{path}"), body)
    }

    fn send(&self, method: &str, url: &str, body: Value) -> Reply {
        let bearer = format!("Bearer {}", self.token.borrow());
        let headers = [("authorization", bearer.as_str()), ("user-agent", "test/1")];
        testing::send_json(method, url, &headers, &body)
    }

    #[track_caller]
    fn ok(&self, line: &str, body: Value, status: u16) -> Value {
        let reply = self.call(line, body);
        assert_eq!(reply.status, status, "{line}: {reply:?}");
        reply.value()
    }

    #[track_caller]
    fn refused(&self, line: &str, body: Value, expect: (u16, &str)) {
        let reply = self.call(line, body);
        let error = reply.json();
        assert_eq!(
            (reply.status, error["Error"].as_str().unwrap()),
            expect,
            "{line}"
        );
    }

    fn target(&self, name: &str) -> Value {
        self.ok("POST /targets", person(name), 201)
    }
}

fn person(name: &str) -> Value {
    let address = format!("{name}@example.com");
    json!({"EmailAddress": address, "UserName": address, "FirstName": name, "LastName": "Lane", "Tags": ["x"]})
}

fn with(mut row: Value, field: &str, value: Value) -> Value {
    row[field] = value;
    row
}

#[test]
fn tokens_end_and_refresh_tokens_are_good_for_once() {
    let webroot = Webroot::start();
    let first = webroot.ask(PASSWORD).json();
    let refresh = format!(
        "grant_type=refresh_token&refresh_token={}",
        first["refresh_token"].as_str().unwrap()
    );
    assert_eq!(webroot.ask(&refresh).status, 200);
    assert_eq!(
        webroot.ask(&refresh).json(),
        json!({"error": "invalid_grant"})
    );
    assert_eq!(
        webroot
            .ask("grant_type=password&username=x&password=y")
            .status,
        400
    );
    webroot.ok("GET /targets", Value::Null, 200);
    webroot.emulator.advance_clock(Duration::from_secs(301));
    webroot.refused("GET /targets", Value::Null, (401, "Unauthorized"));
    assert_eq!(webroot.ask("grant_type=client_credentials").status, 200);
}

#[test]
fn who_does_not_say_its_name_is_turned_away() {
    let webroot = Webroot::start();
    let url = format!("{}/auth/token", webroot.emulator.base_url());
    for agent in ["", "curl"] {
        let reply = testing::send(
            "POST",
            &url,
            &[("user-agent", agent)],
            b"",
            Duration::from_secs(9),
        );
        assert_eq!(reply.unwrap().json()["Error"], "UserAgentRequired");
    }
}

#[test]
fn a_site_of_another_account_and_a_suspended_one_are_closed() {
    let other = Account {
        client_id: "other".to_owned(),
        gsm_key: "AAAA".to_owned(),
        ..Account::default()
    };
    let suspended = Site {
        site_id: "s2".to_owned(),
        suspended: true,
        ..Site::default()
    };
    let mut own = Account::default();
    own.sites.push(suspended);
    let webroot = Webroot::with(Options {
        clients: vec![own, other],
        ..Options::default()
    });
    let at = |gsm: &str, site: &str| {
        let base = webroot.emulator.base_url();
        webroot.send(
            "GET",
            &format!("{base}/service/api/awareness/gsm/{gsm}/sites/{site}/targets"),
            Value::Null,
        )
    };
    assert_eq!(
        at("AAAA", &Site::default().site_id).json()["Error"],
        "AccessDenied"
    );
    assert_eq!(
        at(&Account::default().gsm_key, "s2").json()["Error"],
        "SiteSuspended"
    );
    let url = format!(
        "{}/service/api/console/gsm/{}/sites",
        webroot.emulator.base_url(),
        Account::default().gsm_key
    );
    assert_eq!(
        webroot.send("GET", &url, Value::Null).json()["Sites"][1]["Suspended"],
        true
    );
}

#[test]
fn a_target_is_replaced_whole_and_by_its_latest_version_only() {
    let webroot = Webroot::start();
    let ada = webroot.target("ada");
    let line = format!("PUT /targets/{}", ada["TargetId"].as_str().unwrap());
    webroot.refused(&line, person("ada"), (400, "ValidationFailed"));
    let body = json!({"EmailAddress": "ADA@example.com", "RowVersion": ada["RowVersion"]});
    let put = webroot.ok(&line, body.clone(), 200);
    assert_eq!((&put["UserName"], &put["Tags"]), (&Value::Null, &json!([])));
    webroot.refused(&line, body, (409, "ConcurrencyConflict"));
}

#[test]
fn names_addresses_and_domains_have_rules() {
    let webroot = Webroot::with(Options {
        clients: vec![Account {
            sites: vec![Site {
                domains: vec!["example.com".to_owned()],
                ..Site::default()
            }],
            ..Account::default()
        }],
        ..Options::default()
    });
    let post = |field, value, expect| {
        webroot.refused("POST /targets", with(person("ada"), field, value), expect)
    };
    post("FirstName", json!("A"), (400, "ValidationFailed"));
    post("LastName", json!("x".repeat(31)), (400, "ValidationFailed"));
    post("EmailAddress", json!("ada"), (400, "ValidationFailed"));
    post(
        "EmailAddress",
        json!("ada@gmail.com"),
        (422, "PublicDomain"),
    );
    post(
        "EmailAddress",
        json!("ada@other.example"),
        (422, "DomainNotVerified"),
    );
    webroot.target("ada");
    post(
        "EmailAddress",
        json!("ADA@example.com"),
        (400, "DuplicateEmail"),
    );
    let found = webroot.ok("GET /targets?userName=ADA%40example.com", Value::Null, 200);
    assert_eq!(found["Targets"].as_array().unwrap().len(), 1);
}

#[test]
fn a_list_goes_on_by_a_continuation_for_ten_minutes() {
    let webroot = Webroot::start();
    for number in 0..5 {
        webroot.target(&format!("p{number}"));
    }
    let page = |line: &str| webroot.ok(line, Value::Null, 200);
    let first = page("GET /targets?pageSize=3");
    let go_on = format!(
        "GET /targets?pageSize=3&continuation={}",
        first["Continuation"].as_str().unwrap()
    );
    let second = page(&go_on);
    assert_eq!(second["Targets"].as_array().unwrap().len(), 2);
    assert_eq!(second["Continuation"], Value::Null);
    webroot.refused(
        "GET /targets?pageSize=101",
        Value::Null,
        (400, "ValidationFailed"),
    );
    webroot.emulator.advance_clock(Duration::from_secs(601));
    let given = webroot.ask(PASSWORD).json();
    *webroot.token.borrow_mut() = given["access_token"].as_str().unwrap().to_owned();
    webroot.refused(&go_on, Value::Null, (410, "ContinuationExpired"));
}

#[test]
fn memberships_are_rows_and_keep_their_group() {
    let webroot = Webroot::start();
    let (ada, bob) = (webroot.target("ada"), webroot.target("bob"));
    let group = webroot.ok("POST /targetgroups", json!({"GroupName": "A"}), 201);
    webroot.refused(
        "POST /targetgroups",
        json!({"GroupName": "a"}),
        (400, "DuplicateGroupName"),
    );
    let path = format!("/targetgroups/{}", group["GroupId"].as_str().unwrap());
    let member = |who: &Value| json!({"TargetId": who["TargetId"]});
    let join = format!("POST {path}/memberships");
    let membership = webroot.ok(&join, member(&ada), 201);
    webroot.refused(&join, member(&ada), (400, "AlreadyMember"));
    webroot.refused(
        &join,
        json!({"TargetId": "nobody"}),
        (400, "ValidationFailed"),
    );
    webroot.ok(&join, member(&bob), 201);
    webroot.refused(
        &format!("DELETE {path}"),
        Value::Null,
        (400, "GroupNotEmpty"),
    );
    let leave = format!(
        "DELETE {path}/memberships/{}",
        membership["MembershipId"].as_str().unwrap()
    );
    webroot.ok(&leave, Value::Null, 204);
    webroot.refused(&leave, Value::Null, (404, "NotFound"));
    webroot.ok(
        &format!("DELETE /targets/{}", bob["TargetId"].as_str().unwrap()),
        Value::Null,
        204,
    );
    let left = webroot.ok(&format!("GET {path}/memberships"), Value::Null, 200);
    assert_eq!(left["Memberships"], json!([]));
    webroot.ok(&format!("DELETE {path}"), Value::Null, 204);
}

#[test]
fn limits_are_each_clients() {
    let webroot = Webroot::start();
    let rate = Rate {
        per_second: 1,
        burst: 1,
        per_minute: 300,
    };
    let limits = Limits {
        rate: Some(rate),
        ..Limits::default()
    };
    webroot.emulator.set_limits(limits).unwrap();
    webroot.emulator.stop_clock();
    webroot.ok("GET /targets", Value::Null, 200);
    let reply = webroot.call("GET /targets", Value::Null);
    assert_eq!((reply.status, reply.header("retry-after")), (429, "1"));
}

#[test]
fn rows_go_in_as_they_come_out() {
    let webroot = Webroot::start();
    let legacy = json!({"EmailAddress": "old@example.com", "UserName": null});
    let group = json!({"GroupName": "A", "GroupDescription": "d", "Members": ["old@example.com"]});
    let seed = json!({"sites": [{"Targets": [legacy], "TargetGroups": [group]}]});
    webroot.emulator.seed(seed).unwrap();
    let state = webroot.emulator.state();
    assert_eq!(state["sites"][0]["Targets"][0]["UserName"], Value::Null);
    assert_eq!(
        state["sites"][0]["TargetGroups"][0]["Members"],
        json!(["old@example.com"])
    );
}
