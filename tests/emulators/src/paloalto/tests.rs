//! The contract over real sockets: keys, xpath, and the traps.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Client, Limits, Options, start};
use crate::kit::Emulator;
use crate::testing::send;
use serde_json::json;
use std::time::Duration;

const USERS: &str = "/config/shared/directory/entry[@name='example.com']/user/entry";
const GROUPS: &str = "/config/shared/directory/entry[@name='example.com']/user-group/entry";
const WHOLE: &str = r#"<attr n="User Principal Name">ada</attr><attr n="UserAccountControl">512</attr><attr n="Name">Ada</attr><attr n="Given Name">Ada</attr><attr n="Sur Name">Lane &amp; Co</attr><attr n="Common-Name">Ada Lane</attr>"#;

struct PaloAlto {
    emulator: Emulator,
    key: String,
}

impl PaloAlto {
    fn start() -> Self {
        let emulator = start(Options::default()).unwrap();
        let mut vendor = Self {
            emulator,
            key: String::new(),
        };
        vendor.key = vendor.new_key();
        vendor
    }

    fn new_key(&self) -> String {
        let Client { user, password, .. } = Client::default();
        let (_, body) = self.post(&[("type", "keygen"), ("user", &user), ("password", &password)]);
        let key = body.split_once("<key>").unwrap().1;
        key.split_once('<').unwrap().0.to_owned()
    }

    fn post(&self, form: &[(&str, &str)]) -> (u16, String) {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let url = format!("{}/api/", self.emulator.base_url());
        let headers = [("x-pan-key", self.key.as_str())];
        let reply = send(
            "POST",
            &url,
            &headers,
            body.as_bytes(),
            Duration::from_secs(5),
        )
        .unwrap();
        (
            reply.status,
            String::from_utf8(reply.body.to_vec()).unwrap(),
        )
    }

    fn config(&self, action: &str, xpath: &str, more: &[(&str, &str)]) -> (u16, String) {
        let form = [("type", "config"), ("action", action), ("xpath", xpath)];
        self.post(&[&form, more].concat())
    }

    /// The code that an action is answered with, always with HTTP 200.
    #[track_caller]
    fn check(&self, action: &str, xpath: &str, more: &[(&str, &str)], code: u16) -> String {
        let (status, body) = self.config(action, xpath, more);
        assert_eq!(status, 200);
        assert!(
            body.contains(&format!("code=\"{code}\"")),
            "{action} {xpath}: {body}"
        );
        body
    }

    fn make(&self, name: &str) {
        self.check("create", &at(USERS, name), &[("element", WHOLE)], 20);
    }
}

fn at(place: &str, name: &str) -> String {
    format!("{place}[@name='{name}']")
}

#[test]
fn keys_are_given_for_a_password_end_and_are_revoked() {
    let vendor = PaloAlto::start();
    let (status, body) =
        vendor.post(&[("type", "keygen"), ("user", "scim"), ("password", "wrong")]);
    assert!(status == 403 && body.contains("403"), "{body}");
    vendor.check("get", USERS, &[], 7);
    vendor.emulator.advance_clock(Duration::from_secs(3601));
    vendor.check("get", USERS, &[], 22);
    let renewed = PaloAlto {
        key: vendor.new_key(),
        emulator: vendor.emulator,
    };
    renewed.check("get", USERS, &[], 7);
    let revoked = Limits {
        revoke_keys: true,
        ..Limits::default()
    };
    renewed.emulator.set_limits(revoked).unwrap();
    assert_eq!(renewed.config("get", USERS, &[]).0, 403);
}

#[test]
fn set_makes_and_merges_and_create_refuses() {
    let vendor = PaloAlto::start();
    let ada = at(USERS, "ada");
    vendor.check("get", &ada, &[], 7);
    vendor.make("ada");
    vendor.check("create", &ada, &[("element", WHOLE)], 8);
    vendor.check(
        "set",
        &ada,
        &[("element", r#"<attr n="Title">Engineer</attr>"#)],
        20,
    );
    let body = vendor.check("get", &ada, &[], 19);
    assert!(
        body.contains("Lane &amp; Co") && body.contains("Engineer"),
        "{body}"
    );
    vendor.check(
        "set",
        &at(USERS, "ghost"),
        &[("element", r#"<attr n="Title">x</attr>"#)],
        20,
    );
    vendor.check("get", &at(USERS, "ghost"), &[], 19);
    vendor.check(
        "edit",
        &at(USERS, "nobody"),
        &[("element", "<entry name=\"nobody\"/>")],
        7,
    );
    vendor.check(
        "create",
        &at(USERS, "half"),
        &[("element", r#"<attr n="Title">x</attr>"#)],
        12,
    );
    vendor.check(
        "set",
        &ada,
        &[("element", r#"<attr n="Shoe">44</attr>"#)],
        12,
    );
    vendor.check("set", &ada, &[("element", "<attr")], 18);
}

#[test]
fn who_has_no_mail_is_told_with_the_principal_name() {
    let vendor = PaloAlto::start();
    vendor.make("ada");
    let mail = r#"<attr n="Mail">ada</attr>"#;
    assert!(
        vendor
            .check("get", &at(USERS, "ada"), &[], 19)
            .contains(mail)
    );
    assert!(!vendor.emulator.state().to_string().contains("Mail"));
    let path = format!("{}/attr[@n='Mail']", at(USERS, "ada"));
    vendor.check("delete", &path, &[], 7);
}

#[test]
fn groups_hold_names_and_hold_on_to_them() {
    let vendor = PaloAlto::start();
    vendor.make("ada");
    let member = format!("{}/member", at(GROUPS, "A"));
    vendor.check("set", &member, &[("element", "<member>bob</member>")], 13);
    vendor.check("set", &member, &[("element", "<member>ada</member>")], 20);
    vendor.check("set", &member, &[("element", "<member>ada</member>")], 20);
    let body = vendor.check("delete", &at(USERS, "ada"), &[], 10);
    assert!(body.contains(" user-group -&gt; A -&gt; member"), "{body}");
    vendor.check("rename", &at(USERS, "ada"), &[("newname", "eva")], 20);
    assert!(
        vendor
            .check("get", &at(GROUPS, "A"), &[], 19)
            .contains("<member>ada</member>")
    );
    vendor.check("delete", &format!("{member}[text()='ada']"), &[], 20);
    vendor.check("delete", &format!("{member}[text()='ada']"), &[], 7);
    vendor.check("create", &at(GROUPS, "Sales EMEA"), &[("element", "")], 12);
    vendor.check(
        "create",
        &at(GROUPS, &"a".repeat(32)),
        &[("element", "")],
        12,
    );
}

#[test]
fn little_of_xpath_is_understood() {
    let vendor = PaloAlto::start();
    for name in ["ada", "bob", "cy"] {
        vendor.make(name);
    }
    vendor.check(
        "create",
        &format!("{USERS}[@name=\"O'Brien\"]"),
        &[("element", WHOLE)],
        20,
    );
    vendor.check(
        "create",
        &format!("{USERS}[@name=concat('a\"', \"'\", 'b')]"),
        &[("element", WHOLE)],
        20,
    );
    assert!(vendor.emulator.state().to_string().contains(r#""a\"'b""#));
    let page = vendor.check(
        "get",
        &format!("{USERS}[position()>1 and position()<=2]"),
        &[],
        19,
    );
    assert!(page.contains(r#"total-count="5" count="1""#), "{page}");
    vendor.check(
        "get",
        &format!("{USERS}[attr[@n='Sur Name']='Lane & Co']"),
        &[],
        19,
    );
    for xpath in [
        "//user",
        "/config",
        &format!("{USERS}[@name='a' or @name='b']"),
        &format!("{USERS}[contains(@name,'a')]"),
        &format!("{GROUPS}[member='ada']"),
        &format!("{USERS}[@name='a"),
    ] {
        vendor.check("get", xpath, &[], 6);
    }
    vendor.check(
        "get",
        "/config/shared/directory/entry[@name='other.example']/user/entry",
        &[],
        16,
    );
}

#[test]
fn state_can_be_seeded_and_told() {
    let vendor = PaloAlto::start();
    let rows = json!({"directories": [{"users": [{"name": "ada", "attrs": {"User Principal Name": "ada"}}], "groups": [{"name": "A", "display-name": "A B", "members": ["ada"]}]}]});
    vendor.emulator.seed(rows).unwrap();
    let state = vendor.emulator.state();
    assert_eq!(state["directories"][0]["groups"][0]["display-name"], "A B");
    assert_eq!(state["directories"][0]["users"][0]["name"], "ada");
    let busy = Limits {
        busy: true,
        ..Limits::default()
    };
    vendor.emulator.set_limits(busy).unwrap();
    vendor.check("get", USERS, &[], 5);
    vendor.emulator.reset();
    assert_eq!(
        vendor.emulator.state()["directories"][0]["users"],
        json!([])
    );
}
