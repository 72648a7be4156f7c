//! What a write would do, and what the vendor would answer.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Assumed, Assumption, bound};
use crate::dry_run::address::{at, list_of, named_element, quoted, step};
use crate::dry_run::corpus::Told;
use crate::dry_run::fill::{Bindings, merge, text_of};
use crate::dry_run::ledger::{Known, alike, id_keys};
use crate::dry_run::parts::{Content, pair_name};
use crate::dry_run::trees::{Part, has_records, walk};
use crate::scim::ResourceKind;
use crate::script::call::Verb;
use crate::script::xml::TEXT;

impl Assumed<'_> {
    /// The answer to a write, and what it changes in the ledger.
    pub(super) fn write(&mut self) -> Option<Assumption> {
        let deferred = self
            .alike
            .iter()
            .filter_map(|told| self.corpus.deferred(told));
        let deferred: Vec<_> = deferred.collect();
        if !deferred.is_empty() {
            return self.defer(&deferred);
        }
        let told = *self.alike.iter().find(|told| told.is_ok())?;
        Some(self.carry_out(told))
    }

    /// The answer of a transcript to a write that is carried out at once.
    pub(super) fn carry_out(&mut self, told: &Told) -> Assumption {
        if self.call.verb == Verb::Delete {
            self.remove();
            return self.as_is(told, "as if it were removed");
        }
        let Some(mut tree) = told.tree.clone() else {
            self.change_unseen(told);
            return self.as_is(told, "as if it were done");
        };
        let had_records = has_records(&tree, self.adapter);
        let mut is_known = true;
        let mut bindings = Bindings::between(&told.call, self.call);
        walk(&mut tree, self.adapter, &mut |part| match part {
            Part::Record(record) => is_known &= self.written(told, &mut bindings, record),
            Part::Ids(items) => self.listed(&bindings, items),
            Part::Leaf(leaf) => bindings.apply(leaf),
            Part::Records(_) => {}
        });
        if !had_records {
            self.change_unseen(told);
        }
        let how = match is_known {
            true => "with the call's values",
            false => "with the call's values; the others are the transcript's",
        };
        self.told(told, &tree, how)
    }

    /// The object that a write shows, with the call's values and all that is known of it. Whether
    /// it is known what the call does not say.
    fn written(
        &mut self,
        told: &Told,
        bindings: &mut Bindings,
        record: &mut Map<String, Value>,
    ) -> bool {
        let before = record.clone();
        let target = self.ledger.target(self.call);
        let creates = self.call.verb == Verb::Post
            && (target.is_none() || told.reply.status == 201)
            && self
                .said_id_of(told, &before)
                .is_none_or(|_| told.reply.status == 201);
        let id = self.name(told, bindings, record, creates);
        bound(bindings, record);
        let id = id.or_else(|| self.said_id(record));
        let names = self.names(&before);
        let mut payload = self.call.payload(&names);
        for key in id_keys(&before, self.adapter) {
            if payload.get(key).and_then(text_of) == id {
                payload.remove(key);
            }
        }
        let (address, held) = self.held(target, id.as_deref(), record, creates);
        match &held {
            Some(held) => self.recalled(record, held, &payload),
            None if creates => {
                let unsent = told.call.payload(&names).into_iter();
                // What it was not sent it shows as null, or not at all, as in other answers.
                let shows_null = before.values().any(Value::is_null);
                for (name, _) in unsent.filter(|(name, _)| !payload.contains_key(name)) {
                    match shows_null {
                        true => drop(record.insert(name, Value::Null)),
                        false => drop(record.remove(&name)),
                    }
                }
            }
            None => {}
        }
        merge(record, &payload);
        let made = creates || held.as_ref().is_some_and(|held| held.made);
        let is_known = creates || held.is_some();
        let mut sent = held.map(|held| held.sent).unwrap_or_default();
        sent.extend(payload.keys().cloned());
        self.ledger.changed(Known {
            address,
            id,
            tree: record.clone(),
            whole: true,
            made,
            changed: true,
            sent,
            gone: false,
        });
        is_known
    }

    /// Where an object is that an answer shows, and what is known of it. What a call to an object
    /// shows under another id is that object under a new name.
    fn held(
        &mut self,
        target: Option<(usize, &str)>,
        id: Option<&str>,
        record: &Map<String, Value>,
        creates: bool,
    ) -> (String, Option<Known>) {
        let known = target.and_then(|(index, tail)| Some((self.ledger.get(index)?.clone(), tail)));
        let renamed = known.as_ref().filter(|(known, _)| {
            !creates && id.is_some() && known.id.as_deref() != id && alike(&known.tree, record)
        });
        if let (Some((known, _)), Some(id)) = (renamed, id) {
            self.ledger.forget(&known.address);
            return (at(list_of(&known.address), id), Some(known.clone()));
        }
        let address = match (&known, id) {
            (Some((known, "")), _) => known.address.clone(),
            (_, Some(id)) => self.call.address_of(id),
            _ => self.call.address().to_owned(),
        };
        let held = id.and_then(|id| self.ledger.with_id(id, &address));
        let held = held.and_then(|index| self.ledger.get(index)).cloned();
        (address, held.filter(|held| !held.gone))
    }

    /// The id of what the answer shows: the vendor's own choice becomes a virtual one.
    fn name(
        &mut self,
        told: &Told,
        bindings: &mut Bindings,
        record: &Map<String, Value>,
        creates: bool,
    ) -> Option<String> {
        let keys = id_keys(record, self.adapter);
        let said = |value: &Value| {
            bindings.binds(value) || text_of(value).is_some_and(|text| told.call.says(&text))
        };
        let unsaid = |key: &&&str| record.get(**key).is_some_and(|value| !said(value));
        let key = keys.iter().find(unsaid).filter(|_| creates)?;
        let form = record.get(*key)?;
        let id = text_of(&self.ledger.virtual_id(form))?;
        bindings.add(&text_of(form)?, &id);
        Some(id)
    }

    fn said_id_of(&self, told: &Told, record: &Map<String, Value>) -> Option<String> {
        let keys = id_keys(record, self.adapter);
        let mut texts = keys.iter().filter_map(|key| text_of(record.get(*key)?));
        texts.find(|text| told.call.says(text))
    }

    /// What is known goes before the transcript's values, but for what the call changes: its own
    /// fields, or by a call that sends none whether the account is in use.
    fn recalled(
        &self,
        record: &mut Map<String, Value>,
        held: &Known,
        payload: &Map<String, Value>,
    ) {
        let mapping = self.adapter.mapping(ResourceKind::User);
        let switched: BTreeSet<&str> = match mapping.filter(|_| payload.is_empty()) {
            Some(mapping) => mapping.active_fields().collect(),
            None => BTreeSet::new(),
        };
        // A name is how an object is told apart, and the answer has the new one.
        let named = id_keys(&held.tree, self.adapter).into_iter();
        let named = named.filter(|key| held.tree.get(*key).and_then(text_of) == held.id);
        let own: BTreeSet<&str> = switched.into_iter().chain(named).collect();
        if held.whole {
            record.retain(|name, _| own.contains(name.as_str()));
        }
        let kept = held.tree.iter();
        let kept =
            kept.filter(|(name, _)| !(own.contains(name.as_str()) && record.contains_key(*name)));
        let kept: Vec<_> = kept
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        record.extend(kept);
        let mut renamed = Bindings::default();
        for (name, value) in payload {
            if let (Some(Value::String(old)), Value::String(new)) = (held.tree.get(name), value) {
                renamed.add(old, new);
            }
        }
        for (name, value) in record.iter_mut() {
            if !held.sent.contains(name) {
                renamed.apply_inside(value);
            }
        }
    }

    /// A list of ids after a call that adds some or takes some out.
    fn listed(&mut self, bindings: &Bindings, items: &mut Vec<Value>) {
        items.retain(|item| bindings.binds(item));
        items.iter_mut().for_each(|item| bindings.apply(item));
        let address = self.call.address();
        let said = |item: &Value| text_of(item).is_some_and(|text| self.call.says(&text));
        let held = self.ledger.list(address).into_iter().flatten();
        let held: Vec<Value> = held.filter(|item| !said(item)).cloned().collect();
        items.extend(held);
        self.ledger.keep_list(address, items.clone());
    }

    fn remove(&mut self) {
        match self.ledger.target(self.call) {
            Some((index, "")) => self.ledger.gone(index),
            _ => {
                let known = self.unseen(self.call.address(), false);
                self.ledger.changed(Known {
                    gone: true,
                    ..known
                });
            }
        }
    }

    /// A change whose answer does not show the object.
    fn change_unseen(&mut self, told: &Told) {
        let (mut known, tail) = match self.ledger.target(self.call) {
            Some((index, tail)) => match self.ledger.get(index) {
                Some(known) => (known.clone(), tail),
                None => return,
            },
            None if matches!(self.call.content, Content::Form(..)) => {
                match named_element(self.call.address()) {
                    Some((element, tail)) => (self.unseen(element, tail.is_empty()), tail),
                    None => return,
                }
            }
            None if matches!(self.call.verb, Verb::Put | Verb::Patch) => {
                (self.unseen(self.call.address(), false), "")
            }
            None => return,
        };
        let names = self.names(&known.tree);
        let payload = self.call.payload(&names);
        let is_form = matches!(self.call.content, Content::Form(..));
        let sets = !payload.is_empty();
        match (step(tail), !sets) {
            (Some((name, None)), false) => append(&mut known.tree, name, payload),
            (Some((name, Some(text))), true) => take_out(&mut known.tree, name, &text),
            (_, false) => merge(&mut known.tree, &payload),
            (None, true) if is_form && tail.is_empty() => match self.new_name(told) {
                Some(name) => return self.rename(known, &name),
                None => known.gone = true,
            },
            _ => {}
        }
        known.changed = true;
        known.gone &= !sets;
        self.ledger.changed(known);
    }

    /// An object that is known by its address only.
    pub(super) fn unseen(&self, address: &str, made: bool) -> Known {
        let element = quoted(address).pop();
        let id = element
            .clone()
            .or_else(|| self.call.segments.last().cloned());
        let name = element.map(|name| ("@name".to_owned(), Value::from(name)));
        Known {
            address: address.to_owned(),
            id,
            tree: name.into_iter().collect(),
            whole: false,
            made,
            changed: true,
            sent: BTreeSet::new(),
            gone: false,
        }
    }

    /// A value of the form beside its path: the name an object is to have.
    fn new_name(&self, told: &Told) -> Option<String> {
        let (Content::Form(form, _), Content::Form(written, _)) =
            (&self.call.content, &told.call.content)
        else {
            return None;
        };
        let is_value = |name: &String| {
            let text = written.get(name).and_then(Value::as_str);
            text.is_some_and(|text| told.is_value(text) && !text.starts_with('/'))
        };
        let mut values = form.iter().filter(|(name, _)| is_value(name));
        let (_, value) = values.next()?;
        value.as_str().map(str::to_owned)
    }

    fn rename(&mut self, mut known: Known, name: &str) {
        let old = known.id.clone().unwrap_or_default();
        self.ledger.forget(&known.address);
        if let Some(at) = known.address.rfind(&old).filter(|_| !old.is_empty()) {
            known.address.replace_range(at..at + old.len(), name);
        }
        for (key, value) in &mut known.tree {
            if key.starts_with('@') && value.as_str() == Some(old.as_str()) {
                *value = name.into();
            }
        }
        known.id = Some(name.to_owned());
        known.changed = true;
        self.ledger.changed(known);
    }

    /// The names of what the vendor keeps of an object: as the manifest lists them, and as its
    /// answers have them.
    pub(super) fn names(&self, record: &Map<String, Value>) -> BTreeSet<String> {
        let fields = &self.adapter.manifest.fields;
        let listed = fields.user.iter().chain(&fields.group);
        let heads = listed.filter_map(|field| field.split('.').next());
        let shown = record.keys().map(String::as_str);
        heads.chain(shown).map(str::to_owned).collect()
    }
}

fn append(tree: &mut Map<String, Value>, name: &str, payload: Map<String, Value>) {
    let added = payload.into_iter().find(|(key, _)| key == name);
    let Some((_, Value::Array(added))) = added else {
        return;
    };
    let held = tree.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(held) = held {
        held.retain(|item| !added.contains(item));
        held.extend(added);
    }
}

fn take_out(tree: &mut Map<String, Value>, name: &str, text: &str) {
    if let Some(Value::Array(held)) = tree.get_mut(name) {
        held.retain(|item| {
            let is_text = item.get(TEXT).and_then(Value::as_str) == Some(text);
            pair_name(item) != Some(text) && !is_text
        });
    }
}
