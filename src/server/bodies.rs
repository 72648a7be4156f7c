//! Memory for request bodies and for answers that are not read yet: one budget for all of the gateway,
//! of which one tenant may take a part. It is taken as bytes arrive, and given back when the
//! request has ended and its answer is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::rescue::Rejection;
use crate::scim::json::JsonLimits;
use crate::script::fault::GatewayFault;

/// What each body may weigh without being counted, so that an ordinary request finds room whoever
/// else has taken all: requests in work are counted anyhow.
const FREE: usize = 16 * 1024;
/// Bytes that one value of a document takes in memory, beside its text.
const VALUE: usize = 96;
/// The part of the budget that one tenant may take.
const SHARE: usize = 8;

/// So many bytes, of which some are taken.
#[derive(Debug)]
struct Purse {
    most: usize,
    taken: AtomicUsize,
}

/// The budget of all tenants.
#[derive(Clone, Debug)]
pub(super) struct BodyBudget {
    all: Arc<Purse>,
    share: usize,
}

/// One tenant's part of it.
#[derive(Debug)]
pub(super) struct BodyShare {
    all: Arc<Purse>,
    own: Arc<Purse>,
}

/// What one body weighs; given back when dropped.
#[derive(Debug)]
pub(super) struct BodyCharge {
    all: Arc<Purse>,
    own: Arc<Purse>,
    weight: usize,
}

impl BodyBudget {
    /// `most` bytes in all, and never less than one whole body of `body` bytes takes.
    pub(super) fn new(most: usize, body: usize) -> Self {
        let one = body.saturating_add(JsonLimits::default().nodes * VALUE);
        let share = (most / SHARE).max(one);
        Self {
            all: Purse::of(most.max(share)),
            share,
        }
    }

    pub(super) fn share(&self) -> BodyShare {
        BodyShare {
            all: Arc::clone(&self.all),
            own: Purse::of(self.share),
        }
    }
}

impl BodyShare {
    /// Of a body of which nothing has arrived.
    pub(super) fn charge(&self) -> BodyCharge {
        BodyCharge {
            all: Arc::clone(&self.all),
            own: Arc::clone(&self.own),
            weight: 0,
        }
    }
}

impl BodyCharge {
    /// Takes so many bytes more.
    ///
    /// # Errors
    /// The tenant has its share already (429), or all have taken all there is (503).
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Rejection> {
        let before = self.counted();
        let more = (self.weight + bytes).saturating_sub(FREE) - before;
        if !self.own.take(more) {
            return Err(Rejection::TooManyBytes);
        }
        if !self.all.take(more) {
            self.own.give(more);
            return Err(GatewayFault::Overloaded.into());
        }
        self.weight += bytes;
        Ok(())
    }

    /// Takes what the values of a document take that has arrived.
    ///
    /// # Errors
    /// As [`grow`](Self::grow).
    pub(super) fn grow_by_values(&mut self, document: &[u8]) -> Result<(), Rejection> {
        let between = |byte: &&u8| matches!(**byte, b',' | b':' | b'[' | b'{');
        let values = document.iter().filter(between).count() + 1;
        self.grow(values.min(JsonLimits::default().nodes) * VALUE)
    }

    /// Takes what an answer of so many bytes takes until it is sent. One that is larger than the
    /// tenant's share takes all of it.
    ///
    /// # Errors
    /// As [`grow`](Self::grow).
    pub(super) fn grow_by_answer(&mut self, bytes: usize) -> Result<(), Rejection> {
        self.grow(bytes.min(self.own.most.saturating_sub(self.counted())))
    }

    fn counted(&self) -> usize {
        self.weight.saturating_sub(FREE)
    }
}

impl Drop for BodyCharge {
    fn drop(&mut self) {
        self.own.give(self.counted());
        self.all.give(self.counted());
    }
}

impl Purse {
    fn of(most: usize) -> Arc<Self> {
        let taken = AtomicUsize::new(0);
        Arc::new(Self { most, taken })
    }

    fn take(&self, bytes: usize) -> bool {
        let more = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    fn give(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn a_tenant_has_its_share_and_all_have_what_there_is() {
        let budget = BodyBudget::new(32 * MIB, MIB);
        let shares: Vec<_> = (0..9).map(|_| budget.share()).collect();
        let mut charges = Vec::new();
        for share in &shares[..8] {
            let mut charge = share.charge();
            charge.grow(4 * MIB + FREE).unwrap();
            assert!(matches!(
                share.charge().grow(FREE + 1),
                Err(Rejection::TooManyBytes)
            ));
            charges.push(charge);
        }
        let mut ninth = shares[8].charge();
        ninth.grow(FREE).unwrap();
        assert!(matches!(ninth.grow(1), Err(Rejection::Failure(_))));
        charges.pop();
        ninth.grow(MIB).unwrap();
    }

    #[test]
    fn what_was_taken_is_given_back() {
        let budget = BodyBudget::new(MIB, 1);
        let share = budget.share();
        for _ in 0..100 {
            let mut charge = share.charge();
            charge.grow(MIB / 2).unwrap();
            charge.grow(MIB).ok();
        }
        assert_eq!(share.own.taken.load(Ordering::Relaxed), 0);
        assert_eq!(share.all.taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_largest_body_of_the_most_values_always_finds_room() {
        for body in [1, MIB, 64 * MIB] {
            let mut charge = BodyBudget::new(1, body).share().charge();
            charge.grow(body).unwrap();
            charge.grow_by_values(&vec![b','; body]).unwrap();
        }
    }
}
