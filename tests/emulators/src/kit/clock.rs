//! A clock that tests can move and stop.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The emulator's time: the machine's, moved ahead, perhaps stopped.
///
/// What a vendor does after 30 days or within a minute is a function of this clock alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    ahead: SignedDuration,
    stopped: Option<Timestamp>,
}

impl Clock {
    /// The time now, in the emulator.
    pub fn now(&self) -> Timestamp {
        let base = self.stopped.unwrap_or_else(Timestamp::now);
        base.checked_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// Moves ahead, also when stopped. Time never goes back.
    pub fn advance(&mut self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.ahead = self.ahead.saturating_add(by);
    }

    /// Stops, so that only [`Clock::advance`] moves it.
    pub fn stop(&mut self) {
        self.stopped.get_or_insert_with(Timestamp::now);
    }
}
