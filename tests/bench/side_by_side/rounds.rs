//! Rounds in which all sides take turns, each time started anew, for processes age.

use std::time::Duration;

use super::deed::Deed;
use super::load::Load;
use super::running::{Running, Used};
use super::shape::Shape;
use super::sides::Named;
use super::vendor::Vendor;

/// How long one deed is asked of one side in a round.
const SPELL: Duration = Duration::from_millis(400);
/// How long a side is left alone before its memory at rest is read.
const REST: Duration = Duration::from_secs(1);

/// A deed, and how many of it are under way at once.
pub(crate) type Case = (Deed, usize);

pub(crate) struct Plan<'a> {
    pub(crate) sides: &'a [Named],
    pub(crate) shape: &'static Shape,
    pub(crate) cases: Vec<Case>,
    pub(crate) rounds: usize,
    /// Whether the core of load and vendor never sleeps.
    pub(crate) is_awake: bool,
}

/// What one request cost, in one round.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// CPU of all threads, in microseconds.
    pub(crate) cpu: f64,
    pub(crate) waits: f64,
    /// Calls of the vendor.
    pub(crate) calls: f64,
    /// Microseconds within which half of the answers came, and 99 of 100.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What a process needed in one round.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// Milliseconds from its start to its first good answer.
    pub(crate) ready: f64,
    /// Resident memory in MB, at rest after that answer, and at most.
    pub(crate) at_rest: f64,
    pub(crate) at_most: f64,
}

pub(crate) struct Measured {
    pub(crate) names: Vec<&'static str>,
    pub(crate) cases: Vec<Case>,
    pub(crate) rounds: usize,
    /// By case, side and round.
    costs: Vec<Vec<Vec<Cost>>>,
    /// By side and round.
    starts: Vec<Vec<Start>>,
}

impl Measured {
    /// The median of all rounds.
    pub(crate) fn cost(&self, case: usize, side: usize, of: fn(&Cost) -> f64) -> f64 {
        median(self.costs[case][side].iter().map(of))
    }

    /// One side in units of another, in the median of all rounds.
    pub(crate) fn ratio(
        &self,
        case: usize,
        (one, other): (usize, usize),
        of: fn(&Cost) -> f64,
    ) -> f64 {
        let sides = &self.costs[case];
        let pairs = sides[one].iter().zip(&sides[other]);
        median(pairs.map(|(one, other)| of(one) / of(other)))
    }

    pub(crate) fn start(&self, side: usize, of: fn(&Start) -> f64) -> f64 {
        median(self.starts[side].iter().map(of))
    }
}

struct Turn {
    running: Running,
    load: Load,
}

impl Plan<'_> {
    pub(crate) async fn measure(self) -> Measured {
        let awake = self
            .is_awake
            .then(|| tokio::task::spawn_local(stay_awake()));
        let mut costs = vec![vec![Vec::new(); self.sides.len()]; self.cases.len()];
        let mut starts = vec![Vec::new(); self.sides.len()];
        for round in 0..self.rounds {
            eprintln!("round {} of {}", round + 1, self.rounds);
            self.round(round, &mut costs, &mut starts).await;
        }
        if let Some(awake) = awake {
            awake.abort();
        }
        Measured {
            names: self.sides.iter().map(|(name, _)| *name).collect(),
            cases: self.cases,
            rounds: self.rounds,
            costs,
            starts,
        }
    }

    async fn round(&self, round: usize, costs: &mut [Vec<Vec<Cost>>], starts: &mut [Vec<Start>]) {
        let vendor = Vendor::start(self.shape).await;
        let mut running = Vec::new();
        for ((_, side), starts) in self.sides.iter().zip(&mut *starts) {
            let side = side.start(&vendor);
            Load::connect(&side, self.shape, 1).await;
            let ready = side.started.elapsed().as_secs_f64() * 1e3;
            starts.push(Start {
                ready,
                at_rest: 0.0,
                at_most: 0.0,
            });
            running.push(side);
        }
        tokio::time::sleep(REST).await;
        for (running, starts) in running.iter().zip(&mut *starts) {
            starts[round].at_rest = running.memory().0;
        }
        let most = self.cases.iter().map(|(_, together)| *together).max();
        let mut turns = Vec::new();
        for running in running {
            let load = Load::connect(&running, self.shape, most.unwrap_or(1)).await;
            turns.push(Turn { running, load });
        }
        for (&case, costs) in self.cases.iter().zip(costs) {
            for place in 0..turns.len() {
                let side = (place + round) % turns.len();
                costs[side].push(turns[side].take(case, &vendor).await);
            }
        }
        for (turn, starts) in turns.iter().zip(starts) {
            starts[round].at_most = turn.running.memory().1;
        }
    }
}

impl Turn {
    async fn take(&mut self, (deed, together): Case, vendor: &Vendor) -> Cost {
        // Code and caches that the first requests bring in.
        self.load.run_for(deed, together, SPELL / 4).await;
        let (before, calls) = (self.running.used(), vendor.calls());
        let mut times = self.load.run_for(deed, together, SPELL).await;
        let Used { micros, waits } = self.running.used() - before;
        times.sort_by(f64::total_cmp);
        let count = times.len() as f64;
        Cost {
            cpu: micros / count,
            waits: waits / count,
            calls: (vendor.calls() - calls) as f64 / count,
            p50: times[times.len() / 2],
            p99: times[times.len() * 99 / 100],
        }
    }
}

/// Something is always to be done, so the runtime asks for events and never waits for them. A program that
/// writes to a sleeping core pays for waking it.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
