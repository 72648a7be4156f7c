//! The vendor is down, slow, or says what nobody can use: 503 for every kind of
//! request, and nothing is written.

use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::{Action, Drip, Fault, Status, refusing_address};
use serde_json::{Value, json};

use super::{is_error, is_later, one_of_each, send_all};
use crate::harness::{Options, TestGateway, group, person};

/// Short enough to wait for, long enough for a busy machine.
const CALL_MS: u64 = 400;

/// Every call meets `action`, which carries nothing out.
async fn nothing_happens_under(action: Action) {
    let name = action.name();
    let gateway = TestGateway::start_with(Options {
        call_ms: CALL_MS,
        ..Options::default()
    })
    .await;
    let requests = one_of_each(&gateway).await;
    let before = gateway.vendor.state();
    gateway.faults([Fault::new("*", "/**", action)]);
    for (kind, response) in send_all(&gateway, requests).await {
        is_later(&response, &[503], &format!("{kind} under {name}"));
    }
    assert_eq!(gateway.vendor.state(), before, "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_keeps_the_vendor_from_answering_is_a_503() {
    let not_the_vendors = Status {
        body: "<html>no such virtual host</html>".to_owned(),
        ..404.into()
    };
    let actions = [
        Action::BlackHole,
        Action::DropBefore,
        Action::Html502,
        Action::Status(500.into()),
        // A 404 that the vendor did not sign is not absence.
        Action::Status(not_the_vendors),
    ];
    all_of(actions.map(nothing_happens_under)).await;
}

/// Plays all at once: they mostly wait.
async fn all_of(plays: impl IntoIterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let mut playing = tokio::task::JoinSet::new();
    for play in plays {
        playing.spawn(play);
    }
    playing.join_all().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = TestGateway::start().await;
    let calls = elsewhere.vendor.counters().calls;
    nothing_happens_under(Action::Redirect(elsewhere.vendor.base_url().to_owned())).await;
    assert_eq!(elsewhere.vendor.counters().calls, calls);
}

#[tokio::test]
async fn nobody_listening_is_a_503_and_says_that_nothing_changed() {
    let nobody = refusing_address().unwrap();
    let gateway = TestGateway::start_with(Options {
        base_url: Some(format!("http://{nobody}/provisioning/v1")),
        ..Options::default()
    })
    .await;
    let a = &gateway.a;
    let requests = vec![
        ("list", a.request("GET", "/Users")),
        ("read", a.request("GET", "/Users/18001")),
        ("create", a.request("POST", "/Users").json(&person())),
        ("delete", a.request("DELETE", "/Users/18001")),
        (
            "create group",
            a.request("POST", "/Groups").json(&group(&[])),
        ),
    ];
    for (kind, response) in send_all(&gateway, requests).await {
        is_later(&response, &[503], kind);
        let detail = response.json()["detail"].to_string();
        assert!(detail.contains("could not be reached"), "{kind}: {detail}");
    }
}

/// Answers that cannot be used although the vendor may have done its work: no
/// kind of request is told success, absence or a bad token. (A 204 has no body
/// that could be lost or late in part: a delete may well succeed.)
async fn nothing_is_believed_under(action: Action) {
    let name = action.name();
    let gateway = TestGateway::start_with(Options {
        call_ms: CALL_MS,
        ..Options::default()
    })
    .await;
    let requests = one_of_each(&gateway).await;
    gateway.faults([Fault::new("*", "/**", action)]);
    for (kind, response) in send_all(&gateway, requests).await {
        if kind == "delete" && response.status == 204 {
            continue;
        }
        is_later(&response, &[503], &format!("{kind} under {name}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_arrive_whole_is_none() {
    let drip = Drip {
        bytes: 1,
        every_ms: 100,
    };
    let actions = [
        Action::DelayAfterMs(4 * CALL_MS),
        Action::Drip(drip),
        Action::DropAfter,
        Action::Truncate(7),
    ];
    all_of(actions.map(nothing_is_believed_under)).await;
}

/// The whole answer is right behind nine MiB of white space.
#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    gateway.faults([Fault::new("GET", "/**", Action::Huge(9 << 20))]);
    for path in [format!("/Users/{user}"), "/Users".to_owned()] {
        is_later(&gateway.a.get(&path).await, &[503], &path);
    }
}

/// Who was asked for is not who came: never show it.
#[tokio::test]
async fn somebody_elses_row_is_not_believed() {
    let gateway = TestGateway::start().await;
    let (wanted, other) = (person(), person());
    let id = gateway.a.make("/Users", &wanted).await;
    gateway.a.make("/Users", &other).await;
    gateway.faults([Fault::new("*", "/users**", Action::WrongUser)]);
    let read = gateway.a.get(&format!("/Users/{id}")).await;
    is_later(&read, &[503], "read");
    let name = wanted["userName"].as_str().unwrap().replace('@', "%40");
    let found = gateway
        .a
        .get(&format!("/Users?filter=userName+eq+%22{name}%22"))
        .await;
    assert_eq!(found.json()["totalResults"], 0, "{found}");
    let changed = gateway
        .a
        .patch(
            &format!("/Users/{id}"),
            json!([{"op": "Replace", "path": "title", "value": "T"}]),
        )
        .await;
    let says = String::from_utf8_lossy(&changed.body).into_owned();
    assert!(
        !says.contains(other["userName"].as_str().unwrap()),
        "{says}"
    );
}

#[tokio::test]
async fn nonsense_in_place_of_json_is_a_503() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "not json",
        r#"{"data": 5}"#,
        r#"{"id": 18001}"#,
    ] {
        let gateway = TestGateway::start().await;
        let user = gateway.a.make("/Users", &person()).await;
        let says = Status {
            body: body.to_owned(),
            ..200.into()
        };
        gateway.faults([Fault::new("GET", "/**", Action::Status(says))]);
        let found = gateway.a.get("/Users?filter=userName+eq+%22x%22").await;
        is_later_or_500(&found, &format!("search, answered {body:?}"));
        if body != r#"{"id": 18001}"# {
            let read = gateway.a.get(&format!("/Users/{user}")).await;
            is_later_or_500(&read, &format!("read, answered {body:?}"));
        }
    }
}

/// A script that trips over a vendor's nonsense is a 500 with its place; an
/// answer the gateway sees through is a 503. Neither is a verdict on a user.
#[track_caller]
fn is_later_or_500(response: &crate::harness::Response, what: &str) {
    match response.status {
        500 => is_error(response, 500, None, what),
        _ => is_later(response, &[503], what),
    }
}

#[tokio::test]
async fn the_gateways_own_deadline_comes_first_and_the_write_goes_on() {
    let gateway = TestGateway::start_with(Options {
        request_seconds: 1,
        ..Options::default()
    })
    .await;
    let user = gateway.a.make("/Users", &person()).await;
    gateway.faults([Fault::new("*", "/**", Action::DelayMs(1500))]);
    let begun = Instant::now();
    let wanted = person();
    let path = format!("/Users/{user}");
    let (read, made) = tokio::join!(gateway.a.get(&path), gateway.a.post("/Users", &wanted));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    is_later(&read, &[503], "read");
    is_later(&made, &[503], "create");
    until_active(&gateway, &wanted).await;
    gateway.faults([]);
    let again = gateway.a.post("/Users", &wanted).await;
    assert_eq!(again.status, 201, "{again}");
    assert_eq!(gateway.living_rows().len(), 2);
}

/// Waits until the vendor holds the person as an active account.
pub(super) async fn until_active(gateway: &TestGateway, wanted: &Value) {
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        let rows = gateway.rows();
        let row = rows.iter().find(|row| row["login"] == wanted["userName"]);
        if row.is_some_and(|row| row["status"] == "ACTIVE") {
            return;
        }
        assert!(Instant::now() < patience, "never active: {rows:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_vendor_that_comes_back_is_used_again() {
    let gateway = TestGateway::start_with(Options {
        call_ms: CALL_MS,
        ..Options::default()
    })
    .await;
    let user = gateway.a.make("/Users", &person()).await;
    let path = format!("/Users/{user}");
    gateway.faults([Fault::new("*", "/**", Action::DropBefore)]);
    let asks = (0..12).map(|_| ("read", gateway.a.request("GET", &path)));
    let asks = asks.collect();
    for (kind, response) in send_all(&gateway, asks).await {
        is_later(&response, &[503], kind);
    }
    gateway.faults([]);
    let patience = Instant::now() + Duration::from_secs(5);
    while gateway.a.get(&path).await.status != 200 {
        assert!(Instant::now() < patience, "the vendor is back and not used");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
