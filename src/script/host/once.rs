//! `once`: what a script has looked up is kept for a while.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, Engine, FnPtr, NativeCallContext};

use super::calls::{Thrown, cancelled, error};
use super::context::ScriptContext;
use super::document::Docs;
use super::fault::Fault;
use super::json;
use crate::script::fault::{Failure, VendorFault};
use crate::script::fiber::{Answer, Ask};
use crate::script::once::{Slot, Turn};

/// Registers `once`.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.call(
        "once(name, seconds, || …)",
        "What the function gives, looked up once for the tenant and kept for so many seconds (a day at most), for what rarely changes: roles, states, the ids of fields. Requests that need it at the same time wait for one look-up. A fault is not kept, and nothing outlasts a change of the adapter, the tenant or its secrets. The value must be plain data, of at most 256 KiB; the function must only read.",
        &[(r#"once("roles", 600, || get("/roles"))"#, "GET /roles")],
    );
    engine.register_fn(
        "once",
        |context: NativeCallContext<'_>, name: &str, seconds: i64, look_up: FnPtr| {
            once(&context, name, seconds, |context| {
                look_up.call_within_context(context, ())
            })
        },
    );
    docs.call(
        "once(name, seconds, value, |value| …)",
        "The same for each value that the function is given.",
        &[(
            r#"once("role", 600, "Admin", |role| get("/roles", query("name", role)))"#,
            "GET /roles?name=Admin",
        )],
    );
    engine.register_fn(
        "once",
        |context: NativeCallContext<'_>, name: &str, seconds: i64, of: Dynamic, look_up: FnPtr| {
            let value = json::to_value(&of)
                .ok_or_else(|| error("once() takes plain data", context.call_position()))?;
            once(&context, &format!("{name} {value}"), seconds, |context| {
                look_up.call_within_context(context, (of,))
            })
        },
    );
}

fn once(
    context: &NativeCallContext<'_>,
    name: &str,
    seconds: i64,
    look_up: impl FnOnce(&NativeCallContext<'_>) -> Result<Dynamic, Thrown>,
) -> Result<Dynamic, Thrown> {
    let script = ScriptContext::of(context)?;
    let refused = |text| error(text, context.call_position());
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| refused("once() keeps a value for 1 second or longer"))?;
    let environment = script.environment();
    let slot = environment.look_ups().slot(name);
    if let Some(value) = slot.kept() {
        return Ok(json::to_dynamic(value));
    }
    // Two that wait for each other's turn would wait for ever.
    let looking = environment.effects().look_up();
    let _looking = looking.ok_or_else(|| refused("once() cannot stand within once()"))?;
    let _turn = turn(context, &script, &slot)?;
    if let Some(value) = slot.kept() {
        return Ok(json::to_dynamic(value));
    }
    let found = look_up(context)?;
    let value = json::to_value(&found);
    let value = value.ok_or_else(|| refused("once() keeps plain data, and no function"))?;
    let time = Duration::from_secs(seconds);
    environment.look_ups().keep(name, slot, value, time);
    Ok(found)
}

/// Waits until nobody else looks it up. The turn ends with the fiber at the latest, however that ends.
fn turn(
    context: &NativeCallContext<'_>,
    script: &ScriptContext,
    slot: &Arc<Slot>,
) -> Result<Turn, Thrown> {
    if let Some(turn) = slot.try_turn() {
        return Ok(turn);
    }
    let (taken, next) = (Rc::new(Cell::new(None)), slot.turn());
    let place = Rc::clone(&taken);
    let wait = Box::pin(async move { place.set(Some(next.await)) });
    match script.call().ask(Ask::Wait(wait)) {
        Answer::Go => taken.take().ok_or_else(|| cancelled(context)),
        Answer::Late => {
            let busy = VendorFault::Busy { retry_after: None };
            let late = Failure::vendor(busy, "another request has been looking it up for too long");
            Err(Fault::failed(late).throw(context.call_position()))
        }
        _ => Err(cancelled(context)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::sync::Barrier;

    use rhai::{CallFnOptions, Scope};
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
    use crate::script::engine::scripting;
    use crate::script::fiber::tests::{block_on, budget};
    use crate::script::fiber::{self, Budget};
    use crate::script::once::{LookUps, TenantLookUps};
    use crate::script::program::fault_of;

    /// Answers after a while, the first calls with 503.
    #[derive(Default)]
    struct Vendor {
        failing: Cell<usize>,
        calls: RefCell<Vec<String>>,
    }

    impl Backend for Vendor {
        fn call<'a>(
            &'a self,
            call: VendorCall,
            _: Instant,
        ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
            Box::pin(async move {
                self.calls.borrow_mut().push(call.path);
                sleep(Duration::from_millis(50)).await;
                let fails = self.failing.get();
                self.failing.set(fails.saturating_sub(1));
                Ok(VendorReply {
                    status: if fails > 0 { 503 } else { 200 },
                    body: r#"{"id": 7}"#.into(),
                    ..VendorReply::silent()
                })
            })
        }
    }

    const ROLE: &str = r#"fn main() { once("role", 60, || get("/role").id) }"#;

    async fn run(
        source: &str,
        vendor: &Vendor,
        known: &TenantLookUps,
        budget: Budget,
    ) -> Result<String, Failure> {
        let ast = scripting().engine.compile(source).unwrap();
        let known = known.clone();
        let job = move |call: &fiber::Call| {
            let context = ScriptContext::bare_with(call, known);
            let options = CallFnOptions::new().with_tag(context);
            let engine = &scripting().engine;
            let given = engine.call_fn_with_options::<Dynamic>(
                options,
                &mut Scope::new(),
                &ast,
                "main",
                (),
            );
            given
                .map(|given| given.to_string())
                .map_err(|error| fault_of(&error, "test", "main").into())
        };
        fiber::run(job, budget, vendor).await
    }

    fn known() -> TenantLookUps {
        LookUps::default().of("acme")
    }

    #[track_caller]
    fn check(source: &str, expect: Result<&str, &str>, calls: &[&str]) {
        let vendor = Vendor::default();
        let got = block_on(run(source, &vendor, &known(), budget()));
        match (got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect),
            (Err(got), Err(expect)) => assert!(got.to_string().contains(expect), "{got}"),
            (got, expect) => panic!("{got:?} instead of {expect:?}"),
        }
        assert_eq!(*vendor.calls.borrow(), calls);
    }

    #[test]
    fn what_is_asked_for_again_is_not_looked_up_again() {
        let two = r#"let a = once("a", 60, || get("/a").id); a + once("a", 60, || get("/a").id)"#;
        check(&format!("fn main() {{ {two} }}"), Ok("14"), &["/a"]);
        let each = r#"for n in [1, 2, 1] { once("a", 60, n, |n| get(`/a/${n}`)) }"#;
        check(
            &format!("fn main() {{ {each} }}"),
            Ok(""),
            &["/a/1", "/a/2"],
        );
        let nothing = r#"once("a", 60, || { get("/a"); () }); once("a", 60, || get("/a"))"#;
        check(&format!("fn main() {{ {nothing} }}"), Ok(""), &["/a"]);
    }

    #[test]
    fn what_cannot_be_kept_or_would_wait_for_itself_is_a_mistake() {
        let within = r#"fn main() { once("a", 60, || once("b", 60, || 1)) }"#;
        check(within, Err("cannot stand within once()"), &[]);
        let batch = r#"fn main() { once("a", 60, || batch("jobs", 1)) }"#;
        check(batch, Err("handed in within once()"), &[]);
        let short = r#"fn main() { once("a", 0, || 1) }"#;
        check(short, Err("for 1 second or longer"), &[]);
        let function = r#"fn main() { once("a", 60, || |x| x) }"#;
        check(function, Err("keeps plain data"), &[]);
    }

    #[test]
    fn many_at_once_make_one_call() {
        let (vendor, known) = (Vendor::default(), known());
        let all = block_on(async {
            let one = || run(ROLE, &vendor, &known, budget());
            tokio::join!(one(), one(), one(), one())
        });
        for one in [all.0, all.1, all.2, all.3] {
            assert_eq!(one.unwrap(), "7");
        }
        assert_eq!(vendor.calls.borrow().len(), 1);
    }

    #[test]
    fn threads_too_make_one_call() {
        let (known, barrier) = (known(), Arc::new(Barrier::new(4)));
        let threads = (0..4).map(|_| {
            let (known, barrier) = (known.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                let vendor = Vendor::default();
                let got = block_on(run(ROLE, &vendor, &known, budget()));
                (got.unwrap(), vendor.calls.borrow().len())
            })
        });
        let threads: Vec<_> = threads.collect();
        let got = threads.into_iter().map(|thread| thread.join().unwrap());
        let calls: usize = got
            .inspect(|(got, _)| assert_eq!(got, "7"))
            .map(|(_, calls)| calls)
            .sum();
        assert_eq!(calls, 1);
    }

    #[test]
    fn a_fault_is_not_kept_and_whoever_waited_looks_up_next() {
        let (vendor, known) = (Vendor::default(), known());
        vendor.failing.set(1);
        let (first, second) = block_on(async {
            let one = || run(ROLE, &vendor, &known, budget());
            tokio::join!(one(), one())
        });
        assert!(first.is_err());
        assert_eq!(second.unwrap(), "7");
        assert_eq!(vendor.calls.borrow().len(), 2);
    }

    #[test]
    fn whoever_gives_up_gives_the_turn_away_and_nobody_waits_beyond_its_time() {
        let (vendor, known) = (Vendor::default(), known());
        block_on(async {
            let one = run(ROLE, &vendor, &known, budget());
            let hung_up = tokio::time::timeout(Duration::from_millis(10), one).await;
            assert!(hung_up.is_err());
            assert_eq!(run(ROLE, &vendor, &known, budget()).await.unwrap(), "7");
        });
        let known = self::known();
        let _turn = known.slot("role").try_turn().unwrap();
        let soon = Budget {
            deadline: Instant::now() + Duration::from_millis(20),
            ..budget()
        };
        let late = block_on(run(ROLE, &vendor, &known, soon)).unwrap_err();
        assert!(late.to_string().contains("Fault"), "{late}");
    }
}
