//! What a tenant's token, or none, can do to the gateway: each attack beside a well-behaved tenant,
//! and what it got out of it.
//!
//! `cargo bench --bench hostile` starts the program as it is shipped, on one core, with a store, twenty
//! tenants and a vendor of its own, and three times twenty more of a vendor and of scripts that attack;
//! tenant is measured in rounds, without the attack and beside it. The exit status is 1 if the gateway took more
//! than 256 MiB, if the quiet tenant saw an error, or if its p99 was more than 5 ms and a fifth worse.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod slow;
mod stand;
mod vendor;

use std::time::{Duration, Instant};

use stand::{
    Beside, Stand, ask, asking, chunked, frame, get, half_sent, patch, preface, request_of,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long each attack of a round lasts at most; the quiet before it is half as long.
const SPAN: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
const MIB: usize = 1024 * 1024;
/// What the chart gives a gateway.
const MOST_MIB: u64 = 256;

fn main() {
    // `cargo bench` passes --bench, `cargo test --benches` nothing.
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("run it as `cargo bench --bench hostile`");
        return;
    }
    // Words of which an attack's name must have one, if any are given.
    let words: Vec<_> = arguments.iter().filter(|it| *it != "--bench").collect();
    let is_wanted = |attack: &Attack| {
        words.is_empty()
            || words
                .iter()
                .any(|word| attack.name().contains(word.as_str()))
    };
    // The gateway has a core of its own.
    stand::keep_off_its_core();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let is_held = runtime.block_on(async {
        let mut is_held = true;
        println!(
            "| attack | figure | bound | another tenant's p99, before and during | its errors |"
        );
        println!("|---|---|---|---|---|");
        for attack in Attack::ALL.into_iter().filter(is_wanted) {
            let stand = Stand::start().await;
            let (mut quiet, mut beside, mut figure) =
                (Beside::default(), Beside::default(), String::new());
            for _ in 0..ROUNDS {
                quiet.add(stand.well_behaved(SPAN / 2).join().unwrap());
                let during = stand.well_behaved(SPAN);
                figure = attack.run(&stand).await;
                beside.add(during.join().unwrap());
            }
            let (before, during) = (quiet.p99_ms(), beside.p99_ms());
            println!(
                "| {} | {figure} | {} | {before:.1} ms, {during:.1} ms | {} |",
                attack.name(),
                attack.bound(),
                beside.errors
            );
            is_held &= stand.peak_mib() <= MOST_MIB
                && during <= (before * 1.2).max(before + 5.0)
                && beside.errors == 0;
            stand.end();
        }
        is_held
    });
    if !is_held {
        println!("\nA bound was broken.");
        std::process::exit(1);
    }
}

#[derive(Clone, Copy)]
enum Attack {
    HalfSent,
    Crumbs,
    Filter,
    Pings,
    Guesses,
    Idle,
    Patches,
    Resets,
    Replies,
    Crumbled,
    Endless,
    Hoarding,
    Unread,
    AllAtOnce,
}

impl Attack {
    const ALL: [Self; 14] = [
        Self::HalfSent,
        Self::Crumbs,
        Self::Filter,
        Self::Pings,
        Self::Guesses,
        Self::Idle,
        Self::Patches,
        Self::Resets,
        Self::Replies,
        Self::Crumbled,
        Self::Endless,
        Self::Hoarding,
        Self::Unread,
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
            Self::Patches => "a PATCH of 900 × `remove phoneNumbers[value co …]` on long values",
            Self::Resets => "streams that the gateway is made to reset, with a token",
            Self::Replies => "replies of 8 MiB and 90,000 values, to twenty tenants",
            Self::Crumbled => "replies in 16,384 chunks of one byte, to twenty tenants",
            Self::Endless => "scripts without end, of twenty tenants",
            Self::Hoarding => "scripts that keep all they can, of twenty tenants",
            Self::Unread => "pages of 250 users that nobody reads, HTTP/1 and HTTP/2",
            Self::AllAtOnce => "all of these at once",
        }
    }

    fn bound(self) -> &'static str {
        match self {
            Self::Filter => "400, or done within 1 s",
            Self::Patches => "413 within 1 s",
            Self::Resets => "the connection ends within 250 resets",
            Self::Pings => "the connection ends within 1,100 frames and what is under way",
            Self::Guesses => "1 MiB of log",
            Self::Idle => "a new connection is served within 15 s",
            _ => "256 MiB resident",
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
            Self::Patches => patches(stand).await,
            Self::Resets => resets(stand).await,
            Self::Replies => replies(stand, "large").await,
            Self::Crumbled => replies(stand, "crumbs").await,
            Self::Endless => scripts(stand, &stand.endless).await,
            Self::Hoarding => scripts(stand, &stand.hoarding).await,
            Self::Unread => slow::readers(stand, SPAN).await,
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
        idle(stand),
        patches(stand),
        resets(stand),
        replies(stand, "large"),
        replies(stand, "crumbs"),
        scripts(stand, &stand.endless),
        scripts(stand, &stand.hoarding),
        slow::readers(stand, SPAN),
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

async fn patches(stand: &Stand) -> String {
    let request = patch(&stand.tokens[2]);
    let (mut longest, mut count, mut status) = (Duration::ZERO, 0, 0);
    let end = Instant::now() + SPAN;
    while Instant::now() < end {
        let began = Instant::now();
        status = ask(stand.address, request.clone()).await;
        longest = longest.max(began.elapsed());
        count += 1;
    }
    format!(
        "{count} requests, {status}, the longest {} ms",
        longest.as_millis()
    )
}

async fn resets(stand: &Stand) -> String {
    let (mut connections, mut streams) = (0, 0_u32);
    let end = Instant::now() + SPAN;
    let mut sink = [0; 4096];
    while Instant::now() < end {
        let mut stream = TcpStream::connect(stand.address).await.unwrap();
        stream.write_all(&preface()).await.unwrap();
        connections += 1;
        for number in (1..20_000).step_by(2) {
            // No window may grow beyond 2^31 - 1 (RFC 9113 §6.9.1).
            // The stream does not end with its header fields: then a window matters.
            let mut frames = asking(number, "/scim/v2/Users/18001", &stand.tokens[3], 0);
            frames.extend(frame(8, number, &[0x7f, 0xff, 0xff, 0xff]));
            if stream.write_all(&frames).await.is_err() {
                break;
            }
            streams += 1;
            let read = timeout(Duration::from_micros(100), stream.read(&mut sink)).await;
            if matches!(read, Ok(Ok(0) | Err(_))) || Instant::now() > end {
                break;
            }
        }
    }
    format!("{} resets a connection", streams / connections)
}

/// Of a vendor that answers a look-up of this name with too much.
async fn replies(stand: &Stand, name: &str) -> String {
    let path = format!("/Users?filter=userName%20eq%20%22{name}%22");
    asked_by_all(stand, &stand.vendors, &path).await
}

async fn scripts(stand: &Stand, tokens: &[String]) -> String {
    asked_by_all(stand, tokens, "/Users/18001").await
}

/// The same again and again, by all these tenants at once.
async fn asked_by_all(stand: &Stand, tokens: &[String], path: &str) -> String {
    let end = Instant::now() + SPAN;
    let mut all = JoinSet::new();
    for token in tokens {
        let (address, request) = (stand.address, get(token, path));
        all.spawn(async move {
            let mut count = 0;
            while Instant::now() < end {
                ask(address, request.clone()).await;
                count += 1;
            }
            count
        });
    }
    let count: u32 = all.join_all().await.into_iter().sum();
    format!(
        "{count} requests, {} MiB resident at most",
        stand.peak_mib()
    )
}

async fn pings(stand: &Stand) -> String {
    let mut stream = TcpStream::connect(stand.address).await.unwrap();
    stream.write_all(&preface()).await.unwrap();
    let ping = frame(6, 0, &[0; 8]).repeat(10);
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
