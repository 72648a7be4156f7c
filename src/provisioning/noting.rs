//! What an operation notes in its request's story.

use tokio::time::Instant;

use super::Operation;
use super::locks::{Held, LockKey};
use super::trace::{Kept, Modified, Step, Story, Wait, mask};
use crate::adapter::mapping::{Change, Mapping, NotTaken, Reading};
use crate::adapter::remembered::Remembered;
use crate::scim::patch::UNKNOWN;
use crate::scim::{Object, ResourceKind};
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
use crate::script::fault::Failure;
use crate::script::program::Script;

impl Operation {
    /// Waits for locks.
    ///
    /// # Errors
    /// As [`Locks::acquire`](crate::provisioning::locks::Locks::acquire).
    pub(super) async fn lock(&self, keys: Vec<LockKey>) -> Result<Held, Failure> {
        let asked = Instant::now();
        let held = self.locks.acquire(keys, self.deadline).await;
        self.story.waited(Wait::Lock, asked);
        held
    }

    /// Notes whether an object was there.
    pub(super) fn note_read(&self, fetched: &Result<Option<Reading>, Failure>) {
        let found = match fetched {
            Ok(reading) => reading.is_some(),
            Err(failure) if failure.is_absent() => false,
            Err(_) => return,
        };
        self.story.note(Step::Read { found });
    }

    /// Notes what came of a look-up by a row of the table.
    pub(super) fn note_lookup(&self, kind: ResourceKind, row: usize, candidates: usize) {
        let row = self
            .adapter
            .mapping(kind)
            .and_then(|mapping| mapping.row(row));
        if let Some(row) = row {
            let attribute = row.spelling.clone();
            self.story.note(Step::Lookup {
                attribute,
                candidates,
            });
        }
    }

    /// Notes what a request changes; `before` as far as it is known.
    pub(super) fn note_changes(&self, mapping: &Mapping, changes: &[Change], before: &Object) {
        if !self.story.takes_notes() {
            return;
        }
        let attributes = changes.iter().filter_map(|change| {
            let row = mapping.row(change.row)?;
            let old = row.leaf.get(before).filter(|old| *old != UNKNOWN);
            let is_silent = change.value.is_none() && row.leaf.get(before).is_none();
            (!is_silent).then(|| Modified {
                name: row.spelling.clone(),
                old: old.map(|old| self.story.masked(old)),
                new: change.value.as_ref().map(|new| self.story.masked(new)),
            })
        });
        let attributes = attributes.collect();
        self.story.note(Step::Changes { attributes });
    }

    /// Notes that what Entra said is answered in the place of what the vendor holds.
    pub(super) fn note_remembered(
        &self,
        mapping: &Mapping,
        reading: &Reading,
        remembered: &Remembered,
    ) {
        if remembered.overrides.is_empty() {
            return;
        }
        let attributes = reading.answered_from(mapping, remembered);
        if !attributes.is_empty() {
            self.story.note(Step::Remembered { attributes });
        }
    }

    /// Notes which values the vendor did not take as they were sent.
    pub(super) fn note_kept(&self, not_taken: Vec<NotTaken>) {
        if not_taken.is_empty() || !self.story.takes_notes() {
            return;
        }
        let attributes = not_taken.into_iter().map(|one| Kept {
            name: one.spelling,
            sent: self.story.masked(&one.sent),
            kept: self.story.masked(&one.kept),
        });
        let attributes = attributes.collect();
        self.story.note(Step::NotTaken { attributes });
    }
}

/// A backend whose calls are noted.
pub(super) struct Noted<'o> {
    pub(super) backend: &'o dyn Backend,
    pub(super) script: &'o Script,
    pub(super) story: &'o Story,
}

impl Backend for Noted<'_> {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        if !self.story.takes_notes() {
            return self.backend.call(call, deadline);
        }
        Box::pin(async move {
            let (method, began) = (call.method.as_str(), Instant::now());
            let path = mask::path(&call.path, |word| self.script.writes(word));
            let result = self.backend.call(call, deadline).await;
            self.story.called(method, path, began.elapsed(), &result);
            result
        })
    }

    fn wait(&self, until: Instant) -> LocalBoxFuture<'_, ()> {
        self.backend.wait(until)
    }
}
