//! How a tenant is doing: counts of all its requests, and what Entra will make of them.
//!
//! Entra puts a provisioning job into quarantine by numbers it documents (learn.microsoft.com,
//! "Application provisioning in quarantine status"): at once when its credential is refused; else
//! once 5,000 requests have failed, when they are more than 40 % of all; at 40,000 failures
//! whatever their part; at 60,000 with those of references (manager, members), which are not
//! counted before. It counts by job and does not say since when, so we look at a day.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Store;
use super::sql::{Db, Result, Row};
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::Recall;
use crate::provisioning::trace::Ended;

/// Length of the spans that are counted, in milliseconds.
const SPAN: i64 = 5 * 60 * 1000;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const FIVE_MINUTES: SignedDuration = SignedDuration::from_mins(5);
/// A cycle is due every 40 minutes.
const SILENCE: SignedDuration = SignedDuration::from_mins(50);

/// Entra begins to look at the part that failed.
const JUDGED_FROM: u64 = 5_000;
/// More than this part, in percent.
const MOST_PERCENT: u64 = 40;
/// So many are too many, whatever their part.
const MOST_FAILURES: u64 = 40_000;
/// So many are too many, with those of references.
const MOST_WITH_REFERENCES: u64 = 60_000;
/// Fewer failures than these are no trend.
const FEW: u64 = 20;

/// Upper bounds of the times counted, in milliseconds.
const BOUNDS: [u32; 16] = [
    5, 10, 20, 50, 100, 200, 300, 500, 750, 1_000, 2_000, 5_000, 10_000, 20_000, 45_000, 60_000,
];

/// A tenant's health.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Whose.
    pub tenant: TenantId,
    /// When Entra last sent a request with a good token; none is known of before the log's
    /// retention.
    pub last_contact: Option<Timestamp>,
    /// The last hour.
    pub hour: Rates,
    /// The last 24 hours.
    pub day: Rates,
    /// Requests in the last five minutes with a token that is revoked, expired, or not the whole
    /// of one.
    pub refused: u64,
    /// Whether Entra is about to stop.
    pub risk: Risk,
}

/// What became of the requests of some time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    /// All.
    pub requests: u64,
    /// Those that Entra counts as failures, references included.
    pub failures: u64,
    /// Of these, those about a manager or members.
    pub references_failed: u64,
    /// The part that did not fail, in whole percent, rounded down; none without requests.
    pub success_percent: Option<u64>,
    /// 95 of 100 took at most this long, in milliseconds, rounded up to one of a few numbers.
    pub p95_ms: Option<u32>,
}

/// How near Entra is to putting the tenant's job into quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Risk {
    /// How near.
    pub level: RiskLevel,
    /// Why, with the number.
    pub reason: String,
}

/// How near.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RiskLevel {
    /// Not.
    Ok,
    /// Something is on the way there, or Entra is silent.
    Watch,
    /// Entra's own rule is met.
    High,
}

impl RiskLevel {
    /// `ok`, `watch` or `high`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Watch => "watch",
            Self::High => "high",
        }
    }
}

impl Store {
    /// How `tenant` is doing at `now`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn health(&self, tenant: &TenantId, now: Timestamp) -> Recall<'_, Health> {
        let tenant = tenant.clone();
        self.read(move |db| health(db, tenant, now))
    }
}

fn health(db: &Db<'_>, tenant: TenantId, now: Timestamp) -> Result<Health> {
    let since = |ago: SignedDuration| (now - ago).as_millisecond();
    let spans = spans(db, &tenant, since(DAY))?;
    let sum = |since| {
        let mut sum = Tally::default();
        let within = spans.iter().filter(|(span, _)| *span > since - SPAN);
        within.for_each(|(_, tally)| sum.add(tally));
        sum
    };
    let (hour, day, recent) = (sum(since(HOUR)), sum(since(DAY)), sum(since(FIVE_MINUTES)));
    let last = match day.last {
        0 => last_before(db, &tenant)?,
        last => last,
    };
    let last_contact = Timestamp::from_millisecond(last).ok();
    let last_contact = last_contact.filter(|_| last > 0);
    let is_recent = recent.last_refused >= since(FIVE_MINUTES);
    let refused = if is_recent { recent.refused } else { 0 };
    Ok(Health {
        risk: risk(
            &day,
            refused,
            recent.last < recent.last_refused,
            last_contact,
            now,
        ),
        tenant,
        last_contact,
        hour: hour.rates(),
        day: day.rates(),
        refused,
    })
}

/// What was counted since a time, by the begin of each span; one counts as long as part of it lies
/// behind that.
fn spans(db: &Db<'_>, tenant: &TenantId, since: i64) -> Result<Vec<(i64, Tally)>> {
    db.rows(
        "SELECT requests, failures, references_failed, refused, last, last_refused, times, span
         FROM tally WHERE tenant = ?1 AND span > ?2",
        params![tenant.as_str(), since - SPAN],
        |row| Ok((row.get(7)?, tally(row)?)),
    )
}

/// When the last request came, of all that is kept; 0 for never.
fn last_before(db: &Db<'_>, tenant: &TenantId) -> Result<i64> {
    let last = db.row(
        "SELECT max(last) FROM tally WHERE tenant = ?1",
        params![tenant.as_str()],
        |row| row.get::<Option<i64>>(0),
    )?;
    Ok(last.flatten().unwrap_or_default())
}

fn risk(
    day: &Tally,
    refused: u64,
    refused_last: bool,
    last_contact: Option<Timestamp>,
    now: Timestamp,
) -> Risk {
    let of = |level, reason| Risk { level, reason };
    let (failed, all) = (day.failures, day.requests.max(1));
    let percent = failed * 100 / all;
    if refused > 0 && refused_last {
        return of(
            RiskLevel::High,
            format!("token refused {refused} times in 5 min; Entra stops a job at once for that"),
        );
    }
    if failed + day.references_failed > MOST_WITH_REFERENCES {
        let failed = failed + day.references_failed;
        return of(
            RiskLevel::High,
            format!("failed {failed} in 24 h, more than {MOST_WITH_REFERENCES}"),
        );
    }
    if failed > MOST_FAILURES {
        return of(
            RiskLevel::High,
            format!("failed {failed} in 24 h, more than {MOST_FAILURES}"),
        );
    }
    if failed >= JUDGED_FROM && percent > MOST_PERCENT {
        return of(
            RiskLevel::High,
            format!(
                "failed {percent} % of {all} in 24 h; Entra stops a job above {MOST_PERCENT} %"
            ),
        );
    }
    watch(day, refused, last_contact, now)
        .unwrap_or(of(RiskLevel::Ok, "nothing points to it".to_owned()))
}

/// What is half the way there.
fn watch(
    day: &Tally,
    refused: u64,
    last_contact: Option<Timestamp>,
    now: Timestamp,
) -> Option<Risk> {
    let (failed, all) = (day.failures, day.requests.max(1));
    let percent = failed * 100 / all;
    let silence = last_contact.map(|last| now.duration_since(last));
    let reason = if refused > 0 {
        format!("token refused {refused} times in 5 min; another one is accepted")
    } else if failed > MOST_FAILURES / 2 {
        format!("failed {failed} in 24 h; Entra stops a job above {MOST_FAILURES}")
    } else if failed >= FEW && percent > MOST_PERCENT / 2 {
        format!(
            "failed {percent} % of {all} in 24 h; Entra starts to judge at {JUDGED_FROM} failures"
        )
    } else if let Some(silence) = silence.filter(|silence| *silence > SILENCE) {
        let minutes = silence.as_mins();
        format!(
            "silent for {minutes} min; a cycle is due every 40, so the job may be stopped or in quarantine"
        )
    } else {
        return None;
    };
    Some(Risk {
        level: RiskLevel::Watch,
        reason,
    })
}

/// Counts of one tenant's requests in some time.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tally {
    requests: u64,
    failures: u64,
    references_failed: u64,
    refused: u64,
    /// Milliseconds since 1970, 0 for never.
    last: i64,
    last_refused: i64,
    times: [u64; BOUNDS.len()],
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.references_failed += other.references_failed;
        self.refused += other.refused;
        self.last = self.last.max(other.last);
        self.last_refused = self.last_refused.max(other.last_refused);
        let pairs = self.times.iter_mut().zip(other.times);
        pairs.for_each(|(sum, more)| *sum += more);
    }

    fn ended(&mut self, story: &Ended, at: i64) {
        self.requests += 1;
        self.last = self.last.max(at);
        if story.is_failure() && !story.is_provoked() {
            match story.subject.refers {
                true => self.references_failed += 1,
                false => self.failures += 1,
            }
        }
        if let Some(count) = self.times.get_mut(place(story.took)) {
            *count += 1;
        }
    }

    fn rates(&self) -> Rates {
        let failures = self.failures + self.references_failed;
        let percent = |requests| (self.requests - failures.min(self.requests)) * 100 / requests;
        Rates {
            requests: self.requests,
            failures,
            references_failed: self.references_failed,
            success_percent: (self.requests > 0).then(|| percent(self.requests)),
            p95_ms: self.p95(),
        }
    }

    fn p95(&self) -> Option<u32> {
        let all: u64 = self.times.iter().sum();
        let mut below = 0;
        let counted = BOUNDS.iter().zip(self.times);
        let mut reached = counted.filter_map(|(bound, count)| {
            below += count;
            (below * 100 >= all * 95).then_some(*bound)
        });
        reached.next().filter(|_| all > 0)
    }
}

/// Which of [`BOUNDS`] a time is below; the last for all above.
fn place(took: Duration) -> usize {
    let found = BOUNDS
        .iter()
        .position(|bound| took.as_millis() <= u128::from(*bound));
    found.unwrap_or(BOUNDS.len() - 1)
}

/// Counts that are still to be written, by tenant and span.
#[derive(Debug, Default)]
pub(super) struct Tallies(HashMap<(TenantId, i64), Tally>);

impl Tallies {
    /// Counts a request. An operation of a bulk request counts, the request around them does not
    /// fail.
    pub(super) fn ended(&mut self, story: &Ended) {
        let at = milliseconds(story.came);
        self.of(&story.asked.tenant, at).ended(story, at);
    }

    /// Counts a refused token.
    pub(super) fn refused(&mut self, tenant: &TenantId, at: SystemTime) {
        let at = milliseconds(at);
        let tally = self.of(tenant, at);
        tally.refused += 1;
        tally.last_refused = tally.last_refused.max(at);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&mut self, tenant: &TenantId, at: i64) -> &mut Tally {
        let key = (tenant.clone(), at - at.rem_euclid(SPAN));
        self.0.entry(key).or_default()
    }

    /// Adds them to what the database has.
    pub(super) fn add_to(&self, db: &Db<'_>) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|((tenant, span), tally)| add(db, tenant, *span, tally))
    }
}

fn add(db: &Db<'_>, tenant: &TenantId, span: i64, more: &Tally) -> Result<()> {
    let found = db.row(
        "SELECT requests, failures, references_failed, refused, last, last_refused, times
         FROM tally WHERE tenant = ?1 AND span = ?2",
        params![tenant.as_str(), span],
        tally,
    )?;
    let mut sum = found.unwrap_or_default();
    sum.add(more);
    let times = serde_json::to_string(&sum.times).unwrap_or_default();
    db.execute(
        "DELETE FROM tally WHERE tenant = ?1 AND span = ?2",
        params![tenant.as_str(), span],
    )?;
    db.execute(
        "INSERT INTO tally
         (tenant, span, requests, failures, references_failed, refused, last, last_refused, times)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            tenant.as_str(),
            span,
            sum.requests.cast_signed(),
            sum.failures.cast_signed(),
            sum.references_failed.cast_signed(),
            sum.refused.cast_signed(),
            sum.last,
            sum.last_refused,
            times,
        ],
    )
    .map(drop)
}

fn tally(row: &Row<'_>) -> Result<Tally> {
    let number = |column| row.get::<i64>(column).map(i64::cast_unsigned);
    Ok(Tally {
        requests: number(0)?,
        failures: number(1)?,
        references_failed: number(2)?,
        refused: number(3)?,
        last: row.get(4)?,
        last_refused: row.get(5)?,
        times: serde_json::from_str(row.text(6)?).unwrap_or_default(),
    })
}

fn milliseconds(time: SystemTime) -> i64 {
    Timestamp::try_from(time).map_or(0, Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(400_000)
    }

    #[track_caller]
    fn check(day: Tally, refused: u64, refused_last: bool, silent: i64, expect: (RiskLevel, &str)) {
        let last = now() - SignedDuration::from_mins(silent);
        let risk = risk(&day, refused, refused_last, Some(last), now());
        assert_eq!(risk.level, expect.0, "{}", risk.reason);
        assert!(risk.reason.contains(expect.1), "{}", risk.reason);
    }

    fn day(requests: u64, failures: u64, references_failed: u64) -> Tally {
        Tally {
            requests,
            failures,
            references_failed,
            ..Tally::default()
        }
    }

    #[test]
    fn the_risk_is_judged_by_the_numbers_entra_documents() {
        use RiskLevel::{High, Ok, Watch};
        check(day(10, 0, 0), 0, false, 1, (Ok, "nothing"));
        check(day(10, 10, 0), 0, false, 1, (Ok, "nothing"));
        check(day(50, 20, 0), 0, false, 1, (Watch, "failed 40 % of 50"));
        check(day(12_499, 5_000, 0), 0, false, 1, (Watch, "40 %"));
        check(
            day(12_000, 5_000, 0),
            0,
            false,
            1,
            (High, "failed 41 % of 12000"),
        );
        check(day(12_000, 4_999, 0), 0, false, 1, (Watch, "at 5000"));
        check(day(9_000, 0, 5_000), 0, false, 1, (Ok, "nothing"));
        check(day(1_000_000, 20_001, 0), 0, false, 1, (Watch, "20001"));
        check(day(1_000_000, 40_000, 0), 0, false, 1, (Watch, "40000"));
        check(day(1_000_000, 40_001, 0), 0, false, 1, (High, "40001"));
        check(day(1_000_000, 10_000, 50_001), 0, false, 1, (High, "60001"));
        check(day(10, 0, 0), 12, true, 1, (High, "refused 12 times"));
        check(
            day(10, 0, 0),
            12,
            false,
            1,
            (Watch, "another one is accepted"),
        );
        check(day(10, 0, 0), 0, false, 51, (Watch, "silent for 51 min"));
        let unknown = risk(&Tally::default(), 0, false, None, now());
        assert_eq!(unknown.level, Ok);
    }

    #[test]
    fn ninety_five_of_a_hundred_is_an_upper_bound() {
        let mut tally = Tally::default();
        assert_eq!(tally.p95(), None);
        for milliseconds in [3; 19] {
            tally.times[place(Duration::from_millis(milliseconds))] += 1;
        }
        tally.times[place(Duration::from_secs(100))] += 1;
        assert_eq!(tally.p95(), Some(5));
        tally.times[place(Duration::from_millis(400))] += 1;
        assert_eq!(tally.p95(), Some(500));
    }
}
