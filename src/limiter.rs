//! How often something may happen: a token bucket, and a replica's share of one.

use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// What this replica may take of a limit that all replicas have together. Numbers of 0 count as 1.
#[derive(Debug)]
pub struct Share {
    limit: Limit,
    /// Among so many replicas, and the bucket of that share.
    bucket: Mutex<Option<(u32, Limiter)>>,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    Second { rate: u32, burst: u32 },
    Minute(u32),
}

impl Share {
    /// Of so many a second in the long run, and `burst` at once after a pause.
    pub fn per_second(rate: u32, burst: u32) -> Self {
        Self::of(Limit::Second { rate, burst })
    }

    /// Of a limit that all replicas together never exceed in any sixty seconds.
    pub fn per_minute(limit: u32) -> Self {
        Self::of(Limit::Minute(limit))
    }

    fn of(limit: Limit) -> Self {
        let bucket = Mutex::default();
        Self { limit, bucket }
    }

    /// Takes a token, where `replicas` take some; `Err` is how long until there is one.
    pub fn take(&self, replicas: u32) -> Result<(), Duration> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if bucket.as_ref().is_some_and(|(share, _)| *share != replicas) {
            let (_, limiter) = bucket.insert((replicas, self.limit.among(replicas)));
            // What was in the one before may be used up.
            limiter.drain();
        }
        let (_, limiter) = bucket.get_or_insert_with(|| (replicas, self.limit.among(replicas)));
        limiter.take()
    }
}

impl Limit {
    fn among(self, replicas: u32) -> Limiter {
        let share = replicas.max(1);
        match self {
            Self::Second { rate, burst } => {
                let each = Duration::from_secs(1) / rate.max(1);
                Limiter::new(each * share, burst / share)
            }
            Self::Minute(limit) => {
                let (each, burst) = minute(limit, share);
                Limiter::new(each, burst)
            }
        }
    }
}

/// A limit that is never exceeded in any sixty seconds, of which somebody else keeps what was taken.
#[derive(Clone, Copy, Debug)]
pub struct PerMinute {
    /// Between two tokens, in milliseconds.
    each: i64,
    burst: i64,
}

impl PerMinute {
    /// 0 counts as 1.
    pub fn of(limit: u32) -> Self {
        let (each, burst) = minute(limit, 1);
        Self {
            each: i64::try_from(each.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX),
            burst: burst.into(),
        }
    }

    /// Takes a token at `now`, of a bucket that is full at `full_at` if nothing is taken until then;
    /// both in milliseconds. When it is full then, or how long until there is a token.
    ///
    /// # Errors
    /// There is none now.
    pub fn take(self, full_at: i64, now: i64) -> Result<i64, Duration> {
        // Where the clock was set back, it is empty at worst.
        let lacks = (full_at.saturating_sub(now)).clamp(0, self.burst * self.each);
        match lacks - (self.burst - 1) * self.each {
            wait @ 1.. => Err(Duration::from_millis(wait.unsigned_abs())),
            _ => Ok(now.saturating_add(lacks + self.each)),
        }
    }
}

/// A bucket of tokens. Every number counts as one at least.
#[derive(Debug)]
pub struct Limiter {
    bucket: RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Moment>>,
    burst: NonZeroU32,
}

impl Limiter {
    /// So many a second in the long run, and `burst` at once after a pause.
    pub fn per_second(rate: u32, burst: u32) -> Self {
        Limit::Second { rate, burst }.among(1)
    }

    fn new(each: Duration, burst: u32) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let each = each.max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).unwrap_or(Quota::per_second(NonZeroU32::MAX));
        Self {
            bucket: RateLimiter::direct_with_clock(quota.allow_burst(burst), Time),
            burst,
        }
    }

    /// Takes a token; `Err` is how long until there is one.
    pub fn take(&self) -> Result<(), Duration> {
        let taken = self.bucket.check();
        taken.map_err(|early| early.wait_time_from(Time.now()))
    }

    /// Takes all tokens of a full bucket.
    fn drain(&self) {
        let _ = self.bucket.check_n(self.burst);
    }
}

/// The time between two tokens, and the burst. A bucket holding `limit` and filling by `limit` a
/// minute lets twice the limit through in its first minute; vendors count minutes. A part at once
/// and the rest spread out never exceed the limit in any sixty seconds, with half of that time left
/// for calls that overtake each other on the way. Where a replica's share is one call, it is one in
/// sixty seconds; where it is less, one in so many more.
fn minute(limit: u32, share: u32) -> (Duration, u32) {
    let (limit, share) = (limit.max(1), share.max(1));
    let minute = Duration::from_secs(60);
    match limit / share {
        0 => (minute * share / limit, 1),
        1 => (minute, 1),
        own => {
            let burst = (own / 10).max((own / 3).clamp(1, 3));
            (2 * minute / (2 * (own - burst) + 1), burst)
        }
    }
}

/// The clock of everything else here, which tests can hold.
#[derive(Clone, Debug)]
struct Time;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Instant);

impl Clock for Time {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(Instant::now())
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, span: Nanos) -> Self {
        Self(self.0.checked_sub(span.into()).unwrap_or(self.0))
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, span: Nanos) -> Self {
        Self(self.0 + Duration::from(span))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_ever_sees_more_than_its_limit() {
        for limit in [1, 2, 9, 10, 60, 61, 1_000] {
            for share in (1..=4).filter(|share| *share <= limit) {
                let (each, burst) = minute(limit, share);
                let in_a_minute = Duration::from_secs(60).as_nanos().saturating_sub(1);
                let one = u128::from(burst) + in_a_minute / each.as_nanos();
                assert!(
                    one * u128::from(share) <= u128::from(limit),
                    "{limit} / {share}"
                );
            }
        }
    }

    /// That no more than `limit` of these moments, in milliseconds, lie in any sixty seconds.
    fn check(taken: &[i64], limit: usize) {
        for (place, first) in taken.iter().enumerate() {
            let within = taken[place..].iter().take_while(|at| **at - first < 60_000);
            assert!(within.count() <= limit, "{limit}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_in_any_sixty_seconds_keeps_to_the_limit() {
        for limit in [1, 6, 60] {
            let (limiter, began) = (Share::per_minute(limit), Instant::now());
            let mut taken = Vec::new();
            while taken.len() < 4 * limit as usize {
                match limiter.take(1) {
                    Ok(()) => taken.push(began.elapsed().as_millis() as i64),
                    Err(wait) => tokio::time::sleep(wait).await,
                }
            }
            check(&taken, limit as usize);
        }
    }

    #[test]
    fn what_is_taken_of_a_kept_bucket_keeps_to_the_limit() {
        for limit in [1, 6, 9, 10, 60, 1_000] {
            let (bucket, mut full_at, mut now) = (PerMinute::of(limit), 0, 1_000_000);
            let mut taken = Vec::new();
            while taken.len() < 4 * limit as usize {
                match bucket.take(full_at, now) {
                    Ok(next) => {
                        full_at = next;
                        taken.push(now);
                    }
                    Err(wait) => now += wait.as_millis() as i64,
                }
            }
            check(&taken, limit as usize);
            if limit == 6 {
                let seconds: Vec<_> = taken.iter().map(|at| at / 1_000 - 1_000).collect();
                assert_eq!(seconds[..7], [0, 0, 13, 26, 40, 53, 66]);
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_back_empties_a_kept_bucket_and_no_more() {
        let bucket = PerMinute::of(6);
        let full_at = bucket.take(0, 1_000_000_000).unwrap();
        let wait = bucket.take(full_at, 0).unwrap_err();
        assert_eq!(wait, Duration::from_millis(13_334));
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_of_a_rate_is_so_much_slower() {
        let limiter = Share::per_second(10, 4);
        let now = std::iter::from_fn(|| limiter.take(2).ok());
        assert_eq!(now.count(), 2);
        tokio::time::advance(Duration::from_millis(199)).await;
        assert!(limiter.take(2).is_err());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(limiter.take(2).is_ok());
    }
}
