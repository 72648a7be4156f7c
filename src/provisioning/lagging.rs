//! Look-ups that lag behind writes: what the tenant wrote lately is read by its key.

use std::time::Duration;

use serde_json::Value;

use super::name::Name;
use super::names::name;
use super::operation::Operation;
use super::outcome::Outcome;
use super::recent::RecentWrite;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Reading, Written};
use crate::scim::ResourceKind;

impl Operation {
    /// How long look-ups may lag, counted to when they are answered: one that was asked before an
    /// index showed a write is still on its way after that. `None` if they do not lag.
    fn lag(&self) -> Option<Duration> {
        let manifest = &self.adapter.manifest;
        let lag = Duration::from_millis(manifest.index_lag_ms?);
        Some(lag + manifest.deadlines.call())
    }

    /// Takes note of an object that is about to be changed: the vendor may have done it long before
    /// it says so. Gives all names that it may have, and how long look-ups may not see them.
    pub(super) fn note_writing(
        &self,
        kind: ResourceKind,
        id: &NativeId,
        written: &[Written],
    ) -> Outcome<Option<(Vec<Name>, Duration)>> {
        let Some(lag) = self.lag() else {
            return Ok(None);
        };
        let mapping = self.mapping(kind)?;
        let names = written.iter().filter_map(|write| {
            let row = mapping.row(write.row)?;
            row.lookup.as_ref()?;
            name(kind, row, &write.native)
        });
        let names = self.recent.wrote(kind, id, names.collect(), lag);
        Ok(Some((names, lag)))
    }

    /// Takes note of an object that was made or changed, here and in the store: a restart must
    /// not forget what the vendor's index does not show yet.
    pub(super) async fn note_write(
        &self,
        kind: ResourceKind,
        id: &NativeId,
        written: &[Written],
    ) -> Outcome<()> {
        if self.lag().is_some() {
            // Its row is written anew: the names that an earlier process gave it must be known.
            self.load_recent().await?;
        }
        let Some((names, lag)) = self.note_writing(kind, id, written)? else {
            return Ok(());
        };
        // One row an object.
        self.keep_recent(RecentWrite::of(
            kind,
            id,
            Some(names),
            lag,
            self.process.now(),
        ))
        .await
    }

    /// Takes note of an object that was removed.
    pub(super) async fn note_removal(&self, kind: ResourceKind, id: &NativeId) -> Outcome<()> {
        let Some(lag) = self.lag() else {
            return Ok(());
        };
        self.recent.removed(kind, id, lag);
        self.keep_recent(RecentWrite::of(kind, id, None, lag, self.process.now()))
            .await
    }

    async fn keep_recent(&self, write: RecentWrite) -> Outcome<()> {
        Ok(self.memory.keep_recent(&self.tenant, write).await?)
    }

    /// Reads what was written shortly before a start, once, or what other replicas wrote, each
    /// time: whoever holds the lock of a name or an object finds all that was written under it.
    async fn load_recent(&self) -> Outcome<()> {
        if self.recent.is_loaded() && !self.locks.are_shared() {
            return Ok(());
        }
        let since = self.recent.read_since();
        let writes = self.memory.recent(&self.tenant, since).await?;
        self.recent.load(writes, self.process.now());
        Ok(())
    }

    /// What a look-up found, with what was written lately as it is now.
    pub(super) async fn up_to_date(
        &self,
        kind: ResourceKind,
        row: usize,
        value: &Value,
        found: Vec<Reading>,
    ) -> Outcome<Vec<Reading>> {
        if self.lag().is_none() {
            return Ok(found);
        }
        self.load_recent().await?;
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
    pub(super) async fn without_gone(
        &self,
        kind: ResourceKind,
        readings: &mut Vec<Reading>,
    ) -> Outcome<()> {
        if self.lag().is_some() {
            self.load_recent().await?;
            readings.retain(|reading| !self.recent.is_gone(kind, &reading.id));
        }
        Ok(())
    }
}
