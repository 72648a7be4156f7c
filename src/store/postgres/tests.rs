// Tests of a store that has threads of its own block theirs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::params;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use super::server::Postgres;
use super::*;
use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::remembered::Remembered;
use crate::limiter::PerMinute;
use crate::provisioning::batch::BatchCounts as _;
use crate::provisioning::lease::Lease;
use crate::provisioning::locks::{LockKey, SharedLocks};
use crate::provisioning::memory::Memory as _;
use crate::scim::ResourceKind::{Group, User};
use crate::store::Store;
use crate::store::conformance::{self, together};

/// No timers, no I/O driver: the store must not need any.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn address(url: &str) -> Address {
    believing(url, RootCertStore::empty())
}

fn believing(url: &str, roots: RootCertStore) -> Address {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Address::parse(url, config).unwrap()
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

/// A store in memory, and what stands for a new one on PostgreSQL: a test does the same with both.
pub(crate) fn on_each(check: impl Fn(&dyn Fn() -> Store)) {
    check(&|| Store::in_memory().unwrap());
    let server = Postgres::shared();
    check(&|| Store::connect(address(&server.database())).unwrap());
}

#[test]
fn postgres_conforms() {
    let server = Postgres::shared();
    let store = Store::connect(address(&server.database())).unwrap();
    block_on(conformance::check(&store));
}

#[test]
fn batches_of_all_replicas_have_one_limit() {
    let server = Postgres::shared();
    let url = server.database();
    let stores = [(); 3].map(|()| Store::connect(address(&url)).unwrap());
    let tenant = acme();
    let take =
        |number: usize| stores[number % 3].count_batch(&tenant, "run_jobs", PerMinute::of(6));
    let taken = block_on(together((0..12).map(take)));
    let taken = taken.into_iter().map(Result::unwrap);
    assert_eq!(taken.filter(Result::is_ok).count(), 2);
}

#[test]
fn two_stores_on_one_database_see_each_other_and_ask_at_once() {
    let server = Postgres::shared();
    let url = server.database();
    let stores = [(); 4].map(|()| Store::connect(address(&url)).unwrap());
    block_on(async {
        for number in 0..20 {
            let natives = || vec![NativeId::new(&number.to_string())];
            let acme = acme();
            let issued = stores
                .iter()
                .map(|store| store.issue_ids(&acme, User, natives()));
            let issued: Vec<_> = together(issued)
                .await
                .into_iter()
                .map(Result::unwrap)
                .collect();
            assert!(issued.iter().all(|ids| *ids == issued[0]), "{issued:?}");
            let group = group("g");
            let adding = stores.iter().enumerate().map(|(place, store)| {
                let member = ScimId::new(&format!("{number}-{place}"));
                store.add_members(&group, vec![member])
            });
            assert!(together(adding).await.iter().all(Result::is_ok));
            let seen = stores[0].members(&group).await.unwrap();
            assert_eq!(seen.len(), (number + 1) * stores.len());
        }
    });
}

#[test]
fn replicas_that_start_together_make_the_tables_once() {
    let server = Postgres::shared();
    let url = server.database();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| Store::connect(address(&url)).unwrap());
        }
    });
    let versions = server.sql(
        &url,
        "SELECT count(*), max(version) FROM scimgate.schema_version",
    );
    assert_eq!(versions, "1|10");
}

#[test]
fn a_newer_database_is_refused_with_the_way_out() {
    let server = Postgres::shared();
    let url = server.database();
    drop(Store::connect(address(&url)).unwrap());
    server.sql(&url, "INSERT INTO scimgate.schema_version VALUES (99)");
    check_refused(&url, "start the newer program again");
}

#[track_caller]
fn check_refused(url: &str, expect: &str) {
    let Err(error) = Store::connect(address(url)) else {
        panic!("it was opened")
    };
    let error = error.to_string();
    assert!(error.contains(expect), "{error}");
    assert!(
        !error.contains("p@ss") && !error.contains("p%40ss"),
        "{error}"
    );
}

#[test]
fn a_bad_address_is_refused_with_the_way_out() {
    let server = Postgres::shared();
    let url = server.database();
    check_refused(
        &url.replace("p%40ss", "wr%40ng"),
        "the server refuses the user or password",
    );
    check_refused(&url.replace("/db", "/nowhere"), "there is no such database");
    check_refused(&url.replace("disable", "require"), "cannot be reached");
    check_refused("postgres://a:p%40ss@127.0.0.1:1/x", "see that it runs");
    server.sql(&url, "CREATE ROLE guest LOGIN PASSWORD 'p@ss/word'");
    check_refused(&url.replace("scimgate:", "guest:"), "own");
}

#[test]
fn tls_is_spoken_with_a_server_that_is_believed_only() {
    let server = Postgres::start();
    let url = server.database().replace("disable", "require");
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    server.secure(&signed.cert.pem(), &signed.signing_key.serialize_pem());
    check_refused(&url, "TLS");
    check_refused(&url.replace("require", "prefer"), "TLS");
    let mut roots = RootCertStore::empty();
    roots.add(signed.cert.der().clone()).unwrap();
    let store = Store::connect(believing(&url, roots)).unwrap();
    let secured = store.read(|db| {
        let sql = "SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        db.row(sql, &[], |row| row.get::<i64>(0))
    });
    assert_eq!(block_on(secured).unwrap(), Some(1));
}

#[test]
fn every_primary_key_begins_with_the_tenant() {
    let server = Postgres::shared();
    let url = server.database();
    drop(Store::connect(address(&url)).unwrap());
    let others = "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c
        WHERE c.relnamespace = 'scimgate'::regnamespace AND c.relkind = 'r' AND NOT EXISTS (
            SELECT 1 FROM pg_index i JOIN pg_attribute a
            ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = c.oid AND i.indisprimary AND a.attname = 'tenant')";
    assert_eq!(
        server.sql(&url, others),
        "admin_token deed heartbeat held_lock onboarding_token replica schema_version"
    );
}

#[test]
fn a_failing_write_takes_no_neighbour_along() {
    let server = Postgres::shared();
    let store = Store::connect(address(&server.database())).unwrap();
    let row = |id: u32| {
        store.write(Turn::Any, move |db| {
            let sql = "INSERT INTO remembered VALUES ('acme', ?1, ?2, '{}')";
            db.execute(sql, params!["user", id.to_string()])?;
            match id % 4 {
                0 => Ok(()),
                1 => db
                    .execute(sql, params!["neither", id.to_string()])
                    .map(drop),
                2 => {
                    let _unnoticed = db.execute(sql, params!["neither", id.to_string()]);
                    Ok(())
                }
                _ => panic!("a defect in a command"),
            }
        })
    };
    let results = block_on(together((0..80).map(row)));
    for (id, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), id % 4 == 0, "{id}: {result:?}");
    }
    let count = store.read(|db| {
        db.row("SELECT count(*) FROM remembered", &[], |row| {
            row.get::<i64>(0)
        })
    });
    assert_eq!(block_on(count).unwrap(), Some(20));
}

#[test]
fn what_is_opened_to_read_changes_nothing() {
    let server = Postgres::shared();
    let url = server.database();
    let store = Store::connect(address(&url)).unwrap();
    let said = Remembered {
        suspended: true,
        ..Remembered::default()
    };
    let key = group("g");
    block_on(async {
        store.remember(&key, said.clone()).await.unwrap();
        let onlooker = Store::connect_to_read(address(&url)).unwrap();
        assert!(onlooker.forget(&key).await.is_err());
        let copy = onlooker.rehearsal(&acme()).await.unwrap();
        assert_eq!(copy.recall(&key).await.unwrap(), Some(said.clone()));
        copy.forget(&key).await.unwrap();
        assert_eq!(store.recall(&key).await.unwrap(), Some(said));
    });
}

/// Asks until it succeeds, for 15 s at most.
fn soon<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(15);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_server_is_an_error_loses_nothing_and_is_found_again() {
    let server = Postgres::start();
    let store = Store::connect(address(&server.database())).unwrap();
    let add = |number: usize| {
        let member = ScimId::new(&number.to_string());
        block_on(store.add_members(&group("g"), vec![member]))
    };
    assert!((0..8).all(|number| add(number).is_ok()));
    server.kill();
    // Its children may carry out one more.
    let error = soon(|| add(100).err()).to_string();
    assert!(error.contains("PostgreSQL"), "{error}");
    assert!(block_on(store.reachable()).is_err());
    let faults = store.faults();
    assert!(faults.load(std::sync::atomic::Ordering::Relaxed) >= 2);
    server.resume();
    soon(|| add(8).ok());
    let kept = soon(|| block_on(store.members(&group("g"))).ok());
    assert!((9..=10).contains(&kept.len()), "{kept:?}");
}

#[test]
fn one_holder_at_a_time_among_replicas() {
    let server = Postgres::start();
    let url = server.database();
    let stores = [(); 3].map(|()| Store::connect(address(&url)).unwrap());
    let locks = stores.each_ref().map(|store| store.shared_locks().unwrap());
    let key = LockKey::User("7".to_owned());
    let take = |place: usize| {
        let locks: &Arc<dyn SharedLocks> = &locks[place];
        block_on(locks.take(&acme(), &key))
    };
    let inside = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for place in 0..locks.len() {
            let (take, inside) = (&take, &inside);
            scope.spawn(move || {
                for _ in 0..20 {
                    let held = take(place).unwrap();
                    let others = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    assert_eq!(others, 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(held);
                }
            });
        }
    });
    let held = take(0).unwrap();
    let other = LockKey::User("8".to_owned());
    drop(block_on(locks[1].take(&acme(), &other)).unwrap());
    let foreign = TenantId::parse("globex").unwrap();
    drop(block_on(locks[1].take(&foreign, &key)).unwrap());
    // A waiter that gives up leaves nothing behind.
    let abandoned = locks[1].take(&acme(), &key);
    drop(abandoned);
    drop(held);
    drop(take(2).unwrap());
    server.kill();
    assert!(take(0).is_err());
    server.resume();
    drop(soon(|| take(1).ok()));
}

#[test]
fn a_lock_outlives_the_connection_it_was_taken_on() {
    let server = Postgres::start();
    let url = server.database();
    let stores = [(); 2].map(|()| Store::connect(address(&url)).unwrap());
    let locks = stores.each_ref().map(|store| store.shared_locks().unwrap());
    let key = LockKey::User("7".to_owned());
    let held = block_on(locks[0].take(&acme(), &key)).unwrap();
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    server.sql(&url, others);
    // It is a row of the replica, whose lease goes on for seconds.
    let second = &locks[1];
    let taken = std::thread::scope(|scope| {
        let taken = scope.spawn(|| soon(|| block_on(second.take(&acme(), &key)).ok()));
        std::thread::sleep(Duration::from_secs(2));
        assert!(!taken.is_finished(), "two hold it");
        drop(held);
        taken.join().unwrap()
    });
    drop(taken);
}

#[test]
fn slow_writes_of_one_tenant_do_not_hold_up_another() {
    let server = Postgres::start();
    let url = server.database();
    let store = Store::connect(address(&url)).unwrap();
    let turn = turn(&Turn::of(&acme())).unwrap();
    std::thread::scope(|scope| {
        let blocking = format!("SELECT pg_advisory_lock({turn}), pg_sleep(4)");
        let (server, url) = (&server, &url);
        scope.spawn(move || server.sql(url, &blocking));
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        soon(|| (server.sql(url, waiting) == "1").then_some(()));
        for number in 0..12 {
            let store = &store;
            scope.spawn(move || {
                let member = ScimId::new(&number.to_string());
                block_on(store.add_members(&group("g"), vec![member])).unwrap();
            });
        }
        let others = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        soon(|| (server.sql(url, others) == "1").then_some(()));
        let foreign = ObjectKey {
            tenant: TenantId::parse("globex").unwrap(),
            ..group("g")
        };
        for _ in 0..8 {
            block_on(store.add_members(&foreign, vec![ScimId::new("1")])).unwrap();
        }
        assert_eq!(server.sql(url, others), "1", "acme's writes still wait");
    });
    assert_eq!(block_on(store.members(&group("g"))).unwrap().len(), 12);
}

#[test]
fn what_was_begun_under_a_lease_that_another_one_ended_is_not_committed() {
    let server = Postgres::start();
    let url = server.database();
    let stores = [(); 2].map(|()| Store::connect(address(&url)).unwrap());
    let [locks, others] = stores.each_ref().map(|store| store.shared_locks().unwrap());
    let lease = locks.lease();
    assert!(lease.is_valid());
    soon(|| (lease.replicas() == 2 && others.lease().replicas() == 2).then_some(()));
    let begun = stores[0].under(lease.clone());
    let add = |store: &Store, member: &str| {
        block_on(store.add_members(&group("g"), vec![ScimId::new(member)]))
    };
    add(&begun, "1").unwrap();
    let number = lease.number().unwrap();
    server.sql(
        &url,
        &format!("DELETE FROM scimgate.replica WHERE number = {number}"),
    );
    // It does not know yet, and the database does.
    let refused = add(&begun, "2").unwrap_err().to_string();
    assert!(
        refused.contains("taken over") || refused.contains("lease"),
        "{refused}"
    );
    let is_next = |next: &Lease| next.number() != lease.number() && next.is_valid();
    let next = soon(|| Some(lease.latest()).filter(is_next));
    assert!(!lease.is_valid());
    assert!(add(&begun, "3").is_err());
    add(&stores[0].under(next), "4").unwrap();
    let members = block_on(stores[1].members(&group("g"))).unwrap();
    assert_eq!(members, [ScimId::new("1"), ScimId::new("4")]);
    let [first, second] = stores;
    drop((locks, begun, first));
    soon(|| (others.lease().replicas() == 1).then_some(()));
    drop(second);
}

#[test]
fn no_two_parts_lists_have_one_number() {
    let lists: [&[&str]; 5] = [&["a", "bc"], &["ab", "c"], &["abc"], &["abc", ""], &[]];
    let numbers: std::collections::BTreeSet<i64> = lists.iter().map(|list| number(list)).collect();
    assert_eq!(numbers.len(), lists.len());
    // Replicas of different releases must agree.
    assert_eq!(number(&["turn", "log"]), turn(&Turn::Log).unwrap());
}

#[test]
fn tenants_are_kept_by_revision_and_a_customer_has_one() {
    use crate::provisioning::memory::Memory as _;
    use crate::tenant::stored::{Added, Customer, Service, StoredTenant, TenantBook as _};
    use crate::tenant::token::{KeyId, TokenBook as _, TokenDigest, TokenKind, TokenRecord};
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    on_each(|empty| {
        let store = empty();
        block_on(async {
            let customer = Customer::parse("70021");
            let new = |name: &str, customer: &Option<Customer>| StoredTenant {
                id: TenantId::parse(name).unwrap(),
                adapter: "one".to_owned(),
                customer: customer.clone(),
                service: Service::On,
                text: "adapter = \"one\"\nname = \"ä\"".to_owned(),
                revision: 0,
                created: now,
                changed: now,
            };
            let made = store.add_tenant(new("acme", &customer)).await.unwrap();
            assert!(matches!(made, Added::New));
            let taken = store.add_tenant(new("acme", &None)).await.unwrap();
            assert!(matches!(taken, Added::NameTaken));
            // Many at once for one customer: one tenant, which all find.
            let other = Customer::parse("70022");
            let names: Vec<_> = (0..12).map(|number| format!("b{number}")).collect();
            let asked = names.iter().map(|name| store.add_tenant(new(name, &other)));
            let made: Vec<_> = together(asked)
                .await
                .into_iter()
                .map(Result::unwrap)
                .collect();
            let news = made
                .iter()
                .filter(|made| matches!(made, Added::New))
                .count();
            assert_eq!(news, 1);
            let there = store
                .tenant_of("one", &other.unwrap())
                .await
                .unwrap()
                .unwrap();
            assert!(made.iter().all(|made| match made {
                Added::New => true,
                Added::Has(has) => has.id == there.id,
                Added::NameTaken => false,
            }));
            assert!(
                store
                    .tenant_of("two", &customer.clone().unwrap())
                    .await
                    .unwrap()
                    .is_none()
            );

            let all = store.tenants_since(0).await.unwrap();
            let revisions: Vec<_> = all.iter().map(|tenant| tenant.revision).collect();
            assert_eq!(revisions, [1, 2]);
            let acme = all[0].clone();
            assert_eq!(acme.text, new("acme", &None).text);
            let off = StoredTenant {
                service: Service::Off,
                ..acme.clone()
            };
            assert!(store.change_tenant(off.clone()).await.unwrap());
            assert!(
                !store.change_tenant(off).await.unwrap(),
                "of a revision that is past"
            );
            let changed = store.tenants_since(2).await.unwrap();
            assert_eq!((changed.len(), changed[0].revision), (1, 3));
            assert_eq!(changed[0].service, Service::Off);

            // The end of a tenant is the end of all that is kept of it, and of its tokens.
            let key_id = KeyId::parse("key00001").unwrap();
            let record = TokenRecord {
                tenant: acme.id.clone(),
                key_id: key_id.clone(),
                kind: TokenKind::Tenant,
                digest: TokenDigest::from_bytes([1; 32]),
                created: now,
                expires: None,
                revoked: None,
                used: None,
                pepper: None,
            };
            store.insert(record).await.unwrap().unwrap();
            let native = vec![crate::adapter::keys::NativeId::new("Finance")];
            let kind = crate::scim::ResourceKind::Group;
            let issued = store
                .issue_ids(&acme.id, kind, native.clone())
                .await
                .unwrap();
            let deleted = StoredTenant {
                service: Service::Deleted,
                text: String::new(),
                ..changed[0].clone()
            };
            assert!(store.change_tenant(deleted).await.unwrap());
            assert!(store.stored_tenant(&acme.id).await.unwrap().is_none());
            assert!(
                store
                    .find(&key_id)
                    .await
                    .unwrap()
                    .unwrap()
                    .revoked
                    .is_some()
            );
            let anew = store.issue_ids(&acme.id, kind, native).await.unwrap();
            assert_ne!(anew, issued);
            let again = store.add_tenant(new("acme", &None)).await.unwrap();
            assert!(matches!(again, Added::NameTaken), "for good");
            let again = store.add_tenant(new("c", &customer)).await.unwrap();
            assert!(matches!(again, Added::New), "its customer may come back");
            let told = store.tenants_since(3).await.unwrap();
            let told: Vec<_> = told.iter().map(|it| (it.id.as_str(), it.service)).collect();
            assert_eq!(told, [("acme", Service::Deleted), ("c", Service::On)]);
        });
    });
}

#[test]
fn tokens_administrators_and_deeds_are_kept() {
    use crate::tenant::audit::{AuditBook as _, Deed};
    use crate::tenant::token::{
        BookFault, KeyId, LIVE_TOKENS, TokenBook as _, TokenDigest, TokenKind, TokenRecord,
    };
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    on_each(|empty| {
        let store = empty();
        block_on(async {
            let record = |place: usize| TokenRecord {
                tenant: acme(),
                key_id: KeyId::parse(&format!("key0000{place}")).unwrap(),
                kind: TokenKind::Tenant,
                digest: TokenDigest::from_bytes([place as u8; 32]),
                created: now,
                expires: None,
                revoked: None,
                used: None,
                pepper: None,
            };
            for place in 0..LIVE_TOKENS as usize {
                store.insert(record(place)).await.unwrap().unwrap();
            }
            let more = store.insert(record(9)).await.unwrap();
            assert!(matches!(more, Err(BookFault::TooMany(_))), "{more:?}");
            assert!(store.revoke(&acme(), &record(0).key_id, now).await.unwrap());
            let taken = store.insert(record(1)).await.unwrap();
            assert!(matches!(taken, Err(BookFault::Taken(_))), "{taken:?}");
            let found = store.find(&record(0).key_id).await.unwrap().unwrap();
            assert_eq!(found.revoked, Some(now));
            assert_eq!(
                store.list(&acme()).await.unwrap().len(),
                LIVE_TOKENS as usize
            );
            let secret = TokenRecord {
                kind: TokenKind::ClientSecret,
                ..record(8)
            };
            // Each kind has its own allowance, and only secrets are told as revoked.
            store.insert(secret.clone()).await.unwrap().unwrap();
            assert_eq!(store.revoked_secrets(now).await.unwrap(), []);
            let of = &secret.key_id;
            assert!(store.revoke(&acme(), of, now).await.unwrap());
            assert_eq!(
                store.revoked_secrets(now).await.unwrap(),
                std::slice::from_ref(of)
            );
            let later = Timestamp::from_second(1_800_000_001).unwrap();
            assert_eq!(store.revoked_secrets(later).await.unwrap(), []);
            let found = store.find(of).await.unwrap().unwrap();
            assert_eq!(found.kind, TokenKind::ClientSecret);
            for what in ["first", "second"] {
                let deed = Deed {
                    at: now,
                    actor: "ada".to_owned(),
                    what: what.to_owned(),
                    tenant: Some(acme()),
                    subject: "x".to_owned(),
                    outcome: "done".to_owned(),
                    before: None,
                    after: Some("\0".to_owned()),
                    request_id: "1".to_owned(),
                };
                store.record(deed).await.unwrap();
            }
            let deeds = store.deeds(1).await.unwrap();
            assert_eq!((deeds.len(), &*deeds[0].what), (1, "second"));
            assert_eq!(deeds[0].after.as_deref(), Some("\0"));
        });
    });
}
