//! How much comparing one request may ask for.
//!
//! A filter of sixty tests on long texts, or a thousand operations on long lists, is a small
//! request that would keep a thread busy for seconds. What it costs is counted where values are
//! compared, in units of about ten nanoseconds, and charged to whoever [`charged`](Work::charged)
//! the job: the count is the thread's, for a job never waits. Where nobody charges, nothing is
//! limited.

use std::cell::Cell;

use serde_json::Value;

use super::ScimError;

/// For evaluating the filter of one request on all it may match.
pub const FILTER: u64 = 8 * 1024 * 1024;
/// For applying one PATCH to one resource: nobody has a turn meanwhile.
pub const PATCH: u64 = 512 * 1024;
/// After so much, others have their turn.
const SLICE: u64 = 128 * 1024;

/// One comparison, whatever of.
const ONE: u64 = 8;
/// Bytes that are compared for one unit where no letter needs to be looked up.
const PLAIN: u64 = 16;
/// Units for a byte of a text that has to be folded by the tables of Unicode.
const FOLDING: u64 = 4;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// What is left for one request.
#[derive(Debug)]
pub struct Work {
    left: u64,
    in_slice: u64,
}

/// The request has used up what it may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent;

impl Work {
    /// So many units.
    pub const fn of(units: u64) -> Self {
        Self {
            left: units,
            in_slice: 0,
        }
    }

    /// Does `job` and charges what it compares.
    ///
    /// # Errors
    /// [`Spent`]; what `job` found out is not to be used then.
    pub fn charged<T>(&mut self, job: impl FnOnce() -> T) -> Result<T, Spent> {
        let charging = Charging(LEFT.replace(self.left));
        let result = job();
        let left = LEFT.get();
        drop(charging);
        self.in_slice += self.left - left;
        self.left = left;
        match left {
            0 => Err(Spent),
            _ => Ok(result),
        }
    }

    /// Whether it is time to let others have their turn; it is asked once for each.
    pub fn is_long(&mut self) -> bool {
        let is_long = self.in_slice >= SLICE;
        if is_long {
            self.in_slice = 0;
        }
        is_long
    }
}

impl Spent {
    /// 400 `tooMany`: of a filter (RFC 7644 §3.12) or a `sortBy`.
    pub fn by_filter(self) -> ScimError {
        ScimError::too_many(
            "The filter or sortBy asks for too many comparisons of long values. Ask with eq, with fewer conditions, or unsorted.",
        )
    }

    /// 413: of a PATCH.
    pub fn by_patch(self) -> ScimError {
        ScimError::too_large(
            "The operations ask for too many comparisons. Send fewer operations in one PATCH.",
        )
    }
}

/// Puts back what was left for whoever charged before, also after a panic.
struct Charging(u64);

impl Drop for Charging {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

/// Charges the comparison of two values; `false` if nothing is left.
pub(super) fn compare(a: &Value, b: &Value) -> bool {
    charge(ONE + cost(a) + cost(b))
}

/// Charges a look at each of so many elements; `false` if nothing is left.
pub(super) fn look_at(elements: usize) -> bool {
    charge(elements as u64)
}

/// Charges the folding of a text by the tables of Unicode; `false` if nothing is left.
pub(super) fn fold(text: &str) -> bool {
    charge(text.len() as u64 * FOLDING)
}

/// Charges the copy of a value; `false` if nothing is left.
pub(super) fn copy(value: &Value) -> bool {
    let parts = match value {
        Value::Array(elements) => elements.iter().all(copy),
        Value::Object(parts) => parts.values().all(copy),
        _ => true,
    };
    parts && charge(ONE + cost(value))
}

fn cost(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_default();
    text.len() as u64 / PLAIN
}

fn charge(units: u64) -> bool {
    let left = LEFT.get();
    if left == u64::MAX {
        return true;
    }
    let left = left.saturating_sub(units);
    LEFT.set(left);
    left > 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_stays_spent_and_is_nobody_elses() {
        let (a, b) = (Value::from("a"), Value::from("b"));
        let mut work = Work::of(3 * ONE);
        assert_eq!(work.charged(|| compare(&a, &b)), Ok(true));
        assert_eq!(work.charged(|| compare(&a, &b)), Ok(true));
        assert_eq!(work.charged(|| compare(&a, &b)), Err(Spent));
        assert_eq!(work.charged(|| ()), Err(Spent));
        assert!(compare(&a, &b), "not charged");
        let caught =
            std::panic::catch_unwind(|| Work::of(1).charged(|| -> bool { panic!("in a job") }));
        assert!(caught.is_err() && LEFT.get() == u64::MAX);
    }

    #[test]
    fn others_have_their_turn_now_and_then() {
        let mut work = Work::of(FILTER);
        let long = "ﷺ".repeat(2000);
        let turns = (0..100).filter(|_| {
            work.charged(|| fold(&long)).unwrap();
            work.is_long()
        });
        assert!((15..=50).contains(&turns.count()));
    }
}
