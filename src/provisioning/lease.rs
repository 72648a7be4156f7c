//! The right of a replica to change what it has locked, for a few seconds at a time.
//!
//! Locks that several gateways respect belong to a lease with a number, which the replica renews
//! every second. A replica that is silent for [`TAKE_OVER`] loses its number, and with it its
//! locks, to the others; it ceases to write [`LEASE`] after its last renewal, by its own clock.
//! What lies between is time for a request that was just allowed to leave. A request keeps the
//! number it began under, so that nothing goes on after a take-over.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use nix::time::ClockId;

/// How long after it asked for its last renewal a replica may write.
pub const LEASE: Duration = Duration::from_secs(4);

/// How long after its last renewal, by the database's clock, others may take its place.
pub const TAKE_OVER: Duration = Duration::from_secs(7);

/// The longest time between the look at the lease and a byte on the wire.
pub const SLACK: Duration = TAKE_OVER.saturating_sub(LEASE);

/// Counts while the machine sleeps, too.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// A moment by a clock that nobody sets and that a stopped process does not stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Now. Without a clock no lease is ever valid.
    pub fn now() -> Self {
        CLOCK
            .now()
            .map_or(Self(Duration::MAX), |now| Self(now.into()))
    }

    fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// What one request may rely on. The default is that of a gateway that shares its store with
/// nobody: it never ends.
#[derive(Clone, Debug, Default)]
pub struct Lease(Option<(i64, Arc<Replica>)>);

impl Lease {
    /// Its number; `None` where nothing is shared.
    pub fn number(&self) -> Option<i64> {
        self.0.as_ref().map(|(number, _)| *number)
    }

    /// Whether what was locked under it is still locked.
    pub fn is_valid(&self) -> bool {
        self.0.as_ref().is_none_or(|(number, replica)| {
            let standing = replica.standing();
            standing.number == *number && Moment::now() < standing.ends
        })
    }

    /// The one that is in force now, for work that begins now.
    #[must_use]
    pub fn latest(&self) -> Self {
        let replica = self.0.as_ref();
        replica.map_or_else(Self::default, |(_, replica)| replica.lease())
    }

    /// How many replicas share what vendors allow, this one included.
    pub fn replicas(&self) -> u32 {
        let replica = self.0.as_ref();
        replica.map_or(1, |(_, replica)| replica.standing().replicas.max(1))
    }
}

/// How this process stands among the replicas.
#[derive(Debug, Default)]
pub struct Replica(RwLock<Standing>);

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// 0 is none.
    number: i64,
    ends: Moment,
    replicas: u32,
    is_cut_off: bool,
}

impl Replica {
    /// The lease in force.
    pub fn lease(self: &Arc<Self>) -> Lease {
        Lease(Some((self.standing().number, Arc::clone(self))))
    }

    /// Takes note of a renewal, or of a new number; `asked` is when it was asked for.
    pub fn renewed(&self, number: i64, asked: Moment, replicas: u32) {
        self.change(|standing| {
            *standing = Standing {
                number,
                ends: asked.after(LEASE),
                replicas,
                is_cut_off: false,
            };
        });
    }

    /// Takes note that the database does not answer. The lease goes on until its end.
    pub fn cut_off(&self) {
        self.change(|standing| standing.is_cut_off = true);
    }

    /// Whether the database did not answer when it was last asked.
    pub fn is_cut_off(&self) -> bool {
        self.standing().is_cut_off
    }

    fn standing(&self) -> Standing {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_of_its_own_needs_no_lease() {
        let lease = Lease::default();
        assert!(lease.is_valid() && lease.latest().is_valid());
        assert_eq!((lease.number(), lease.replicas()), (None, 1));
    }

    #[test]
    fn a_lease_ends_with_its_time_or_its_number() {
        let replica = Arc::<Replica>::default();
        assert!(!replica.lease().is_valid(), "there is none yet");
        replica.renewed(7, Moment::now(), 3);
        let lease = replica.lease();
        assert!(lease.is_valid());
        assert_eq!((lease.number(), lease.replicas()), (Some(7), 3));
        replica.cut_off();
        assert!(lease.is_valid() && replica.is_cut_off());
        replica.renewed(8, Moment::now(), 2);
        assert!(!lease.is_valid() && lease.latest().is_valid());
        // Asked for long ago, answered now.
        replica.renewed(8, Moment::default(), 2);
        assert!(!lease.latest().is_valid());
    }
}
