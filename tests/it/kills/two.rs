//! How much two replicas do together, against one of them alone. What is written at both at once is
//! all at the vendor afterwards.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::{JoinSet, LocalSet};

use super::class::{Class, DELTA};
use super::from_environment;
use super::pair::{Pair, patch, person};

/// Who sends changes at the same time.
const SENDERS: usize = 16;

/// What was done in one go.
struct Done {
    per_second: f64,
    /// Time of both replicas' processors for each change, in milliseconds.
    cpu: f64,
}

/// Each sender changes a person of its own again and again, at the replica that `to` says.
async fn load(pair: &Rc<Pair>, ids: &[String], to: impl Fn(usize) -> usize) -> Done {
    let until = Instant::now() + Duration::from_secs(from_environment("SCIMGATE_LOAD_SECONDS", 3));
    let (began, cpu) = (Instant::now(), pair.cpu());
    let mut counts = JoinSet::new();
    for (number, id) in ids.iter().enumerate() {
        let (class, path) = (class(number).name, format!("/Users/{id}"));
        let (pair, replica) = (Rc::clone(pair), to(number));
        counts.spawn_local(async move {
            let mut count = 0;
            while Instant::now() < until {
                count += 1;
                let name = json!([{
                    "op": "replace", "path": "displayName", "value": format!("{number}-{count}"),
                }]);
                let answer = pair
                    .send(replica, class, "PATCH", &path, &patch(name))
                    .await;
                let answer = answer.expect("a whole answer");
                assert!(matches!(answer.status, 200 | 204), "{answer}");
            }
            (number, count)
        });
    }
    let counts = counts.join_all().await;
    let took = began.elapsed();
    for (number, count) in &counts {
        let people = pair.vendor(class(*number).name).accounts();
        let name = format!("{number}-{count}");
        let is_there = people
            .iter()
            .any(|one| one.fields.get("name") == Some(&json!(name)));
        assert!(is_there, "{name} is lost");
    }
    let all = counts.iter().map(|(_, count)| *count).sum::<u32>();
    Done {
        per_second: f64::from(all) / took.as_secs_f64(),
        cpu: (pair.cpu() - cpu).as_secs_f64() * 1_000.0 / f64::from(all),
    }
}

fn class(number: usize) -> &'static Class {
    match number % 2 {
        0 => &DELTA,
        _ => Class::named("a"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_lose_nothing_under_load() {
    let pair = Rc::new(Pair::of(&[&DELTA, Class::named("a")]).await);
    let mut ids = Vec::new();
    for number in 0..SENDERS {
        let person = person(&format!("one{number}"));
        ids.push(
            pair.make(number / 2 % 2, class(number).name, "/Users", &person)
                .await,
        );
    }
    let both = async {
        let one = load(&pair, &ids, |_| 0).await;
        (one, load(&pair, &ids, |number| number / 2 % 2).await)
    };
    let (one, two) = LocalSet::new().run_until(both).await;
    eprintln!(
        "changes a second: one replica {:.0}, two {:.0}; processor time for each: {:.2} ms, {:.2} ms",
        one.per_second, two.per_second, one.cpu, two.cpu
    );
    Rc::into_inner(pair).unwrap().end();
}
