//! A vendor that answers whatever it is asked with too much, in crumbs, or with a page of many users.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Just below what one reply may be.
const LARGE: usize = (8 << 20) - 1024;
/// As many pieces of one byte as are read whatever they hold.
const CRUMBS: usize = 16 << 10;
/// Users of a page.
const USERS: usize = 250;

/// What it answers, whole, with its head.
struct Answers {
    large: Vec<u8>,
    crumbs: Vec<u8>,
    page: Vec<u8>,
}

/// Starts it on a thread of its own, which ends with the process.
pub(crate) fn start() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let answers = Arc::new(Answers {
        large: large(),
        crumbs: crumbs(),
        page: page(),
    });
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&answers)));
            }
        });
    });
    address
}

/// One request after the other; the word in its query says what it gets.
async fn answer(mut stream: TcpStream, answers: Arc<Answers>) {
    let (mut head, mut some) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&some[..count]),
        }
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let asked = String::from_utf8_lossy(&head);
        let answer = match &*asked {
            asked if asked.contains("large") => &answers.large,
            asked if asked.contains("crumbs") => &answers.crumbs,
            _ => &answers.page,
        };
        if stream.write_all(answer).await.is_err() {
            return;
        }
        head.clear();
    }
}

fn whole(body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
    format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// More values than a script may hold, and not more than are read.
fn large() -> Vec<u8> {
    let text = format!("\"{}\"", "x".repeat(84));
    let texts = vec![text; 90_000].join(",");
    let mut body = format!("{{\"data\":[{texts}]}}");
    body.extend(std::iter::repeat_n(' ', LARGE - body.len()));
    whole(&body)
}

fn crumbs() -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
    let crumbs = "1\r\n \r\n".repeat(CRUMBS - 11);
    let rest: String = "{\"data\":[]}"
        .chars()
        .map(|letter| format!("1\r\n{letter}\r\n"))
        .collect();
    format!("{head}\r\n\r\n{crumbs}{rest}0\r\n\r\n").into_bytes()
}

fn page() -> Vec<u8> {
    let user = |id: usize| {
        let name = format!("user{id}@example.com");
        json!({ "id": id, "status": "ACTIVE", "login": name, "email": name,
                "first_name": "Ada", "last_name": "Byron", "nickname": "x".repeat(1000) })
    };
    let users: Vec<_> = (1..=USERS).map(user).collect();
    whole(&json!({ "data": users, "total": USERS }).to_string())
}
