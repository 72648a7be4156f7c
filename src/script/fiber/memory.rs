//! How much memory scripts hold: each by itself, and all that live together.
//!
//! rhai bounds each value and not their number, and a function of Rust allocates what it likes. So
//! the allocator counts, in a number of the thread: what a slice added is the script's, until its
//! fiber ends. Whatever a script is given of the vendor is allocated within its slice too.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};

/// What one script may hold. A reply of 8 MiB with 100,000 values takes some 30 MiB while it is
/// read.
pub(super) const MOST_OF_ONE: isize = 48 << 20;

/// What all live scripts may hold together.
const MOST_OF_ALL: isize = 64 << 20;

/// Whoever holds less is not ended because all together hold too much.
const MODEST: isize = 2 << 20;

/// Whoever holds more and is ended because all together hold too much has reached a limit itself.
pub(super) const LARGE: isize = 4 << 20;

static ALL: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

/// The process's allocator, counting by thread.
#[derive(Debug, Default)]
pub struct Counting<A>(pub A);

// SAFETY: every call goes to the inner allocator as it came, and its answer back; the count is a
// number without a destructor, whose reading and writing allocates nothing.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise, handed on.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise, handed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

#[inline]
fn count(more: usize, less: usize) {
    // Sizes of a layout fit into an `isize`.
    let change = (more as isize).wrapping_sub(less as isize);
    LIVE.set(LIVE.get().wrapping_add(change));
    #[cfg(test)]
    PEAK.set(PEAK.get().max(LIVE.get()));
}

#[cfg(test)]
thread_local! {
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// What `work` gives, and the most it held at once.
#[cfg(test)]
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = live();
    PEAK.set(before);
    let result = work();
    (result, PEAK.get() - before)
}

/// What the thread allocated and did not free; only differences mean anything.
#[inline]
pub(super) fn live() -> isize {
    LIVE.get()
}

/// What one fiber's script holds, as the sum of all live ones knows it.
#[derive(Debug, Default)]
pub(super) struct Share(Cell<isize>);

impl Share {
    /// Bytes; below zero if the script freed what others had made.
    pub(super) fn held(&self) -> isize {
        self.0.get()
    }

    /// After a slice.
    pub(super) fn hold(&self, bytes: isize) {
        ALL.fetch_add(bytes - self.0.replace(bytes), Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}

/// Whether a script that holds so much now, and held `before` when its slice began, must end for
/// all together to fit.
pub(super) fn crowds_out(now: isize, before: isize) -> bool {
    now > MODEST && ALL.load(Ordering::Relaxed) + (now - before) > MOST_OF_ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_counts_until_it_is_freed() {
        let before = live();
        let mut bytes: Vec<u8> = Vec::with_capacity(1 << 20);
        assert_eq!(live() - before, 1 << 20);
        bytes.reserve_exact(2 << 20);
        assert_eq!(live() - before, 2 << 20);
        drop(bytes);
        assert_eq!(live(), before);
    }

    #[test]
    fn where_all_hold_too_much_whoever_holds_most_of_it_must_end() {
        let others = Share::default();
        others.hold(MOST_OF_ALL - MODEST);
        let ended = [crowds_out(MODEST, 0), crowds_out(2 * MODEST, 0)];
        // The sum is every test's.
        drop(others);
        assert_eq!(ended, [false, true]);
        assert!(!crowds_out(2 * MODEST, 0));
    }
}
