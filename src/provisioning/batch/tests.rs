#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::time::Instant;

use super::{BatchCounts, Batches, Crew, Limit};
use crate::adapter::Adapter;
use crate::adapter::compile::Files;
use crate::adapter::keys::TenantId;
use crate::adapter::settings::Settings;
use crate::limiter::PerMinute;
use crate::provisioning::lease::Lease;
use crate::provisioning::memory::{MemoryError, Recall};
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
use crate::script::environment::BatchPort as _;
use crate::script::fault::{Failure, GatewayFault, VendorFault};
use crate::script::once::LookUps;

const RUN: &str = r#"
fn run_jobs(items) { part(post_once("/jobs", #{ operations: items }), "results") }
fn run_cruel(items) { let numbers = []; numbers[items.len()] }
fn run_short(items) { [] }
"#;

/// The example vendor with batches: `jobs` works, `cruel` fails in the script, `short` tells no results.
fn adapter(rule: &str) -> Arc<Adapter> {
    let manifest = include_str!("../../../tests/data/example.toml").replace(
        "consistency = \"A\"",
        "consistency = \"A\"\nrequest_token = \"X-Token\"",
    );
    let batches = format!("[batch.jobs]\n{rule}\n[batch.cruel]\n{rule}\n[batch.short]\n{rule}\n");
    let script = include_str!("../../../tests/data/example.rhai");
    let files = Files {
        name: "example".to_owned(),
        manifest: ("example.toml".to_owned(), format!("{manifest}\n{batches}")),
        script: ("example.rhai".to_owned(), format!("{script}{RUN}")),
    };
    Arc::new(Adapter::compile(files).unwrap())
}

/// A vendor that answers each operation with itself after `takes`, and fails as it says:
/// `null` for "lost", an error for "fails".
#[derive(Default)]
struct Vendor {
    takes: Duration,
    jobs: Arc<AtomicUsize>,
    seen: RefCell<Vec<Value>>,
}

impl Backend for Vendor {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        assert!(call.token.is_some());
        let body: Value = serde_json::from_slice(&call.body.unwrap().bytes).unwrap();
        let operations = body["operations"].as_array().unwrap().clone();
        Box::pin(async move {
            assert!(operations.iter().all(|it| it != "panic"), "as wanted");
            if tokio::time::timeout_at(deadline, tokio::time::sleep(self.takes))
                .await
                .is_err()
            {
                return Err(CallFault::Lost("too slow".into()));
            }
            if operations.iter().any(|it| it == "down") {
                return Err(CallFault::NotSent("down".into()));
            }
            self.seen.borrow_mut().extend(operations.iter().cloned());
            let result = |operation: &Value| match operation.as_str() {
                Some("lost") => Value::Null,
                Some("fails") => json!({"error": "FAILS"}),
                _ => operation.clone(),
            };
            let results: Vec<_> = operations.iter().map(result).collect();
            Ok(VendorReply {
                status: 200,
                retry_after: None,
                headers: Default::default(),
                body: json!({"results": results}).to_string().into(),
                after_loss: false,
            })
        })
    }
}

/// One tenant's requests on one thread.
fn crew(adapter: &Arc<Adapter>, batches: &Arc<Batches>, vendor: &Rc<Vendor>) -> Crew {
    Crew {
        tenant: TenantId::parse("acme").unwrap(),
        adapter: Arc::clone(adapter),
        settings: Arc::new(Settings::default()),
        backend: Rc::clone(vendor) as Rc<dyn Backend>,
        lease: Lease::default(),
        batches: Arc::clone(batches),
        look_ups: LookUps::default().of("acme"),
        cpu: Duration::from_millis(250),
        brake: None,
        deadline: Instant::now() + Duration::from_secs(45),
    }
}

fn runtime(paused: bool) -> LocalRuntime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(paused)
        .build_local(LocalOptions::default())
        .unwrap()
}

/// What a store keeps of one kind of batch, by the clock that tests hold.
struct Kept {
    began: Instant,
    full_at: AtomicI64,
    is_lost: AtomicBool,
}

impl BatchCounts for Kept {
    fn count_batch(
        &self,
        _: &TenantId,
        _: &str,
        limit: PerMinute,
    ) -> Recall<'_, Result<(), Duration>> {
        let now = self.began.elapsed().as_millis() as i64;
        let taken = limit.take(self.full_at.load(Ordering::Relaxed), now);
        let taken = taken.map(|full_at| self.full_at.store(full_at, Ordering::Relaxed));
        let answer = match self.is_lost.load(Ordering::Relaxed) {
            true => Err(MemoryError("lost".to_owned())),
            false => Ok(taken),
        };
        Box::pin(std::future::ready(answer))
    }
}

struct Bench {
    vendor: Rc<Vendor>,
    crew: Crew,
    kept: Arc<Kept>,
}

impl Bench {
    fn new(rule: &str, per_minute: Option<u32>, takes: Duration) -> Self {
        let adapter = adapter(rule);
        let kept = Arc::new(Kept {
            began: Instant::now(),
            full_at: AtomicI64::new(0),
            is_lost: AtomicBool::new(false),
        });
        let limit = per_minute.map(|per_minute| Self::limit(per_minute, &kept));
        let batches = Arc::new(Batches::new(&adapter.manifest, limit));
        let vendor = Rc::new(Vendor {
            takes,
            ..Vendor::default()
        });
        let crew = crew(&adapter, &batches, &vendor);
        Self { vendor, crew, kept }
    }

    fn limit(per_minute: u32, kept: &Arc<Kept>) -> Limit {
        let counts = Arc::clone(kept) as Arc<dyn BatchCounts>;
        Limit { per_minute, counts }
    }

    fn hand_in(&self, item: Value) -> LocalBoxFuture<'static, Result<Value, Failure>> {
        self.hand_in_to("jobs", item)
    }

    fn hand_in_to(
        &self,
        name: &str,
        item: Value,
    ) -> LocalBoxFuture<'static, Result<Value, Failure>> {
        let results = self.crew.submit(name, vec![item]).unwrap();
        Box::pin(async move { Ok(results.await?.remove(0)) })
    }

    fn jobs(&self) -> usize {
        self.vendor.jobs.load(Ordering::Relaxed)
    }

    fn seen(&self) -> Vec<Value> {
        self.vendor.seen.borrow().clone()
    }
}

async fn all<T>(futures: Vec<LocalBoxFuture<'static, T>>) -> Vec<T>
where
    T: 'static,
{
    let tasks: Vec<_> = futures.into_iter().map(tokio::task::spawn_local).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

const UNKNOWN: Failure = Failure::Vendor(VendorFault::UnknownOutcome, None);

#[test]
fn fifty_at_once_are_one_job_and_each_gets_its_own_result() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 100", None, Duration::ZERO);
        let results = all((0..50).map(|n| bench.hand_in(n.into())).collect()).await;
        let expected: Vec<_> = (0..50).map(|n| Ok(Value::from(n))).collect();
        assert_eq!(results, expected);
        assert_eq!(bench.jobs(), 1);
    });
}

#[test]
fn a_failed_item_does_not_fail_its_neighbours() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 100", None, Duration::ZERO);
        let items = ["one", "fails", "lost", "two"];
        let results = all(items.map(|item| bench.hand_in(item.into())).into()).await;
        let fails = Ok(json!({"error": "FAILS"}));
        assert_eq!(
            results,
            [Ok("one".into()), fails, Err(UNKNOWN), Ok("two".into())]
        );
    });
}

#[test]
fn what_comes_while_a_job_runs_goes_with_the_next_one() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 100", None, Duration::from_secs(3));
        let mut waiting = Vec::new();
        for n in 0..20 {
            let result = bench.hand_in(n.into());
            waiting.push(tokio::task::spawn_local(result));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for (n, task) in waiting.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), Ok(n.into()));
        }
        assert_eq!(bench.jobs(), 2);
        assert_eq!(bench.seen(), (0..20).map(Value::from).collect::<Vec<_>>());
    });
}

#[test]
fn several_may_be_in_flight_if_the_manifest_says_so() {
    runtime(true).block_on(async {
        let rule = "window_ms = 0\nmax_items = 1\nin_flight = 3";
        let bench = Bench::new(rule, None, Duration::from_secs(1));
        let began = Instant::now();
        all((0..6).map(|n| bench.hand_in(n.into())).collect()).await;
        assert_eq!((bench.jobs(), began.elapsed().as_secs()), (6, 2));
    });
}

#[test]
fn a_batch_holds_only_so_many_items_and_bytes_and_the_order_stays() {
    runtime(true).block_on(async {
        for (rule, jobs) in [
            ("max_items = 10", 3),
            ("max_bytes = 16", 4),
            ("max_bytes = 1", 25),
        ] {
            let bench = Bench::new(rule, None, Duration::ZERO);
            let items: Vec<Value> = (0..25).map(|n| (n % 10).into()).collect();
            let results = bench.crew.submit("jobs", items.clone()).unwrap().await;
            assert_eq!(results, Ok(items.clone()), "{rule}");
            assert_eq!((bench.jobs(), bench.seen()), (jobs, items), "{rule}");
        }
    });
}

#[test]
fn the_vendors_pace_is_kept_and_who_cannot_wait_was_never_sent() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 0\nmax_items = 1", Some(3), Duration::ZERO);
        // One at once, the second after 24 s, the third after 48 s: later than any of them waits.
        let results = all((0..3).map(|n| bench.hand_in(n.into())).collect()).await;
        let busy = VendorFault::Busy { retry_after: None };
        assert_eq!(results, [Ok(0.into()), Ok(1.into()), Err(busy.into())]);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(bench.seen(), [0, 1]);
    });
}

#[test]
fn without_a_store_no_batch_goes_out_and_who_waits_hears_it_at_once() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 0", Some(3), Duration::ZERO);
        bench.kept.is_lost.store(true, Ordering::Relaxed);
        let began = Instant::now();
        let results = bench.crew.submit("jobs", vec![0.into(), 1.into()]);
        let lost = GatewayFault::StoreUnavailable("lost".to_owned());
        assert_eq!(results.unwrap().await, Err(lost.into()));
        assert_eq!((bench.jobs(), began.elapsed().as_secs()), (0, 0));
        bench.kept.is_lost.store(false, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(24)).await;
        assert_eq!(bench.hand_in(2.into()).await, Ok(2.into()));
    });
}

#[test]
fn a_reload_does_not_reset_the_pace() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 0\nmax_items = 1", Some(3), Duration::ZERO);
        all((0..2).map(|n| bench.hand_in(n.into())).collect()).await;
        let manifest = &bench.crew.adapter.manifest;
        let batches = bench
            .crew
            .batches
            .under(manifest, Some(Bench::limit(3, &bench.kept)));
        let next = Crew {
            batches: Arc::new(batches),
            deadline: Instant::now() + Duration::from_secs(45),
            ..bench.crew.clone()
        };
        let began = Instant::now();
        next.submit("jobs", vec![2.into()]).unwrap().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 24);
    });
}

#[test]
fn a_job_without_end_is_given_up_and_the_next_one_goes_on() {
    runtime(true).block_on(async {
        let rule = "window_ms = 0\nlongest_ms = 5_000";
        let bench = Bench::new(rule, None, Duration::from_secs(3_600));
        let began = Instant::now();
        // Lost under a token: sent again or not, nobody knows.
        let result = bench.hand_in(1.into()).await;
        assert!(
            matches!(&result, Err(Failure::Vendor(VendorFault::Unusable, _))),
            "{result:?}"
        );
        assert_eq!(began.elapsed().as_secs(), 5);
        assert!(bench.hand_in(2.into()).await.is_err());
        assert_eq!(bench.jobs(), 2);
    });
}

#[test]
fn who_waits_gives_up_before_the_deadline_and_does_not_know() {
    runtime(true).block_on(async {
        let rule = "window_ms = 0\nlongest_ms = 600_000";
        let mut bench = Bench::new(rule, None, Duration::from_secs(60));
        // A neighbour with more time keeps the batch going.
        let patient = Crew {
            deadline: Instant::now() + Duration::from_secs(100),
            ..bench.crew.clone()
        };
        let patient = patient.submit("jobs", vec!["patient".into()]).unwrap();
        bench.crew.deadline = Instant::now() + Duration::from_secs(10);
        let hasty = bench.hand_in("hasty".into());
        let began = Instant::now();
        let patient = tokio::task::spawn_local(patient);
        assert_eq!(hasty.await, Err(UNKNOWN));
        assert_eq!(began.elapsed().as_secs(), 7);
        assert_eq!(patient.await.unwrap(), Ok(vec!["patient".into()]));
    });
}

#[test]
fn who_hung_up_before_the_batch_went_is_not_in_it() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 100", None, Duration::ZERO);
        // The first to come leads, and it is the one that goes.
        let gone = tokio::task::spawn_local(bench.hand_in("gone".into()));
        tokio::task::yield_now().await;
        let stays = tokio::task::spawn_local(bench.hand_in("stays".into()));
        tokio::task::yield_now().await;
        gone.abort();
        assert_eq!(stays.await.unwrap(), Ok("stays".into()));
        assert_eq!(bench.seen(), ["stays"]);
    });
}

#[test]
fn who_hung_up_while_it_ran_does_not_stop_it() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 100", None, Duration::from_secs(5));
        let gone = tokio::task::spawn_local(bench.hand_in("gone".into()));
        tokio::task::yield_now().await;
        let stays = tokio::task::spawn_local(bench.hand_in("stays".into()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        gone.abort();
        assert_eq!(stays.await.unwrap(), Ok("stays".into()));
        assert_eq!(bench.seen(), ["gone", "stays"]);
    });
}

#[test]
fn what_fails_as_a_whole_fails_for_all_in_the_same_way() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 100", None, Duration::ZERO);
        let down = all(["down", "up"].map(|item| bench.hand_in(item.into())).into()).await;
        assert_eq!(down.len(), 2);
        for result in &down {
            let is_down = matches!(result, Err(Failure::Vendor(VendorFault::Unreachable, _)));
            assert!(is_down, "{result:?}");
        }
        let short = bench.hand_in_to("short", 1.into()).await;
        assert_eq!(short, Err(UNKNOWN));
        let cruel = bench.hand_in_to("cruel", 1.into()).await;
        let Err(Failure::Script(fault)) = cruel else {
            panic!("{cruel:?}");
        };
        assert_eq!(fault.place.script, "example.rhai");
        assert_eq!(bench.hand_in("well".into()).await, Ok("well".into()));
    });
}

#[test]
fn a_panic_costs_one_batch() {
    runtime(true).block_on(async {
        let bench = Bench::new("window_ms = 100", None, Duration::ZERO);
        let results = all(["panic", "one"]
            .map(|item| bench.hand_in(item.into()))
            .into())
        .await;
        assert_eq!(results, [Err(UNKNOWN), Err(UNKNOWN)]);
        assert_eq!(bench.hand_in("well".into()).await, Ok("well".into()));
    });
}

#[test]
fn items_of_all_threads_go_together() {
    const THREADS: usize = 4;
    let adapter = adapter("window_ms = 300");
    let batches = Arc::new(Batches::new(&adapter.manifest, None));
    let (jobs, barrier) = (Arc::new(AtomicUsize::new(0)), Barrier::new(THREADS));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (adapter, batches, jobs, barrier) = (&adapter, &batches, &jobs, &barrier);
            scope.spawn(move || {
                runtime(false).block_on(async {
                    let vendor = Rc::new(Vendor {
                        jobs: Arc::clone(jobs),
                        ..Vendor::default()
                    });
                    let crew = crew(adapter, batches, &vendor);
                    barrier.wait();
                    let items: Vec<Value> = (0..25).map(|n| json!([thread, n])).collect();
                    let results = crew.submit("jobs", items.clone()).unwrap().await;
                    assert_eq!(results, Ok(items));
                    // A leader's thread ends with the last of those who wait.
                    barrier.wait();
                });
            });
        }
    });
    let jobs = jobs.load(Ordering::Relaxed);
    assert!((1..=2).contains(&jobs), "{jobs} jobs");
}

#[test]
fn when_the_leader_dies_the_others_begin_again() {
    let adapter = adapter("window_ms = 500");
    let batches = Arc::new(Batches::new(&adapter.manifest, None));
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = runtime(false);
            runtime.block_on(async {
                let vendor = Rc::new(Vendor::default());
                let results = crew(&adapter, &batches, &vendor).submit("jobs", vec![1.into()]);
                let task = tokio::task::spawn_local(results.unwrap());
                tokio::task::yield_now().await;
                barrier.wait();
                barrier.wait();
                drop(task);
            });
            // With it goes the leader, in the middle of its window.
            drop(runtime);
        });
        scope.spawn(|| {
            runtime(false).block_on(async {
                let vendor = Rc::new(Vendor::default());
                barrier.wait();
                let crew = crew(&adapter, &batches, &vendor);
                let results =
                    tokio::task::spawn_local(crew.submit("jobs", vec![2.into()]).unwrap());
                tokio::task::yield_now().await;
                barrier.wait();
                assert_eq!(results.await.unwrap(), Ok(vec![2.into()]));
                let seen: BTreeSet<_> = vendor.seen.borrow().iter().map(Value::to_string).collect();
                assert!(seen.contains("2"), "{seen:?}");
            });
        });
    });
}
