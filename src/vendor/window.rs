//! A count over the last ten seconds, in one-second slots.

use tokio::time::Instant;

const SLOTS: usize = 10;

/// Two counts: all, and those of a special kind (faults, retries).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) all: u32,
    pub(super) special: u32,
}

/// The tallies of the last ten seconds.
#[derive(Debug)]
pub(super) struct Window {
    began: Instant,
    slots: [(u64, Tally); SLOTS],
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            slots: [(0, Tally::default()); SLOTS],
        }
    }

    /// The tally of the current second, to be counted up.
    pub(super) fn current(&mut self, now: Instant) -> &mut Tally {
        let second = self.second(now);
        let (of, tally) = &mut self.slots[second as usize % SLOTS];
        if *of != second {
            (*of, *tally) = (second, Tally::default());
        }
        tally
    }

    /// The sum of the last ten seconds, the current one included.
    pub(super) fn sum(&self, now: Instant) -> Tally {
        let oldest = (self.second(now) + 1).saturating_sub(SLOTS as u64);
        let recent = self.slots.iter().filter(|(second, _)| *second >= oldest);
        recent.fold(Tally::default(), |sum, (_, tally)| Tally {
            all: sum.all.saturating_add(tally.all),
            special: sum.special.saturating_add(tally.special),
        })
    }

    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_older_than_ten_seconds_is_forgotten() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut window = Window::new(began);
        window.current(at(0)).all += 3;
        window.current(at(9)).all += 1;
        assert_eq!(window.sum(at(9)).all, 4);
        assert_eq!(window.sum(at(10)).all, 1);
        window.current(at(10)).special += 1;
        assert_eq!(window.sum(at(10)), Tally { all: 1, special: 1 });
        assert_eq!(window.sum(at(600)), Tally::default());
    }
}
