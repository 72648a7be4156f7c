//! What happens in the company: the first day, the next day, a month later.

use super::groups::{self, group_id};
use super::people::{self, PEOPLE, first_day, id, person};
use super::places::Place;
use super::{Directory, ObjectId, WantedUser, path};

/// The states Entra synchronises, oldest first: an initial cycle and two incremental ones.
pub fn history() -> Vec<Directory> {
    let mut first = first_day();
    groups::form(&mut first);
    let second = next_day(first.clone());
    let third = next_month(second.clone());
    vec![first, second, third]
}

/// Everyday changes, five joiners, and 25 accounts shut.
fn next_day(mut directory: Directory) -> Directory {
    for number in 0..PEOPLE {
        if let Some(user) = directory.users.get_mut(&id(number)) {
            change(user, number);
        }
    }
    join(&mut directory, PEOPLE..PEOPLE + 5, 1);
    // They are in the next group too, which is then their first.
    leave(&mut directory, 0, |person| person.is_multiple_of(24));
    enter(&mut directory, 3, |person| person % 16 == 5, 1);
    if let Some(group) = directory.groups.get_mut(&group_id(4)) {
        group.display_name = "Neue Kolleginnen & Kollegen".to_owned();
    }
    directory
}

/// Accounts opened again or purged, one group dissolved and another founded.
fn next_month(mut directory: Directory) -> Directory {
    for number in (6..PEOPLE).step_by(16) {
        enable(&mut directory, number);
    }
    enable(&mut directory, 49);
    for number in (14..100).step_by(16) {
        purge(&mut directory, &id(number));
    }
    directory.groups.remove(&group_id(2));
    groups::add(
        &mut directory,
        5,
        "Projekt Aurora",
        (0..PEOPLE).filter(|n| n % 20 == 2),
        2,
    );
    enter(&mut directory, 0, |person| person % 20 == 3, 2);
    directory
}

fn change(user: &mut WantedUser, number: usize) {
    if number % 10 == 1 {
        let title = user.get(path::TITLE).unwrap_or("Engineer");
        user.set(path::TITLE, format!("Senior {title}"));
    }
    if number % 20 == 2 {
        relocate(user, number);
    }
    if number % 20 == 5 {
        marry(user, number);
    }
    // Only the number changes, so the vendor's side must find out how its country dials.
    if let (8, Some(place)) = (number % 20, Place::of(number)) {
        user.set(path::PHONE, place.phone(number + 31));
    }
    if number % 25 == 7 {
        user.attributes.remove(path::TITLE);
        user.attributes.remove(path::NICK_NAME);
    }
    if number.is_multiple_of(15) && user.manager.is_some() {
        user.manager = (number.is_multiple_of(30)).then(|| id(7));
    }
    if number % 8 == 6 {
        user.enabled = false;
    }
}

/// To the next office, with its phone; whoever had no address keeps none.
fn relocate(user: &mut WantedUser, number: usize) {
    if user.get(path::COUNTRY).is_none() {
        return;
    }
    let place = Place::of(number + 1);
    place.and_then(|place| people::locate(user, place, number));
}

/// A new family name, and with it a new user name and address.
fn marry(user: &mut WantedUser, number: usize) {
    let given = user.get(path::GIVEN_NAME).unwrap_or_default().to_owned();
    let family = format!("Meier-{}", user.get(path::FAMILY_NAME).unwrap_or_default());
    let name = format!("meier.{number}@scimgate.example");
    user.set(path::DISPLAY_NAME, format!("{given} {family}"));
    user.set(path::FORMATTED_NAME, format!("{family}, {given}"));
    user.set(path::FAMILY_NAME, family);
    if user.get(path::EMAIL).is_some() {
        user.set(path::EMAIL, name.clone());
    }
    user.set(path::USER_NAME, name);
}

fn join(directory: &mut Directory, people: std::ops::Range<usize>, state: usize) {
    for user in people.clone().filter_map(person) {
        directory.users.insert(user.object_id.clone(), user);
    }
    if let Some(group) = directory.groups.get_mut(&group_id(4)) {
        group
            .members
            .extend(people.map(|person| (id(person), state)));
    }
}

fn enter(directory: &mut Directory, group: usize, who: impl Fn(usize) -> bool, state: usize) {
    let Directory { users, groups } = directory;
    let Some(group) = groups.get_mut(&group_id(group)) else {
        return;
    };
    let people = (0..PEOPLE).filter(|person| who(*person)).map(id);
    for person in people.filter(|person| users.contains_key(person)) {
        group.members.entry(person).or_insert(state);
    }
}

fn leave(directory: &mut Directory, group: usize, who: impl Fn(usize) -> bool) {
    if let Some(group) = directory.groups.get_mut(&group_id(group)) {
        let leaving: Vec<ObjectId> = (0..PEOPLE).filter(|person| who(*person)).map(id).collect();
        group.members.retain(|member, _| !leaving.contains(member));
    }
}

fn enable(directory: &mut Directory, number: usize) {
    if let Some(user) = directory.users.get_mut(&id(number)) {
        user.enabled = true;
    }
}

/// Out of the recycle bin, and so out of every group and nobody's manager any more.
fn purge(directory: &mut Directory, user: &ObjectId) {
    directory.users.remove(user);
    for group in directory.groups.values_mut() {
        group.members.remove(user);
    }
    for other in directory.users.values_mut() {
        other.manager.take_if(|manager| manager == user);
    }
}
