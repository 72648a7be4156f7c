//! So many calls a minute, all of them at once after a pause.

use jiff::Timestamp;

/// What was used of a minute's calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket(Option<(Timestamp, f64)>);

impl Bucket {
    /// Takes one call; `false` if there is none left.
    pub(super) fn take(&mut self, per_minute: u32, now: Timestamp) -> bool {
        let most = f64::from(per_minute);
        let used = self.0.map_or(0.0, |(at, used)| {
            let seconds = now.duration_since(at).as_secs_f64();
            (used - seconds * most / 60.0).max(0.0)
        });
        // A hair more, for a caller that counts in the same steps.
        let is_free = used + 1.0 <= most + 0.01;
        self.0 = Some((now, used + f64::from(u8::from(is_free))));
        is_free
    }
}
