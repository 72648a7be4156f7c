//! A gateway, or what takes its place, as a process of its own, and what it used.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::ops::Sub;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::{by_hand, vendor};

pub(crate) struct Gateway {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    _directory: Option<TempDir>,
}

/// What all threads of a process used.
#[derive(Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) micros: f64,
    /// Times a thread gave its core up, to wait.
    pub(crate) waits: f64,
}

impl Gateway {
    /// On the first core, with a store of its own; under callgrind, if it is to write a profile.
    pub(crate) fn start(program: &Path, vendor: SocketAddr, profile: Option<&Path>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("scimgate.toml", CONFIG);
        write("adapters/consistent.toml", vendor::MANIFEST);
        write("scripts/consistent.rhai", vendor::SCRIPT);
        write("tenants/bench.toml", &tenant(vendor));
        let command = |arguments: &[&str], profile| {
            let mut command = under(profile, program);
            command.current_dir(directory.path()).stderr(Stdio::null());
            command.args(["-c", "scimgate.toml"]).args(arguments);
            command
        };
        let mint = ["token", "mint", "--tenant", "bench"];
        let minted = command(&mint, None).output().unwrap().stdout;
        let minted = String::from_utf8(minted).unwrap();
        let token = minted
            .lines()
            .find(|line| line.starts_with("Secret Token:"));
        let token = token.and_then(|line| line.split_whitespace().last());
        let token = token.expect("a token").to_owned();
        Self::serving(command(&["serve"], profile), token, Some(directory))
    }

    /// The translator written by hand, likewise.
    pub(crate) fn by_hand(vendor: SocketAddr, profile: Option<&Path>) -> Self {
        let mut command = under(profile, &std::env::current_exe().unwrap());
        command.args(["by-hand", &vendor.to_string()]);
        Self::serving(command, by_hand::TOKEN.to_owned(), None)
    }

    fn serving(mut command: Command, token: String, directory: Option<TempDir>) -> Self {
        // A child begins where its parent is.
        pin(0);
        let child = command.stdout(Stdio::piped()).spawn();
        pin(1);
        let mut child = child.unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stdout.as_mut().unwrap());
        told.read_line(&mut line).unwrap();
        let address = line.split('/').nth(2).and_then(|place| place.parse().ok());
        Self {
            child,
            address: address.expect("it serves"),
            token,
            _directory: directory,
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn used(&self) -> Used {
        let tasks = format!("/proc/{}/task", self.child.id());
        let mut used = Used::default();
        for task in std::fs::read_dir(tasks).unwrap() {
            let file = |name| std::fs::read_to_string(task.as_ref().unwrap().path().join(name));
            let nanos = file("schedstat").unwrap();
            let nanos = nanos.split(' ').next().and_then(|nanos| nanos.parse().ok());
            used.micros += nanos.map_or(0.0, |nanos: f64| nanos / 1e3);
            let status = file("status").unwrap();
            let waits = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            used.waits += waits.unwrap().trim().parse::<f64>().unwrap();
        }
        used
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Used {
    pub(crate) fn each(self, requests: usize) -> Self {
        Self {
            micros: self.micros / requests as f64,
            waits: self.waits / requests as f64,
        }
    }
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            micros: self.micros - before.micros,
            waits: self.waits - before.waits,
        }
    }
}

/// `program`, or callgrind around it, which counts nothing until it is told to.
fn under(profile: Option<&Path>, program: &Path) -> Command {
    let Some(profile) = profile else {
        return Command::new(program);
    };
    let mut command = Command::new("valgrind");
    let profile = format!("--callgrind-out-file={}", profile.display());
    command.args(["--tool=callgrind", "--instr-atstart=no", &profile]);
    command.arg(program);
    command
}

/// Keeps this thread, and what it starts, on one core.
pub(crate) fn pin(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core).unwrap();
    sched_setaffinity(Pid::from_raw(0), &cores).expect("two cores");
}

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"

[ops]
listen = ""

[admin]
listen = ""

[limits]
requests_per_second = 1000000
burst = 1000000
"#;

fn tenant(vendor: SocketAddr) -> String {
    format!(
        r#"
        adapter = "consistent"
        base_url = "http://{vendor}"
        credential = {{ key = {{ value = "bench" }} }}
        limits = {{ per_second = 1000000, burst = 1000000, per_minute = 60000000, concurrency = 64 }}
        "#
    )
}
