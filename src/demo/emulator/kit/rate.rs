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
    /// When the last call came and how much of the burst was spent then.
    last: Option<(Timestamp, f64)>,
    /// When the running minute began and how many calls it had.
    minute: Option<(Timestamp, u32)>,
}

impl RateLimiter {
    /// Takes one call at `now`: `Ok` with the calls still free at once, or `Err` with whole seconds to wait.
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<u32, u64> {
        let spent = self.spent(rate, now);
        let (began, used) = self
            .minute
            .filter(|(began, _)| seconds(*began, now) < 60.0)
            .unwrap_or((now, 0));
        if used >= rate.per_minute {
            return Err((60.0 - seconds(began, now)).ceil().max(1.0) as u64);
        }
        if spent + 1.0 > f64::from(rate.burst) {
            let wait = (spent + 1.0 - f64::from(rate.burst)) / f64::from(rate.per_second.max(1));
            return Err(wait.ceil().max(1.0) as u64);
        }
        self.last = Some((now, spent + 1.0));
        self.minute = Some((began, used + 1));
        let free = (f64::from(rate.burst) - spent - 1.0) as u32;
        Ok(free.min(rate.per_minute - used - 1))
    }

    fn spent(&self, rate: Rate, now: Timestamp) -> f64 {
        let (at, spent) = self.last.unwrap_or((now, 0.0));
        (spent - seconds(at, now) * f64::from(rate.per_second)).max(0.0)
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
