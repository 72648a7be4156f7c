//! What becomes of a call, by the seed and by nothing else: the same call of the same object has
//! the same fate in every run, in whatever order calls come.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use hyper::Method;

use crate::harness::Dice;

/// The quickest and the slowest answer, in milliseconds.
const LATENCY: (f64, f64) = (5.0, 800.0);

/// After this nothing that was sent is still on its way, but for a [`Loss::Late`].
pub(super) const SLOWEST: Duration = Duration::from_millis(800);

/// The latest that a call takes effect after its connection was reset.
const LATE: Duration = Duration::from_millis(600);

/// What becomes of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) latency: Duration,
    pub(super) loss: Loss,
}

/// How a reply gets lost: the connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It does not.
    None,
    /// The call never takes effect.
    Before,
    /// The call took effect.
    After,
    /// The call takes effect so long after the reset.
    Late(Duration),
}

/// How a vendor behaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    /// Every call takes so long and nothing gets lost.
    Calm(Duration),
    /// Each call has a fate of its own.
    Wild {
        /// Of the whole run.
        seed: u64,
    },
}

impl Manner {
    /// The fate of a call: the `count`-th of this method on `subject`. `creates` says whether it
    /// makes something new.
    pub(super) fn fate(self, method: &Method, creates: bool, subject: &str, count: u64) -> Fate {
        let seed = match self {
            Self::Calm(latency) => {
                return Fate {
                    latency,
                    loss: Loss::None,
                };
            }
            Self::Wild { seed } => seed,
        };
        let mut hasher = DefaultHasher::new();
        (seed, method.as_str(), subject, count).hash(&mut hasher);
        let mut dice = Dice::of(hasher.finish());
        let (least, most) = LATENCY;
        // Most answers are quick, and a few take long.
        let millis = least * (most / least).powf(dice.share());
        Fate {
            latency: Duration::from_micros((millis * 1000.0) as u64),
            loss: loss(method, creates, &mut dice),
        }
    }
}

/// Nearly every third change loses its reply. Only what makes something new may take effect
/// late: two changes of one object have no order at such a vendor, whoever sends them.
fn loss(method: &Method, creates: bool, dice: &mut Dice) -> Loss {
    match (method, dice.below(100)) {
        (&Method::GET, 0..3) => Loss::Before,
        (&Method::GET, _) => Loss::None,
        (_, 0..10) => Loss::Before,
        (_, 10..20) => Loss::After,
        (_, 20..30) if creates => Loss::Late(LATE.mul_f64(dice.share())),
        _ => Loss::None,
    }
}
