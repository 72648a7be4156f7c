//! What a script can use up, and that it ends there.

use std::sync::Arc;

use super::*;
use crate::script::brake::{Brake, Brakes};
use crate::script::host::json;

/// Whatever ends it, its operations or its CPU time.
#[test]
fn a_script_without_end_is_not_begun_again_and_again() {
    let source = "fn main() { loop { } }";
    for cpu in [Duration::from_secs(60), Duration::from_millis(20)] {
        let brakes: Arc<Brakes> = Arc::default();
        let once = || {
            let budget = Budget {
                cpu,
                brake: Some(Brake::of(&brakes, "acme", "a.rhai")),
                ..budget()
            };
            reason(block_on(run(job(source), budget, &Echo::default())))
        };
        for _ in 0..3 {
            let reason = once();
            assert!(reason.contains("used up its"), "{reason}");
        }
        let reason = once();
        assert!(reason.contains("3 times in a row"), "{reason}");
    }
}

#[test]
fn a_script_that_holds_too_much_is_ended_and_gives_it_back() {
    let hoards = [
        "fn keep(n) { let s = `${n}`; s.pad(4000000, 'a'); keep(n + 1) + s.len() } fn main() { keep(1) }",
        "fn main() { [1].map(|x| { let all = [#{}, #{}, #{}, #{}, #{}, #{}, #{}, #{}, #{}, #{}, #{}, #{}, #{}, #{}]; all.map(|m| { let s = \"\"; s.pad(4000000, 'b'); s }) }) }",
    ];
    for source in hoards {
        let before = memory::live();
        let budget = Budget {
            cpu: Duration::from_secs(20),
            ..budget()
        };
        let told = reason(block_on(run(job(source), budget, &Echo::default())));
        assert!(
            told.contains("memory") || told.contains("too large"),
            "{source}: {told}"
        );
        let left = memory::live() - before;
        assert!(left < 1 << 20, "{source}: {left}");
    }
}

#[test]
fn replacing_a_letter_by_a_text_is_measured_first() {
    for call in [
        "s.replace('a', s)",
        "s.replace(\"a\", s)",
        "s.split(\"\")",
        "s.split('a')",
        "s.to_chars()",
    ] {
        let source = format!("fn main() {{ let s = \"a\"; s.pad(1000000, 'a'); {call} }}");
        let (told, held) = memory::peak_of(|| reason(run_script(&source, &Echo::default())));
        assert!(told.contains("too large"), "{call}: {told}");
        assert!(held < 8 << 20, "{call}: {held}");
    }
}

#[test]
fn a_sleep_without_end_ends_with_the_deadline() {
    block_on(async {
        tokio::time::pause();
        for time in ["9223372036854775807", "1e300", "-1"] {
            let source = format!("fn main() {{ sleep({time}); 1 }}");
            let slept = run(job(&source), budget(), &Echo::default()).await;
            assert_eq!(slept.unwrap(), "1", "{time}");
        }
    });
}

/// As when the process is stopped, or another has the core.
#[test]
fn time_in_which_a_script_does_not_have_the_core_is_not_its_own() {
    let loops = job("fn main() { let x = 0; while x < 5000 { x += 1; } x }");
    let slow = move |call: &Call| {
        #[expect(
            clippy::disallowed_methods,
            reason = "the thread itself is to stand still"
        )]
        std::thread::sleep(Duration::from_millis(700));
        loops(call)
    };
    let ended = block_on(run(slow, budget(), &Echo::default()));
    assert_eq!(ended.unwrap(), "5000");
}

#[test]
fn a_source_that_takes_long_to_parse_is_given_up() {
    let lets: String = (0..4500).map(|n| format!("let v{n}=1;")).collect();
    let calls = format!("fn main() {{ {} }}", "f(".repeat(20_000));
    for source in [format!("fn main() {{ {lets} }}"), calls] {
        let clock = clock::SliceClock::start();
        let _compiled = crate::script::program::Script::compile("v.rhai", source);
        assert!(clock.used() < Duration::from_secs(5), "{:?}", clock.used());
    }
}

#[test]
fn curry_is_no_function_of_a_script() {
    let attack = "fn user_attributes() { let a = [Fn(\"zz\")]; let n = 0; while n < 60000 { a.push(Fn(\"zz\").curry([[[[[[a.pop()]]]]]])); n += 1; } a }";
    for source in [attack, "fn f(a) { curry(Fn(\"zz\"), a) }"] {
        let problems = crate::script::program::Script::compile("v.rhai", source.to_owned());
        let problems = problems.map(|_| ()).expect_err(source);
        assert!(
            format!("{:?}", problems[0]).contains("curry"),
            "{:?}",
            problems[0]
        );
    }
}

#[test]
fn values_as_deep_as_any_are_dropped() {
    let shapes = [
        "a = [a]",
        "a = #{ x: [a] }",
        "let b = []; b.push(a); a = b",
        "let b = #{}; b.set(\"x\", a); a = b",
        "let b = #{}; b.mixin(#{ x: a }); a = b",
        "let b = []; b.append([a]); a = b",
        "let b = [1]; b[0] = a; a = b",
        "let b = [[]]; b[0].push(a); a = b",
        "a = [a].map(|x| [x])",
    ];
    for shape in shapes {
        let source = format!("fn main() {{ let a = []; loop {{ {shape}; }} }}");
        assert!(run_script(&source, &Echo::default()).is_err(), "{shape}");
    }
}

/// The tree is walked and dropped where the stack is a thread's own.
#[test]
fn an_expression_without_end_is_no_tree_without_end() {
    let chains = [
        format!("fn f(a) {{ a{} }}", "+a".repeat(25_000)),
        format!("fn f(a) {{ a{} }}", ".b".repeat(25_000)),
        format!("fn f(a) {{ a{} }}", "[0]".repeat(20_000)),
        format!("fn f(a) {{ a{} }}", "+#{}+{1;2}".repeat(5_000)),
        format!("fn f(a) {{ {} }}", "if a {} else ".repeat(4_000)),
        format!("fn f(a) {{ {}a }}", "!".repeat(25_000)),
        format!("fn f(a) {{ a{} }}", "+a".repeat(40)),
    ];
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let small = small.spawn(move || {
        let compile = |source: &String| {
            let compiled = crate::script::program::Script::compile("v.rhai", source.clone());
            compiled
                .map(|_| ())
                .map_err(|problems| format!("{problems:?}"))
        };
        chains.iter().map(compile).collect::<Vec<_>>()
    });
    let compiled = small.unwrap().join().unwrap();
    let (fits, long) = compiled.split_last().unwrap();
    assert_eq!(fits, &Ok(()));
    assert!(long.iter().all(Result::is_err), "{long:?}");
}

/// What ends it mostly comes while a comparison runs, of which rhai swallows the errors.
#[test]
fn a_script_that_sorts_without_end_is_ended() {
    let source = "fn main() { let s = []; for n in 0..2000 { s.push(n); } \
                  loop { s.sort(|a, b| if a > b { -1 } else { 1 }); } }";
    let told = reason(run_script(source, &Echo::default()));
    assert!(told.contains("used up its "), "{told}");
}

/// Each of theirs waits for its turn among its own, so that together they have one of two turns.
#[test]
fn many_scripts_without_end_of_one_tenant_leave_anothers_its_turns() {
    let brakes: Arc<Brakes> = Arc::default();
    let budget_of = |tenant: &str| Budget {
        cpu: Duration::from_secs(60),
        brake: Some(Brake::of(&brakes, tenant, "a.rhai")),
        ..budget()
    };
    // For a while beyond what makes it heavy, whatever the build.
    let long = "fn main() { let x = 0; while x < 60000 { x += 1; } x }";
    let echo = Echo::default();
    let (_, alone) = cpu_of(|| block_on(run(job(long), budget_of("globex"), &echo)).unwrap());
    let (_, beside) = cpu_of(|| {
        block_on(async {
            let endless =
                (0..24).map(|_| run(job("fn main() { loop { } }"), budget_of("acme"), &echo));
            let endless = futures_in_order(endless.map(Box::pin).collect());
            tokio::select! {
                done = run(job(long), budget_of("globex"), &echo) => done.unwrap(),
                _ = endless => unreachable!("they do not end"),
            }
        })
    });
    // 4 ms of each are before it is heavy; then as much as the other has, with room for a busy machine.
    let most = alone * 4 + Duration::from_millis(24 * 6);
    assert!(beside < most, "{alone:?} alone, {beside:?} with the others");
}

/// Reading is no operation of the script, so that its own guard does not look.
#[test]
fn others_have_their_turn_while_a_reply_is_read() {
    let body = format!("[{}0]", "\"0123456789\",".repeat(9_000));
    let read = move |_: &Call| {
        let read = (0..20).all(|_| json::parse(body.as_bytes()).is_some());
        assert!(read);
        Ok(())
    };
    let echo = Echo::default();
    let turns = block_on(async {
        let mut turns = 0;
        let mut reading = std::pin::pin!(run(read, budget(), &echo));
        loop {
            tokio::select! {
                biased;
                done = &mut reading => break done.map(|()| turns),
                () = tokio::task::yield_now() => turns += 1,
            }
        }
    });
    assert!(turns.unwrap() > 3);
}
