//! Whether the calls of a script's function may have changed something at the vendor.

use std::cell::Cell;

/// What the calls of one function have done so far. A write counts as soon as it is sent, until
/// its reply says that it was refused.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    wrote: Cell<bool>,
    /// The last call is a write, and its reply is not judged yet.
    pending: Cell<bool>,
}

impl Effects {
    /// A call is sent.
    pub(crate) fn begin(&self, writes: bool) {
        self.wrote.set(self.wrote());
        self.pending.set(writes);
    }

    /// The last call was certainly not carried out.
    pub(crate) fn refused(&self) {
        self.pending.set(false);
    }

    /// Something was written, by whatever way.
    pub(crate) fn written(&self) {
        self.wrote.set(true);
    }

    /// Whether something may have changed at the vendor.
    pub(crate) fn wrote(&self) -> bool {
        self.wrote.get() || self.pending.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_write_has_changed_nothing_and_an_earlier_one_still_counts() {
        let effects = Effects::default();
        effects.begin(true);
        assert!(effects.wrote(), "sent, and not judged");
        effects.refused();
        assert!(!effects.wrote());
        effects.begin(true);
        effects.begin(false);
        effects.refused();
        assert!(effects.wrote(), "the refused call only read");
    }
}
