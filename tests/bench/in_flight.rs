//! How much memory a request in flight costs, and that it costs no thread:
//! 10,000 requests wait at once for a vendor that takes a second to answer.
//!
//! `cargo bench --bench in_flight` starts this program three times: as the slow
//! vendor, as the gateway, and as Entra. Each has a file descriptor limit of its
//! own, and the gateway's memory is its own process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use scimgate::catalog::{self, Sources};
use scimgate::config::Config;
use scimgate::gateway::Gateway;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// As in the binary: what is measured is what is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections from Entra, each with as many streams as the gateway allows.
const CONNECTIONS: usize = 100;
const STREAMS: usize = 100;
const LATENCY: Duration = Duration::from_secs(1);

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("vendor") => runtime().block_on(vendor()),
        Some("gateway") => gateway(&std::env::args().nth(2).expect("the vendor's address")),
        // `cargo bench` passes --bench, `cargo test --benches` nothing.
        Some("--bench") => runtime().block_on(measure()),
        _ => println!("run it as `cargo bench --bench in_flight`"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Answers everything with one user, a second later.
async fn vendor() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    say(&listener.local_addr().unwrap().to_string());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let service = service_fn(async |_: Request<Incoming>| {
                tokio::time::sleep(LATENCY).await;
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(USER)))
            });
            let served = hyper::server::conn::http1::Builder::new();
            drop(served.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

const USER: &str = r#"{"id":18231,"status":"ACTIVE","login":"ada@example.com","email":"ada@example.com","first_name":"Ada","last_name":"Lane","display_name":"Ada Lane","job_title":"Engineer","content_language":"de_CH","phone":"+41442681234","external_ref":"0b1c2d3e","department":"R&D","address":{"text":null,"street":"Hauptstr.","house_no":"5a","city":"Bern","state":null,"zip":"3000","country":"Schweiz"},"user_group":null,"created_at":"2026-11-20T09:00:00Z","updated_at":"2026-11-20T09:00:00Z"}"#;

/// The gateway as `serve` runs it, with one tenant and no limits in the way.
fn gateway(vendor: &str) {
    // As in the binary, too.
    nix::sys::prctl::set_thp_disable(true).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tenants = scratch.path().join("tenants");
    std::fs::create_dir(&tenants).unwrap();
    let tenant = format!(
        r#"
        adapter = "sosafe"
        base_url = "http://{vendor}/provisioning/v1"
        settings = {{ idp_tenant = "bench" }}
        credential = {{ key = {{ value = "bench" }} }}
        limits = {{ per_second = 1000000, burst = 1000000, per_minute = 60000000, concurrency = 20000 }}
        "#
    );
    std::fs::write(tenants.join("bench.toml"), tenant).unwrap();
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.server.max_in_flight = 2 * CONNECTIONS * STREAMS;
    config.limits.in_flight = 2 * CONNECTIONS * STREAMS;
    config.limits.requests_per_second = 1_000_000.try_into().unwrap();
    config.limits.burst = 1_000_000.try_into().unwrap();
    config.store.path = scratch.path().join("state.db");
    let (catalog, report) = catalog::load(&Sources {
        has_built_in: false,
        adapters: root.join("adapters"),
        scripts: root.join("scripts"),
        tenants: Some(tenants),
    });
    assert!(!report.has_errors(), "{}", report.render(false));
    let gateway = Gateway::open(&config).unwrap();
    gateway.publish(&catalog);
    let tenant = catalog.tenants.keys().next().unwrap().clone();
    let token = runtime()
        .block_on(gateway.tokens().issue(tenant, None))
        .unwrap();
    let address = gateway.local_addr();
    let running = gateway.start().unwrap();
    say(&format!("{address} {}", token.reveal()));
    // Until the parent closes our standard input.
    let _eof = std::io::stdin().read_line(&mut String::new());
    drop(running);
}

async fn measure() {
    let mut vendor = Started::new(&["vendor"]);
    let vendor_address = vendor.line();
    let mut gateway = Started::new(&["gateway", &vendor_address]);
    let line = gateway.line();
    let (address, token) = line.split_once(' ').unwrap();

    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(address).await);
    }
    // Code, tables and caches that any first request brings in.
    round(&connections, address, token, 1).await;
    let idle = gateway.memory();
    println!("requests in flight       {:>8}", CONNECTIONS * STREAMS);
    println!(
        "gateway idle             {:>8} KiB, {} threads",
        idle.kib, idle.threads
    );
    for number in 1..=2 {
        let peak = gateway
            .watch(round(&connections, address, token, STREAMS))
            .await;
        let each = peak.kib.saturating_sub(idle.kib) as f64 / (CONNECTIONS * STREAMS) as f64;
        println!(
            "round {number} at its peak      {:>8} KiB, {} threads: {each:.1} KiB a request in flight (aim: 64)",
            peak.kib, peak.threads
        );
    }
}

async fn connect(address: &str) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

/// Sends `streams` requests on each connection and waits for all answers.
async fn round(
    connections: &[SendRequest<Empty<Bytes>>],
    address: &str,
    token: &str,
    streams: usize,
) {
    let began = Instant::now();
    let mut requests = JoinSet::new();
    for sender in connections {
        for _ in 0..streams {
            let mut sender = sender.clone();
            let request = Request::get(format!("http://{address}/scim/v2/Users/18231"))
                .header("authorization", format!("Bearer {token}"))
                .body(Empty::new())
                .unwrap();
            requests.spawn(async move {
                sender.ready().await.unwrap();
                let response = sender.send_request(request).await.unwrap();
                let status = response.status();
                response.into_body().collect().await.unwrap();
                status
            });
        }
    }
    let total = requests.len();
    let answered = requests.join_all().await;
    let good = answered.iter().filter(|status| status.is_success()).count();
    assert_eq!(good, total, "all requests are answered: {answered:?}");
    println!(
        "{total} answered 200 in {:.1} s",
        began.elapsed().as_secs_f64()
    );
}

struct Memory {
    kib: u64,
    threads: u64,
}

/// One of the other two programs.
struct Started {
    child: Child,
}

impl Started {
    fn new(arguments: &[&str]) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Self {
            child: command.spawn().unwrap(),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        line.trim().to_owned()
    }

    /// The most memory seen while `work` goes on.
    async fn watch(&self, work: impl Future<Output = ()>) -> Memory {
        let mut peak = self.memory();
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = &mut work => return peak,
                _ = ticks.tick() => {
                    let now = self.memory();
                    if now.kib > peak.kib { peak = now }
                }
            }
        }
    }

    fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Memory {
            kib: field("VmRSS:"),
            threads: field("Threads:"),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}
