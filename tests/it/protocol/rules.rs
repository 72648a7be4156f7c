//! What holds everywhere: errors, versions of the protocol, who may ask, abuse.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Service, at, refused, user};
use crate::harness::{TestGateway, person, unique};

/// R37 R190 R191: every kind of refusal has the one form, and a keyword the RFC knows.
#[tokio::test]
async fn refusals_have_one_form() {
    let service = Service::strict().await;
    let made = service.user(json!({})).await;
    let patch = |operation| json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
    let change = format!("PATCH {}", at(&made));
    for (line, body, status, keyword) in [
        ("GET /Users?filter=x", None, 400, "invalidFilter"),
        (
            "GET /Users?filter=active+gt+true",
            None,
            400,
            "invalidFilter",
        ),
        ("GET /Users?count=x", None, 400, "invalidValue"),
        ("GET /Users/none", None, 404, ""),
        ("GET /Devices", None, 404, ""),
        ("GET /Users/1/2", None, 404, ""),
        ("DELETE /Users", None, 405, ""),
        (
            "PATCH /Users",
            Some(patch(json!({"op": "remove", "path": "title"}))),
            405,
            "",
        ),
        ("GET /Schemas?filter=id+pr", None, 403, ""),
        ("GET /Me", None, 501, ""),
        ("POST /Users", Some(json!([])), 400, "invalidSyntax"),
        (
            "POST /Users",
            Some(user(json!({"userName": 1}))),
            400,
            "invalidValue",
        ),
        (
            &change,
            Some(patch(json!({"op": "remove"}))),
            400,
            "noTarget",
        ),
        (
            &change,
            Some(patch(json!({"op": "remove", "path": "id"}))),
            400,
            "mutability",
        ),
        (
            &change,
            Some(patch(json!({"op": "remove", "path": "a["}))),
            400,
            "invalidPath",
        ),
        (
            &change,
            Some(patch(json!({"op": "merge", "path": "title"}))),
            400,
            "invalidSyntax",
        ),
        (
            &change,
            Some(json!({"schemas": [], "Operations": []})),
            400,
            "invalidSyntax",
        ),
    ] {
        let response = service.ask(line, body.as_ref()).await;
        refused(&response, status, keyword, line);
    }
    for (path, allowed) in [("/Users", "GET, POST"), ("/Schemas", "GET")] {
        let response = service.ask(&format!("DELETE {path}"), None).await;
        assert_eq!(response.header("allow"), allowed);
    }
}

/// R192: the version in the path is honoured, no other is served.
#[tokio::test]
async fn one_version_is_served() {
    let service = Service::strict().await;
    let mut other = service.tenant.clone();
    assert!(other.base.ends_with("/v2"), "{}", other.base);
    for base in ["/scim/v1", "/scim/v3", "/scim/v1.1", "/scim"] {
        other.base = base.to_owned();
        refused(&other.get("/Users").await, 404, "", base);
    }
}

/// R92 R93 R94 R194: nobody without a token, for no verb.
#[tokio::test]
async fn nobody_asks_without_a_token() {
    let service = Service::strict().await;
    let body = user(json!({}));
    for line in [
        "GET /Users",
        "POST /Users",
        "PUT /Users/1",
        "PATCH /Users/1",
        "DELETE /Users/1",
        "POST /Bulk",
        "GET /Schemas",
    ] {
        let request = service.request(line, Some(&body)).without("Authorization");
        let response = service.tenant.send(request).await;
        refused(&response, 401, "", line);
        assert!(
            response
                .header("www-authenticate")
                .to_lowercase()
                .starts_with("bearer"),
            "{response}"
        );
    }
    assert_eq!(service.get("/Users?count=0").await["totalResults"], 0);
}

/// R140 R195 R196: each tenant has names, ids and lists of its own. The harness asserts of every
/// test that no token and nothing personal is in the log (R170 R197).
#[tokio::test]
async fn tenants_share_nothing() {
    let gateway = TestGateway::start().await;
    let body = person();
    let ours = gateway.a.make("/Users", &body).await;
    let theirs = gateway.b.make("/Users", &body).await;
    for tenant in [&gateway.a, &gateway.b] {
        for name in ["userName", "externalId"] {
            let filter = format!(
                "/Users?filter={name}+eq+%22{}%22",
                body[name].as_str().unwrap()
            );
            let found = tenant.get(&filter).await.json();
            assert_eq!(found["totalResults"], 1, "{name}: {found}");
        }
        // With the same externalId it would be the same create, sent again.
        let mut again = body.clone();
        again["externalId"] = unique("another-").into();
        let again = tenant.post("/Users", &again).await;
        refused(&again, 409, "uniqueness", "the same person again");
    }
    assert_eq!(
        gateway.a.delete(&format!("/Users/{ours}")).await.status,
        204
    );
    assert_eq!(gateway.b.get(&format!("/Users/{theirs}")).await.status, 200);
    let query = format!(
        "/Users?filter=userName+eq+%22{}",
        body["userName"].as_str().unwrap()
    );
    refused(
        &gateway.a.get(&query).await,
        400,
        "invalidFilter",
        "a query with a name, refused",
    );
}

/// R128 R145 R197: no answer tells a password, and no filter compares one; where the profile knows
/// none, what is sent as one is skipped.
#[tokio::test]
async fn a_password_is_neither_kept_nor_repeated() {
    use scimgate::scim::Profile;
    for profile in [Profile::Strict, Profile::Entra] {
        let service = Service::start(profile).await;
        let body = user(json!({"password": "correct-horse-battery"}));
        let made = service.tenant.post("/Users", &body).await;
        assert_eq!(made.status, 201, "{made}");
        let list = service.tenant.get("/Users").await;
        let filtered = service
            .tenant
            .get("/Users?filter=password+eq+%22correct-horse-battery%22")
            .await;
        refused(&filtered, 400, "invalidFilter", "password");
        for response in [made, list, filtered] {
            assert!(
                !response.to_string().contains("correct-horse"),
                "{response}"
            );
        }
    }
}

/// R169: what is too much is refused in no time, unread.
#[tokio::test]
async fn abuse_is_refused_at_once() {
    let service = Service::strict().await;
    let made = service.user(json!({})).await;
    let operation = json!({"op": "replace", "path": "title", "value": "x"});
    let many = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": vec![operation; 4000]});
    for (line, body, status) in [
        (
            format!("GET /Users?filter={}title+pr", "(".repeat(10_000)),
            None,
            400,
        ),
        (
            format!("GET /Users?filter=title+pr{}", "+or+title+pr".repeat(4_000)),
            None,
            400,
        ),
        (format!("PATCH {}", at(&made)), Some(many), 413),
        (
            "POST /Users".to_owned(),
            Some(user(json!({"title": "x".repeat(900_000)}))),
            400,
        ),
    ] {
        let begun = Instant::now();
        let response = service.ask(&line, body.as_ref()).await;
        let line: String = line.chars().take(60).collect();
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{line} took {:?}",
            begun.elapsed()
        );
        assert!(
            [status, 413, 414, 431].contains(&response.status),
            "{line}: {response}"
        );
    }
    for filter in [
        "(".repeat(10_000),
        "title pr or ".repeat(5_000),
        "x".repeat(1_000_000),
    ] {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"];
        let search = json!({"schemas": schemas, "filter": filter});
        let begun = Instant::now();
        let response = service.ask("POST /Users/.search", Some(&search)).await;
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        assert!([400, 413].contains(&response.status), "{response}");
        assert!(response.body.len() < 1000, "{response}");
    }
    let answer = announced(&service, 1 << 30).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(service.get(&at(&made)).await, made);
}

/// The answer to a body of which only the size has come.
async fn announced(service: &Service, size: usize) -> String {
    let mut stream = TcpStream::connect(service.tenant.address).await.unwrap();
    let head = format!(
        "POST {}/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/scim+json\r\nContent-Length: {size}\r\n\r\n",
        service.tenant.base, service.tenant.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut answer));
    let length = read.await.expect("an answer in time").unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
