//! The demo itself, vendor by vendor.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::emulator::kit::{Action, Fault, Status};
use super::guide::play;
use super::report::{Difference, Report};
use super::stand::Stand;
use super::vendors;
use serde_json::json;
use std::time::Duration;

/// The report, and how many calls met a fault.
async fn play_with(stir: impl FnOnce(&Stand)) -> (Report, usize) {
    play_at("sosafe", stir).await
}

async fn play_at(vendor: &str, stir: impl FnOnce(&Stand)) -> (Report, usize) {
    let vendor = vendors::named(vendor).unwrap();
    let stand = Stand::start(vendor, Duration::ZERO).await.unwrap();
    stir(&stand);
    let report = play(&stand).await.unwrap();
    let journal = stand.emulator.journal();
    stand.stop().await;
    let faults = journal.iter().filter(|entry| entry.fault.is_some());
    (report, faults.count())
}

#[tokio::test]
async fn every_vendor_ends_up_with_what_entra_wanted() {
    for vendor in vendors::ALL {
        let (report, _) = play_at(vendor.name(), |_| {}).await;
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
    assert_eq!((failures.len(), faults), (1, 1), "{report}");
    assert!(!report.is_clean());
}

/// Answers get lost after the vendor has done its work: nothing may be there twice or be missing.
#[tokio::test]
async fn lost_answers_leave_no_trace() {
    let (report, faults) = play_with(|stand| {
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

/// The same where rows have versions and memberships are rows.
#[tokio::test]
async fn lost_answers_leave_no_trace_among_versions() {
    let (report, faults) = play_at("webroot", |stand| {
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

/// The work is done and the answer gets lost, each so many times.
fn lost(method: &str, path: &str, every: u64) -> Fault {
    Fault::new(method, path, Action::DropAfter).every(every)
}
