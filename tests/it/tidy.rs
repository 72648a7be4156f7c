//! The rules of the house that no compiler holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The parts of the house in the order of their dependencies (lib.rs): each may
/// use those after it.
const CHAIN: &[&str] = &[
    "cli",
    "gateway",
    "server",
    "catalog",
    "tenant",
    "provisioning",
    "adapter",
    "script",
    "scim",
    "problem",
];

/// What goes beyond [`CHAIN`]: who uses whom, and why.
const ARROWS: &[(&str, &str, &str)] = &[
    ("dry_run", "provisioning", "it plays requests"),
    ("dry_run", "script", "it is a vendor for scripts"),
    ("script", "convert", "scripts may call converters"),
    ("store", "provisioning", "it implements Memory"),
    (
        "telemetry",
        "provisioning",
        "it implements the stories' Witness, and knows what only traces show",
    ),
    ("transcript", "provisioning", "it plays requests"),
    ("transcript", "script", "it is a vendor for scripts"),
    ("vendor", "provisioning", "it notes its calls in the story"),
    ("vendor", "script", "it implements Backend"),
    (
        "adapter",
        "convert",
        "the table's converters are values of their own",
    ),
    ("cli", "config", "verbs read the configuration"),
    ("cli", "demo", "`demo` is a verb"),
    ("cli", "probe", "`probe` is a verb"),
    ("cli", "vendor", "`probe` trusts whom the gateway trusts"),
    (
        "cli",
        "store",
        "`log` and `explain` read the provisioning log",
    ),
    (
        "cli",
        "telemetry",
        "what the gateway tells of itself is set up by the command line only",
    ),
    ("cli", "dry_run", "`dry-run` is a verb"),
    ("cli", "store", "a dry run reads what is remembered"),
    ("cli", "transcript", "`test` is a verb"),
    ("cli", "vendor", "a dry run may read from the vendor"),
    ("dry_run", "adapter", "it knows what a vendor declares"),
    (
        "dry_run",
        "problem",
        "files are read alike wherever they are",
    ),
    ("dry_run", "scim", "it tells how requests are understood"),
    ("dry_run", "tenant", "a dry run is of a tenant"),
    (
        "dry_run",
        "transcript",
        "transcripts tell how vendors answer",
    ),
    (
        "config",
        "catalog",
        "the catalog says how its files can be watched",
    ),
    (
        "config",
        "problem",
        "mistakes are told alike wherever they are",
    ),
    ("dry_run", "problem", "what is wrong with its requests"),
    (
        "demo",
        "catalog",
        "the demonstration loads through the one door",
    ),
    (
        "demo",
        "config",
        "the demonstration runs a gateway of its own",
    ),
    (
        "demo",
        "gateway",
        "the demonstration runs a gateway of its own",
    ),
    (
        "demo",
        "server",
        "the demonstration stops the gateway it started",
    ),
    ("demo", "scim", "the demonstration chooses a profile"),
    ("demo", "tenant", "the demonstration mints tokens"),
    ("demo", "adapter", "the demonstration names tenants"),
    (
        "gateway",
        "config",
        "the parts are put together as configured",
    ),
    (
        "gateway",
        "dry_run",
        "administrators try requests out on what runs",
    ),
    ("gateway", "store", "the parts are put together here"),
    (
        "gateway",
        "transcript",
        "a changed vendor is served when its transcripts hold",
    ),
    ("gateway", "vendor", "the parts are put together here"),
    (
        "store",
        "adapter",
        "what it keeps is named by tenant and id",
    ),
    ("store", "scim", "what it keeps is named by resource type"),
    ("store", "tenant", "it implements the tokens' book"),
    ("gateway", "telemetry", "what happens is counted"),
    ("telemetry", "adapter", "what is told names its tenant"),
    ("telemetry", "config", "log lines are as configured"),
    (
        "telemetry",
        "server",
        "it implements the server's RequestObserver",
    ),
    (
        "telemetry",
        "vendor",
        "it implements the vendor's CallObserver",
    ),
    (
        "transcript",
        "problem",
        "mistakes are told alike wherever they are",
    ),
    (
        "transcript",
        "adapter",
        "a transcript is played against an adapter",
    ),
    ("transcript", "scim", "a transcript holds SCIM requests"),
    (
        "transcript",
        "server",
        "a transcript's answers are those the server gives",
    ),
    (
        "transcript",
        "store",
        "a transcript is played with a store in memory",
    ),
    (
        "vendor",
        "adapter",
        "limits and credentials are as the manifest says",
    ),
];

/// Vendors are data. Their names are in no code but the demonstration's.
const VENDORS: &[&str] = &[
    "sosafe",
    "webroot",
    "broadcom",
    "wedo",
    "palo alto",
    "paloalto",
    "wss",
    "symantec",
];

/// Where a vendor's name stands in code all the same.
const VENDOR_NAMED: &[(&str, &str)] = &[(
    "src/cli/demo.rs",
    "the demonstration begins with one vendor",
)];

/// Calls that panic in theory: the file, a part of the line, and why they cannot.
const SURE: &[(&str, &str, &str)] = &[
    (
        "src/config.rs",
        "config.default.toml is complete",
        "the file is compiled in and a test reads it",
    ),
    (
        "src/scim/leaf.rs",
        "made a list above",
        "two lines before, it is made",
    ),
    (
        "src/scim/resource.rs",
        "made an object above",
        "two lines before, it is made",
    ),
    (
        "src/scim/schema/resource_type.rs",
        "a schema definition of RFC 7643",
        "the files are compiled in and a test reads them",
    ),
];

/// The longest a file may be that is read from top to bottom.
const LINES: usize = 600;

/// Crates whose older versions have advisories or holes: the least version.
const FLOORS: &[(&str, [u64; 3])] = &[
    ("crossbeam-channel", [0, 5, 15]),
    ("h2", [0, 4, 16]),
    ("hyper", [1, 12, 0]),
    ("idna", [1, 0, 0]),
    ("moka", [0, 12, 16]),
    ("ring", [0, 17, 12]),
    ("rustls", [0, 23, 45]),
    ("rustls-webpki", [0, 103, 13]),
    ("serde_json", [1, 0, 154]),
    ("tokio", [1, 23, 1]),
    ("tracing-subscriber", [0, 3, 20]),
];

/// Crates that are unmaintained, unsound or bring a second TLS.
const BANNED: &[&str] = &[
    "atty",
    "bincode",
    "native-tls",
    "openssl",
    "openssl-sys",
    "serde_yaml",
    "serde_yml",
];

/// A source file, without what is only compiled for tests.
struct Source {
    /// From the root of the repository: `src/scim/mod.rs`.
    path: String,
    code: String,
    lines: usize,
}

impl Source {
    /// `scim` of `src/scim/mod.rs` and of `src/scim.rs`.
    fn part(&self) -> &str {
        let below = self.path.trim_start_matches("src/");
        below.split(['/', '.']).next().unwrap_or_default()
    }

    /// Number and text of each line that is no comment.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self
            .code
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of `src` that is not a test.
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root().join("src"), &mut paths);
    let tests: BTreeSet<PathBuf> = paths.iter().flat_map(|path| test_modules(path)).collect();
    let is_test = |path: &PathBuf| path.ancestors().any(|above| tests.contains(above));
    paths.retain(|path| !is_test(path) && !is_test(&path.with_extension("")));
    paths.iter().map(|path| read(path)).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The modules a file has for tests only, in files of their own: their paths
/// without extension.
fn test_modules(path: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(path).unwrap();
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let home = if matches!(stem, "mod" | "lib" | "main") {
        path.parent().unwrap().to_owned()
    } else {
        path.with_extension("")
    };
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines
        .windows(2)
        .filter(|pair| pair[0].trim() == "#[cfg(test)]");
    let names = pairs.filter_map(|pair| {
        let (_, name) = pair[1].trim().strip_suffix(';')?.rsplit_once("mod ")?;
        Some(home.join(name))
    });
    names.collect()
}

/// A file up to its tests, which stand last.
fn read(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap();
    let tests = text.match_indices("#[cfg(test)]\n").find(|(start, mark)| {
        let after = &text[start + mark.len()..];
        let module = after.lines().find(|line| !line.starts_with("#["));
        module.is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    });
    let end = tests.map_or(text.len(), |(start, _)| start);
    Source {
        path: path
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned(),
        lines: text.lines().count(),
        code: text[..end].to_owned(),
    }
}

#[track_caller]
fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code_lines() {
            for used in parts_used(line) {
                if !may_use(source.part(), used) {
                    wrong.push(format!(
                        "{}:{number}: {} uses {used}",
                        source.path,
                        source.part()
                    ));
                }
            }
        }
    }
    none("arrows that are neither in CHAIN nor in ARROWS", wrong);
}

/// The parts of the house that a line names: `crate::adapter::…`, and those of
/// `crate::{…}`.
fn parts_used(line: &str) -> Vec<&str> {
    let names = line
        .split("crate::")
        .skip(1)
        .map(|rest| rest.trim_start_matches('{'));
    names
        .filter_map(|rest| {
            rest.split(|c: char| !(c.is_ascii_lowercase() || c == '_'))
                .next()
        })
        .collect()
}

fn may_use(user: &str, used: &str) -> bool {
    let place = |part| CHAIN.iter().position(|it| *it == part);
    let along = matches!((place(user), place(used)), (Some(user), Some(used)) if user < used);
    user == used
        || along
        || ARROWS
            .iter()
            .any(|(from, to, _)| (*from, *to) == (user, used))
}

#[test]
fn no_arrow_is_listed_that_nobody_goes() {
    let sources = sources();
    let mut unused = Vec::new();
    for (from, to, _) in ARROWS {
        let goes = |source: &Source| {
            source.part() == *from
                && source
                    .code_lines()
                    .any(|(_, line)| parts_used(line).contains(to))
        };
        if !sources.iter().any(goes) {
            unused.push(format!("{from} -> {to}"));
        }
    }
    none("arrows without use", unused);
}

#[test]
fn a_vendor_is_data() {
    let mut named = Vec::new();
    for source in sources().iter().filter(|source| source.part() != "demo") {
        if VENDOR_NAMED.iter().any(|(path, _)| *path == source.path) {
            continue;
        }
        for (number, line) in source.code_lines() {
            let line = line.to_lowercase();
            if let Some(vendor) = VENDORS.iter().find(|vendor| line.contains(**vendor)) {
                named.push(format!("{}:{number}: {vendor}", source.path));
            }
        }
    }
    none("vendors in code", named);
}

#[test]
fn nothing_a_stranger_sends_can_panic() {
    let mut found = Vec::new();
    for source in sources() {
        for (number, line) in source.code_lines() {
            let panics = [
                ".unwrap()",
                ".expect(\"",
                "panic!(",
                "unreachable!(",
                "todo!(",
                "unimplemented!(",
            ];
            let sure =
                |(path, part, _): &(&str, &str, &str)| *path == source.path && line.contains(part);
            if panics.iter().any(|call| line.contains(call)) && !SURE.iter().any(sure) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none("panics outside tests", found);
}

#[test]
fn no_file_is_too_long_to_read() {
    let long = sources().into_iter().filter(|source| source.lines > LINES);
    none(
        "long files",
        long.map(|source| format!("{}: {}", source.path, source.lines))
            .collect(),
    );
}

#[test]
fn unsafe_stays_in_its_room() {
    let mut found = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| !source.path.starts_with("src/script/fiber"))
    {
        for (number, line) in source.code_lines() {
            let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if words.clone().any(|word| word == "unsafe") || line.contains("allow(unsafe_code") {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none("unsafe outside src/script/fiber", found);
}

#[test]
fn nothing_is_left_for_later() {
    let mut found = Vec::new();
    for source in sources() {
        for (index, line) in source.code.lines().enumerate() {
            if ["TODO", "FIXME", "XXX"]
                .iter()
                .any(|mark| line.contains(mark))
            {
                found.push(format!("{}:{}", source.path, index + 1));
            }
        }
    }
    none("notes to oneself", found);
}

#[test]
fn dependencies_are_not_older_than_their_advisories() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let version = package["version"].as_str().unwrap();
        if BANNED.contains(&name) {
            wrong.push(format!("{name} {version} is not to be used"));
        }
        if let Some((name, floor)) = FLOORS.iter().find(|(known, _)| *known == name) {
            seen.insert(*name);
            if numbers(version) < *floor {
                wrong.push(format!("{name} {version} is older than {floor:?}"));
            }
        }
    }
    none("Cargo.lock", wrong);
    let gone = FLOORS.iter().filter(|(name, _)| !seen.contains(name));
    none(
        "floors of crates that are not used",
        gone.map(|(name, _)| (*name).to_owned()).collect(),
    );
}

fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version
        .split(['.', '-', '+'])
        .map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

/// The rule above is only as good as its reading of files.
#[test]
fn tests_are_told_from_code() {
    let sources = sources();
    let has = |path: &str| sources.iter().any(|source| source.path == path);
    assert!(has("src/vendor/retry.rs") && !has("src/vendor/retry/tests.rs"));
    assert!(has("src/server/mod.rs") && !has("src/server/tests/walk.rs"));
    assert!(!has("src/store/conformance.rs"));
    assert_eq!(
        parts_used("use crate::{scim::Value, x}; crate::adapter::y()"),
        ["scim", "adapter"]
    );
    assert!(may_use("server", "scim") && !may_use("scim", "server"));
    assert!(may_use("vendor", "script") && !may_use("script", "vendor"));
}
