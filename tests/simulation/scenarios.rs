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

/// Two people who come and go in a team.
fn members_of(team: usize) -> Actor {
    Actor::Members {
        team,
        first: 0,
        count: 2,
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
    let (staff, members) = (Actor::Staff(0), members_of(0));
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

/// What is kept of recent writes for the next process is one row an object.
#[test]
fn a_change_without_a_name_does_not_hide_the_name_from_the_next_process() {
    let (person, rival) = (Actor::Person(0), Actor::Rival(0));
    let steps = [Step::Wait(1500), Step::Provision, Step::Show];
    let mut plan = plan("lagging-token", steps.map(|step| (person, step)).into());
    plan.deeds
        .extend([(rival, Step::Wait(3500)), (rival, Step::Provision)]);
    plan.kills = vec![(2800, 200)];
    (0..20).for_each(|seed| is_well(&plan, seed));
}

/// Switching somebody off is several calls, and each may be the last one.
#[test]
fn a_suspension_that_was_cut_short_does_not_keep_a_member() {
    let (staff, members) = (Actor::Staff(0), members_of(0));
    let mut deeds = vec![
        (members, Step::Join),
        (staff, Step::Wait(1000)),
        (staff, Step::Off),
    ];
    deeds.extend([(members, Step::Wait(2500)), (members, Step::Leave)]);
    let plan = Plan {
        faults: 25,
        ..plan("leaving", deeds)
    };
    (0..60).for_each(|seed| is_well(&plan, seed));
}

/// A user's next group may get another name while the vendor is told it.
#[test]
fn a_group_may_be_renamed_while_somebody_moves_to_it() {
    let members = [0, 1].map(members_of);
    let mut deeds = vec![
        (members[0], Step::Join),
        (members[1], Step::Wait(1000)),
        (members[1], Step::Join),
    ];
    deeds.extend([(members[0], Step::Wait(2500)), (members[0], Step::Leave)]);
    deeds.extend([
        (Actor::Team(1), Step::Wait(2900)),
        (Actor::Team(1), Step::Rename),
    ]);
    let plan = Plan {
        teams: 2,
        ..plan("exclusive", deeds)
    };
    (0..60).for_each(|seed| is_well(&plan, seed));
}

/// The intent of a POST whose reply was lost is no evidence of what was there before.
#[test]
fn what_was_there_before_a_post_was_not_made_by_it() {
    let person = Actor::Person(0);
    let steps = [Step::Provision, Step::Look, Step::Again, Step::Again];
    for class in ["unique", "unique-bare", "leaving"] {
        let plan = Plan {
            faults: 25,
            ..plan(class, steps.map(|step| (person, step)).into())
        };
        (0..60).for_each(|seed| is_well(&plan, seed));
    }
}

/// A vendor that keeps names unique refuses a create only as long as somebody has the name.
#[test]
fn a_name_is_given_away_only_when_no_create_can_take_it_any_more() {
    let person = Actor::Person(0);
    for last in [Step::Rename, Step::Remove] {
        let steps = [Step::Provision, Step::Again, Step::Again, last];
        let plan = Plan {
            faults: 25,
            ..plan("unique", steps.map(|step| (person, step)).into())
        };
        (0..100).for_each(|seed| is_well(&plan, seed));
    }
}

/// Where keys change, a reply under another key than the one to come is about somebody else.
#[test]
fn a_reply_about_another_group_renames_none() {
    let team = Actor::Team(0);
    let steps = [Step::Rename, Step::Rename, Step::Rename, Step::Get];
    let plan = Plan {
        faults: 25,
        losses: 60,
        ..plan("exclusive", steps.map(|step| (team, step)).into())
    };
    (0..60).for_each(|seed| is_well(&plan, seed));
}

/// The names that were sent tell whom a create has made, whatever its reply is about.
#[test]
fn a_reply_to_a_create_about_somebody_else_is_not_followed() {
    let (person, team) = (Actor::Person(0), Actor::NewTeam(0));
    let deeds = [person, team].map(|actor| (actor, Step::Provision));
    for class in ["unique-bare", "open", "exclusive"] {
        let plan = Plan {
            faults: 40,
            ..plan(class, deeds.into())
        };
        (0..50).for_each(|seed| is_well(&plan, seed));
    }
}

/// A look-up that lags says nothing of what is being written.
#[test]
fn whoever_looks_during_a_change_finds_it_once_the_vendor_has_made_it() {
    let (person, rival) = (Actor::Person(0), Actor::Rival(0));
    let mut deeds = vec![(person, Step::Provision), (rival, Step::Wait(20_000))];
    for _ in 0..4 {
        deeds.extend([(person, Step::Wait(8000)), (person, Step::Show)]);
        deeds.extend([(rival, Step::Provision), (rival, Step::Wait(300))]);
    }
    let seeds = (0..60).chain([1336]);
    seeds.for_each(|seed| is_well(&plan("lagging", deeds.clone()), seed));
}

/// A look-up that was asked before an index shows a write may be answered after that.
#[test]
fn what_was_written_is_found_by_a_look_up_on_its_way_when_the_index_shows_it() {
    let person = Actor::Person(0);
    for wait in (5500..6300).step_by(20) {
        let steps = [Step::Provision, Step::Wait(wait), Step::Look];
        let plan = plan("lagging", steps.map(|step| (person, step)).into());
        (0..20).for_each(|seed| is_well(&plan, seed));
    }
}

/// A 204 says that the group is known, and of which create it is only its name tells.
#[test]
fn a_group_that_was_changed_after_a_start_is_heard_of() {
    let team = Actor::NewTeam(0);
    let steps = [Step::Provision, Step::Wait(2000), Step::Again];
    for second in (4500..5000).step_by(50) {
        let plan = Plan {
            kills: vec![(300, 100), (second, 100)],
            ..plan("open-bare", steps.map(|step| (team, step)).into())
        };
        is_well(&plan, second as u64);
    }
}

/// While a create may still take effect, that its object was shown is noted for the next process.
#[test]
fn what_was_shown_before_its_create_settled_is_heard_of_after_a_start() {
    let person = Actor::Person(0);
    let steps = [Step::Provision, Step::Wait(16_000), Step::Again];
    for (first, seed) in (100..1000)
        .step_by(100)
        .flat_map(|first| (0..10).map(move |seed| (first, seed)))
    {
        let plan = Plan {
            kills: vec![(first, 100), (12_000, 100)],
            ..plan("open-bare", steps.map(|step| (person, step)).into())
        };
        is_well(&plan, seed);
    }
}

/// Creating a user again takes several calls, and each may be the last one.
#[test]
fn whoever_was_created_again_is_in_their_team_again() {
    let (staff, members) = (Actor::Staff(0), members_of(0));
    let mut deeds = vec![
        (members, Step::Join),
        (staff, Step::Wait(1000)),
        (staff, Step::Off),
    ];
    deeds.extend([(staff, Step::Wait(30_000)), (staff, Step::On)]);
    for seed in 0..60 {
        let kills = match seed % 2 {
            0 => vec![(31_000 + 50 * seed as usize, 100)],
            _ => Vec::new(),
        };
        let plan = Plan {
            faults: 25,
            kills,
            ..plan("expiring", deeds.clone())
        };
        is_well(&plan, seed);
    }
}

/// The client of a POST that is on its way may find what it made and change it.
#[test]
fn an_answer_may_say_what_became_of_an_object_meanwhile() {
    let person = Actor::Person(0);
    let steps = [Step::Provision, Step::Show, Step::Show];
    let plan = Plan {
        faults: 40,
        hangs_up: 60,
        ..plan("unique", steps.map(|step| (person, step)).into())
    };
    (0..60).for_each(|seed| is_well(&plan, seed));
}

/// What is asked after a POST comes after it, though nobody waits for the POST any more and it has
/// not been written down yet.
#[test]
fn a_post_that_nobody_waits_for_comes_before_what_is_asked_next() {
    let person = Actor::Person(0);
    for (class, last) in [
        ("unique", Step::Remove),
        ("unique", Step::Rename),
        ("open", Step::Remove),
    ] {
        let steps = [Step::Provision, Step::Again, last];
        let plan = Plan {
            hangs_up: 60,
            ..plan(class, steps.map(|step| (person, step)).into())
        };
        (0..100).for_each(|seed| is_well(&plan, seed));
    }
}

/// A change whose client has gone, and which still waits or reads, comes before what the client asks
/// next of that object: also while other creates run, for whose names it looks first.
#[test]
fn a_change_that_nobody_waits_for_comes_before_the_next_one() {
    let changes = [
        Step::Provision,
        Step::Put,
        Step::Put,
        Step::Show,
        Step::Put,
        Step::Rename,
        Step::Put,
        Step::Show,
    ];
    let creates = [1, 2, 3, 4, 5].into_iter().flat_map(|other| {
        let steps = [Step::Wait(400 * other), Step::Provision];
        steps.map(|step| (Actor::Person(other), step))
    });
    let deeds = changes.map(|step| (Actor::Person(0), step));
    let plan = Plan {
        hangs_up: 40,
        ..plan("unique", deeds.into_iter().chain(creates).collect())
    };
    (0..40).chain([493]).for_each(|seed| is_well(&plan, seed));
}
