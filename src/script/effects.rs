//! What the calls of a script's function came to: whether something may have changed at the
//! vendor, and the last answer.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

use crate::scim::ResourceKind;

/// What the calls of one function have done so far. A write counts as soon as it is sent, until
/// its reply says that it was refused.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    wrote: Cell<bool>,
    /// The last call is a write, and its reply is not judged yet.
    pending: Cell<bool>,
    about: Cell<Option<ResourceKind>>,
    looking_up: Cell<bool>,
    last: RefCell<Option<LastCall>>,
}

/// The last call of a function.
#[derive(Clone, Debug)]
pub(crate) struct LastCall {
    /// `GET /users/…`: whatever may be a person's is left out.
    pub(crate) call: String,
    /// The body of the vendor's answer; empty if there was none.
    pub(crate) body: Bytes,
}

impl Effects {
    /// A function is called that is about one kind of resource, or about no single one.
    pub(crate) fn begin_function(&self, about: Option<ResourceKind>) {
        self.about.set(about);
    }

    /// What the function is about.
    pub(crate) fn about(&self) -> Option<ResourceKind> {
        self.about.get()
    }

    /// Begins a look-up that others may wait for, until the guard is dropped; `None` within one.
    pub(crate) fn look_up(&self) -> Option<LookingUp<'_>> {
        (!self.looking_up.replace(true)).then_some(LookingUp(&self.looking_up))
    }

    /// Whether others may wait for what is looked up.
    pub(crate) fn is_looking_up(&self) -> bool {
        self.looking_up.get()
    }

    /// A call ended.
    pub(crate) fn ended(&self, last: LastCall) {
        *self.last.borrow_mut() = Some(last);
    }

    /// The last call that ended.
    pub(crate) fn last(&self) -> Option<LastCall> {
        self.last.borrow().clone()
    }

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

/// A look-up that others may wait for.
pub(crate) struct LookingUp<'e>(&'e Cell<bool>);

impl Drop for LookingUp<'_> {
    fn drop(&mut self) {
        self.0.set(false);
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
