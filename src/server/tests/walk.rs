//! A request from end to end.

use super::*;

#[tokio::test]
async fn an_answer_has_its_media_type_and_request_id() {
    let server = Fixture::start(short());
    let reply = server.get("ok", "/scim/v2/Users").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/scim+json"));
    assert_eq!(reply.header("x-request-id").map(str::len), Some(36));
    assert_eq!(reply.body["base"], "http://scim.test/scim/v2");
}

#[tokio::test]
async fn the_request_id_is_ours_each_time() {
    let server = Fixture::start(short());
    let request = get("ok", "/scim/v2/Users").replace("\r\n\r\n", "\r\nX-Request-Id: abc\r\n\r\n");
    let first = server.ask(&request).await;
    let second = server.ask(&request).await;
    assert_ne!(first.header("x-request-id"), Some("abc"));
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[tokio::test]
async fn the_form_of_tenant_url_is_kept_in_locations() {
    let server = Fixture::start(short());
    let reply = server.get("ok", "/t/acme/scim/v2/Users").await;
    assert_eq!(reply.body["base"], "http://scim.test/t/acme/scim/v2");
}

#[tokio::test]
async fn a_configured_origin_wins_over_host() {
    let server = Fixture::start_with(Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        certificate: None,
        public_origin: Some("https://scim.example.com".to_owned()),
        workers: 1,
        limits: short(),
    });
    let reply = server.get("ok", "/scim/v2/Users").await;
    assert_eq!(reply.body["base"], "https://scim.example.com/scim/v2");
}

#[tokio::test]
async fn location_and_version_become_headers() {
    let server = Fixture::start(short());
    let reply = server.ask(&post("versioned", USER)).await;
    assert_eq!(reply.status, 201);
    assert_eq!(
        reply.header("location"),
        Some("http://scim.test/scim/v2/users/1")
    );
    assert_eq!(reply.header("etag"), Some("w/\"1f\""));
}

#[tokio::test]
async fn an_answer_without_content_has_no_media_type() {
    let server = Fixture::start(short());
    let request = get("deleted", "/scim/v2/Users/1").replace("GET", "DELETE");
    let reply = server.ask(&request).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("content-type"), None);
}

#[tokio::test]
async fn bodies_by_any_accepted_name_or_none_and_in_chunks() {
    let server = Fixture::start(short());
    let scim = post("ok", USER);
    let named = "Content-Type: application/scim+json; charset=utf-8\r\n";
    assert_eq!(server.ask(&scim).await.status, 200);
    let json = scim.replace(named, "Content-Type: application/json\r\n");
    assert_eq!(server.ask(&json).await.status, 200);
    assert_eq!(server.ask(&scim.replace(named, "")).await.status, 200);
    let announced = format!("Content-Length: {}\r\n\r\n{USER}", USER.len());
    let chunked = format!(
        "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{USER}\r\n0\r\n\r\n",
        USER.len()
    );
    assert_eq!(
        server.ask(&scim.replace(&announced, &chunked)).await.status,
        200
    );
}

#[tokio::test]
async fn neither_accept_nor_user_agent_matters() {
    let server = Fixture::start(short());
    let request = get("ok", "/scim/v2/Users").replace("\r\n\r\n", "\r\nAccept: text/html\r\n\r\n");
    assert_eq!(server.ask(&request).await.status, 200);
}

#[tokio::test]
async fn a_connection_carries_many_requests_in_bytes_of_any_size() {
    let server = Fixture::start(short());
    let mut stream = server.connect().await;
    for _ in 0..3 {
        for piece in get("ok", "/scim/v2/Users").as_bytes().chunks(40) {
            stream.write_all(piece).await.unwrap();
            sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(Reply::read(&mut stream).await.status, 200);
    }
}

#[tokio::test]
async fn http2_with_prior_knowledge_on_a_plain_port() {
    let server = Fixture::start(short());
    let stream = server.connect().await;
    let request = hyper::Request::get("http://scim.test/scim/v2/Users")
        .header("authorization", "Bearer ok")
        .body(http_body_util::Empty::<hyper::body::Bytes>::new())
        .unwrap();
    let (status, body) = over_http2(stream, request).await;
    assert_eq!(status, 200);
    assert_eq!(body["base"], "http://scim.test/scim/v2");
}

/// One request over HTTP/2.
pub(super) async fn over_http2<S, B>(stream: S, request: hyper::Request<B>) -> (u16, Value)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: hyper::body::Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    use http_body_util::BodyExt;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let reply = sender.send_request(request).await.unwrap();
    let status = reply.status().as_u16();
    let bytes = reply.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}
