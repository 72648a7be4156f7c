//! What a call asks for: its form and its xpath.

use super::refusal::Refusal;
use super::xpath::{self, Step, Test};
use crate::kit::Call;
use std::collections::BTreeMap;

/// A form's fields.
pub(super) type Form = BTreeMap<String, String>;

/// The form of a call; what stands twice counts once.
pub(super) fn form(call: &Call) -> Form {
    url::form_urlencoded::parse(&call.body)
        .into_owned()
        .collect()
}

/// What an xpath leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The Directory Name.
    pub(super) directory: String,
    /// Users or groups.
    pub(super) sort: Sort,
    /// Which entries.
    pub(super) tests: Vec<Test>,
    /// What of them.
    pub(super) part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    User,
    Group,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Entry,
    /// `/member`.
    Members,
    /// `/member[text()='…']`.
    Member(String),
    /// `/attr[@n='…']`.
    Attr(String),
}

impl Target {
    pub(super) fn of(form: &Form) -> Result<Self, Refusal> {
        let steps = xpath::parse(form.get("xpath").map_or("", String::as_str))?;
        let mut steps = steps.as_slice();
        for name in ["config", "shared", "directory"] {
            plain(&mut steps, name)?;
        }
        let directory = match next(&mut steps)? {
            Step { name, tests } if name == "entry" => name_in(tests)?,
            _ => return Err(Refusal::BAD_XPATH),
        };
        let sort = match next(&mut steps)? {
            Step { name, tests } if name == "user" && tests.is_empty() => Sort::User,
            Step { name, tests } if name == "user-group" && tests.is_empty() => Sort::Group,
            _ => return Err(Refusal::BAD_XPATH),
        };
        let tests = match next(&mut steps)? {
            Step { name, tests } if name == "entry" => tests.clone(),
            _ => return Err(Refusal::BAD_XPATH),
        };
        let part = match steps {
            [] => Part::Entry,
            [Step { name, tests }] => part(sort, name, tests)?,
            _ => return Err(Refusal::BAD_XPATH),
        };
        Ok(Self {
            directory,
            sort,
            tests,
            part,
        })
    }

    /// The one name it leads to; what is written has one.
    pub(super) fn name(&self) -> Result<String, Refusal> {
        name_in(&self.tests)
    }
}

fn part(sort: Sort, name: &str, tests: &[Test]) -> Result<Part, Refusal> {
    match (sort, name, tests) {
        (Sort::Group, "member", []) => Ok(Part::Members),
        (Sort::Group, "member", [Test::Text(user)]) => Ok(Part::Member(user.clone())),
        (Sort::User, "attr", [Test::Attribute(n, attr)]) if n == "n" => {
            Ok(Part::Attr(attr.clone()))
        }
        _ => Err(Refusal::BAD_XPATH),
    }
}

fn next<'a>(steps: &mut &'a [Step]) -> Result<&'a Step, Refusal> {
    let (first, rest) = steps.split_first().ok_or(Refusal::BAD_XPATH)?;
    *steps = rest;
    Ok(first)
}

fn plain(steps: &mut &[Step], wanted: &str) -> Result<(), Refusal> {
    let step = next(steps)?;
    match step.name == wanted && step.tests.is_empty() {
        true => Ok(()),
        false => Err(Refusal::BAD_XPATH),
    }
}

fn name_in(tests: &[Test]) -> Result<String, Refusal> {
    match tests {
        [Test::Attribute(name, value)] if name == "name" => Ok(value.clone()),
        _ => Err(Refusal::BAD_XPATH),
    }
}

/// The name in the counters and the journal.
pub(super) fn route(call: &Call) -> &'static str {
    let form = form(call);
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if call.path != "/api/" {
        return "no such path";
    }
    let target = Target::of(&form);
    let (sort, part) = match &target {
        Ok(target) => (Some(target.sort), Some(&target.part)),
        Err(_) => (None, None),
    };
    match (field("type"), field("action"), sort, part) {
        ("keygen", ..) => "keygen",
        ("op", ..) => "op",
        ("commit", ..) => "commit",
        ("config", _, None, _) => "config, bad xpath",
        ("config", "get", Some(Sort::User), _) if is_list(&target) => "list users",
        ("config", "get", Some(Sort::Group), _) if is_list(&target) => "list groups",
        ("config", "get", Some(Sort::User), _) => "get user",
        ("config", "get", Some(Sort::Group), _) => "get group",
        ("config", "set", _, Some(Part::Members)) => "add members",
        ("config", "delete", _, Some(Part::Member(_))) => "remove member",
        ("config", "delete", _, Some(Part::Attr(_))) => "delete attr",
        ("config", "set", Some(Sort::User), _) => "set user",
        ("config", "set", Some(Sort::Group), _) => "set group",
        ("config", "create", Some(Sort::User), _) => "create user",
        ("config", "create", Some(Sort::Group), _) => "create group",
        ("config", "edit", Some(Sort::User), _) => "edit user",
        ("config", "edit", Some(Sort::Group), _) => "edit group",
        ("config", "delete", Some(Sort::User), _) => "delete user",
        ("config", "delete", Some(Sort::Group), _) => "delete group",
        ("config", "rename", Some(Sort::User), _) => "rename user",
        ("config", "rename", Some(Sort::Group), _) => "rename group",
        _ => "no such command",
    }
}

fn is_list(target: &Result<Target, Refusal>) -> bool {
    let position = |test: &Test| matches!(test, Test::After(_) | Test::UpTo(_));
    target
        .as_ref()
        .is_ok_and(|target| target.tests.is_empty() || target.tests.iter().any(position))
}
