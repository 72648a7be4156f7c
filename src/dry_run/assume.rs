//! The answer that a call would get, in the form the adapter's transcripts show.

mod deferring;
mod reading;
mod writing;

use serde_json::{Map, Value};

use super::corpus::{Corpus, Told};
use super::fill::{Bindings, text_of};
use super::ledger::{Ledger, id_keys};
use super::parts::Parts;
use super::trees::reply_of;
use crate::adapter::Adapter;
use crate::script::call::VendorReply;

/// An answer that nobody gave.
pub(super) struct Assumption {
    pub(super) reply: VendorReply,
    /// What it rests on, for people.
    pub(super) source: String,
}

/// The answer to a call, and what it does to the ledger; `None` if nothing tells it.
pub(super) fn assume(
    corpus: &Corpus,
    ledger: &mut Ledger,
    adapter: &Adapter,
    call: &Parts,
    reads: bool,
) -> Option<Assumption> {
    let alike = corpus.alike(call);
    let mut vendor = Assumed {
        corpus,
        ledger,
        adapter,
        call,
        alike,
    };
    match reads {
        true => vendor.read(),
        false => vendor.write(),
    }
}

struct Assumed<'a> {
    corpus: &'a Corpus,
    ledger: &'a mut Ledger,
    adapter: &'a Adapter,
    call: &'a Parts,
    /// Calls of this form, the most alike first.
    alike: Vec<&'a Told>,
}

impl Assumed<'_> {
    /// The id of a record, if the call says it.
    fn said_id(&self, record: &Map<String, Value>) -> Option<String> {
        let keys = id_keys(record, self.adapter);
        let mut texts = keys.iter().filter_map(|key| text_of(record.get(*key)?));
        texts.find(|text| self.call.says(text))
    }

    /// An answer in the form of a transcript's.
    fn told(&self, told: &Told, tree: &Value, how: &str) -> Assumption {
        Assumption {
            reply: reply_of(&told.reply, tree, self.adapter),
            source: format!("assumed after {}; {how}", told.source),
        }
    }

    /// A transcript's answer.
    fn as_is(&self, told: &Told, how: &str) -> Assumption {
        Assumption {
            reply: told.reply.clone(),
            source: format!("assumed after {}; {how}", told.source),
        }
    }
}

fn bound(bindings: &Bindings, record: &mut Map<String, Value>) {
    record.values_mut().for_each(|value| bindings.apply(value));
}
