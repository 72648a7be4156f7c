//! SIGKILL at any moment while POSTs are on their way, and the same POSTs again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::class::{CALL, CLASSES};
use super::fate::Manner;
use super::oracle::{Verdict, judge};
use super::rounds::Rounds;
use super::stand::Stand;
use super::{Work, kills, seed};
use crate::harness::Dice;
use crate::house::text_of;

/// POSTs at a time of each tenant.
const AT_A_TIME: usize = 16;

/// The longest life of a gateway, and the longest time without one.
const LIFE: Duration = Duration::from_millis(900);
const DEATH: Duration = Duration::from_millis(120);

/// Kills in one round.
const A_ROUND: u64 = 50;

/// By when every create that a killed gateway left open is settled.
const SETTLED: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_nothing_is_made_twice_and_nothing_is_missing() {
    let (seed, kills) = (seed(), kills());
    let mut rounds = Rounds::of(format!("{kills} kills, seed {seed}"));
    while rounds.over() * A_ROUND < kills {
        let left = kills - rounds.over() * A_ROUND;
        rounds.record(round(seed + rounds.over(), left.min(A_ROUND)).await);
    }
    rounds.close();
}

async fn round(seed: u64, kills: u64) -> Vec<(&'static str, Verdict)> {
    let mut stand = Stand::of(&CLASSES).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut working = JoinSet::new();
    for tenant in stand.tenants.clone() {
        let work = Work {
            // What is still on its way to the vendor when the gateway is killed may come after
            // what the next one sends.
            changes: false,
            // Whether a 201 was taken may be forgotten with the process.
            again: &[201, 409],
            ..Work::begin(&tenant, seed).await
        };
        tenant.vendor.behave(Manner::Wild { seed });
        let over = Arc::clone(&over);
        working.spawn(async move {
            let goes_on = move |_| !over.load(Ordering::Relaxed);
            let mut outcomes = work.carry_out(AT_A_TIME, goes_on).await;
            sleep(CALL).await;
            tenant.vendor.behave(Manner::Calm(CALL / 500));
            work.look_again(&mut outcomes).await;
            (tenant.class.name, judge(&tenant, &outcomes))
        });
    }
    let mut dice = Dice::of(seed);
    for _ in 0..kills {
        sleep(LIFE.mul_f64(dice.share())).await;
        stand.kill();
        sleep(DEATH.mul_f64(dice.share())).await;
        stand.start();
    }
    let last_kill = Instant::now();
    over.store(true, Ordering::Relaxed);
    let verdicts = working.join_all().await;
    while let open = stand.open_creates()
        && open > 0
    {
        assert!(
            last_kill.elapsed() < SETTLED,
            "{open} creates are not settled:\n{}",
            text_of(&stand.status().stdout)
        );
        sleep(Duration::from_secs(1)).await;
    }
    stand.end();
    verdicts
}
