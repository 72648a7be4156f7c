//! Each request has one story, and its end is what really became of it.

use super::*;
use crate::provisioning::trace::{End, Fault};

impl Fixture {
    /// The only story, once it has ended.
    async fn story(&self) -> Arc<Ended> {
        let patience = Instant::now() + Duration::from_secs(5);
        loop {
            let told = self.deeds.stories.lock().unwrap().clone();
            if let Some(story) = told.first() {
                assert_eq!(told.len(), 1);
                return Arc::clone(story);
            }
            assert!(Instant::now() < patience, "no story ended");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn status_and_fault(end: &End) -> Option<(u16, Fault)> {
    match end {
        End::Failed { status, fault, .. } => Some((*status, *fault)),
        _ => None,
    }
}

#[tokio::test]
async fn the_end_is_the_answer_and_the_id_is_that_of_the_answer() {
    let server = Fixture::start(short());
    let reply = server.get("brief", "/scim/v2/Users/1").await;
    let story = server.story().await;
    assert_eq!(story.end, End::Done { status: 200 });
    assert_eq!(reply.header("x-request-id"), Some(&*story.asked.request_id));
    assert_eq!(
        (story.asked.method, story.asked.route, story.asked.part),
        ("GET", "/Users/{id}", 0)
    );
}

#[tokio::test]
async fn a_failure_is_told_with_whose_fault_it_was() {
    for (token, expect) in [
        ("unreachable", (503, Fault::Unreachable)),
        ("credential", (503, Fault::Credential)),
        ("script", (500, Fault::Script)),
        ("no-store", (503, Fault::Store)),
        ("panic", (500, Fault::Gateway)),
    ] {
        let server = Fixture::start(short());
        server.get(token, "/scim/v2/Users").await;
        let told = status_and_fault(&server.story().await.end);
        assert_eq!(told, Some(expect), "read as {token}");
        let server = Fixture::start(short());
        server.ask(&post(token, USER)).await;
        let told = status_and_fault(&server.story().await.end);
        assert_eq!(told, Some(expect), "write as {token}");
    }
}

#[tokio::test]
async fn what_is_refused_before_it_is_understood_has_a_story_too() {
    let server = Fixture::start(short());
    server.ask(&post("any", "{")).await.is_error(400);
    let told = status_and_fault(&server.story().await.end);
    assert_eq!(told, Some((400, Fault::Client)));
}

#[tokio::test]
async fn a_late_read_timed_out_and_one_whose_client_left_was_hung_up() {
    let server = Fixture::start(short());
    server.get("slow", "/scim/v2/Users").await.is_error(503);
    assert_eq!(server.story().await.end, End::TimedOut);
    let server = Fixture::start(Limits {
        request: Duration::from_secs(5),
        ..short()
    });
    let mut stream = server.connect().await;
    let request = get("slow", "/scim/v2/Users");
    stream.write_all(request.as_bytes()).await.unwrap();
    while server.begun() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    assert_eq!(server.story().await.end, End::HungUp);
}

#[tokio::test]
async fn a_late_write_is_told_when_it_ends() {
    let server = Fixture::start(short());
    server.ask(&post("slow", USER)).await.is_error(503);
    assert!(server.deeds.stories.lock().unwrap().is_empty());
    let story = server.story().await;
    assert_eq!(story.end, End::Done { status: 200 });
    assert!(story.unheard && story.took > short().request);
}
