//! A POST whose answer Entra never got comes again. It finds what its earlier try has made, and is
//! answered as created; once that was heard of, the name is taken.

use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::{Action, Fault, Status};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::answer::Answer;
use super::play::{Play, Way, ended, everywhere, operation};
use super::vendors::{ALL, GROUPED, PALOALTO, REFERENCE, SOSAFE, WEBROOT, WEDO};
use crate::harness::{group, person};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// What each vendor call takes while the client hangs up.
const LATENCY: Duration = Duration::from_millis(60);

/// Sends a POST and hangs up while the vendor is at it; ends when nothing goes on any more.
async fn post_and_hang_up(play: &Play, endpoint: &str, body: &Value) {
    let tenant = &play.tenant;
    let request = match play.way {
        Way::Alone => tenant.request("POST", endpoint).json(body),
        Way::InBulk => {
            let operations = [operation("POST", endpoint, body)];
            let bulk = json!({"schemas": [BULK], "Operations": operations});
            tenant.request("POST", "/Bulk").json(&bulk)
        }
    };
    let body = request.body.clone().unwrap();
    let mut text = format!("POST {} HTTP/1.1\r\nHost: gateway\r\n", request.target);
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    let route = play.vendor.create[usize::from(endpoint == "/Groups")];
    let before = play.emulator.counters().of(route);
    play.emulator.set_latency(LATENCY);
    let mut stream = TcpStream::connect(tenant.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    play.until_called(route, before + 1).await;
    drop(stream);
    play.until_quiet(LATENCY * 5).await;
    play.emulator.set_latency(Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_whose_post_was_not_answered_is_posted_again() {
    everywhere(ALL, |play| async move {
        let user = person();
        let users = play.users();
        post_and_hang_up(&play, "/Users", &user).await;
        assert_eq!(play.users(), users + 1, "made though the client is gone");
        let writes = play.emulator.counters().writes;
        let again = play.post("/Users", &user).await;
        again.is(201, "again");
        assert_eq!(
            play.emulator.counters().writes,
            writes,
            "nothing is written"
        );
        is_there_once(&play, &again, &user, users).await;
        play.post("/Users", &user)
            .await
            .is_taken("for a third time");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_posted_again_with_other_values() {
    everywhere(ALL, |play| async move {
        let user = person();
        let users = play.users();
        post_and_hang_up(&play, "/Users", &user).await;
        let mut other = user.clone();
        other["name"]["givenName"] = "Other".into();
        let again = play.post("/Users", &other).await;
        again.is(201, "again");
        is_there_once(&play, &again, &other, users).await;
        play.post("/Users", &other)
            .await
            .is_taken("for a third time");
    })
    .await;
}

async fn is_there_once(play: &Play, answer: &Answer, user: &Value, users: usize) {
    assert_eq!(play.users(), users + 1, "{}", play.emulator.state());
    let read = play.tenant.get(&format!("/Users/{}", answer.id())).await;
    assert_eq!(read.status, 200, "{read}");
    let read = read.json();
    for attribute in ["userName", "externalId", "name", "active"] {
        assert_eq!(read[attribute], user[attribute], "{attribute}");
    }
    assert!(play.is_active(&user["userName"]), "not in use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_post_was_not_answered_is_posted_again() {
    everywhere(GROUPED, |play| async move {
        let member = play.make("/Users", &person()).await;
        for body in [group(&[]), group(&[&member])] {
            post_and_hang_up(&play, "/Groups", &body).await;
            let again = play.post("/Groups", &body).await;
            again.is(201, "again");
            let members = body["members"].as_array().unwrap().len();
            let held = play.tenant.members(&again.id()).await;
            assert_eq!(held.len(), members, "{held:?}");
            let name = body["displayName"].as_str().unwrap();
            let found = play.found("/Groups", "displayName", name).await;
            assert_eq!(found, [again.id()]);
            play.post("/Groups", &body)
                .await
                .is_taken("for a third time");
            assert_eq!(play.tenant.members(&again.id()).await, held);
        }
    })
    .await;
}

/// Whoever has read of it knows that it is there, and then a POST of it is one too many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_shown_meanwhile_is_taken() {
    everywhere(ALL, |play| async move {
        let user = person();
        post_and_hang_up(&play, "/Users", &user).await;
        let name = user["userName"].as_str().unwrap();
        let found = play.found("/Users", "userName", name).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let before = play.picture().await;
        play.post("/Users", &user)
            .await
            .is_taken("shown by a look-up");
        before.is_still(&play.picture().await, "shown by a look-up");

        let user = person();
        post_and_hang_up(&play, "/Users", &user).await;
        let before = play.picture().await;
        play.post("/Users", &user).await.is_taken("shown by a list");
        before.is_still(&play.picture().await, "shown by a list");
    })
    .await;
}

/// Somebody who was renamed between the lost try and the next cycle: the vendor refuses a second
/// account with the address, so that without the first one there would be none for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_renamed_meanwhile_is_still_one() {
    everywhere(&[&SOSAFE, &WEBROOT], |play| async move {
        let user = person();
        let users = play.users();
        post_and_hang_up(&play, "/Users", &user).await;
        let mut renamed = user.clone();
        renamed["userName"] = person()["userName"].clone();
        let again = play.post("/Users", &renamed).await;
        again.is(201, "renamed");
        is_there_once(&play, &again, &renamed, users).await;
        let old = user["userName"].as_str().unwrap();
        let found = play.found("/Users", "userName", old).await;
        assert!(found.is_empty(), "the old name: {found:?}");
    })
    .await;
}

/// Somebody else who is there by that name when the POST comes again is not taken over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_of_that_name_is_not_taken_over() {
    everywhere(
        &[&REFERENCE, &SOSAFE, &PALOALTO, &WEBROOT],
        |play| async move {
            let user = person();
            post_and_hang_up(&play, "/Users", &user).await;
            let other = play.another().await;
            let name = user["userName"].as_str().unwrap();
            let found = other.found("/Users", "userName", name).await;
            let path = format!("/Users/{}", found[0]);
            let operations = json!([
                {"op": "replace", "path": "externalId", "value": "somebody-else"},
                {"op": "replace", "path": "name.givenName", "value": "Somebody"},
            ]);
            assert_eq!(other.tenant.patch(&path, operations).await.status, 200);
            let before = play.emulator.state();
            play.post("/Users", &user).await.is_taken("somebody else's");
            assert_eq!(play.emulator.state(), before);
        },
    )
    .await;
}

/// The vendor has made the account, its reply is lost, and it cannot be asked whether it did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_looked_for_is_found_by_the_next_try() {
    everywhere(
        &[&REFERENCE, &SOSAFE, &PALOALTO, &WEBROOT, &WEDO],
        |play| async move {
            let look = match play.vendor.name {
                "reference" => "GET /people",
                "sosafe" => "GET /users",
                "paloalto" => "get user",
                "webroot" => "GET /targets",
                _ => "query users",
            };
            let user = person();
            let users = play.users();
            let create = play.vendor.create[0];
            let made = play.emulator.counters().of(create);
            let lost = [Action::DropAfter, Action::DelayMs(200)];
            let lost = lost.map(|action| Fault::on_route(create, action));
            play.emulator.faults(lost.into());
            let posting = {
                let (play, user) = (play.clone(), user.clone());
                tokio::spawn(async move { play.post("/Users", &user).await })
            };
            play.until_called(create, made + 1).await;
            let blind = Fault::on_route(look, Action::Status(Status::from(500)));
            play.emulator.faults(vec![blind]);
            ended(posting)
                .await
                .is(503, "a lost reply that could not be looked after");
            play.emulator.faults(Vec::new());
            assert_eq!(play.users(), users + 1);
            let again = until_answered(&play, &user).await;
            again.is(201, "again");
            is_there_once(&play, &again, &user, users).await;
            play.post("/Users", &user)
                .await
                .is_taken("for a third time");
        },
    )
    .await;
}

/// Comes again as long as it is told to.
async fn until_answered(play: &Play, user: &Value) -> Answer {
    let began = Instant::now();
    loop {
        let answer = play.post("/Users", user).await;
        if answer.status != 503 || began.elapsed() > Duration::from_secs(20) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
