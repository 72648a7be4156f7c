//! The rules of the house that no compiler holds.

mod imports;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use imports::Imports;

/// The rooms of the house, uppermost first (lib.rs). A room may use those of the lines below its
/// own; those of one line know nothing of each other.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["demo"],
    &["gateway"],
    &["dry_run", "lint", "telemetry"],
    &["config", "transcript"],
    &["catalog", "server", "store", "vendor"],
    &["tenant"],
    &["provisioning"],
    &["adapter"],
    &["script"],
    &["convert", "limiter", "probe", "problem", "scim", "turns"],
];

/// What [`LAYERS`] would allow, and why it must not be.
const APART: &[(&str, &str, &str)] = &[
    (
        "demo",
        "store",
        "the demonstration is a client like any other",
    ),
    (
        "demo",
        "vendor",
        "the demonstration is a client like any other",
    ),
    ("dry_run", "store", "a dry run remembers nothing"),
    ("dry_run", "vendor", "a dry run sends nothing"),
    (
        "telemetry",
        "store",
        "what is told of a request is not read back",
    ),
    (
        "transcript",
        "vendor",
        "a transcript is played without a network",
    ),
];

/// Rooms in which no files use each other in a circle.
const WITHOUT_CIRCLES: &[&str] = &[
    "adapter",
    "convert",
    "limiter",
    "lint",
    "problem",
    "provisioning",
    "script",
    "telemetry",
    "transcript",
    "turns",
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
const VENDOR_NAMED: &[(&str, &str)] = &[
    (
        "src/cli/demo.rs",
        "the demonstration begins with one vendor",
    ),
    (
        "src/catalog/built_in.rs",
        "the program carries the adapters' files, and a test that it has all",
    ),
    ("src/cli/man.rs", "examples name what there is"),
];

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
    fn room(&self) -> &str {
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
    let imports = imports();
    let arrows = imports.between_rooms();
    let wrong = arrows.iter().filter(|((from, to), _)| !may_use(from, to));
    none(
        "a room that uses one it may not, by LAYERS or APART",
        wrong.map(|(_, place)| place.clone()).collect(),
    );
}

fn may_use(from: &str, to: &str) -> bool {
    let layer = |room| LAYERS.iter().position(|rooms| rooms.contains(&room));
    let is_below = matches!((layer(from), layer(to)), (Some(from), Some(to)) if from < to);
    is_below
        && !APART
            .iter()
            .any(|(one, other, _)| (*one, *other) == (from, to))
}

#[test]
fn every_room_has_one_place() {
    let sources = sources();
    let rooms = sources.iter().map(Source::room);
    let rooms: BTreeSet<_> = rooms
        .filter(|room| !matches!(*room, "lib" | "main"))
        .collect();
    let mut placed: Vec<_> = LAYERS
        .iter()
        .flat_map(|rooms| rooms.iter().copied())
        .collect();
    placed.sort_unstable();
    assert_eq!(placed, Vec::from_iter(rooms));
}

#[test]
fn no_files_of_a_room_use_each_other_in_a_circle() {
    let imports = imports();
    let circles = WITHOUT_CIRCLES
        .iter()
        .flat_map(|room| imports.circles(room));
    none("files that use each other in a circle", circles.collect());
}

#[test]
fn a_room_that_has_no_circle_is_kept_so() {
    let imports = imports();
    let rooms = LAYERS.iter().flat_map(|rooms| rooms.iter());
    let unlisted = rooms.filter(|room| !WITHOUT_CIRCLES.contains(room));
    let clean = unlisted.filter(|room| imports.circles(room).is_empty());
    none(
        "rooms to be added to WITHOUT_CIRCLES",
        clean.map(|room| (*room).to_owned()).collect(),
    );
}

fn imports() -> Imports {
    let sources = sources();
    Imports::read(sources.iter().map(|source| (&*source.path, &*source.code)))
}

#[test]
fn a_vendor_is_data() {
    let mut named = Vec::new();
    for source in sources().iter().filter(|source| source.room() != "demo") {
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
}

/// And of imports.
#[test]
fn imports_are_read_as_the_compiler_does() {
    let read = |files: &[(&'static str, &'static str)]| Imports::read(files.iter().copied());
    let circle = |files: &[(&'static str, &'static str)]| read(files).circles("a");
    let leaf = ("src/a/leaf.rs", "pub struct Leaf; pub fn f() {}");
    let passing = ("src/a/mod.rs", "mod leaf; mod user; pub use leaf::Leaf;");
    let using = (
        "src/a/user.rs",
        "use super::Leaf; fn g(_: Leaf) { super::leaf::f() }",
    );
    assert_eq!(circle(&[leaf, passing, using]), [""; 0]);

    // A name that is defined above is used from above; one in a macro counts.
    let defining = (
        "src/a/mod.rs",
        "mod leaf; mod user; pub struct Top; fn h() { user::g() }",
    );
    let back = (
        "src/a/user.rs",
        "use super::Top; pub fn g() { dbg!(crate::a::leaf::f()) }",
    );
    assert_eq!(
        circle(&[leaf, defining, back]),
        ["a uses a::user", "a::user uses a"]
    );
    let other = (
        "src/a/leaf.rs",
        "use super::user as other; pub fn f() { other::g() }",
    );
    let back = ("src/a/user.rs", "pub fn g() { dbg!(crate::a::leaf::f()) }");
    let told = ["a::leaf uses a::user", "a::user uses a::leaf"];
    assert_eq!(circle(&[other, passing, back]), told);

    // What is for tests only does not count.
    let tested = (
        "src/a/user.rs",
        "pub fn g() {} #[cfg(test)] mod tests { use super::super::leaf::f; }",
    );
    assert_eq!(circle(&[other, passing, tested]), [""; 0]);

    let inner = (
        "src/a/user.rs",
        "use crate::{b::{self, c::D as E}, d}; fn g() { d::e() }",
    );
    let imports = read(&[inner]);
    let arrows: Vec<_> = imports.between_rooms().into_keys().collect();
    assert_eq!(arrows, [("a", "b"), ("a", "d")]);

    assert!(may_use("server", "scim") && !may_use("scim", "server"));
    assert!(may_use("vendor", "script") && !may_use("script", "vendor"));
    assert!(!may_use("dry_run", "vendor") && !may_use("vendor", "store"));
}
