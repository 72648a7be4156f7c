//! What the provisioning log says of requests of every kind, in Entra's words; what
//! `explain` makes of it; and how a tenant's health is judged.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use scimgate::config::Identity;
use scimgate::demo::emulator::kit::{Action, Fault};
use scimgate::provisioning::trace::{Event, Step, tell};
use serde_json::{Value, json};

use crate::harness::{Options, TestGateway, person};

/// An event as `scimgate explain` tells it, without what differs from run to run.
fn outline(event: &Event) -> String {
    let mut text = format!(
        "{} {} | {} {} {} {}\n",
        event.method,
        event.route,
        event.action.as_str(),
        event.status.as_str(),
        event.http_status.map_or("-".into(), |it| it.to_string()),
        event.code.as_deref().unwrap_or("-"),
    );
    if !event.modified.is_empty() {
        let told = |it: &Option<String>| it.clone().unwrap_or("?".to_owned());
        let names = event.modified.iter();
        let names = names.map(|it| format!("{}: {}→{}", it.name, told(&it.old), told(&it.new)));
        let _ = writeln!(text, "  modified: {}", names.collect::<Vec<_>>().join(", "));
    }
    // How long a lock is held depends on what else the machine does.
    let steps = event.steps.iter();
    let steps = steps.filter(|moment| !matches!(moment.step, Step::Waited { .. }));
    for line in tell::lines(&steps.cloned().collect::<Vec<_>>()) {
        let line = line.split_once("ms  ").unwrap().1.to_owned();
        let _ = writeln!(text, "  {}", without_numbers(&line));
    }
    text
}

/// Times and ids as `#`.
fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    for letter in line.chars() {
        match letter.is_ascii_digit() {
            true if text.ends_with('#') => {}
            true => text.push('#'),
            false => text.push(letter),
        }
    }
    text.replace("#.#", "#")
}

fn check(events: &[Event], expect: Expect) {
    let told: Vec<_> = events.iter().map(outline).collect();
    expect.assert_eq(&told.join("\n"));
}

fn set(path: &str, value: impl Into<Value>) -> Value {
    json!([{"op": "Replace", "path": path, "value": value.into()}])
}

#[tokio::test]
async fn every_kind_of_write_is_told_in_entras_words() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let anna = person();
    let id = a.make("/Users", &anna).await;
    let user = format!("/Users/{id}");
    a.patch(&user, set("displayName", "Another Name")).await;
    a.patch(&user, set("active", "False")).await;
    let mut twin = person();
    twin["userName"] = anna["userName"].clone();
    assert_eq!(a.post("/Users", &twin).await.status, 409);
    assert_eq!(a.delete(&user).await.status, 204);
    assert_eq!(a.delete(&user).await.status, 404);
    assert_eq!(
        a.patch("/Users/99999999", set("title", "x")).await.status,
        404
    );
    let events = gateway.events(7).await;
    check(
        &events,
        expect![[r#"
            POST /Users | create success 201 -
              modified: userName: ?→p…@e…com, active: ?→true, displayName: ?→D…, emails[type eq "work"].value: ?→p…@e…com, name.givenName: ?→G…, name.familyName: ?→F…, phoneNumbers[type eq "work"].value: ?→+…, externalId: ?→e…
              plan: create with display_name, email, external_ref, first_name, last_name, login, phone; switch on; store what the vendor cannot
              native fields: display_name, email, external_ref, first_name, last_name, login, phone
              create_user() ran for # ms
                POST /users → # in # ms
              activate_user() ran for # ms
                POST /users/#/activate → # in # ms

            PATCH /Users/{id} | update success 200 -
              modified: displayName: ?→A…
              replace displayName
              plan: change display_name; store what the vendor cannot
              native fields: display_name
              update_user() ran for # ms
                PATCH /users/# → # in # ms

            PATCH /Users/{id} | disable success 200 -
              modified: active: ?→false
              replace active
              plan: switch off; store what the vendor cannot
              deactivate_user() ran for # ms
                POST /users/#/deactivate → # in # ms
              nothing more is sent to the vendor: no native field changes

            POST /Users | create failure 409 EntryConflict
              modified: userName: ?→p…@e…com, active: ?→true, displayName: ?→D…, emails[type eq "work"].value: ?→p…@e…com, name.givenName: ?→G…, name.familyName: ?→F…, phoneNumbers[type eq "work"].value: ?→+…, externalId: ?→e…
              plan: create with display_name, email, external_ref, first_name, last_name, login, phone; switch on; store what the vendor cannot
              native fields: display_name, email, external_ref, first_name, last_name, login, phone
              create_user() ran for # ms and threw
                POST /users → # in # ms
                GET /users/# → # in # ms
              find_user() ran for # ms
                GET /users?login=… → # in # ms
              looked up by userName: # found
              somebody else's object has this userName

            DELETE /Users/{id} | delete success 204 -
              plan: delete
              delete_user() ran for # ms
                DELETE /users/# → # in # ms

            DELETE /Users/{id} | delete skipped 404 -
              plan: delete
              delete_user() ran for # ms and threw
                DELETE /users/# → # in # ms
              the object was gone already

            PATCH /Users/{id} | update failure 404 InvalidAnchor
              modified: title: ?→…
              replace title
              plan: change job_title; store what the vendor cannot
              native fields: job_title
              update_user() ran for # ms and threw
                PATCH /users/# → # in # ms
        "#]],
    );
    assert!(events.iter().all(|event| event.tenant.as_str() == "a"));
    assert_eq!(events[0].target_id.as_deref(), Some(&*id));
    assert_eq!(events[0].identity.as_deref(), Some("p…@e…com"));
    gateway.end().await;
}

#[tokio::test]
async fn what_fails_says_whose_fault_it_was() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let id = a.make("/Users", &person()).await;
    let lost = Fault::new("PATCH", "/**", Action::DropAfter);
    gateway.faults([lost.nth(1)]);
    let user = format!("/Users/{id}");
    assert_eq!(
        a.patch(&user, set("displayName", "Lost Reply"))
            .await
            .status,
        200
    );
    gateway.faults([Fault::new("*", "/**", Action::Status(503.into()))]);
    assert_eq!(a.patch(&user, set("displayName", "Down")).await.status, 503);
    assert_eq!(a.get(&user).await.status, 503);
    let filter = "/Users?filter=userName+eq+%22nobody%40example.com%22";
    assert_eq!(a.get(filter).await.status, 503);
    assert_eq!(a.post("/Users", &json!({"schemas": []})).await.status, 400);
    let events = gateway.events(6).await;
    check(
        &events[1..],
        expect![[r#"
            PATCH /Users/{id} | update success 200 -
              modified: displayName: ?→L…
              replace displayName
              plan: change display_name; store what the vendor cannot
              native fields: display_name
              update_user() ran for # ms
                try # failed (the reply was lost); the next one after # ms
                PATCH /users/# → # in # ms

            PATCH /Users/{id} | update failure 503 InternalServerError
              modified: displayName: ?→D…
              replace displayName
              plan: change display_name; store what the vendor cannot
              native fields: display_name
              update_user() ran for # ms and threw
                try # failed (#); the next one after # ms
                try # failed (#); the next one after # ms
                PATCH /users/# → # in # ms

            GET /Users/{id} | other failure 503 InternalServerError
              get_user() ran for # ms and threw
                try # failed (#); the next one after # ms
                try # failed (#); the next one after # ms
                GET /users/# → # in # ms

            GET /Users | other failure 503 InternalServerError
              filter: userName eq "n…@e…com"
              find_user() ran for # ms and threw
                try # failed (#); the next one after # ms
                try # failed (#); the next one after # ms
                GET /users?login=… → # in # ms

            POST /Users | create failure 400 SystemForCrossDomainIdentityManagementBadRequest
        "#]],
    );
    gateway.end().await;
}

#[tokio::test]
async fn a_script_that_fails_is_named_with_its_place() {
    let gateway = TestGateway::start_with(Options {
        script: |text| {
            text.replace(
                "fn update_user(id, changes) {",
                "fn update_user(id, changes) { let x = changes.nothing.at_all;",
            )
        },
        ..Options::default()
    })
    .await;
    let a = &gateway.a;
    let id = a.make("/Users", &person()).await;
    let answer = a
        .patch(&format!("/Users/{id}"), set("displayName", "Broken"))
        .await;
    assert_eq!(answer.status, 500);
    let events = gateway.events(2).await;
    let reason = events[1].reason.clone().unwrap();
    assert!(reason.contains("/sosafe.rhai:128:"), "{reason}");
    let told = tell::story(&events[1]);
    assert!(told.contains(&format!("Cause: {reason}")), "{told}");
    gateway.end().await;
}

#[tokio::test]
async fn a_bulk_request_is_told_operation_by_operation() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "x", "data": person()},
            {"method": "DELETE", "path": "/Users/99999999"},
        ],
    });
    let answer = a.post("/Bulk", &bulk).await;
    let events = gateway.events(2).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.part, event.action.as_str(), event.http_status))
        .collect();
    assert_eq!(told, [(1, "create", Some(201)), (2, "delete", Some(404))]);
    let id = answer.header("x-request-id");
    assert!(events.iter().all(|event| event.request_id == id));
    assert_eq!(gateway.store.event(id).await.unwrap(), events);
    gateway.end().await;
}

#[tokio::test]
async fn people_are_named_as_the_configuration_says() {
    for (identity, expect) in [
        (Identity::Masked, Some("p…@e…com".to_owned())),
        (Identity::Off, None),
        (Identity::Full, Some("anna@example.com".to_owned())),
    ] {
        let gateway = TestGateway::start_with(Options {
            identity,
            ..Options::default()
        })
        .await;
        let mut user = person();
        if identity == Identity::Full {
            user["userName"] = json!("anna@example.com");
        }
        gateway.a.make("/Users", &user).await;
        let events = gateway.events(1).await;
        assert_eq!(events[0].identity, expect, "{identity:?}");
        gateway.end().await;
    }
}

#[tokio::test]
async fn a_write_that_outlasts_its_answer_is_told_when_it_ends() {
    let gateway = TestGateway::start_with(Options {
        request_seconds: 1,
        ..Options::default()
    })
    .await;
    gateway.faults([Fault::new("POST", "/users", Action::DelayMs(1500))]);
    let answer = gateway.a.post("/Users", &person()).await;
    assert_eq!(answer.status, 503);
    let events = gateway.events(1).await;
    let event = &events[0];
    assert!(event.unheard && event.duration_us > 1_400_000, "{event:?}");
    assert_eq!(
        (event.status.as_str(), event.http_status),
        ("warning", Some(503))
    );
    assert_eq!(event.request_id, answer.header("x-request-id"));
    gateway.end().await;
}

#[tokio::test]
async fn a_tenants_health_is_counted_from_all_its_requests() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let person = person();
    let id = a.make("/Users", &person).await;
    for _ in 0..17 {
        assert_eq!(a.get(&format!("/Users/{id}")).await.status, 200);
    }
    // What `scimgate probe` asks for in order to be refused.
    let again = a.request("POST", "/Users").json(&person);
    let again = again.header("User-Agent", scimgate::probe::AGENT);
    assert_eq!(a.send(again).await.status, 409);
    gateway.faults([Fault::new("*", "/**", Action::Status(500.into()))]);
    a.get(&format!("/Users/{id}")).await;
    // A token of nobody's is nobody's failure.
    let stranger = a.request("GET", "/Users").without("Authorization");
    assert_eq!(a.send(stranger).await.status, 401);
    gateway.log.close();
    let health = gateway.health().await;
    assert_eq!((health.day.requests, health.day.failures), (20, 1));
    assert_eq!(health.hour.success_percent, Some(95));
    assert!(health.last_contact.is_some() && health.hour.p95_ms.is_some());
    assert_eq!((health.refused, health.risk.level.as_str()), (0, "ok"));
    gateway.end().await;
}

#[tokio::test]
async fn a_revoked_token_is_a_high_risk_at_once() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    a.make("/Users", &person()).await;
    gateway.revoke_a().await;
    for _ in 0..3 {
        assert_eq!(a.get("/Users").await.status, 401);
    }
    gateway.log.close();
    let health = gateway.health().await;
    assert_eq!((health.refused, health.risk.level.as_str()), (3, "high"));
    assert!(
        health.risk.reason.contains("refused 3 times"),
        "{}",
        health.risk.reason
    );
    gateway.end().await;
}

/// "Entra sends the same PATCH in every cycle": the log says which attribute, and why.
#[tokio::test]
async fn a_value_the_vendor_does_not_take_is_a_warning() {
    let gateway = TestGateway::start_with(Options {
        script: |text| {
            text.replace(
                "fn update_user(id, changes) {",
                "fn update_user(id, changes) { changes.remove(\"job_title\");",
            )
        },
        ..Options::default()
    })
    .await;
    let a = &gateway.a;
    let id = a.make("/Users", &person()).await;
    let both = json!([
        {"op": "Replace", "path": "title", "value": "Engineer"},
        {"op": "Replace", "path": "displayName", "value": "Another Name"},
    ]);
    assert_eq!(a.patch(&format!("/Users/{id}"), both).await.status, 200);
    let events = gateway.events(2).await;
    assert_eq!(events[1].status.as_str(), "warning");
    let told = tell::story(&events[1]);
    for words in [
        "the vendor stored another value of title than the gateway sent",
        "title (sent E…, kept ",
        "Entra compares, sees a difference and sends the value again",
        "Correct the rows of these attributes in the adapter's script",
    ] {
        assert!(told.contains(words), "{told}");
    }
    gateway.end().await;
}

#[tokio::test]
async fn what_is_held_already_is_skipped() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let id = a.make("/Users", &person()).await;
    let kept_here = set("profileUrl", "https://known.to/the-gateway-only");
    for _ in 0..2 {
        let patched = a.patch(&format!("/Users/{id}"), kept_here.clone()).await;
        assert_eq!(patched.status, 200);
    }
    let events = gateway.events(3).await;
    let told: Vec<_> = events.iter().map(|event| event.status.as_str()).collect();
    assert_eq!(told, ["success", "success", "skipped"], "{events:?}");
    gateway.end().await;
}
