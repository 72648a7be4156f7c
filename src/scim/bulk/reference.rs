//! `bulkId:x` in values (RFC 7644 §3.7.2): what stands for the id of a resource not yet made.
//!
//! A reference is a whole string, as in `{"value": "bulkId:x"}`. Two strings hold one within:
//! the URL in `$ref` (`…/Users/bulkId:x`) and the path of a PATCH operation
//! (`members[value eq "bulkId:x"]`). Anywhere else it is text.

use std::ops::Range;

use serde_json::Value;

use super::target::quoted;
use crate::scim::ScimError;

/// What a reference begins with.
pub(super) const PREFIX: &str = "bulkId:";

/// A place in a string that a reference takes up.
struct Found<'t> {
    place: Range<usize>,
    bulk_id: &'t str,
    form: Form,
}

/// How an id is written where the reference stood.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    /// In a URL.
    Url,
    /// Between the quotes of a filter.
    Quoted,
}

/// Calls `take` with each `bulkId` that a value refers to.
pub(super) fn each<'v>(value: &'v Value, take: &mut impl FnMut(&'v str)) {
    in_member("", value, take);
}

fn in_member<'v>(key: &str, value: &'v Value, take: &mut impl FnMut(&'v str)) {
    match value {
        Value::String(text) => find(key, text)
            .into_iter()
            .for_each(|found| take(found.bulk_id)),
        Value::Array(list) => list.iter().for_each(|item| in_member(key, item, take)),
        Value::Object(members) => members
            .iter()
            .for_each(|(key, member)| in_member(key, member, take)),
        _ => {}
    }
}

/// Puts ids where references stand.
///
/// # Errors
/// The first of `id_of`.
pub(super) fn resolve<'i>(
    value: &mut Value,
    id_of: &impl Fn(&str) -> Result<&'i str, ScimError>,
) -> Result<(), ScimError> {
    resolve_member("", value, id_of)
}

fn resolve_member<'i>(
    key: &str,
    value: &mut Value,
    id_of: &impl Fn(&str) -> Result<&'i str, ScimError>,
) -> Result<(), ScimError> {
    match value {
        Value::String(text) => {
            if let Some(resolved) = resolved(key, text, id_of)? {
                *text = resolved;
            }
            Ok(())
        }
        Value::Array(list) => list
            .iter_mut()
            .try_for_each(|item| resolve_member(key, item, id_of)),
        Value::Object(members) => members
            .iter_mut()
            .try_for_each(|(key, member)| resolve_member(key, member, id_of)),
        _ => Ok(()),
    }
}

fn resolved<'i>(
    key: &str,
    text: &str,
    id_of: &impl Fn(&str) -> Result<&'i str, ScimError>,
) -> Result<Option<String>, ScimError> {
    let found = find(key, text);
    if found.is_empty() {
        return Ok(None);
    }
    let mut resolved = text.to_owned();
    // From the end, so that the places before it stay where they are.
    for Found {
        place,
        bulk_id,
        form,
    } in found.into_iter().rev()
    {
        resolved.replace_range(place, &form.write(id_of(bulk_id)?));
    }
    Ok(Some(resolved))
}

impl Form {
    fn write(self, id: &str) -> String {
        match self {
            Self::Plain => id.to_owned(),
            Self::Url => quoted(id),
            Self::Quoted => {
                let text = Value::from(id).to_string();
                let within = text.get(1..text.len() - 1);
                within.unwrap_or_default().to_owned()
            }
        }
    }
}

fn find<'t>(key: &str, text: &'t str) -> Vec<Found<'t>> {
    if let Some(bulk_id) = text.strip_prefix(PREFIX) {
        let (place, form) = (0..text.len(), Form::Plain);
        return vec![Found {
            place,
            bulk_id,
            form,
        }];
    }
    match key {
        "$ref" => at_the_end(text).into_iter().collect(),
        "path" => in_quotes(text),
        _ => Vec::new(),
    }
}

fn at_the_end(url: &str) -> Option<Found<'_>> {
    let (_, last) = url.rsplit_once('/')?;
    Some(Found {
        place: url.len() - last.len()..url.len(),
        bulk_id: last.strip_prefix(PREFIX)?,
        form: Form::Url,
    })
}

fn in_quotes(path: &str) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((before, behind)) = path.get(from..).and_then(|rest| rest.split_once('"')) {
        let begin = from + before.len() + 1;
        let Some((quoted, _)) = behind.split_once('"') else {
            break;
        };
        let end = begin + quoted.len();
        if let Some(bulk_id) = quoted.strip_prefix(PREFIX) {
            let (place, form) = (begin..end, Form::Quoted);
            found.push(Found {
                place,
                bulk_id,
                form,
            });
        }
        from = end + 1;
    }
    found
}
