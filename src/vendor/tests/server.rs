//! A vendor on a loopback port that does what its script says, request by
//! request, whatever the connection, and then answers `{}`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
pub(super) enum Act {
    /// Write these bytes and read on.
    Say(&'static str),
    /// Write these bytes and close.
    SayAndClose(&'static str),
    /// Write these bytes and reset.
    SayAndReset(&'static str),
    /// Write these bytes, then one a 50 ms for ever.
    Drip(&'static str),
    /// Announce nothing and write 9 MiB.
    Flood,
    /// Never answer.
    Silence,
}

pub(super) const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// What a vendor says to a request (head and body), as a whole response.
type Answers = Arc<dyn Fn(&str) -> String + Send + Sync>;

#[derive(Clone)]
pub(super) struct Vendor {
    pub(super) base_url: String,
    answers: Option<Answers>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
    script: VecDeque<Act>,
}

impl Vendor {
    pub(super) async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        Self::listen(script, None).await
    }

    /// One that answers by what it is asked.
    pub(super) async fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::listen([], Some(Arc::new(answer))).await
    }

    async fn listen(script: impl IntoIterator<Item = Act>, answers: Option<Answers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/api/v1", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen {
            script: script.into_iter().collect(),
            ..Seen::default()
        }));
        let vendor = Self {
            base_url,
            answers,
            seen,
        };
        tokio::spawn(vendor.clone().accept(listener));
        vendor
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((socket, _)) = listener.accept().await {
            self.seen.lock().unwrap().connections += 1;
            tokio::spawn(self.clone().serve(socket));
        }
    }

    async fn serve(self, mut socket: TcpStream) -> std::io::Result<()> {
        while let Some(request) = read_request(&mut socket).await? {
            if let Some(answers) = &self.answers {
                let answer = answers(&request);
                self.seen.lock().unwrap().requests.push(request);
                socket.write_all(answer.as_bytes()).await?;
                continue;
            }
            match self.next(request) {
                Act::Say(text) => socket.write_all(text.as_bytes()).await?,
                Act::SayAndClose(text) => return socket.write_all(text.as_bytes()).await,
                Act::SayAndReset(text) => {
                    socket.write_all(text.as_bytes()).await?;
                    // Or the reset overtakes what was written.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return socket.set_zero_linger();
                }
                Act::Drip(text) => drip(&mut socket, text).await?,
                Act::Flood => flood(&mut socket).await?,
                Act::Silence => std::future::pending().await,
            }
        }
        Ok(())
    }

    fn next(&self, request: String) -> Act {
        let mut seen = self.seen.lock().unwrap();
        seen.requests.push(request);
        seen.script.pop_front().unwrap_or(Act::Say(FINE))
    }
}

async fn drip(socket: &mut TcpStream, text: &str) -> std::io::Result<()> {
    socket.write_all(text.as_bytes()).await?;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        socket.write_all(b" ").await?;
    }
}

async fn flood(socket: &mut TcpStream) -> std::io::Result<()> {
    socket
        .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await?;
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x100000], b"\r\n"].concat();
    for _ in 0..9 {
        socket.write_all(&chunk).await?;
    }
    Ok(())
}

async fn read_request(socket: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        if socket.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if is_whole(&text) {
            return Ok(Some(text));
        }
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
