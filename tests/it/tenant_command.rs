//! `scimgate init` and `scimgate tenant`: from nothing to a tenant that is served.

use expect_test::expect;
use scimgate::demo::emulator::sosafe;

use crate::house::{House, text_of};

const ADD: [&str; 9] = [
    "tenant",
    "add",
    "acme",
    "--adapter",
    "sosafe",
    "--base-url",
    "https://sosafe.example/provisioning/v1",
    "--set",
    "idp_tenant=11111111-2222-3333-4444-555555555555",
];

/// A directory as `init` makes it.
fn begun() -> House {
    let house = House::empty();
    let made = house.run(&["init", "."]);
    assert_eq!(made.status.code(), Some(0), "{}", text_of(&made.stderr));
    house.variable("SCIMGATE_CONFIG", "scimgate.toml");
    house
}

#[track_caller]
fn told(house: &House, status: i32, arguments: &[&str]) -> String {
    let output = house.run(arguments);
    let text = text_of(&output.stdout) + text_of(&output.stderr).as_str();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    text
}

#[test]
fn the_first_minutes_lead_to_a_tenant_that_check_finds_no_fault_with() {
    let house = begun();
    expect![[r#"
        wrote tenants/acme.toml
        next, write each secret that the vendor gave you into its file, readable only by the gateway:
          secrets/acme/key
        then: scimgate check, scimgate token mint --tenant acme
    "#]]
    .assert_eq(&told(&house, 0, &ADD).replace("./", ""));
    assert!(told(&house, 1, &["check"]).contains("secret `key`"));
    house.write("secrets/acme/key", "k-7f3a\n");
    let checked = told(&house, 0, &["check"]);
    assert!(checked.contains("0 errors, 0 warnings"), "{checked}");
    expect![[r#"
        NAME  SOURCE  ADAPTER  VENDOR                                  TENANT URL
        acme  file    sosafe   https://sosafe.example/provisioning/v1  http://127.0.0.1:8080/t/acme/scim/v2
    "#]]
    .assert_eq(&told(&house, 0, &["tenant", "list"]));
    let shown = told(&house, 0, &["tenant", "show", "acme"]);
    assert!(
        shown.starts_with("Tenant URL: http://127.0.0.1:8080/t/acme/scim/v2\n"),
        "{shown}"
    );
    assert!(
        shown.contains("adapter = \"sosafe\"") && !shown.contains("k-7f3a"),
        "{shown}"
    );
    told(&house, 0, &["token", "mint", "--tenant", "acme"]);
}

#[test]
fn a_new_tenants_file_has_a_place_for_all_that_its_vendor_asks_for() {
    let house = House::of_example();
    let add = ["tenant", "add", "acme", "--adapter", "example"];
    let more = ["--base-url", "https://api.example", "--set", "region=eu"];
    told(&house, 0, &[&add[..], &more].concat());
    let file = std::fs::read_to_string(house.path().join("tenants/acme.toml")).unwrap();
    expect![[r##"
        # Example. `scimgate adapter show example` lists all settings.
        version = 1
        adapter = "example"
        base_url = "https://api.example"

        [settings]
        # Where the customer's data is stored (one of: eu, us)
        region = "eu"

        # Files with the secrets; paths are relative to this file's directory. Do not write secrets here.
        [credential]
        token = { file = "../secrets/acme/token" }
    "##]]
    .assert_eq(&file);
}

#[test]
fn a_tenant_that_is_removed_can_be_named_back() {
    let house = begun();
    told(&house, 0, &ADD);
    house.write("secrets/acme/key", "k");
    let removed = told(&house, 0, &["tenant", "remove", "acme"]);
    assert!(removed.contains("503 for 300 seconds"), "{removed}");
    assert!(!told(&house, 0, &["tenant", "list"]).contains("acme"));
    let absent = told(&house, 78, &["tenant", "show", "acme"]);
    assert!(absent.contains("there is no tenant acme"), "{absent}");
    let tenants = house.path().join("tenants");
    std::fs::rename(tenants.join("acme.toml.removed"), tenants.join("acme.toml")).unwrap();
    assert!(told(&house, 0, &["tenant", "list"]).contains("acme"));
}

#[test]
fn nothing_is_overwritten_and_what_a_vendor_does_not_have_is_refused() {
    let house = begun();
    expect![[r#"
        wrote scimgate.toml
        wrote .gitignore

        next, with a vendor of `scimgate adapter list` and the address it gave you:
          export SCIMGATE_CONFIG=scimgate.toml
          scimgate tenant add NAME --adapter VENDOR --base-url URL
          scimgate token mint --tenant NAME
          scimgate serve
    "#]]
    .assert_eq(&told(&House::empty(), 0, &["init", "."]).replace("./", ""));
    let made = told(&House::empty(), 0, &["init", "gate"]);
    assert!(
        made.contains("\n  cd gate\n  export SCIMGATE_CONFIG"),
        "{made}"
    );
    told(&house, 0, &ADD);
    assert!(told(&house, 78, &ADD).contains("is there already; nothing was written"));
    assert!(told(&house, 78, &["init", "."]).contains("is there already; nothing was written"));
    let no_adapter = [&["tenant", "add", "b", "--adapter", "sosaf"][..], &ADD[5..]].concat();
    assert!(told(&house, 78, &no_adapter).contains("did you mean sosafe?"));
    let no_setting = [&["tenant", "add", "b"][..], &ADD[3..8], &["idp_tennant=x"]].concat();
    assert!(told(&house, 78, &no_setting).contains("did you mean idp_tenant?"));
    let no_kind = [
        &["tenant", "add", "b"][..],
        &ADD[3..],
        &["--credential-kind", "robot"],
    ]
    .concat();
    assert!(told(&house, 78, &no_kind).contains("robot"));
    assert!(!house.path().join("tenants/b.toml").exists());
}

#[test]
fn a_tenant_is_added_with_the_kind_of_credential_it_chooses() {
    let house = begun();
    told(&house, 0, &["adapter", "copy", "sosafe"]);
    let manifest = house.path().join("adapters/sosafe.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let robot = "[credentials.robot]\nkind = \"bearer\"\n\n[headers]";
    std::fs::write(&manifest, text.replacen("[headers]", robot, 1)).unwrap();
    told(
        &house,
        0,
        &[&ADD[..], &["--credential-kind", "robot"]].concat(),
    );
    let written = std::fs::read_to_string(house.path().join("tenants/acme.toml")).unwrap();
    assert!(written.contains("credential_kind = \"robot\""), "{written}");
    assert!(written.contains("\ntoken = { file = "), "{written}");
    assert!(!written.contains("\nkey = "), "{written}");
}

#[test]
fn a_tenant_that_cannot_be_used_is_listed_as_such() {
    let house = begun();
    let site = ["tenant", "add", "site", "--adapter", "webroot"];
    told(
        &house,
        0,
        &[&site[..], &["--base-url", "https://webroot.example"]].concat(),
    );
    let listed = told(&house, 1, &["tenant", "list"]);
    assert!(
        listed.contains("site  file    -        cannot be used"),
        "{listed}"
    );
    assert!(
        listed.contains("the setting `gsm_key` is missing"),
        "{listed}"
    );
    let tested = told(&house, 78, &["tenant", "test", "site"]);
    assert!(
        tested.contains("the setting `gsm_key` is missing")
            && tested.contains("scimgate: the tenant site cannot be used"),
        "{tested}"
    );
    assert!(!tested.contains("there is no tenant"), "{tested}");
    let shown = told(&house, 0, &["tenant", "show", "site"]);
    assert!(
        shown.starts_with("Tenant URL: http://127.0.0.1:8080/scim/v2\n"),
        "{shown}"
    );
}

#[test]
fn a_tenants_way_to_its_vendor_is_tested_without_changing_anything() {
    let vendor = sosafe::start(sosafe::Options::default()).unwrap();
    let key = sosafe::Client::default().api_key;
    let house = House::of_sosafe();
    house.tenant("acme", vendor.base_url(), &key);
    house.tenant("wrong", vendor.base_url(), "not-the-key");
    house.tenant("nowhere", "http://127.0.0.1:1/", &key);
    let good = told(&house, 0, &["tenant", "test", "acme"]);
    assert!(good.contains("200"), "{good}");
    let refused = told(&house, 1, &["tenant", "test", "wrong"]);
    assert!(refused.contains("credentials rejected"), "{refused}");
    let unreachable = told(&house, 1, &["tenant", "test", "nowhere"]);
    assert!(
        unreachable.contains("could not be reached"),
        "{unreachable}"
    );
    for told in [good, refused, unreachable] {
        assert!(
            !told.contains(&key) && !told.contains("not-the-key"),
            "{told}"
        );
    }
    assert!(!house.path().join("state").exists(), "a database was made");
}

#[test]
fn a_token_of_another_pepper_is_not_told_as_one_that_works() {
    let house = House::of_sosafe();
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let list = ["token", "list", "--tenant", "acme"];
    assert!(
        house
            .run(&["token", "mint", "--tenant", "acme"])
            .status
            .success()
    );
    let told = text_of(&house.run(&list).stdout);
    assert!(told.contains(" valid\n"), "{told}");
    house.write("state/scimgate.pepper", &"x".repeat(32));
    let told = text_of(&house.run(&list).stdout);
    assert!(told.contains("made with another pepper\n"), "{told}");
}
