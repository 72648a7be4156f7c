//! What an adapter's transcripts tell of its vendor: calls with their answers.
//!
//! A text of a call is a *value* where it came from somewhere: a setting, what Entra asked, an
//! answer of the same transcript. Everything else is the script's own word (`activate`,
//! `action = get`), and two calls are of the same form only if these agree.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::address::without_quoted;
use super::parts::{Content, Parts, leaves};
use super::trees::has_ids;
use crate::adapter::Adapter;
use crate::problem::file;
use crate::script::call::{Errand, VendorReply, Verb};
use crate::script::replies::{Answered, Meaning};
use crate::transcript::{self, Answer, Ask, Body, Transcript};

/// Two JSON bodies, forms or queries are of one form if this part of their names is common.
const ALIKE: f64 = 0.34;

/// Calls with their answers.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    told: Vec<Told>,
}

/// One call and its answer.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) call: Parts,
    pub(super) reply: VendorReply,
    /// The answer's body, if it is readable.
    pub(super) tree: Option<Value>,
    pub(super) meaning: Meaning,
    /// File and line.
    pub(super) source: String,
    /// Whether the next call asks for what comes after this answer: another page.
    pub(super) goes_on: bool,
    /// The values of its transcript.
    values: Arc<BTreeSet<String>>,
}

impl Corpus {
    /// Reads an adapter's transcripts: `<directory>/*.http`. What cannot be read tells nothing;
    /// `scimgate test` says what is wrong with it.
    pub fn read(directory: &Path, adapter: &Adapter) -> Self {
        let mut corpus = Self::default();
        for path in transcript::files(directory) {
            let name = path.display().to_string();
            let text = file::text(&path).unwrap_or_default();
            if let Ok(transcript) = transcript::parse(&name, &text) {
                corpus.learn(&transcript, adapter);
            }
        }
        corpus
    }

    fn learn(&mut self, transcript: &Transcript, adapter: &Adapter) {
        let values = Arc::new(values(transcript, adapter));
        let replies = &adapter.manifest.replies;
        let exchanges = transcript.exchanges.iter();
        let calls = exchanges.flat_map(|exchange| {
            let after = exchange.calls.iter().skip(1).map(|(call, _)| Some(call));
            exchange.calls.iter().zip(after.chain([None]))
        });
        for ((call, answer), next) in calls {
            let Answer::Reply(reply) = answer else {
                continue;
            };
            let parts = Parts::written(call, &replies.lists);
            let next = next.map(|next| Parts::written(next, &replies.lists));
            let tree = replies.parse(&reply.body);
            let meaning = {
                let errand = Errand {
                    verb: Some(parts.verb),
                    resource: None,
                };
                replies
                    .judge(&Answered::of(reply, errand, tree.as_ref()))
                    .means
            };
            let failed = tree.as_ref().and_then(|tree| tree.get("errors"));
            self.told.push(Told {
                goes_on: next.is_some_and(|next| is_next_page(&parts, &next)),
                call: parts,
                reply: reply.clone(),
                meaning: match failed {
                    Some(errors) if !errors.is_null() && meaning == Meaning::Ok => Meaning::Fault,
                    _ => meaning,
                },
                tree,
                source: format!("{}:{}", transcript.file, call.line),
                values: Arc::clone(&values),
            });
        }
    }

    /// The calls of the same form, the most alike first.
    pub(super) fn alike(&self, call: &Parts) -> Vec<&Told> {
        let scored = self.told.iter().filter_map(|told| {
            let score = told.likeness(call)?;
            let literal = |(index, segment): (usize, &String)| {
                told.call.segments.get(index) != Some(segment) && self.is_word(call, index)
            };
            let strays = call.segments.iter().enumerate().any(literal);
            (!strays).then_some((score, told))
        });
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        scored.into_iter().map(|(_, told)| told).collect()
    }

    /// How the vendor says that there is no such object, to whichever call of the same method.
    pub(super) fn absent(&self, call: &Parts) -> Option<&Told> {
        let mut told = self.told.iter();
        told.find(|told| told.meaning == Meaning::Absent && told.call.verb == call.verb)
    }

    /// The calls that come after one in its transcript.
    pub(super) fn after<'c>(&'c self, told: &'c Told) -> impl Iterator<Item = &'c Told> {
        let from = self
            .told
            .iter()
            .skip_while(|other| other.source != told.source);
        let same = |other: &&Told| Arc::ptr_eq(&other.values, &told.values);
        from.skip(1).take_while(same)
    }

    /// Where the object of an id was read.
    pub(super) fn read_of(&self, id: &str) -> Option<&Parts> {
        let mut reads = self.reads();
        let found = reads.find(|told| told.call.segments.last().is_some_and(|last| last == id));
        found.map(|told| &told.call)
    }

    /// Where a list of ids was read that is below the object of an id.
    pub(super) fn list_below(&self, id: &str) -> Option<&Parts> {
        let below = |told: &&Told| {
            let above = told.call.segments.split_last().map(|(_, above)| above);
            above.is_some_and(|above| above.iter().any(|segment| segment == id))
        };
        let ids = |told: &&Told| told.tree.as_ref().is_some_and(has_ids);
        let found = self.reads().filter(below).find(ids);
        found.map(|told| &told.call)
    }

    fn reads(&self) -> impl Iterator<Item = &Told> {
        let read = |told: &&Told| told.is_ok() && told.call.verb == Verb::Get;
        self.told.iter().filter(read)
    }

    /// Whether a segment is somewhere the script's own word at this place.
    fn is_word(&self, call: &Parts, index: usize) -> bool {
        let segment = call.segments.get(index);
        let before = call.segments.get(index.saturating_sub(1)..index);
        self.told.iter().any(|told| {
            let same = told.call.segments.get(index) == segment
                && told.call.segments.get(index.saturating_sub(1)..index) == before;
            same && segment.is_some_and(|segment| !told.values.contains(segment))
        })
    }
}

impl Told {
    pub(super) fn is_ok(&self) -> bool {
        self.meaning == Meaning::Ok
    }

    /// Whether a text of its call is a value.
    pub(super) fn is_value(&self, text: &str) -> bool {
        self.values.contains(text)
    }

    /// How much a call is of the same form; `None` if it is of another one.
    fn likeness(&self, call: &Parts) -> Option<f64> {
        let own = &self.call;
        let same_shape = own.verb == call.verb
            && own.segments.len() == call.segments.len()
            && own.operation() == call.operation();
        let mut equal = 0.0;
        for (mine, theirs) in own.segments.iter().zip(&call.segments) {
            match mine == theirs {
                true => equal += 1.0,
                false if self.values.contains(mine) || mine.starts_with("{{") => {}
                false => return None,
            }
        }
        if !same_shape {
            return None;
        }
        let names = |parts: &Parts| parts.query.iter().map(|(name, _)| name.clone()).collect();
        let query = common(&names(own), &names(call)).filter(|part| *part >= ALIKE)?;
        let body = self.body_likeness(call)?;
        let (own_slots, slots) = (own.slots(), call.slots());
        let same = slots
            .iter()
            .filter(|(place, text)| own_slots.get(*place) == Some(text));
        let same = same.count() as f64 / (slots.len().max(1) as f64);
        Some(equal + 2.0 * query + 3.0 * body + 0.5 * same)
    }

    fn body_likeness(&self, call: &Parts) -> Option<f64> {
        match (&self.call.content, &call.content) {
            (Content::None, Content::None) => Some(1.0),
            (Content::Json(mine), Content::Json(theirs)) => {
                common(&names(mine), &names(theirs)).or(Some(0.0))
            }
            (Content::Form(mine, _), Content::Form(theirs, elements)) => {
                let agree = |(name, theirs): (&String, &Value)| match mine.get(name) {
                    None => true,
                    Some(_) if elements.contains_key(name) => true,
                    Some(mine) => self.field_agrees(mine, theirs),
                };
                let agree = theirs.iter().all(agree);
                let names = |form: &Map<String, Value>| form.keys().cloned().collect();
                let common = common(&names(mine), &names(theirs));
                common.filter(|part| agree && *part >= ALIKE)
            }
            _ => None,
        }
    }

    /// Whether a field of a form is a value in both, or the same word, or a path of one form.
    fn field_agrees(&self, mine: &Value, theirs: &Value) -> bool {
        let (Some(mine), Some(theirs)) = (mine.as_str(), theirs.as_str()) else {
            return false;
        };
        let is_value = self.values.contains(mine) && !mine.starts_with('/');
        mine == theirs || is_value || {
            mine.starts_with('/') && without_quoted(mine) == without_quoted(theirs)
        }
    }
}

/// Whether a call asks the same with other values, as for a page after another.
fn is_next_page(call: &Parts, next: &Parts) -> bool {
    let names = |parts: &Parts| -> BTreeSet<String> {
        parts.query.iter().map(|(name, _)| name.clone()).collect()
    };
    let gets = call.verb == Verb::Get && next.verb == Verb::Get && call.path == next.path;
    gets && names(call) == names(next) && call.query != next.query
}

/// The common part of two sets of names; `None` if nothing is common to two that have some.
fn common(mine: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Option<f64> {
    let all = mine.union(theirs).count();
    let both = mine.intersection(theirs).count();
    match (all, both) {
        (0, _) => Some(1.0),
        (_, 0) => None,
        (all, both) => Some(both as f64 / all as f64),
    }
}

/// The names in a JSON body, nested ones with their path.
fn names(body: &Value) -> BTreeSet<String> {
    fn gather(place: &str, value: &Value, found: &mut BTreeSet<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let place = format!("{place}/{name}");
            gather(&place, value, found);
            found.insert(place);
        }
    }
    let mut found = BTreeSet::new();
    gather("", body, &mut found);
    found
}

/// Every value of a transcript: of its settings, of what Entra asks, of what the vendor answers.
fn values(transcript: &Transcript, adapter: &Adapter) -> BTreeSet<String> {
    let settings = transcript::settings(&transcript.settings, adapter);
    let names = adapter.manifest.settings.keys();
    let mut values: BTreeSet<String> = names.filter_map(|name| settings.text(name)).collect();
    for exchange in &transcript.exchanges {
        values.extend(asked(&exchange.asks));
        for (_, answer) in &exchange.calls {
            if let Answer::Reply(reply) = answer
                && let Some(tree) = adapter.manifest.replies.parse(&reply.body)
            {
                values.extend(leaves(&tree).into_iter().map(|(_, text)| text));
            }
        }
    }
    values
}

/// The values of a request: segments of its path, of its query what is quoted, its body.
fn asked(ask: &Ask) -> Vec<String> {
    let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
    let mut values: Vec<String> = path.split('/').skip(2).map(str::to_owned).collect();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    for (_, value) in pairs {
        values.extend(value.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    if let Body::Json(body) = &ask.body {
        values.extend(leaves(body).into_iter().map(|(_, text)| text));
    }
    values
}
