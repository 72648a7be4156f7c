//! How long it takes from saving a good script to its being live: fifty
//! transcripts, the watcher and everything else as in `serve`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::Path;
use std::time::{Duration, Instant};

use scimgate::catalog::watch::{Means, Timing, Watch};
use scimgate::catalog::{Demand, Reloader};
use scimgate::config::Config;
use scimgate::gateway::Gateway;

/// As in the binary: what is measured is what is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VENDOR: &str = "sosafe";
const TRANSCRIPTS: usize = 50;
const RUNS: usize = 11;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let config = house(directory.path());
    let gateway = Gateway::open(&config).unwrap();
    let (reloader, report) = gateway.load(&config);
    assert!(!report.has_errors(), "{}", report.render(false));
    let script = directory.path().join(format!("scripts/{VENDOR}.rhai"));
    let text = std::fs::read_to_string(&script).unwrap();
    let save = |version: String| std::fs::write(&script, format!("// {version}\n{text}")).unwrap();

    let mut proving = Vec::new();
    for run in 0..RUNS {
        save(format!("asked {run}"));
        let outcome = reloader.reload(Demand::Changed);
        assert_eq!(
            outcome.taken,
            [format!("vendor {VENDOR}")],
            "{:?}",
            outcome.standing.vendors
        );
        proving.push(Duration::from_millis(outcome.millis));
    }
    let _watch = Watch::start(reloader.clone(), Means::Auto, Timing::default()).unwrap();
    // The watch begins with a look of its own.
    std::thread::park_timeout(Duration::from_secs(1));
    let mut saving = Vec::new();
    for run in 0..RUNS {
        let generation = reloader.standing().generation;
        let began = Instant::now();
        save(format!("watched {run}"));
        until(&reloader, generation + 1);
        saving.push(began.elapsed());
    }
    println!("| {TRANSCRIPTS} transcripts | median | slowest |\n|---|---:|---:|");
    tell("compile, check and play", proving);
    tell("from save to live", saving);
}

fn house(directory: &Path) -> Config {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["adapters", "scripts", "tenants"] {
        std::fs::create_dir(directory.join(name)).unwrap();
    }
    for file in [
        format!("adapters/{VENDOR}.toml"),
        format!("scripts/{VENDOR}.rhai"),
    ] {
        std::fs::copy(root.join(&file), directory.join(&file)).unwrap();
    }
    let played = directory.join("transcripts").join(VENDOR);
    std::fs::create_dir_all(&played).unwrap();
    let files = std::fs::read_dir(root.join("tests/vendors").join(VENDOR)).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|it| it == "http"))
        .collect();
    files.sort();
    // Of a vendor with fewer, some are played twice.
    for (index, file) in files.iter().cycle().take(TRANSCRIPTS).enumerate() {
        std::fs::copy(file, played.join(format!("{index}.http"))).unwrap();
    }
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.catalog.adapters = directory.join("adapters");
    config.catalog.scripts = directory.join("scripts");
    config.catalog.tenants = directory.join("tenants");
    config.catalog.transcripts = directory.join("transcripts");
    config.store.path = directory.join("state/scimgate.db");
    config
}

fn until(reloader: &Reloader, generation: u64) {
    let patience = Instant::now() + Duration::from_secs(30);
    while reloader.standing().generation < generation {
        assert!(Instant::now() < patience, "it never goes live");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let shown = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
    println!(
        "| {what} | {} ms | {} ms |",
        shown(times.get(times.len() / 2)),
        shown(times.last())
    );
}
