//! The demo itself, vendor by vendor.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::emulator::kit::{Action, Fault};
use super::guide::play;
use super::report::{Difference, Report};
use super::stand::Stand;
use super::vendors;
use serde_json::json;
use std::time::Duration;

async fn play_with(stir: impl FnOnce(&Stand)) -> Report {
    let [vendor, ..] = vendors::ALL;
    let stand = Stand::start(vendor, Duration::ZERO).await.unwrap();
    stir(&stand);
    let report = play(&stand).await.unwrap();
    stand.stop().await;
    report
}

#[tokio::test]
async fn the_vendor_ends_up_with_what_entra_wanted() {
    let report = play_with(|_| {}).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_stranger_and_a_failed_operation_are_told() {
    let report = play_with(|stand| {
        let stranger = json!({"login": "stranger", "email": "stranger@scimgate.example"});
        stand
            .emulator
            .seed(json!({"clients": [{"users": [stranger]}]}))
            .unwrap();
        let refusal = super::emulator::kit::Status {
            code: 400,
            ..Default::default()
        };
        stand.emulator.faults(vec![
            Fault::new("POST", "/users", Action::Status(refusal)).nth(3),
        ]);
    })
    .await;
    let stranger = Difference {
        row: "user stranger".to_owned(),
        field: String::new(),
        wanted: String::new(),
        found: "a row".to_owned(),
    };
    assert_eq!(report.differences, [stranger], "{report}");
    let failures: Vec<_> = report
        .accounts
        .values()
        .flat_map(|account| &account.failures)
        .collect();
    assert_eq!(failures.len(), 1, "{report}");
    assert!(!report.is_clean());
}

/// Answers get lost after the vendor has done its work: nothing may be there twice or be missing.
#[tokio::test]
async fn lost_answers_leave_no_trace() {
    let report = play_with(|stand| {
        let lost = |method, path, every| Fault {
            matching: super::emulator::kit::Match {
                every: Some(every),
                ..Fault::new(method, path, Action::DropAfter).matching
            },
            action: Action::DropAfter,
        };
        stand.emulator.faults(vec![
            lost("POST", "/users", 20),
            lost("POST", "/users/*/activate", 17),
            lost("PATCH", "/users/*", 15),
            lost("PUT", "/user-groups/*", 2),
        ]);
    })
    .await;
    assert_eq!(report.differences, [], "{report}");
}
