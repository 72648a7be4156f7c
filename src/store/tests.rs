#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::conformance::together;
use super::*;
use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::remembered::Remembered;
use crate::provisioning::intent::Intent;
use crate::provisioning::memory::Memory;
use crate::scim::ResourceKind::{Group, User};

/// No timers, no I/O driver: the store must not need any.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn on_disk() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state").join("scimgate.db");
    (directory, path)
}

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn group(id: &str) -> ObjectKey {
    ObjectKey {
        tenant: acme(),
        kind: Group,
        id: ScimId::new(id),
    }
}

fn member(number: usize) -> Vec<ScimId> {
    vec![ScimId::new(&number.to_string())]
}

fn intent(id: &str) -> Intent {
    let intent = serde_json::json!({
        "id": id, "kind": "user", "purpose": "post", "request": "r", "epoch": "e", "names": [],
        "external_id": null, "reserved": null, "native": null, "hashes": [],
        "remembered": Remembered::default(), "at": 0, "calls_until": 0
    });
    serde_json::from_value(intent).unwrap()
}

#[test]
fn the_tenants_that_have_intents_are_known() {
    super::postgres::tests::on_each(|empty| {
        let store = empty();
        let with = || block_on(store.tenants_with_intents()).unwrap();
        assert_eq!(with(), []);
        block_on(store.begin_intent(&acme(), intent("1"), Vec::new())).unwrap();
        assert_eq!(with(), [acme()]);
        block_on(store.end_intents(&acme(), vec!["1".to_owned()])).unwrap();
        assert_eq!(with(), []);
    });
}

#[test]
fn an_intent_that_was_deleted_meanwhile_is_not_written_back() {
    super::postgres::tests::on_each(|empty| {
        let store = empty();
        block_on(store.begin_intent(&acme(), intent("1"), Vec::new())).unwrap();
        let mut later = intent("1");
        later.calls_until = 7;
        block_on(store.change_intent(&acme(), later.clone())).unwrap();
        assert_eq!(block_on(store.intents(&acme())).unwrap()[0].calls_until, 7);
        block_on(store.end_intents(&acme(), vec!["1".to_owned()])).unwrap();
        block_on(store.change_intent(&acme(), later)).unwrap();
        assert!(block_on(store.intents(&acme())).unwrap().is_empty());
    });
}

#[test]
fn a_file_conforms() {
    let (_directory, path) = on_disk();
    block_on(conformance::check(&Store::open(&path).unwrap()));
}

#[test]
fn a_store_in_memory_conforms() {
    block_on(conformance::check(&Store::in_memory().unwrap()));
}

#[test]
fn two_handles_of_one_file_see_each_other() {
    let (_directory, path) = on_disk();
    let (one, other) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    block_on(async {
        for number in 0..50 {
            let adding = [&one, &other].map(|store| store.add_members(&group("g"), member(number)));
            assert!(together(adding.into_iter()).await.iter().all(Result::is_ok));
            assert_eq!(one.members(&group("g")).await.unwrap().len(), number + 1);
        }
    });
}

/// Such as of a gateway that ends while the next begins.
#[test]
fn what_another_handle_wrote_is_seen_within_two_seconds() {
    let (_directory, path) = on_disk();
    let (one, other) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    block_on(one.add_members(&group("g"), member(1))).unwrap();
    let wrote = Instant::now();
    while block_on(other.members(&group("g"))).unwrap().is_empty() {
        assert!(wrote.elapsed() < Duration::from_secs(20), "it is not seen");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// What a recall gives without waiting.
fn at_once<T>(mut recall: Recall<'_, T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match recall.as_mut().poll(&mut context) {
        Poll::Ready(result) => Some(result.unwrap()),
        Poll::Pending => None,
    }
}

#[test]
fn what_has_no_row_is_not_asked_for() {
    let (_directory, path) = on_disk();
    let store = Store::open(&path).unwrap();
    let (key, user) = (group("g"), ScimId::new("1"));
    let nothing = |store: &Store| {
        assert_eq!(at_once(store.recall(&key)), Some(None));
        let page = store.recall_page(&acme(), Group, vec![key.id.clone(); 2]);
        assert_eq!(at_once(page), Some(vec![None, None]));
        assert_eq!(at_once(store.native_id(&key)), Some(None));
        assert_eq!(at_once(store.members(&key)), Some(vec![]));
        assert_eq!(at_once(store.memberships(&acme(), &user)), Some(vec![]));
        let empty = Remembered::default();
        assert_eq!(at_once(store.remember(&key, empty)), Some(()));
        assert_eq!(at_once(store.forget(&key)), Some(()));
    };
    nothing(&store);
    block_on(store.add_members(&key, member(1))).unwrap();
    let store = reopened(store, &path);
    assert_eq!(at_once(store.members(&key)), None);
    assert_eq!(at_once(store.memberships(&acme(), &user)), None);
    block_on(store.forget(&key)).unwrap();
    nothing(&reopened(store, &path));
}

fn reopened(store: Store, path: &Path) -> Store {
    drop(store);
    Store::open(path).unwrap()
}

#[test]
fn what_is_on_its_way_in_can_be_removed() {
    let store = Store::in_memory().unwrap();
    let (open, gate) = std::sync::mpsc::channel();
    let hold = store.write(Turn::Any, move |_| gate.recv().or(Ok(())));
    let said = Remembered {
        suspended: true,
        ..Remembered::default()
    };
    let come = store.remember(&group("g"), said.clone());
    let go = store.remember(&group("g"), Remembered::default());
    let release: Recall<'_, ()> = Box::pin(async move { open.send(()).or(Ok(())) });
    block_on(together([hold, come, go, release].into_iter()));
    assert_eq!(block_on(store.recall(&group("g"))).unwrap(), None);
    assert_eq!(at_once(store.recall(&group("g"))), Some(None));
    block_on(store.remember(&group("g"), said.clone())).unwrap();
    assert_eq!(block_on(store.recall(&group("g"))).unwrap(), Some(said));
}

#[test]
fn what_was_written_moves_into_the_file_when_there_is_time() {
    let (_directory, path) = on_disk();
    let store = Store::open(&path).unwrap();
    let length = || path.metadata().unwrap().len();
    let before = length();
    let many = (0..2000).map(|number| ScimId::new(&number.to_string()));
    block_on(store.add_members(&group("g"), many.collect())).unwrap();
    let wrote = Instant::now();
    while length() == before {
        assert!(wrote.elapsed() < Duration::from_secs(20), "it never moves");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_reopening() {
    let (_directory, path) = on_disk();
    let store = Store::open(&path).unwrap();
    let id = block_on(store.issue_ids(&acme(), User, vec![NativeId::new("7")])).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    let again = block_on(store.issue_ids(&acme(), User, vec![NativeId::new("7")])).unwrap();
    assert_eq!(id, again);
}

const VICTIM: &str = "SCIMGATE_TEST_VICTIM";

/// The process that `a_killed_process_loses_nothing` kills; alone it does nothing.
#[test]
fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else {
        return;
    };
    let store = Store::open(Path::new(&path)).unwrap();
    block_on(async {
        for number in 0.. {
            store
                .add_members(&group("g"), member(number))
                .await
                .unwrap();
            writeln!(std::io::stderr(), "acknowledged {number}").unwrap();
        }
    });
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let (_directory, path) = on_disk();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::victim", "--nocapture"])
        .env(VICTIM, &path)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut acknowledged = lines.filter(|line| line.contains("acknowledged "));
    assert!(acknowledged.by_ref().nth(200).is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let last = acknowledged.last().unwrap_or("acknowledged 200".into());
    let last: usize = last.rsplit(' ').next().unwrap().parse().unwrap();
    let kept = block_on(Store::open(&path).unwrap().members(&group("g"))).unwrap();
    assert!(
        kept.len() > last,
        "{} kept, {last} acknowledged",
        kept.len()
    );
}

#[test]
fn a_failing_write_takes_no_neighbour_along() {
    let (_directory, path) = on_disk();
    let store = Store::open(&path).unwrap();
    let row = |id: u32| {
        store.write(Turn::Any, move |db| {
            let sql = "INSERT INTO remembered VALUES ('acme', ?1, ?2, '{}')";
            db.execute(sql, params!["user", id.to_string()])?;
            match id % 3 {
                0 => Ok(()),
                1 => db
                    .execute(sql, params!["neither", id.to_string()])
                    .map(drop),
                _ => panic!("a defect in a command"),
            }
        })
    };
    let results = block_on(together((0..90).map(row)));
    for (id, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), id % 3 == 0, "{id}");
    }
    let count = block_on(store.read(|db| {
        db.row("SELECT count(*) FROM remembered", &[], |row| {
            row.get::<i64>(0)
        })
    }));
    assert_eq!(count.unwrap(), Some(30));
}

#[test]
fn a_transaction_lost_midway_is_reported_to_its_whole_batch() {
    let store = Store::in_memory().unwrap();
    let (open, gate) = std::sync::mpsc::channel();
    let hold = store.write(Turn::Any, move |_| gate.recv().or(Ok(())));
    let add = store.add_members(&group("g"), member(1));
    let lose = store.write(Turn::Any, |db| {
        db.execute("ROLLBACK", &[])?;
        db.execute("INSERT INTO nowhere VALUES (1)", &[]).map(drop)
    });
    let later = store.add_members(&group("g"), member(2));
    // Asked last, so that the others wait together meanwhile.
    let release: Recall<'_, ()> = Box::pin(async move { open.send(()).or(Ok(())) });
    let results = block_on(together([hold, add, lose, later, release].into_iter()));
    let kept = block_on(store.members(&group("g"))).unwrap();
    let acknowledged = results[1].is_ok() as usize + results[3].is_ok() as usize;
    assert_eq!(kept.len(), acknowledged, "{results:?}");
    assert!(results[2].is_err());
}

/// A killed process does not show this one: only a power cut would.
#[test]
fn an_acknowledged_write_is_on_the_disk() {
    let (_directory, path) = on_disk();
    let store = Store::open(&path).unwrap();
    const FULL: i64 = 2;
    let level = store.write(Turn::Any, |db| {
        db.row("PRAGMA synchronous", &[], |row| row.get::<i64>(0))
    });
    assert_eq!(block_on(level).unwrap(), Some(FULL));
}

#[test]
fn the_reading_connection_cannot_write() {
    let (_directory, path) = on_disk();
    let store = Store::open(&path).unwrap();
    let written = block_on(store.read(|db| db.execute("DELETE FROM remembered", &[])));
    assert!(written.is_err());
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = on_disk();
    let store = Store::open(&path).unwrap();
    block_on(store.add_members(&group("g"), member(1))).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for entry in path.parent().unwrap().read_dir().unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[track_caller]
fn check_refused(path: &Path, expect: &str) {
    let Err(error) = Store::open(path) else {
        panic!("{} was opened", path.display())
    };
    assert!(error.to_string().contains(expect), "{error}");
}

#[test]
fn a_bad_place_is_refused_with_the_way_out() {
    let (directory, path) = on_disk();
    let file = directory.path().join("file");
    std::fs::write(
        &file,
        "no database, but long enough to be looked at".repeat(100),
    )
    .unwrap();
    check_refused(
        &file.join("scimgate.db"),
        "set store.path to a place this user may write",
    );
    check_refused(
        Path::new("/proc/nowhere/scimgate.db"),
        "set store.path to a place",
    );
    check_refused(directory.path(), "cannot be written");
    check_refused(&file, "restore a backup");
    drop(Store::open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    check_refused(&path, "schema version 99");
}

#[test]
fn a_dropped_waiter_does_not_disturb_the_others() {
    let store = Store::in_memory().unwrap();
    block_on(async {
        for number in 0..100 {
            let mut abandoned = store.add_members(&group("g"), member(number));
            std::future::poll_fn(|context| {
                let _ = abandoned.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(store.members(&group("g")).await.unwrap().len(), 100);
    });
}
