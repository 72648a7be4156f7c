//! Evidence that an object is the one an intent created.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::intent::Intent;
use super::names::holds_named;
use super::operation::Operation;
use super::outcome::Outcome;
use super::run::Run;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Mapping, Reading, Written};
use crate::scim::ResourceKind;

/// A keyed hash of each value that a create sends, so that no person's data is kept for
/// comparing.
pub(super) fn hashes(key: &str, mapping: &Mapping, written: &[Written]) -> Vec<(String, String)> {
    let salt = Salt::of(key);
    let hashed = written.iter().filter_map(|sent| {
        let row = mapping.row(sent.row)?;
        let hash = salt.hash(&row.spelling, &sent.native)?;
        Some((row.spelling.clone(), hash))
    });
    hashed.collect()
}

impl Operation {
    /// Whether an object is the one that an intent created.
    pub(super) fn is_of(&self, intent: &Intent, reading: &Reading) -> Outcome<bool> {
        let mapping = self.mapping(intent.kind)?;
        Ok(!self.was_there_before(intent, &reading.id) && holds(intent, mapping, reading))
    }

    /// The client hears of an object, whose `reading` tells the intents of earlier processes,
    /// which do not know what the vendor calls their object.
    pub(super) fn heard(&self, kind: ResourceKind, id: &NativeId, reading: Option<&Reading>) {
        let read = reading.zip(self.adapter.mapping(kind));
        let has_its_name = |intent: &Intent| {
            let named = read.zip(intent.names.first());
            named.is_some_and(|((reading, mapping), name)| holds_named(mapping, reading, name))
        };
        let is_it = |intent: &Intent| {
            intent.kind == kind
                && match &intent.native {
                    Some(created) => created == id,
                    None => has_its_name(intent) && !self.was_there_before(intent, id),
                }
        };
        // Of another process's nobody knows what was there before.
        let is_of = |intent: &Intent| {
            read.is_some_and(|(reading, mapping)| holds(intent, mapping, reading))
        };
        let is_made =
            |intent: &Intent| intent.native.is_some() || intent.began.is_some() && is_of(intent);
        let is_settled = |intent: &Intent| is_made(intent) || self.unsettled(intent).is_zero();
        self.intents.heard(is_it, is_settled);
    }

    /// The client hears of the object of a run by an answer that does not show it. Only intents of
    /// earlier processes are cause to read it.
    pub(super) async fn heard_of(&self, run: &mut Run<'_>) -> Outcome<()> {
        let kind = run.kind;
        self.intents.load_once(self.asking()).await?;
        let is_of_before = |intent: &Intent| intent.kind == kind && intent.began.is_none();
        if self.intents.is_in_doubt(is_of_before) {
            run.reread().await?;
        }
        let native = run.target()?.native.clone();
        self.heard(kind, &native, run.reading.as_ref());
        Ok(())
    }

    /// An intent has its object: no other one of the same POST, which a kill may have left beside
    /// it, is evidence that a later POST is an earlier one sent again.
    pub(super) fn supersede(&self, by: &Intent) {
        let external_id = by.external_id.as_deref();
        let is_other = |open: &Intent| {
            open.id != by.id
                && open.external_id == by.external_id
                && open.is_earlier_try(by.kind, &by.names, external_id)
        };
        self.intents
            .heard(is_other, |open| self.unsettled(open).is_zero());
    }

    /// Whether an object was known before an intent began, and not by its create.
    pub(super) fn was_there_before(&self, intent: &Intent, id: &NativeId) -> bool {
        let known = |began| self.known.was_known(&self.tenant, intent.kind, id, began);
        intent.began.is_some_and(known)
    }
}

/// Whether an object holds what an intent sent: `externalId` where the vendor keeps it, else all
/// of it.
fn holds(intent: &Intent, mapping: &Mapping, reading: &Reading) -> bool {
    let salt = Salt::of(&intent.id);
    let held = |spelling: &str| {
        let mut values = reading.values.iter();
        let found = values.find(|value| {
            let row = mapping.row(value.row);
            row.is_some_and(|row| row.spelling == spelling)
        });
        salt.hash(spelling, &found?.native)
    };
    let is_held = |(spelling, sent): &(String, String)| held(spelling).as_ref() == Some(sent);
    let external = intent.hashes.iter().find(|(name, _)| name == "externalId");
    match external {
        Some(external) => is_held(external),
        None => intent.hashes.iter().all(is_held),
    }
}

/// What makes equal values of two intents different: HMAC-SHA256 with the intent's id, ready to be
/// used for many values.
struct Salt(Option<Hmac<Sha256>>);

impl Salt {
    fn of(key: &str) -> Self {
        Self(Hmac::new_from_slice(key.as_bytes()).ok())
    }

    /// `None` for what is not sent in a create.
    fn hash(&self, spelling: &str, native: &Value) -> Option<String> {
        let native = plain(native)?;
        let mut mac = self.0.clone()?;
        mac.update(spelling.as_bytes());
        mac.update(&[0]);
        mac.update(&serde_json::to_vec(&native).ok()?);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let (half, _) = digest.split_first_chunk()?;
        Some(format!("{:032x}", u128::from_be_bytes(*half)))
    }
}

/// A value without what vendors hold in several ways: null, the empty text and nothing are one.
fn plain(native: &Value) -> Option<Value> {
    match native {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .map(|part| plain(part).unwrap_or_default())
                .collect();
            parts
                .iter()
                .any(|part| !part.is_null())
                .then_some(Value::Array(parts))
        }
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_and_empty_are_the_same_and_another_value_is_not() {
        let hash = |value| Salt::of("key").hash("title", &value);
        assert_eq!(hash(json!(["a", null])), hash(json!(["a", ""])));
        assert_eq!(hash(json!("")), None);
        assert_ne!(hash(json!("a")), hash(json!("A")));
    }

    #[test]
    fn the_same_value_of_another_intent_has_another_hash() {
        let hash = |key| Salt::of(key).hash("title", &json!("ada@example.com"));
        assert_ne!(hash("one"), hash("two"));
    }
}
