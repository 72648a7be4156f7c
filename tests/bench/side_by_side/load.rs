//! Requests on connections that stay, as cheaply as can be: what the load costs, the gateway waits for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::deed::{Deed, Requests};
use super::running::Running;
use super::shape::Shape;
use super::vendor::PEOPLE;

pub(crate) struct Load {
    connections: Vec<TcpStream>,
    asking: Rc<Asking>,
}

struct Asking {
    requests: Requests,
    number: Cell<usize>,
    /// Microseconds that each answer took.
    times: RefCell<Vec<f64>>,
}

impl Load {
    /// So many connections. Each has had an answer: one that has sent nothing is not kept for long.
    pub(crate) async fn connect(running: &Running, shape: &Shape, count: usize) -> Self {
        let mut connections = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(running.address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            connections.push(stream);
        }
        let mut load = Self {
            connections,
            asking: Rc::new(Asking {
                requests: running.requests(shape),
                number: Cell::new(PEOPLE),
                times: RefCell::default(),
            }),
        };
        load.run(Deed::Get, count, |answers| answers < 1).await;
        load
    }

    /// Asks for so long on the first connections, and says how many microseconds each answer took.
    pub(crate) async fn run_for(
        &mut self,
        deed: Deed,
        together: usize,
        spell: Duration,
    ) -> Vec<f64> {
        let until = Instant::now() + spell;
        self.run(deed, together, move |_| Instant::now() < until)
            .await
    }

    /// Asks while `goes_on` says so of the answers that came on one connection.
    pub(crate) async fn run(
        &mut self,
        deed: Deed,
        together: usize,
        goes_on: impl Fn(usize) -> bool + Copy + 'static,
    ) -> Vec<f64> {
        let mut tasks = JoinSet::new();
        for stream in self.connections.drain(..together) {
            tasks.spawn_local(ask(stream, Rc::clone(&self.asking), deed, goes_on));
        }
        self.connections.extend(tasks.join_all().await);
        self.asking.times.take()
    }
}

async fn ask(
    mut stream: TcpStream,
    asking: Rc<Asking>,
    deed: Deed,
    goes_on: impl Fn(usize) -> bool,
) -> TcpStream {
    let (mut room, mut count) = (Vec::with_capacity(4096), 0);
    while goes_on(count) {
        let number = asking.number.get() + 1;
        asking.number.set(number);
        let request = asking.requests.bytes(deed, number);
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        receive(&mut stream, &mut room).await;
        let took = sent.elapsed().as_secs_f64() * 1e6;
        asking.times.borrow_mut().push(took);
        let is_good = room.get(9) == Some(&b'2');
        assert!(is_good, "{deed}: {}", String::from_utf8_lossy(&room));
        count += 1;
    }
    stream
}

/// One answer, head and body.
async fn receive(stream: &mut TcpStream, room: &mut Vec<u8>) {
    room.clear();
    let head = loop {
        assert!(stream.read_buf(room).await.unwrap() > 0, "it hung up");
        if let Some(end) = memmem::find(room, b"\r\n\r\n") {
            break end;
        }
    };
    let whole = head + 4 + length(&room[..head]);
    while room.len() < whole {
        assert!(stream.read_buf(room).await.unwrap() > 0, "it hung up");
    }
}

fn length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.map_or(0, |(_, value)| value.parse().unwrap())
}
