//! Who may hold a connection: so many in total, so many from one network. When all places are
//! taken, in total or of a network, the one of them that has been idle longest goes, strangers'
//! first. A network that holds most of them gives up strangers' that were just opened, too: whoever
//! comes next would otherwise wait until one of a thousand new connections counts as idle.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::seldom::Seldom;
use super::standing::{Expendable, Standing};

/// How often one who waits for a place looks for a connection that may be ended.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Counts open connections; shared by all worker threads.
#[derive(Clone)]
pub(super) struct Permits {
    total: Arc<Semaphore>,
    table: Arc<Mutex<Table>>,
    places: usize,
    per_source: usize,
    turned_away: Arc<Seldom>,
}

/// The connections there are.
#[derive(Default)]
struct Table {
    sources: HashMap<Source, usize>,
    standings: HashMap<u64, Weak<Standing>>,
    next: u64,
}

/// The right to one connection; given back when dropped.
pub(super) struct Permit {
    _total: OwnedSemaphorePermit,
    table: Arc<Mutex<Table>>,
    source: Source,
    number: u64,
    standing: Arc<Standing>,
}

/// A network one party is likely to own: IPv4 /24, IPv6 /56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source(u128);

impl Permits {
    pub(super) fn new(total: usize, per_source: usize) -> Self {
        Self {
            total: Arc::new(Semaphore::new(total.min(Semaphore::MAX_PERMITS))),
            table: Arc::default(),
            places: total,
            per_source,
            turned_away: Arc::default(),
        }
    }

    /// A place for a connection from `peer`, when there is one; nothing if its network has its
    /// share already.
    pub(super) async fn seat(&self, peer: IpAddr) -> Option<Permit> {
        let source = Source::of(peer);
        // Behind an ingress all connections come from one network: its own idlest gives way.
        if !self.has_share_left(source) && !self.end_the_idlest(of(source, Standing::expendable)) {
            self.turn_away(source);
            return None;
        }
        let place = self.place().await?;
        let mut table = lock(&self.table);
        let count = table.sources.entry(source).or_insert(0);
        if *count >= self.per_source {
            drop(table);
            self.turn_away(source);
            return None;
        }
        *count += 1;
        let number = table.next;
        table.next += 1;
        let standing = Arc::new(Standing::of(source));
        table.standings.insert(number, Arc::downgrade(&standing));
        Some(Permit {
            _total: place,
            table: Arc::clone(&self.table),
            source,
            number,
            standing,
        })
    }

    /// Waits for a place. Nothing more is accepted meanwhile: what comes waits in the kernel's
    /// queue, where it costs us nothing.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(place) = Arc::clone(&self.total).try_acquire_owned() {
                return Some(place);
            }
            self.make_room();
            let place = timeout(LOOK_AGAIN, Arc::clone(&self.total).acquire_owned()).await;
            if let Ok(place) = place {
                return place.ok();
            }
        }
    }

    fn make_room(&self) {
        if !self.end_the_idlest(Standing::expendable)
            && let Some(source) = self.holder_of_most()
        {
            self.end_the_idlest(of(source, Standing::expendable_if_stranger));
        }
    }

    /// The network that holds more than half of all places.
    fn holder_of_most(&self) -> Option<Source> {
        let table = lock(&self.table);
        let most = table.sources.iter().max_by_key(|(_, count)| **count);
        most.filter(|(_, count)| **count > self.places / 2)
            .map(|(source, _)| *source)
    }

    /// Asks the connection to end that ranks highest, if one has a rank. It does not count any more
    /// from here on: nobody waits until it is gone, and it is not chosen again.
    fn end_the_idlest(&self, rank: impl Fn(&Standing) -> Option<Expendable>) -> bool {
        let mut table = lock(&self.table);
        let open = table.standings.iter();
        let open = open.filter_map(|(number, standing)| Some((*number, standing.upgrade()?)));
        let idlest = open
            .filter_map(|(number, standing)| Some((rank(&standing)?, number, standing)))
            .max_by_key(|(rank, ..)| *rank);
        let Some((_, number, standing)) = idlest else {
            return false;
        };
        table.remove(number, standing.source());
        drop(table);
        standing.end();
        true
    }

    fn has_share_left(&self, source: Source) -> bool {
        let table = lock(&self.table);
        table.sources.get(&source).copied().unwrap_or_default() < self.per_source
    }

    fn turn_away(&self, source: Source) {
        if let Some(connections) = self.turned_away.note() {
            tracing::warn!(network = %source, connections, "too many connections from one network");
        }
    }
}

impl Permit {
    pub(super) fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.table).remove(self.number, self.source);
    }
}

impl Table {
    /// Takes a connection off, if it still counts.
    fn remove(&mut self, number: u64, source: Source) {
        if self.standings.remove(&number).is_none() {
            return;
        }
        if let Some(count) = self.sources.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&source);
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

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Ipv6Addr::from_bits(self.0).to_ipv4_mapped() {
            Some(v4) => write!(f, "{}/24", Ipv4Addr::from_bits(v4.to_bits())),
            None => write!(f, "{}/56", Ipv6Addr::from_bits(self.0)),
        }
    }
}

/// `rank` of the connections from one network; the others have none.
fn of(
    source: Source,
    rank: impl Fn(&Standing) -> Option<Expendable>,
) -> impl Fn(&Standing) -> Option<Expendable> {
    move |standing| rank(standing).filter(|_| standing.source() == source)
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn neighbours_share_a_source_and_strangers_do_not() {
        let source = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(source("192.0.2.1"), source("192.0.2.254"));
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.9"));
        assert_ne!(source("192.0.2.1"), source("192.0.3.1"));
        assert_eq!(source("2001:db8:0:1200::1"), source("2001:db8:0:12ff::2"));
        assert_ne!(source("2001:db8:0:1200::1"), source("2001:db8:0:1300::1"));
        assert_eq!(source("192.0.2.77").to_string(), "192.0.2.0/24");
        assert_eq!(
            source("2001:db8:0:12ff::2").to_string(),
            "2001:db8:0:1200::/56"
        );
    }

    #[tokio::test]
    async fn a_dropped_permit_makes_room_for_its_network() {
        let permits = Permits::new(10, 1);
        let peer = "192.0.2.1".parse().unwrap();
        let first = permits.seat(peer).await;
        assert!(first.is_some());
        assert!(permits.seat(peer).await.is_none());
        drop(first);
        assert!(permits.seat(peer).await.is_some());
        let table = lock(&permits.table);
        assert!(table.sources.is_empty() && table.standings.is_empty());
    }

    /// Whether the one who held the only place was asked to end for another.
    async fn gives_way(holder: impl FnOnce(&Arc<Standing>)) -> bool {
        let permits = Permits::new(1, 10);
        let first = permits.seat("192.0.2.1".parse().unwrap()).await.unwrap();
        holder(first.standing());
        let standing = Arc::clone(first.standing());
        let ended = async move {
            standing.ended().await;
            drop(first);
        };
        let next = permits.seat("198.51.100.1".parse().unwrap());
        let both = async { tokio::join!(ended, next) };
        timeout(Duration::from_secs(30), both).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_gives_way_and_a_busy_one_does_not() {
        assert!(gives_way(|_| {}).await, "a stranger who says nothing");
        assert!(
            gives_way(|standing| standing.admit()).await,
            "idle since its last request"
        );
        assert!(
            !gives_way(|standing| standing.begin()).await,
            "in the middle of a request"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_with_its_share_gives_up_its_own_idlest_and_no_others() {
        let permits = Permits::new(10, 1);
        let (ours, theirs) = (
            "192.0.2.1".parse().unwrap(),
            "198.51.100.1".parse().unwrap(),
        );
        let other = permits.seat(theirs).await.unwrap();
        let first = permits.seat(ours).await.unwrap();
        assert!(permits.seat(ours).await.is_none(), "just opened");
        tokio::time::advance(Duration::from_secs(2)).await;
        let standing = Arc::clone(first.standing());
        let ended = async move {
            standing.ended().await;
            drop(first);
        };
        let (_, next) = tokio::join!(ended, permits.seat(ours));
        assert!(next.is_some());
        assert!(timeout(LOOK_AGAIN, other.standing().ended()).await.is_err());
    }

    /// Nothing is accepted meanwhile, so whoever has its share must hold nobody up.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_slow_to_end_holds_up_no_other() {
        let permits = Permits::new(10, 1);
        let ours = "192.0.2.1".parse().unwrap();
        let slow = permits.seat(ours).await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        let begun = Instant::now();
        let next = permits.seat(ours).await.unwrap();
        assert!(permits.seat(ours).await.is_none(), "it is not asked twice");
        assert!(begun.elapsed().is_zero());
        drop((slow, next));
        assert!(lock(&permits.table).sources.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_opens_most_connections_at_once_makes_nobody_wait() {
        let permits = Permits::new(5, 5);
        let flood = "192.0.2.1".parse().unwrap();
        for _ in 0..4 {
            let permit = permits.seat(flood).await.unwrap();
            tokio::task::spawn(async move { permit.standing().ended().await });
        }
        let mut others = Vec::new();
        for peer in ["198.51.100.1", "203.0.113.1", "192.0.2.2", "203.0.113.2"] {
            tokio::time::advance(Duration::from_millis(20)).await;
            let begun = Instant::now();
            others.push(permits.seat(peer.parse().unwrap()).await.unwrap());
            assert!(begun.elapsed().is_zero(), "{peer}");
        }
        // Two of five are not most of them.
        let next = timeout(
            LOOK_AGAIN * 3,
            permits.seat("198.51.100.4".parse().unwrap()),
        );
        assert!(next.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_go_before_those_who_were_admitted() {
        let permits = Permits::new(2, 10);
        let known = permits.seat("192.0.2.1".parse().unwrap()).await.unwrap();
        known.standing().admit();
        tokio::time::advance(Duration::from_secs(60)).await;
        let stranger = permits.seat("192.0.2.2".parse().unwrap()).await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(permits.end_the_idlest(Standing::expendable));
        timeout(Duration::from_secs(1), stranger.standing().ended())
            .await
            .unwrap();
        assert!(
            timeout(Duration::from_secs(1), known.standing().ended())
                .await
                .is_err()
        );
    }
}
