//! Which rows of a table were used, for coverage.

use std::sync::Arc;

use crate::script::marks::Marks;

/// The rows of a table that were used.
#[derive(Clone, Debug)]
pub(crate) struct SeenRows {
    pub(crate) written: Arc<Marks>,
    pub(crate) read: Arc<Marks>,
}

impl SeenRows {
    /// For a table of so many rows, none of them used yet.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            written: Marks::new(rows),
            read: Marks::new(rows),
        }
    }
}
