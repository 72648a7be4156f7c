//! What reloads do, on real files, with a gate that is told what to say.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::standing::{Part, State};
use super::*;
use crate::problem::Problem;

const MANIFEST: &str = include_str!("../../tests/data/example.toml");
const SCRIPT: &str = include_str!("../../tests/data/example.rhai");

/// What the gateway would have done.
#[derive(Clone, Default)]
struct Seen {
    proved: Arc<AtomicUsize>,
    published: Arc<AtomicUsize>,
    /// Why the certificate cannot be served.
    refusal: Arc<Mutex<Option<String>>>,
}

impl Effects for Seen {
    /// A transcript holds unless it says that it does not.
    fn prove(&self, _: &Arc<Adapter>, transcripts: &[Text]) -> Vec<Problem> {
        self.proved.fetch_add(1, Ordering::Relaxed);
        let broken = transcripts
            .iter()
            .filter(|(_, text)| text.contains("wrong"));
        assert!(!transcripts.iter().any(|(_, text)| text.contains("defect")));
        broken
            .map(|(file, _)| Problem::error("transcript::status", file, "no"))
            .collect()
    }

    fn publish(&self, _: &Catalog) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    fn try_certificate(&self) -> Result<(), String> {
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn renew_certificate(&self) -> Result<(), String> {
        self.try_certificate()
    }
}

/// Two vendors, and the tenants a, b and c of the first.
struct House {
    directory: TempDir,
    reloader: Reloader,
    seen: Seen,
}

impl House {
    fn new() -> Self {
        Self::with(false)
    }

    /// Beside the adapters in the program, or without them.
    fn with(has_built_in: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let seen = Seen::default();
        let path = |name: &str| directory.path().join(name);
        for name in ["one", "two"] {
            write(&path(&format!("adapters/{name}.toml")), MANIFEST);
            write(&path(&format!("scripts/{name}.rhai")), SCRIPT);
            write(&path(&format!("transcripts/{name}/a.http")), "good");
        }
        write(&path("secret"), "s3cret");
        for name in ["a", "b", "c"] {
            write(&path(&format!("tenants/{name}.toml")), &tenant("eu"));
        }
        write(&path("tls/crt"), "one");
        write(&path("tls/key"), "one");
        let plan = Plan {
            sources: Sources {
                has_built_in,
                adapters: path("adapters"),
                scripts: path("scripts"),
                tenants: Some(path("tenants")),
            },
            vault: Arc::default(),
            transcripts: Some(path("transcripts")),
            certificate: Some((path("tls/crt"), path("tls/key"))),
            removal_grace: Duration::ZERO,
        };
        let (reloader, report) = Reloader::open(plan, Vec::new(), Box::new(seen.clone()));
        assert!(report.problems().is_empty(), "{}", report.render(false));
        Self {
            directory,
            reloader,
            seen,
        }
    }

    fn write(&self, file: &str, text: &str) {
        write(&self.directory.path().join(file), text);
    }

    fn remove(&self, file: &str) {
        std::fs::remove_file(self.directory.path().join(file)).unwrap();
    }

    fn reload(&self) -> Outcome {
        self.reloader.reload(Demand::Changed)
    }

    fn vendor(&self, name: &str) -> Part {
        self.reloader.standing().vendors[name].clone()
    }

    fn tenant(&self, name: &str) -> Part {
        self.reloader.standing().tenants[name].part.clone()
    }

    fn serving(&self, name: &str) -> Option<Arc<Tenant>> {
        let catalog = self.reloader.running();
        catalog
            .tenants
            .get(&TenantId::parse(name).unwrap())
            .cloned()
    }

    /// The first line of the script that serves a tenant.
    fn script(&self, name: &str) -> String {
        let text = self.serving(name).unwrap().adapter.script.text.clone();
        text.lines().next().unwrap().to_owned()
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn tenant(region: &str) -> String {
    format!(
        "adapter = \"one\"\nbase_url = \"https://api.example\"\nsettings = {{ region = \"{region}\" }}\n\
         credential = {{ token = {{ file = \"../secret\" }} }}\n"
    )
}

fn script(version: &str) -> String {
    format!("// {version}\n{SCRIPT}")
}

#[test]
fn what_changed_is_taken_and_nothing_else_is_touched() {
    let house = House::new();
    let before = house.reloader.running();
    assert!(!house.reload().looked);
    house.write("scripts/one.rhai", &script("new"));
    let outcome = house.reload();
    assert_eq!(
        outcome.taken,
        ["vendor one", "tenant a", "tenant b", "tenant c"]
    );
    assert_eq!(outcome.standing.generation, 2);
    let after = house.reloader.running();
    assert!(Arc::ptr_eq(&before.adapters["two"], &after.adapters["two"]));
    assert!(!Arc::ptr_eq(
        &before.adapters["one"],
        &after.adapters["one"]
    ));
    assert_eq!(house.script("a"), "// new");
    assert_ne!(outcome.standing.running, Standing::default().running);
    house.write("tenants/a.toml", &tenant("us"));
    let before = after;
    assert_eq!(house.reload().taken, ["tenant a"]);
    let after = house.reloader.running();
    let b = TenantId::parse("b").unwrap();
    assert!(Arc::ptr_eq(&before.tenants[&b], &after.tenants[&b]));
}

#[test]
fn a_broken_script_keeps_its_last_good_version_and_others_move_on() {
    let house = House::new();
    house.write("scripts/one.rhai", "fn user_attributes() { [ }");
    house.write("scripts/two.rhai", &script("new"));
    let outcome = house.reload();
    assert_eq!(
        (outcome.taken, outcome.refused),
        (vec!["vendor two".to_owned()], vec!["vendor one".to_owned()])
    );
    let part = house.vendor("one");
    assert_eq!(part.state, State::Kept);
    assert_ne!(part.running, part.disk);
    assert_eq!(
        (part.problems[0].code.as_str(), part.problems[0].line),
        ("script::syntax", Some(1))
    );
    assert!(part.problems[0].text.contains("fn user_attributes() { [ }"));
    assert_eq!(house.tenant("a").state, State::Live);
    assert!(!house.reloader.standing().is_well());
    house.write("scripts/one.rhai", SCRIPT);
    assert_eq!(house.reload().refused, [""; 0]);
    assert_eq!(house.vendor("one").state, State::Live);
    assert!(house.reloader.standing().is_well());
}

#[test]
fn a_vendor_whose_transcripts_do_not_hold_is_not_taken() {
    let house = House::new();
    house.write("scripts/one.rhai", &script("new"));
    house.write("transcripts/one/b.http", "wrong");
    assert_eq!(house.reload().refused, ["vendor one"]);
    assert!(house.script("a").starts_with("fn user_attributes() {"));
    let proved = house.seen.proved.load(Ordering::Relaxed);
    house.write("tenants/a.toml", &tenant("us"));
    assert_eq!(house.reload().refused, [""; 0], "it is not tried twice");
    assert_eq!(house.reloader.reload(Demand::Again).refused, ["vendor one"]);
    assert_eq!(house.seen.proved.load(Ordering::Relaxed), proved + 1);
    house.write("transcripts/one/b.http", "good");
    assert_eq!(house.reload().taken[0], "vendor one");
    assert_eq!(house.script("a"), "// new");
    assert_eq!(house.vendor("one").transcripts, Some(2));
}

/// To refuse it then would turn a restart into an outage.
#[test]
fn at_the_start_a_transcript_that_does_not_hold_is_a_warning() {
    let house = House::new();
    house.write("transcripts/one/b.http", "wrong");
    let (reloader, _) = Reloader::open(
        house.reloader.plan().clone(),
        Vec::new(),
        Box::new(house.seen.clone()),
    );
    reloader.prove();
    let part = &reloader.standing().vendors["one"];
    assert_eq!(part.state, State::Live);
    assert_eq!(part.problems[0].severity, "warning");
    assert_eq!(part.transcripts, Some(2));
    assert!(reloader.running().adapters.contains_key("one"));
}

#[test]
fn a_defect_of_ours_refuses_one_vendor_and_ends_nothing() {
    let house = House::new();
    house.write("transcripts/one/b.http", "defect");
    assert_eq!(house.reload().refused, ["vendor one"]);
    assert_eq!(house.vendor("one").problems[0].code, "gateway::defect");
    house.write("scripts/two.rhai", &script("new"));
    assert_eq!(house.reload().taken, ["vendor two"]);
}

#[test]
fn a_broken_tenant_keeps_its_last_good_file_on_the_new_adapter() {
    let house = House::new();
    house.write("tenants/a.toml", "adapter = \"one\"\nbase_url = ");
    assert_eq!(house.reload().refused, ["tenant a"]);
    house.write("scripts/one.rhai", &script("new"));
    assert_eq!(house.reload().taken, ["vendor one", "tenant b", "tenant c"]);
    assert_eq!(house.script("a"), "// new");
    assert_eq!(house.tenant("a").state, State::Kept);
}

/// Its token is good, and nobody may be told otherwise.
#[test]
fn a_tenant_that_is_new_and_broken_is_known() {
    let house = House::new();
    house.write("tenants/d.toml", "adapter = \"one\"\nbase_url = ");
    house.reload();
    let d = TenantId::parse("d").unwrap();
    assert!(house.reloader.running().unusable.contains(&d));
    assert_eq!(house.tenant("d").state, State::Unusable);
    house.write("tenants/d.toml", &tenant("eu"));
    house.reload();
    assert!(house.serving("d").is_some());
}

#[test]
fn tenants_that_are_all_exchanged_for_others_vanished() {
    let house = House::new();
    for (old, new) in [("a", "x"), ("b", "y"), ("c", "z")] {
        house.remove(&format!("tenants/{old}.toml"));
        house.write(&format!("tenants/{new}.toml"), &tenant("eu"));
    }
    let outcome = house.reload();
    assert_eq!(outcome.standing.problems[0].code, "tenant::vanished");
    assert!(house.serving("a").is_some() && house.serving("x").is_some());
}

/// A setting that the new manifest asks for and the tenant does not have yet.
#[test]
fn a_tenant_that_does_not_go_with_the_new_adapter_stays_with_the_old_one() {
    let house = House::new();
    let asking = format!("{MANIFEST}\n[settings.floor]\ndescription = \"Which floor\"\n");
    house.write("adapters/one.toml", &asking);
    house.write("scripts/one.rhai", &script("new"));
    house.write(
        "tenants/b.toml",
        &tenant("eu").replace("}\ncred", ", floor = 1 }\ncred"),
    );
    let outcome = house.reload();
    assert_eq!(outcome.taken, ["vendor one", "tenant b"]);
    assert_eq!(outcome.refused, ["tenant a", "tenant c"]);
    assert_eq!(
        (house.script("a"), house.script("b")),
        (
            SCRIPT.lines().next().unwrap().to_owned(),
            "// new".to_owned()
        )
    );
}

#[test]
fn a_secret_that_was_rotated_is_used_and_does_not_show() {
    let house = House::new();
    let before = house.reloader.standing();
    house.write("secret", "n3w");
    let outcome = house.reload();
    assert_eq!(outcome.taken, ["tenant a", "tenant b", "tenant c"]);
    let token = &house.serving("a").unwrap().upstream.secrets["token"];
    assert_eq!(token.expose_secret(), "n3w");
    assert_eq!(
        (&before.running, &before.disk),
        (&outcome.standing.running, &outcome.standing.disk)
    );
    house.write("secret", "");
    assert_eq!(house.reload().refused.len(), 3);
    let token = &house.serving("a").unwrap().upstream.secrets["token"];
    assert_eq!(token.expose_secret(), "n3w");
}

#[test]
fn a_tenant_leaves_for_a_while_before_it_is_unknown() {
    let house = House::new();
    let a = TenantId::parse("a").unwrap();
    house.remove("tenants/a.toml");
    house.reload();
    assert_eq!(house.tenant("a").state, State::Leaving);
    assert!(house.reloader.running().unusable.contains(&a));
    house.write("tenants/a.toml", &tenant("eu"));
    house.reload();
    assert_eq!(house.tenant("a").state, State::Live);
    house.remove("tenants/a.toml");
    house.reload();
    house.reloader.expire();
    assert!(house.serving("a").is_none() && house.serving("b").is_some());
    assert!(!house.reloader.running().unusable.contains(&a));
    assert!(!house.reloader.standing().tenants.contains_key("a"));
}

#[test]
fn more_than_half_of_the_tenants_do_not_go_at_once() {
    let house = House::new();
    house.remove("tenants/a.toml");
    house.reload();
    house.remove("tenants/b.toml");
    let outcome = house.reload();
    assert_eq!(outcome.standing.problems[0].code, "tenant::vanished");
    house.reloader.expire();
    assert_eq!(
        house.tenant("a").state,
        State::Leaving,
        "nobody leaves meanwhile"
    );
    assert!(house.serving("b").is_some());
    assert_eq!(
        house.reloader.reload(Demand::Again).standing.problems.len(),
        1
    );
    assert!(
        house.serving("b").is_some(),
        "asking again confirms nothing"
    );
    assert!(
        house
            .reloader
            .reload(Demand::Forced)
            .standing
            .problems
            .is_empty()
    );
    assert_eq!(house.tenant("b").state, State::Leaving);
    house.reloader.expire();
    assert_eq!(house.reloader.standing().tenants.len(), 1);
}

#[test]
fn directories_that_are_gone_change_nothing() {
    let house = House::new();
    let moved = |from: &str, to: &str| {
        let path = house.directory.path();
        std::fs::rename(path.join(from), path.join(to)).unwrap();
    };
    let all = ["adapters", "scripts", "tenants", "transcripts"];
    for name in all {
        moved(name, &format!("{name}.away"));
    }
    let outcome = house.reloader.reload(Demand::Forced);
    assert!(
        outcome
            .standing
            .problems
            .iter()
            .any(|problem| problem.code == "file::unreadable")
    );
    assert_eq!(house.reloader.running().tenants.len(), 3);
    for name in all {
        moved(&format!("{name}.away"), name);
    }
    house.reload();
    assert!(house.reloader.standing().is_well());
}

#[test]
fn a_vendor_that_is_gone_serves_those_who_need_it() {
    let house = House::new();
    for file in ["adapters/one.toml", "adapters/two.toml"] {
        house.remove(file);
    }
    let outcome = house.reload();
    assert_eq!(
        (outcome.removed, outcome.refused),
        (vec!["vendor two".to_owned()], vec!["vendor one".to_owned()])
    );
    assert_eq!(house.vendor("one").problems[0].code, "adapter::gone");
    assert!(house.serving("a").is_some());
}

#[test]
fn a_certificate_that_cannot_be_served_is_told_and_tried_again() {
    let house = House::new();
    *house.seen.refusal.lock().unwrap() = Some("no".to_owned());
    house.write("tls/crt", "two");
    assert_eq!(house.reload().refused, ["certificate"]);
    let part = house.reloader.standing().certificate.clone().unwrap();
    assert_eq!(
        (part.state, part.problems[0].code.as_str()),
        (State::Kept, "server::certificate")
    );
    *house.seen.refusal.lock().unwrap() = None;
    house.write("tls/key", "two");
    assert_eq!(house.reload().taken, ["certificate"]);
}

#[test]
fn what_a_reload_would_do_is_told_with_all_that_is_wrong() {
    let house = House::new();
    assert!(house.reloader.rehearse().is_none());
    *house.seen.refusal.lock().unwrap() = Some("no".to_owned());
    house.write("tls/crt", "two");
    house.write("tenants/No Name.toml", &tenant("eu"));
    for name in ["a", "b"] {
        house.remove(&format!("tenants/{name}.toml"));
    }
    let told = house.reloader.rehearse();
    assert_eq!(told.certificate, Some(preview::Fate::Refused));
    assert!(told.tenants.is_empty(), "they would be served on: {told:?}");
    let codes: Vec<_> = told.problems.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(
        codes,
        ["tenant::name", "tenant::vanished", "server::certificate"]
    );
    assert!(!told.is_none(), "there is something to tell");
    assert!(house.serving("a").is_some());
}

/// The admin API hands it out, and the command line reads it.
#[test]
fn the_standing_goes_through_json() {
    let house = House::new();
    house.write("scripts/one.rhai", "nonsense(");
    house.reload();
    let standing = house.reloader.standing();
    let json = serde_json::to_string(&*standing).unwrap();
    assert_eq!(serde_json::from_str::<Standing>(&json).unwrap(), *standing);
    assert!(!json.contains("s3cret"));
}

#[test]
fn a_file_takes_the_place_of_one_in_the_program_and_gives_it_back() {
    let house = House::with(true);
    assert_eq!(house.vendor("wedo").state, State::Live);
    let own = built_in::ALL.iter().find(|it| it.name == "wedo").unwrap();
    let script = "scripts/wedo.rhai";
    house.write(script, &format!("{}\n// ours\n", own.script));
    assert_eq!(house.reload().taken, ["vendor wedo"]);
    let ours = house.vendor("wedo").running;
    house.write(script, "fn (");
    assert_eq!(house.reload().refused, ["vendor wedo"]);
    assert_eq!(house.vendor("wedo").state, State::Kept);
    assert_eq!(house.vendor("wedo").running, ours);
    house.remove(script);
    assert_eq!(house.reload().taken, ["vendor wedo"]);
    assert_ne!(house.vendor("wedo").running, ours);
    // A manifest of its own keeps the script in the program.
    let titled = own.manifest.replace("title = ", "title = \"Ours\" #");
    house.write("adapters/wedo.toml", &titled);
    assert_eq!(house.reload().taken, ["vendor wedo"]);
    assert_eq!(
        house.reloader.running().adapters["wedo"].manifest.title,
        "Ours"
    );
}

#[test]
fn the_programs_adapters_need_no_directory_until_one_is_made() {
    let house = House::with(true);
    for directory in ["adapters", "scripts"] {
        let from = house.directory.path().join(directory);
        let to = house.directory.path().join(format!("{directory}.aside"));
        std::fs::rename(from, to).unwrap();
    }
    // A directory that is gone says nothing about what should be in it.
    let outcome = house.reload();
    assert!(outcome.refused.is_empty() && outcome.removed.is_empty());
    assert_eq!(house.vendor("one").state, State::Live);
    assert_eq!(house.reloader.standing().problems.len(), 2);
    let plan = Plan {
        sources: Sources {
            tenants: None,
            ..house.reloader.plan().sources.clone()
        },
        ..house.reloader.plan().clone()
    };
    let (fresh, report) = Reloader::open(plan, Vec::new(), Box::new(Seen::default()));
    assert!(report.problems().is_empty(), "{}", report.render(false));
    assert_eq!(fresh.standing().vendors.len(), built_in::ALL.len());
    for directory in ["adapters", "scripts"] {
        let from = house.directory.path().join(format!("{directory}.aside"));
        std::fs::rename(from, house.directory.path().join(directory)).unwrap();
    }
    assert_eq!(
        fresh.reload(Demand::Changed).taken,
        ["vendor one", "vendor two"]
    );
    house.reload();
    assert!(house.reloader.standing().problems.is_empty());
}
