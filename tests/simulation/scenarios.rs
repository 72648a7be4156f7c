//! What seeds have found, one plan for each: it would be found again.

use crate::class::CLASSES;
use crate::plan::{Actor, Deed, Plan, Step};
use crate::play::play;

/// A plan in which nothing goes wrong by itself.
fn plan(class: &str, deeds: Vec<Deed>) -> Plan {
    let class = CLASSES.iter().find(|known| known.name == class);
    Plan {
        class: class.unwrap(),
        staff: 2,
        teams: 1,
        faults: 0,
        losses: 0,
        hangs_up: 0,
        kills: Vec::new(),
        full: None,
        deeds,
    }
}

#[track_caller]
fn is_well(plan: &Plan, seed: u64) {
    let outcome = play(seed, plan, None, true);
    let violations = outcome.violations;
    assert!(
        violations.is_empty(),
        "{}\n{}{violations:#?}",
        plan.told(),
        outcome.trace
    );
}

/// That the client was told is noted in the store only a moment later.
#[test]
fn what_was_acknowledged_before_a_kill_is_not_given_to_somebody_else_of_that_name() {
    for class in ["unique", "open-bare", "lagging", "exclusive"] {
        let person = Actor::Person(0);
        let mut plan = plan(
            class,
            vec![(person, Step::Wait(500)), (person, Step::Provision)],
        );
        plan.deeds.extend([
            (Actor::Rival(0), Step::Wait(4000)),
            (Actor::Rival(0), Step::Provision),
        ]);
        plan.kills = vec![(2500, 500)];
        (0..5).for_each(|seed| is_well(&plan, seed));
    }
}

/// The intent that says so may not have been read yet.
#[test]
fn what_is_found_right_after_a_start_is_heard_of() {
    let person = Actor::Person(0);
    let steps = [
        Step::Wait(500),
        Step::Provision,
        Step::Wait(3000),
        Step::Look,
        Step::Again,
    ];
    let mut plan = plan("unique", steps.map(|step| (person, step)).into());
    plan.kills = vec![(2500, 500)];
    (0..20).for_each(|seed| is_well(&plan, seed));
}

/// For Entra a disabled user is there until Entra deletes them.
#[test]
fn whom_the_vendor_removed_for_being_disabled_may_become_a_member() {
    let (staff, members) = (
        Actor::Staff(0),
        Actor::Members {
            team: 0,
            first: 0,
            count: 2,
        },
    );
    let mut deeds = vec![
        (staff, Step::Off),
        (members, Step::Wait(30_000)),
        (members, Step::Join),
    ];
    deeds.extend([(staff, Step::Wait(60_000)), (staff, Step::On)]);
    is_well(&plan("expiring", deeds), 1);
}

/// The object is there: its POST, sent again, is the same one.
#[test]
fn a_disk_that_fills_up_during_a_create_leaves_it_to_be_found() {
    for after in (0..1000).step_by(10) {
        let person = Actor::Person(0);
        let mut plan = plan(
            "lagging-token",
            vec![(person, Step::Wait(200)), (person, Step::Provision)],
        );
        plan.full = Some((after, 2000));
        is_well(&plan, 1);
    }
}
