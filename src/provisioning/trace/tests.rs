#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use expect_test::{Expect, expect};

use super::*;

fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn asked() -> Asked {
    Asked {
        request_id: "r-1".into(),
        part: 0,
        tenant: tenant(),
        vendor: "example".into(),
        method: "PATCH",
        route: "/Users/{id}",
    }
}

fn ended(deed: Deed, end: End) -> Ended {
    Ended {
        asked: asked(),
        subject: Subject {
            deed,
            ..Subject::default()
        },
        came: SystemTime::UNIX_EPOCH,
        took: Duration::from_millis(12),
        steps: Vec::new(),
        end,
        unheard: false,
        answered: None,
        is_probing: false,
    }
}

fn failed(status: u16, fault: Fault) -> End {
    End::Failed {
        status,
        scim_type: None,
        detail: "It cannot be done.".to_owned(),
        fault,
        reason: None,
        remedy: None,
    }
}

#[test]
fn where_nothing_happened_no_heading_says_so() {
    let refused = ended(Deed::Bulk, failed(400, Fault::Client));
    let told = tell::story(&Event::of(&refused));
    assert!(!told.contains("What happened"), "{told}");
}

#[derive(Default)]
struct Ear(Mutex<Vec<Arc<Ended>>>);

impl Witness for Ear {
    fn ended(&self, story: &Arc<Ended>) {
        self.0.lock().unwrap().push(Arc::clone(story));
    }
}

fn heard_by(ear: &Arc<Ear>) -> Rc<Audience> {
    Rc::new(Audience {
        witnesses: vec![Arc::clone(ear) as _],
        ..Audience::default()
    })
}

#[test]
fn all_hear_of_the_first_end_when_the_last_holder_lets_go() {
    let (ear, other) = (Arc::new(Ear::default()), Arc::new(Ear::default()));
    let audience = Audience {
        witnesses: vec![Arc::clone(&ear) as _, Arc::clone(&other) as _],
        ..Audience::default()
    };
    let story = Story::begin(asked(), Rc::new(audience));
    let task = Rc::clone(&story);
    story.decide(Decision::ReadFirst);
    story.end(End::Done { status: 204 });
    drop(story);
    assert!(ear.0.lock().unwrap().is_empty());
    task.end(failed(503, Fault::Vendor));
    drop(task);
    for ear in [ear, other] {
        let heard = ear.0.lock().unwrap();
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].end, End::Done { status: 204 });
        assert_eq!(heard[0].steps.len(), 1);
    }
}

#[test]
fn a_story_without_an_end_was_cut_short() {
    for (panics, late, expect) in [
        (false, false, End::HungUp),
        (false, true, End::TimedOut),
        (true, false, failed(500, Fault::Gateway)),
    ] {
        let ear = Arc::new(Ear::default());
        let heard = Arc::clone(&ear);
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let story = Story::begin(asked(), heard_by(&heard));
            let later = Duration::from_secs(if late { 0 } else { 60 });
            story.due(Instant::now() + later);
            assert!(!panics, "on purpose");
        }));
        assert_eq!(lived.is_err(), panics);
        let heard = ear.0.lock().unwrap();
        match (&heard[0].end, expect) {
            (End::Failed { status: 500, .. }, End::Failed { .. }) => {}
            (end, expect) => assert_eq!(*end, expect),
        }
    }
}

#[test]
fn a_function_is_noted_before_what_it_calls_and_timed_to_its_end() {
    let story = Story::begin(asked(), Rc::default());
    let calling = story.function("update_user");
    story.retried(1, "503".into(), Duration::from_millis(5));
    calling.ended(true);
    let steps = story.steps();
    assert!(matches!(&steps[0].step, Step::Function { gave: true, .. }));
    assert!(matches!(&steps[1].step, Step::Retry { .. }));
}

#[test]
fn what_nobody_hears_of_is_not_noted() {
    let story = Story::unheard_of(&tenant());
    story.function("get_user").ended(true);
    story.decide(Decision::ReadFirst);
    assert_eq!(story.steps(), []);
}

#[test]
fn steps_come_back_from_json_as_they_were() {
    let call = Step::Call {
        method: "GET".into(),
        path: "/users/1".to_owned(),
        status: Some(200),
        fault: None,
        took_us: 3,
    };
    let taken = Step::Decided {
        decision: Decision::Taken("userName".to_owned()),
    };
    for step in [call, taken, Step::Id { cached: true }] {
        let moment = Moment { after_us: 7, step };
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(serde_json::from_str::<Moment>(&json).unwrap(), moment);
    }
}

/// Action, status and code of a request, as Entra names them.
fn words(story: &Ended) -> String {
    let event = Event::of(story);
    let code = event.code.as_deref().unwrap_or("-");
    format!("{} {} {code}", event.action.as_str(), event.status.as_str())
}

#[test]
fn entras_words_for_what_became_of_a_request() {
    use Fault::{Client, Credential, Gateway, Vendor};
    let done = |status| End::Done { status };
    let bad_request = "SystemForCrossDomainIdentityManagementBadRequest";
    let bad_filter = "SystemForCrossDomainIdentityManagementServiceIncompatibleFiltering";
    for (deed, end, expect) in [
        (Deed::Create, done(201), "create success -"),
        (Deed::Replace, done(200), "update success -"),
        (Deed::Delete, done(204), "delete success -"),
        (Deed::List, done(200), "other success -"),
        (
            Deed::Create,
            failed(409, Client),
            "create failure EntryConflict",
        ),
        (
            Deed::Patch,
            failed(404, Client),
            "update failure InvalidAnchor",
        ),
        (Deed::Delete, failed(404, Client), "delete skipped -"),
        (Deed::Get, failed(404, Client), "other skipped -"),
        (Deed::Patch, failed(412, Client), "update skipped -"),
        (
            Deed::Patch,
            failed(429, Vendor),
            "update failure TooManyRequests",
        ),
        (
            Deed::Patch,
            failed(503, Credential),
            "update failure InternalServerError",
        ),
        (
            Deed::Unread,
            failed(501, Client),
            "update failure NotImplemented",
        ),
        (
            Deed::Patch,
            failed(400, Client),
            &format!("update failure {bad_request}"),
        ),
        (
            Deed::List,
            failed(400, Client),
            &format!("other failure {bad_filter}"),
        ),
        (
            Deed::Patch,
            failed(413, Client),
            "update failure WebExceptionProtocolError",
        ),
        (
            Deed::Get,
            failed(503, Gateway),
            "other failure InternalServerError",
        ),
        (
            Deed::Patch,
            End::TimedOut,
            "update failure InternalServerError",
        ),
        (Deed::List, End::HungUp, "other warning Timeout"),
    ] {
        assert_eq!(words(&ended(deed, end.clone())), expect, "{deed:?} {end:?}");
    }
    let mut disabled = ended(Deed::Patch, done(200));
    disabled.subject.disables = true;
    assert_eq!(words(&disabled), "disable success -");
    let unheard = Ended {
        unheard: true,
        answered: Some(Duration::from_secs(45)),
        ..ended(Deed::Create, done(201))
    };
    assert_eq!(words(&unheard), "create warning InternalServerError");
}

#[track_caller]
fn check_outlook(deed: Deed, end: End, expect: Expect) {
    let outlook = Event::of(&ended(deed, end)).outlook();
    let remedy = outlook.remedy.unwrap_or_else(|| "-".to_owned());
    expect.assert_eq(&format!("{}\n{}\n{remedy}\n", outlook.why, outlook.next));
}

#[test]
fn each_end_is_followed_by_what_entra_does_and_what_to_do() {
    check_outlook(
        Deed::Create,
        End::Done { status: 201 },
        expect![[r#"
        It was carried out.
        Nothing: for Entra this is done.
        -
    "#]],
    );
    check_outlook(
        Deed::Create,
        failed(409, Fault::Client),
        expect![[r#"
        It cannot be done.
        In its next cycle Entra looks the object up by its matching attribute. If it finds it, it uses it; otherwise it tries to create it again, and fails again.
        Let Entra match by the attribute named above, or remove the other object at the vendor.
    "#]],
    );
    check_outlook(
        Deed::Patch,
        failed(404, Fault::Client),
        expect![[r#"
        It cannot be done.
        Entra forgets the id it had, looks the object up again in its next cycle and creates it if there is none.
        Nothing, if the object was removed at the vendor on purpose. Otherwise find out who removed it there.
    "#]],
    );
    check_outlook(
        Deed::Patch,
        failed(400, Fault::Client),
        expect![[r#"
        It cannot be done.
        Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
        Correct the value in the directory, or the attribute mapping in Entra.
    "#]],
    );
    check_outlook(
        Deed::Delete,
        failed(404, Fault::Client),
        expect![[r#"
        It cannot be done.
        Nothing: for Entra this is done.
        -
    "#]],
    );
    check_outlook(
        Deed::Patch,
        failed(429, Fault::Client),
        expect![[r#"
        It cannot be done.
        Entra sends the request again after a pause.
        If it lasts, raise [limits] in the gateway's configuration.
    "#]],
    );
    check_outlook(
        Deed::Patch,
        failed(503, Fault::Vendor),
        expect![[r#"
            It cannot be done.
            Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
            If this started without a change of yours, give the vendor the time of this request. If it always happens, correct the place named in scripts/example.rhai, or [replies] in adapters/example.toml.
        "#]],
    );
    check_outlook(
        Deed::Patch,
        failed(503, Fault::Credential),
        expect![[r#"
            It cannot be done.
            Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
            Replace the vendor's credential in tenants/acme.toml, or with `scimgate tenant change acme` if the tenant is in the store. The token in Entra is fine.
        "#]],
    );
    check_outlook(
        Deed::Patch,
        failed(500, Fault::Script),
        expect![[r#"
            It cannot be done.
            Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
            Correct scripts/example.rhai at the place named, and run `scimgate test example`.
        "#]],
    );
    check_outlook(
        Deed::Patch,
        failed(503, Fault::Gateway),
        expect![[r#"
            It cannot be done.
            Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
            This is a defect of the gateway: report it with the log lines of this request id.
        "#]],
    );
    check_outlook(
        Deed::Patch,
        End::TimedOut,
        expect![[r#"
            The request took too long.
            Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
            See in the steps of a request (`scimgate explain`) what took the time: calls to the vendor, waiting for its limits, or other requests for the same object.
        "#]],
    );
    check_outlook(
        Deed::List,
        End::HungUp,
        expect![[r#"
        Entra, or a proxy in between, closed the connection before there was an answer.
        Entra tries this object again in its next cycle, in about 40 minutes, and then at growing intervals.
        If it happens often, check the proxies between Entra and the gateway.
    "#]],
    );
}

#[test]
fn what_others_wrote_steers_no_terminal_and_begins_no_line() {
    let mut story = ended(Deed::Get, failed(404, Fault::Client));
    story.subject.identity = Some("\u{1b}[2J\nWhy: all is well\u{9b}".to_owned());
    let told = tell::story(&Event::of(&story));
    assert!(
        told.contains("\u{fffd}[2J\u{fffd}Why: all is well"),
        "{told}"
    );
    let steers = |letter: char| letter.is_control() && letter != '\n';
    assert!(!told.contains(steers), "{told}");
    for letter in ['\u{202e}', '\u{2028}', '\u{2066}', '\u{200f}'] {
        assert_eq!(tell::plain(&letter.to_string()), "\u{fffd}");
    }
}

#[test]
fn where_nobody_is_to_be_named_no_value_has_even_an_outline() {
    let name = serde_json::json!("ada@example.com");
    for (identity, expect) in [
        (Identity::Full, "a…@e…com"),
        (Identity::Masked, "a…@e…com"),
        (Identity::Off, "…"),
    ] {
        let audience = Audience {
            identity,
            ..Audience::default()
        };
        let story = Story::begin(asked(), Rc::new(audience));
        assert_eq!(story.masked(&name), expect);
        assert_eq!(story.masked(&serde_json::json!(true)), "true");
    }
}
