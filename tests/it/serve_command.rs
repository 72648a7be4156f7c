//! `scimgate serve` and `scimgate token` as processes: a token that was printed
//! opens what is served, and SIGTERM ends it well.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use expect_test::expect;
use scimgate::demo::emulator::sosafe;

use crate::harness::{Connection, Request, Response};
use crate::house::{House, text_of};

#[test]
fn a_token_that_was_minted_opens_what_is_served() {
    let vendor = sosafe::start(sosafe::Options::default()).unwrap();
    let house = House::of_sosafe();
    house.tenant(
        "acme",
        vendor.base_url(),
        &sosafe::Client::default().api_key,
    );
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let mut served = Served::start(&house);
    let minted = house
        .command(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"])
        .env("SCIMGATE_SERVER__PUBLIC_URL", &served.origin)
        .output()
        .unwrap();
    assert_eq!(minted.status.code(), Some(0), "{}", text_of(&minted.stderr));
    let minted = text_of(&minted.stdout);
    let line = |name: &str| {
        let line = minted.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {minted}"))
            .trim()
            .to_owned()
    };
    let (url, token) = (line("Tenant URL:"), line("Secret Token:"));
    assert_eq!(url, format!("{}/t/acme/scim/v2", served.origin));
    let path = url.strip_prefix(&served.origin).unwrap();
    let found = served.get(
        &format!("{path}/Users?filter=userName+eq+%22nobody%22"),
        &token,
    );
    assert_eq!(found.status, 200, "{found}");
    assert_eq!(found.json()["totalResults"], 0);
    assert_eq!(served.get(&format!("{path}/Users"), "scg_no").status, 401);
    let log = served.terminate();
    assert!(!log.contains(&token) && !log.contains("nobody"), "{log}");
}

#[test]
fn it_writes_no_core_dump_and_no_colours_into_a_file() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"text\"\n",
    );
    let mut served = Served::start(&house);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", served.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<_> = core.unwrap().split_whitespace().skip(4).take(2).collect();
    assert_eq!(core, ["0", "0"]);
    let log = served.terminate();
    assert!(log.contains("INFO") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn a_token_for_nobody_is_refused_with_the_file_to_make() {
    let output = House::empty().run(&["token", "mint", "--tenant", "acme"]);
    assert_eq!(output.status.code(), Some(78));
    let said = text_of(&output.stderr);
    assert!(said.contains("there is no tenant acme"), "{said}");
    assert!(said.contains("tenants/acme.toml is missing"), "{said}");
}

#[test]
fn a_filter_of_log_lines_that_is_none_is_told_once_in_plain_words() {
    let house = House::of_sosafe();
    std::fs::create_dir(house.path().join("tenants")).unwrap();
    house.variable("SCIMGATE_LOG__FILTER", "blah=foo=x");
    for command in [&["serve"][..], &["check", "--start", "--no-transcripts"]] {
        let output = house.run(command);
        let said = text_of(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{command:?}: {said}");
        assert!(
            said.contains("log.filter: \"blah=foo=x\" cannot be read; "),
            "{command:?}: {said}"
        );
        assert!(!said.contains("error parsing"), "{command:?}: {said}");
    }
}

#[test]
fn where_all_customers_of_a_vendor_have_one_url_that_is_printed() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let webroot = include_str!("../../adapters/webroot.toml");
    house.write("adapters/webroot.toml", webroot);
    let site = "adapter = \"webroot\"\nbase_url = \"https://webroot.example\"\n";
    house.write("tenants/site.toml", site);
    let mint = |tenant: &str, public_url: &str| {
        let mut command = house.command(&["token", "mint", "--tenant", tenant]);
        let output = command.env("SCIMGATE_SERVER__PUBLIC_URL", public_url);
        let output = output.output().unwrap();
        let first = text_of(&output.stdout);
        let first = first.lines().next().unwrap_or_default().to_owned();
        (first, text_of(&output.stderr))
    };
    let none = String::new();
    assert_eq!(
        mint("site", "https://scim.example.com"),
        (
            "Tenant URL:   https://scim.example.com/scim/v2".to_owned(),
            none.clone()
        )
    );
    assert_eq!(
        mint("acme", "https://scim.example.com"),
        (
            "Tenant URL:   https://scim.example.com/t/acme/scim/v2".to_owned(),
            none
        )
    );
    let (_, warnings) = mint("acme", "http://localhost:8080/gate");
    expect![[r#"
        warning: Entra calls from the internet and cannot reach localhost, a name of this machine or network; set server.public_url to the https address that Entra calls
        warning: Entra takes only https; write server.public_url with https://
        warning: server.public_url has the path /gate, which the gateway does not know: whatever stands in front must take it away from each request; without that, leave the path out
    "#]]
    .assert_eq(&warnings);
}

/// What is in the file is known in memory: two would each miss what the other one writes.
#[test]
fn a_second_process_on_one_store_file_is_refused_and_a_start_is_tried_by_check() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let free = "[server]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"\"\n[admin]\nlisten = \"\"\n";
    house.write("scimgate.toml", free);
    let said = |arguments: &[&str]| {
        let output = house.run(&[&["-c", "scimgate.toml"], arguments].concat());
        (output.status.code(), text_of(&output.stderr))
    };
    let check = ["check", "--no-transcripts", "--start"];
    assert_eq!(said(&check), (Some(0), String::new()));
    let mut served = Served::start(&house);
    for command in [&check[..], &["serve"]] {
        let (status, said) = said(command);
        assert_eq!(status, Some(78), "{said}");
        assert!(said.contains("another scimgate serves from "), "{said}");
    }
    assert_eq!(said(&["token", "mint", "--tenant", "acme"]).0, Some(0));
    let taken = served.origin.trim_start_matches("http://");
    house.write(
        "taken.toml",
        &format!(
            "{}[store]\npath = \"other.db\"\n",
            free.replace("127.0.0.1:0", taken)
        ),
    );
    let output = house.run(&["-c", "taken.toml", "check", "--no-transcripts", "--start"]);
    let said = text_of(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(
        said.contains("is taken, perhaps by another scimgate"),
        "{said}"
    );
    served.terminate();
    Served::start(&house).terminate();
}

/// A new pepper would turn every tenant's Entra away with 401.
#[test]
fn tokens_without_their_pepper_keep_the_gateway_from_starting() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let mint = ["token", "mint", "--tenant", "acme"];
    assert_eq!(house.run(&mint).status.code(), Some(0));
    std::fs::remove_file(house.path().join("state/scimgate.pepper")).unwrap();
    for command in [&mint[..], &["serve"]] {
        let output = house.run(command);
        assert_eq!(output.status.code(), Some(78), "{command:?}");
        let told = text_of(&output.stderr);
        assert!(
            told.contains("scimgate.pepper is missing") && told.contains("backup"),
            "{told}"
        );
    }
}

#[test]
fn a_broken_adapter_does_not_keep_others_from_being_served() {
    let house = House::of_sosafe();
    house.write("adapters/broken.toml", "title =");
    house.write("scripts/broken.rhai", "");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let mut served = Served::start(&house);
    assert_eq!(served.get("/scim/v2/Users", "scg_no").status, 401);
    let log = served.terminate();
    let told = log
        .lines()
        .find(|line| line.contains("broken.toml"))
        .unwrap();
    let told: serde_json::Value = serde_json::from_str(told).unwrap();
    assert_eq!(told["fields"]["code"], "manifest::invalid", "{log}");
    assert_eq!(told["fields"]["line"], 1, "{log}");
}

#[test]
fn a_tenant_with_mistakes_is_never_told_that_its_token_is_bad() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&minted.stdout);
    let token = minted.split_whitespace().last().unwrap();
    house.edit("tenants/acme.toml", "\"sosafe\"", "\"sosaf\"");
    let mut served = Served::start(&house);
    let answer = served.get("/scim/v2/Users", token);
    assert_eq!(answer.status, 503, "{answer}");
    assert_eq!(answer.header("retry-after"), "60");
    served.terminate();
    std::fs::remove_file(house.path().join("tenants/acme.toml")).unwrap();
    let mut served = Served::start(&house);
    assert_eq!(served.get("/scim/v2/Users", token).status, 401);
    served.terminate();
}

#[test]
fn without_the_tenants_directory_nothing_is_served() {
    let output = House::of_sosafe().run(&["serve"]);
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(
        text_of(&output.stderr),
        "scimgate: catalog.tenants: tenants is not a directory; make it, with a file for each tenant, \
         or name another one\n"
    );
}

#[test]
fn a_token_is_listed_and_revoked() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let run = |arguments: &[&str]| {
        let output = house.run(&[&["-c", "scimgate.toml", "token"], arguments].concat());
        (
            output.status.code(),
            text_of(&output.stdout),
            text_of(&output.stderr),
        )
    };
    let (_, minted, _) = run(&["mint", "--tenant", "acme"]);
    let token = minted.split_whitespace().last().unwrap();
    let key = token.get(4..12).unwrap();
    let (_, listed, _) = run(&["list", "--tenant", "acme"]);
    assert!(
        listed.lines().any(|line| line.starts_with(key)) && listed.ends_with("valid\n"),
        "{listed}"
    );
    assert!(!listed.contains(token), "{listed}");
    let mut served = Served::start(&house);
    assert_eq!(served.get("/scim/v2/Schemas", token).status, 200);
    let (status, ..) = run(&["revoke", "--tenant", "other", "--key", key]);
    assert_eq!(status, Some(78));
    assert_eq!(served.get("/scim/v2/Schemas", token).status, 200);
    let (status, ..) = run(&["revoke", "--tenant", "acme", "--key", key]);
    assert_eq!(status, Some(0));
    let patience = Instant::now() + Duration::from_secs(5);
    while served.get("/scim/v2/Schemas", token).status != 401 {
        assert!(Instant::now() < patience, "the token still works");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    served.terminate();
    let (_, listed, _) = run(&["list", "--tenant", "acme"]);
    assert!(listed.ends_with("the token is revoked\n"), "{listed}");
}

#[test]
fn a_client_secret_is_printed_once_and_ends_like_a_token() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let run = |arguments: &[&str]| house.run(&[&["token"], arguments].concat());
    let minted = run(&["mint", "--tenant", "acme", "--oauth"]);
    let minted = text_of(&minted.stdout);
    let lines: Vec<_> = minted.lines().filter_map(|it| it.split_once(':')).collect();
    let names: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
    let fields = [
        "Tenant URL",
        "Token Endpoint",
        "Client ID",
        "Client Secret",
        "Valid until",
    ];
    assert_eq!(names, fields, "{minted}");
    let value = |place: usize| lines[place].1.trim();
    assert_eq!(value(1), format!("{}/oauth2/token", value(0)));
    assert_eq!(value(2), "acme");
    let secret = value(3);
    assert!(secret.starts_with("scs_") && secret.len() == 62, "{minted}");
    let listed = text_of(&run(&["list", "--tenant", "acme"]).stdout);
    let key = &secret[4..12];
    assert!(
        listed.contains(key) && listed.contains("client_secret") && !listed.contains(secret),
        "{listed}"
    );
    let short = run(&["mint", "--tenant", "acme", "--oauth", "--expires", "90d"]);
    assert_eq!(short.status.code(), Some(78));
    assert!(text_of(&short.stderr).contains("365 to 1096 days"));
    let revoked = run(&["revoke", "--tenant", "acme", "--key", key]);
    assert_eq!(revoked.status.code(), Some(0));
    let listed = text_of(&run(&["list", "--tenant", "acme"]).stdout);
    assert!(listed.contains("revoked"), "{listed}");
}

#[test]
fn a_token_can_end_by_itself() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let run = |arguments: &[&str]| house.run(&[&["token"], arguments].concat());
    let none = run(&["list", "--tenant", "acme"]);
    assert_eq!(
        text_of(&none.stderr),
        "tenant acme has no tokens; `scimgate token mint` makes one\n"
    );
    let ninety = ["mint", "--tenant", "acme", "--expires", "90d"];
    assert_eq!(run(&ninety).status.code(), Some(0));
    let listed = text_of(&run(&["list", "--tenant", "acme"]).stdout);
    assert!(
        listed.contains("EXPIRES") && listed.ends_with("Z  valid\n"),
        "{listed}"
    );
    for never in ["soon", "0d"] {
        let never = run(&["mint", "--tenant", "acme", "--expires", never]);
        assert_eq!(never.status.code(), Some(2));
    }
}

#[test]
fn the_environment_names_the_configuration_too() {
    let house = House::of_sosafe();
    house.write("other.toml", "[catalog]\ntenants = \"nowhere\"\n");
    let mut command = house.command(&["serve"]);
    let output = command
        .env("SCIMGATE_CONFIG", "other.toml")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(text_of(&output.stderr).contains("nowhere"));
}

#[test]
fn a_reason_is_told_once() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let mut command = house.command(&["serve"]);
    let output = command
        .env("SCIMGATE_STORE__PATH", "/dev/null/db")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let told = text_of(&output.stderr);
    assert_eq!(told.matches("cannot create /dev/null").count(), 1, "{told}");
    assert!(told.starts_with("scimgate: store.path: "), "{told}");
}

/// `scimgate serve` as a process.
pub(crate) struct Served {
    process: Child,
    /// Read all the time: a full pipe would hold the process up.
    log: Option<JoinHandle<String>>,
    pub(crate) origin: String,
    /// `http://…` of probes and metrics; empty if there are none.
    pub(crate) ops: String,
    /// `http://…` of administration; empty if there is none.
    pub(crate) admin: String,
}

impl Served {
    pub(crate) fn start(house: &House) -> Self {
        Self::of(house.command(&["-c", "scimgate.toml", "serve"]))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap());
        // All that is announced is announced at once.
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let rest = String::from_utf8(output.buffer().to_vec()).unwrap();
        let url = line.trim().strip_prefix("scimgate is listening on ");
        let origin = url.and_then(|url| url.strip_suffix("/scim/v2"));
        let origin = origin.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        let side = |begin: &str, end: &str| {
            let line = rest.lines().find_map(|line| line.strip_prefix(begin));
            let url = line.and_then(|url| url.strip_suffix(end));
            url.unwrap_or_default().to_owned()
        };
        Self {
            process,
            log: Some(log),
            origin,
            ops: side("probes and metrics: ", "/readyz"),
            admin: side("administration: ", "/admin/v1"),
        }
    }

    pub(crate) fn get(&self, target: &str, token: &str) -> Response {
        let request =
            Request::new("GET", target).header("Authorization", &format!("Bearer {token}"));
        Self::send(&self.origin, &request)
    }

    /// One request to a port of it.
    pub(crate) fn send(origin: &str, request: &Request) -> Response {
        let address = origin.trim_start_matches("http://").parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut connection = Connection::open(address).await;
            connection.send(request).await
        })
    }

    /// Processor time that it has taken so far, in hundredths of a second.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let times = rest.split_whitespace().skip(11).take(2);
        Duration::from_millis(
            10 * times
                .map(|ticks| ticks.parse::<u64>().unwrap())
                .sum::<u64>(),
        )
    }

    /// Sends a signal: `HUP`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.process.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.unwrap().success());
    }

    /// Sends SIGTERM, asserts a good end and gives the log.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> String {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for a good end and gives the log.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> String {
        let patience = Instant::now() + Duration::from_secs(10);
        while self.process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < patience, "it does not end");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        self.log.take().unwrap().join().unwrap()
    }

    /// Ends it with SIGKILL, in the middle of what it does, and gives the log.
    pub(crate) fn kill(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.log.take().unwrap().join().unwrap()
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Only if the test failed before it was terminated.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
