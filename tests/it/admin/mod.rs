//! The ports for probes and for administration, and the commands that ask there.
//! The binary is the real one.

mod commands;
mod port;
mod probes;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::emulator::sosafe;
use scimgate::server::admin::ROUTES;
use serde_json::Value;

use crate::harness::{Request, Response};
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// A directory with one tenant of SoSafe, a vendor behind it, and the gateway
/// running on it. It looks at files only when it is asked to.
struct Scene {
    house: House,
    served: Served,
    vendor: Emulator,
}

impl Scene {
    fn start() -> Self {
        Self::with(sosafe::Options::default())
    }

    fn with(options: sosafe::Options) -> Self {
        let vendor = sosafe::start(options).unwrap();
        let house = House::of_sosafe();
        let key = sosafe::Client::default().api_key;
        house.tenant("acme", vendor.base_url(), &key);
        house.write(
            "scimgate.toml",
            "[server]\nlisten = \"127.0.0.1:0\"\n[catalog]\nwatch = \"off\"\n",
        );
        let served = Served::start(&house);
        Self {
            house,
            served,
            vendor,
        }
    }

    /// A command on the gateway's own host, with its configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        let arguments = [&["-c", "scimgate.toml"], arguments].concat();
        let mut command = self.house.command(&arguments);
        command.env("SCIMGATE_ADMIN", &self.served.admin);
        command
    }

    fn run(&self, arguments: &[&str]) -> Told {
        Told::of(self.command(arguments).output().unwrap())
    }

    /// A command by whoever holds a token.
    fn run_as(&self, token: &str, arguments: &[&str]) -> Told {
        let mut command = self.command(arguments);
        Told::of(command.env("SCIMGATE_ADMIN_TOKEN", token).output().unwrap())
    }

    fn mint(&self, role: &str, name: &str) -> String {
        let told = self.run(&["admin", "mint", "--role", role, "--name", name]);
        assert_eq!(told.status, 0, "{}", told.errors);
        told.text
            .trim()
            .strip_prefix("Admin token: ")
            .unwrap()
            .to_owned()
    }

    /// A request at the admin port.
    fn ask(&self, token: &str, method: &str, path: &str) -> Response {
        let request = Request::new(method, &format!("/admin/v1{path}"))
            .header("Authorization", &format!("Bearer {token}"));
        Served::send(&self.served.admin, &request)
    }

    fn audit(&self, token: &str) -> Vec<Value> {
        self.ask(token, "GET", "/audit")
            .json()
            .as_array()
            .unwrap()
            .clone()
    }

    fn probe(&self, path: &str) -> u16 {
        Served::send(&self.served.ops, &Request::new("GET", path)).status
    }
}

/// What a command said.
struct Told {
    status: i32,
    text: String,
    errors: String,
}

impl Told {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            text: text_of(&output.stdout),
            errors: text_of(&output.stderr),
        }
    }
}

/// Waits for something that happens soon.
#[track_caller]
pub(crate) fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !happened() {
        assert!(Instant::now() < patience, "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// The page's table of the API is the server's.
#[test]
fn the_page_lists_every_route() {
    let page = include_str!("../../../deploy/administration.md");
    let (_, table) = page
        .split_once("| method | path | who may | |\n|---|---|---|---|\n")
        .unwrap();
    let rows = ROUTES.iter().map(|route| {
        let (method, path) = (&route.method, route.path);
        format!(
            "| {method} | `{}{path}` | {} | {} |\n",
            route.base(),
            route.access,
            route.summary
        )
    });
    assert_eq!(
        table,
        rows.collect::<String>(),
        "put this below the page's table"
    );
}
