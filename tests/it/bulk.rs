//! `POST /Bulk` (RFC 7644 §3.7) from outside: what it does, what it answers, and what it does not
//! let anybody do.

use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::{Action, Fault};
use serde_json::{Value, json};

use crate::harness::{Options, Response, Tenant, TestGateway, group, person};

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn request(operations: Vec<Value>) -> Value {
    json!({ "schemas": [REQUEST], "Operations": operations })
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

fn add_members(path: &str, ids: &[&str]) -> Value {
    let value: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    json!({ "method": "PATCH", "path": path, "data": { "schemas": [PATCH], "Operations": [
        { "op": "add", "path": "members", "value": value }] } })
}

fn delete(path: &str) -> Value {
    json!({ "method": "DELETE", "path": path })
}

/// The answers, one for each operation answered.
async fn send(tenant: &Tenant, body: &Value) -> Vec<Value> {
    let response = tenant.post("/Bulk", body).await;
    answers(&response)
}

#[track_caller]
fn answers(response: &Response) -> Vec<Value> {
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(response.header("content-type"), "application/scim+json");
    let body = response.json();
    assert_eq!(body["schemas"], json!([RESPONSE]));
    body["Operations"].as_array().unwrap().clone()
}

fn statuses(answers: &[Value]) -> Vec<&str> {
    answers
        .iter()
        .map(|answer| answer["status"].as_str().unwrap())
        .collect()
}

/// The id at the end of an answer's location.
#[track_caller]
fn id(answer: &Value) -> String {
    let location = answer["location"].as_str();
    let location = location.unwrap_or_else(|| panic!("no location: {answer}"));
    location.rsplit('/').next().unwrap().to_owned()
}

#[track_caller]
fn is_error(answer: &Value, status: &str, scim_type: Option<&str>, words: &str) {
    assert_eq!(answer["status"], status, "{answer}");
    let error = &answer["response"];
    assert_eq!(error["schemas"], json!([ERROR]), "{answer}");
    assert_eq!(error["status"], status);
    assert_eq!(
        error.get("scimType").and_then(Value::as_str),
        scim_type,
        "{answer}"
    );
    assert!(
        error["detail"].as_str().unwrap().contains(words),
        "{answer}"
    );
}

#[tokio::test]
async fn users_and_groups_may_refer_to_each_other_in_any_order() {
    // R103, R104, R105, R106, R189
    let gateway = TestGateway::start().await;
    let operations = vec![
        post("/Groups", "team", group(&["bulkId:ada", "bulkId:grace"])),
        post("/Users", "ada", person()),
        post("/Users", "grace", person()),
        post("/Groups", "staff", group(&[])),
        add_members("/Groups/bulkId:staff", &["bulkId:lin"]),
        post("/Users", "lin", person()),
        delete("/Users/bulkId:grace"),
    ];
    let answers = send(&gateway.a, &request(operations)).await;
    assert_eq!(
        statuses(&answers),
        ["201", "201", "201", "201", "204", "201", "204"]
    );
    for (answer, bulk_id) in answers.iter().zip(["team", "ada", "grace", "staff"]) {
        assert_eq!(answer["method"], "POST");
        assert_eq!(answer["bulkId"], bulk_id);
        assert!(answer.get("response").is_none(), "{answer}");
    }
    assert_eq!(answers[4]["location"], answers[3]["location"]);
    let ada = gateway.a.get(&format!("/Users/{}", id(&answers[1]))).await;
    assert_eq!(ada.json()["meta"]["version"], answers[1]["version"]);
    assert_eq!(ada.json()["meta"]["location"], answers[1]["location"]);
    assert_eq!(gateway.a.members(&id(&answers[0])).await, [id(&answers[1])]);
    assert_eq!(gateway.a.members(&id(&answers[3])).await, [id(&answers[5])]);
    assert_eq!(gateway.living_rows().len(), 2);
}

#[tokio::test]
async fn a_circle_is_closed_afterwards() {
    // R107
    let gateway = TestGateway::start().await;
    let managed = |by: &str| {
        let mut user = person();
        user[ENTERPRISE] = json!({ "manager": { "value": format!("bulkId:{by}") } });
        user
    };
    let operations = vec![
        post("/Users", "ada", managed("grace")),
        post("/Users", "grace", managed("ada")),
        post("/Users", "self", managed("self")),
    ];
    let answers = send(&gateway.a, &request(operations)).await;
    assert_eq!(statuses(&answers), ["201"; 3]);
    for (of, by) in [(0, 1), (1, 0), (2, 2)] {
        let user = gateway
            .a
            .get(&format!("/Users/{}", id(&answers[of])))
            .await
            .json();
        assert_eq!(
            user[ENTERPRISE]["manager"]["value"],
            id(&answers[by]),
            "{user}"
        );
        assert_eq!(user["meta"]["version"], answers[of]["version"]);
    }
    let mut nobody = [person(), person()];
    nobody[0]["userName"] = "bulkId:b".into();
    nobody[1]["userName"] = "bulkId:a".into();
    let [first, second] = nobody;
    let operations = vec![post("/Users", "a", first), post("/Users", "b", second)];
    for answer in send(&gateway.a, &request(operations)).await {
        is_error(&answer, "409", None, "circle");
    }
    assert_eq!(gateway.rows().len(), 3);
}

#[tokio::test]
async fn one_failure_does_not_stop_the_others_but_for_those_that_need_it() {
    // R109, R110, R197
    let gateway = TestGateway::start().await;
    let held = person();
    gateway.a.make("/Users", &held).await;
    let mut taken = person();
    taken["userName"] = held["userName"].clone();
    let mut secret = person();
    secret["password"] = "s3cret-word".into();
    secret["emails"] = "s3cret-word".into();
    secret["userName"] = json!({ "no": "s3cret-word" });
    let operations = vec![
        post("/Users", "taken", taken),
        post("/Groups", "team", group(&["bulkId:taken"])),
        post("/Users", "secret", secret),
        delete("/Users/999999"),
        post("/Users", "good", person()),
        post(
            "/Groups",
            "other",
            group(&["bulkId:good", "bulkId:missing"]),
        ),
        add_members("/Groups/bulkId:team", &["bulkId:good"]),
    ];
    let response = gateway.a.post("/Bulk", &request(operations)).await;
    let answers = answers(&response);
    is_error(&answers[0], "409", Some("uniqueness"), "userName");
    is_error(&answers[1], "409", None, "bulkId \"taken\"");
    is_error(&answers[2], "400", Some("invalidValue"), "userName");
    is_error(&answers[3], "404", None, "");
    assert_eq!(answers[4]["status"], "201");
    is_error(
        &answers[5],
        "400",
        Some("invalidValue"),
        "bulkId \"missing\"",
    );
    is_error(&answers[6], "409", None, "bulkId \"team\"");
    assert!(!response.to_string().contains("s3cret-word"), "{response}");
    gateway.log_never_says(["s3cret-word"]);
    assert_eq!(gateway.rows().len(), 2);
    assert_eq!(gateway.a.get("/Groups").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn as_many_errors_as_asked_for_end_it() {
    // R111, R112
    let gateway = TestGateway::start().await;
    for (accepted, answered) in [(1, 2), (2, 4), (9, 5)] {
        let before = gateway.rows().len();
        let mut body = request(vec![
            post("/Users", "a", person()),
            delete("/Users/999999"),
            post("/Users", "b", person()),
            delete("/Users/999998"),
            post("/Users", "c", person()),
        ]);
        body["failOnErrors"] = accepted.into();
        let answers = send(&gateway.a, &body).await;
        let expected = ["201", "404", "201", "404", "201"];
        assert_eq!(statuses(&answers), expected[..answered]);
        let made = expected[..answered]
            .iter()
            .filter(|status| **status == "201");
        assert_eq!(gateway.rows().len() - before, made.count());
    }
}

#[tokio::test]
async fn the_version_of_an_operation_is_its_if_match() {
    // R97
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    let path = format!("/Users/{user}");
    let version = gateway.a.get(&path).await.json()["meta"]["version"].clone();
    let renamed = |name: &str, version: Value| {
        json!({ "method": "PATCH", "path": path, "version": version, "data": { "schemas": [PATCH],
            "Operations": [{ "op": "replace", "path": "displayName", "value": name }] } })
    };
    let operations = vec![
        renamed("First", version.clone()),
        renamed("Second", version.clone()),
        renamed("Third", json!("no tag")),
        json!({ "method": "DELETE", "path": path, "version": version }),
    ];
    let answers = send(&gateway.a, &request(operations)).await;
    assert_eq!(statuses(&answers), ["200", "412", "400", "412"]);
    let user = gateway.a.get(&path).await.json();
    assert_eq!(user["displayName"], "First");
    assert_eq!(user["meta"]["version"], answers[0]["version"]);
}

#[tokio::test]
async fn the_limits_are_those_announced() {
    // R02, R114, R115
    let gateway = TestGateway::start().await;
    let config = gateway.a.get("/ServiceProviderConfig").await.json();
    let most = config["bulk"]["maxOperations"].as_u64().unwrap() as usize;
    let largest = config["bulk"]["maxPayloadSize"].as_u64().unwrap() as usize;
    assert_eq!(
        (config["bulk"]["supported"].as_bool(), most, largest),
        (Some(true), 100, 1 << 20)
    );
    let calls = gateway.vendor.counters().calls;
    let response = gateway
        .a
        .post("/Bulk", &request(vec![delete("/Users/1"); most + 1]))
        .await;
    assert_eq!(response.status, 413, "{response}");
    assert!(
        response.json()["detail"]
            .as_str()
            .unwrap()
            .contains("maxOperations is 100")
    );
    let mut large = request(vec![delete("/Users/1")]).to_string();
    large.push_str(&" ".repeat(largest + 1 - large.len()));
    let response = gateway
        .a
        .send(gateway.a.request("POST", "/Bulk").body(large))
        .await;
    assert_eq!(response.status, 413, "{response}");
    assert!(
        response.json()["detail"]
            .as_str()
            .unwrap()
            .contains("maxPayloadSize"),
        "{response}"
    );
    assert_eq!(gateway.vendor.counters().calls, calls);
    let answers = send(&gateway.a, &request(vec![delete("/Users/999999"); most])).await;
    assert_eq!(statuses(&answers), vec!["404"; most]);
}

#[tokio::test]
async fn an_operation_reaches_what_its_sender_reaches_and_no_more() {
    let gateway = TestGateway::start().await;
    let mut theirs = String::new();
    for _ in 0..3 {
        theirs = gateway.b.make("/Users", &person()).await;
    }
    let their_group = gateway.b.make("/Groups", &group(&[])).await;
    let before = gateway.vendor.state();
    let rename = json!({ "method": "PATCH", "path": format!("/Users/{theirs}"), "data": { "schemas": [PATCH],
        "Operations": [{ "op": "replace", "path": "displayName", "value": "Mine" }] } });
    let operations = vec![
        delete(&format!("/Users/{theirs}")),
        rename,
        delete(&format!("/Groups/{their_group}")),
    ];
    let answers = send(&gateway.a, &request(operations)).await;
    assert_eq!(statuses(&answers), ["404"; 3]);
    let paths = [
        format!("/t/b/scim/v2/Users/{theirs}"),
        format!("{}/Users/{theirs}", gateway.b.url()),
        format!("/Users/../../../../t/b/scim/v2/Users/{theirs}"),
        format!("//{}/Users/{theirs}", gateway.b.address),
        "/Bulk".to_owned(),
        "/Users/.search".to_owned(),
        "/.search".to_owned(),
        "/Schemas".to_owned(),
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let operation = |(index, path): (usize, &String)| {
            let data = request(vec![delete(&format!("/Users/{theirs}"))]);
            json!({ "method": method, "path": path, "bulkId": index.to_string(), "data": data })
        };
        let operations = paths.iter().enumerate().map(operation).collect();
        for answer in send(&gateway.a, &request(operations)).await {
            is_error(&answer, "400", Some("invalidPath"), "/Users");
        }
    }
    assert_eq!(gateway.vendor.state(), before);
    let anonymous = gateway.a.request("POST", "/Bulk").without("Authorization");
    let response = gateway
        .a
        .send(anonymous.json(&request(vec![delete("/Users/1")])))
        .await;
    assert_eq!(response.status, 401);
}

#[tokio::test]
async fn hostile_bodies_are_turned_away_at_once() {
    let gateway = TestGateway::start().await;
    let calls = gateway.vendor.counters().calls;
    let deep = format!(
        r#"{{"Operations":[{{"method":"POST","path":"/Users","bulkId":"a","data":{}1{}}}]}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let members = |count: usize| vec!["bulkId:b"; count];
    let crowded = request(vec![post("/Groups", "g", group(&members(10_000)))]).to_string();
    let twice = r#"{"Operations":[],"Operations":[{"method":"DELETE","path":"/Users/1"}]}"#;
    let unending = r#"{"Operations":[{"method":"DELETE","path":"/Users/1"}"#;
    let nested = request(vec![post("/Bulk", "a", request(vec![delete("/Users/1")]))]).to_string();
    let many = format!(r#"{{"Operations":[{}1]}}"#, "1,".repeat(19_000));
    let bodies = [
        (deep.as_str(), 400),
        (crowded.as_str(), 400),
        (twice, 400),
        (unending, 400),
        (many.as_str(), 413),
        ("[]", 400),
        ("null", 400),
        ("", 400),
        (r#"{"Operations":{"length":1}}"#, 400),
        (nested.as_str(), 200),
    ];
    for (body, status) in bodies {
        let begun = Instant::now();
        let request = gateway.a.request("POST", "/Bulk").body(body);
        let response = gateway.a.send(request).await;
        let start: String = body.chars().take(80).collect();
        assert_eq!(response.status, status, "{start}: {response}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{start}");
    }
    assert_eq!(gateway.vendor.counters().calls, calls);
}

/// A hundred groups, each a member of all: references in every direction.
#[tokio::test]
async fn ten_thousand_references_are_sorted_out_at_once() {
    let gateway = TestGateway::start().await;
    let names: Vec<String> = (0..90).map(|number| format!("g{number}")).collect();
    let all: Vec<String> = names.iter().map(|name| format!("bulkId:{name}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let operation = |name: &String| {
        let mut group = group(&all);
        group["displayName"] = "".into();
        post("/Groups", name, group)
    };
    let begun = Instant::now();
    let operations = names.iter().map(operation).collect();
    let answers = send(&gateway.a, &request(operations)).await;
    assert_eq!(answers.len(), 90);
    assert!(answers.iter().all(|answer| answer["response"].is_object()));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(gateway.a.get("/Groups").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn a_fault_of_the_vendor_is_that_operations_alone() {
    let gateway = TestGateway::start().await;
    gateway.faults([Fault::new("PUT", "/**", Action::Status(500.into()))]);
    let operations = vec![
        post("/Users", "ada", person()),
        post("/Groups", "team", group(&["bulkId:ada"])),
        add_members("/Groups/bulkId:team", &["bulkId:ada"]),
        post("/Users", "grace", person()),
    ];
    let answers = send(&gateway.a, &request(operations)).await;
    assert_eq!(answers[0]["status"], "201");
    is_error(&answers[1], "503", None, "vendor");
    is_error(&answers[2], "409", None, "bulkId \"team\"");
    assert_eq!(answers[3]["status"], "201");
}

/// The rest is answered one by one, so that the answer to what was done is not lost; sent again,
/// it makes nobody twice.
#[tokio::test]
async fn when_time_is_up_what_was_done_is_told() {
    let gateway = TestGateway::start_with(Options {
        latency: Duration::from_millis(60),
        request_seconds: 2,
        ..Options::default()
    })
    .await;
    let people: Vec<Value> = (0..40).map(|_| person()).collect();
    let operation =
        |(index, person): (usize, &Value)| post("/Users", &index.to_string(), person.clone());
    let body = request(people.iter().enumerate().map(operation).collect());
    let begun = Instant::now();
    let answers = send(&gateway.a, &body).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    let made = answers
        .iter()
        .filter(|answer| answer["status"] == "201")
        .count();
    assert_eq!(answers.len(), 40);
    assert!((2..30).contains(&made), "{made}");
    for answer in &answers[made..] {
        is_error(answer, "503", None, "Send it again");
    }
    assert_eq!(gateway.rows().len(), made);
    assert!(gateway.rows().iter().all(|row| row["status"] == "ACTIVE"));
    send(&gateway.a, &body).await;
    let mut names: Vec<String> = gateway
        .rows()
        .iter()
        .map(|row| row["login"].to_string())
        .collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// An operation that hangs ends with the time of the request, and the others are told of.
#[tokio::test]
async fn one_that_hangs_does_not_take_the_others_answers_along() {
    let gateway = TestGateway::start_with(Options {
        request_seconds: 2,
        ..Options::default()
    })
    .await;
    gateway.faults([Fault::new("PUT", "/**", Action::BlackHole)]);
    let operations = vec![
        post("/Users", "ada", person()),
        post("/Groups", "team", group(&["bulkId:ada"])),
        post("/Users", "grace", person()),
    ];
    let answers = send(&gateway.a, &request(operations)).await;
    assert_eq!(statuses(&answers), ["201", "503", "503"]);
    is_error(&answers[2], "503", None, "before this operation was begun");
    assert_eq!(gateway.rows().len(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_it() {
    let gateway = TestGateway::start_with(Options {
        latency: Duration::from_millis(40),
        ..Options::default()
    })
    .await;
    let operation = |index: usize| post("/Users", &index.to_string(), person());
    let body = request((0..5).map(operation).collect());
    let tenant = gateway.a.clone();
    let asking = tokio::spawn(async move { tenant.post("/Bulk", &body).await });
    for _ in 0..2000 {
        if !gateway.rows().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asking.abort();
    for _ in 0..500 {
        let rows = gateway.rows();
        if rows.len() == 5 && rows.iter().all(|row| row["status"] == "ACTIVE") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("only {} of 5 were made", gateway.rows().len());
}
