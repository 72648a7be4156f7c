//! Every third reply to a change is lost, before it took effect, after it did, or with the effect
//! still to come. Nobody is killed, so whoever was not acknowledged knows it, and so does the
//! gateway: each POST ends in 201.

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::class::{CALL, CLASSES};
use super::entra::Style;
use super::fate::Manner;
use super::oracle::{Verdict, judge};
use super::rounds::Rounds;
use super::stand::Stand;
use super::{Work, kills, seed};

/// Objects of each class for each kill of the other run.
const OBJECTS: u64 = 2;

/// POSTs at a time of each tenant.
const AT_A_TIME: usize = 8;

/// Objects of each class in one round.
const A_ROUND: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_reply_is_lost_every_post_ends_in_one_object_and_a_201() {
    let (seed, objects) = (seed(), OBJECTS * kills());
    let mut rounds = Rounds::of(format!("lost replies, {objects} objects, seed {seed}"));
    while rounds.over() * A_ROUND < objects {
        let left = objects - rounds.over() * A_ROUND;
        rounds.record(round(seed + rounds.over(), left.min(A_ROUND) as usize).await);
    }
    rounds.close();
}

async fn round(seed: u64, objects: usize) -> Vec<(&'static str, Verdict)> {
    let stand = Stand::of(&CLASSES).await;
    let mut working = JoinSet::new();
    for tenant in stand.tenants.clone() {
        working.spawn(async move {
            let work = Work::begin(&tenant, seed).await;
            tenant.vendor.behave(Manner::Wild { seed });
            let mut outcomes = work
                .carry_out(AT_A_TIME, move |number| number < objects)
                .await;
            sleep(CALL).await;
            tenant.vendor.behave(Manner::Calm(CALL / 500));
            work.look_again(&mut outcomes).await;
            let mut verdict = judge(&tenant, &outcomes);
            for (thing, settled) in &outcomes {
                if let Ok(settled) = settled
                    && settled.refused > 0
                    && thing.style != Style::Changed
                {
                    let why = "refused for its own earlier try, which nobody had acknowledged";
                    verdict.broken.push(format!("{}: {why}", thing.name));
                }
            }
            (tenant.class.name, verdict)
        });
    }
    let verdicts = working.join_all().await;
    stand.end();
    verdicts
}
