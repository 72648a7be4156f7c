//! Who may hold a connection: so many in total, so many from one network.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts open connections; shared by all worker threads.
#[derive(Clone)]
pub(super) struct Permits {
    total: Arc<Semaphore>,
    sources: Arc<Mutex<HashMap<Source, usize>>>,
    per_source: usize,
}

/// The right to one connection; given back when dropped.
pub(super) struct Permit {
    _total: OwnedSemaphorePermit,
    sources: Arc<Mutex<HashMap<Source, usize>>>,
    source: Source,
}

/// A network one party is likely to own: IPv4 /24, IPv6 /56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source(u128);

impl Permits {
    pub(super) fn new(total: usize, per_source: usize) -> Self {
        Self {
            total: Arc::new(Semaphore::new(total.min(Semaphore::MAX_PERMITS))),
            sources: Arc::default(),
            per_source,
        }
    }

    /// Waits for a place. Nothing is accepted meanwhile: what comes waits in
    /// the kernel's queue, where it costs us nothing.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.total.clone().acquire_owned().await.ok()
    }

    /// Gives the place to a peer, unless its network has its share already.
    pub(super) fn seat(&self, place: OwnedSemaphorePermit, peer: IpAddr) -> Option<Permit> {
        let source = Source::of(peer);
        let mut sources = lock(&self.sources);
        let count = sources.entry(source).or_insert(0);
        if *count >= self.per_source {
            return None;
        }
        *count += 1;
        Some(Permit {
            _total: place,
            sources: self.sources.clone(),
            source,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut sources = lock(&self.sources);
        if let Some(count) = sources.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                sources.remove(&self.source);
            }
        }
    }
}

impl Source {
    pub(super) fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(v4) => {
                let network = u32::from(v4) & 0xffff_ff00;
                Self(u128::from(Ipv6Addr::from_bits(
                    0xffff_0000_0000 | u128::from(network),
                )))
            }
            IpAddr::V6(v6) => Self(u128::from(v6) & (u128::MAX << 72)),
        }
    }
}

fn lock(sources: &Mutex<HashMap<Source, usize>>) -> MutexGuard<'_, HashMap<Source, usize>> {
    sources.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_source_and_strangers_do_not() {
        let source = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(source("192.0.2.1"), source("192.0.2.254"));
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.9"));
        assert_ne!(source("192.0.2.1"), source("192.0.3.1"));
        assert_eq!(source("2001:db8:0:1200::1"), source("2001:db8:0:12ff::2"));
        assert_ne!(source("2001:db8:0:1200::1"), source("2001:db8:0:1300::1"));
    }

    #[tokio::test]
    async fn a_dropped_permit_makes_room_for_its_network() {
        let permits = Permits::new(10, 1);
        let peer = "192.0.2.1".parse().unwrap();
        let first = permits.seat(permits.place().await.unwrap(), peer);
        assert!(first.is_some());
        assert!(permits.seat(permits.place().await.unwrap(), peer).is_none());
        drop(first);
        assert!(permits.seat(permits.place().await.unwrap(), peer).is_some());
        assert!(lock(&permits.sources).is_empty());
    }
}
