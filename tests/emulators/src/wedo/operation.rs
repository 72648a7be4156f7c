//! What the root fields do, and what they cost.

use super::directory::Directory;
use super::document::{Field, Operation};
use super::refusal::Refusal;
use super::user::{Status, User};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The most nodes of a page.
const MOST: u64 = 100;

/// Which users a list shows.
pub(super) struct Page {
    login: Option<String>,
    with_deactivated: bool,
    pub(super) first: usize,
    pub(super) after: Option<String>,
}

impl Page {
    fn of(arguments: &Map<String, Value>) -> Result<Self, Refusal> {
        let first = arguments.get("first").and_then(Value::as_u64).unwrap_or(50);
        if first == 0 || first > MOST {
            return Err(Refusal::validation("first", "1 to 100"));
        }
        let filter = arguments.get("filter").cloned().unwrap_or_default();
        let login = filter.pointer("/login/eq").and_then(Value::as_str);
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        Ok(Self {
            login: login.map(str::to_lowercase),
            with_deactivated: arguments.get("includeDeactivated") == Some(&true.into()),
            first: usize::try_from(first).unwrap_or(usize::MAX),
            after: text("after").map(str::to_owned),
        })
    }

    /// Deactivated users are hidden unless they were asked for.
    pub(super) fn shows(&self, user: &User) -> bool {
        (self.with_deactivated || user.status != Status::Deactivated)
            && self.login.as_ref().is_none_or(|login| *login == user.login)
    }
}

/// 10 for a mutation; 1 for a query, and 1 more for each 100 nodes it may give.
pub(super) fn cost(operation: &Operation) -> u64 {
    let nodes = operation.root.arguments.get("first");
    match operation.is_mutation {
        true => 10,
        false => 1 + nodes.and_then(Value::as_u64).unwrap_or(50) / 100,
    }
}

/// The name of an operation, as the counters and faults have it.
pub(super) fn route(operation: &Operation) -> &'static str {
    const ROUTES: [&str; 7] = [
        "query users",
        "query user",
        "mutation createUser",
        "mutation updateUser",
        "mutation deactivateUser",
        "mutation reactivateUser",
        "mutation purgeUser",
    ];
    let sort = if operation.is_mutation {
        "mutation"
    } else {
        "query"
    };
    let mut routes = ROUTES.into_iter();
    let found = routes.find(|route| route.split_once(' ') == Some((sort, &operation.root.name)));
    found.unwrap_or("unknown operation")
}

/// Does it; `None` for a root field there is not. Gives the root field's value, whole.
pub(super) fn perform(
    operation: &Operation,
    directory: &mut Directory,
    next_number: &mut u64,
    now: Timestamp,
) -> Option<Result<Value, Refusal>> {
    let arguments = &operation.root.arguments;
    let text = |name: &str| {
        arguments
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let object = |name: &str| arguments.get(name).and_then(Value::as_object).cloned();
    let user = |user: Result<&User, Refusal>| Ok(json!({"user": user?.shown()}));
    Some(match route(operation) {
        "query users" => list(directory, &operation.root),
        "query user" => directory.user(text("id")).map(User::shown),
        "mutation createUser" => {
            let made = directory.create(*next_number, object("input").unwrap_or_default(), now);
            *next_number += u64::from(made.is_ok());
            user(made)
        }
        "mutation updateUser" => {
            let version = arguments.get("ifVersion").and_then(Value::as_u64);
            let input = object("input").unwrap_or_default();
            user(directory.update(text("id"), &input, version.unwrap_or_default(), now))
        }
        "mutation deactivateUser" => {
            let hand_over = object("handOver").unwrap_or_default();
            user(directory.deactivate(text("id"), &hand_over, now))
        }
        "mutation reactivateUser" => user(directory.reactivate(text("id"), now)),
        "mutation purgeUser" => {
            let purged = directory.purge(text("id"), text("confirmFullName"));
            purged.map(|()| json!({"ok": true}))
        }
        _ => return None,
    })
}

fn list(directory: &Directory, root: &Field) -> Result<Value, Refusal> {
    let (rows, more, total) = directory.list(&Page::of(&root.arguments)?)?;
    let end = rows.last().map(|user| user.cursor());
    let nodes: Vec<_> = rows.into_iter().map(User::shown).collect();
    let info = json!({"hasNextPage": more, "endCursor": end});
    Ok(json!({"nodes": nodes, "pageInfo": info, "totalCount": total}))
}
