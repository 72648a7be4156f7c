#![allow(clippy::unwrap_used, clippy::expect_used)]

mod limits;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rhai::{CallFnOptions, Dynamic, Scope};

use super::*;
use crate::script::call::{LocalBoxFuture, VendorCall, VendorReply, Verb};
use crate::script::engine::scripting;
use crate::script::fault::ScriptFault;
use crate::script::host::ScriptContext;
use crate::script::program::fault_of;

/// A vendor that answers every call after a while with `{"n": <calls so far>}`.
#[derive(Default)]
struct Echo {
    pause: Duration,
    calls: Cell<i64>,
    paths: RefCell<Vec<String>>,
}

impl Backend for Echo {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        _deadline: tokio::time::Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        Box::pin(async move {
            self.calls.set(self.calls.get() + 1);
            self.paths.borrow_mut().push(call.path);
            let body = format!("{{\"n\": {}}}", self.calls.get());
            tokio::time::sleep(self.pause).await;
            Ok(VendorReply {
                status: 200,
                retry_after: None,
                headers: Default::default(),
                body: body.into(),
                after_loss: false,
            })
        })
    }
}

pub(crate) fn budget() -> Budget {
    Budget {
        cpu: Duration::from_millis(500),
        brake: None,
        deadline: tokio::time::Instant::now() + Duration::from_secs(30),
    }
}

/// A job that runs `main()` of a script and gives its result as text.
pub(crate) fn job(source: &str) -> impl FnOnce(&Call) -> Result<String, Failure> + 'static {
    let ast = scripting()
        .engine
        .compile(source)
        .expect("the script parses");
    move |call| {
        let context = ScriptContext::bare(call);
        let options = CallFnOptions::new().with_tag(context);
        let result = scripting().engine.call_fn_with_options::<Dynamic>(
            options,
            &mut Scope::new(),
            &ast,
            "main",
            (),
        );
        result
            .map(|value| value.to_string())
            .map_err(|error| fault_of(&error, "test", "main").into())
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn run_script(source: &str, echo: &Echo) -> Result<String, Failure> {
    block_on(run(job(source), budget(), echo))
}

fn reason(result: Result<String, Failure>) -> String {
    match result {
        Err(Failure::Script(ScriptFault { message, .. })) => message,
        other => panic!("expected a script fault, got {other:?}"),
    }
}

#[test]
fn calls_suspend_wherever_they_stand_and_come_back_in_order() {
    let echo = Echo::default();
    let source = r#"
        fn inner(path) { get(path).n }
        fn main() {
            let a = inner("/a");
            let b = [1, 2].map(|i| get(`/b${i}`).n);
            let c = 0;
            for i in 0..2 { c += post("/c", #{ i: i }).n; }
            let d = 0;
            `${a} ${b} ${c} ${d} ${get("/e").n}`
        }
    "#;
    assert_eq!(run_script(source, &echo).unwrap(), "1 [2, 3] 9 0 6");
    assert_eq!(*echo.paths.borrow(), ["/a", "/b1", "/b2", "/c", "/c", "/e"]);
}

#[test]
fn an_error_after_a_call_has_its_place() {
    let failure = run_script(
        "fn main() {\n    get(\"/a\");\n    1 + missing_thing()\n}",
        &Echo::default(),
    );
    let Err(Failure::Script(fault)) = failure else {
        panic!("{failure:?}")
    };
    assert_eq!((fault.place.line, fault.place.column), (3, 9));
    assert!(fault.message.contains("missing_thing"), "{}", fault.message);
}

#[test]
fn a_panic_ends_one_job_and_the_thread_goes_on() {
    let result = block_on(run(
        |_: &Call| -> Result<(), Failure> { panic!("on purpose") },
        budget(),
        &Echo::default(),
    ));
    assert_eq!(result, Err(GatewayFault::Internal.into()));
    assert_eq!(
        run_script("fn main() { get(\"/a\").n }", &Echo::default()).unwrap(),
        "1"
    );
}

#[test]
fn a_fiber_dropped_at_any_suspension_runs_no_further() {
    let source = r#"fn main() {
        let seen = 0;
        for i in 0..5 { try { get(`/${i}`); } catch { seen += 1; } }
        try { get("/last") } catch { }
    }"#;
    for stop in 1..=6 {
        let echo = Rc::new(Echo {
            pause: Duration::from_secs(3600),
            ..Echo::default()
        });
        block_on(async {
            tokio::time::pause();
            let running = run(job(source), budget(), &*echo);
            let patience = Duration::from_secs(3600 * stop - 1);
            assert!(tokio::time::timeout(patience, running).await.is_err());
        });
        assert_eq!(echo.calls.get(), stop as i64, "no call follows the drop");
    }
}

#[test]
fn ten_thousand_fibers_wait_at_once_on_one_thread() {
    let echo = Echo {
        pause: Duration::from_millis(300),
        ..Echo::default()
    };
    block_on(async {
        let mut fibers = Vec::new();
        for _ in 0..10_000 {
            fibers.push(Box::pin(run(job_shared(), budget(), &echo)));
        }
        let mut done = 0;
        for fiber in futures_in_order(fibers).await {
            fiber.unwrap();
            done += 1;
        }
        assert_eq!(done, 10_000);
    });
    assert_eq!(echo.calls.get(), 10_000);
}

/// The same small job each time, compiled once.
fn job_shared() -> impl FnOnce(&Call) -> Result<String, Failure> + 'static {
    thread_local! {
        static AST: rhai::AST = scripting().engine.compile("fn main() { get(\"/a\").n }").unwrap();
    }
    move |call: &Call| {
        let context = ScriptContext::bare(call);
        let options = CallFnOptions::new().with_tag(context);
        AST.with(|ast| {
            let engine = &scripting().engine;
            let result =
                engine.call_fn_with_options::<Dynamic>(options, &mut Scope::new(), ast, "main", ());
            result
                .map(|value| value.to_string())
                .map_err(|error| fault_of(&error, "test", "main").into())
        })
    }
}

/// Polls all of them until all are done.
async fn futures_in_order<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut results: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none() {
                match std::pin::Pin::new(future).poll(context) {
                    std::task::Poll::Ready(output) => *result = Some(output),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

#[test]
fn a_stack_is_used_again_and_a_deep_one_is_trimmed() {
    // A deep script and then a shallow one on the same stack.
    let deep = "fn down(n) { if n == 0 { 0 } else { 1 + down(n - 1) } } fn main() { down(25) }";
    for _ in 0..50 {
        assert_eq!(run_script(deep, &Echo::default()).unwrap(), "25");
        assert_eq!(
            run_script("fn main() { get(\"/a\").n }", &Echo::default()).unwrap(),
            "1"
        );
    }
}

#[test]
fn what_nests_without_end_is_a_script_error_and_no_crash() {
    let recursion = "fn f(n) { f(n + 1) } fn main() { f(0) }";
    assert!(reason(run_script(recursion, &Echo::default())).contains("Stack overflow"));
    let shapes = [
        "fn f(a) { [a].map(|x| f(x)) } fn main() { f(1) }",
        "fn f(n) { if true { if true { if true { switch n { _ => f(n + 1) } } } } } fn main() { f(0) }",
        "fn f(n) { `${`${`${f(n + 1)}`}`}` } fn main() { f(0) }",
    ];
    for shape in shapes {
        assert!(run_script(shape, &Echo::default()).is_err(), "{shape}");
    }
    // rhai swallows what a comparer throws; the stack must hold all the same.
    let sort = "fn f(a) { [2, 1].sort(|x, y| f(x)) } fn main() { f(1) }";
    let _sorted = run_script(sort, &Echo::default());
}

#[test]
fn deep_data_is_dropped_compared_and_printed_where_there_is_room() {
    let nest = "fn nest() { let a = []; for i in 0..9000 { a = [a]; } a }";
    for use_of_it in [
        "nest(); 1",
        "nest() == nest(); 1",
        "nest().to_string().len(); 1",
    ] {
        let source = format!("{nest} fn main() {{ {use_of_it} }}");
        // An error (a limit) is as good as a result: what counts is no crash.
        let _outcome = run_script(&source, &Echo::default());
    }
}

#[test]
fn endless_scripts_end_when_their_cpu_time_is_used_up() {
    let endless = [
        "fn main() { loop { } }",
        "fn main() { let x = 0; loop { x += 1; } }",
        "fn main() { loop { [1, 2, 3].for_each(|x| { x }); } }",
        "fn main() { loop { [1, 2, 3].map(|x| x + 1); } }",
        "fn main() { loop { try { loop { } } catch { } } }",
    ];
    for source in endless {
        let (text, cpu) = cpu_of(|| reason(run_script(source, &Echo::default())));
        assert!(
            text.contains("CPU time") || text.contains("operations"),
            "{source}: {text}"
        );
        assert!(cpu < Duration::from_secs(3), "{source}: {cpu:?}");
    }
}

#[test]
fn a_busy_script_lets_others_on_its_thread_run() {
    let ticks = Cell::new(0);
    block_on(async {
        let echo = Echo::default();
        let busy = run(
            job("fn main() { let x = 0; loop { x += 1; } }"),
            budget(),
            &echo,
        );
        let clock = async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ticks.set(ticks.get() + 1);
            }
        };
        tokio::select! { _ = busy => {}, () = clock => {} }
    });
    assert!(ticks.get() > 20, "{} ticks", ticks.get());
}

#[test]
fn closed_doors_stay_closed() {
    let source = r#"fn main() { parse_json("{}") }"#;
    assert!(reason(run_script(source, &Echo::default())).contains("not available"));
    for source in [
        "fn main() { eval(\"1\") }",
        "import \"x\" as y; fn main() { 1 }",
    ] {
        assert!(scripting().engine.compile(source).is_err(), "{source}");
    }
    let bomb = "fn main() { let s = \"a\"; s.pad(16000, 'a'); s.replace(\"a\", s); s.len() }";
    assert!(run_script(bomb, &Echo::default()).is_err());
}

#[test]
fn sleep_holds_nobody_up_and_ends_with_the_deadline() {
    block_on(async {
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let result = run(
            job("fn main() { sleep(7); sleep(0.5); 1 }"),
            budget(),
            &Echo::default(),
        )
        .await;
        assert_eq!(result.unwrap(), "1");
        assert_eq!(began.elapsed().as_millis() / 100, 75);
        let long = run(
            job("fn main() { sleep(99999); 1 }"),
            budget(),
            &Echo::default(),
        )
        .await;
        assert_eq!(long.unwrap(), "1");
        assert!(began.elapsed() < Duration::from_secs(60));
    });
}

#[test]
fn a_job_without_a_world_gets_no_answer() {
    let alone = run_alone(job("fn main() { get(\"/a\") }"), Duration::from_secs(1));
    assert!(alone.is_err());
    assert_eq!(
        run_alone(job("fn main() { 1 + 1 }"), Duration::from_secs(1)).unwrap(),
        "2"
    );
}

#[test]
fn a_converter_cannot_call_the_vendor() {
    // Without a context there is no way out, whatever fiber it runs on.
    let ast = scripting()
        .engine
        .compile("fn main() { get(\"/a\") }")
        .unwrap();
    let result = block_on(run(
        move |_: &Call| {
            let result = scripting()
                .engine
                .call_fn::<Dynamic>(&mut Scope::new(), &ast, "main", ());
            result
                .map(|value| value.to_string())
                .map_err(|error| fault_of(&error, "test", "main").into())
        },
        budget(),
        &Echo::default(),
    ));
    assert!(reason(result).contains("cannot be used in a table"));
}

#[test]
fn verbs_reach_the_backend_as_written() {
    assert_eq!(Verb::Patch.as_str(), "PATCH");
    let echo = Echo::default();
    run_script(
        "fn main() { put(\"/p\"); delete(\"/d\"); post_again(\"/x\"); }",
        &echo,
    )
    .unwrap();
    assert_eq!(*echo.paths.borrow(), ["/p", "/d", "/x"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_looked_at_in_growing_pauses_until_it_has_ended() {
    let (echo, began) = (Echo::default(), tokio::time::Instant::now());
    let source = r#"fn main() { poll("/jobs/1", 1000, |job| job.n == 4).n }"#;
    let ended = run(job(source), budget(), &echo).await;
    assert_eq!(ended.unwrap(), "4");
    // After 1 s, 1.5 s, and twice 2 s.
    assert_eq!(began.elapsed().as_millis(), 6_500);
}

#[tokio::test(start_paused = true)]
async fn a_job_without_end_is_given_up_while_there_is_time_for_a_call() {
    let (echo, began) = (Echo::default(), tokio::time::Instant::now());
    let source = r#"
        fn main() {
            let told = "";
            try {
                poll("/jobs/1", 1000, |job| false);
            } catch (fault) {
                told = `${fault.means} ${get("/jobs/1").n}`;
            }
            told
        }
    "#;
    let ended = run(job(source), budget(), &echo).await;
    assert_eq!(ended.unwrap(), "unknown_outcome 15");
    assert_eq!(began.elapsed().as_millis(), 26_500);
}
