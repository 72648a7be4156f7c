//! The guided demo: Entra's cycles against a stand, and whether all came out right.

use super::entra::{Change, Entra, Fault, Job, ScimId, changes, manager_change, read};
use super::ledger::Ledger;
use super::report::{Report, missing, too_many};
use super::stand::Stand;
use super::wanted::{ExpectedGroup, ExpectedUser, Outcome, history};
use crate::problem::Difference;
use std::collections::BTreeSet;
use std::sync::Arc;

const CYCLES: [&str; 3] = ["Initial cycle", "The next day", "A month later"];

/// Plays everything, with a progress bar on standard error if that is a terminal.
///
/// Fails only when the stand cannot be talked to at all; whatever goes wrong later is in the report.
pub async fn play(stand: &Stand) -> Result<Report, Fault> {
    let emulator = stand.emulator.clone();
    let ledger = Arc::new(Ledger::new(Box::new(move || emulator.counters().calls)));
    let entra = Entra::new(&stand.tenant_url, &stand.token, ledger.clone())?;
    let states = history().into_iter();
    let states: Vec<_> = states.map(|state| (stand.vendor.mapped)(state)).collect();
    let has_groups = states.iter().any(|state| !state.groups.is_empty());
    entra.test_connection(has_groups).await?;
    let mut job = Job::new(entra.clone());
    for (title, state) in CYCLES.iter().zip(&states) {
        ledger.cycle(title);
        job.run(state).await;
    }
    let outcome = Outcome::of(&states);
    ledger.cycle("Reading back");
    let unfaithful = read_back(&entra, &job, &outcome).await;
    ledger.done();
    let wanted = (stand.vendor.expected)(&outcome);
    let found = (stand.vendor.found)(&stand.emulator.state());
    let title = stand.vendor.title;
    Ok(Report::new(
        title,
        &wanted,
        &found,
        unfaithful,
        ledger.accounts(),
    ))
}

/// Looks everything up as a restarted job does, and notes what Entra would write again.
async fn read_back(entra: &Entra, job: &Job, outcome: &Outcome) -> Vec<Difference> {
    let mut differences = Vec::new();
    for expected in outcome.users.values() {
        differences.extend(read_back_user(entra, job, expected).await);
    }
    for (group, expected) in &outcome.groups {
        let id = job.groups().get(group);
        differences.extend(read_back_group(entra, job, id, expected).await);
    }
    differences
}

async fn read_back_user(entra: &Entra, job: &Job, expected: &ExpectedUser) -> Vec<Difference> {
    let ExpectedUser { user, deleted, .. } = expected;
    let name = user.user_name();
    let row = format!("user {name} through SCIM");
    // A failed query is among the failures.
    let Ok(found) = entra.match_user(name).await else {
        return Vec::new();
    };
    let found = match (found, deleted) {
        (Some(found), false) => found,
        (None, true) => return Vec::new(),
        (Some(_), true) => return vec![too_many(&row)],
        (None, false) => return vec![missing(&row)],
    };
    let manager = user
        .manager
        .as_ref()
        .and_then(|manager| job.users().get(manager));
    let mut changes = changes(user, &found);
    changes.extend(manager_change(manager.map(String::as_str), &found));
    let tell = |change: &Change| {
        let (path, wanted) = wanted(change);
        difference(&row, path, wanted, read(&found, path).unwrap_or_default())
    };
    changes.iter().map(tell).collect()
}

async fn read_back_group(
    entra: &Entra,
    job: &Job,
    id: Option<&ScimId>,
    expected: &ExpectedGroup,
) -> Option<Difference> {
    let found: BTreeSet<ScimId> = entra.members(id?).await.ok()?.into_iter().collect();
    let members = expected
        .members
        .iter()
        .filter_map(|user| job.users().get(user));
    let wanted: BTreeSet<ScimId> = members.cloned().collect();
    let row = format!("group {} through SCIM", expected.display_name);
    let text = |ids: BTreeSet<ScimId>| ids.into_iter().collect::<Vec<_>>().join(" ");
    (found != wanted).then(|| difference(&row, "members", &text(wanted), &text(found)))
}

fn wanted(change: &Change) -> (&str, &str) {
    match change {
        Change::Active(true) => ("active", "true"),
        Change::Active(false) => ("active", "false"),
        Change::Add(path, value) | Change::Replace(path, value) => (path, value),
        Change::Clear(path) => (path, ""),
        Change::Manager(manager) => ("manager", manager.as_deref().unwrap_or_default()),
    }
}

fn difference(row: &str, field: &str, wanted: &str, found: &str) -> Difference {
    Difference {
        what: format!("{row}, {field}"),
        expected: Some(wanted.to_owned()),
        found: Some(found.to_owned()),
    }
}
