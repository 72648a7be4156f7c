//! A short run of the fuzz targets (`tests/fuzz`) without a fuzzer: every file of the corpus, and
//! random changes of them from a fixed seed. Nothing may panic, take long or answer at length.

use std::path::Path;
use std::time::Duration;

use nix::time::ClockId;

use crate::fuzz_targets::{TARGETS, Target};

/// How many, of each target. Longer runs are the fuzzer's.
const MUTATIONS: u64 = 5_000;
/// How many of a target that takes more time.
const FEW: u64 = 300;
/// What one input may take of the processor.
const PATIENCE: Duration = Duration::from_millis(400);
/// What a script may take: tables are evaluated for two seconds at most.
const SCRIPT: Duration = Duration::from_secs(3);
/// What may come out: this much, and so many times what came in (three profiles, two types).
const LEAST_OUTPUT: usize = 20_000;
const OUTPUT_PER_INPUT: usize = 100;

/// Words that mean something in one of the languages.
const DICTIONARY: [&str; 40] = [
    "userName",
    "emails",
    "[type eq \"work\"]",
    ".value",
    "eq",
    "pr",
    " and ",
    " or ",
    "not (",
    ")",
    "]",
    "\"",
    "\\",
    "\\u0000",
    "\\ud83d",
    "null",
    "true",
    "1e999",
    "-0",
    "{",
    "}",
    "[",
    ":",
    ",",
    "\"op\":\"add\"",
    "\"path\":",
    "\"value\":",
    "members",
    "manager",
    "primary",
    "%",
    "%22",
    "%00",
    "+",
    "&",
    "=",
    "/",
    "..",
    "urn:ietf:params:scim:schemas:core:2.0:User:",
    "\u{1F600}",
];

#[test]
fn filter() {
    smoke("filter");
}

#[test]
fn json_limits() {
    smoke("json_limits");
}

#[test]
fn patch() {
    smoke("patch");
}

#[test]
fn path() {
    smoke("path");
}

#[test]
fn url_query() {
    smoke("url_query");
}

#[test]
fn http_edge() {
    few("http_edge", PATIENCE);
}

#[test]
fn reply() {
    smoke("reply");
}

#[test]
fn script() {
    few("script", SCRIPT);
}

#[test]
fn script_run() {
    few("script_run", SCRIPT);
}

fn smoke(name: &str) {
    play(name, MUTATIONS, PATIENCE);
}

fn few(name: &str, patience: Duration) {
    play(name, FEW, patience);
}

fn play(name: &str, mutations: u64, patience: Duration) {
    let (_, target) = TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap();
    let corpus = corpus(name);
    assert!(
        corpus.len() >= 8,
        "{name} has {} files in its corpus",
        corpus.len()
    );
    for input in &corpus {
        run(target, input, patience);
    }
    let mut random = Random(0x5EED ^ name.len() as u64);
    for _ in 0..mutations {
        run(target, &mutated(&corpus, &mut random), patience);
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn run(target: Target, input: &[u8], patience: Duration) {
    let shown = String::from_utf8_lossy(&input[..input.len().min(400)]).into_owned();
    let timed = || {
        let begun = cpu_time();
        let out = std::panic::catch_unwind(|| target(input));
        (
            out.unwrap_or_else(|_| panic!("it panics on {shown:?}")),
            cpu_time() - begun,
        )
    };
    let (out, took) = timed();
    assert!(took <= patience, "{took:?} for {shown:?}");
    assert!(
        out <= LEAST_OUTPUT + OUTPUT_PER_INPUT * input.len(),
        "{out} bytes for {shown:?}"
    );
}

/// Of this thread: other tests may have the cores meanwhile.
fn cpu_time() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap().into()
}

/// One of the corpus with one to eight changes.
fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(8) {
        change(&mut input, corpus, random);
    }
    // Beyond the longest filter, and short enough for many.
    input.truncate(5 * 1024);
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let (from, to) = {
        let (a, b) = (random.below(input.len() + 1), random.below(input.len() + 1));
        (a.min(b), a.max(b))
    };
    match random.below(7) {
        0 if !input.is_empty() => {
            let at = random.below(input.len());
            input[at] ^= 1 << random.below(8);
        }
        1 => drop(input.drain(from..to)),
        2 => drop(input.splice(from..from, input[from..to].to_vec())),
        3 => {
            let word = DICTIONARY[random.below(DICTIONARY.len())];
            input.splice(from..from, word.bytes());
        }
        4 => {
            let other = &corpus[random.below(corpus.len())];
            let part = random.below(other.len() + 1);
            input.splice(from..to, other[part..].iter().copied());
        }
        5 => {
            let chunk = input[from..to.min(from + 16)].repeat(random.below(200));
            input.splice(from..from, chunk);
        }
        _ => input.insert(from, random.below(256) as u8),
    }
}

/// xorshift64*: the same inputs in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }
}
