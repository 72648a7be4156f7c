//! A gateway as a process on one core, twenty tenants, a vendor, and one tenant that behaves.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::emulator::sosafe;
use scimgate::tenant::token::{SecretToken, TokenKind};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::vendor;

const TENANTS: usize = 20;

pub(crate) struct Stand {
    pub(crate) address: SocketAddr,
    /// Of the tenants whose token is misused; the last tenant's is not among them.
    pub(crate) tokens: Vec<String>,
    /// Of the tenants of a vendor that answers with too much.
    pub(crate) vendors: Vec<String>,
    /// Of the tenants whose script never ends, and of those whose script holds what it can.
    pub(crate) endless: Vec<String>,
    pub(crate) hoarding: Vec<String>,
    quiet: String,
    gateway: Child,
    home: TempDir,
    _vendor: Emulator,
}

/// What a well-behaved tenant saw.
#[derive(Default)]
pub(crate) struct Beside {
    times: Vec<Duration>,
    pub(crate) errors: usize,
}

impl Beside {
    pub(crate) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.errors += other.errors;
    }

    pub(crate) fn p99_ms(&mut self) -> f64 {
        self.times.sort();
        let p99 = self.times.get(self.times.len() * 99 / 100);
        p99.copied().unwrap_or_default().as_secs_f64() * 1000.0
    }
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let vendor = sosafe::start(sosafe::Options::default()).unwrap();
        let home = TempDir::new().unwrap();
        write_adapters(&home);
        let (url, flood) = (vendor.base_url(), format!("http://{}", vendor::start()));
        for number in 0..TENANTS {
            write_tenant(&home, &format!("t{number}"), "sosafe", url);
            write_tenant(&home, &format!("v{number}"), "sosafe", &flood);
            write_tenant(&home, &format!("e{number}"), "endless", url);
            write_tenant(&home, &format!("h{number}"), "hoarding", url);
        }
        write_tenant(&home, "quiet", "sosafe", url);
        let settings = "[server]\nlisten = \"127.0.0.1:0\"\nmax_connections_per_source = 1024\n\
             [ops]\nlisten = \"\"\n[admin]\nlisten = \"\"\n\
             [catalog]\nadapters = \"adapters\"\nscripts = \"scripts\"\n\
             transcripts = \"transcripts\"\ntenants = \"tenants\"\n";
        std::fs::write(home.path().join("scimgate.toml"), settings).unwrap();
        let mint = |tenant: &str| {
            let minted = program(&home, &["token", "mint", "--tenant", tenant]).output();
            let minted = String::from_utf8(minted.unwrap().stdout).unwrap();
            minted.split_whitespace().last().unwrap().to_owned()
        };
        let of_all = |letter: &str| {
            let each = (0..TENANTS).map(|number| mint(&format!("{letter}{number}")));
            each.collect::<Vec<_>>()
        };
        let (tokens, vendors) = (of_all("t"), of_all("v"));
        let (endless, hoarding) = (of_all("e"), of_all("h"));
        let quiet = mint("quiet");
        let log = std::fs::File::create(home.path().join("log")).unwrap();
        let mut gateway = on_one_core(&program(&home, &["serve"]))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = gateway.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap();
        let address = address.trim().trim_end_matches("/scim/v2").parse().unwrap();
        Self {
            address,
            tokens,
            vendors,
            endless,
            hoarding,
            quiet,
            gateway,
            home,
            _vendor: vendor,
        }
    }

    /// Up to forty requests a second, each on a connection of its own, from a thread of their own: an
    /// attack keeps its own thread busy, and that is not what is measured.
    pub(crate) fn well_behaved(&self, span: Duration) -> JoinHandle<Beside> {
        let (address, request) = (self.address, request_of(&self.quiet));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (mut times, mut errors) = (Vec::new(), 0);
                let end = Instant::now() + span;
                while Instant::now() < end {
                    let began = Instant::now();
                    let status = ask(address, request.clone()).await;
                    errors += usize::from(status != 200);
                    times.push(began.elapsed());
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                Beside { times, errors }
            })
        })
    }

    /// The most memory the gateway had so far.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or_default() / 1024
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        let log = std::fs::metadata(self.home.path().join("log"));
        log.map_or(0, |log| log.len())
    }

    /// A token that has the form of one.
    pub(crate) fn invented(&self) -> String {
        let token = SecretToken::mint(TokenKind::Tenant).unwrap();
        token.reveal().to_owned()
    }

    pub(crate) fn end(mut self) {
        let _ = self.gateway.kill();
        let _ = self.gateway.wait();
    }
}

/// SoSafe's adapter, and the same with two ways in which a script may be a bad one.
fn write_adapters(home: &TempDir) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["adapters", "scripts", "tenants", "transcripts"] {
        std::fs::create_dir(home.path().join(folder)).unwrap();
    }
    let manifest = std::fs::read_to_string(root.join("adapters/sosafe.toml")).unwrap();
    let script = std::fs::read_to_string(root.join("scripts/sosafe.rhai")).unwrap();
    let get = "fn get_user(id) {";
    let hoard = "fn hoard(text) { hoard(text + \"x\") }\n";
    for (name, script) in [
        ("sosafe", script.clone()),
        ("endless", script.replace(get, &format!("{get} loop {{ }}"))),
        (
            "hoarding",
            script.replace(
                get,
                &format!(
                    "{hoard}{get} let text = \"x\"; while text.len() < 2000000 {{ text += text; }} hoard(text);"
                ),
            ),
        ),
    ] {
        let write = |file: String, text: &str| std::fs::write(home.path().join(file), text);
        write(format!("adapters/{name}.toml"), &manifest).unwrap();
        write(format!("scripts/{name}.rhai"), &script).unwrap();
    }
}

fn write_tenant(home: &TempDir, name: &str, adapter: &str, base_url: &str) {
    let sosafe::Client {
        api_key: key,
        idp_tenant,
        ..
    } = sosafe::Client::default();
    let file = format!(
        "adapter = \"{adapter}\"\nbase_url = \"{base_url}\"\n\
         settings = {{ idp_tenant = \"{idp_tenant}\" }}\n\
         credential = {{ key = {{ value = \"{key}\" }} }}\n\
         limits = {{ per_second = 10000, burst = 10000, per_minute = 600000 }}\n"
    );
    std::fs::write(home.path().join(format!("tenants/{name}.toml")), file).unwrap();
}

/// Of the other cores the attackers take what they want.
fn on_one_core(program: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(program.get_program());
    pinned.args(program.get_args());
    if let Some(directory) = program.get_current_dir() {
        pinned.current_dir(directory);
    }
    pinned
}

fn program(home: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimgate"));
    command
        .args(["-c", "scimgate.toml"])
        .args(arguments)
        .current_dir(home.path());
    command
}

/// What Entra asks before it makes somebody.
pub(crate) fn request_of(token: &str) -> Vec<u8> {
    get(
        token,
        "/Users?filter=userName%20eq%20%22nobody@example.com%22",
    )
}

pub(crate) fn get(token: &str, path: &str) -> Vec<u8> {
    let head = format!("GET /scim/v2{path} HTTP/1.1\r\nHost: scim.test\r\n");
    format!("{head}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n").into_bytes()
}

fn post(token: &str, framing: &str) -> String {
    let head = "POST /scim/v2/Users HTTP/1.1\r\nHost: scim.test\r\nConnection: close\r\n";
    format!("{head}Authorization: Bearer {token}\r\n{framing}\r\n\r\n")
}

/// A POST of which the last byte is missing.
pub(crate) fn half_sent(token: &str, bytes: usize) -> Vec<u8> {
    let head = post(token, &format!("Content-Length: {bytes}"));
    [head.into_bytes(), vec![b' '; bytes - 1]].concat()
}

/// A POST whose body comes byte by byte.
pub(crate) fn chunked(token: &str, bytes: usize) -> Vec<u8> {
    let head = post(token, "Transfer-Encoding: chunked");
    format!("{head}{}0\r\n\r\n", "1\r\n \r\n".repeat(bytes)).into_bytes()
}

/// A PATCH of little text and much work.
pub(crate) fn patch(token: &str) -> Vec<u8> {
    let long = "\u{fdfa}".repeat(2_700);
    let phones: Vec<_> = (0..90)
        .map(|number| json!({ "value": long, "type": number.to_string() }))
        .collect();
    let remove = json!({ "op": "remove", "path": "phoneNumbers[value co \"\u{e9}\"]" });
    let mut operations = vec![
        json!({ "op": "replace", "path": "userName", "value": "somebody@example.com" }),
        json!({ "op": "replace", "path": "phoneNumbers", "value": phones }),
    ];
    operations.extend(vec![remove; 900]);
    let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    let body = json!({ "schemas": [schema], "Operations": operations }).to_string();
    let head = post(token, &format!("Content-Length: {}", body.len()));
    let head = head.replace("POST /scim/v2/Users", "PATCH /scim/v2/Users/18001");
    (head + body.as_str()).into_bytes()
}

pub(crate) fn preface() -> Vec<u8> {
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, &[]),
    ]
    .concat()
}

/// An HTTP/2 frame, of the connection if `stream` is 0.
pub(crate) fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = stream.to_be_bytes();
    let head = [0, 0, payload.len() as u8, kind, 0, a, b, c, d];
    [&head, payload].concat()
}

/// HEADERS of a GET, its fields as RFC 7541 has them without its tables. With the flag 1 the stream
/// ends with them.
pub(crate) fn asking(stream: u32, path: &str, token: &str, flags: u8) -> Vec<u8> {
    let field = |name: &[u8], value: &str| [name, &[value.len() as u8], value.as_bytes()].concat();
    let fields = [
        vec![0x82, 0x86],
        field(&[0x04], path),
        field(&[0x01], "scim.test"),
        field(&[0x0f, 0x08], &format!("Bearer {token}")),
    ];
    let mut frame = frame(1, stream, &fields.concat());
    frame[4] = 0x4 | flags;
    frame
}

/// Leaves the first core to the gateway.
pub(crate) fn keep_off_its_core() {
    use nix::sched::{CpuSet, sched_setaffinity};
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut others = CpuSet::new();
    (1..cores).for_each(|core| others.set(core).unwrap());
    if cores > 1 {
        sched_setaffinity(nix::unistd::Pid::from_raw(0), &others).unwrap();
    }
}

/// Sends a request and gives the status of the answer; 0 if there is none.
pub(crate) async fn ask(address: SocketAddr, request: Vec<u8>) -> u16 {
    let answer = async {
        let socket = TcpSocket::new_v4().ok()?;
        // Of another network than those who only connect.
        socket.bind("127.1.0.1:0".parse().ok()?).ok()?;
        let mut stream = socket.connect(address).await.ok()?;
        // It may be answered before it was taken whole.
        let _ = stream.write_all(&request).await;
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.ok()?;
        let status = std::str::from_utf8(start.get(9..)?).ok()?.parse().ok();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        status
    };
    let answer = timeout(Duration::from_secs(30), answer).await;
    answer.ok().flatten().unwrap_or_default()
}
