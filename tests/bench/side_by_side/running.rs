//! What is measured, as a process of its own, and what it used.

use std::net::SocketAddr;
use std::ops::Sub;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::deed::{Dialect, Requests};
use super::shape::Shape;

pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) started: Instant,
    /// The token of a SCIM server; the vendor itself has none.
    token: Option<String>,
    _directory: Option<TempDir>,
}

/// What all threads of a process used.
#[derive(Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) micros: f64,
    /// Times a thread gave its core up, to wait.
    pub(crate) waits: f64,
}

impl Running {
    /// Starts it on these cores; `address` tells where it serves, and waits until it knows.
    pub(crate) fn start(
        mut command: Command,
        cores: &[usize],
        address: impl FnOnce(&mut Child) -> SocketAddr,
    ) -> Self {
        // A child begins where its parent is.
        pin(cores);
        let started = Instant::now();
        let child = command.stdout(Stdio::piped()).spawn();
        pin(&[1]);
        let mut child = child.unwrap();
        Self {
            address: address(&mut child),
            child,
            started,
            token: None,
            _directory: None,
        }
    }

    pub(crate) fn with_token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// Keeps its files until it ends.
    pub(crate) fn within(mut self, directory: TempDir) -> Self {
        self._directory = Some(directory);
        self
    }

    pub(crate) fn requests(&self, shape: &Shape) -> Requests {
        let address = self.address;
        let (dialect, secret) = match &self.token {
            Some(token) => (Dialect::Scim, format!("Authorization: Bearer {token}")),
            None => (Dialect::Vendor, "X-Key: bench".to_owned()),
        };
        Requests::new(dialect, format!("Host: {address}\r\n{secret}\r\n"), shape)
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn used(&self) -> Used {
        let tasks = format!("/proc/{}/task", self.child.id());
        let mut used = Used::default();
        for task in std::fs::read_dir(tasks).unwrap() {
            let path = task.unwrap().path();
            let nanos = std::fs::read_to_string(path.join("schedstat")).unwrap();
            let nanos = nanos.split(' ').next().and_then(|nanos| nanos.parse().ok());
            used.micros += nanos.map_or(0.0, |nanos: f64| nanos / 1e3);
            used.waits += told(&path, "voluntary_ctxt_switches:");
        }
        used
    }

    /// Resident memory in MB, now and at most.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let process = format!("/proc/{}", self.child.id());
        let megabytes = |name| told(process.as_ref(), name) * 1024.0 / 1e6;
        (megabytes("VmRSS:"), megabytes("VmHWM:"))
    }
}

/// A number out of `status` of a process or a thread.
fn told(process: &Path, name: &str) -> f64 {
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
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
pub(crate) fn under(profile: Option<&Path>, program: &Path) -> Command {
    let Some(profile) = profile else {
        return Command::new(program);
    };
    let mut command = Command::new("valgrind");
    let profile = format!("--callgrind-out-file={}", profile.display());
    command.args(["--tool=callgrind", "--instr-atstart=no", &profile]);
    command.arg(program);
    command
}

/// Keeps this thread, and what it starts, on these cores.
pub(crate) fn pin(cores: &[usize]) {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core).unwrap());
    sched_setaffinity(Pid::from_raw(0), &set).expect("two cores");
}
