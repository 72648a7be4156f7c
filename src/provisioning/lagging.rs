//! Look-ups that lag behind writes: what the tenant wrote lately is read by its key.

use std::time::Duration;

use serde_json::Value;

use super::Operation;
use super::recent::Name;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Reading, Row, Written};
use crate::scim::compare::fold;
use crate::scim::{Object, ResourceKind};
use crate::script::fault::Failure;

impl Operation {
    /// How long look-ups may lag; `None` if they do not.
    fn lag(&self) -> Option<Duration> {
        let lag = self.adapter.manifest.index_lag_ms;
        lag.map(Duration::from_millis)
    }

    /// Takes note of an object that was made or changed.
    pub(super) fn note_write(&self, kind: ResourceKind, id: &NativeId, written: &[Written]) {
        let (Some(lag), Ok(mapping)) = (self.lag(), self.mapping(kind)) else {
            return;
        };
        let names = written.iter().filter_map(|write| {
            let row = mapping.row(write.row)?;
            row.lookup.as_ref()?;
            name(kind, row, &write.native)
        });
        self.recent.wrote(kind, id, names.collect(), lag);
    }

    /// Takes note of an object that was removed.
    pub(super) fn note_removal(&self, kind: ResourceKind, id: &NativeId) {
        if let Some(lag) = self.lag() {
            self.recent.removed(kind, id, lag);
        }
    }

    /// What a look-up found, with what was written lately as it is now.
    pub(super) async fn up_to_date(
        &self,
        kind: ResourceKind,
        row: usize,
        value: &Value,
        found: Vec<Reading>,
    ) -> Result<Vec<Reading>, Failure> {
        if self.lag().is_none() {
            return Ok(found);
        }
        let fresh = |reading: &Reading| self.recent.is_fresh(kind, &reading.id);
        let (stale, mut current): (Vec<_>, Vec<_>) = found.into_iter().partition(fresh);
        let mut by_key: Vec<_> = stale.into_iter().map(|reading| reading.id).collect();
        let row = self.mapping(kind)?.row(row);
        let named = row.and_then(|row| name(kind, row, value));
        let named = named.map(|name| self.recent.named(&name));
        by_key.extend(named.into_iter().flatten());
        by_key.sort();
        by_key.dedup();
        by_key.retain(|id| current.iter().all(|reading| reading.id != *id));
        for id in by_key.iter().filter(|id| !self.recent.is_gone(kind, id)) {
            current.extend(self.fetch_plain(kind, id).await?);
        }
        Ok(current)
    }

    /// A list without what was removed lately.
    pub(super) fn without_gone(&self, kind: ResourceKind, readings: &mut Vec<Reading>) {
        if self.lag().is_some() {
            readings.retain(|reading| !self.recent.is_gone(kind, &reading.id));
        }
    }

    /// Takes note that an object of these names may have been made, where the look that
    /// followed could not have seen it.
    pub(super) fn note_doubt(&self, kind: ResourceKind, resource: &Object) {
        if self.lag().is_some() {
            self.recent.doubt(self.asked_names(kind, resource));
        }
    }

    /// Whether an object of one of these names may have been made by an earlier try.
    pub(super) fn is_doubted(&self, kind: ResourceKind, resource: &Object) -> bool {
        self.recent.is_doubted(&self.asked_names(kind, resource))
    }

    /// The names in a resource that the vendor may hold only once.
    fn asked_names(&self, kind: ResourceKind, resource: &Object) -> Vec<Name> {
        let Ok(mapping) = self.mapping(kind) else {
            return Vec::new();
        };
        let naming = |row: &Row| row.lookup.is_some() && !row.ambiguous;
        let rows = mapping.mapped().filter(|(_, row)| naming(row));
        rows.filter_map(|(_, row)| name(kind, row, row.leaf.get(resource)?))
            .collect()
    }
}

/// A value as look-ups compare it.
pub(super) fn name(kind: ResourceKind, row: &Row, value: &Value) -> Option<Name> {
    Some(Name {
        kind,
        attribute: row.spelling.clone(),
        value: fold(value.as_str()?).into_owned(),
    })
}
