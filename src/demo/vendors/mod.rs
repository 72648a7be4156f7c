//! What the demo must know of each vendor: how to start its emulator, how a tenant of it is
//! written, and what must stand there in the end.
//!
//! The expectation is a reading of the vendor's contract of its own: it shares no code with the
//! adapter and none with the emulator, so that neither can be wrong unnoticed.

mod paloalto;
mod reference;
mod sosafe;
mod webroot;
mod wedo;
mod wss;

use super::emulator::kit::Emulator;
use super::wanted::{Directory, ExpectedGroup, ExpectedUser, ObjectId, Outcome, WantedUser, path};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// All that can be shown; the first is shown unless another is asked for.
pub const ALL: [&Showcase; 6] = [
    &sosafe::SOSAFE,
    &paloalto::PALOALTO,
    &webroot::WEBROOT,
    &wedo::WEDO,
    &wss::WSS,
    &reference::REFERENCE,
];

/// One vendor in the demo.
pub struct Showcase {
    /// The adapter's name: the stem of its files.
    pub name: &'static str,
    /// The vendor's name for people.
    pub title: &'static str,
    /// Starts the emulator, empty; the time is what every call takes.
    pub start: fn(Duration) -> io::Result<Emulator>,
    /// The tenant file that leads to this emulator.
    pub tenant_file: fn(&Emulator) -> String,
    /// The directory after the attribute mapping an administrator sets in Entra for this vendor.
    pub mapped: fn(Directory) -> Directory,
    /// What must stand at the vendor.
    pub expected: fn(&Outcome) -> Holdings,
    /// What stands there, of the emulator's state.
    pub found: fn(&Value) -> Holdings,
}

/// The showcase of this name.
pub fn named(name: &str) -> Option<&'static Showcase> {
    ALL.into_iter().find(|vendor| vendor.name == name)
}

/// Native rows: by sort (`user`, `group`) and key, what their fields say. An empty field is left out.
pub type Holdings = BTreeMap<(&'static str, String), Row>;

/// A row's fields, in the vendor's names and spelling.
pub type Row = BTreeMap<String, String>;

/// The users that are not deleted, and the groups.
fn holdings(
    outcome: &Outcome,
    name: impl Fn(&ExpectedUser) -> String,
    user: impl Fn(&ExpectedUser) -> Row,
    group: impl Fn(&ObjectId, &ExpectedGroup) -> Row,
) -> Holdings {
    let there = outcome.users.values().filter(|it| !it.deleted);
    let users = there.map(|it| (("user", name(it)), user(it)));
    let groups = outcome.groups.iter();
    let groups = groups.map(|(id, it)| (("group", it.display_name.clone()), group(id, it)));
    users.chain(groups).collect()
}

/// The members of a group that are not deleted and have a name, sorted; `None` if there are none.
fn members(
    outcome: &Outcome,
    group: &ExpectedGroup,
    name: impl Fn(&ExpectedUser) -> Option<String>,
) -> Option<String> {
    let members = group.members.iter().filter_map(|id| outcome.users.get(id));
    let there = members.filter(|member| !member.deleted);
    joined(there.filter_map(name).collect())
}

fn joined(mut names: Vec<String>) -> Option<String> {
    names.sort_unstable();
    (!names.is_empty()).then(|| names.join(" "))
}

/// A row of the fields that have a value.
fn row<'f>(fields: impl IntoIterator<Item = (&'f str, Option<String>)>) -> Row {
    let set = fields.into_iter().filter_map(|(field, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some((field.to_owned(), value))
    });
    set.collect()
}

/// The fields that take a value as it is, by the path it stands at.
fn as_they_are<'f>(
    user: &WantedUser,
    fields: &[(&'f str, &str)],
) -> impl Iterator<Item = (&'f str, Option<String>)> {
    let value = |(field, path): &(&'f str, &str)| (*field, user.get(path).map(str::to_owned));
    fields.iter().map(value)
}

/// The code of a user's country, by any of its spellings in the directory.
fn country(user: &WantedUser) -> Option<&'static str> {
    const SPELLINGS: [(&str, &[&str]); 7] = [
        ("AT", &["AT", "Austria", "Österreich"]),
        ("CH", &["CH", "Switzerland", "Schweiz"]),
        ("DE", &["DE", "Germany", "Deutschland"]),
        ("FR", &["FR", "France", "Frankreich"]),
        ("GB", &["GB", "United Kingdom"]),
        ("IT", &["IT", "Italy", "Italien"]),
        ("NL", &["NL", "Netherlands", "Niederlande"]),
    ];
    let spelling = user.get(path::COUNTRY)?;
    let mut countries = SPELLINGS.into_iter();
    let found = countries.find(|(_, spellings)| spellings.contains(&spelling));
    found.map(|(code, _)| code)
}

fn look_up<'a>(table: &[(&str, &'a str)], value: &str) -> Option<&'a str> {
    let (_, found) = table.iter().find(|(wanted, _)| *wanted == value)?;
    (!found.is_empty()).then_some(found)
}

/// The rows of one list of all customers: `state[customers][*][list][*]`.
fn rows<'s>(state: &'s Value, customers: &str, list: &str) -> impl Iterator<Item = &'s Value> {
    elements(state, customers).flat_map(move |customer| elements(customer, list))
}

fn elements<'s>(holder: &'s Value, list: &str) -> impl Iterator<Item = &'s Value> + use<'s> {
    let elements = holder.get(list).and_then(Value::as_array);
    elements.into_iter().flatten()
}

/// The texts of a row, and lists of them in one, but for those `own` to the vendor.
fn held(row: &Value, own: &[&str]) -> Row {
    let fields = row.as_object().into_iter().flatten();
    let fields = fields.filter(|(field, _)| !own.contains(&field.as_str()));
    fields
        .filter_map(|(field, value)| Some((field.clone(), text(value)?)))
        .collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => joined(
            list.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ),
        _ => None,
    }
}

/// What a row is called.
fn named_by(row: &Value, field: &str) -> String {
    text(&row[field]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::wanted::history;

    #[test]
    fn every_country_of_the_directory_is_in_the_table() {
        for user in history().iter().flat_map(|state| state.users.values()) {
            assert_eq!(user.get(path::COUNTRY).is_some(), country(user).is_some());
        }
    }
}
