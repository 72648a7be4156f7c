//! A call taken apart, so that two calls can be laid side by side.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::address::{at, named_element, quoted, without_quoted};
use crate::script::call::{VendorCall, Verb};
use crate::script::xml::{self, TEXT};
use crate::transcript::{self, Body, ExpectedCall, FORM};

/// A call of the vendor.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) verb: Verb,
    /// Path and query as they were written.
    written: String,
    /// Without the query, and with each id in a segment of its own.
    pub(super) path: String,
    /// The path's segments, decoded.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) content: Content,
}

/// A body, by what it is written in.
#[derive(Clone, Debug)]
pub(super) enum Content {
    None,
    Json(Value),
    /// Texts by name, and those of them that are XML as trees.
    Form(Map<String, Value>, BTreeMap<String, Map<String, Value>>),
}

impl Parts {
    /// Of a call on its way. `lists` are the elements of XML that are lists.
    pub(super) fn of(call: &VendorCall, lists: &[String]) -> Self {
        let content = match &call.body {
            None => Content::None,
            Some(body) if body.media_type == FORM => {
                form(transcript::form_sent(&body.bytes), lists)
            }
            Some(body) => serde_json::from_slice(&body.bytes).map_or(Content::None, Content::Json),
        };
        Self::new(call.method, &call.path, content)
    }

    /// Of a call as a transcript writes it.
    pub(super) fn written(call: &ExpectedCall, lists: &[String]) -> Self {
        let content = match &call.body {
            Body::None => Content::None,
            Body::Json(value) => Content::Json(value.clone()),
            Body::Text(text) => form(transcript::form_written(text), lists),
        };
        Self::new(call.verb, &call.path, content)
    }

    /// Of a call without a body.
    pub(super) fn target(verb: Verb, target: &str) -> Self {
        Self::new(verb, target, Content::None)
    }

    /// The same call with nothing but one of the objects in its body.
    pub(super) fn about(&self, item: &Map<String, Value>) -> Self {
        Self {
            content: Content::Json(item.clone().into()),
            ..self.clone()
        }
    }

    fn new(verb: Verb, target: &str, content: Content) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let written = target.to_owned();
        let path = &plain(path);
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Self {
            verb,
            written,
            path: path.to_owned(),
            segments: segments.map(decoded).collect(),
            query: pairs.into_owned().collect(),
            content,
        }
    }

    /// The operation of a GraphQL document, which every GraphQL call names.
    pub(super) fn operation(&self) -> Option<&str> {
        let Content::Json(body) = &self.content else {
            return None;
        };
        body.get("operationName")?.as_str()
    }

    /// What the call is about: its path, or the path that a form names (`xpath`).
    pub(super) fn address(&self) -> &str {
        let Content::Form(form, _) = &self.content else {
            return &self.path;
        };
        let mut values = form.values().filter_map(Value::as_str);
        values
            .find(|value| value.starts_with('/'))
            .unwrap_or(&self.path)
    }

    /// Path and query as they were written.
    pub(super) fn target_text(&self) -> String {
        self.written.clone()
    }

    /// Where an object is read that an answer to this call shows: at the part of the path that
    /// ends with its id, or below the whole path.
    pub(super) fn address_of(&self, id: &str) -> String {
        if let Some((element, _)) = named_element(self.address()) {
            return element.to_owned();
        }
        let raw: Vec<&str> = self
            .path
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        let end = self.segments.iter().rposition(|segment| segment == id);
        match end.and_then(|end| raw.get(..=end)) {
            Some(parts) => format!("/{}", parts.join("/")),
            None => at(self.path.trim_end_matches('/'), id),
        }
    }

    /// The body for people.
    pub(super) fn body(&self) -> Option<Value> {
        match &self.content {
            Content::None => None,
            Content::Json(value) => Some(value.clone()),
            Content::Form(form, _) => Some(Value::Object(form.clone())),
        }
    }

    /// Where values stand, and which: segments of the path, the query, leaves of the body.
    pub(super) fn slots(&self) -> BTreeMap<String, String> {
        let mut slots = BTreeMap::new();
        for (index, segment) in self.segments.iter().enumerate() {
            slots.insert(format!("path {index}"), segment.clone());
        }
        for (name, value) in &self.query {
            slots.insert(format!("query {name}"), value.clone());
        }
        match &self.content {
            Content::None => {}
            Content::Json(body) => {
                for (place, text) in leaves(&variables(body)) {
                    slots.insert(format!("body {place}"), text);
                }
            }
            Content::Form(form, elements) => form.iter().for_each(|(name, value)| {
                let value = value.as_str().unwrap_or_default();
                slots.extend(form_slots(name, value, elements.get(name)));
            }),
        }
        slots
    }

    /// Whether a text is among the call's values.
    pub(super) fn says(&self, text: &str) -> bool {
        self.slots().values().any(|value| value == text)
    }

    /// What the call sets, by name: the objects of a JSON body, the texts and elements of a form.
    /// Names that are none of `names` are left out.
    pub(super) fn payload(&self, names: &BTreeSet<String>) -> Map<String, Value> {
        let mut payload = Map::new();
        match &self.content {
            Content::None => {}
            Content::Json(body) => gather(&variables(body), names, &mut payload, 3),
            Content::Form(form, elements) => {
                payload.extend(elements.values().flat_map(Clone::clone));
                let known = |(name, _): &(&String, &Value)| names.contains(*name);
                let plain = form.iter().filter(known);
                payload.extend(plain.map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        payload
    }
}

/// A path whose ids stand in segments of their own: `/users/17` of `/users/17.json`,
/// `/users(17)` and `/users('17')`.
fn plain(path: &str) -> String {
    let path = [".json", ".xml"]
        .iter()
        .find_map(|ending| path.strip_suffix(ending))
        .unwrap_or(path);
    let segments = path.split('/').map(|segment| {
        let id = segment.strip_suffix(')').and_then(|it| it.split_once('('));
        match id.filter(|(list, id)| !list.is_empty() && !id.is_empty()) {
            Some((list, id)) => format!("{list}/{}", id.trim_matches('\'')),
            None => segment.to_owned(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

fn form(fields: Value, lists: &[String]) -> Content {
    let Value::Object(fields) = fields else {
        return Content::None;
    };
    let element =
        |(name, value): (&String, &Value)| Some((name.clone(), fragment(value.as_str()?, lists)?));
    let elements = fields.iter().filter_map(element).collect();
    Content::Form(fields, elements)
}

/// Elements of XML that a form carries, by name.
fn fragment(text: &str, lists: &[String]) -> Option<Map<String, Value>> {
    let whole = text.starts_with('<').then(|| format!("<x>{text}</x>"))?;
    let tree = xml::read(whole.as_bytes(), lists)?;
    tree.get("x")?.as_object().cloned()
}

/// The part of a body that holds values: of GraphQL its variables.
fn variables(body: &Value) -> Value {
    let is_graphql = body.get("query").is_some_and(Value::is_string);
    match body.get("variables").filter(|_| is_graphql) {
        Some(variables) => variables.clone(),
        None => body.clone(),
    }
}

fn form_slots(
    name: &str,
    value: &str,
    element: Option<&Map<String, Value>>,
) -> Vec<(String, String)> {
    if let Some(element) = element {
        let slot = |(place, text)| (format!("form {name}{place}"), text);
        let leaves = leaves(&Value::Object(element.clone()));
        return leaves.into_iter().map(slot).collect();
    }
    let skeleton = without_quoted(value);
    if skeleton == value {
        return vec![(format!("form {name}"), value.to_owned())];
    }
    let parts = quoted(value).into_iter().enumerate();
    parts
        .map(|(index, text)| (format!("form {name} {index}"), text))
        .collect()
}

/// Texts, numbers and truths by where they stand; a list of named pairs by their names.
pub(super) fn leaves(tree: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(String::new(), tree, &mut found);
    found
}

fn collect(place: String, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(format!("{place}/{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = pair_name(item).map_or(index.to_string(), str::to_owned);
                collect(format!("{place}/{name}"), item, found);
            }
        }
        Value::String(text) => found.push((place, text.clone())),
        Value::Number(_) | Value::Bool(_) => found.push((place, value.to_string())),
        Value::Null => {}
    }
}

/// The name of a named pair: an element with one attribute and a text.
pub(super) fn pair_name(item: &Value) -> Option<&str> {
    let members = item.as_object()?;
    let mut names = members.iter().filter(|(key, _)| key.as_str() != TEXT);
    let (key, name) = names.next()?;
    let only = names.next().is_none() && key.starts_with('@');
    name.as_str().filter(|_| only)
}

fn gather(value: &Value, names: &BTreeSet<String>, payload: &mut Map<String, Value>, room: usize) {
    let (Value::Object(members), true) = (value, room > 0) else {
        return;
    };
    for (name, value) in members {
        match names.contains(name) {
            true => drop(payload.entry(name.clone()).or_insert_with(|| value.clone())),
            false => gather(value, names, payload, room - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_in_segments_of_their_own() {
        for written in ["/users/17.json", "/users(17)", "/users('17')?fields=id"] {
            let parts = Parts::target(Verb::Get, written);
            assert_eq!(parts.segments, ["users", "17"], "{written}");
            assert_eq!(parts.address(), "/users/17");
            assert_eq!(parts.target_text(), written);
        }
        let parts = Parts::target(Verb::Get, "/users/a.b()/x");
        assert_eq!(parts.segments, ["users", "a.b()", "x"]);
    }
}
