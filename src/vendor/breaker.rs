//! The circuit breaker: a vendor that is down is not asked on every request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::window::Window;
use crate::provisioning::lease::Lease;

const FEWEST_CALLS: u32 = 20;
const MOST_UNCONNECTED: u32 = 5;
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Calls in the first second after it closed; each second after that twice as many.
const RAMP_START: u32 = 10;
/// After so many seconds there is no limit any more.
const RAMP_SECONDS: u32 = 5;

/// One tenant's breaker. It opens when at least half of 20 or more calls in ten
/// seconds failed, or when five in a row found no connection; then one probe a
/// second goes out, and the first that succeeds closes it. What waited for that does not come all at
/// once: the number of calls a second grows from then on. Replicas each see a
/// share of the calls: so many fewer open it, and each probes so much less often.
#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
    replicas: Lease,
}

#[derive(Debug)]
struct State {
    window: Window,
    unconnected: u32,
    /// When open: the time of the next probe.
    next_probe: Option<Instant>,
    ramp: Option<Ramp>,
}

/// How many calls go out after it closed.
#[derive(Debug)]
struct Ramp {
    began: Instant,
    second: u32,
    admitted: u32,
}

impl Ramp {
    /// Whether one more may go out; `None` once the ramp is over.
    fn admits(&mut self, now: Instant) -> Option<bool> {
        let second = now.saturating_duration_since(self.began).as_secs();
        let second = u32::try_from(second)
            .ok()
            .filter(|second| *second < RAMP_SECONDS)?;
        if second != self.second {
            (self.second, self.admitted) = (second, 0);
        }
        let admits = self.admitted < RAMP_START << second;
        self.admitted += u32::from(admits);
        Some(admits)
    }
}

/// Leave to make a call; its result is recorded with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// The breaker is closed.
    Free,
    /// The one call of this second that finds out whether the vendor is back.
    Probe,
}

/// How a call went, as far as the vendor's health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered, whatever it said.
    Well,
    /// It answered with a fault, or the answer was lost.
    Failing,
    /// There was no connection.
    Unconnected,
}

/// What a result did to the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Opened,
    Closed,
}

impl Breaker {
    pub(super) fn new(replicas: Lease) -> Self {
        let state = State {
            window: Window::new(Instant::now()),
            unconnected: 0,
            next_probe: None,
            ramp: None,
        };
        Self {
            state: Mutex::new(state),
            replicas,
        }
    }

    /// Leave to make a call now, if there is.
    pub(super) fn admit(&self) -> Option<Pass> {
        let now = Instant::now();
        let mut state = self.lock();
        let Some(next_probe) = &mut state.next_probe else {
            let admits = state.ramp.as_mut().and_then(|ramp| ramp.admits(now));
            if admits.is_none() {
                state.ramp = None;
            }
            return admits.unwrap_or(true).then_some(Pass::Free);
        };
        if now < *next_probe {
            return None;
        }
        *next_probe = now + PROBE_EVERY * self.replicas.replicas();
        Some(Pass::Probe)
    }

    /// Whether only probes go out.
    pub(super) fn is_open(&self) -> bool {
        self.lock().next_probe.is_some()
    }

    /// Takes note of a call's result.
    pub(super) fn record(&self, pass: Pass, health: Health) -> Change {
        let now = Instant::now();
        let mut state = self.lock();
        match (state.next_probe, pass) {
            (None, _) => state.count(health, now, self.replicas.replicas()),
            (Some(_), Pass::Probe) if health == Health::Well => state.close(now),
            // A call from before it opened says nothing about now.
            (Some(_), _) => Change::None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, health: Health, now: Instant, replicas: u32) -> Change {
        let current = self.window.current(now);
        current.all += 1;
        current.special += u32::from(health != Health::Well);
        self.unconnected = match health {
            Health::Unconnected => self.unconnected + 1,
            Health::Well | Health::Failing => 0,
        };
        let sum = self.window.sum(now);
        let failing = sum.all >= FEWEST_CALLS.div_ceil(replicas) && sum.special * 2 >= sum.all;
        if !failing && self.unconnected < MOST_UNCONNECTED.div_ceil(replicas) {
            return Change::None;
        }
        self.next_probe = Some(now + PROBE_EVERY);
        Change::Opened
    }

    fn close(&mut self, now: Instant) -> Change {
        (self.window, self.unconnected, self.next_probe) = (Window::new(now), 0, None);
        self.ramp = Some(Ramp {
            began: now,
            second: 0,
            admitted: 0,
        });
        Change::Closed
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[track_caller]
    fn record(breaker: &Breaker, times: usize, health: Health) -> Change {
        (0..times).fold(Change::None, |_, _| breaker.record(Pass::Free, health))
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_twenty_calls_open_it_and_fewer_do_not() {
        let breaker = Breaker::new(Lease::default());
        assert_eq!(record(&breaker, 10, Health::Well), Change::None);
        assert_eq!(record(&breaker, 9, Health::Failing), Change::None);
        assert_eq!(breaker.admit(), Some(Pass::Free));
        assert_eq!(record(&breaker, 1, Health::Failing), Change::Opened);
        assert_eq!(breaker.admit(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn each_of_four_replicas_sees_a_quarter_of_the_calls() {
        let replica = std::sync::Arc::new(crate::provisioning::lease::Replica::default());
        replica.renewed(1, crate::provisioning::lease::Moment::now(), 4);
        let breaker = Breaker::new(replica.lease());
        assert_eq!(record(&breaker, 2, Health::Well), Change::None);
        assert_eq!(record(&breaker, 2, Health::Failing), Change::None);
        assert_eq!(record(&breaker, 1, Health::Failing), Change::Opened);
        advance(Duration::from_secs(1)).await;
        assert_eq!(breaker.admit(), Some(Pass::Probe));
        advance(Duration::from_secs(3)).await;
        assert_eq!(breaker.admit(), None, "one in four seconds");
        advance(Duration::from_secs(1)).await;
        assert_eq!(breaker.admit(), Some(Pass::Probe));
    }

    #[tokio::test(start_paused = true)]
    async fn faults_of_more_than_ten_seconds_ago_do_not_count() {
        let breaker = Breaker::new(Lease::default());
        record(&breaker, 19, Health::Failing);
        advance(Duration::from_secs(11)).await;
        assert_eq!(record(&breaker, 1, Health::Failing), Change::None);
    }

    #[tokio::test(start_paused = true)]
    async fn five_connect_failures_in_a_row_open_it() {
        let breaker = Breaker::new(Lease::default());
        record(&breaker, 4, Health::Unconnected);
        record(&breaker, 1, Health::Failing);
        assert_eq!(record(&breaker, 4, Health::Unconnected), Change::None);
        assert_eq!(record(&breaker, 1, Health::Unconnected), Change::Opened);
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_a_second_until_one_succeeds() {
        let breaker = Breaker::new(Lease::default());
        record(&breaker, 5, Health::Unconnected);
        advance(Duration::from_secs(1)).await;
        assert_eq!(breaker.admit(), Some(Pass::Probe));
        assert_eq!(breaker.admit(), None, "one a second");
        assert_eq!(
            breaker.record(Pass::Free, Health::Well),
            Change::None,
            "begun before"
        );
        assert_eq!(breaker.record(Pass::Probe, Health::Failing), Change::None);
        assert_eq!(breaker.admit(), None);
        advance(Duration::from_secs(1)).await;
        assert_eq!(breaker.admit(), Some(Pass::Probe));
        assert_eq!(breaker.record(Pass::Probe, Health::Well), Change::Closed);
        assert_eq!(breaker.admit(), Some(Pass::Free));
        assert_eq!(
            record(&breaker, 4, Health::Unconnected),
            Change::None,
            "counts start anew"
        );
    }
    #[tokio::test(start_paused = true)]
    async fn after_it_closed_the_calls_a_second_grow() {
        let breaker = Breaker::new(Lease::default());
        record(&breaker, 5, Health::Unconnected);
        advance(PROBE_EVERY).await;
        let probe = breaker.admit().unwrap_or(Pass::Free);
        assert_eq!(breaker.record(probe, Health::Well), Change::Closed);
        let offered = || (0..1000).filter(|_| breaker.admit().is_some()).count();
        for expect in [10, 20, 40, 80, 160, 1000] {
            assert_eq!(offered(), expect);
            advance(Duration::from_secs(1)).await;
        }
    }
}
