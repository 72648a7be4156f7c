//! Entra against a server that answers what it is told to, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::demo::emulator::kit::refusing_address;
use crate::demo::wanted::path;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

const DEPARTMENT: &str = path::DEPARTMENT;
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// A request as it arrived: `GET /scim/Users?…`, headers, body.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

/// Answers every request alike.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Records(Mutex<Vec<Record>>);

impl Watch for Records {
    fn operation(&self, record: Record) {
        self.0.lock().unwrap().push(record);
    }
}

impl Server {
    async fn answering(status: u16, body: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/scim", listener.local_addr().unwrap());
        let (seen, connections) = (Arc::default(), Arc::default());
        let server = Self {
            url,
            seen,
            connections,
        };
        let (seen, connections) = (server.seen.clone(), server.connections.clone());
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                let (seen, body) = (seen.clone(), body.clone());
                let answer =
                    service_fn(move |request| note(seen.clone(), request, status, body.clone()));
                let serve = hyper::server::conn::http1::Builder::new();
                tokio::spawn(serve.serve_connection(TokioIo::new(stream), answer));
            }
        });
        server
    }

    fn entra(&self) -> Entra {
        Entra::new(&self.url, "t0ken", Arc::new(())).unwrap()
    }

    fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().cloned().unwrap()
    }
}

async fn note(
    seen: Arc<Mutex<Vec<Seen>>>,
    request: Request<Incoming>,
    status: u16,
    body: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, sent) = request.into_parts();
    let sent = sent.collect().await.unwrap().to_bytes();
    let headers = parts.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    seen.lock().unwrap().push(Seen {
        line: format!("{} {}", parts.method, parts.uri),
        headers: headers.collect(),
        body: serde_json::from_slice(&sent).unwrap_or_default(),
    });
    Ok(Response::builder()
        .status(status)
        .body(Full::new(body))
        .unwrap())
}

fn list(resources: Value) -> Value {
    let total = resources.as_array().unwrap().len();
    json!({"totalResults": total, "startIndex": 1, "itemsPerPage": total, "Resources": resources})
}

fn ada() -> WantedUser {
    WantedUser::new("guid", "ada@example.com")
        .with(path::GIVEN_NAME, "Ada")
        .with(path::EMAIL, "ada@example.com")
        .with(path::CITY, "York")
        .with(path::COUNTRY, "GB")
        .with(path::PHONE, "01904 000001")
        .with(path::MOBILE, "07000 000001")
        .with(DEPARTMENT, "R&D")
}

#[tokio::test]
async fn test_connection_asks_for_nobody_with_the_headers_recorded() {
    let server = Server::answering(200, list(json!([]))).await;
    server.entra().test_connection(true).await.unwrap();
    let seen = server.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert!(
        seen[0]
            .line
            .starts_with("GET /scim/Users?filter=userName+eq+%22"),
        "{seen:?}"
    );
    assert!(
        seen[1]
            .line
            .starts_with("GET /scim/Groups?excludedAttributes=members&filter=displayName+eq+%22")
    );
    let names: Vec<_> = seen[0].headers.keys().map(String::as_str).collect();
    assert_eq!(names, ["accept", "authorization", "host"]);
    assert_eq!(seen[0].headers["authorization"], "Bearer t0ken");
    assert_eq!(seen[0].headers["accept"], "application/scim+json");
}

#[tokio::test]
async fn a_user_is_posted_as_entra_posts_it() {
    let server = Server::answering(201, json!({"id": "u1"})).await;
    assert_eq!(server.entra().create_user(&ada()).await.unwrap(), "u1");
    let seen = server.last();
    assert_eq!(seen.line, "POST /scim/Users");
    assert_eq!(
        seen.headers["content-type"],
        "application/scim+json; charset=utf-8"
    );
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let expect = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", enterprise],
        "externalId": "guid",
        "userName": "ada@example.com",
        "active": true,
        "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}],
        "name": {"givenName": "Ada"},
        "addresses": [{"primary": false, "type": "work", "locality": "York", "country": "GB"}],
        "phoneNumbers": [{"type": "work", "value": "01904 000001"}, {"type": "mobile", "value": "07000 000001"}],
        enterprise: {"department": "R&D"},
        "roles": [],
        "meta": {"resourceType": "User"},
    });
    assert_eq!(seen.body, expect);
}

#[tokio::test]
async fn a_connection_is_kept() {
    let server = Server::answering(204, Value::Null).await;
    let entra = server.entra();
    for _ in 0..3 {
        entra.delete_user("u1").await.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_entra_cannot_use_is_a_fault_and_never_sent_again() {
    let check = async |status, body, expect: &str| {
        let server = Server::answering(status, body).await;
        let fault = server.entra().match_user("ada").await.unwrap_err();
        assert_eq!(fault.to_string(), expect);
        assert_eq!(server.seen.lock().unwrap().len(), 1);
    };
    check(503, json!({"detail": "later"}), "status 503: later").await;
    check(404, Value::Null, "status 404: ").await;
    check(
        200,
        list(json!([{"id": "1"}, {"id": "2"}])),
        "2 resources match",
    )
    .await;
    let unreadable = "the answer is not readable as SCIM: a list response without totalResults";
    check(200, json!({}), unreadable).await;
    let server = Server::answering(201, json!({"id": ""})).await;
    let fault = server.entra().create_user(&ada()).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the answer is not readable as SCIM: a resource without id"
    );
}

#[tokio::test]
async fn the_watcher_hears_of_every_operation() {
    let server = Server::answering(409, json!({"detail": "taken"})).await;
    let records = Arc::new(Records::default());
    let entra = Entra::new(&server.url, "t", records.clone()).unwrap();
    entra.create_user(&ada()).await.unwrap_err();
    let gone = refusing_address().unwrap();
    let nowhere = Entra::new(&format!("http://{gone}"), "t", records.clone()).unwrap();
    nowhere.user("u1").await.unwrap_err();
    let records = records.0.lock().unwrap();
    assert_eq!(
        (records[0].operation, records[0].status),
        (Operation::CreateUser, Some(409))
    );
    assert_eq!(records[0].failure.as_deref(), Some("status 409: taken"));
    assert_eq!(
        (records[1].operation, records[1].status),
        (Operation::ReadUser, None)
    );
    assert!(
        records[1]
            .failure
            .as_ref()
            .unwrap()
            .starts_with("no answer"),
        "{records:?}"
    );
}

#[tokio::test]
async fn the_flag_in_the_tenant_url_chooses_the_dialect() {
    let server = Server::answering(204, Value::Null).await;
    let value_of = async |flag: &str| {
        let entra = Entra::new(&format!("{}/{flag}", server.url), "t", Arc::new(())).unwrap();
        entra
            .update_user("u1", &[Change::Active(false)])
            .await
            .unwrap();
        assert_eq!(server.last().line, "PATCH /scim/Users/u1");
        server.last().body["Operations"][0]["value"].clone()
    };
    assert_eq!(value_of("").await, json!("False"));
    assert_eq!(value_of("?aadOptscim062020").await, json!(false));
    assert!(Entra::new("https://host/scim", "t", Arc::new(())).is_err());
}

#[track_caller]
fn check_patch(changes: &[Change], legacy: Value, compliant: Value) {
    let operations = |dialect| patch::user(changes, dialect)["Operations"].clone();
    assert_eq!(operations(Dialect::Legacy), legacy);
    assert_eq!(operations(Dialect::Compliant), compliant);
}

#[test]
fn each_change_is_put_in_both_dialects() {
    let work_phone = path::PHONE;
    check_patch(
        &[Change::Active(true)],
        json!([{"op": "Replace", "path": "active", "value": "True"}]),
        json!([{"op": "replace", "path": "active", "value": true}]),
    );
    check_patch(
        &[
            Change::Replace(path::DISPLAY_NAME, "A".into()),
            Change::Replace(path::GIVEN_NAME, "B".into()),
            Change::Add(DEPARTMENT, "C".into()),
        ],
        json!([
            {"op": "Replace", "path": "displayName", "value": "A"},
            {"op": "Replace", "path": "name.givenName", "value": "B"},
            {"op": "Add", "path": DEPARTMENT, "value": "C"},
        ]),
        json!([
            {"op": "replace", "value": {"displayName": "A", "name.givenName": "B"}},
            {"op": "add", "value": {DEPARTMENT: "C"}},
        ]),
    );
    check_patch(
        &[
            Change::Replace(work_phone, "1".into()),
            Change::Clear(path::TITLE),
        ],
        json!([
            {"op": "Replace", "path": work_phone, "value": "1"},
            {"op": "Replace", "path": "title", "value": ""},
        ]),
        json!([
            {"op": "replace", "path": work_phone, "value": "1"},
            {"op": "replace", "value": {"title": null}},
        ]),
    );
    check_patch(
        &[Change::Manager(Some("m1".into()))],
        json!([{"op": "Add", "path": MANAGER, "value": "m1"}]),
        json!([{"op": "add", "path": MANAGER, "value": "m1"}]),
    );
    check_patch(
        &[Change::Manager(None)],
        json!([{"op": "Replace", "path": MANAGER, "value": ""}]),
        json!([{"op": "replace", "path": MANAGER, "value": ""}]),
    );
}

#[test]
fn members_go_by_value_and_by_path() {
    let members = ["u1".to_owned(), "u2".to_owned()];
    let references = json!([{"$ref": null, "value": "u1"}, {"$ref": null, "value": "u2"}]);
    let of = |body: Value| body["Operations"].clone();
    assert_eq!(
        of(patch::add_members(&members, Dialect::Legacy)),
        json!([{"op": "Add", "path": "members", "value": references}])
    );
    assert_eq!(
        of(patch::remove_members(&members, Dialect::Legacy)),
        json!([{"op": "Remove", "path": "members", "value": references}])
    );
    assert_eq!(
        of(patch::remove_members(&members, Dialect::Compliant)),
        json!([
            {"op": "remove", "path": "members[value eq \"u1\"]"},
            {"op": "remove", "path": "members[value eq \"u2\"]"},
        ])
    );
}

#[test]
fn what_was_posted_reads_back_without_a_change() {
    let mut found = resource::user(&ada());
    assert_eq!(changes(&ada(), &found), []);
    assert_eq!(manager_change(None, &found), None);
    found["active"] = json!("True");
    found["phoneNumbers"][0]["value"] = json!("+441904000001");
    found["title"] = json!("Engineer");
    found["addresses"] = json!([{"type": "home", "locality": "York"}]);
    let expect = [
        Change::Clear(path::TITLE),
        Change::Add(path::CITY, "York".into()),
        Change::Add(path::COUNTRY, "GB".into()),
        Change::Replace(path::PHONE, "01904 000001".into()),
        Change::Active(true),
    ];
    assert_eq!(changes(&ada(), &found), expect);
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    found[enterprise]["manager"] = json!({"value": "m1"});
    assert_eq!(manager_change(Some("m1"), &found), None);
    assert_eq!(manager_change(None, &found), Some(Change::Manager(None)));
}
