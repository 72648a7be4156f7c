//! What a read would find.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Assumed, Assumption, bound};
use crate::adapter::Adapter;
use crate::dry_run::address::named_element;
use crate::dry_run::corpus::Told;
use crate::dry_run::fill::{Bindings, merge};
use crate::dry_run::ledger::Known;
use crate::dry_run::trees::{Part, end_list, first_record, has_ids, has_list, has_records, walk};
use crate::scim::ResourceKind;
use crate::script::call::VendorReply;
use crate::script::replies::Meaning;

/// Why an answer says that something is absent.
const GONE: &str = "this dry run has removed the object";

impl Assumed<'_> {
    /// The answer to a read.
    pub(super) fn read(&mut self) -> Option<Assumption> {
        if let Some((reply, source)) = self.ledger.settled(self.call.address()).cloned() {
            return Some(Assumption { reply, source });
        }
        let shows = |told: &&&Told| told.is_ok() && shows(told, self.adapter);
        let showing = self.usual(ending(self.alike.iter().filter(shows).copied().collect()));
        let form = showing.and_then(|told| first_record(told.tree.as_ref()?, self.adapter));
        let target = self.ledger.target(self.call);
        let target = target.and_then(|(index, tail)| Some((self.ledger.get(index)?, tail)));
        if target.is_some_and(|(known, _)| known.gone) {
            let nothing = self.nothing(showing, false);
            return nothing.or_else(|| Some(self.as_is(self.corpus.absent(self.call)?, GONE)));
        }
        // What an object has may be nothing, but is not absent while the object is there.
        let is_of_known = target.is_some_and(|(known, tail)| !known.gone && !tail.is_empty());
        if let Some((known, "")) = target {
            let known = known.clone();
            return self.one(showing, known);
        }
        if let Some(ids) = self.ledger.list(self.call.address()).cloned() {
            return self.ids(showing?, ids);
        }
        let rows = self.ledger.rows(self.call, form);
        let rows: Vec<_> = rows.into_iter().map(|known| known.tree.clone()).collect();
        if rows.is_empty() && self.ledger.names_existing(self.call) {
            return self.existing(showing?);
        }
        let rows = match (rows.is_empty(), form) {
            (true, Some(form)) => self.unread_rows(form),
            _ => rows,
        };
        match showing.filter(|_| !rows.is_empty()) {
            Some(told) => self.rows(told, rows),
            None => self.nothing(showing, is_of_known),
        }
    }

    /// Of the answers that show something, one with an account in its usual state.
    fn usual<'t>(&self, showing: Vec<&'t Told>) -> Option<&'t Told> {
        let fields: Vec<&str> = match self.adapter.mapping(ResourceKind::User) {
            Some(mapping) => mapping.active_fields().collect(),
            None => Vec::new(),
        };
        let state = |told: &Told| -> Option<String> {
            let record = first_record(told.tree.as_ref()?, self.adapter)?;
            let found = fields.iter().find_map(|field| record.get(*field));
            found.map(Value::to_string)
        };
        let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
        for told in &showing {
            *counts.entry(state(told)).or_default() += 1;
        }
        let usual = counts.into_iter().max_by_key(|(_, count)| *count)?.0;
        showing.into_iter().find(|told| state(told) == usual)
    }

    /// An object that the dry run knows.
    fn one(&mut self, showing: Option<&Told>, known: Known) -> Option<Assumption> {
        let Some(told) = showing else {
            let text = Value::Object(known.tree.clone()).to_string();
            return known.whole.then(|| Assumption {
                reply: plain(200, text),
                source: "as this dry run left the object".to_owned(),
            });
        };
        let bindings = Bindings::between(&told.call, self.call);
        let mut tree = told.tree.clone()?;
        let mut shown = Map::new();
        walk(&mut tree, self.adapter, &mut |part| match part {
            Part::Records(items) => items.truncate(1),
            Part::Record(record) => {
                bound(&bindings, record);
                match known.whole {
                    true => *record = known.tree.clone(),
                    false if known.made => {
                        // What the vendor adds by itself stands in attributes.
                        record.retain(|name, _| name.starts_with('@'));
                        merge(record, &known.tree);
                    }
                    false => merge(record, &known.tree),
                }
                shown = record.clone();
            }
            Part::Leaf(leaf) => bindings.apply(leaf),
            Part::Ids(_) => {}
        });
        self.ledger.keep(Known {
            tree: shown,
            whole: true,
            ..known
        });
        let whence = "with what this dry run knows of the object";
        Some(self.told(told, &tree, whence))
    }

    /// A list of ids that the dry run changed.
    fn ids(&mut self, told: &Told, ids: Vec<Value>) -> Option<Assumption> {
        let mut tree = told.tree.clone()?;
        let count = ids.len();
        walk(&mut tree, self.adapter, &mut |part| {
            if let Part::Ids(list) = part {
                *list = ids.clone();
            }
        });
        end_list(&mut tree, count, self.adapter);
        Some(self.told(told, &tree, "with what this dry run knows of the list"))
    }

    /// Objects that Entra has named by their ids: a list of all has them.
    fn unread_rows(&self, form: &Map<String, Value>) -> Vec<Map<String, Value>> {
        let asks_for_one = self.call.slots().iter().any(|(place, text)| {
            let is_path = place.starts_with("path") || place.starts_with("form");
            !is_path && !text.bytes().all(|byte| byte.is_ascii_digit())
        });
        if asks_for_one
            || named_element(self.call.address()).is_some_and(|(_, tail)| tail.is_empty())
        {
            return Vec::new();
        }
        let ids = &self.adapter.manifest.ids;
        let rules = [
            (ResourceKind::User, Some(&ids.user)),
            (ResourceKind::Group, ids.group.as_ref()),
        ];
        let mine = rules.into_iter().find_map(|(kind, rule)| {
            let field = &rule?.field;
            form.contains_key(field).then_some((kind, field))
        });
        let Some((kind, field)) = mine else {
            return Vec::new();
        };
        let row = |id: &str| {
            let mut row = form.clone();
            row.insert(field.clone(), id.into());
            row
        };
        self.ledger.unread(kind).map(row).collect()
    }

    fn rows(&mut self, told: &Told, rows: Vec<Map<String, Value>>) -> Option<Assumption> {
        let mut tree = told.tree.clone()?;
        let count = rows.len();
        let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        walk(&mut tree, self.adapter, &mut |part| {
            if let Part::Records(items) = part {
                *items = rows.clone();
            }
        });
        end_list(&mut tree, count, self.adapter);
        Some(self.told(told, &tree, "with the objects this dry run knows"))
    }

    /// An object that Entra names: what it holds is not known.
    fn existing(&mut self, told: &Told) -> Option<Assumption> {
        let bindings = Bindings::between(&told.call, self.call);
        let mut tree = told.tree.clone()?;
        let mut found = None;
        walk(&mut tree, self.adapter, &mut |part| match part {
            Part::Records(items) => items.truncate(1),
            Part::Record(record) => {
                bound(&bindings, record);
                found = Some(record.clone());
            }
            Part::Leaf(leaf) => bindings.apply(leaf),
            Part::Ids(_) => {}
        });
        if let Some(record) = found {
            let id = self.said_id(&record);
            self.ledger.keep(Known {
                address: id.as_ref().map_or_else(
                    || self.call.address().to_owned(),
                    |id| self.call.address_of(id),
                ),
                id,
                tree: record,
                whole: true,
                made: false,
                changed: false,
                sent: BTreeSet::new(),
                gone: false,
            });
        }
        Some(self.told(told, &tree, "its other values are the transcript's"))
    }

    /// Nothing is found: as a transcript shows it, or a list without what is in it.
    fn nothing(&mut self, showing: Option<&Told>, is_of_known: bool) -> Option<Assumption> {
        let empty = |told: &&&Told| {
            let is_absent = told.meaning == Meaning::Absent && !is_of_known;
            is_absent || (told.is_ok() && !shows(told, self.adapter))
        };
        let found = "nothing this dry run knows is found";
        if let Some(told) = self.alike.iter().find(empty) {
            let mut tree = told.tree.clone().unwrap_or_default();
            Bindings::between(&told.call, self.call).apply(&mut tree);
            return Some(match told.tree {
                Some(_) => self.told(told, &tree, found),
                None => self.as_is(told, found),
            });
        }
        let told = showing.filter(|told| {
            told.tree
                .as_ref()
                .is_some_and(|tree| has_list(tree, self.adapter))
        })?;
        let mut tree = told.tree.clone()?;
        walk(&mut tree, self.adapter, &mut |part| match part {
            Part::Records(items) | Part::Ids(items) => items.clear(),
            Part::Record(_) | Part::Leaf(_) => {}
        });
        end_list(&mut tree, 0, self.adapter);
        Some(self.told(told, &tree, found))
    }
}

/// Whether an answer shows an object or a list that is not empty.
fn shows(told: &Told, adapter: &Adapter) -> bool {
    let tree = told.tree.as_ref();
    tree.is_some_and(|tree| has_records(tree, adapter) || has_ids(tree))
}

/// Of the answers that show something, those that nothing follows, if there are any.
fn ending(showing: Vec<&Told>) -> Vec<&Told> {
    let ends = |told: &&Told| !told.goes_on;
    match showing.iter().any(ends) {
        true => showing.into_iter().filter(ends).collect(),
        false => showing,
    }
}

fn plain(status: u16, body: String) -> VendorReply {
    VendorReply {
        status,
        retry_after: None,
        body: body.into(),
        after_loss: false,
        headers: hyper::HeaderMap::new(),
    }
}
