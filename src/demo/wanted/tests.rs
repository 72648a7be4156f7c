use super::*;
use std::collections::BTreeSet;

#[test]
fn every_run_has_the_same_history() {
    assert_eq!(history(), history());
}

#[test]
fn the_company_is_as_announced() {
    let [first, second, third] = &history()[..] else {
        panic!("three states");
    };
    assert_eq!((first.users.len(), first.groups.len()), (200, 5));
    assert_eq!((second.users.len(), second.groups.len()), (205, 5));
    assert_eq!((third.users.len(), third.groups.len()), (199, 5));
    let outcome = Outcome::of(&history());
    let deleted = outcome.users.values().filter(|user| user.deleted).count();
    // 205 people less three whose accounts were never open.
    assert_eq!((outcome.users.len(), deleted), (202, 6));
}

#[test]
fn no_two_share_a_name_address_or_id() {
    for state in history() {
        for path in [path::USER_NAME, path::EXTERNAL_ID, path::EMAIL] {
            let values: Vec<_> = state
                .users
                .values()
                .filter_map(|user| user.get(path))
                .collect();
            let distinct: BTreeSet<_> = values.iter().map(|value| value.to_lowercase()).collect();
            assert_eq!(distinct.len(), values.len(), "{path}");
            assert!(
                path == path::EMAIL || values.len() == state.users.len(),
                "{path}"
            );
        }
        let names: BTreeSet<_> = state
            .groups
            .values()
            .map(|group| &group.display_name)
            .collect();
        assert_eq!(names.len(), state.groups.len());
    }
}

#[test]
fn what_is_set_is_mapped_and_user_names_are_ascii() {
    for user in history().iter().flat_map(|state| state.users.values()) {
        for (path, value) in &user.attributes {
            assert!(path::MAPPED.contains(path), "{path}");
            assert!(!value.is_empty(), "{path} of {}", user.object_id);
        }
        assert!(
            user.get(path::USER_NAME).is_some_and(str::is_ascii),
            "{user:?}"
        );
    }
}

#[test]
fn some_are_in_several_groups_and_some_in_none() {
    let outcome = Outcome::of(&history());
    let of = |count: usize| {
        outcome
            .users
            .values()
            .filter(|user| user.groups.len() == count)
            .count()
    };
    assert!(
        of(0) > 20 && of(1) > 50 && of(2) > 10 && of(3) > 1,
        "{:?}",
        (0..4).map(of).collect::<Vec<_>>()
    );
}

#[test]
fn the_oldest_membership_comes_first() {
    let mut user = WantedUser::new("u", "ada@example.com");
    user.enabled = false;
    let group = |id: &str, since: Option<usize>| {
        let members = since
            .map(|since| ("u".to_owned(), since))
            .into_iter()
            .collect();
        (
            id.to_owned(),
            WantedGroup {
                object_id: id.to_owned(),
                display_name: id.to_uppercase(),
                members,
            },
        )
    };
    let state = |enabled: bool, groups: Vec<(ObjectId, WantedGroup)>| {
        let user = WantedUser {
            enabled,
            ..user.clone()
        };
        Directory {
            users: [("u".to_owned(), user)].into(),
            groups: groups.into_iter().collect(),
        }
    };
    let check = |states: &[Directory], expect: &[&str]| {
        assert_eq!(Outcome::of(states).users["u"].groups, expect);
    };
    let (a, b) = (|since| group("a", since), |since| group("b", since));
    check(&[state(true, vec![a(Some(0)), b(Some(0))])], &["A", "B"]);
    check(
        &[
            state(true, vec![a(None), b(Some(0))]),
            state(true, vec![a(Some(1)), b(Some(0))]),
        ],
        &["B", "A"],
    );
    // Nobody was told of b's membership while the account was shut.
    check(
        &[
            state(false, vec![a(None), b(Some(0))]),
            state(true, vec![a(Some(1)), b(Some(0))]),
        ],
        &["A", "B"],
    );
    let shut = Outcome::of(&[state(false, vec![a(Some(0))])]);
    assert!(shut.users.is_empty() && shut.groups["a"].members.is_empty());
}
