//! `tests/data/patches.txt`: before + patch ⇒ after, or its refusal.

use std::collections::BTreeSet;
use std::time::Duration;

use scimgate::scim::patch::PATCH_SCHEMA;
use scimgate::scim::{
    MemberChanges, Object, PatchRequest, Profile, ResourceKind, ResourceType, ScimError, Stop, json,
};
use serde_json::Value;

use crate::filter_table::fastest;
use crate::table::{
    Row, Table, json_of, long, none_failed, profile_name, short, types, written_out,
};

/// What one request may take, however hostile: read, parsed and applied.
const BUDGET: Duration = Duration::from_millis(250);

#[test]
fn every_row_holds() {
    let table = Table::read("patches.txt");
    assert!(table.rows.len() >= 200, "{} rows", table.rows.len());
    let failures = table.rows.iter().flat_map(|row| {
        let profiles = row.section.profiles.iter();
        profiles.filter_map(|profile| failure(&table, row, *profile))
    });
    none_failed("patches.txt", &failures.collect::<Vec<_>>());
}

fn failure(table: &Table, row: &Row, profile: Profile) -> Option<(usize, String, String)> {
    let claim = Claim::of(table, row);
    let (got, took) = fastest(|| claim.outcome(profile));
    let wrong = match &got {
        _ if took > BUDGET => format!("  took    {took:?}"),
        Ok(done) => claim.compare(done, profile)?,
        Err(refusal) if claim.is_refused_with(refusal) => return None,
        Err(refusal) => format!("  want    {}\n  got     {}", row.right, short(refusal)),
    };
    let left: String = row.left.chars().take(300).collect();
    let what = format!("  {:7} {left}\n{wrong}", profile_name(profile));
    Some((row.line, row.section.title.clone(), what))
}

/// A row, understood.
struct Claim {
    types: ResourceType,
    before: Object,
    /// The request body, as on the wire.
    body: String,
    after: After,
    twice: bool,
}

enum After {
    /// The resource, and the names that were skipped.
    Is(Value, Vec<String>),
    /// Keyword or status, and a part of the detail.
    Refused(String, String),
}

/// What became of a resource.
struct Done {
    request: PatchRequest,
    after: Object,
}

impl Claim {
    fn of(table: &Table, row: &Row) -> Self {
        let mut parts = row.left.split(" + ");
        let before = resource(table, parts.next().unwrap())
            .as_object()
            .unwrap()
            .clone();
        let operations: Vec<String> = parts.map(operation).collect();
        let operations = long(&operations.join(","));
        Self {
            types: types(row.section.kind.unwrap()),
            after: After::of(table, &before, &row.right),
            before,
            body: format!(r#"{{"schemas":["{PATCH_SCHEMA}"],"Operations":[{operations}]}}"#),
            twice: row.section.twice,
        }
    }

    fn outcome(&self, profile: Profile) -> Result<Done, String> {
        let body = json::read(self.body.as_bytes()).map_err(|error| refusal(&error))?;
        let request = PatchRequest::parse(body, &self.types, profile);
        let request = request.map_err(|error| refusal(&error))?;
        let mut after = self.before.clone();
        match request.apply(&mut after, &self.types, profile) {
            Ok(()) => Ok(Done { request, after }),
            Err(stop) => {
                assert_eq!(after, self.before, "all or nothing");
                Err(match stop {
                    Stop::Refused(error) => refusal(&error),
                    Stop::NeedsRead => "needs read".to_owned(),
                })
            }
        }
    }

    /// What is wrong with a success.
    fn compare(&self, done: &Done, profile: Profile) -> Option<String> {
        let got = Value::Object(done.after.clone());
        let (want, skipped) = match &self.after {
            After::Refused(keyword, part) => {
                return Some(format!(
                    "  want    {keyword}: {part}\n  got     {}",
                    short(&got.to_string())
                ));
            }
            After::Is(want, skipped) => (want, skipped),
        };
        let names: Vec<&str> = skipped.iter().map(String::as_str).collect();
        if got != *want || done.request.ignored != names {
            let (want, got) = (short(&want.to_string()), short(&got.to_string()));
            let ignored = &done.request.ignored;
            return Some(format!(
                "  want    {want} ignoring {skipped:?}\n  got     {got} ignoring {ignored:?}"
            ));
        }
        self.not_idempotent(done, profile)
            .or_else(|| self.not_as_difference(done))
    }

    fn not_idempotent(&self, done: &Done, profile: Profile) -> Option<String> {
        if !self.twice {
            return None;
        }
        let mut again = done.after.clone();
        let outcome = done.request.apply(&mut again, &self.types, profile);
        let same = outcome.is_ok() && again == done.after;
        let again = short(&Value::Object(again).to_string());
        (!same).then(|| format!("  a second time {outcome:?} {again}"))
    }

    /// A group's members told as a difference must come to the same as the list.
    fn not_as_difference(&self, done: &Done) -> Option<String> {
        if self.types.kind != ResourceKind::Group {
            return None;
        }
        let (rest, changes) = done.request.clone().split_members();
        let about_members = |path: &str| path == "members";
        if rest
            .operations
            .iter()
            .any(|one| about_members(&one.path.attr.attribute))
        {
            return None;
        }
        let (want, got) = (
            members(&done.after),
            changed(members(&self.before), &changes),
        );
        (want != got).then(|| format!("  as a list {want:?}\n  as a difference {got:?}"))
    }

    fn is_refused_with(&self, refusal: &str) -> bool {
        let After::Refused(keyword, part) = &self.after else {
            return false;
        };
        refusal.split(": ").next() == Some(keyword) && short(refusal).contains(part.as_str())
    }
}

impl After {
    fn of(table: &Table, before: &Object, text: &str) -> Self {
        let (text, skipped) = text.split_once(" ignoring ").unwrap_or((text, ""));
        let skipped = skipped.split(", ").filter(|name| !name.is_empty());
        let is = |value| Self::Is(value, skipped.map(long).collect());
        if text == "same" {
            return is(Value::Object(before.clone()));
        }
        if let Some(changes) = text.strip_prefix("with ") {
            return is(merged(before.clone(), json_of(changes)));
        }
        if text.starts_with('{') || table.resource(text).is_some() {
            return is(resource(table, text));
        }
        let (keyword, part) = text.split_once(": ").unwrap_or((text, ""));
        Self::Refused(keyword.to_owned(), part.to_owned())
    }
}

/// A resource by name or written out.
fn resource(table: &Table, text: &str) -> Value {
    match table.resource(text.trim()) {
        Some(value) => value.clone(),
        None => json_of(&written_out(text)),
    }
}

/// Members replaced, or taken out by null.
fn merged(mut before: Object, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value.is_null() {
            true => before.shift_remove(name),
            false => before.insert(name.clone(), value.clone()),
        };
    }
    Value::Object(before)
}

/// `add title "x"`, `remove title`, `replace {…}`, `3× add …`, or the operation itself in JSON.
fn operation(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('{') {
        return text.to_owned();
    }
    if let Some((count, one)) = text.split_once("× ") {
        return vec![operation(one); count.parse().unwrap()].join(",");
    }
    let (op, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (path, value) = path_and_value(rest);
    let path = Some(path).filter(|path| !path.is_empty());
    let path = path.map(|path| format!(r#","path":{}"#, Value::from(path)));
    let value = Some(value.trim()).filter(|value| !value.is_empty());
    let value = value.map(|value| format!(r#","value":{value}"#));
    format!(
        r#"{{"op":"{op}"{}{}}}"#,
        path.unwrap_or_default(),
        value.unwrap_or_default()
    )
}

/// A path ends at the first space outside of brackets; what cannot begin a path is a value.
fn path_and_value(text: &str) -> (&str, &str) {
    if text.starts_with(['{', '"', '[']) {
        return ("", text);
    }
    let mut depth = 0;
    let end = text.find(|c: char| {
        depth += match c {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        c == ' ' && depth == 0
    });
    text.split_at(end.unwrap_or(text.len()))
}

fn refusal(error: &ScimError) -> String {
    assert!(
        error.detail.len() < 700,
        "a refusal repeats what it refuses"
    );
    let status = error.status.to_string();
    let keyword = error
        .scim_type
        .map_or(status.as_str(), |word| word.as_str());
    format!("{keyword}: {}", error.detail)
}

fn members(group: &Object) -> BTreeSet<String> {
    let members = group
        .get("members")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    members
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect()
}

fn changed(mut members: BTreeSet<String>, changes: &MemberChanges) -> BTreeSet<String> {
    if changes.from_empty {
        members.clear();
    }
    members.retain(|id| !changes.remove.contains(id));
    members.extend(changes.add.iter().cloned());
    members
}
