//! A thousand reloads under load, a third of them broken in every way we know.
//!
//! The oracle: no request is lost; each is answered by a version that was live
//! between its beginning and its end, and never by a broken one; in the end the
//! last good version of every vendor is live, and every acknowledged change is at
//! the vendor.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use scimgate::catalog::standing::State;
use scimgate::catalog::watch::Means;
use scimgate::catalog::{Demand, Reloader};

use super::{Files, Site, TRANSCRIPT, renaming, row, script, somebody, until, write};
use crate::harness::Tenant;

const VENDORS: [&str; 4] = ["north", "east", "south", "west"];
const RELOADS: usize = 1_000;
/// Through the watcher, of all.
const WATCHED: usize = 40;

/// A way to break a vendor: its name, and what it does to good files.
type Breakage = (&'static str, fn(&Files, &str));

/// A text in place of one that the good script has.
fn edited(files: &Files, good: &str, from: &str, to: &str) {
    assert!(good.contains(from), "{from}");
    write(&files.script, &good.replacen(from, to, 1));
}

const BREAKAGES: &[Breakage] = &[
    ("half a script", |files, good| {
        write(&files.script, &good[..good.len() / 2]);
    }),
    ("an empty script", |files, _| write(&files.script, "")),
    ("no syntax", |files, good| {
        edited(files, good, "[\n", "[ let\n")
    }),
    ("an unknown attribute", |files, good| {
        edited(files, good, "\"nickName\"", "\"nikName\"")
    }),
    ("an unknown function", |files, good| {
        edited(files, good, "get(`", "gett(`")
    }),
    ("a missing function", |files, good| {
        edited(files, good, "fn delete_user", "fn delet_user")
    }),
    ("an unknown field", |files, good| {
        edited(files, good, "\"mark\"", "\"marc\"")
    }),
    ("a table without end", |files, good| {
        edited(files, good, "    [\n", "    loop {}\n    [\n")
    }),
    ("a function without end", |files, good| {
        edited(files, good, "{ get(`/people/${id}`) }", "{ loop {} }");
    }),
    ("a recursion without end", |files, good| {
        edited(files, good, "{ get(`/people/${id}`) }", "{ get_user(id) }");
    }),
    ("a huge script", |files, good| {
        write(
            &files.script,
            &format!("{good}\n// {}", "x".repeat(1 << 20)),
        );
    }),
    ("a large script", |files, good| {
        write(
            &files.script,
            &format!("{good}\n// {}", "x".repeat(100 << 10)),
        );
    }),
    ("a deep script", |files, good| {
        write(
            &files.script,
            &format!("{good}\nfn deep() {{ {} }}", "(".repeat(20_000)),
        );
    }),
    ("text without end", |files, good| {
        edited(
            files,
            good,
            "    [\n",
            "    let t = \"x\"; loop { t += t; }\n    [\n",
        );
    }),
    ("no text", |files, _| {
        std::fs::write(&files.script, [0xff, 0xfe, 0x00]).unwrap()
    }),
    ("no script", |files, _| {
        std::fs::remove_file(&files.script).unwrap()
    }),
    ("half a manifest", |files, _| {
        let whole = std::fs::read_to_string(&files.manifest).unwrap();
        write(&files.manifest, &whole[..whole.len() / 2]);
    }),
    ("a misspelt manifest", |files, _| {
        let whole = std::fs::read_to_string(&files.manifest).unwrap();
        write(
            &files.manifest,
            &whole.replace("consistency", "consistancy"),
        );
    }),
    ("a wrong value read", |files, good| {
        let right = "\"displayName\"),";
        edited(
            files,
            good,
            right,
            "\"displayName\").to(|name| name).from(|name| \"?\"),",
        );
    }),
    ("a wrong value written", |files, good| {
        let right = "\"displayName\"),";
        edited(
            files,
            good,
            right,
            "\"displayName\").to(|name| \"?\").from(|name| name),",
        );
    }),
    ("one call too many", |files, good| {
        edited(
            files,
            good,
            "{ get(`/people/${id}`) }",
            "{ get(`/people/${id}`); get(`/people/${id}`) }",
        );
    }),
    ("half a transcript", |files, good| {
        write(&files.transcript, &TRANSCRIPT[..TRANSCRIPT.len() / 2]);
        write(&files.script, good);
    }),
    ("a transcript that wants something else", |files, good| {
        let right = "\"Ada\", \"nickName\"";
        let wrong = TRANSCRIPT.replace(right, "\"Eve\", \"nickName\"");
        write(&files.transcript, &wrong);
        write(&files.script, good);
    }),
];

/// What is known of one vendor's versions, by number.
#[derive(Default)]
struct Version {
    /// The newest good one that is live for certain.
    live: AtomicUsize,
    /// The newest good one that may be live already.
    offered: AtomicUsize,
}

#[derive(Default)]
struct Ledger {
    versions: BTreeMap<&'static str, Version>,
    answered: AtomicUsize,
    stop: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_thousand_reloads_lose_nothing_and_serve_nothing_broken() {
    let site = Site::of(&VENDORS).await;
    let ledger = Arc::new(Ledger {
        versions: VENDORS.map(|name| (name, Version::default())).into(),
        ..Ledger::default()
    });
    let mut load = tokio::task::JoinSet::new();
    for (index, tenant) in site.tenants.iter().enumerate() {
        for number in 0..2 {
            let person = somebody(&site.vendor, &format!("p{index}-{number}")).await;
            load.spawn(ask(
                tenant.clone(),
                VENDORS[index],
                person,
                Arc::clone(&ledger),
            ));
        }
    }
    let files = VENDORS.map(|name| (name, site.files(name)));
    let (reloader, known) = (site.reloader.clone(), Arc::clone(&ledger));
    let driven = tokio::task::spawn_blocking(move || drive(&reloader, &files, &known));
    let broken = driven.await.unwrap();
    watched(&site, &ledger).await;
    ledger.stop.store(true, Ordering::Release);
    let mut acknowledged = Vec::new();
    while let Some(ended) = load.join_next().await {
        acknowledged.push(ended.unwrap());
    }
    for (person, name) in acknowledged {
        assert_eq!(row(&site.vendor, &person)["displayName"], name);
    }
    assert!(
        broken * 3 >= RELOADS - WATCHED,
        "{broken} of {RELOADS} were broken"
    );
    let answered = ledger.answered.load(Ordering::Relaxed);
    assert!(answered > 1_000, "{answered} requests are no load");
    for (tenant, name) in site.tenants.iter().zip(VENDORS) {
        let last = ledger.versions[name].live.load(Ordering::Acquire);
        assert_eq!(site.mark(tenant).await, format!("{name} {last}"));
    }
}

/// One side of Entra: reads, searches and renames one user of its own until the
/// end. Gives the user and the last name that was acknowledged.
async fn ask(
    tenant: Tenant,
    vendor: &'static str,
    person: String,
    ledger: Arc<Ledger>,
) -> (String, String) {
    let version = &ledger.versions[vendor];
    let mut connection = tenant.connect().await;
    let mut pace = tokio::time::interval(Duration::from_millis(40));
    let mut name = String::new();
    for turn in 0.. {
        if ledger.stop.load(Ordering::Acquire) {
            break;
        }
        pace.tick().await;
        let renamed = format!("{person} {turn}");
        let request = match turn % 2 {
            0 => tenant.request("GET", &format!("/Users/{person}")),
            _ => renaming(&tenant, &person, &renamed),
        };
        let least = version.live.load(Ordering::Acquire);
        let answer = connection.send(&request).await;
        let most = version.offered.load(Ordering::Acquire);
        assert_eq!(answer.status, 200, "{vendor}: {request}\n{answer}");
        let user = answer.json();
        let mark = user["nickName"].as_str().unwrap_or_default();
        let number = mark
            .strip_prefix(vendor)
            .and_then(|number| number.trim().parse().ok());
        let number: usize = number.unwrap_or_else(|| panic!("{vendor} is answered by {mark:?}"));
        assert!(
            (least..=most).contains(&number),
            "{vendor}: {number} is not in {least}..={most}"
        );
        if turn % 2 == 1 {
            assert_eq!(user["displayName"], renamed);
            name = renamed;
        }
        ledger.answered.fetch_add(1, Ordering::Relaxed);
    }
    (person, name)
}

/// Reloads through the handle. Every third version is broken; its mark says so.
/// Gives how many were.
fn drive(reloader: &Reloader, files: &[(&'static str, Files); 4], ledger: &Ledger) -> usize {
    let mut broken = 0;
    for number in 1..=RELOADS - WATCHED {
        let (name, files) = &files[number % 4];
        let version = &ledger.versions[name];
        if number % 3 == 0 {
            let (how, break_it) = BREAKAGES[broken % BREAKAGES.len()];
            broken += 1;
            files.good(&format!("{name} broken"));
            break_it(files, &script(&format!("{name} broken")));
            let outcome = reloader.reload(Demand::Changed);
            assert_eq!(outcome.refused, [format!("vendor {name}")], "{how}");
            assert!(outcome.taken.is_empty(), "{how}: {:?}", outcome.taken);
            assert_eq!(outcome.standing.vendors[*name].state, State::Kept, "{how}");
        } else {
            version.offered.store(number, Ordering::Release);
            files.good(&format!("{name} {number}"));
            let outcome = reloader.reload(Demand::Changed);
            assert_eq!(
                outcome.taken,
                [format!("vendor {name}"), format!("tenant {name}")],
                "{:#?}",
                outcome.standing.vendors[*name]
            );
            version.live.store(number, Ordering::Release);
        }
    }
    broken
}

/// And some through the watcher, written in place, broken and good by turns.
async fn watched(site: &Site, ledger: &Ledger) {
    let _watch = tokio::task::block_in_place(|| site.watch(Means::Auto));
    for turn in 0..WATCHED / 2 {
        let name = VENDORS[turn % 4];
        let files = site.files(name);
        let version = &ledger.versions[name];
        let (_, break_it) = BREAKAGES[turn % BREAKAGES.len()];
        let before = site.reloader.standing().reloads;
        break_it(&files, &script(&format!("{name} broken")));
        tokio::task::block_in_place(|| {
            until("it is looked at", || {
                site.reloader.standing().reloads > before
            })
        });
        let number = RELOADS + turn;
        version.offered.store(number, Ordering::Release);
        files.good(&format!("{name} {number}"));
        let mark = format!("{name} {number}");
        let tenant = &site.tenants[turn % 4];
        let patience = Instant::now() + super::PATIENCE;
        while site.mark(tenant).await != mark {
            assert!(Instant::now() < patience, "{mark} never answers");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        version.live.store(number, Ordering::Release);
    }
}

/// What is refused above is refused for what it is.
#[tokio::test]
async fn every_breakage_is_one() {
    let site = Site::of(&["north"]).await;
    let files = site.files("north");
    for (how, break_it) in BREAKAGES {
        files.good("north broken");
        break_it(&files, &script("north broken"));
        let outcome = site.reloader.reload(Demand::Again);
        let part = &outcome.standing.vendors["north"];
        assert_eq!(part.state, State::Kept, "{how}");
        let problem = part.problems.iter().find(|problem| problem.is_error());
        assert!(problem.is_some(), "{how}: no reason is told");
    }
}
