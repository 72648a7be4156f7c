use bytes::Bytes;
use tokio::time::advance;

use super::*;

fn call(method: Verb) -> VendorCall {
    VendorCall {
        method,
        path: "/users".into(),
        body: None,
        idempotent: false,
        token: None,
        resource: None,
    }
}

fn answered(status: u16, means: Meaning, retry_after: Option<u64>) -> Tried {
    let reply = VendorReply {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        headers: Default::default(),
        body: Bytes::new(),
        after_loss: false,
    };
    Tried::Answered(reply, means)
}

fn in_45_s() -> Instant {
    Instant::now() + Duration::from_secs(45)
}

#[track_caller]
fn check(method: Verb, tried: Tried, again: bool) {
    let call = call(method);
    let mut tries = Tries::new(&call);
    tries.next();
    let pause = tries.pause(&tried, &Budget::new(), in_45_s());
    assert_eq!(pause.is_some(), again, "{method:?} after {tried:?}");
}

#[test]
fn what_was_not_carried_out_goes_again_and_the_rest_only_if_repeatable() {
    use Meaning::*;
    for method in [Verb::Get, Verb::Put, Verb::Patch, Verb::Delete, Verb::Post] {
        let repeatable = method != Verb::Post;
        check(method, Tried::Unsent("refused".into()), true);
        check(method, answered(429, Busy, None), true);
        check(method, answered(200, Busy, Some(2)), true);
        check(method, Tried::Lost("reset".into()), repeatable);
        for status in [500, 502, 503, 504, 408, 200] {
            check(method, answered(status, Fault, None), repeatable);
        }
        for status in [302, 405, 418] {
            check(method, answered(status, Fault, None), false);
        }
        for means in [Ok, Absent, Conflict, Invalid, Quota, Credential] {
            check(method, answered(400, means, None), false);
        }
        check(method, Tried::Held(CallFault::Credential), false);
    }
}

#[test]
fn a_short_invitation_is_waited_out_and_a_long_one_passed_on() {
    let call = call(Verb::Post);
    let pause = |seconds| {
        let mut tries = Tries::new(&call);
        tries.next();
        tries.pause(
            &answered(429, Meaning::Busy, Some(seconds)),
            &Budget::new(),
            in_45_s(),
        )
    };
    let wait = pause(10).unwrap_or_default().as_millis();
    assert!((10_000..=10_100).contains(&wait), "{wait}");
    assert_eq!(pause(11), None);
}

#[test]
fn nothing_is_tried_four_times_or_after_the_deadline() {
    let call = call(Verb::Get);
    let tried = Tried::Lost("cut".into());
    let mut tries = Tries::new(&call);
    for again in [true, true, false] {
        tries.next();
        assert_eq!(
            tries.pause(&tried, &Budget::new(), in_45_s()).is_some(),
            again
        );
    }
    let soon = Instant::now() + Duration::from_millis(99);
    let mut tries = Tries::new(&call);
    tries.next();
    assert_eq!(tries.pause(&tried, &Budget::new(), soon), None);
}

#[test]
fn a_change_in_doubt_stays_in_doubt() {
    let conclude = |method, first: Tried, last: Tried| {
        let call = call(method);
        let mut tries = Tries::new(&call);
        tries.next();
        tries.pause(&first, &Budget::new(), in_45_s());
        tries.next();
        tries.conclude(last)
    };
    let unsent = || Tried::Unsent("refused".into());
    let lost = || Tried::Lost("reset".into());
    let failed = || answered(500, Meaning::Fault, None);
    for first in [lost(), failed()] {
        for last in [unsent(), answered(429, Meaning::Busy, None)] {
            let end = conclude(Verb::Patch, first.clone(), last.clone());
            assert!(matches!(end, Tried::Lost(_)), "{first:?} {last:?}");
            let end = conclude(Verb::Get, first.clone(), last);
            assert!(!matches!(end, Tried::Lost(_)), "{first:?}");
        }
    }
    assert_eq!(conclude(Verb::Patch, unsent(), unsent()), unsent());
    for (first, after_loss) in [(lost(), true), (failed(), true), (unsent(), false)] {
        let end = conclude(Verb::Delete, first, answered(404, Meaning::Absent, None));
        assert!(matches!(end, Tried::Answered(reply, _) if reply.after_loss == after_loss));
    }
}

#[test]
fn jitter_stays_in_its_span() {
    for _ in 0..200 {
        for (tries, most) in [(1, 1_000), (2, 3_000)] {
            let wait = backoff(tries).as_millis();
            assert!((100..=most).contains(&wait), "{wait}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_a_fifth_of_recent_calls_and_a_floor() {
    let budget = Budget::new();
    let left = || {
        std::iter::repeat_with(|| budget.take())
            .take_while(|t| *t)
            .count()
    };
    assert_eq!(left(), 10);
    for _ in 0..100 {
        budget.called();
    }
    assert_eq!(left(), 20);
    advance(Duration::from_secs(10)).await;
    assert_eq!(left(), 10, "ten seconds on, the floor is there again");
}
