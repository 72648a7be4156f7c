//! Who takes more than his share: of memory, of connections, of guesses, of frames.

use super::super::TenantLimits;
use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// HPACK without table and Huffman code (RFC 7541 §6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// The head of a POST whose body is still to come.
fn post_head(stream: u32, token: &str) -> Vec<u8> {
    let head = [
        literal(":method", "POST"),
        literal(":scheme", "http"),
        literal(":authority", "scim.test"),
        literal(":path", "/scim/v2/Users"),
        literal("authorization", &format!("Bearer {token}")),
    ];
    frame(1, 4, stream, &head.concat())
}

/// How many of `frames` a connection takes before the server ends it.
async fn taken(server: &Fixture, frames: impl Iterator<Item = Vec<u8>>) -> usize {
    let (mut reading, mut writing) = server.connect().await.into_split();
    let reader = tokio::spawn(async move {
        let mut sink = [0; 4096];
        while reading.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    });
    writing.write_all(PREFACE).await.unwrap();
    writing.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    let mut count = 0;
    for frame in frames {
        // Not faster than the server reads, or what it never saw would count as taken.
        if reader.is_finished() || writing.write_all(&frame).await.is_err() {
            return count;
        }
        count += 1;
        if count % 50 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let ended = timeout(Duration::from_secs(5), reader).await;
    ended.map_or(usize::MAX, |_| count)
}

#[tokio::test]
async fn a_flood_of_frames_ends_its_connection() {
    let server = Fixture::start(short());
    for (name, kind, stream, payload) in [
        ("PING", 6, 0, &[0; 8][..]),
        ("SETTINGS", 4, 0, &[]),
        ("PRIORITY", 2, 1, &[0, 0, 0, 0, 1]),
        ("WINDOW_UPDATE", 8, 0, &[0, 0, 0, 1]),
        ("unknown", 99, 0, &[1]),
    ] {
        let flood = (0..6000).map(|_| frame(kind, 0, stream, payload));
        let taken = taken(&server, flood).await;
        assert!((900..6000).contains(&taken), "{name}: {taken}");
    }
    assert_eq!(server.get("ok", "/scim/v2/Users").await.status, 200);
}

#[tokio::test]
async fn streams_that_the_server_is_made_to_reset_end_their_connection() {
    let server = Fixture::start(short());
    // Nothing to add to the window is an error of the stream (RFC 9113 §6.9).
    let requests = (0..500).map(|number| {
        let stream = 2 * number + 1;
        [post_head(stream, "ok"), frame(8, 0, stream, &[0; 4])].concat()
    });
    let taken = taken(&server, requests).await;
    assert!(taken < 200, "{taken}");
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_end_their_connection() {
    let server = Fixture::start(short());
    let requests = (0..3000).map(|number| {
        let stream = 2 * number + 1;
        [post_head(stream, "ok"), frame(3, 0, stream, &[0, 0, 0, 8])].concat()
    });
    assert!(taken(&server, requests).await < 3000);
}

#[tokio::test]
async fn who_shows_no_good_token_soon_is_a_stranger() {
    let stranger = Duration::from_millis(300);
    let server = Fixture::start(Limits {
        stranger,
        ..short()
    });
    let mut known = server.connect().await;
    let good = get("ok", "/scim/v2/Users");
    known.write_all(good.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut known).await.status, 200);
    let mut unknown = server.connect().await;
    let bad = get("unknown", "/scim/v2/Users");
    unknown.write_all(bad.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut unknown).await.status, 401);
    let mut http2 = server.connect().await;
    http2.write_all(PREFACE).await.unwrap();
    http2.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    for stranger in [&mut unknown, &mut http2] {
        let taken = time_to_close(stranger).await;
        assert!(taken < Duration::from_secs(4), "{taken:?}");
    }
    known.write_all(good.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut known).await.status, 200);
}

#[tokio::test]
async fn when_all_places_are_taken_the_idlest_gives_way() {
    let server = Fixture::start(Limits {
        connections: 4,
        idle: Duration::from_secs(60),
        stranger: Duration::from_secs(60),
        ..short()
    });
    let good = get("ok", "/scim/v2/Users");
    let mut held = Vec::new();
    for _ in 0..12 {
        let mut stream = server.connect().await;
        stream.write_all(good.as_bytes()).await.unwrap();
        assert_eq!(Reply::read(&mut stream).await.status, 200);
        held.push(stream);
    }
}

#[tokio::test]
async fn guesses_from_one_network_are_refused_and_a_good_token_is_not() {
    let server = Fixture::start(short());
    let mut last = 0;
    for _ in 0..300 {
        last = server.get("unknown", "/scim/v2/Users").await.status;
        if last == 429 {
            break;
        }
        assert_eq!(last, 401);
    }
    assert_eq!(last, 429);
    // The allowance fills while all this is asked.
    let mut refused = 0;
    for token in ["unknown", "unknown", "unknown", "unknown"] {
        refused += usize::from(server.get(token, "/scim/v2/Users").await.status == 429);
    }
    assert!(refused >= 2);
    assert_eq!(server.get("ok", "/scim/v2/Users").await.status, 200);
}

/// A POST of which all but the last byte is sent.
fn half_sent(bytes: usize) -> Vec<u8> {
    post("ok", &"x".repeat(bytes))
        .into_bytes()
        .split_last()
        .map(|(_, all)| all.to_vec())
        .unwrap()
}

#[tokio::test]
async fn bodies_in_work_have_one_budget_and_ordinary_ones_find_room() {
    let limits = Limits {
        body_budget: 1,
        body: Duration::from_secs(20),
        body_delay: Duration::from_secs(20),
        request: Duration::from_secs(20),
        linger: Duration::from_secs(3),
        ..short()
    };
    let server = Fixture::start(limits);
    let mut held = Vec::new();
    let mut refused = 0;
    // The budget is what one largest body may take: about three of them half-sent.
    for _ in 0..8 {
        let mut stream = server.connect().await;
        // The server may refuse it before it has all of it.
        let _ = stream.write_all(&half_sent(1024 * 1024)).await;
        let answer = timeout(Duration::from_millis(300), Reply::read(&mut stream)).await;
        if let Ok(reply) = answer {
            reply.is_error(429);
            assert!(reply.detail().contains("Send fewer"), "{}", reply.detail());
            refused += 1;
        } else {
            held.push(stream);
        }
    }
    assert!(refused >= 4 && !held.is_empty(), "{refused}");
    assert_eq!(server.ask(&post("ok", USER)).await.status, 200);
    drop(held);
    let patience = Instant::now() + Duration::from_secs(5);
    let large = USER.replace("anna", &"a".repeat(60_000));
    while server.ask(&post("ok", &large)).await.status != 200 {
        assert!(Instant::now() < patience, "what was taken is given back");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let server = Fixture::start(Limits {
        body: Duration::from_secs(30),
        body_delay: Duration::from_millis(400),
        request: Duration::from_secs(30),
        ..short()
    });
    let (mut reading, mut writing) = server.connect().await.into_split();
    let head = post("ok", "").replace("Length: 0", "Length: 1000");
    writing.write_all(head.as_bytes()).await.unwrap();
    let drip = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let begun = Instant::now();
    Reply::read(&mut reading).await.is_error(408);
    assert!(begun.elapsed() < Duration::from_secs(5));
    drip.abort();
}

#[tokio::test]
async fn a_body_in_crumbs_is_read_if_it_is_short_and_refused_if_it_is_not() {
    let server = Fixture::start(Limits {
        body: Duration::from_secs(10),
        body_delay: Duration::from_secs(10),
        request: Duration::from_secs(10),
        linger: Duration::from_secs(3),
        ..short()
    });
    let chunked = |body: &str| {
        let head = post("ok", "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
        let chunks = body.chars().map(|byte| format!("1\r\n{byte}\r\n"));
        format!("{head}{}0\r\n\r\n", chunks.collect::<String>())
    };
    assert_eq!(server.ask(&chunked(USER)).await.status, 200);
    let long = USER.replace("anna", &"a".repeat(20_000));
    let reply = server.ask(&chunked(&long)).await;
    reply.is_error(400);
    assert!(
        reply.detail().contains("small pieces"),
        "{}",
        reply.detail()
    );
}

#[tokio::test]
async fn an_answer_that_is_read_bit_by_bit_is_given_up() {
    let server = Fixture::start(Limits {
        pace: 64 << 20,
        ..short()
    });
    let mut stream = server.connect().await;
    stream
        .write_all(get("big", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    // Progress again and again, each time well before the server would call it a halt.
    let mut some = vec![0; 64 << 10];
    let mut read = 0;
    let patience = Instant::now() + Duration::from_secs(20);
    while let Ok(count @ 1..) = stream.read(&mut some).await {
        read += count;
        assert!(Instant::now() < patience, "still being answered");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(read < 32 << 20, "it was answered");
}

#[tokio::test]
async fn a_coding_that_stands_twice_is_refused() {
    let server = Fixture::start(short());
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked";
    let request = post("ok", "").replace("Content-Length: 0", twice) + "0\r\n\r\n";
    let reply = server.ask(&request).await;
    reply.is_error(400);
    assert_eq!(reply.header("connection"), Some("close"));
}

#[tokio::test]
async fn each_operation_of_a_bulk_request_is_one_of_the_tenants_rate() {
    let tenant = TenantLimits {
        per_second: 1,
        burst: 3,
        in_flight: 10,
    };
    let server = Fixture::start(Limits { tenant, ..short() });
    let operation = json!({ "method": "DELETE", "path": "/Users/1" });
    let body = json!({ "Operations": vec![operation; 8] });
    let request = post("ok", &body.to_string()).replace("/scim/v2/Users", "/scim/v2/Bulk");
    let reply = server.ask(&request).await;
    let operations = reply.body["Operations"].as_array().unwrap();
    let refused = operations.iter().filter(|it| it["status"] == "429").count();
    assert_eq!((refused, server.begun()), (5, 3), "{}", reply.body);
    server.get("ok", "/scim/v2/Users").await.is_error(429);
}
