//! The log's thread: from stories to rows, many in one transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use rusqlite::params;
use rusqlite::types::Value;
use tokio::runtime::Runtime;

use super::{Desk, Rules};
use crate::provisioning::memory::MemoryError;
use crate::provisioning::trace::{Ended, Event};
use crate::store::Store;
use crate::store::health::Tallies;
use crate::store::lane::Turn;
use crate::store::sql::{Db, Error, Result};

/// Stories of one transaction at most.
const BATCH: usize = 512;
/// How often what was heard is picked up, and so how old the log may be.
const EVERY: Duration = Duration::from_millis(100);
/// How long counts wait for an event to go with, and how often losses are told.
const AT_LAST: Duration = Duration::from_secs(1);
/// How often what is too old is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Rows removed in one transaction, so that no request waits long behind it.
const SWEEP_AT_ONCE: u32 = 500;

pub(super) struct Writer {
    store: Store,
    rules: Rules,
    desk: Arc<Desk>,
    /// To wait for the store with; it has no threads and no reactor.
    runtime: Runtime,
    counted: Instant,
    swept: Option<Instant>,
    told_lost: u64,
}

impl Writer {
    pub(super) fn new(store: Store, rules: Rules, desk: Arc<Desk>) -> Result<Self, MemoryError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime =
            runtime.map_err(|error| MemoryError(format!("no event loop for the log: {error}")))?;
        Ok(Self {
            store,
            rules,
            desk,
            runtime,
            counted: Instant::now(),
            swept: None,
            told_lost: 0,
        })
    }

    /// Until the log is closed.
    pub(super) fn run(mut self) {
        loop {
            self.sweep_if_due();
            if self.write() {
                return;
            }
            thread::park_timeout(EVERY);
        }
    }

    /// Writes what was heard; whether it was the last.
    fn write(&mut self) -> bool {
        let mut heard = self.desk.heard();
        let (stories, closed) = (std::mem::take(&mut heard.stories), heard.closed);
        heard.waiting.clear();
        let is_due = closed || self.counted.elapsed() >= AT_LAST;
        let mut tallies = match is_due || !stories.is_empty() {
            true => std::mem::take(&mut heard.tallies),
            false => Tallies::default(),
        };
        drop(heard);
        for stories in stories.chunks(BATCH) {
            self.insert(stories, std::mem::take(&mut tallies));
        }
        if !tallies.is_empty() {
            self.insert(&[], tallies);
        }
        if is_due {
            self.counted = Instant::now();
            self.tell_lost();
        }
        closed
    }

    fn insert(&self, stories: &[Arc<Ended>], tallies: Tallies) {
        let events: Vec<_> = stories.iter().map(|story| Event::of(story)).collect();
        let written = self
            .runtime
            .block_on(self.store.write(Turn::Log, move |db| {
                insert(db, &events)?;
                tallies.add_to(db)
            }));
        if let Err(error) = written {
            self.desk.lose(stories.len());
            tracing::error!(%error, events = stories.len(), "the provisioning log could not be written to the store");
        }
    }

    /// Every time, with the number.
    pub(super) fn tell_lost(&mut self) {
        let lost = self.desk.lost.load(Ordering::Relaxed);
        if lost > self.told_lost {
            tracing::warn!(
                events = lost - self.told_lost,
                action = "check the disk that the store is on",
                "events of the provisioning log are lost"
            );
            self.told_lost = lost;
        }
    }

    fn sweep_if_due(&mut self) {
        if self
            .swept
            .is_some_and(|swept| swept.elapsed() < SWEEP_EVERY)
        {
            return;
        }
        self.swept = Some(Instant::now());
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "the provisioning log could not be shortened");
        }
    }

    fn sweep(&self) -> Result<(), MemoryError> {
        let oldest = SystemTime::now().checked_sub(self.rules.retention);
        let oldest = oldest.and_then(|time| Timestamp::try_from(time).ok());
        let oldest = oldest.map_or(i64::MIN, Timestamp::as_millisecond);
        let most = i64::try_from(self.rules.most).unwrap_or(i64::MAX);
        loop {
            let removed = self
                .store
                .write(Turn::Log, move |db| remove_some(db, oldest, most));
            if self.runtime.block_on(removed)? < SWEEP_AT_ONCE as usize {
                return Ok(());
            }
        }
    }
}

fn insert(db: &Db<'_>, events: &[Event]) -> Result<()> {
    let rows = events.iter().map(row).collect::<Result<Vec<_>>>()?;
    db.execute_each(
        "INSERT INTO event (tenant, request_id, part, at, action, status, code, target_id, identity, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        &rows,
    )
    .map(drop)
}

fn row(event: &Event) -> Result<Vec<Value>> {
    let document = serde_json::to_string(event);
    let text = |text: &str| Value::from(text.to_owned());
    Ok(vec![
        text(event.tenant.as_str()),
        text(&event.request_id),
        i64::from(event.part).into(),
        event.at.as_millisecond().into(),
        text(event.action.as_str()),
        text(event.status.as_str()),
        event.code.clone().into(),
        event.target_id.clone().into(),
        event.identity.clone().into(),
        text(&document.map_err(|error| Error::Unwritable(error.to_string()))?),
    ])
}

/// Removes some of what is older than `oldest` or beyond `most`, and says how much. What is beyond
/// goes at the cost of the tenant that has most: none can push another's events out.
fn remove_some(db: &Db<'_>, oldest: i64, most: i64) -> Result<usize> {
    let count = db.row("SELECT count(*) FROM event", &[], |row| row.get::<i64>(0))?;
    let beyond = (count.unwrap_or_default() - most).clamp(0, SWEEP_AT_ONCE.into());
    let old = db.execute(
        "DELETE FROM event WHERE rowid IN (SELECT rowid FROM event WHERE at < ?1 ORDER BY at LIMIT ?2)",
        params![oldest, SWEEP_AT_ONCE],
    )?;
    let surplus = match beyond - old as i64 {
        1.. => shorten_the_largest(db, beyond - old as i64)?,
        _ => 0,
    };
    db.execute("DELETE FROM tally WHERE span < ?1", params![oldest])?;
    Ok(old.max(surplus))
}

fn shorten_the_largest(db: &Db<'_>, events: i64) -> Result<usize> {
    let largest = db.row(
        "SELECT tenant FROM event GROUP BY tenant ORDER BY count(*) DESC, tenant LIMIT 1",
        &[],
        |row| row.text(0).map(ToOwned::to_owned),
    )?;
    db.execute(
        "DELETE FROM event WHERE rowid IN (
             SELECT rowid FROM event WHERE tenant = ?1 ORDER BY rowid LIMIT ?2)",
        params![largest.unwrap_or_default(), events],
    )
}
