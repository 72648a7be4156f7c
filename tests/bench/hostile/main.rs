//! What a tenant's token, or none, can do to the gateway: each attack beside a well-behaved tenant,
//! and what it got out of it.
//!
//! `cargo bench --bench hostile` starts the program as it is shipped, on one core, with a store, twenty
//! tenants and a vendor of its own; everything is on loopback, and everything ends by itself. The quiet
//! tenant is measured in rounds, without the attack and beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod stand;

use std::time::{Duration, Instant};

use stand::{Beside, Stand, ask, chunked, frame, get, half_sent, preface, request_of};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long each attack of a round lasts at most; the quiet before it is half as long.
const SPAN: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
const MIB: usize = 1024 * 1024;

fn main() {
    // `cargo bench` passes --bench, `cargo test --benches` nothing.
    if std::env::args().nth(1).as_deref() != Some("--bench") {
        println!("run it as `cargo bench --bench hostile`");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        println!(
            "| attack | figure | bound | another tenant's p99, before and during | its errors |"
        );
        println!("|---|---|---|---|---|");
        for attack in Attack::ALL {
            let stand = Stand::start().await;
            let (mut quiet, mut beside, mut figure) =
                (Beside::default(), Beside::default(), String::new());
            for _ in 0..ROUNDS {
                quiet.add(stand.well_behaved(SPAN / 2).join().unwrap());
                let during = stand.well_behaved(SPAN);
                figure = attack.run(&stand).await;
                beside.add(during.join().unwrap());
            }
            println!(
                "| {} | {figure} | {} | {:.1} ms, {:.1} ms | {} |",
                attack.name(),
                attack.bound(),
                quiet.p99_ms(),
                beside.p99_ms(),
                beside.errors
            );
            stand.end();
        }
    });
}

#[derive(Clone, Copy)]
enum Attack {
    HalfSent,
    Crumbs,
    Filter,
    Pings,
    Guesses,
    Idle,
    AllAtOnce,
}

impl Attack {
    const ALL: [Self; 7] = [
        Self::HalfSent,
        Self::Crumbs,
        Self::Filter,
        Self::Pings,
        Self::Guesses,
        Self::Idle,
        Self::AllAtOnce,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::HalfSent => "240 half-sent bodies of 1 MiB from twenty tenants",
            Self::Crumbs => "8 bodies of 100 KB in chunks of one byte",
            Self::Filter => "a filter of 60 × `userName co`, again and again",
            Self::Pings => "a flood of PING frames",
            Self::Guesses => "20,000 well-formed tokens of nobody",
            Self::Idle => "1,100 connections that say nothing",
            Self::AllAtOnce => "all of these at once",
        }
    }

    fn bound(self) -> &'static str {
        match self {
            Self::HalfSent | Self::Crumbs | Self::AllAtOnce => "256 MiB resident",
            Self::Filter => "400, or done within 1 s",
            Self::Pings => "the connection ends within 1,100 frames and what is under way",
            Self::Guesses => "1 MiB of log",
            Self::Idle => "a new connection is served within 15 s",
        }
    }

    async fn run(self, stand: &Stand) -> String {
        match self {
            Self::HalfSent => half_sent_bodies(stand).await,
            Self::Crumbs => crumbs(stand).await,
            Self::Filter => filters(stand).await,
            Self::Pings => pings(stand).await,
            Self::Guesses => guesses(stand).await,
            Self::Idle => idle(stand).await,
            Self::AllAtOnce => all_at_once(stand).await,
        }
    }
}

async fn all_at_once(stand: &Stand) -> String {
    tokio::join!(
        half_sent_bodies(stand),
        crumbs(stand),
        filters(stand),
        pings(stand),
        guesses(stand),
        idle(stand)
    );
    format!("{} MiB resident at most", stand.peak_mib())
}

async fn half_sent_bodies(stand: &Stand) -> String {
    let mut held = JoinSet::new();
    for number in 0..240 {
        let request = half_sent(&stand.tokens[number % 20], MIB);
        let address = stand.address;
        held.spawn(async move {
            let mut stream = TcpStream::connect(address).await.ok()?;
            let _ = timeout(SPAN / 2, stream.write_all(&request)).await;
            tokio::time::sleep(SPAN / 2).await;
            Some(stream)
        });
    }
    held.join_all().await;
    format!("{} MiB resident at most", stand.peak_mib())
}

async fn crumbs(stand: &Stand) -> String {
    let mut all = JoinSet::new();
    for number in 0..8 {
        let request = chunked(&stand.tokens[number % 20], 100_000);
        all.spawn(ask(stand.address, request));
    }
    all.join_all().await;
    format!("{} MiB resident at most", stand.peak_mib())
}

async fn filters(stand: &Stand) -> String {
    let tests = vec!["userName%20co%20%22%C3%A9%22"; 60].join("%20or%20");
    let request = get(&stand.tokens[0], &format!("/Users?filter={tests}"));
    let (mut longest, mut count) = (Duration::ZERO, 0);
    let end = Instant::now() + SPAN;
    while Instant::now() < end {
        let began = Instant::now();
        ask(stand.address, request.clone()).await;
        longest = longest.max(began.elapsed());
        count += 1;
    }
    format!("{count} requests, the longest {} ms", longest.as_millis())
}

async fn pings(stand: &Stand) -> String {
    let mut stream = TcpStream::connect(stand.address).await.unwrap();
    stream.write_all(&preface()).await.unwrap();
    let ping = frame(6, &[0; 8]).repeat(10);
    let mut sent = 0;
    let end = Instant::now() + SPAN;
    let mut sink = [0; 4096];
    while Instant::now() < end {
        if stream.write_all(&ping).await.is_err() {
            break;
        }
        sent += 10;
        let read = timeout(Duration::from_millis(1), stream.read(&mut sink)).await;
        if matches!(read, Ok(Ok(0) | Err(_))) {
            break;
        }
    }
    format!("ended after {sent} frames")
}

async fn guesses(stand: &Stand) -> String {
    let before = stand.log_bytes();
    let began = Instant::now();
    let mut count = 0;
    for _ in 0..20_000 {
        if began.elapsed() > SPAN {
            break;
        }
        ask(stand.address, get(&stand.invented(), "/Users")).await;
        count += 1;
    }
    let log = stand.log_bytes() - before;
    format!("{count} guesses, {} KiB of log", log / 1024)
}

async fn idle(stand: &Stand) -> String {
    let mut held = Vec::new();
    for _ in 0..1_100 {
        let stream = timeout(
            Duration::from_millis(100),
            TcpStream::connect(stand.address),
        )
        .await;
        held.extend(stream.ok().and_then(Result::ok));
    }
    let began = Instant::now();
    let status = ask(stand.address, request_of(&stand.tokens[1])).await;
    format!(
        "{} open, {status} after {} ms",
        held.len(),
        began.elapsed().as_millis()
    )
}
