//! What a call would do that a vendor carries out later, and what a look at it would tell.

use serde_json::{Map, Value};

use super::{Assumed, Assumption};
use crate::dry_run::address::at;
use crate::dry_run::deferred::{Deferred, Item, items_of};
use crate::dry_run::fill::{Bindings, merge, text_of};
use crate::dry_run::ledger::{Known, id_keys, is_id_name};
use crate::dry_run::parts::{Parts, leaves};
use crate::dry_run::trees::reply_of;

/// Words for taking away, and for putting in: `DELETE_USER`, `addMember`.
const OUT: [&str; 6] = ["remove", "delete", "unassign", "revoke", "detach", "leave"];
const IN: [&str; 6] = ["add", "assign", "grant", "attach", "insert", "join"];

/// One item of the call at hand, beside one of a transcript.
struct Deed<'d> {
    like: Item<'d>,
    said: Parts,
    told: Parts,
    bindings: Bindings,
}

impl Assumed<'_> {
    /// The answer to a call whose items are carried out later. The look that tells their outcomes
    /// is settled; `None` if there is an item that no transcript tells the outcome of.
    pub(super) fn defer(&mut self, deferred: &[Deferred<'_>]) -> Option<Assumption> {
        let form = deferred
            .iter()
            .find(|deferred| deferred.is_done(self.adapter))?;
        let taken = self.carry_out(form.sent);
        let (_, items) = items_of(self.call)?;
        let outcomes: Option<Vec<Value>> = items
            .iter()
            .map(|item| self.outcome(deferred, item))
            .collect();
        self.settle(form, &taken, outcomes?)?;
        Some(taken)
    }

    /// Keeps the outcomes for whoever looks.
    fn settle(
        &mut self,
        form: &Deferred<'_>,
        taken: &Assumption,
        outcomes: Vec<Value>,
    ) -> Option<()> {
        let mut bindings = Bindings::between(&form.sent.call, self.call);
        let accepted = self.adapter.manifest.replies.parse(&taken.reply.body)?;
        let before = leaves(form.sent.tree.as_ref()?);
        for ((_, old), (_, new)) in before.iter().zip(leaves(&accepted)) {
            if form.look.call.segments.contains(old) {
                bindings.add(old, &new);
            }
        }
        let mut tree = form.look.tree.clone()?;
        bindings.apply(&mut tree);
        let (before, count) = (form.items.len(), outcomes.len());
        let counts_all = |value: &Value| value.as_u64() == u64::try_from(before).ok();
        for (name, value) in tree.as_object_mut()? {
            match value {
                value if name == form.list => *value = Value::Array(outcomes.clone()),
                value if counts_all(value) => *value = count.into(),
                _ => {}
            }
        }
        let reply = reply_of(&form.look.reply, &tree, self.adapter);
        let source = &form.look.source;
        let source = format!("assumed after {source}; as if all were done at the first look");
        self.ledger
            .settle(filled(&form.look.call, &bindings), reply, source);
        Some(())
    }

    /// The outcome of an item, and what it changes in the ledger.
    fn outcome(&mut self, deferred: &[Deferred<'_>], item: &Map<String, Value>) -> Option<Value> {
        let mut deed = self.deed(deferred, item)?;
        let unsaid = |id: &Value| !text_of(id).is_some_and(|id| deed.told.says(&id));
        match deed.like.id(self.adapter) {
            Some((name, form)) if unsaid(form) => {
                let (old, id) = (text_of(form)?, self.ledger.virtual_id(form));
                deed.bindings.add(&old, &text_of(&id)?);
                let known = self.made(&deed, name, &old, id)?;
                self.ledger.changed(known);
            }
            _ => self.done(&deed)?,
        }
        let mut outcome = Value::Object(deed.like.outcome.clone());
        deed.bindings.apply(&mut outcome);
        Some(outcome)
    }

    /// The item of the transcripts that says to do the same, and has most in common.
    fn deed<'d>(
        &self,
        deferred: &'d [Deferred<'_>],
        item: &Map<String, Value>,
    ) -> Option<Deed<'d>> {
        let said = self.call.about(item);
        let slots = said.slots();
        let same = |like: &&Item<'_>| {
            let words = like.words(self.adapter).into_iter();
            let mut words =
                words.map(|(place, text)| slots.get(&format!("body {place}")) == Some(&text));
            like.is_done(self.adapter) && words.all(|same| same)
        };
        let likes = deferred
            .iter()
            .flat_map(|deferred| &deferred.items)
            .filter(same);
        let common = |like: &&Item<'_>| {
            let own = like.told.call.about(like.item).slots();
            let odd = own
                .keys()
                .filter(|place| !slots.contains_key(*place))
                .count();
            let both = own.len() - odd;
            (both, usize::MAX - odd)
        };
        let like = *likes.max_by_key(common)?;
        let told = like.told.call.about(like.item);
        Some(Deed {
            bindings: Bindings::between(&told, &said),
            like,
            said,
            told,
        })
    }

    /// An object that an item makes.
    fn made(&self, deed: &Deed<'_>, name: &str, old: &str, id: Value) -> Option<Known> {
        let address = filled(self.corpus.read_of(old)?, &deed.bindings);
        let mut tree = self.sent(deed);
        let sent = tree.keys().cloned().collect();
        let own = text_of(&id);
        tree.insert(name.to_owned(), id);
        Some(Known {
            id: own,
            tree,
            whole: true,
            sent,
            ..self.unseen(&address, true)
        })
    }

    /// An item about objects that are there: sets something of one, removes it, or puts one into
    /// another's list or takes it out.
    fn done(&mut self, deed: &Deed<'_>) -> Option<()> {
        let sent = self.sent(deed);
        let mut ids = leaves(&Value::Object(deed.like.item.clone()));
        ids.retain(|(place, _)| is_id_name(name_at(place), self.adapter));
        match ids.as_slice() {
            [(_, one), (_, other)] if sent.is_empty() => self.related(deed, one, other),
            [(place, old), ..] => self.altered(deed, place, old, &sent),
            [] => None,
        }
    }

    /// An object set or removed.
    fn altered(
        &mut self,
        deed: &Deed<'_>,
        place: &str,
        old: &str,
        sent: &Map<String, Value>,
    ) -> Option<()> {
        if sent.is_empty() && self.direction(deed) != Some(false) {
            return None;
        }
        let item = Value::Object(deed.like.item.clone());
        let mut id = item.pointer(place)?.clone();
        deed.bindings.apply(&mut id);
        let address = filled(self.corpus.read_of(old)?, &deed.bindings);
        let own = text_of(&id)?;
        let held = self.ledger.with_id(&own, &address);
        let held = held.and_then(|index| self.ledger.get(index)).cloned();
        let mut known = held.unwrap_or_else(|| Known {
            id: Some(own),
            tree: [(name_at(place).to_owned(), id)].into_iter().collect(),
            ..self.unseen(&address, false)
        });
        merge(&mut known.tree, sent);
        known.gone = sent.is_empty();
        known.changed = true;
        known.sent.extend(sent.keys().cloned());
        self.ledger.changed(known);
        Some(())
    }

    /// One object in another's list, or no longer.
    fn related(&mut self, deed: &Deed<'_>, one: &str, other: &str) -> Option<()> {
        let list = |old: &str| self.corpus.list_below(old);
        let (list, member) = match (list(one), list(other)) {
            (Some(list), None) => (list, other),
            (None, Some(list)) => (list, one),
            _ => return None,
        };
        let address = filled(list, &deed.bindings);
        let member = bound(member, &deed.bindings);
        let comes_in = self.direction(deed)?;
        let mut ids = self.ledger.list(&address).cloned().unwrap_or_default();
        ids.retain(|id| *id != member);
        ids.extend(comes_in.then_some(member));
        self.ledger.keep_list(&address, ids);
        Some(())
    }

    /// Whether an item's words put something in, or take it away; `None` if they do not say.
    fn direction(&self, deed: &Deed<'_>) -> Option<bool> {
        let words = deed.like.words(self.adapter).into_iter();
        let words: Vec<String> = words.flat_map(|(_, text)| words_of(&text)).collect();
        let says = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
        match (says(&OUT), says(&IN)) {
            (true, false) => Some(false),
            (false, true) => Some(true),
            _ => None,
        }
    }

    /// What an item sets, without the ids that say of what.
    fn sent(&self, deed: &Deed<'_>) -> Map<String, Value> {
        let mut sent = deed.said.payload(&self.names(&Map::new()));
        let ids: Vec<String> = id_keys(&sent, self.adapter)
            .into_iter()
            .map(str::to_owned)
            .collect();
        sent.retain(|name, _| !ids.contains(name));
        sent
    }
}

/// The words in a name, in lower case.
fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in text.chars() {
        if !letter.is_alphanumeric() || (was_small && letter.is_uppercase()) {
            words.push(String::new());
        }
        was_small = letter.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

/// The name at the end of a place.
fn name_at(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or_default()
}

fn bound(text: &str, bindings: &Bindings) -> Value {
    let mut value = Value::from(text);
    bindings.apply(&mut value);
    value
}

/// The path of a transcript's call, with what stands for its values.
fn filled(call: &Parts, bindings: &Bindings) -> String {
    let segments = call.segments.iter();
    segments.fold(String::new(), |path, segment| {
        at(
            &path,
            &text_of(&bound(segment, bindings)).unwrap_or_default(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_words() {
        assert_eq!(words_of("REMOVE_MEMBER"), ["remove", "member"]);
        assert_eq!(words_of("addMember"), ["add", "member"]);
        assert_eq!(words_of("user.address"), ["user", "address"]);
    }
}
