//! A PostgreSQL of its own, on a loopback port, in a directory that goes with it. It needs the
//! server's programs; where they are missing and we are root, Debian's package is installed.
//! It blocks, on threads that may wait.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use scimgate_emulators::kit::free_port;
use tempfile::TempDir;

const USER: &str = "scimgate";
const PASSWORD: &str = "p@ss/word";
const PASSWORD_QUOTED: &str = "p%40ss%2Fword";

/// How long the server may take to start.
const START: Duration = Duration::from_secs(30);

/// The user it runs as where we are root, which it refuses.
const NOBODY: u32 = 65534;

/// A server that ends when it is dropped.
pub(crate) struct Postgres {
    directory: TempDir,
    port: u16,
    process: Mutex<Option<Child>>,
    databases: AtomicUsize,
}

impl Postgres {
    /// The one that tests share while any of them runs.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// One that a test may kill.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        if is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let secret = directory.path().join("password");
        fs::write(&secret, PASSWORD).unwrap();
        let data = directory.path().join("data");
        run(program("initdb")
            .args(["--no-sync", "--no-locale", "--encoding=UTF8"])
            .args([
                "--auth=scram-sha-256",
                &format!("--username={USER}"),
                &format!("--pwfile={}", secret.display()),
                &format!("--pgdata={}", data.display()),
            ]));
        let server = Self {
            directory,
            port: free_port().unwrap(),
            process: Mutex::default(),
            databases: AtomicUsize::new(0),
        };
        server.resume();
        server
    }

    /// Starts the server again.
    pub(crate) fn resume(&self) {
        let mut command = program("postgres");
        command.arg("-D").arg(self.directory.path().join("data"));
        command.args(["-p", &self.port.to_string(), "-F"]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories="] {
            command.args(["-c", setting]);
        }
        let log = self.directory.path().join("log");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let started = command.stdout(Stdio::null()).stderr(log).spawn();
        *self.process.lock().unwrap() = Some(started.unwrap());
        self.wait();
    }

    /// Lets the server speak TLS from now on, with this certificate and key (PEM).
    pub(crate) fn secure(&self, certificate: &str, key: &str) {
        let data = self.directory.path().join("data");
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let configuration = fs::File::options()
            .append(true)
            .open(data.join("postgresql.conf"));
        configuration.unwrap().write_all(b"ssl = on\n").unwrap();
        self.kill();
        self.resume();
    }

    fn wait(&self) {
        let until = Instant::now() + START;
        while !self.command("pg_isready").status().unwrap().success() {
            let log = || fs::read_to_string(self.directory.path().join("log"));
            assert!(Instant::now() < until, "{}", log().unwrap_or_default());
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server in the middle of what it does.
    pub(crate) fn kill(&self) {
        let process = self
            .process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut process) = process {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// The URL of a new, empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("db{}", self.databases.fetch_add(1, Ordering::Relaxed));
        run(self.command("createdb").arg(&name));
        let port = self.port;
        format!("postgres://{USER}:{PASSWORD_QUOTED}@127.0.0.1:{port}/{name}?sslmode=disable")
    }

    /// What `sql` gives in the database of `url`, unadorned.
    pub(crate) fn sql(&self, url: &str, sql: &str) -> String {
        let mut command = self.command("psql");
        command
            .stdout(Stdio::piped())
            .args(["-tA", "-d", url, "-c", sql]);
        let output = command.output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// One of the programs that speak to the server.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        command.stdout(Stdio::null());
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string());
        command.env("PGUSER", USER).env("PGPASSWORD", PASSWORD);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One of the server's own programs, as somebody it accepts.
fn program(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    command.current_dir("/").env("LC_ALL", "C");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn programs() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        installed().unwrap_or_else(|| {
            assert!(
                is_root(),
                "these tests need PostgreSQL: apt-get install postgresql"
            );
            run(Command::new("apt-get").args(["update", "-qq"]));
            run(Command::new("apt-get")
                .args(["install", "-y", "-qq", "postgresql"])
                .env("DEBIAN_FRONTEND", "noninteractive"));
            installed().expect("apt-get installed no PostgreSQL")
        })
    })
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .max();
    let on_path = std::env::var_os("PATH");
    let on_path = on_path.iter().flat_map(std::env::split_paths);
    newest
        .into_iter()
        .chain(on_path)
        .find(|bin| bin.join("initdb").exists())
}

fn run(command: &mut Command) {
    let output = command.stdout(Stdio::piped()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}
