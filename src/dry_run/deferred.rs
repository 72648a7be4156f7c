//! Writes that a vendor takes in and carries out later: a call of several items that is answered
//! 202 (RFC 9110 §15.3.3) with an id, and a later look under that id that tells an outcome of each.

use serde_json::{Map, Value};

use super::corpus::{Corpus, Told};
use super::ledger::id_keys;
use super::parts::{Content, Parts, leaves};
use crate::adapter::Adapter;
use crate::script::replies::{Answered, Meaning};

/// Such a call as a transcript tells it.
pub(super) struct Deferred<'c> {
    pub(super) sent: &'c Told,
    /// The look that tells the outcomes.
    pub(super) look: &'c Told,
    /// The name of the list of outcomes in the look's answer.
    pub(super) list: &'c str,
    pub(super) items: Vec<Item<'c>>,
}

/// One item and what became of it.
#[derive(Clone, Copy)]
pub(super) struct Item<'c> {
    pub(super) told: &'c Told,
    pub(super) item: &'c Map<String, Value>,
    pub(super) outcome: &'c Map<String, Value>,
}

impl Corpus {
    /// What came of the items of a call, if it was carried out later and its transcript tells all
    /// of it in one answer.
    pub(super) fn deferred<'c>(&'c self, sent: &'c Told) -> Option<Deferred<'c>> {
        let (_, items) = items_of(&sent.call)?;
        let accepted = sent.tree.as_ref().filter(|_| sent.reply.status == 202)?;
        let says_id = |look: &&Told| {
            let ids = leaves(accepted).into_iter().map(|(_, text)| text);
            let mut new = ids.filter(|text| !sent.call.says(text));
            new.any(|text| look.call.segments.contains(&text))
        };
        let looks = self.after(sent).filter(says_id);
        looks.filter(|look| look.is_ok()).find_map(|look| {
            let (list, outcomes) = objects(look.tree.as_ref()?)?;
            let items = paired(sent, &items, &outcomes)?;
            Some(Deferred {
                sent,
                look,
                list,
                items,
            })
        })
    }
}

impl Deferred<'_> {
    /// Whether every item was carried out.
    pub(super) fn is_done(&self, adapter: &Adapter) -> bool {
        self.items.iter().all(|item| item.is_done(adapter))
    }
}

impl Item<'_> {
    /// Whether it was carried out.
    pub(super) fn is_done(&self, adapter: &Adapter) -> bool {
        let outcome = Value::Object(self.outcome.clone());
        let answered = Answered::part(&outcome, None);
        adapter.manifest.replies.judge(&answered).means == Meaning::Ok
    }

    /// The script's own words in it, with where they stand: they say what is to be done.
    pub(super) fn words(&self, adapter: &Adapter) -> Vec<(String, String)> {
        let fields = &adapter.manifest.fields;
        let heads = fields.user.iter().chain(&fields.group);
        let heads: Vec<&str> = heads.filter_map(|field| field.split('.').next()).collect();
        let is_field = |place: &str| place.split('/').any(|name| heads.contains(&name));
        let mut words = leaves(&Value::Object(self.item.clone()));
        words.retain(|(place, text)| !is_field(place) && !self.told.is_value(text));
        words
    }

    /// The id that the outcome tells, and the name of its field.
    pub(super) fn id(&self, adapter: &Adapter) -> Option<(&str, &Value)> {
        let key = *id_keys(self.outcome, adapter).first()?;
        let (name, value) = self.outcome.get_key_value(key)?;
        Some((name, value))
    }
}

/// The items of a call: the first list of objects in its body.
pub(super) fn items_of(call: &Parts) -> Option<(&str, Vec<&Map<String, Value>>)> {
    match &call.content {
        Content::Json(body) => objects(body),
        Content::None | Content::Form(..) => None,
    }
}

fn objects(tree: &Value) -> Option<(&str, Vec<&Map<String, Value>>)> {
    tree.as_object()?.iter().find_map(|(name, value)| {
        let items = value.as_array().filter(|items| !items.is_empty())?;
        let items: Option<Vec<_>> = items.iter().map(Value::as_object).collect();
        Some((name.as_str(), items?))
    })
}

/// Each item with its outcome: the one that has the same text under the same name.
fn paired<'c>(
    told: &'c Told,
    items: &[&'c Map<String, Value>],
    outcomes: &[&'c Map<String, Value>],
) -> Option<Vec<Item<'c>>> {
    if items.len() != outcomes.len() {
        return None;
    }
    let by = |name: &String| {
        let pair = |item: &&'c Map<String, Value>| {
            let text = item.get(name).filter(|text| text.is_string())?;
            let mut same = outcomes
                .iter()
                .filter(|outcome| outcome.get(name) == Some(text));
            let outcome = same.next().filter(|_| same.next().is_none())?;
            Some(Item {
                told,
                item,
                outcome,
            })
        };
        items.iter().map(pair).collect()
    };
    items.first()?.keys().find_map(by)
}
