//! Who runs next on a thread where scripts take long.
//!
//! Most scripts are done within their first milliseconds of CPU time, and whoever yields then only
//! goes to the end of the queue. One that took more is heavy: of the heavy ones of a thread a
//! single one runs at a time, a turn of it and then a pause, so that however many there are they
//! take no more than a part of the thread from all others. Each tenant has one of them in that
//! line, so that many of one tenant take no more turns than one of another.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

/// CPU time after which a script is heavy.
const HEAVY: Duration = Duration::from_millis(4);

/// What others get after a heavy script's turn, at least; the timer's own grain.
const REST: Duration = Duration::from_millis(1);

thread_local! {
    static TURN: &'static Semaphore = Box::leak(Box::new(Semaphore::new(1)));
    /// The lines of tenants that have heavy scripts.
    static LINES: RefCell<HashMap<Box<str>, Weak<Semaphore>>> = RefCell::default();
}

fn line_of(tenant: &str) -> Rc<Semaphore> {
    LINES.with_borrow_mut(|lines| {
        if let Some(line) = lines.get(tenant).and_then(Weak::upgrade) {
            return line;
        }
        lines.retain(|_, line| line.strong_count() > 0);
        let line = Rc::new(Semaphore::new(1));
        lines.insert(tenant.into(), Rc::downgrade(&line));
        line
    })
}

/// Lets others run before a script that took `used` so far goes on. A heavy one that waits for its
/// turn at the deadline goes on without, to end there.
pub(super) async fn pass(used: Duration, deadline: Instant, tenant: &str) {
    if used < HEAVY {
        return tokio::task::yield_now().await;
    }
    let (line, turn) = (line_of(tenant), TURN.with(|turn| *turn));
    let _first = timeout_at(deadline, line.acquire()).await;
    // First come, first served; held for the pause before a turn, so that turns are apart.
    let _turn = timeout_at(deadline, turn.acquire()).await;
    sleep(REST).await;
}
