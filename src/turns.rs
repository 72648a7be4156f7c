//! Who runs next on a thread where something takes long.
//!
//! Most of what a request needs is done within a fraction of a millisecond. What takes longer (a script,
//! a long body, a PATCH or a filter of many comparisons) goes on in pieces of at most about a
//! millisecond, and of all these on a thread a single one runs between two turns of the event loop,
//! so that however many there are everybody else waits for one piece. Each tenant has one of them
//! in that line, so that many of one tenant take no more turns than one of another.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::sleep;

/// What others get before a piece of pure computing, at least; the timer's own grain.
pub const REST: Duration = Duration::from_millis(1);

thread_local! {
    static TURN: &'static Semaphore = Box::leak(Box::new(Semaphore::new(1)));
    /// The lines of tenants that have something long.
    static LINES: RefCell<HashMap<Box<str>, Weak<Semaphore>>> = RefCell::default();
}

/// Waits for the turn of a tenant's long work, which then goes on for one piece. Others have at
/// least `rest` before it; zero is as long as those need who are ready.
pub async fn pass(tenant: &str, rest: Duration) {
    let (line, turn) = (line_of(tenant), TURN.with(|turn| *turn));
    let _first = line.acquire().await;
    // First come, first served; held for the rest before a turn, so that turns are apart.
    let _turn = turn.acquire().await;
    match rest.is_zero() {
        true => yield_now().await,
        false => sleep(rest).await,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_tenant_has_one_place_in_the_line() {
        let order = RefCell::new(Vec::new());
        let work = async |tenant: &'static str| {
            pass(tenant, Duration::ZERO).await;
            order.borrow_mut().push(tenant);
        };
        tokio::join!(work("a"), work("a"), work("a"), work("b"));
        assert_eq!(order.take(), ["a", "b", "a", "a"]);
    }
}
