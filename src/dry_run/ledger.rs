//! The objects that the calls of one dry run made, changed, read or removed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::address::{below, list_of, named_element};
use super::fill::text_of;
use super::parts::{Content, Parts, leaves};
use crate::adapter::Adapter;
use crate::scim::ResourceKind;
use crate::script::call::VendorReply;

/// The first number of virtual ids: far above those of transcripts.
const FIRST: u64 = 990_001;

/// What is known of the vendor's objects.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    objects: Vec<Known>,
    /// Native ids that Entra named, so that there are such objects.
    existing: BTreeSet<(ResourceKind, String)>,
    /// Lists of bare ids, by where they are read.
    lists: BTreeMap<String, Vec<Value>>,
    /// Answers that are settled before they are asked for, with their source, by where.
    settled: BTreeMap<String, (VendorReply, String)>,
    made: u64,
    last_changed: Option<usize>,
}

/// One object.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Where it is read.
    pub(super) address: String,
    /// Its id as text, if an answer told it.
    pub(super) id: Option<String>,
    /// In the form of the vendor's answers.
    pub(super) tree: Map<String, Value>,
    /// Whether `tree` is all of it; else what was sent of it.
    pub(super) whole: bool,
    /// Made by this dry run.
    pub(super) made: bool,
    /// Changed by this dry run.
    pub(super) changed: bool,
    /// The fields that this dry run has set: the vendor does not make them of others.
    pub(super) sent: BTreeSet<String>,
    pub(super) gone: bool,
}

impl Ledger {
    /// Entra names an object by its id.
    pub(super) fn exists(&mut self, kind: ResourceKind, id: &str) {
        self.existing.insert((kind, id.to_owned()));
    }

    /// Whether one of the call's values is the id of an object that Entra named.
    pub(super) fn names_existing(&self, call: &Parts) -> bool {
        let ids = self.existing.iter();
        ids.filter(|(_, id)| self.of_id(id).is_none())
            .any(|(_, id)| call.says(id))
    }

    /// The ids that Entra named of which nothing else is known.
    pub(super) fn unread(&self, kind: ResourceKind) -> impl Iterator<Item = &str> {
        let ids = self.existing.iter().filter(move |(of, _)| *of == kind);
        ids.map(|(_, id)| id.as_str())
            .filter(|id| self.of_id(id).is_none())
    }

    fn of_id(&self, id: &str) -> Option<usize> {
        let mut objects = self.objects.iter();
        objects.position(|known| known.id.as_deref() == Some(id))
    }

    /// The object a call is about and what of it: by the longest address, else by its id.
    pub(super) fn target<'c>(&self, call: &'c Parts) -> Option<(usize, &'c str)> {
        let address = call.address();
        let above = self
            .objects
            .iter()
            .enumerate()
            .filter_map(|(index, known)| Some((index, below(address, &known.address)?)));
        let by_address = above.min_by_key(|(index, tail)| (tail.len(), usize::MAX - index));
        by_address.or_else(|| {
            let slots = call.slots();
            let names = |known: &Known| {
                let id = known.id.as_ref();
                id.is_some_and(|id| slots.values().any(|text| text == id))
            };
            let is_graphql = call.operation().is_some();
            let index = self.objects.iter().position(names).filter(|_| is_graphql);
            index.map(|index| (index, ""))
        })
    }

    pub(super) fn get(&self, index: usize) -> Option<&Known> {
        self.objects.get(index)
    }

    /// The object of an id, if the ledger has it.
    pub(super) fn with_id(&self, id: &str, address: &str) -> Option<usize> {
        let mut objects = self.objects.iter();
        objects.position(|known| {
            known.id.as_deref() == Some(id) && list_of(&known.address) == list_of(address)
        })
    }

    /// Takes an object in, or its new state.
    pub(super) fn keep(&mut self, known: Known) -> usize {
        let same = |other: &Known| other.address == known.address && other.id == known.id;
        let index = self.objects.iter().position(same);
        let index = index.unwrap_or(self.objects.len());
        match self.objects.get_mut(index) {
            Some(held) => *held = known,
            None => self.objects.push(known),
        }
        index
    }

    /// The same for an object that a call has changed.
    pub(super) fn changed(&mut self, known: Known) {
        self.last_changed = Some(self.keep(known));
    }

    /// The vendor no longer has an object.
    pub(super) fn gone(&mut self, index: usize) {
        self.last_changed = Some(index);
        self.last_changed_is_gone();
    }

    /// Nothing is known any more of what was at an address.
    pub(super) fn forget(&mut self, address: &str) {
        self.objects.retain(|known| known.address != address);
        self.last_changed = None;
    }

    /// The objects that a list would show, as far as they are known: of this place or, where all
    /// is at one place, of this form; those that have the values asked for.
    pub(super) fn rows(&self, call: &Parts, form: Option<&Map<String, Value>>) -> Vec<&Known> {
        let is_one = named_element(call.address()).is_some_and(|(_, tail)| tail.is_empty());
        let list = match call.operation() {
            _ if is_one => return Vec::new(),
            Some(_) => None,
            None if call.address() == call.path => Some(call.path.as_str()),
            None => Some(list_of(call.address())),
        };
        let here = |known: &&Known| match (list, form) {
            (Some(list), _) => list_of(&known.address) == list,
            (None, Some(form)) => alike(&known.tree, form),
            (None, None) => false,
        };
        let wanted = wanted(call);
        let fits = |known: &&Known| {
            wanted
                .iter()
                .all(|(name, text)| has(&known.tree, name, text))
        };
        let present = self.objects.iter().filter(|known| !known.gone);
        present.filter(here).filter(fits).collect()
    }

    /// Whether the id of an object made by this dry run stands anywhere in the call.
    pub(super) fn says_made(&self, call: &Parts) -> bool {
        let slots = call.slots();
        let made = self.objects.iter().filter(|known| known.made);
        let mut ids = made.filter_map(|known| known.id.as_deref());
        ids.any(|id| slots.values().any(|text| is_word_of(text, id)))
    }

    /// What was changed last is no longer there.
    pub(super) fn last_changed_is_gone(&mut self) {
        let last = self
            .last_changed
            .and_then(|index| self.objects.get_mut(index));
        if let Some(known) = last {
            known.gone = true;
        }
    }

    /// The ids in a list, if a call changed it.
    pub(super) fn list(&self, address: &str) -> Option<&Vec<Value>> {
        self.lists.get(address)
    }

    /// Notes the ids in a list.
    pub(super) fn keep_list(&mut self, address: &str, ids: Vec<Value>) {
        self.lists.insert(address.to_owned(), ids);
    }

    /// The answer to whoever looks at an address, and its source, if that is settled.
    pub(super) fn settled(&self, address: &str) -> Option<&(VendorReply, String)> {
        self.settled.get(address)
    }

    /// Settles what is answered to whoever looks at an address.
    pub(super) fn settle(&mut self, address: String, reply: VendorReply, source: String) {
        self.settled.insert(address, (reply, source));
    }

    /// An id for what would be made, in the form of one that a transcript has.
    pub(super) fn virtual_id(&mut self, form: &Value) -> Value {
        self.made += 1;
        let made = self.made;
        match form {
            Value::Number(_) => (FIRST + made - 1).into(),
            Value::String(text) if is_uuid(text) => {
                format!("00000000-0000-4000-8000-{made:012}").into()
            }
            Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
                (FIRST + made - 1).to_string().into()
            }
            _ => format!("dry-{made}").into(),
        }
    }
}

/// The fields that may name an object: the manifest's, `id`, and what ends in "id".
pub(super) fn id_keys<'t>(tree: &'t Map<String, Value>, adapter: &Adapter) -> Vec<&'t str> {
    let plain = |value: &Value| value.is_string() || value.is_number();
    let named = tree
        .iter()
        .filter(|(name, value)| is_id_name(name.trim_start_matches('@'), adapter) && plain(value));
    named.map(|(name, _)| name.as_str()).collect()
}

/// Whether a field of this name may name an object.
pub(super) fn is_id_name(name: &str, adapter: &Adapter) -> bool {
    let ids = &adapter.manifest.ids;
    let mut own = [Some(&ids.user), ids.group.as_ref()].into_iter().flatten();
    own.any(|rule| rule.field == name)
        || name == "id"
        || name.ends_with("Id")
        || name.ends_with("_id")
}

/// Values that a list is asked for, by name; places in the list are none.
fn wanted(call: &Parts) -> Vec<(String, String)> {
    let from_query = call.query.iter().cloned();
    let variables = match &call.content {
        Content::Json(body) if call.operation().is_some() => {
            body.get("variables").map(leaves).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let named = variables.into_iter().map(|(place, text)| {
        let name = place.rsplit('/').next().unwrap_or_default().to_owned();
        (name, text)
    });
    from_query.chain(named).collect()
}

/// Whether an object has a value: in the field of that name, else in any. A number that no field
/// is named for is a place in the list.
fn has(tree: &Map<String, Value>, name: &str, text: &str) -> bool {
    let same = |value: &Value| {
        text_of(value).is_some_and(|held| held.to_lowercase() == text.to_lowercase())
    };
    let field = tree
        .iter()
        .find(|(field, _)| field.to_lowercase() == name.to_lowercase());
    match field {
        Some((_, value)) => same(value),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => true,
        None => leaves(&Value::Object(tree.clone()))
            .iter()
            .any(|(_, held)| held.to_lowercase() == text.to_lowercase()),
    }
}

/// Whether two objects are of one kind: half of their fields are common.
pub(super) fn alike(tree: &Map<String, Value>, form: &Map<String, Value>) -> bool {
    let both = tree.keys().filter(|name| form.contains_key(*name)).count();
    2 * both >= form.len().max(tree.len())
}

/// Whether a text holds a word that no letter or digit continues.
fn is_word_of(text: &str, word: &str) -> bool {
    let ends = |at: Option<char>| !at.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(start, _)| {
        let (before, after) = (&text[..start], &text[start + word.len()..]);
        !word.is_empty() && ends(before.chars().next_back()) && ends(after.chars().next())
    })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_id_is_found_wherever_it_stands() {
        for text in ["990001", "id eq 990001", "users:990001.json", "'990001'"] {
            assert!(is_word_of(text, "990001"), "{text}");
        }
        for text in ["1990001", "9900012", "x990001", ""] {
            assert!(!is_word_of(text, "990001"), "{text}");
        }
        assert!(!is_word_of("a b", ""));
    }
}
