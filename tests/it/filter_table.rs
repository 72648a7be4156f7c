//! `tests/data/filters.txt`: filter ⇒ the resources it matches, or its refusal.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use scimgate::scim::{Filter, Object, Profile, ResourceKind, ScimType};

use crate::table::{Row, Table, long, none_failed, profile_name, types};

/// What one filter may take, however hostile: parsed and evaluated on every resource.
const BUDGET: Duration = Duration::from_millis(25);

#[test]
fn every_row_holds() {
    let table = Table::read("filters.txt");
    assert!(table.rows.len() >= 150, "{} rows", table.rows.len());
    let failures = table.rows.iter().flat_map(|row| {
        let profiles = row.section.profiles.iter();
        profiles.filter_map(|profile| failure(&table, row, *profile))
    });
    none_failed("filters.txt", &failures.collect::<Vec<_>>());
}

fn failure(table: &Table, row: &Row, profile: Profile) -> Option<(usize, String, String)> {
    let (got, took) = fastest(|| outcome(table, row, profile));
    let right = row.right.as_str();
    let holds = match right.strip_prefix("invalidFilter") {
        Some(part) => {
            got.starts_with("invalidFilter") && got.contains(part.trim_start_matches(": "))
        }
        None => got == right,
    };
    if holds && took < BUDGET {
        return None;
    }
    let shown: String = row.left.chars().take(200).collect();
    let name = profile_name(profile);
    let what = format!("  filter  {shown}\n  want    {right}\n  {name:7} {got} in {took:?}");
    Some((row.line, row.section.title.clone(), what))
}

/// The names of the matching resources, or the keyword and the detail.
fn outcome(table: &Table, row: &Row, profile: Profile) -> String {
    let kind = row.section.kind.unwrap();
    let types = types(kind);
    let filter = match Filter::parse(&long(&row.left), &types, profile) {
        Ok(filter) => filter,
        Err(error) => {
            assert_eq!(
                (error.status, error.scim_type),
                (400, Some(ScimType::InvalidFilter))
            );
            assert!(
                error.detail.len() < 400,
                "a refusal repeats what it refuses"
            );
            return format!("invalidFilter: {}", error.detail);
        }
    };
    let matching: Vec<&str> = of_kind(table, kind)
        .filter(|(_, resource)| filter.matches(resource, &types))
        .map(|(name, _)| name)
        .collect();
    match matching.len() {
        0 => "nobody".to_owned(),
        all if all == of_kind(table, kind).count() => "everybody".to_owned(),
        _ => matching.join(" "),
    }
}

fn of_kind(table: &Table, kind: ResourceKind) -> impl Iterator<Item = (&str, &Object)> {
    let of_kind = table
        .resources
        .iter()
        .filter(move |(_, other, _)| *other == kind);
    of_kind.map(|(name, _, value)| (name.as_str(), value.as_object().unwrap()))
}

/// A result and the shortest of three CPU times, so that a busy machine does not count.
pub(crate) fn fastest<T>(run: impl Fn() -> T) -> (T, Duration) {
    let cpu = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let timed = || {
        let begun = cpu();
        let result = run();
        (result, cpu() - begun)
    };
    let (result, first) = timed();
    match first < BUDGET {
        true => (result, first),
        false => (result, first.min(timed().1).min(timed().1)),
    }
}
