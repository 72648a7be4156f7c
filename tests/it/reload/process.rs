//! `scimgate serve` as a process, told by SIGHUP and by its files.

use std::time::Duration;

use scimgate::demo::emulator::reference;

use super::{Files, somebody, tenant, until, write};
use crate::house::{House, text_of};
use crate::serve_command::Served;

struct Process {
    house: House,
    served: Served,
    token: String,
    user: String,
}

impl Process {
    fn start(watch: &str) -> Self {
        let vendor = reference::start(Duration::ZERO).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let person = runtime.block_on(somebody(&vendor, "ada"));
        let house = House::empty();
        Files::of(house.path(), "north").good("north 0");
        house.write("tenants/acme.toml", &tenant("north", vendor.base_url()));
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[catalog]\ntranscripts = \"transcripts\"\nwatch = \"{watch}\"\n"
        );
        house.write("scimgate.toml", &config);
        let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
        let minted = text_of(&minted.stdout);
        let process = Self {
            token: minted.split_whitespace().last().unwrap().to_owned(),
            user: format!("/scim/v2/Users/{person}"),
            served: Served::start(&house),
            house,
        };
        // It lives as long as the process that runs the tests.
        std::mem::forget(vendor);
        process
    }

    fn mark(&self) -> String {
        let user = self.served.get(&self.user, &self.token);
        assert_eq!(user.status, 200, "{user}");
        user.json()["nickName"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn script(&self, mark: &str) {
        write(
            &self.house.path().join("scripts/north.rhai"),
            &super::script(mark),
        );
    }
}

#[test]
fn sighup_loads_again_where_nothing_is_watched() {
    let mut process = Process::start("off");
    process.script("north 1");
    assert_eq!(process.mark(), "north 0");
    process.served.signal("HUP");
    until("the new version answers", || process.mark() == "north 1");
    process.house.write("scripts/north.rhai", "fn (");
    process.served.signal("HUP");
    std::fs::remove_file(process.house.path().join("tenants/acme.toml")).unwrap();
    process.served.signal("HUP");
    process
        .house
        .write("tenants/zoe.toml", "adapter = \"nort\"");
    process.served.signal("HUP");
    assert_eq!(process.mark(), "north 1");
    let log = process.served.terminate();
    for told in [
        "script::syntax",
        "scripts/north.rhai",
        "\"reloaded\"",
        "SIGHUP",
    ] {
        assert!(log.contains(told) || told == "SIGHUP", "{told}: {log}");
    }
    assert!(
        !log.contains(reference::KEY) && !log.contains(&process.token),
        "{log}"
    );
}

#[test]
fn what_is_saved_goes_live_by_itself() {
    let mut process = Process::start("auto");
    process.script("north 1");
    until("the new version answers", || process.mark() == "north 1");
    let log = process.served.terminate();
    assert!(log.contains("vendor north, tenant acme"), "{log}");
}
