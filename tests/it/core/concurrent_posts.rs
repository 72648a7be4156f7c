//! Many POSTs of one name at once: the first makes the object, the others hear that it is there,
//! and the vendor hears of one.

use std::collections::BTreeMap;
use std::time::Duration;

use scimgate::demo::emulator::kit::{Action, Fault};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::answer::Answer;
use super::play::{Play, ended, everywhere, operation};
use super::vendors::{ALL, GROUPED};
use crate::harness::{group, person, unique};

const POSTS: usize = 64;

/// How late the create takes effect: long enough for the last one to come before the first has
/// ended, also on a busy machine.
const LATE_MS: u64 = 2500;

/// What each vendor call takes where several have to be under way at a time.
const LATENCY: Duration = Duration::from_millis(500);

/// Vendor calls that come and go with time: a look more or less at a job.
const LOOKS: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_identical_users_posted_at_once_one_is_made() {
    everywhere(ALL, |play| async move {
        let user = person();
        one_is_made(&play, "/Users", [person(), person()], vec![user; POSTS]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_users_of_one_name_posted_at_once_one_is_made() {
    everywhere(ALL, |play| async move {
        let name = person()["userName"].clone();
        let each = (0..POSTS).map(|_| {
            let mut user = person();
            user["userName"] = name.clone();
            user
        });
        one_is_made(&play, "/Users", [person(), person()], each.collect()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_identical_groups_posted_at_once_one_is_made() {
    everywhere(GROUPED, |play| async move {
        let team = group(&[]);
        one_is_made(
            &play,
            "/Groups",
            [group(&[]), group(&[])],
            vec![team; POSTS],
        )
        .await;
    })
    .await;
}

/// Nobody waits for somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_different_users_posted_at_once_all_are_made() {
    everywhere(ALL, |play| async move {
        let shared = unique("shared-");
        let each = (0..16).map(|_| {
            let mut user = person();
            user["externalId"] = shared.clone().into();
            user
        });
        let answers = at_once(&play, "/Users", each.collect()).await;
        assert_eq!(statuses(&answers), [(201, 16)].into());
    })
    .await;
}

async fn one_is_made(play: &Play, endpoint: &str, others: [Value; 2], bodies: Vec<Value>) {
    let place = usize::from(endpoint == "/Groups");
    let route = play.vendor.create[place];
    let [warm_up, alone] = others;
    play.make(endpoint, &warm_up).await;
    let before = play.emulator.counters();
    play.post(endpoint, &alone).await.is(201, "alone");
    let single = play.emulator.counters();
    let late = Action::DelayMs(LATE_MS);
    play.emulator.faults(vec![Fault::on_route(route, late)]);
    let answers = at_once(play, endpoint, bodies).await;
    play.emulator.faults(Vec::new());
    let after = play.emulator.counters();
    let first = answers.iter().find(|answer| answer.status >= 500);
    let seen = first.map(ToString::to_string).unwrap_or_default();
    let expected = BTreeMap::from([(201, 1), (409, POSTS - 1)]);
    assert_eq!(statuses(&answers), expected, "{seen}");
    for refused in answers.iter().filter(|answer| answer.status == 409) {
        refused.is_taken("posted at once");
    }
    assert_eq!(after.of(route) - single.of(route), 1, "{route}");
    assert_eq!(
        after.writes - single.writes,
        single.writes - before.writes,
        "writes"
    );
    let (one, many) = (single.calls - before.calls, after.calls - single.calls);
    assert!(many <= one + LOOKS, "{many} calls of the vendor for {one}");
}

/// Sends all at once, each on a connection of its own.
async fn at_once(play: &Play, endpoint: &str, bodies: Vec<Value>) -> Vec<Answer> {
    let mut sending = JoinSet::new();
    for body in bodies {
        let (play, endpoint) = (play.clone(), endpoint.to_owned());
        sending.spawn(async move { play.post(&endpoint, &body).await });
    }
    sending.join_all().await
}

fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_default() += 1;
    }
    counts
}

/// Whoever comes too late for one's own first try is no duplicate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_comes_while_the_first_one_is_refused_is_tried_by_itself() {
    everywhere(GROUPED, |play| async move {
        let stranger = play.vendor.strangers[0];
        let good = group(&[]);
        let mut bad = good.clone();
        bad["members"] = json!([{"value": stranger}]);
        let each = [bad.clone(), good, bad.clone(), bad];
        play.emulator.set_latency(LATENCY);
        let answers = at_once(&play, "/Groups", each.into()).await;
        play.emulator.set_latency(Duration::ZERO);
        let made = answers.iter().filter(|answer| answer.status == 201);
        assert_eq!(made.count(), 1, "{:?}", statuses(&answers));
        let others = answers.iter().filter(|answer| answer.status != 201);
        for other in others {
            assert!([400, 409].contains(&other.status), "{other}");
        }
    })
    .await;
}

/// The answer of a bulk request comes long after its first user is made: whoever wants the name
/// meanwhile is refused, and does not take the user over as an earlier try of his own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_made_in_a_bulk_request_under_way_is_taken() {
    everywhere(ALL, |play| async move {
        let (user, mut other) = (person(), person());
        other["userName"] = user["userName"].clone();
        let users = [user.clone(), person(), person()];
        let route = play.vendor.create[0];
        let before = play.emulator.counters().of(route);
        play.emulator.set_latency(LATENCY);
        let sending = tokio::spawn({
            let (play, posts) = (play.clone(), users.each_ref().map(post_of));
            async move { play.bulk(posts.into()).await }
        });
        while play.emulator.counters().of(route) < before + 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        play.post("/Users", &other).await.is_taken("made meanwhile");
        play.emulator.set_latency(Duration::ZERO);
        let made = ended(sending).await;
        assert!(made.iter().all(|made| made.status == 201), "{made:?}");
    })
    .await;
}

fn post_of(user: &Value) -> Value {
    operation("POST", "/Users", user)
}
