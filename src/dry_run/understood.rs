//! How a request is understood, for people.

use serde_json::Value;

use super::report::{Asked, Call};
use crate::provisioning::trace::{Step, Story, tell};
use crate::scim::patch::Op;
use crate::scim::{Message, PatchRequest, Query, Request, Service};

/// One line for each thing asked: the filter as it was parsed, the operations of a PATCH.
pub(super) fn understood(asks: &Asked, service: &Service) -> Vec<String> {
    let target = asks.target.as_str();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    match Message::parse(&asks.method, path, query, asks.body.clone(), service) {
        Ok(Message::Single(request)) => lines(&request),
        Ok(Message::Bulk(_)) => vec!["many requests in one".to_owned()],
        Err(error) => vec![format!("refused: {}", error.detail)],
    }
}

/// What happened beside the calls, which are told from then on to come after lines of these.
pub(super) fn steps(story: &Story, calls: &mut [Call]) -> Vec<String> {
    let all: Vec<_> = story
        .steps()
        .iter()
        .map(|moment| line(&moment.step))
        .collect();
    for call in calls {
        let before = all.iter().take(call.after_steps);
        call.after_steps = before.flatten().count();
    }
    all.into_iter().flatten().collect()
}

/// A step for people; of what the request says itself there is more in [`understood`].
fn line(step: &Step) -> Option<String> {
    match step {
        Step::Function { name, .. } => Some(format!("the script's {name}")),
        Step::Filter { .. } | Step::Patch { .. } | Step::Ignored { .. } | Step::Id { .. } => None,
        Step::Call { .. } | Step::Retry { .. } | Step::Waited { .. } => None,
        told => Some(tell::step(told)),
    }
}

fn lines(request: &Request) -> Vec<String> {
    match request {
        Request::List { query, .. } => of_query(query),
        Request::Search { queries } => queries
            .iter()
            .flat_map(|(_, query)| of_query(query))
            .collect(),
        Request::Patch { patch, .. } => of_patch(patch),
        Request::Create { body, .. } | Request::Replace { body, .. } => ignored(&body.ignored),
        _ => Vec::new(),
    }
}

fn of_query(query: &Query) -> Vec<String> {
    let filter = query.filter.as_ref();
    let line = filter.map(|filter| format!("where {filter}"));
    line.into_iter().collect()
}

fn of_patch(patch: &PatchRequest) -> Vec<String> {
    let operation = |operation: &crate::scim::patch::Operation| {
        let value = operation.value.as_ref().map(Value::to_string);
        match (operation.op, value) {
            (Op::Remove, None) => format!("{} is removed", operation.path),
            (Op::Remove, Some(value)) => format!("{} loses {value}", operation.path),
            (Op::Add, Some(value)) => format!("{} gets {value}", operation.path),
            (_, Some(value)) => format!("{} becomes {value}", operation.path),
            (_, None) => operation.path.to_string(),
        }
    };
    let mut lines: Vec<String> = patch.operations.iter().map(operation).collect();
    lines.extend(ignored(&patch.ignored));
    lines
}

fn ignored(names: &[String]) -> Vec<String> {
    let line = |name: &String| format!("{name} is ignored: no schema has it");
    names.iter().map(line).collect()
}
