//! What the admin port does with tokens, of administrators and of tenants.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use super::{Scene, until};
use crate::harness::Request;
use crate::house::House;
use crate::serve_command::Served;

#[test]
fn a_token_works_until_it_is_revoked_and_is_in_no_log() {
    let mut scene = Scene::start();
    let token = scene.mint("viewer", "anna");
    assert!(token.starts_with("sca_") && token.len() == 62, "{token}");
    assert_eq!(scene.ask(&token, "GET", "/status").status, 200);
    assert_eq!(scene.ask(&token, "POST", "/reload").status, 403);
    let listed = scene.run(&["admin", "list"]).text;
    let key = &token[4..12];
    assert!(
        listed.contains(&format!("\n{key}  viewer  anna  20")),
        "{listed}"
    );
    assert!(
        listed.trim_end().ends_with("valid") && !listed.contains(&token),
        "{listed}"
    );
    assert_eq!(scene.run(&["admin", "revoke", "--key", key]).status, 0);
    assert_eq!(scene.ask(&token, "GET", "/status").status, 401);
    assert!(scene.run(&["admin", "list"]).text.contains("revoked "));
    let log = scene.served.terminate();
    assert!(
        log.contains("the token is revoked") && !log.contains(&token),
        "{log}"
    );
}

#[test]
fn a_tenants_token_opens_no_administration_and_an_administrators_no_tenant() {
    let mut scene = Scene::start();
    let minted = scene.run(&["token", "mint", "--tenant", "acme"]);
    let tenants = minted.text.split_whitespace().last().unwrap();
    let editors = scene.mint("editor", "anna");
    assert_eq!(scene.ask(tenants, "GET", "/status").status, 401);
    assert_eq!(scene.served.get("/scim/v2/Schemas", &editors).status, 401);
    assert_eq!(scene.served.get("/scim/v2/Schemas", tenants).status, 200);
    scene.served.terminate();
}

#[test]
fn an_operator_makes_a_client_secret_too() {
    let mut scene = Scene::start();
    let anna = scene.mint("operator", "anna");
    let ask = |body: &str| {
        let request = Request::new("POST", "/admin/v1/tenants/acme/tokens")
            .body(body)
            .header("Content-Type", "application/json")
            .header("Authorization", &format!("Bearer {anna}"));
        Served::send(&scene.served.admin, &request)
    };
    let made = ask("{\"oauth\": true}");
    assert_eq!(made.status, 200, "{made}");
    let made = made.json();
    let url = made["tenant_url"].as_str().unwrap();
    assert_eq!(made["token_endpoint"], format!("{url}/oauth2/token"));
    assert_eq!(made["client_id"], "acme");
    let secret = made["client_secret"].as_str().unwrap();
    assert!(secret.starts_with("scs_"), "{made}");
    let soon = ask("{\"oauth\": true, \"expires\": \"2026-12-01T00:00:00Z\"}");
    assert_eq!(soon.status, 400, "{soon}");
    let told = scene.ask(&anna, "GET", "/tenants/acme/tokens");
    assert_eq!(told.json()[0]["kind"], "client_secret", "{told}");
    let log = scene.served.terminate();
    assert!(!log.contains(secret), "{log}");
}

#[test]
fn an_operator_makes_and_ends_a_tenants_token_and_the_audit_says_who() {
    let mut scene = Scene::start();
    let anna = scene.mint("operator", "anna");
    let made = scene.ask(&anna, "POST", "/tenants/acme/tokens");
    assert_eq!(made.status, 200, "{made}");
    let made = made.json();
    let token = made["secret_token"].as_str().unwrap();
    let key = made["key"].as_str().unwrap();
    assert!(
        made["tenant_url"]
            .as_str()
            .unwrap()
            .ends_with("/t/acme/scim/v2")
    );
    let warnings = made["warnings"].to_string();
    assert!(warnings.contains("the loopback"), "{warnings}");
    assert_eq!(
        scene.served.get("/t/acme/scim/v2/Schemas", token).status,
        200
    );
    let told = scene.ask(&anna, "GET", "/tenants/acme/tokens");
    assert!(
        !told.to_string().contains(token) && told.json()[0]["works"] == true,
        "{told}"
    );
    assert_eq!(scene.ask(&anna, "GET", "/tenants/acme").json()["tokens"], 1);
    let path = format!("/tenants/acme/tokens/{key}");
    let ended = scene.ask(&anna, "DELETE", &path);
    assert_eq!(ended.status, 204, "{ended}");
    assert_eq!(
        scene.served.get("/t/acme/scim/v2/Schemas", token).status,
        401
    );
    assert_eq!(
        scene
            .ask(&anna, "DELETE", "/tenants/acme/tokens/zzzzzzzz")
            .status,
        404
    );
    assert_eq!(
        scene.ask(&anna, "POST", "/tenants/other/tokens").status,
        404
    );
    let audit = scene.audit(&anna).into_iter().map(|deed| {
        json!([
            deed["actor"],
            deed["what"],
            deed["subject"],
            deed["outcome"]
        ])
    });
    let audit: Vec<_> = audit.collect();
    assert_eq!(
        audit,
        [
            json!([
                "anna",
                "token.mint",
                "/tenants/{tenant}/tokens",
                "not_found"
            ]),
            json!(["anna", "token.revoke", "zzzzzzzz", "not_found"]),
            json!(["anna", "token.revoke", key, "done"]),
            json!(["anna", "token.mint", key, "done"]),
            json!(["local", "admin.mint", &anna[4..12], "done"]),
        ]
    );
    assert_eq!(
        scene.audit(&anna)[2]["request_id"],
        ended.header("x-request-id")
    );
    let log = scene.served.terminate();
    assert!(
        log.contains("\"what\":\"token.revoke\"") && !log.contains(token),
        "{log}"
    );
}

#[test]
fn the_story_of_a_request_is_told_by_its_id() {
    let mut scene = Scene::start();
    let viewer = scene.mint("viewer", "anna");
    let minted = scene.run(&["token", "mint", "--tenant", "acme"]);
    let token = minted.text.split_whitespace().last().unwrap();
    let gone = Request::new("DELETE", "/scim/v2/Users/4711")
        .header("Authorization", &format!("Bearer {token}"));
    let gone = Served::send(&scene.served.origin, &gone);
    assert_eq!(gone.status, 404, "{gone}");
    let id = gone.header("x-request-id");
    until("the request is in the log", || {
        scene.ask(&viewer, "GET", &format!("/events/{id}")).status == 200
    });
    let story = scene.ask(&viewer, "GET", &format!("/events/{id}")).json();
    assert_eq!(story[0]["http_status"], 404);
    let count = |path: &str| {
        let page = scene.ask(&viewer, "GET", path);
        page.json()["events"].as_array().map(Vec::len)
    };
    assert_eq!(count("/tenants/acme/events"), Some(1));
    assert_eq!(count("/tenants/other/events"), Some(0));
    assert_eq!(count("/events?action=delete"), Some(1));
    assert_eq!(count("/events?action=create"), Some(0));
    assert_eq!(count("/events?activity=create"), None);
    assert_eq!(scene.ask(&viewer, "GET", "/events/none").status, 404);
    scene.served.terminate();
}

#[test]
fn requests_are_tried_out_on_what_runs_and_nothing_is_sent() {
    let mut scene = Scene::start();
    let anna = scene.mint("operator", "anna");
    let body = json!({"requests": "DELETE /Users/4711"}).to_string();
    let request = Request::new("POST", "/admin/v1/tenants/acme/dry-run")
        .body(body)
        .header("Content-Type", "application/json")
        .header("Authorization", &format!("Bearer {anna}"));
    let told = Served::send(&scene.served.admin, &request);
    assert_eq!(told.status, 200, "{told}");
    assert!(told.to_string().contains("DELETE"), "{told}");
    assert!(scene.vendor.journal().is_empty());
    let request = request
        .body("{\"requests\": 1}")
        .header("Content-Type", "application/json");
    assert_eq!(Served::send(&scene.served.admin, &request).status, 400);
    let many = "DELETE /Users/1\n\n###\n".repeat(101);
    let request = request
        .body(json!({ "requests": many }).to_string())
        .header("Content-Type", "application/json");
    let refused = Served::send(&scene.served.admin, &request);
    assert_eq!(refused.status, 400, "{refused}");
    assert!(refused.to_string().contains("too many"), "{refused}");
    scene.served.terminate();
}

#[test]
fn a_dry_run_that_waits_for_its_vendor_does_not_keep_the_gateway_from_ending() {
    let mut scene = Scene::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", silent.local_addr().unwrap());
    scene.house.tenant("mute", &base_url, "key");
    let anna = scene.mint("operator", "anna");
    assert_eq!(scene.ask(&anna, "POST", "/reload").status, 200);
    let body = json!({"requests": "GET /Users/4711", "read": true}).to_string();
    let request = format!(
        "POST /admin/v1/tenants/mute/dry-run HTTP/1.1\r\nHost: here\r\n\
         Authorization: Bearer {anna}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let address = scene.served.admin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let _vendor = silent.accept().unwrap();
    scene.served.terminate();
}

#[test]
fn an_admin_port_beyond_loopback_is_warned_of() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    for (address, warned) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let mut command = house.command(&["-c", "scimgate.toml", "serve"]);
        command.env("SCIMGATE_ADMIN__LISTEN", address);
        let log = Served::of(command).terminate();
        assert_eq!(
            log.contains("without encryption"),
            warned,
            "{address}: {log}"
        );
    }
}

#[test]
fn the_configuration_is_told_and_the_document_of_all_paths() {
    let mut scene = Scene::start();
    let viewer = scene.mint("viewer", "anna");
    let config = scene.ask(&viewer, "GET", "/config").json();
    assert_eq!(config["catalog"]["watch"], "off");
    assert_eq!(config["log"]["retention"], "30d");
    let document = scene.ask(&viewer, "GET", "/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    scene.served.terminate();
}
