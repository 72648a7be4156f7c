//! An adapter in the program, and a file that takes its place while the gateway serves.

use std::time::Duration;

use scimgate::demo::emulator::reference;

use super::{somebody, tenant, until};
use crate::house::{House, text_of};
use crate::serve_command::Served;

const OWN: &str = include_str!("../../../scripts/reference.rhai");

#[test]
fn a_script_that_appears_serves_and_when_it_goes_the_programs_own_does() {
    let vendor = reference::start(Duration::ZERO).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let person = runtime.block_on(somebody(&vendor, "ada"));
    let house = House::empty();
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    house.write("tenants/acme.toml", &tenant("reference", vendor.base_url()));
    let minted = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&minted.stdout);
    let token = minted.split_whitespace().last().unwrap();
    let mut served = Served::start(&house);
    let name = || {
        let user = served.get(&format!("/t/acme/scim/v2/Users/{person}"), token);
        assert_eq!(user.status, 200, "{user}");
        user.json()["displayName"].clone()
    };
    // No directory of adapters or scripts is there yet.
    assert!(!house.path().join("scripts").exists());
    assert_eq!(name(), "ada");
    let row = r#"attr("displayName",                              "displayName"),"#;
    let ours = r#"attr("displayName", "displayName").to(|it| it).from(|it| "ours"),"#;
    assert!(OWN.contains(row));
    let script = "scripts/reference.rhai";
    house.write(script, &OWN.replacen(row, ours, 1));
    until("the file serves", || name() == "ours");
    house.write(script, "fn (");
    let broken = house.run(&["-c", "scimgate.toml", "check"]);
    assert_eq!(broken.status.code(), Some(1));
    assert_eq!(name(), "ours");
    house.remove(script);
    until("the program's own serves", || name() == "ada");
    served.terminate();
}
