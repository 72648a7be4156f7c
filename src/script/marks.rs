//! Marks of what was used, for coverage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Marks by index, set by whoever passes.
#[derive(Debug)]
pub(crate) struct Marks(Vec<AtomicBool>);

impl Marks {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self((0..count).map(|_| AtomicBool::new(false)).collect()))
    }

    /// Marks one; what was added after the marks were made has none.
    pub(crate) fn set(&self, index: usize) {
        if let Some(mark) = self.0.get(index) {
            mark.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_set(&self, index: usize) -> bool {
        self.0
            .get(index)
            .is_some_and(|mark| mark.load(Ordering::Relaxed))
    }
}
