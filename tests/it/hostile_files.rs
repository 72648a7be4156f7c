//! Whatever a file holds, judging it ends soon, takes a bounded amount of memory, and ends neither
//! the command nor the gateway: so nothing is judged in a process of its own.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::admin::until;
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// Memory that a command may take, in bytes: fibers' stacks are counted whole.
const MOST: &str = "1073741824";

/// Unoptimised, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const SCRIPT: &str = "scripts/example.rhai";
const MANIFEST: &str = "adapters/example.toml";
const TRANSCRIPT: &str = "tests/vendors/example/read.http";
const TENANT: &str = "tenants/acme.toml";

/// A file, and what it holds beside what it should.
struct Hostile {
    file: &'static str,
    what: &'static str,
    text: fn(String) -> String,
}

/// A function that nests so deep, or is so long.
macro_rules! function {
    ($what:literal, $before:literal, $times:literal, $between:literal, $after:literal) => {
        Hostile {
            file: SCRIPT,
            what: $what,
            text: |text| {
                let (before, after) = ($before.repeat($times), $after.repeat($times));
                format!("{text}\nfn hostile(a) {{ {before}{}{after} }}\n", $between)
            },
        }
    };
}

/// A table that does this when it is evaluated.
macro_rules! table {
    ($statement:literal) => {
        Hostile {
            file: SCRIPT,
            what: $statement,
            text: |text| {
                text.replace(
                    "fn user_attributes() {",
                    concat!("fn user_attributes() { ", $statement),
                )
            },
        }
    };
}

macro_rules! hostile {
    ($file:ident, $what:literal, $text:expr) => {
        Hostile {
            file: $file,
            what: $what,
            text: $text,
        }
    };
}

const FILES: &[Hostile] = &[
    function!("parentheses", "(", 30_000, "1", ")"),
    function!("arrays", "[", 30_000, "", "]"),
    function!("maps", "#{a:", 12_000, "1", "}"),
    function!("negations", "!", 60_000, "true", ""),
    function!("sums", "1+", 30_000, "1", ""),
    function!("members", "", 1, "a", ".b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b"),
    function!("branches", "if true {", 5_000, "", "}"),
    function!("blocks", "{", 30_000, "", "}"),
    function!("variables", "let a=1;", 7_500, "", ""),
    function!("closures", "|a|", 20_000, "1", ""),
    function!("interpolations", "`${", 12_000, "1", "}`"),
    function!("calls", "f(", 20_000, "1", ")"),
    function!("tries", "try {", 3_000, "", "} catch {}"),
    hostile!(SCRIPT, "comments", |text| format!(
        "{text}{}",
        "/*".repeat(30_000)
    )),
    hostile!(SCRIPT, "a constant", |text| {
        format!(
            "const A = {}{};\n{text}",
            "[".repeat(20_000),
            "]".repeat(20_000)
        )
    }),
    table!("loop {}"),
    table!("user_attributes();"),
    table!("let s = \"ab\"; loop { s += s; }"),
    table!("let s = [1]; loop { s += s; }"),
    table!("let s = [1]; loop { s = [s]; }"),
    table!("let s = #{}; loop { s = #{ a: s }; }"),
    table!(
        "let a=[Fn(\"zz\")]; let n=0; while n<60000 { a.push(Fn(\"zz\").curry([[[a.pop()]]])); n+=1; }"
    ),
    table!("let s = []; loop { s.push(|x| x); }"),
    table!("let s = \"ab\"; while s.len() < 2000000 { s += s; } throw s;"),
    table!("let s = \"a\"; while s.len() < 100000 { s += s; } s.replace(\"a\", s);"),
    table!("let s = \"\"; s.pad(9223372036854775807, 'x');"),
    table!("for i in 0..9223372036854775807 {}"),
    table!(
        "let s = []; for n in 0..5000 { s.push(n); } loop { s.sort(|a, b| if a > b { -1 } else { 1 }); }"
    ),
    table!("sleep(9223372036854775807);"),
    table!("loop { print(\"x\"); }"),
    hostile!(SCRIPT, "rows", |text| {
        let rows = "attr(\"title\", \"job_title\"),".repeat(2_000);
        text.replacen("    [", &format!("    [{rows}"), 1)
    }),
    hostile!(SCRIPT, "a row's converter", |text| {
        text.replacen(
            "attr(\"title\"",
            "attr(\"nickName\").to(|x| { loop {} }), attr(\"title\"",
            1,
        )
    }),
    hostile!(MANIFEST, "arrays", |text| {
        format!("x = {}{}\n{text}", "[".repeat(100_000), "]".repeat(100_000))
    }),
    hostile!(MANIFEST, "tables", |text| {
        format!(
            "x = {}1{}\n{text}",
            "{a=".repeat(50_000),
            "}".repeat(50_000)
        )
    }),
    hostile!(MANIFEST, "dotted keys", |text| format!(
        "{}a = 1\n{text}",
        "a.".repeat(100_000)
    )),
    hostile!(MANIFEST, "error rows", |text| {
        format!(
            "{text}\n{}",
            "[[replies.errors]]\nmeans=\"ok\"\n".repeat(6_000)
        )
    }),
    hostile!(MANIFEST, "a pattern", |text| {
        let text = format!("{text}\n[[replies.errors]]\nmeans = \"ok\"\n");
        format!("{text}text = \"{}\"\n", "*a".repeat(50_000))
    }),
    hostile!(TRANSCRIPT, "a body", |text| {
        format!(
            "{text}\n### Entra asks\nPOST /Users\n\n{}{}\n",
            "[".repeat(90_000),
            "]".repeat(90_000)
        )
    }),
    hostile!(TRANSCRIPT, "an answer", |text| {
        let body = format!("{}1{}", "{\"a\":".repeat(30_000), "}".repeat(30_000));
        text.replacen(
            "### Vendor answers\n200\n\n{",
            &format!("### Vendor answers\n200\n\n{body}{{"),
            1,
        )
    }),
    hostile!(TRANSCRIPT, "requests", |text| format!(
        "{text}{}",
        "\n### Entra asks\nGET /Users/7\n".repeat(5_000)
    )),
    hostile!(TRANSCRIPT, "a filter", |text| {
        format!(
            "{text}\n### Entra asks\nGET /Users?filter={}\n",
            "(".repeat(50_000)
        )
    }),
    hostile!(TENANT, "arrays", |text| {
        format!("x = {}{}\n{text}", "[".repeat(100_000), "]".repeat(100_000))
    }),
    hostile!(TENANT, "settings", |text| {
        let settings: String = (0..15_000).map(|n| format!("a{n} = 1\n")).collect();
        format!("{text}\n[more]\n{settings}")
    }),
];

fn house() -> House {
    let house = House::of_example();
    house.copy("tests/data/example.http", TRANSCRIPT);
    house.write(
        TENANT,
        "adapter = \"example\"\nbase_url = \"http://127.0.0.1:1/\"\nsettings = { region = \"eu\" }\n\
         credential = { token = { value = \"x\" } }\n",
    );
    house
}

fn edit(house: &House, hostile: &Hostile) {
    let path = house.path().join(hostile.file);
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = (hostile.text)(text.clone());
    assert_ne!(edited, text, "{}", hostile.what);
    std::fs::write(path, edited).unwrap();
}

#[test]
fn no_file_ends_the_command_that_judges_it() {
    for hostile in FILES {
        let house = house();
        edit(&house, hostile);
        let check = house.command(&["check"]);
        let mut limited = Command::new("prlimit");
        limited.args(["--core=0"]);
        limited
            .arg(format!("--data={MOST}"))
            .arg(check.get_program())
            .args(check.get_args());
        limited.current_dir(house.path()).env_clear();
        limited.envs(
            check
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let began = Instant::now();
        let output = limited.output().unwrap();
        let (what, told) = (hostile.what, text_of(&output.stdout));
        let code = output.status.code();
        assert!(
            code == Some(0) || code == Some(1),
            "{} with {what}: {:?} {}",
            hostile.file,
            output.status,
            text_of(&output.stderr)
        );
        assert!(began.elapsed() < PATIENCE, "{what}: {:?}", began.elapsed());
        assert!(
            told.lines().count() < 200,
            "{what}: {} lines",
            told.lines().count()
        );
    }
}

#[test]
fn no_file_ends_the_gateway_that_serves() {
    let house = house();
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[catalog]\nwatch = \"off\"\n",
    );
    let mut served = Served::start(&house);
    for file in [SCRIPT, MANIFEST, TRANSCRIPT, TENANT] {
        let good = std::fs::read_to_string(house.path().join(file)).unwrap();
        for hostile in FILES.iter().filter(|hostile| hostile.file == file) {
            edit(&house, hostile);
            let mut reload = house.command(&["-c", "scimgate.toml", "reload"]);
            let told = reload
                .env("SCIMGATE_ADMIN", &served.admin)
                .output()
                .unwrap();
            let errors = text_of(&told.stderr);
            assert_ne!(told.status.code(), Some(69), "{}: {errors}", hostile.what);
            house.write(file, &good);
        }
    }
    let ready = crate::harness::Request::new("GET", "/readyz");
    until("ready", || Served::send(&served.ops, &ready).status == 200);
    served.terminate();
}
