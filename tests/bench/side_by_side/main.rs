//! What a request costs, beside what it costs in another build: CPU of all threads and waits a
//! request, both builds in one run, in rounds that take turns.
//!
//! Each round starts both gateways anew, for processes age. They are pinned to the first core;
//! the load and the vendor share the second, in this process. The vendor keeps what it is given,
//! so that nothing has to be remembered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod gateway;
mod load;
mod vendor;

use std::path::PathBuf;
use std::time::Duration;

use gateway::{Gateway, Used};
use load::{Deed, Load};
use vendor::Vendor;

const DEEDS: [Deed; 4] = [Deed::Get, Deed::Find, Deed::Patch, Deed::Post];
/// Connections that are kept, each with one request under way.
const TOGETHER: usize = 16;
/// How long one deed is asked of one gateway in a round.
const SPELL: Duration = Duration::from_millis(600);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let Some(other) = value("--other").map(PathBuf::from) else {
        return println!("run it as `cargo bench --bench side_by_side -- --other PATH`");
    };
    let rounds = value("--rounds").map_or(9, |rounds| rounds.parse().expect("a number"));
    let programs = [PathBuf::from(env!("CARGO_BIN_EXE_scimgate")), other];
    gateway::pin(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, measure(&programs, rounds));
}

async fn measure(programs: &[PathBuf; 2], rounds: usize) {
    let mut used: [[Vec<Used>; 2]; 4] = Default::default();
    for round in 0..rounds {
        let vendor = Vendor::start().await;
        let gateways = [0, 1].map(|which| Gateway::start(&programs[which], vendor.address));
        let mut loads = Vec::new();
        for gateway in &gateways {
            loads.push(Load::connect(gateway, TOGETHER).await);
        }
        for (deed, used) in DEEDS.into_iter().zip(&mut used) {
            for turn in 0..2 {
                let which = (turn + round) % 2;
                let load = &mut loads[which];
                // Code and caches that the first requests bring in.
                load.run(deed, SPELL / 4).await;
                let before = gateways[which].used();
                let requests = load.run(deed, SPELL).await;
                used[which].push((gateways[which].used() - before).each(requests));
            }
        }
    }
    println!(
        "| {rounds} rounds | this: CPU | other: CPU | of the other | this: waits | other: waits |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for (deed, [this, other]) in DEEDS.into_iter().zip(&used) {
        let pairs = this.iter().zip(other);
        let ratio = median(pairs.map(|(this, other)| this.micros / other.micros));
        let micros = |side: &[Used]| median(side.iter().map(|used| used.micros));
        let waits = |side: &[Used]| median(side.iter().map(|used| used.waits));
        println!(
            "| {deed:?} | {:.1} µs | {:.1} µs | {:.2} | {:.3} | {:.3} |",
            micros(this),
            micros(other),
            ratio,
            waits(this),
            waits(other)
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
