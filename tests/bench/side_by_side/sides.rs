//! What stands beside each other: the gateway, the translator written by hand, and nginx, which changes
//! nothing.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::by_hand;
use super::running::{Running, under};
use super::shipped::Adapter;
use super::vendor::Vendor;

pub(crate) enum Side {
    Gateway(Gateway),
    ByHand,
    Nginx,
}

/// A build of the gateway, and how it runs.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) program: PathBuf,
    pub(crate) workers: usize,
    pub(crate) cores: &'static [usize],
    pub(crate) adapter: Adapter,
}

/// Its name in the tables.
pub(crate) type Named = (&'static str, Side);

impl Side {
    pub(crate) fn start(&self, vendor: &Vendor) -> Running {
        self.start_counted(vendor, None)
    }

    /// Under callgrind, if it is to write profiles: to `profile` with `.1`, `.2`, and so on.
    pub(crate) fn start_counted(&self, vendor: &Vendor, profile: Option<&Path>) -> Running {
        match self {
            Self::Gateway(gateway) => gateway.start(vendor, profile),
            Self::ByHand => {
                let mut command = under(profile, &std::env::current_exe().unwrap());
                let fields = vendor.shape.len().to_string();
                command.args(["by-hand", &vendor.address.to_string(), &fields]);
                Running::start(command, &[0], told).with_token(by_hand::TOKEN.to_owned())
            }
            Self::Nginx => nginx(vendor.address),
        }
    }
}

impl Gateway {
    /// With a store of its own.
    fn start(&self, vendor: &Vendor, profile: Option<&Path>) -> Running {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let workers = self.workers;
        write("scimgate.toml", &format!("workers = {workers}\n{CONFIG}"));
        self.adapter.write(vendor.shape, write);
        write("tenants/bench.toml", &self.adapter.tenant(vendor.address));
        let command = |arguments: &[&str], profile| {
            let mut command = under(profile, &self.program);
            command.current_dir(directory.path()).stderr(Stdio::null());
            command.args(["-c", "scimgate.toml"]).args(arguments);
            command
        };
        let mint = ["token", "mint", "--tenant", "bench"];
        let minted = command(&mint, None).output().unwrap().stdout;
        let minted = String::from_utf8(minted).unwrap();
        let mut lines = minted.lines();
        let token = lines.find(|line| line.starts_with("Secret Token:"));
        let token = token.and_then(|line| line.split_whitespace().last());
        let token = token.expect("a token").to_owned();
        let running = Running::start(command(&["serve"], profile), self.cores, told);
        running.with_token(token).within(directory)
    }
}

/// Its first line is its URL.
fn told(child: &mut Child) -> SocketAddr {
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    lines.read_line(&mut line).unwrap();
    let address = line.split('/').nth(2).and_then(|place| place.parse().ok());
    address.expect("it serves")
}

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
body_budget = "512 MiB"

[ops]
listen = ""

[admin]
listen = ""

[limits]
requests_per_second = 1000000
burst = 1000000
in_flight = 1000
"#;

/// What stands between the load and the vendor and only passes bytes on.
fn nginx(vendor: SocketAddr) -> Running {
    let directory = tempfile::tempdir().unwrap();
    // nginx does not tell a port that it was given, so it gets one that was free just now.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.unwrap();
    let config = NGINX.replace("VENDOR", &vendor.to_string());
    let config = config.replace("LISTEN", &address.to_string());
    std::fs::write(directory.path().join("nginx.conf"), config).unwrap();
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(directory.path())
        .stderr(Stdio::null());
    command.args(["-e", "error.log", "-c", "nginx.conf"]);
    let waited = |_: &mut Child| {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if TcpStream::connect(address).is_ok() {
                return address;
            }
        }
        panic!("nginx does not answer");
    };
    Running::start(command, &[0], waited).within(directory)
}

/// Whether nginx can be started.
pub(crate) fn has_nginx() -> bool {
    let version = Command::new("nginx")
        .arg("-v")
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// One process without a master, so that nothing stays when it is ended.
const NGINX: &str = "
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log error.log crit;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_body_buffer_size 64k;
    upstream vendor {
        server VENDOR;
        keepalive 128;
        keepalive_requests 1000000000;
    }
    server {
        listen LISTEN;
        location / {
            proxy_pass http://vendor;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffers 64 8k;
            proxy_max_temp_file_size 0;
        }
    }
}
";
