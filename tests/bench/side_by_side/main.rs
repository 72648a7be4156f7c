//! What a request costs, beside what it costs in another build and in a translator written by
//! hand: CPU of all threads and waits a request, all in one run, in rounds that take turns.
//!
//! Each round starts all of them anew, for processes age. They are pinned to the first core; the
//! load and the vendor share the second, in this process. The vendor keeps what it is given, so
//! that nothing has to be remembered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod by_hand;
mod gateway;
mod instructions;
mod load;
mod vendor;

use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::{Gateway, Used};
use load::{Deed, Load};
use vendor::Vendor;

/// The gateway's, for the translator too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEEDS: [Deed; 5] = [Deed::Get, Deed::Find, Deed::List, Deed::Patch, Deed::Post];
/// Connections that are kept, each with one request under way, where no number is asked for.
const TOGETHER: usize = 16;
/// How long one deed is asked of one program in a round.
const SPELL: Duration = Duration::from_millis(600);

/// What is measured.
enum Side {
    Gateway(PathBuf),
    ByHand,
}

/// What one deed cost, by round.
type Costs = Vec<Used>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    if let [name, vendor] = arguments.as_slice()
        && name == "by-hand"
    {
        return local.block_on(&runtime, by_hand::serve(vendor.parse().unwrap()));
    }
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let rounds = value("--rounds").map_or(9, |rounds| rounds.parse().expect("a number"));
    let together = value("--together").map_or(TOGETHER, |it| it.parse().expect("a number"));
    let is_asked = |deed: &Deed| value("--deed").is_none_or(|name| *name == format!("{deed:?}"));
    let deeds: Vec<Deed> = DEEDS.into_iter().filter(is_asked).collect();
    let this = PathBuf::from(env!("CARGO_BIN_EXE_scimgate"));
    let mut sides = vec![("this", Side::Gateway(this)), ("by hand", Side::ByHand)];
    if let Some(other) = value("--other") {
        sides.push(("other", Side::Gateway(other.into())));
    }
    gateway::pin(1);
    if let Some(directory) = value("--instructions") {
        return local.block_on(&runtime, instructions::count(&sides, directory.as_ref()));
    }
    local.block_on(&runtime, measure(&sides, &deeds, rounds, together));
}

impl Side {
    fn start(&self, vendor: &Vendor) -> Gateway {
        match self {
            Self::Gateway(program) => Gateway::start(program, vendor.address, None),
            Self::ByHand => Gateway::by_hand(vendor.address, None),
        }
    }

    /// Under callgrind, which writes its profiles to `profile` with `.1`, `.2`, and so on.
    fn start_counted(&self, vendor: &Vendor, profile: &Path) -> Gateway {
        match self {
            Self::Gateway(program) => Gateway::start(program, vendor.address, Some(profile)),
            Self::ByHand => Gateway::by_hand(vendor.address, Some(profile)),
        }
    }
}

async fn measure(sides: &[(&str, Side)], deeds: &[Deed], rounds: usize, together: usize) {
    let mut used = vec![vec![Costs::new(); sides.len()]; deeds.len()];
    for round in 0..rounds {
        let vendor = Vendor::start().await;
        let running: Vec<_> = sides.iter().map(|(_, side)| side.start(&vendor)).collect();
        let mut loads = Vec::new();
        for gateway in &running {
            loads.push(Load::connect(gateway, together).await);
        }
        for (&deed, used) in deeds.iter().zip(&mut used) {
            for turn in 0..sides.len() {
                let which = (turn + round) % sides.len();
                let load = &mut loads[which];
                // Code and caches that the first requests bring in.
                load.run_for(deed, SPELL / 4).await;
                let before = running[which].used();
                let requests = load.run_for(deed, SPELL).await;
                used[which].push((running[which].used() - before).each(requests));
            }
        }
    }
    show(sides, deeds, rounds, &used);
}

/// Medians, and medians of the ratios within a round.
fn show(sides: &[(&str, Side)], deeds: &[Deed], rounds: usize, used: &[Vec<Costs>]) {
    let others = || sides.iter().skip(1).map(|(name, _)| name);
    let costs: String = sides.iter().map(|(name, _)| format!(" {name} |")).collect();
    let ratios: String = others().map(|name| format!(" of {name} |")).collect();
    println!("| {rounds} rounds |{costs}{ratios} waits |");
    println!("|---|{}", "---:|".repeat(2 * sides.len()));
    for (deed, used) in deeds.iter().zip(used) {
        let Some((this, others)) = used.split_first() else {
            continue;
        };
        let micros = |side: &Costs| median(side.iter().map(|used| used.micros));
        let costs: String = used
            .iter()
            .map(|it| format!(" {:.1} µs |", micros(it)))
            .collect();
        let ratio = |other: &Costs| {
            let pairs = this.iter().zip(other);
            median(pairs.map(|(this, other)| this.micros / other.micros))
        };
        let ratios: String = others
            .iter()
            .map(|it| format!(" {:.2} |", ratio(it)))
            .collect();
        let waits = median(this.iter().map(|used| used.waits));
        println!("| {deed:?} |{costs}{ratios} {waits:.3} |");
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
