//! Answers that are not assumed, and what the dry run has changed since.

use serde_json::{Map, Value};

use super::fill::{merge, text_of};
use super::ledger::{Known, Ledger, id_keys};
use super::parts::Parts;
use super::trees::{Part, has_records, reply_of, walk};
use crate::adapter::Adapter;
use crate::script::call::VendorReply;

/// Whether a call is about an object that only this dry run has made, or has removed.
pub(super) fn is_virtual(ledger: &Ledger, call: &Parts) -> bool {
    let target = ledger.target(call).and_then(|(index, _)| ledger.get(index));
    target.is_some_and(|known| known.made || known.gone) || ledger.says_made(call)
}

/// Takes in what the vendor, or the file, answered: objects are known from then on. In what the
/// vendor itself was asked (`is_older`), those that the dry run has changed are shown as they would
/// be by now; what the file says is as it says.
pub(super) fn absorb(
    ledger: &mut Ledger,
    adapter: &Adapter,
    call: &Parts,
    reply: VendorReply,
    is_older: bool,
) -> VendorReply {
    let replies = &adapter.manifest.replies;
    let Some(mut tree) = replies.parse(&reply.body) else {
        return reply;
    };
    if !has_records(&tree, adapter) {
        return reply;
    }
    let mut altered = false;
    walk(&mut tree, adapter, &mut |part| match part {
        Part::Record(record) => altered |= take(ledger, adapter, call, record, is_older),
        Part::Records(items) => {
            let form = items.first().and_then(Value::as_object).cloned();
            let made = ledger.rows(call, form.as_ref()).into_iter();
            let made = made.filter(|known| known.made && is_older);
            let made: Vec<Value> = made.map(|known| known.tree.clone().into()).collect();
            altered |= !made.is_empty();
            items.extend(made);
        }
        Part::Ids(_) | Part::Leaf(_) => {}
    });
    match altered {
        true => reply_of(&reply, &tree, adapter),
        false => reply,
    }
}

/// Whether the record is another than the vendor has it.
fn take(
    ledger: &mut Ledger,
    adapter: &Adapter,
    call: &Parts,
    record: &mut Map<String, Value>,
    is_older: bool,
) -> bool {
    let Some(id) = own_id(record, adapter) else {
        return false;
    };
    let address = call.address_of(&id);
    let held = ledger.with_id(&id, &address);
    let held = held.and_then(|index| ledger.get(index)).cloned();
    let changed = held.as_ref().filter(|held| held.changed && is_older);
    if let Some(held) = changed {
        merge(record, &held.tree);
    }
    let altered = changed.is_some();
    ledger.keep(Known {
        address: held.as_ref().map_or(address, |held| held.address.clone()),
        id: Some(id),
        tree: record.clone(),
        whole: true,
        made: held.as_ref().is_some_and(|held| held.made),
        changed: altered || !is_older,
        sent: held.map(|held| held.sent).unwrap_or_default(),
        gone: false,
    });
    altered
}

/// The id of a record: the manifest's field, else the first that may be one.
pub(super) fn own_id(record: &Map<String, Value>, adapter: &Adapter) -> Option<String> {
    let keys = id_keys(record, adapter);
    let key = keys.first()?;
    record.get(*key).and_then(text_of)
}
