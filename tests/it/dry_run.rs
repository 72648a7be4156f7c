//! What requests would lead to, with nothing sent: as a library at every vendor, and as a command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use scimgate::adapter::Adapter;
use scimgate::catalog::{self, Sources};
use scimgate::demo::stand::Stand;
use scimgate::demo::vendors;
use scimgate::dry_run::{self, Corpus, DryRun, Means, Subject};
use scimgate::scim::{Profile, ResourceKind};
use scimgate::store::Store;
use scimgate::transcript::Requests;
use serde_json::{Value, json};

use crate::harness::{Connection, Request};
use crate::house::{House, text_of};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn adapters() -> Vec<Arc<Adapter>> {
    let (catalog, report) = catalog::load(&Sources {
        has_built_in: false,
        adapters: root().join("adapters"),
        scripts: root().join("scripts"),
        tenants: None,
    });
    assert!(!report.has_errors(), "{}", report.render(false));
    catalog.adapters.into_values().collect()
}

fn transcripts(adapter: &Adapter) -> PathBuf {
    root().join("tests/vendors").join(&adapter.name)
}

fn data(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/data/dry-run").join(name)).unwrap()
}

#[track_caller]
fn tried(adapter: &Arc<Adapter>, corpus: &Corpus, name: &str, text: &str) -> DryRun {
    let requests = Requests::parse(name, text).unwrap_or_else(|why| panic!("{name}: {why}"));
    let subject = Subject::of_adapter(adapter, &requests).unwrap();
    let means = || Means {
        corpus: corpus.clone(),
        memory: Arc::new(Store::in_memory().unwrap()),
        reads: None,
        time: None,
    };
    dry_run::run_alone(&subject, &requests, means).unwrap()
}

/// What must be the same in any run: no ids and times, and no memberships that the vendor shows
/// at its users by itself.
fn essence(status: u16, body: Option<&Value>) -> (u16, Value) {
    let mut body = body.cloned().unwrap_or_default();
    forget(&mut body);
    (status, body)
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["id", "meta", "$ref", "detail", "groups"] {
                members.remove(name);
            }
            if let Some(Value::Array(ids)) = members.get("members") {
                let count = ids.len().into();
                members.insert("members".to_owned(), count);
            }
            members.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

/// The vendors' emulators share no code with the adapters and none with the dry run.
#[tokio::test]
async fn what_is_assumed_is_what_the_emulators_answer() {
    for adapter in adapters() {
        let corpus = Corpus::read(&transcripts(&adapter), &adapter);
        let vendor = vendors::named(&adapter.name).unwrap();
        for file in ["life.http", "group.http"] {
            let text = data(file);
            if file == "group.http" && adapter.mapping(ResourceKind::Group).is_none() {
                continue;
            }
            let (told, adapter) = (Arc::clone(&adapter), adapter.name.clone());
            let (corpus, requests) = (corpus.clone(), text.clone());
            let assumed = std::thread::spawn(move || tried(&told, &corpus, file, &requests));
            let assumed = assumed.join().unwrap();
            assert_eq!(assumed.stopped, None, "{adapter} {file}");
            let stand = Stand::start(vendor, Profile::default(), Duration::ZERO);
            let stand = stand.await.unwrap();
            let real = answers(&stand, &assumed).await;
            for (exchange, real) in assumed.exchanges.iter().zip(real) {
                let gets = exchange.gets.as_ref().unwrap();
                assert_eq!(
                    essence(gets.status, gets.body.as_ref()),
                    essence(real.0, real.1.as_ref()),
                    "{adapter} {file}: {} {}",
                    exchange.asks.method,
                    exchange.asks.target
                );
            }
        }
    }
}

/// The same requests through a real gateway, with the ids it gives.
async fn answers(stand: &Stand, assumed: &DryRun) -> Vec<(u16, Option<Value>)> {
    let url: hyper::Uri = stand.tenant_url.parse().unwrap();
    let address: SocketAddr = url.authority().unwrap().as_str().parse().unwrap();
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut found = Vec::new();
    for exchange in &assumed.exchanges {
        let real = |text: &str| {
            let ids = ids.iter();
            ids.fold(text.to_owned(), |text, (one, other)| {
                text.replace(one, other)
            })
        };
        let asks = &exchange.asks;
        let target = format!("{}{}", url.path(), real(&asks.target));
        let mut request = Request::new(&asks.method, &target)
            .header("Authorization", &format!("Bearer {}", stand.token));
        if let Some(body) = &asks.body {
            request = request.json(&serde_json::from_str(&real(&body.to_string())).unwrap());
        }
        let response = Connection::open(address).await.send(&request).await;
        let body = (!response.body.is_empty()).then(|| response.json());
        let id = |body: Option<&Value>| body?.get("id")?.as_str().map(str::to_owned);
        let assumed = exchange
            .gets
            .as_ref()
            .and_then(|gets| id(gets.body.as_ref()));
        ids.extend(assumed.zip(id(body.as_ref())));
        found.push((response.status, body));
    }
    found
}

/// A transcript is a file of requests with the vendor's answers in it: with them, a dry run makes
/// the same calls and gives the same answers.
#[test]
fn every_transcript_is_tried_as_it_is_played() {
    for adapter in adapters() {
        let corpus = Corpus::default();
        let mut files: Vec<_> = std::fs::read_dir(transcripts(&adapter)).unwrap().collect();
        files.sort_by_key(|entry| entry.as_ref().unwrap().path());
        for file in files {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.display().to_string();
            let run = tried(&adapter, &corpus, &name, &text);
            assert_eq!(run.stopped, None, "{name}");
            let calls = format!("@calls {}\n", run.calls);
            assert!(text.contains(&calls), "{name} makes {} calls", run.calls);
            let wanted = text.split("### Entra gets\n").skip(1);
            let wanted: Vec<u16> = wanted.map(|text| text[..3].parse().unwrap()).collect();
            let got = run.exchanges.iter().map(|exchange| exchange.gets.as_ref());
            let got: Vec<u16> = got.map(|gets| gets.unwrap().status).collect();
            assert_eq!(got, wanted, "{name}");
        }
    }
}

// ---- the command -----------------------------------------------------------------------------

/// A house of one vendor with its transcripts, and requests.
fn house(vendor: &str, requests: &str) -> House {
    let house = House::of_vendor(vendor);
    for file in std::fs::read_dir(root().join("tests/vendors").join(vendor)).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let path = format!("tests/vendors/{vendor}/{name}");
        house.copy(&path, &path);
    }
    house.write("requests.http", requests);
    house
}

#[track_caller]
fn told(house: &House, code: i32, arguments: &[&str]) -> String {
    let output = house.run(arguments);
    let text = text_of(&[output.stdout, output.stderr].concat());
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

const BY_VENDOR: [&str; 4] = ["dry-run", "--vendor", "sosafe", "requests.http"];

#[test]
fn a_dry_run_reads_from_top_to_bottom() {
    let patch = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        {"op": "Replace", "path": "title", "value": "Pilot"}, {"op": "Add", "path": "shoeSize", "value": 44}]}"#;
    let house = house("sosafe", &format!("PATCH /Users/18777\n\n{patch}\n"));
    let text = told(&house, 0, &BY_VENDOR);
    expect![[r#"
        Dry run of the adapter sosafe
        Every call would carry X-Idp-Tenant: idp_tenant, X-Api-Key: ***

        1. Entra asks PATCH /Users/18777
           {
             "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
             "Operations": [
               {"op":"Replace","path":"title","value":"Pilot"},
               {"op":"Add","path":"shoeSize","value":44}
             ]
           }
           understood: title becomes "Pilot"
           understood: shoeSize is ignored: no schema has it
           changes: title
           plan: change job_title; store what the vendor cannot
           native fields: job_title
           the script's update_user
           1.1 PATCH /users/18777   (would be sent)
               {"job_title":"Pilot"}
               answer 200
               {
                 "id": 18777,
                 "status": "ACTIVE",
                 "login": "grace@example.com",
                 "email": "grace@example.com",
                 "first_name": "Grace",
                 "last_name": "Moss",
                 "job_title": "Pilot",
                 "external_ref": "9a41d07c",
                 "user_group": null
               }
               assumed after tests/vendors/sosafe/bulk-lost-change.http:19; with the call's values; the others are the transcript's
           Entra gets 200
           {
             "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
             "id": "18777",
             "userName": "grace@example.com",
             "active": true,
             "title": "Pilot",
             "emails": [{"type":"work","value":"grace@example.com","primary":true}],
             "name": {"givenName":"Grace","familyName":"Moss"},
             "externalId": "9a41d07c",
             "meta": {
               "resourceType": "User",
               "location": "https://gateway.example/scim/v2/Users/18777",
               "version": "W/\"5ee66d4e948d9483\""
             }
           }

        1 call would be made: 1 change and 0 reads. Nothing was sent.
    "#]].assert_eq(&text);
}

#[test]
fn what_is_remembered_is_read_and_stays_as_it_was() {
    let house = house("sosafe", &data("group.http"));
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let arguments = ["dry-run", "--tenant", "acme", "requests.http"];
    told(&house, 1, &arguments);
    assert!(!house.path().join("state").exists(), "a database was made");
    told(&house, 0, &["token", "mint", "--tenant", "acme"]);
    let database = || std::fs::read(house.path().join("state/scimgate.db")).unwrap();
    let before = database();
    told(&house, 1, &arguments);
    assert!(before == database(), "the database was written to");
}

#[test]
fn a_call_that_no_transcript_shows_ends_the_dry_run_until_its_answer_is_given() {
    let requests = "### Entra asks\nDELETE /Users/18777\n\n### Entra asks\nGET /Users/18778\n";
    let house = house("sosafe", requests);
    house.edit(
        "scripts/sosafe.rhai",
        "delete(`/users/${id}`)",
        "delete(`/users/${id}/for-ever`)",
    );
    let text = told(&house, 1, &BY_VENDOR);
    let stop = "no transcript of sosafe has an answer to a call of this form: \
                DELETE /users/18777/for-ever";
    assert!(
        text.contains(stop) && text.contains("1 request not reached"),
        "{text}"
    );
    let given = requests.replacen("18777\n", "18777\n\n### Vendor answers\n204\n", 1);
    house.write("requests.http", &given);
    let text = told(&house, 0, &BY_VENDOR);
    assert!(text.contains("from the file of requests"), "{text}");
}

/// What the vendor only takes in has virtual outcomes, each of its own item.
#[test]
fn what_is_carried_out_later_is_over_at_the_first_look() {
    let user = |bulk_id: &str, name: &str| {
        json!({"method": "POST", "path": "/Users", "bulkId": bulk_id,
            "data": {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}})
    };
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [user("a", "grace@example.com"), user("b", "mary@example.com")]});
    let find = "GET /Users?filter=userName+eq+%22mary@example.com%22";
    let house = house("wss", &format!("POST /Bulk\n\n{bulk}\n\n###\n{find}\n"));
    let arguments = [
        "dry-run",
        "--vendor",
        "wss",
        "requests.http",
        "--format",
        "json",
    ];
    let run: Value = serde_json::from_str(&told(&house, 0, &arguments)).unwrap();
    let made = &run["exchanges"][0]["gets"]["body"]["Operations"];
    let found = &run["exchanges"][1]["gets"]["body"]["Resources"];
    let id = |location: &Value| {
        location
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .map(str::to_owned)
    };
    assert_ne!(made[0]["location"], made[1]["location"]);
    assert_eq!(
        id(&made[1]["location"]).as_deref(),
        found[0]["id"].as_str(),
        "{run:#}"
    );
    assert_eq!(found[0]["userName"], "mary@example.com");
}

#[test]
fn what_would_be_looked_at_for_ever_ends_the_dry_run() {
    let taken = r#"{"jobId": "J-1", "state": "QUEUED", "pollAfterMs": 250}"#;
    let requests =
        format!("### Entra asks\nDELETE /Users/u-1\n\n### Vendor answers\n202\n\n{taken}\n");
    let house = house("wss", &requests);
    let arguments = ["dry-run", "--vendor", "wss", "requests.http"];
    let text = told(&house, 1, &arguments);
    let stop = "GET /accounts/account/jobs/J-1 is called again and again, and nothing tells when \
                its answer changes. Give the answer that ends it under `### Vendor answers`";
    assert!(text.contains(stop), "{text}");
    let ended = r#"{"jobId": "J-1", "state": "DONE", "results": [{"ref": "r1", "status": "OK"}]}"#;
    house.write(
        "requests.http",
        &format!("{requests}\n### Vendor answers\n200\n\n{ended}\n"),
    );
    told(&house, 0, &arguments);
}

/// An item of which no transcript tells what comes of it.
#[test]
fn an_item_that_no_transcript_shows_ends_the_dry_run() {
    let house = house("wss", "DELETE /Users/u-1\n");
    house.edit("scripts/wss.rhai", "DELETE_USER", "ERASE_USER");
    let text = told(&house, 1, &["dry-run", "--vendor", "wss", "requests.http"]);
    let stop =
        "no transcript of wss has an answer to a call of this form: POST /accounts/account/jobs";
    assert!(text.contains(stop), "{text}");
}

#[test]
fn another_version_of_a_script_is_compared_before_it_is_live() {
    let house = house("sosafe", &data("life.http"));
    house.copy("scripts/sosafe.rhai", "next/sosafe.rhai");
    let mut against = BY_VENDOR.to_vec();
    against.extend(["--against", "next"]);
    let same = told(&house, 1, &against);
    assert!(same.contains("the same calls"), "{same}");
    house.edit("next/sosafe.rhai", ".cut(120)", ".cut(5)");
    let text = told(&house, 1, &against);
    let changed = text.lines().filter(|line| is_change(line));
    let changed: String = changed.map(|line| format!("{}\n", line.trim())).collect();
    expect![[r#"
        -   "display_name": "Grace Hopper",
        +   "display_name": "Grace",
    "#]]
    .assert_eq(&changed);
    house.edit("next/sosafe.rhai", ".cut(5)", ".cut(");
    let text = told(&house, 78, &against);
    assert!(text.contains("the other version cannot be used"), "{text}");
}

/// A line of a difference, but for entity tags.
fn is_change(line: &str) -> bool {
    let line = line.trim_start();
    (line.starts_with("- ") || line.starts_with("+ ")) && !line.contains("W/")
}

#[test]
fn reads_are_sent_if_allowed_and_nothing_else_ever() {
    for vendor in vendors::ALL {
        let emulator = (vendor.start)(Duration::ZERO).unwrap();
        let house = house(vendor.name, &data("life.http"));
        house.write("tenants/acme.toml", &(vendor.tenant_file)(&emulator));
        let before = emulator.state();
        let arguments = [
            "dry-run",
            "--tenant",
            "acme",
            "requests.http",
            "--format",
            "json",
        ];
        let run: Value = serde_json::from_str(&told(&house, 1, &arguments)).unwrap();
        assert_eq!(run["reads_sent"], 0);
        assert_eq!(emulator.journal().len(), 0, "{}", vendor.name);
        let read = [&arguments[..], &["--read"]].concat();
        let run: Value = serde_json::from_str(&told(&house, 1, &read)).unwrap();
        assert_eq!(run["stopped"], Value::Null, "{run:#}");
        assert!(run["reads_sent"].as_u64().unwrap() >= 1, "{run:#}");
        assert_eq!(
            run["exchanges"][6]["gets"],
            json!({"status": 204, "body": null})
        );
        assert_eq!(emulator.state(), before, "{}", vendor.name);
        assert!(!text_of(run.to_string().as_bytes()).contains("secret"));
    }
}

/// Reads are the vendor's own answers, and what the dry run has changed is shown changed.
#[tokio::test]
async fn what_is_read_is_shown_as_the_dry_run_left_it() {
    let vendor = vendors::named("sosafe").unwrap();
    let stand = Stand::start(vendor, Profile::default(), Duration::ZERO);
    let stand = stand.await.unwrap();
    let adapter = adapters()
        .into_iter()
        .find(|adapter| adapter.name == "sosafe")
        .unwrap();
    let lives = tokio::task::spawn_blocking(move || {
        tried(
            &adapter,
            &Corpus::read(&transcripts(&adapter), &adapter),
            "life",
            &data("life.http"),
        )
    });
    let mut life = lives.await.unwrap();
    life.exchanges.truncate(2);
    let made = answers(&stand, &life).await;
    let id = made[1].1.as_ref().unwrap()["id"].as_str().unwrap();
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "title", "value": "Pilot"}]});
    let house = house(
        "sosafe",
        &format!("GET /Users/{id}\n\n###\nPATCH /Users/{id}\n\n{patch}\n\n###\nGET /Users/{id}\n"),
    );
    house.write("tenants/acme.toml", &(vendor.tenant_file)(&stand.emulator));
    let before = stand.emulator.state();
    let arguments = [
        "dry-run",
        "--tenant",
        "acme",
        "requests.http",
        "--read",
        "--format",
        "json",
    ];
    let run: Value = serde_json::from_str(&told(&house, 0, &arguments)).unwrap();
    let got = |index: usize| &run["exchanges"][index]["gets"]["body"];
    assert_eq!((&run["reads_sent"], &run["writes"]), (&json!(2), &json!(1)));
    assert_eq!(got(0)["displayName"], "Grace Hopper");
    assert_eq!(got(0)["title"], Value::Null);
    assert_eq!(
        (&got(1)["title"], &got(1)["userName"]),
        (&json!("Pilot"), &json!("grace@example.com"))
    );
    assert_eq!(got(2)["title"], "Pilot");
    assert_eq!(stand.emulator.state(), before);
}

/// A new adapter of an API whose paths end in `.json`.
fn house_of_a_new_adapter() -> House {
    let house = House::empty();
    assert!(house.run(&["adapter", "new", "desk"]).status.success());
    for (file, from, to) in [
        ("scripts/desk.rhai", "{segment(id)}`", "{segment(id)}.json`"),
        (
            "tests/vendors/desk/users.http",
            " /users/17\n",
            " /users/17.json\n",
        ),
    ] {
        let path = house.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }
    let played = house.run(&["test", "desk"]);
    assert!(played.status.success(), "{}", text_of(&played.stdout));
    house
}

#[test]
fn ids_are_known_in_paths_that_end_in_json_and_no_null_is_invented() {
    let house = house_of_a_new_adapter();
    house.write(
        "requests.http",
        "### Entra asks\nPOST /Users\n\n\
         {\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \"userName\": \"grace@x.example\", \"active\": true}\n\n\
         ### Entra asks\nGET /Users/{{1}}\n\n\
         ### Entra asks\nPATCH /Users/{{1}}\n\n\
         {\"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"], \
         \"Operations\": [{\"op\": \"Replace\", \"path\": \"active\", \"value\": \"False\"}]}\n\n\
         ### Entra asks\nDELETE /Users/{{1}}\n",
    );
    let text = told(&house, 0, &["dry-run", "--vendor", "desk", "requests.http"]);
    assert!(text.contains("GET /users/990001.json"), "{text}");
    assert!(text.contains("DELETE /users/990001.json"), "{text}");
    assert!(!text.contains("null"), "{text}");
}

#[test]
fn an_adapter_with_mistakes_is_not_said_to_be_missing() {
    let house = house_of_a_new_adapter();
    house.edit("adapters/desk.toml", "title = ", "titel = ");
    house.write("asked.http", "### find\nGET /Users/1\n");
    for verb in [
        &["dry-run", "--vendor", "desk", "asked.http"][..],
        &["test", "desk"],
        &["adapter", "show", "desk"],
    ] {
        let output = house.run(verb);
        let said = text_of(&output.stdout) + text_of(&output.stderr).as_str();
        assert_eq!(output.status.code(), Some(78), "{verb:?}: {said}");
        let cause = "there is no key `titel`";
        let told = "scimgate: the adapter desk cannot be used: ";
        assert!(
            said.contains(cause) && said.contains(told),
            "{verb:?}: {said}"
        );
    }
    // What is wrong elsewhere is not the reason that there is no such adapter.
    let output = house.run(&["dry-run", "--vendor", "desc", "asked.http"]);
    let said = text_of(&output.stderr);
    assert!(
        said.starts_with("scimgate: there is no adapter desc"),
        "{said}"
    );
}

/// The path is the manifest's, and no person's value.
#[test]
fn a_cause_names_the_path_of_graphql() {
    let house = House::of_vendor("wedo");
    house.write(
        "asked.http",
        "### Entra asks\nGET /Users?filter=userName%20eq%20%22ada%40example.com%22\n\n### Vendor answers\n500\n",
    );
    let output = house.run(&["dry-run", "--vendor", "wedo", "asked.http"]);
    let told = text_of(&output.stdout);
    assert!(
        told.contains(": POST /graphql: the vendor answered 500"),
        "{told}"
    );
}

#[test]
fn a_script_may_bring_its_manifest() {
    let house = house("sosafe", &data("life.http"));
    house.copy("adapters/sosafe.toml", "next/sosafe.toml");
    house.edit("next/sosafe.toml", "size = 250", "size = 25");
    let manifest = ["--manifest", "next/sosafe.toml"];
    for other in [manifest, ["--against", "next"]] {
        let text = told(&house, 1, &[&BY_VENDOR[..], &other].concat());
        assert!(!text.contains("cannot be used"), "{text}");
    }
    house.edit("next/sosafe.toml", "size = 25", "size = \"x\"");
    let text = told(&house, 78, &[&BY_VENDOR[..], &manifest].concat());
    assert!(text.contains("next/sosafe.toml"), "{text}");
    let text = told(
        &house,
        78,
        &[&BY_VENDOR[..], &["--against", "scripts/none"]].concat(),
    );
    assert!(
        text.contains("has neither sosafe.rhai nor sosafe.toml"),
        "{text}"
    );
}

/// At the admin port it runs beside what is served, each script of it up to its own limit.
#[test]
fn a_dry_run_ends_when_its_time_is_over() {
    let house = House::of_sosafe();
    let endless = "fn get_user(id) { loop { }";
    house.edit("scripts/sosafe.rhai", "fn get_user(id) {", endless);
    let (catalog, _) = catalog::load(&Sources {
        has_built_in: false,
        adapters: house.path().join("adapters"),
        scripts: house.path().join("scripts"),
        tenants: None,
    });
    let requests = "GET /Users/1\n\n###\n".repeat(40);
    let requests = Requests::parse("requests", &requests).unwrap();
    let subject = Subject::of_adapter(&catalog.adapters["sosafe"], &requests).unwrap();
    let means = || Means {
        corpus: Corpus::default(),
        memory: Arc::new(Store::in_memory().unwrap()),
        reads: None,
        time: Some(Duration::from_millis(700)),
    };
    let told = dry_run::run_alone(&subject, &requests, means).unwrap();
    assert!(told.not_reached > 20, "{}", told.not_reached);
    let stopped = told.stopped.unwrap_or_default();
    assert!(
        stopped.starts_with("The time of a dry run is over"),
        "{stopped}"
    );
}
