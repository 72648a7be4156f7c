//! Five groups that overlap, with names that need quoting somewhere on the way.

use super::people::{PEOPLE, id};
use super::{Directory, ObjectId, WantedGroup, object_id};

/// The names on the first day.
const NAMES: [&str; 5] = [
    "Awareness Core",
    "Forschung & Entwicklung",
    "Sales / EMEA",
    "Führungskräfte",
    "New Joiners",
];

/// The object id of the `number`th group.
pub(super) fn group_id(number: usize) -> ObjectId {
    object_id(0x06b0_0000, number)
}

/// Puts the people of the first day into groups: most into one, some into two or three, a fifth into none.
pub(super) fn form(directory: &mut Directory) {
    for (number, name) in NAMES.iter().enumerate() {
        let members = (0..PEOPLE).filter(|person| joins(*person, number));
        add(directory, number, name, members, 0);
    }
}

/// Adds a group with these people, who join it in this state.
pub(super) fn add(
    directory: &mut Directory,
    number: usize,
    name: &str,
    people: impl Iterator<Item = usize>,
    state: usize,
) {
    let group = WantedGroup {
        object_id: group_id(number),
        display_name: name.to_owned(),
        members: people.map(|person| (id(person), state)).collect(),
    };
    directory.groups.insert(group.object_id.clone(), group);
}

fn joins(person: usize, group: usize) -> bool {
    match group {
        0 => person.is_multiple_of(4),
        1 => person % 4 == 1 || person.is_multiple_of(12),
        2 => person % 5 == 2,
        3 => person.is_multiple_of(20),
        _ => person >= 185,
    }
}
