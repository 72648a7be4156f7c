//! What is never shown, such as passwords, is not shown by a dry run either.

use serde_json::Value;

use super::report::{Answered, Exchange};
use crate::adapter::Adapter;
use crate::scim::ResourceKind;

/// What stands in the place of a secret.
const BLOT: &str = "***";

/// Takes out of an exchange whatever its request says of attributes that are only written.
pub(super) fn blot(exchange: &mut Exchange, adapter: &Adapter) {
    let tables = [ResourceKind::User, ResourceKind::Group];
    let tables = tables.into_iter().filter_map(|kind| adapter.mapping(kind));
    let rows = tables.flat_map(|table| table.described());
    let names: Vec<&str> = rows
        .filter(|row| row.write_only)
        .map(|row| row.attribute)
        .collect();
    let mut secrets = Vec::new();
    if let Some(body) = &exchange.asks.body {
        collect(body, &names, false, &mut secrets);
    }
    if secrets.is_empty() {
        return;
    }
    let Exchange {
        asks,
        understood,
        calls,
        printed,
        gets,
        cause,
        steps: _,
    } = exchange;
    let texts = understood.iter_mut().chain(printed).chain(cause);
    texts.for_each(|text| blotted(text, &secrets));
    let bodies = asks.body.iter_mut().chain(body_of(gets));
    bodies.for_each(|body| in_body(body, &secrets));
    for call in calls {
        blotted(&mut call.path, &secrets);
        let bodies = call.body.iter_mut().chain(body_of(&mut call.reply));
        bodies.for_each(|body| in_body(body, &secrets));
    }
}

fn body_of(answered: &mut Option<Answered>) -> Option<&mut Value> {
    answered.as_mut()?.body.as_mut()
}

/// The texts below a name of these, and beside a `path` that is one.
fn collect(value: &Value, names: &[&str], inside: bool, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) if inside && !text.is_empty() => secrets.push(text.clone()),
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, names, inside, secrets)),
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str);
            let beside = path.is_some_and(|path| is_one(path, names));
            for (name, value) in members {
                let inside = inside || is_one(name, names) || beside && name == "value";
                collect(value, names, inside, secrets);
            }
        }
        _ => {}
    }
}

/// Whether it is one of the names, in any case, perhaps with the schema's before it.
fn is_one(written: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        let start = written.len().saturating_sub(name.len());
        let end = written.get(start..).unwrap_or_default();
        let before = written.get(..start).unwrap_or_default();
        end.eq_ignore_ascii_case(name) && (before.is_empty() || before.ends_with(':'))
    })
}

fn in_body(body: &mut Value, secrets: &[String]) {
    match body {
        Value::String(text) => blotted(text, secrets),
        Value::Array(items) => items.iter_mut().for_each(|item| in_body(item, secrets)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|value| in_body(value, secrets)),
        _ => {}
    }
}

fn blotted(text: &mut String, secrets: &[String]) {
    for secret in secrets {
        // As it is, and as JSON writes it.
        let quoted = Value::from(secret.as_str()).to_string();
        for spelling in [quoted.trim_matches('"'), secret] {
            if text.contains(spelling) {
                *text = text.replace(spelling, BLOT);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_such_attributes_are_found_however_they_are_said() {
        let asked = json!({
            "password": "a1", "title": "b",
            "Operations": [
                { "op": "replace", "path": "urn:x:User:Password", "value": "c2" },
                { "op": "add", "value": { "PASSWORD": "d3", "nopassword": "e" } },
                { "op": "add", "path": "title", "value": "f" },
            ],
        });
        let mut secrets = Vec::new();
        collect(&asked, &["password"], false, &mut secrets);
        assert_eq!(secrets, ["a1", "c2", "d3"]);
    }

    #[test]
    fn they_are_taken_out_of_texts_as_they_are_and_as_json() {
        let mut text = r#"password becomes "a\"b", a"b"#.to_owned();
        blotted(&mut text, &["a\"b".to_owned()]);
        assert_eq!(text, r#"password becomes "***", ***"#);
    }
}
