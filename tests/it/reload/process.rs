//! `scimgate serve` as a process, told by SIGHUP and by its files.

use std::time::Duration;

use scimgate::demo::emulator::kit::Emulator;
use scimgate::demo::emulator::reference;

use super::{Files, script, somebody, tenant, until, write};
use crate::house::{House, text_of};
use crate::serve_command::Served;

struct Process {
    house: House,
    served: Served,
    vendor: Emulator,
    /// Of the tenants `north` and `east`, each of the vendor of that name.
    tokens: [String; 2],
    user: String,
}

impl Process {
    fn start(watch: &str) -> Self {
        let vendor = reference::start(Duration::ZERO).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let person = runtime.block_on(somebody(&vendor, "ada"));
        let house = House::empty();
        house.write(
            "scimgate.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:0\"\n\
                 [catalog]\ntranscripts = \"transcripts\"\nwatch = \"{watch}\"\n"
            ),
        );
        let tokens = ["north", "east"].map(|name| {
            Files::of(house.path(), name).good(&format!("{name} 0"));
            let file = tenant(name, vendor.base_url());
            house.write(&format!("tenants/{name}.toml"), &file);
            let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", name]);
            let minted = text_of(&minted.stdout);
            minted.split_whitespace().last().unwrap().to_owned()
        });
        Self {
            served: Served::start(&house),
            house,
            vendor,
            tokens,
            user: format!("/scim/v2/Users/{person}"),
        }
    }

    /// The marks of the versions that answer `north` and `east`.
    fn marks(&self) -> [String; 2] {
        self.tokens.each_ref().map(|token| {
            let user = self.served.get(&self.user, token);
            assert_eq!(user.status, 200, "{user}");
            user.json()["nickName"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
    }

    fn save(&self, vendor: &str, script: &str) {
        write(&Files::of(self.house.path(), vendor).script, script);
    }

    /// Ends it, and looks for secrets in what it logged.
    fn log(&mut self) -> String {
        let log = self.served.terminate();
        let secrets = self.tokens.iter().map(String::as_str);
        for secret in secrets.chain([reference::KEY]) {
            assert!(!log.contains(secret), "{log}");
        }
        log
    }
}

#[test]
fn sighup_loads_again_where_nothing_is_watched() {
    let mut process = Process::start("off");
    process.save("north", &script("north 1"));
    assert_eq!(process.marks(), ["north 0", "east 0"]);
    process.served.signal("HUP");
    until("the new version answers", || {
        process.marks() == ["north 1", "east 0"]
    });
    process.save("north", "fn (");
    process.save("east", &script("east 1"));
    std::fs::remove_file(process.house.path().join("tenants/north.toml")).unwrap();
    std::fs::remove_file(process.house.path().join("tenants/east.toml")).unwrap();
    process.served.signal("HUP");
    until("the others move on", || {
        process.marks() == ["north 1", "east 1"]
    });
    let log = process.log();
    for told in [
        "script::syntax",
        "scripts/north.rhai",
        "tenant::vanished",
        "\"reloaded\"",
    ] {
        assert!(log.contains(told), "{told}: {log}");
    }
}

#[test]
fn what_is_saved_goes_live_by_itself() {
    let mut process = Process::start("auto");
    process.save("north", &script("north 1"));
    until("the new version answers", || {
        process.marks() == ["north 1", "east 0"]
    });
    assert!(process.log().contains("vendor north, tenant north"));
    assert!(!process.vendor.journal().is_empty());
}
