//! Texts in folded form, each made once for one evaluation: sixty tests of one value fold it once.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::scim::compare::{FOLDED, fold, same_text};
use crate::scim::work;

/// What was folded of texts that do not change for `'v`, so that where one lies tells which it is.
#[derive(Debug, Default)]
pub(super) struct Folds<'v> {
    made: RefCell<HashMap<(*const u8, usize), Rc<str>>>,
    /// Invariant: a shorter life must not be taken for `'v`.
    of: PhantomData<Cell<&'v str>>,
}

/// A folded text, made for this look or an earlier one.
pub(super) enum Folded<'v> {
    Here(Cow<'v, str>),
    Made(Rc<str>),
}

impl<'v> Folds<'v> {
    /// `text`, folded.
    pub(super) fn of(&self, text: &'v str) -> Folded<'v> {
        if text.is_ascii() || text.len() > FOLDED {
            return Folded::Here(fold(text));
        }
        let place = (text.as_ptr(), text.len());
        if let Some(made) = self.made.borrow().get(&place) {
            return Folded::Made(Rc::clone(made));
        }
        // Beyond what may be spent it is compared as it stands; that outcome is not used.
        let made: Rc<str> = match work::fold(text) {
            true => fold(text).into(),
            false => text.into(),
        };
        self.made.borrow_mut().insert(place, Rc::clone(&made));
        Folded::Made(made)
    }

    /// Whether two texts are equal without regard to case.
    pub(super) fn same(&self, a: &'v str, b: &'v str) -> bool {
        match a.is_ascii() && b.is_ascii() {
            true => same_text(a, b),
            false => *self.of(a) == *self.of(b),
        }
    }
}

impl std::ops::Deref for Folded<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Here(text) => text,
            Self::Made(text) => text,
        }
    }
}
