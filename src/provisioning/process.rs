//! What operations take from the process they run in: the date, random ids, and which run of the
//! program it is. In the simulation all of that follows from a seed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use uuid::{Builder, Uuid};

/// CPU time of one function of a script; waiting for the vendor is free. Unoptimised, it takes
/// several times as long.
const SCRIPT_TIME: Duration =
    Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 250 });

/// One run of the program. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Process(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    epoch: String,
    seeded: Option<Seeded>,
    /// Others wait meanwhile, so that a script which runs into its limits again and again is stopped.
    is_shared: bool,
}

/// Where the date and random numbers come from in the simulation.
#[derive(Debug)]
struct Seeded {
    state: Mutex<u64>,
    /// 1 January 1970.
    dawn: Instant,
}

impl Process {
    /// This one, with the machine's clock and random numbers.
    pub fn of_gateway() -> Self {
        Self(Arc::new(Inner {
            epoch: Uuid::new_v4().simple().to_string(),
            seeded: None,
            is_shared: true,
        }))
    }

    /// The same where nobody else waits: every transcript is played to its end.
    pub fn of_transcripts() -> Self {
        Self(Arc::new(Inner {
            epoch: Uuid::new_v4().simple().to_string(),
            seeded: None,
            is_shared: false,
        }))
    }

    /// A simulated one: its ids follow from `seed`, and its date is tokio's time since `dawn`.
    /// Scripts have time without end, for the machine's clock would count it.
    #[doc(hidden)]
    pub fn seeded(seed: u64, dawn: Instant) -> Self {
        let state = Mutex::new(seed);
        let seeded = Seeded { state, dawn };
        Self(Arc::new(Inner {
            epoch: seeded.id().simple().to_string(),
            seeded: Some(seeded),
            is_shared: true,
        }))
    }

    /// A text that no other run of the program has.
    pub(super) fn epoch(&self) -> &str {
        &self.0.epoch
    }

    /// A random id.
    pub(super) fn id(&self) -> Uuid {
        self.0.seeded.as_ref().map_or_else(Uuid::new_v4, Seeded::id)
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        let seeded = self.0.seeded.as_ref();
        seeded.map_or_else(now, |seeded| milliseconds(seeded.dawn.elapsed()))
    }

    /// Whether others wait while a script runs.
    pub(super) fn is_shared(&self) -> bool {
        self.0.is_shared
    }

    /// How much CPU time one function of a script may use.
    pub(super) fn script_time(&self) -> Duration {
        match self.0.seeded {
            None => SCRIPT_TIME,
            Some(_) => Duration::from_secs(3600),
        }
    }
}

impl Seeded {
    fn id(&self) -> Uuid {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let halves = [(); 2].map(|()| splitmix(&mut state).to_be_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(halves.as_flattened());
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// The next number of SplitMix64.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Milliseconds since 1970, by the machine's clock.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, milliseconds)
}

pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
