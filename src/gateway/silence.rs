//! Work that is rehearsed: no log line and no span may tell of it as if it had happened.

use tracing::Dispatch;
use tracing::callsite::rebuild_interest_cache;
use tracing::dispatcher::with_default;
use tracing::subscriber::NoSubscriber;

/// Carries `work` out without log lines and spans.
///
/// `Dispatch::none()` would silence for ever what is met here for the first time: while there is one
/// subscriber, `tracing` asks the thread's own whether a line is wanted, and remembers the answer for
/// all threads.
pub(super) fn silently<T>(work: impl FnOnce() -> T) -> T {
    let silent = Dispatch::new(NoSubscriber::default());
    let result = with_default(&silent, work);
    drop(silent);
    rebuild_interest_cache();
    result
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Registry;

    use super::*;

    #[test]
    fn what_is_met_in_silence_for_the_first_time_is_told_later() {
        let span = || tracing::info_span!("met");
        with_default(&Dispatch::new(Registry::default()), || {
            assert!(silently(|| span().is_disabled()));
            assert!(!span().is_disabled());
        });
    }
}
