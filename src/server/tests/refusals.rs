//! Everything that is not answered with success.

use super::*;

#[tokio::test]
async fn without_a_token_nothing_is_told() {
    let server = Fixture::start(short());
    for path in [
        "/scim/v2/Users",
        "/scim/v2/Nonsense",
        "/t/nobody/scim/v2/Users",
        "/scim/v2",
    ] {
        let reply = server
            .ask(&format!("GET {path} HTTP/1.1\r\nHost: scim.test\r\n\r\n"))
            .await;
        reply.is_error(401);
        assert_eq!(
            reply.header("www-authenticate"),
            Some("bearer realm=\"scimgate\"")
        );
    }
}

#[tokio::test]
async fn a_bad_token_and_a_foreign_path_get_the_same_answer() {
    let server = Fixture::start(short());
    let unknown = server.get("unknown", "/scim/v2/Users").await;
    let foreign = server.get("ok", "/t/other/scim/v2/Users").await;
    let nameless = server.get("ok", "/t//scim/v2/Users").await;
    let prefix = server.get("ok", "/t/acm/scim/v2/Users").await;
    for reply in [&unknown, &foreign, &nameless, &prefix] {
        reply.is_error(401);
        assert_eq!(reply.body, unknown.body);
        assert!(
            reply
                .header("www-authenticate")
                .unwrap()
                .contains("invalid_token")
        );
    }
    assert_eq!(server.begun(), 0);
}

#[tokio::test]
async fn a_store_that_is_down_is_no_bad_token() {
    let server = Fixture::start(short());
    let reply = server.get("locked", "/scim/v2/Users").await;
    reply.is_error(503);
    assert_eq!(reply.header("retry-after"), Some("30"));
}

#[tokio::test]
async fn what_is_outside_is_not_there_token_or_not() {
    let server = Fixture::start(short());
    for path in [
        "/",
        "/scim",
        "/scim/v2x/Users",
        "/livez",
        "/readyz",
        "/scim%2fv2/Users",
    ] {
        server.get("ok", path).await.is_error(404);
        server.get("unknown", path).await.is_error(404);
    }
    server.get("ok", "/scim/v2/Nonsense").await.is_error(404);
}

#[tokio::test]
async fn methods_an_endpoint_does_not_know() {
    let server = Fixture::start(short());
    for (method, path, allow) in [
        ("OPTIONS", "/scim/v2/Users", "get, post"),
        ("DELETE", "/scim/v2/Users", "get, post"),
        ("POST", "/scim/v2/Users/1", "get, put, patch, delete"),
        ("BREW", "/scim/v2/Schemas", "get"),
    ] {
        let reply = server
            .ask(&get("ok", path).replacen("GET", method, 1))
            .await;
        reply.is_error(405);
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
    }
}

/// RFC 9110 §9.3.2: status and headers of GET, and nothing behind them.
#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let server = Fixture::start(short());
    for path in ["/scim/v2/Users", "/scim/v2/Schemas", "/scim/v2/Nowhere"] {
        let read = get("ok", path).replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
        let whole = server.ask(&read).await;
        let mut stream = server.connect().await;
        let head = read.replacen("GET", "HEAD", 1);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (start, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "", "{path}");
        assert_eq!(start[9..12], whole.status.to_string(), "{path}");
        let length = whole.header("content-length").unwrap();
        assert!(
            start.contains(&format!("content-length: {length}\r\n")),
            "{path}: {start}"
        );
    }
}

#[tokio::test]
async fn ambiguous_framing_ends_the_connection() {
    let server = Fixture::start(short());
    let request = get("ok", "/scim/v2/Users");
    let with = |line: &str| request.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
    for (request, why) in [
        (with("Authorization: Bearer other"), "two credentials"),
        (
            with("Content-Type: a/b\r\nContent-Type: c/d"),
            "two media types",
        ),
        (with("Host: other.test"), "two hosts"),
        (request.replace("Host: scim.test\r\n", ""), "no host"),
        (request.replace("scim.test", ""), "an empty host"),
        (
            request.replace("GET /scim", "GET http://other.test/scim"),
            "an absolute form with another host",
        ),
        (
            with("Transfer-Encoding: gzip, chunked\r\n\r\n0"),
            "another coding",
        ),
        (
            with("Connection: Upgrade\r\nUpgrade: websocket"),
            "an upgrade",
        ),
        (
            with("Connection: keep-alive, upgrade"),
            "an upgrade without a name",
        ),
        (request.replacen("GET", "TRACE", 1), "TRACE"),
        (
            with(&format!("X: {}", "a".repeat(10)))
                .replace("Bearer ok", &format!("Bearer {}", "a".repeat(9000))),
            "a huge credential",
        ),
    ] {
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let reply = Reply::read(&mut stream).await;
        assert_eq!(reply.status, 400, "{why}");
        assert_eq!(reply.header("connection"), Some("close"), "{why}");
        time_to_close(&mut stream).await;
    }
    assert_eq!(server.begun(), 0);
}

#[tokio::test]
async fn an_absolute_form_with_the_same_host_is_fine() {
    let server = Fixture::start(short());
    let request = get("ok", "/scim/v2/Users").replace("GET /scim", "GET http://scim.test/scim");
    assert_eq!(server.ask(&request).await.status, 200);
}

#[tokio::test]
async fn sizes_of_the_head() {
    let server = Fixture::start(short());
    let long = format!("/scim/v2/Users?filter={}", "a".repeat(9000));
    server.get("ok", &long).await.is_error(414);
    let many: String = (0..70).map(|n| format!("x-{n}: 1\r\n")).collect();
    let request = get("ok", "/scim/v2/Users").replace("Host", &format!("{many}Host"));
    assert_eq!(server.ask(&request).await.status, 431);
}

#[tokio::test]
async fn bodies_of_other_media_types_or_compressed() {
    let server = Fixture::start(short());
    let request = post("ok", USER);
    let xml = request.replace("application/scim+json", "text/xml");
    server.ask(&xml).await.is_error(415);
    let packed = request.replace("Content-Length", "Content-Encoding: gzip\r\nContent-Length");
    server.ask(&packed).await.is_error(415);
    assert_eq!(server.begun(), 0);
}

#[tokio::test]
async fn bodies_that_are_no_json() {
    let server = Fixture::start(short());
    for body in ["", "{", "{\"userName\":\"a\",\"userName\":\"b\"}", "[]"] {
        server.ask(&post("ok", body)).await.is_error(400);
    }
    assert_eq!(server.begun(), 0);
}

#[tokio::test]
async fn a_body_announced_too_large_is_refused_unread() {
    let server = Fixture::start(short());
    let request = post("ok", "").replace("Length: 0", "Length: 2000000");
    server.ask(&request).await.is_error(413);
}

#[tokio::test]
async fn a_refusal_survives_the_body_that_follows_it() {
    let server = Fixture::start(Limits {
        linger: Duration::from_secs(2),
        ..short()
    });
    let mut stream = server.connect().await;
    let head = post("ok", "").replace("Length: 0", "Length: 8000000");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A closed socket would answer this with a reset, on which many systems
    // throw away what they have not read yet.
    stream.write_all(&vec![b' '; 8_000_000]).await.unwrap();
    Reply::read(&mut stream).await.is_error(413);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_refused() {
    let server = Fixture::start(Limits {
        body_bytes: 1000,
        ..short()
    });
    let piece = " ".repeat(600);
    let request = post("ok", "").replace(
        "Content-Length: 0\r\n\r\n",
        &format!("Transfer-Encoding: chunked\r\n\r\n258\r\n{piece}\r\n258\r\n{piece}\r\n0\r\n\r\n"),
    );
    server.ask(&request).await.is_error(413);
}

#[tokio::test]
async fn a_body_cut_short_or_with_trailers_is_refused() {
    let server = Fixture::start(short());
    let mut stream = server.connect().await;
    let request = post("ok", USER).replace("Length: ", "Length: 1");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    time_to_close(&mut stream).await;
    let length = format!("Content-Length: {}\r\n\r\n{USER}", USER.len());
    let chunks = format!(
        "Trailer: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{USER}\r\n0\r\nx: 1\r\n\r\n",
        USER.len()
    );
    server
        .ask(&post("ok", USER).replace(&length, &chunks))
        .await
        .is_error(400);
    assert_eq!(server.begun(), 0);
}

#[tokio::test]
async fn a_bad_token_is_refused_before_the_body_is_read() {
    let server = Fixture::start(short());
    let request = post("unknown", "").replace(
        "Content-Length: 0",
        "Expect: 100-continue\r\nContent-Length: 100",
    );
    // Were the body asked for, `100 Continue` would come first.
    server.ask(&request).await.is_error(401);
    let request = post("ok", "").replace("Length: 0", "Length: 100\r\nExpect: 100-continue");
    assert_eq!(server.ask(&request).await.status, 100);
}

#[tokio::test]
async fn faults_keep_their_meaning() {
    let server = Fixture::start(short());
    for (deed, status, retry_after, text) in [
        ("unreachable", 503, Some("30"), "could not be reached"),
        ("unknown-outcome", 503, Some("30"), "did not confirm"),
        ("unusable", 503, Some("30"), "unusable"),
        (
            "credential",
            503,
            Some("60"),
            "backend credentials rejected",
        ),
        ("busy", 503, Some("10"), "busy"),
        ("busy-now", 429, Some("1"), "slow down"),
        ("busy-1500ms", 429, Some("2"), "slow down"),
        ("busy-for-a-day", 429, Some("60"), "slow down"),
        ("script", 500, None, "acme.rhai line 7"),
        ("overloaded", 503, Some("5"), "overloaded"),
        ("late", 503, Some("30"), "too long"),
        ("no-store", 503, Some("30"), "store"),
        ("internal", 500, None, "Internal error"),
        ("panic", 500, None, "Internal error"),
    ] {
        for request in [get(deed, "/scim/v2/Users/1"), post(deed, USER)] {
            let reply = server.ask(&request).await;
            reply.is_error(status);
            assert_eq!(reply.header("retry-after"), retry_after, "{deed}");
            assert!(reply.detail().contains(text), "{deed}: {}", reply.detail());
            assert!(!reply.detail().contains("secret"), "{deed}");
        }
    }
}

#[tokio::test]
async fn a_fault_names_the_request_by_its_id() {
    let server = Fixture::start(short());
    let reply = server.get("unusable", "/scim/v2/Users").await;
    assert!(
        reply
            .detail()
            .contains(reply.header("x-request-id").unwrap())
    );
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let server = Fixture::start(short());
    let mut stream = server.connect().await;
    for (token, status) in [
        ("ok", 200),
        ("panic", 500),
        ("auth-panic", 500),
        ("ok", 200),
    ] {
        let request = get(token, "/scim/v2/Users");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(Reply::read(&mut stream).await.status, status, "{token}");
    }
}
