//! The demo itself, vendor by vendor.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::emulator::kit::{Action, Fault, Match, Status};
use super::entra::{Change, Entra};
use super::guide::play;
use super::report::Report;
use super::stand::Stand;
use super::vendors::{self, Showcase};
use super::wanted::{WantedUser, path};
use crate::scim::Profile;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The report, and how many calls met a fault.
async fn play_with(stir: impl FnOnce(&Stand)) -> (Report, usize) {
    let [vendor, ..] = vendors::ALL;
    play_at(vendor, stir).await
}

async fn play_at(vendor: &'static Showcase, stir: impl FnOnce(&Stand)) -> (Report, usize) {
    let stand = Stand::start(vendor, Profile::Entra, Duration::ZERO)
        .await
        .unwrap();
    stir(&stand);
    let report = play(&stand).await.unwrap();
    let journal = stand.emulator.journal();
    stand.stop().await;
    let faults = journal.iter().filter(|entry| entry.fault.is_some());
    (report, faults.count())
}

/// The other four are played below, where answers get lost.
#[tokio::test]
async fn a_vendor_ends_up_with_what_entra_wanted() {
    for name in ["reference", "wss"] {
        let (report, _) = play_at(vendors::named(name).unwrap(), |_| {}).await;
        assert!(report.is_clean(), "{report}");
    }
}

#[tokio::test]
async fn a_stranger_and_a_failed_operation_are_told() {
    let (report, faults) = play_with(|stand| {
        let stranger = json!({"login": "stranger", "email": "stranger@scimgate.example"});
        stand
            .emulator
            .seed(json!({"clients": [{"users": [stranger]}]}))
            .unwrap();
        let refusal = Status {
            code: 400,
            ..Default::default()
        };
        stand.emulator.faults(vec![
            Fault::new("POST", "/users", Action::Status(refusal)).nth(3),
        ]);
    })
    .await;
    let differences: Vec<_> = report
        .differences
        .iter()
        .map(|it| it.what.as_str())
        .collect();
    assert_eq!(differences, ["user stranger is too many"], "{report}");
    let failures: Vec<_> = report
        .accounts
        .values()
        .flat_map(|account| &account.failures)
        .collect();
    assert_eq!((failures.len(), faults), (1, 1), "{report}");
    assert!(!report.is_clean());
}

/// Answers get lost after the vendor has done its work: nothing may be there twice or be missing.
#[tokio::test]
async fn lost_answers_leave_no_trace() {
    let (report, faults) = play_with(|stand| {
        let lost = |method, path, every| Fault {
            matching: Match {
                every: Some(every),
                ..Fault::new(method, path, Action::DropAfter).matching
            },
            action: Action::DropAfter,
        };
        stand.emulator.faults(vec![
            lost("POST", "/users", 60),
            lost("POST", "/users/*/activate", 50),
            lost("PATCH", "/users/*", 60),
            lost("PUT", "/user-groups/*", 4),
        ]);
    })
    .await;
    assert!(report.is_clean(), "{report}");
    assert!(faults > 10, "{faults}");
}

/// The same where every call is a POST to one path.
#[tokio::test]
async fn v32_lost_answers_leave_no_trace_in_graphql() {
    let vendor = vendors::named("wedo").unwrap();
    let (report, faults) = play_at(vendor, |stand| {
        let lost = |route, every| Fault::on_route(route, Action::DropAfter).every(every);
        stand.emulator.faults(vec![
            lost("mutation createUser", 30),
            lost("mutation updateUser", 10),
            lost("mutation deactivateUser", 7),
            lost("mutation reactivateUser", 4),
            lost("mutation purgeUser", 3),
        ]);
    })
    .await;
    assert!(report.is_clean(), "{report}");
    assert!(faults > 10, "{faults}");
}

#[tokio::test]
async fn v14_a_user_enabled_after_the_purge_is_the_same_user() {
    let vendor = vendors::named("wedo").unwrap();
    let stand = Stand::start(vendor, Profile::Entra, Duration::ZERO)
        .await
        .unwrap();
    let entra = Entra::new(&stand.tenant_url, &stand.token, Arc::new(())).unwrap();
    let native = || stand.emulator.state()["networks"][0]["users"].clone();
    let ada = WantedUser::new("o1", "Ada@example.com").with(path::TITLE, "Engineer");
    let id = entra.create_user(&ada).await.unwrap();
    let before = native();

    let switch = async |active| {
        entra
            .update_user(&id, &[Change::Active(active)])
            .await
            .unwrap()
    };
    switch(false).await;
    stand
        .emulator
        .advance_clock(Duration::from_secs(31 * 86_400));
    let disabled = entra.user(&id).await.unwrap().unwrap();
    assert_eq!(disabled["active"], false);
    assert_eq!(native(), json!([]), "the vendor has purged the user");
    switch(true).await;

    let after = native();
    assert_ne!(before[0]["id"], after[0]["id"]);
    assert_eq!(after[0]["function"], "Engineer");
    let found = entra.match_user("Ada@example.com").await.unwrap().unwrap();
    assert_eq!((&found["id"], &found["active"]), (&json!(id), &json!(true)));

    switch(false).await;
    stand
        .emulator
        .advance_clock(Duration::from_secs(31 * 86_400));
    entra.delete_user(&id).await.unwrap();
    assert_eq!(entra.user(&id).await.unwrap(), None);
    stand.stop().await;
}

/// The same where rows have versions and memberships are rows.
#[tokio::test]
async fn v32_lost_answers_leave_no_trace_among_versions() {
    let vendor = vendors::named("webroot").unwrap();
    let (report, faults) = play_at(vendor, |stand| {
        let lost = |method, path, every| Fault::new(method, path, Action::DropAfter).every(every);
        stand.emulator.faults(vec![
            lost("POST", "/**/targets", 20),
            lost("PUT", "/**/targets/*", 10),
            lost("DELETE", "/**/targets/*", 3),
            lost("POST", "/auth/token", 2),
        ]);
    })
    .await;
    assert!(report.is_clean(), "{report}");
    assert!(faults > 10, "{faults}");
}

/// The same where every call is a form posted to one path, and where keys end meanwhile.
#[tokio::test]
async fn v32_lost_answers_and_revoked_keys_leave_no_trace_in_xml() {
    let vendor = vendors::named("paloalto").unwrap();
    let (report, faults) = play_at(vendor, |stand| {
        let lost = |route, every| Fault::on_route(route, Action::DropAfter).every(every);
        let ended = Status {
            body: r#"<response status="error" code="22"><msg/></response>"#.to_owned(),
            ..Status::from(200)
        };
        stand.emulator.faults(vec![
            lost("create user", 40),
            lost("set user", 20),
            lost("rename user", 4),
            lost("delete user", 3),
            lost("create group", 3),
            lost("rename group", 1),
            lost("add members", 20),
            lost("remove member", 4),
            Fault::on_route("get user", Action::Status(ended)).every(97),
        ]);
    })
    .await;
    assert!(report.is_clean(), "{report}");
    assert!(faults > 20, "{faults}");
}
