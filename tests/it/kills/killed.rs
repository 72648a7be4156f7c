//! SIGKILL at any moment while POSTs are on their way, and the same POSTs again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::class::{CALL, CLASSES};
use super::fate::Manner;
use super::oracle::{close, judge};
use super::stand::Stand;
use super::{Work, kills, seed};
use crate::harness::Dice;

/// POSTs at a time of each tenant.
const AT_A_TIME: usize = 8;

/// The longest life of a gateway, and the longest time without one.
const LIFE: Duration = Duration::from_millis(900);
const DEATH: Duration = Duration::from_millis(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_nothing_is_made_twice_and_nothing_is_missing() {
    let (seed, kills) = (seed(), kills());
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
    over.store(true, Ordering::Relaxed);
    let mut verdicts = working.join_all().await;
    verdicts.sort_by_key(|(class, _)| *class);
    stand.end();
    close(&format!("{kills} kills, SCIMGATE_SEED={seed}"), &verdicts);
}
