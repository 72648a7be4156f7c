//! The log's thread: from stories to rows, many in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use rusqlite::params;
use rusqlite::types::Value;
use tokio::runtime::Runtime;

use super::{Heard, Reads, Rules};
use crate::provisioning::memory::MemoryError;
use crate::provisioning::trace::{Ended, Event};
use crate::store::Store;
use crate::store::health::Tallies;
use crate::store::lane::Turn;
use crate::store::sql::{Db, Error, Result};

/// Stories of one transaction at most.
const BATCH: usize = 512;
/// How long the first of them waits for the others, and so how old the log may be.
const GATHER: Duration = Duration::from_millis(100);
/// How often what is too old is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Rows removed in one transaction, so that no request waits long behind it.
const SWEEP_AT_ONCE: u32 = 500;

pub(super) struct Writer {
    store: Store,
    rules: Rules,
    lost: Arc<AtomicU64>,
    /// To wait for the store with; it has no threads and no reactor.
    runtime: Runtime,
    swept: Option<Instant>,
    told_lost: u64,
}

/// What is written together.
#[derive(Default)]
struct Batch {
    heard: usize,
    events: Vec<Event>,
    tallies: Tallies,
}

impl Writer {
    pub(super) fn new(
        store: Store,
        rules: Rules,
        lost: Arc<AtomicU64>,
    ) -> Result<Self, MemoryError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime =
            runtime.map_err(|error| MemoryError(format!("no event loop for the log: {error}")))?;
        Ok(Self {
            store,
            rules,
            lost,
            runtime,
            swept: None,
            told_lost: 0,
        })
    }

    /// Until it is closed or nobody can tell it anything any more.
    pub(super) fn run(mut self, heard: &Receiver<Heard>) {
        loop {
            self.sweep_if_due();
            match heard.recv_timeout(SWEEP_EVERY) {
                Ok(Heard::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(first) => {
                    let (batch, closed) = self.gather(first, heard);
                    self.write(batch);
                    if closed {
                        return;
                    }
                }
            }
        }
    }

    /// What comes within a moment, and whether the end came with it.
    fn gather(&self, first: Heard, heard: &Receiver<Heard>) -> (Batch, bool) {
        let mut batch = Batch::default();
        batch.take(first, self.rules.reads);
        let until = Instant::now() + GATHER;
        while batch.heard < BATCH {
            match heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Heard::Close) => return (batch, true),
                Ok(next) => batch.take(next, self.rules.reads),
                Err(_) => break,
            }
        }
        (batch, false)
    }

    fn write(&mut self, batch: Batch) {
        let Batch {
            heard,
            events,
            tallies,
        } = batch;
        let written = self
            .runtime
            .block_on(self.store.write(Turn::Log, move |db| {
                insert(db, &events)?;
                tallies.add_to(db)
            }));
        if let Err(error) = written {
            self.lost.fetch_add(heard as u64, Ordering::Relaxed);
            tracing::error!(%error, events = heard, "events of the provisioning log are lost");
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
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.told_lost {
            tracing::warn!(
                events = lost - self.told_lost,
                action = "look at the disk the store lies on",
                "the provisioning log could not keep up"
            );
            self.told_lost = lost;
        }
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

impl Batch {
    fn take(&mut self, heard: Heard, reads: Reads) {
        self.heard += 1;
        match heard {
            Heard::Ended(story) => {
                self.tallies.ended(&story);
                if is_kept(&story, reads) {
                    self.events.push(Event::of(&story));
                }
            }
            Heard::Refused(tenant, at) => self.tallies.refused(&tenant, at),
            Heard::Close => {}
        }
    }
}

/// Reading leaves nothing behind, and Entra reads each user in every cycle: kept, reads would
/// push what changed somebody out of the log.
fn is_kept(story: &Ended, reads: Reads) -> bool {
    story.is_write()
        || match reads {
            Reads::All => true,
            Reads::Failures => story.is_failure(),
            Reads::None => false,
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

/// Removes some of what is older than `oldest` or beyond `most`, and says how much.
fn remove_some(db: &Db<'_>, oldest: i64, most: i64) -> Result<usize> {
    let count = db.row("SELECT count(*) FROM event", &[], |row| row.get::<i64>(0))?;
    let beyond = (count.unwrap_or_default() - most).clamp(0, SWEEP_AT_ONCE.into());
    let old = db.execute(
        "DELETE FROM event WHERE rowid IN (SELECT rowid FROM event WHERE at < ?1 ORDER BY at LIMIT ?2)",
        params![oldest, SWEEP_AT_ONCE],
    )?;
    let surplus = db.execute(
        "DELETE FROM event WHERE rowid IN (SELECT rowid FROM event ORDER BY rowid LIMIT ?1)",
        params![(beyond - old.cast_signed() as i64).max(0)],
    )?;
    db.execute("DELETE FROM tally WHERE span < ?1", params![oldest])?;
    Ok(old.max(surplus))
}
