#![allow(clippy::unwrap_used)]

use std::time::{Duration, SystemTime};

use super::*;
use crate::provisioning::trace::{Asked, Deed, End, Event, Fault, Subject};
use crate::scim::ResourceKind;
use crate::store::postgres::tests::on_each;

/// No timers, no I/O driver: the log must not need any.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

const RULES: Rules = Rules {
    reads: Reads::Failures,
    retention: Duration::from_secs(3600),
    most: 1000,
};

/// A request named `id` that did `deed` so many seconds ago.
fn story(id: &str, deed: Deed, ago: u64, status: u16) -> Arc<Ended> {
    let end = match status {
        ..400 => End::Done { status },
        _ => End::Failed {
            status,
            scim_type: None,
            detail: "It did not work.".to_owned(),
            fault: Fault::Vendor,
            reason: None,
            remedy: None,
        },
    };
    Arc::new(Ended {
        asked: Asked {
            request_id: id.into(),
            part: 0,
            tenant: acme(),
            vendor: "example".into(),
            method: "GET",
            route: "/Users/{id}",
        },
        subject: Subject {
            deed,
            kind: Some(ResourceKind::User),
            id: Some("1".to_owned()),
            ..Subject::default()
        },
        came: SystemTime::now() - Duration::from_secs(ago),
        took: Duration::from_millis(7),
        steps: Vec::new(),
        end,
        unheard: false,
        answered: None,
        is_probing: false,
    })
}

/// What a store keeps of these under `rules`, oldest first, by request id.
fn kept(store: &Store, rules: Rules, stories: &[Arc<Ended>]) -> Vec<String> {
    let log = Log::open(store.clone(), rules).unwrap();
    stories.iter().for_each(|story| log.ended(story));
    log.close();
    ids(store, Filter::default(), Order::After(0))
}

fn ids(store: &Store, filter: Filter, order: Order) -> Vec<String> {
    let page = block_on(store.events(filter, order, 100)).unwrap();
    page.events
        .into_iter()
        .map(|event| event.request_id)
        .collect()
}

#[test]
fn writes_are_kept_and_reads_as_the_rules_say() {
    on_each(|empty| {
        let stories = [
            story("write", Deed::Patch, 0, 200),
            story("read", Deed::Get, 0, 200),
            story("failed", Deed::List, 0, 503),
            story("absent", Deed::Get, 0, 404),
        ];
        for (reads, expect) in [
            (Reads::All, vec!["write", "read", "failed", "absent"]),
            (Reads::Failures, vec!["write", "failed"]),
            (Reads::None, vec!["write"]),
        ] {
            let store = empty();
            assert_eq!(kept(&store, Rules { reads, ..RULES }, &stories), expect);
        }
    });
}

#[test]
fn an_event_comes_back_as_it_was_written() {
    on_each(|empty| {
        let store = empty();
        let told = story("one", Deed::Create, 0, 503);
        kept(&store, RULES, std::slice::from_ref(&told));
        let mut expect = Event::of(&told);
        // Times are kept to the millisecond.
        expect.at = expect.at.round(jiff::Unit::Millisecond).unwrap();
        let mut found = block_on(store.event("one")).unwrap();
        found[0].at = found[0].at.round(jiff::Unit::Millisecond).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0].at.as_millisecond() - expect.at.as_millisecond()).abs() <= 1);
        found[0].at = expect.at;
        assert_eq!(found, [expect]);
        assert_eq!(block_on(store.event("two")).unwrap(), []);
    });
}

/// As it is when a quiet gateway's last event grows too old.
#[test]
fn who_follows_the_log_misses_nothing_after_all_of_it_was_removed() {
    on_each(|empty| {
        let store = empty();
        kept(
            &store,
            RULES,
            &["1", "2"].map(|id| story(id, Deed::Delete, 0, 204)),
        );
        let page = block_on(store.events(Filter::default(), Order::Newest, 100)).unwrap();
        let gone = Rules {
            retention: Duration::ZERO,
            ..RULES
        };
        assert_eq!(kept(&store, gone, &[]), [""; 0]);
        kept(&store, RULES, &[story("3", Deed::Delete, 0, 204)]);
        let after = ids(&store, Filter::default(), Order::After(page.first));
        assert_eq!(after, ["3"]);
    });
}

#[test]
fn what_is_too_old_or_too_much_goes_oldest_first() {
    on_each(|empty| {
        let store = empty();
        let aged = [("old", 7200), ("1", 30), ("2", 20), ("3", 10), ("4", 0)];
        let stories = aged.map(|(id, ago)| story(id, Deed::Delete, ago, 204));
        kept(&store, RULES, &stories);
        // A log sweeps when it is opened, and then once a minute.
        let of = |rules| kept(&store, rules, &[]);
        assert_eq!(of(RULES), ["1", "2", "3", "4"]);
        assert_eq!(of(Rules { most: 2, ..RULES }), ["3", "4"]);
    });
}

#[test]
fn more_than_one_sweep_at_once_is_removed() {
    on_each(|empty| {
        let store = empty();
        let stories: Vec<_> = (0..1700)
            .map(|number| story(&number.to_string(), Deed::Patch, 0, 200))
            .collect();
        let all = Rules {
            most: 5000,
            ..RULES
        };
        kept(&store, all, &stories);
        let left = kept(&store, Rules { most: 3, ..RULES }, &[]);
        assert_eq!(left, ["1697", "1698", "1699"]);
    });
}

#[test]
fn a_full_desk_loses_events_and_counts_them_and_nobody_waits() {
    let log = Log {
        // Of which one tenant may take two.
        desk: Arc::new(Desk::new(Reads::Failures, 8)),
        thread: Mutex::new(None),
    };
    for number in 0..5 {
        log.ended(&story(&number.to_string(), Deed::Patch, 0, 200));
        log.ended(&story(&number.to_string(), Deed::Get, 0, 200));
    }
    assert_eq!(log.lost(), 3);
    log.close();
    log.desk.heard().stories.clear();
    log.ended(&story("late", Deed::Patch, 0, 200));
    assert_eq!(log.lost(), 4);
}

#[test]
fn events_are_found_by_what_is_asked_and_paged_both_ways() {
    on_each(|empty| {
        let store = empty();
        let stories = [
            story("a", Deed::Create, 90, 201),
            story("b", Deed::Patch, 60, 409),
            story("c", Deed::Patch, 30, 200),
            story("d", Deed::Delete, 0, 503),
        ];
        kept(&store, RULES, &stories);
        let now = jiff::Timestamp::now();
        let ago = |seconds| Some(now - jiff::SignedDuration::from_secs(seconds));
        let all = Filter::default();
        let by = |filter: Filter| {
            let found = ids(&store, filter.clone(), Order::Newest);
            let count = block_on(store.count(filter)).unwrap();
            assert_eq!(count as usize, found.len());
            found
        };
        use crate::provisioning::trace::{Action, Status};
        assert_eq!(by(all.clone()), ["d", "c", "b", "a"]);
        for (filter, expect) in [
            (
                Filter {
                    tenant: TenantId::parse("globex"),
                    ..all.clone()
                },
                vec![],
            ),
            (
                Filter {
                    tenant: Some(acme()),
                    action: Some(Action::Update),
                    ..all.clone()
                },
                vec!["c", "b"],
            ),
            (
                Filter {
                    status: Some(Status::Failure),
                    ..all.clone()
                },
                vec!["d", "b"],
            ),
            (
                Filter {
                    code: Some("entryconflict".to_owned()),
                    ..all.clone()
                },
                vec!["b"],
            ),
            (
                Filter {
                    target_id: Some("1' OR 1=1 --".to_owned()),
                    ..all.clone()
                },
                vec![],
            ),
            (
                Filter {
                    since: ago(70),
                    until: ago(10),
                    ..all.clone()
                },
                vec!["c", "b"],
            ),
        ] {
            assert_eq!(by(filter.clone()), expect, "{filter:?}");
        }
        let first = block_on(store.events(all.clone(), Order::Newest, 2)).unwrap();
        let last = first.last.unwrap();
        assert_eq!(ids(&store, all.clone(), Order::Before(last)), ["b", "a"]);
        let none = block_on(store.events(all.clone(), Order::After(first.first), 10)).unwrap();
        assert_eq!((none.events.len(), none.first), (0, first.first));
        kept(&store, RULES, &[story("e", Deed::Patch, 120, 200)]);
        assert_eq!(ids(&store, all, Order::After(first.first)), ["e"]);
    });
}

/// What the log's thread tells of losses, a line each.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn losses_are_told_every_time_with_their_number() {
    let desk = Arc::new(Desk::new(Reads::All, 1));
    let store = Store::in_memory().unwrap();
    let mut writer = write::Writer::new(store, RULES, Arc::clone(&desk)).unwrap();
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer({
        let lines = lines.clone();
        move || lines.clone()
    });
    // With one subscriber in the process, other tests' threads say whether an event is wanted.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    tracing::subscriber::with_default(subscriber.finish(), || {
        for lost in [3, 0, 2] {
            desk.lose(lost);
            writer.tell_lost();
        }
    });
    let told = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let told: Vec<_> = told.lines().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    for (line, number) in told.iter().zip(["events=3", "events=2"]) {
        assert!(line.contains(number), "{line}");
    }
}

/// The same, of another tenant.
fn of(tenant: &str, story: &Arc<Ended>) -> Arc<Ended> {
    let mut story = Ended::clone(story);
    story.asked.tenant = TenantId::parse(tenant).unwrap();
    Arc::new(story)
}

#[test]
fn a_tenant_with_very_many_events_pushes_out_its_own() {
    on_each(|empty| {
        let store = empty();
        let log = Log::open(store.clone(), RULES).unwrap();
        log.ended(&of("quiet", &story("quiet", Deed::Patch, 0, 200)));
        for number in 0..1500 {
            log.ended(&of(
                "loud",
                &story(&format!("{number}"), Deed::Patch, 0, 200),
            ));
        }
        log.close();
        // A log that is opened sweeps first.
        Log::open(store.clone(), RULES).unwrap().close();
        let tenant = TenantId::parse("quiet").unwrap();
        let filter = Filter {
            tenant: Some(tenant),
            ..Filter::default()
        };
        assert_eq!(ids(&store, filter, Order::After(0)), ["quiet"]);
        let oldest = ids(&store, Filter::default(), Order::After(0));
        assert_eq!(oldest.first().map(String::as_str), Some("quiet"));
        assert_eq!(oldest.get(1).map(String::as_str), Some("501"));
    });
}

#[test]
fn one_tenants_stories_leave_room_for_anothers() {
    let desk = Desk::new(Reads::All, 40);
    for number in 0..100 {
        desk.ended(&of(
            "loud",
            &story(&format!("{number}"), Deed::Patch, 0, 200),
        ));
    }
    assert_eq!(desk.lost.load(Ordering::Relaxed), 90);
    desk.ended(&of("quiet", &story("quiet", Deed::Patch, 0, 200)));
    assert_eq!(desk.heard().stories.len(), 11);
}

#[test]
fn requests_over_the_rate_are_counted_and_one_of_them_is_told() {
    on_each(|empty| {
        let store = empty();
        let log = Log::open(store.clone(), RULES).unwrap();
        for number in 0..500 {
            let mut refused = Ended::clone(&story(&format!("{number}"), Deed::Unread, 0, 429));
            refused.asked.method = "PATCH";
            log.ended(&Arc::new(refused));
        }
        // The vendor's own 429 is another matter.
        log.ended(&story("busy", Deed::Patch, 0, 429));
        log.close();
        assert_eq!(log.lost(), 0);
        assert_eq!(
            ids(&store, Filter::default(), Order::After(0)),
            ["0", "busy"]
        );
        let health = block_on(store.health(&acme(), jiff::Timestamp::now())).unwrap();
        assert_eq!(health.hour.requests, 501);
    });
}
