//! What an operation notes in its request's trace.

use serde_json::Value;

use super::operation::Operation;
use super::trace::{Kept, Modified, Step};
use crate::adapter::mapping::{Change, Mapping, NotTaken, Reading};
use crate::adapter::remembered::Remembered;
use crate::scim::patch::UNKNOWN;
use crate::scim::{Object, ResourceKind};

impl Operation {
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
            let masked = |value: &Value| match row.write_only {
                true => "…".to_owned(),
                false => self.story.masked(value),
            };
            (!is_silent).then(|| Modified {
                name: row.spelling.clone(),
                old: old.map(masked),
                new: change.value.as_ref().map(masked),
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
