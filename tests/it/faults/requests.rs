//! Requests that are wrong: the status and `scimType` of RFC 7644 §3.12, no
//! vendor call, and nothing of theirs in the log.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{is_error, patch};
use crate::harness::{Request, TestGateway, group, person, unique};

#[tokio::test]
async fn a_token_that_opens_nothing_is_a_401() {
    let gateway = TestGateway::start().await;
    let (a, b) = (&gateway.a, &gateway.b);
    let cut = &a.token[..a.token.len() - 1];
    let mut typo = a.token.clone();
    let last = if typo.ends_with('0') { '1' } else { '0' };
    typo.pop();
    typo.push(last);
    let forged = format!("{}{}", &a.token[..20], &b.token[20..]);
    let bearer = |token: &str| format!("Bearer {token}");
    let with = |value: &str| a.request("GET", "/Users").header("Authorization", value);
    let refused: Vec<(&str, Request)> = vec![
        ("none", a.request("GET", "/Users").without("Authorization")),
        ("another scheme", with(&format!("Basic {}", a.token))),
        ("no scheme", with(&a.token)),
        ("empty", with("Bearer ")),
        ("nonsense", with("Bearer wrong-token")),
        ("cut", with(&bearer(cut))),
        ("longer", with(&bearer(&format!("{}x", a.token)))),
        ("mistyped", with(&bearer(&typo))),
        ("of two halves", with(&bearer(&forged))),
        (
            "twice in one",
            with(&bearer(&format!("{}, {}", a.token, a.token))),
        ),
        ("the other tenant's", with(&bearer(&b.token))),
        (
            "in the query",
            a.request("GET", &format!("/Users?access_token={}", a.token))
                .without("Authorization"),
        ),
    ];
    for (what, request) in refused {
        let response = a.send(request).await;
        is_error(&response, 401, None, what);
        let challenge = response.header("www-authenticate");
        assert!(challenge.starts_with("Bearer"), "{what}: {response}");
    }
    assert_eq!(gateway.vendor.counters().calls, 0);
}

#[tokio::test]
async fn a_token_decides_the_tenant_and_a_path_only_agrees() {
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    let ask = async |base: &str, token: &str, path: &str| {
        let mut tenant = gateway.a.clone();
        tenant.base = base.to_owned();
        tenant.token = token.to_owned();
        tenant.get(path).await.status
    };
    let (a, b) = (&gateway.a.token, &gateway.b.token);
    let path = format!("/Users/{user}");
    assert_eq!(ask("/t/a/scim/v2", a, &path).await, 200);
    assert_eq!(ask("/scim/v2", a, &path).await, 200);
    assert_eq!(ask("/scim/v2", b, &path).await, 404);
    assert_eq!(ask("/t/b/scim/v2", b, &path).await, 404);
    for base in [
        "/t/b/scim/v2",
        "/t/none/scim/v2",
        "/t/A/scim/v2",
        "/t/a%00/scim/v2",
    ] {
        assert_eq!(ask(base, a, &path).await, 401, "{base}");
    }
}

/// What the other tenant owns cannot be read, changed, deleted or joined.
#[tokio::test]
async fn tenants_do_not_reach_each_other() {
    let gateway = TestGateway::start().await;
    let (a, b) = (&gateway.a, &gateway.b);
    let user = a.make("/Users", &person()).await;
    let team = a.make("/Groups", &group(&[&user])).await;
    let own = b.make("/Groups", &group(&[])).await;
    let other = b.make("/Users", &person()).await;
    let before = gateway.vendor.state();
    let rename = json!([{"op": "Replace", "path": "displayName", "value": "Mine"}]);
    for path in [format!("/Users/{user}"), format!("/Groups/{team}")] {
        is_error(&b.get(&path).await, 404, None, &path);
        is_error(&b.patch(&path, rename.clone()).await, 404, None, &path);
        is_error(&b.put(&path, &person()).await, 404, None, &path);
        is_error(&b.delete(&path).await, 404, None, &path);
    }
    let join = json!([{"op": "Add", "path": "members", "value": [{"value": user}]}]);
    let joined = b.patch(&format!("/Groups/{own}"), join).await;
    is_error(&joined, 400, Some("invalidValue"), "join");
    let replaced = b.put(&format!("/Groups/{own}"), &group(&[&user])).await;
    is_error(&replaced, 400, Some("invalidValue"), "PUT of members");
    let made = b.post("/Groups", &group(&[&user])).await;
    is_error(&made, 400, Some("invalidValue"), "POST of members");
    // SoSafe has no managers: what Entra wrote is kept, and nothing is looked up for it.
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let manager = format!("{enterprise}:manager");
    let managed = json!([{"op": "Add", "path": manager, "value": user}]);
    let managed = b.patch(&format!("/Users/{other}"), managed).await;
    assert_eq!(managed.status, 200, "{managed}");
    let named = managed.json()[enterprise]["manager"].clone();
    let place = format!("{}/Users/{user}", b.url());
    assert_eq!(named, json!({"value": user, "$ref": place}), "{managed}");
    for (filter, count) in [
        (format!("id+eq+%22{user}%22"), 0),
        ("userName+pr".to_owned(), 1),
    ] {
        let found = b.get(&format!("/Users?filter={filter}")).await;
        assert_eq!(found.json()["totalResults"], count, "{found}");
    }
    assert_eq!(gateway.vendor.state(), before);
    let mut managed = person();
    managed[enterprise] = json!({"manager": {"value": user}});
    b.make("/Users", &managed).await;
    let rows = |state: &Value| state.to_string().matches(&user).count();
    assert_eq!(rows(&gateway.vendor.state()), rows(&before));
}

/// A body, and what is wrong with it.
fn bad_bodies() -> Vec<(&'static str, String, u16, Option<&'static str>)> {
    let secret = unique("canary");
    let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    vec![
        (
            "cut JSON",
            format!(r#"{{"userName": "{secret}", "#),
            400,
            Some("invalidSyntax"),
        ),
        (
            "bare word",
            r#"{"userName": tre}"#.into(),
            400,
            Some("invalidSyntax"),
        ),
        ("no object", "[]".into(), 400, Some("invalidSyntax")),
        ("a text", format!("{secret:?}"), 400, Some("invalidSyntax")),
        ("nothing", String::new(), 400, Some("invalidSyntax")),
        ("two values", "{}{}".into(), 400, Some("invalidSyntax")),
        (
            "a name twice",
            r#"{"userName":"a","userName":"b"}"#.into(),
            400,
            Some("invalidSyntax"),
        ),
        ("deep", deep(64), 400, Some("invalidSyntax")),
        ("very deep", deep(100_000), 400, Some("invalidSyntax")),
        (
            "half a surrogate",
            r#"{"userName":"\ud800"}"#.into(),
            400,
            Some("invalidSyntax"),
        ),
        (
            "userName is a number",
            r#"{"userName": 5}"#.into(),
            400,
            Some("invalidValue"),
        ),
        (
            "userName is a list",
            r#"{"userName": ["a", "b"]}"#.into(),
            400,
            Some("invalidValue"),
        ),
        (
            "userName is missing",
            r#"{"displayName": "D"}"#.into(),
            400,
            Some("invalidValue"),
        ),
        (
            "an address is a number",
            r#"{"userName": "u", "emails": [{"type": "work", "value": 5}]}"#.into(),
            400,
            Some("invalidValue"),
        ),
        (
            "active is a text",
            r#"{"userName": "u", "active": "perhaps"}"#.into(),
            400,
            Some("invalidValue"),
        ),
        (
            "name is a text",
            r#"{"userName": "u", "name": "n"}"#.into(),
            400,
            Some("invalidValue"),
        ),
        (
            "huge",
            format!(r#"{{"userName": "{}"}}"#, "u".repeat(2 << 20)),
            413,
            None,
        ),
    ]
}

#[tokio::test]
async fn a_wrong_body_never_reaches_the_vendor() {
    let gateway = TestGateway::start().await;
    for (what, body, status, scim_type) in bad_bodies() {
        let response = gateway
            .a
            .send(gateway.a.request("POST", "/Users").body(body))
            .await;
        is_error(&response, status, scim_type, what);
        assert_eq!(gateway.vendor.counters().calls, 0, "{what}: {response}");
    }
}

#[tokio::test]
async fn a_wrong_patch_changes_nothing() {
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    let path = format!("/Users/{user}");
    let good = json!({"op": "Replace", "path": "title", "value": "Half"});
    let wrong: [(&str, Value, &str); 7] = [
        (
            "unknown operation",
            json!({"op": "Merge", "path": "title", "value": "T"}),
            "invalidSyntax",
        ),
        (
            "no operation",
            json!({"path": "title", "value": "T"}),
            "invalidSyntax",
        ),
        (
            "broken path",
            json!({"op": "Replace", "path": "emails[type eq", "value": "e"}),
            "invalidPath",
        ),
        ("remove without path", json!({"op": "Remove"}), "noTarget"),
        (
            "number as a name",
            json!({"op": "Replace", "path": "userName", "value": 5}),
            "invalidValue",
        ),
        (
            "active is a word",
            json!({"op": "Replace", "path": "active", "value": "perhaps"}),
            "invalidValue",
        ),
        (
            "the id",
            json!({"op": "Replace", "path": "id", "value": "1"}),
            "mutability",
        ),
    ];
    let before = gateway.vendor.state();
    for (what, operation, scim_type) in wrong {
        for operations in [
            json!([operation]),
            json!([good, operation]),
            json!([operation, good]),
        ] {
            let response = gateway.a.patch(&path, operations).await;
            is_error(&response, 400, Some(scim_type), what);
        }
    }
    for body in [
        json!({}),
        json!({"Operations": 5}),
        json!({"Operations": [5]}),
    ] {
        let request = gateway.a.request("PATCH", &path).json(&body);
        is_error(
            &gateway.a.send(request).await,
            400,
            Some("invalidSyntax"),
            &body.to_string(),
        );
    }
    assert_eq!(gateway.vendor.state(), before);
}

#[tokio::test]
async fn a_path_filter_or_method_that_does_not_exist_is_told() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let name = unique("filtered-");
    let rows = [
        ("GET", "/Nothing".to_owned(), 404, None),
        ("GET", "/Users/1/2".to_owned(), 404, None),
        ("GET", "/Schemas/none".to_owned(), 404, None),
        ("GET", "/ResourceTypes/none".to_owned(), 404, None),
        ("GET", "/Users/no%2Fpath".to_owned(), 404, None),
        ("GET", "/Users/..%2F..%2Fclient".to_owned(), 404, None),
        ("GET", "/Users/%2e%2e".to_owned(), 404, None),
        ("DELETE", "/Users".to_owned(), 405, None),
        ("PUT", "/Schemas".to_owned(), 405, None),
        ("TRACE", "/Users".to_owned(), 405, None),
        (
            "GET",
            format!("/Users?filter=userName+eq+%22{name}"),
            400,
            Some("invalidFilter"),
        ),
        (
            "GET",
            format!("/Users?filter=userName+is+%22{name}%22"),
            400,
            Some("invalidFilter"),
        ),
        (
            "GET",
            format!("/Users?filter={}", "(".repeat(200)),
            400,
            Some("invalidFilter"),
        ),
        (
            "GET",
            "/Users?startIndex=one".to_owned(),
            400,
            Some("invalidValue"),
        ),
    ];
    for (method, path, status, scim_type) in rows {
        let response = a.send(a.request(method, &path)).await;
        if method == "TRACE" {
            // Refused as a message before it is a request.
            assert!([400, 405].contains(&response.status), "{response}");
            continue;
        }
        is_error(&response, status, scim_type, &format!("{method} {path}"));
    }
    assert_eq!(gateway.vendor.counters().calls, 0);
    // One that is right and finds nobody is in no log either.
    let found = a
        .get(&format!("/Users?filter=userName+eq+%22{name}%22"))
        .await;
    assert_eq!(found.json()["totalResults"], 0, "{found}");
    gateway.log_never_says([name]);
}

#[tokio::test]
async fn a_media_type_that_is_not_json_is_a_415() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let body = person().to_string();
    for (name, value) in [
        ("Content-Type", "text/plain"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Encoding", "gzip"),
    ] {
        let request = a
            .request("POST", "/Users")
            .body(body.clone())
            .header(name, value);
        is_error(&a.send(request).await, 415, None, value);
    }
    assert_eq!(gateway.vendor.counters().calls, 0);
}

#[tokio::test]
async fn ids_nobody_has_are_absent_for_every_verb() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let rename = json!([{"op": "Replace", "path": "displayName", "value": "N"}]);
    for endpoint in ["/Users", "/Groups"] {
        for id in [
            "999999",
            "0",
            "-1",
            "00000000-0000-4000-8000-000000000000",
            "a%20b",
        ] {
            let path = format!("{endpoint}/{id}");
            let requests = [
                a.request("GET", &path),
                a.request("DELETE", &path),
                patch(a, &path, rename.clone()),
            ];
            for request in requests {
                let what = request.to_string();
                is_error(&a.send(request).await, 404, None, &what);
            }
        }
    }
    assert_eq!(gateway.rows(), [] as [Value; 0]);
}

/// Two requests in one, two lengths, two hosts: disagreeing with whatever
/// stands before the gateway is how requests are smuggled.
#[tokio::test]
async fn an_ambiguous_message_is_refused_and_the_connection_ends() {
    let gateway = TestGateway::start().await;
    let (base, token) = (&gateway.a.base, &gateway.a.token);
    let auth = format!("Authorization: Bearer {token}\r\n");
    for head in [
        format!("GET {base}/Users HTTP/1.1\r\n{auth}\r\n"),
        format!("GET {base}/Users HTTP/1.1\r\nHost: a\r\nHost: b\r\n{auth}\r\n"),
        format!("GET {base}/Users HTTP/1.1\r\nHost: a\r\n{auth}{auth}\r\n"),
        format!(
            "POST {base}/Users HTTP/1.1\r\nHost: a\r\n{auth}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ] {
        let mut stream = TcpStream::connect(gateway.a.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
    assert_eq!(gateway.vendor.counters().calls, 0);
}
