//! Request limits of a vendor: a bucket for bursts and a count per minute.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many calls one customer may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// Calls a second in the long run.
    pub per_second: u32,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Calls in any clock minute that begins with the first of them.
    pub per_minute: u32,
}

impl Default for Rate {
    /// 10 a second, 20 at once, 600 a minute.
    fn default() -> Self {
        Self {
            per_second: 10,
            burst: 20,
            per_minute: 600,
        }
    }
}

/// What one customer has used of its [`Rate`].
#[derive(Clone, Debug, Default)]
pub struct RateLimiter {
    bucket: Bucket,
    /// When the running minute began and how many calls it had.
    minute: Option<(Timestamp, u32)>,
}

impl RateLimiter {
    /// Takes one call at `now`: `Ok` with the calls still free at once, or `Err` with whole seconds to wait.
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<u32, u64> {
        let (began, used) = self
            .minute
            .filter(|(began, _)| seconds(*began, now) < 60.0)
            .unwrap_or((now, 0));
        if used >= rate.per_minute {
            return Err((60.0 - seconds(began, now)).ceil().max(1.0) as u64);
        }
        let (per_second, burst) = (f64::from(rate.per_second), f64::from(rate.burst));
        let free = self
            .bucket
            .take(per_second, burst, now)
            .map_err(|lacking| {
                let wait = lacking / per_second.max(1.0);
                wait.ceil().max(1.0) as u64
            })?;
        self.minute = Some((began, used + 1));
        Ok((free as u32).min(rate.per_minute - used - 1))
    }
}

/// When a bucket was last taken from, and how much of it was spent then.
#[derive(Clone, Debug, Default)]
pub struct Bucket(Option<(Timestamp, f64)>);

impl Bucket {
    /// Takes one of `most`, which fill again by so many a second: `Ok` with what is left, `Err`
    /// with what is lacking.
    pub fn take(&mut self, per_second: f64, most: f64, now: Timestamp) -> Result<f64, f64> {
        let (at, spent) = self.0.unwrap_or((now, 0.0));
        let spent = (spent - seconds(at, now) * per_second).max(0.0) + 1.0;
        if spent > most {
            return Err(spent - most);
        }
        self.0 = Some((now, spent));
        Ok(most - spent)
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
