//! `scimgate check`: what it looks at, in which form it tells, and mistakes that
//! are more than one of a kind. Each kind by itself stands in `diagnostics`.
//!
//! Snapshots are renewed by `UPDATE_EXPECT=1 cargo test --test it check_command`.

use expect_test::{Expect, expect};

use crate::house::{House, text_of};

/// What `check` prints and exits with after one edit of the script.
#[track_caller]
fn check_script(from: &str, to: &str, expected: Expect) {
    check("scripts/example.rhai", from, to, expected);
}

#[track_caller]
fn check(file: &str, from: &str, to: &str, expected: Expect) {
    let house = House::of_example();
    house.edit(file, from, to);
    check_house(&house, expected);
}

#[track_caller]
fn check_house(house: &House, expected: Expect) {
    let output = house.run(&["check", "--no-transcripts"]);
    expected.assert_eq(&text_of(&output.stdout));
    assert_eq!(text_of(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn files_that_are_right_have_no_problems() {
    let house = House::of_sosafe();
    house.tenant("acme", "https://api.example/provisioning/v1", "k");
    house.copy("tests/data/example.toml", "adapters/example.toml");
    house.copy("tests/data/example.rhai", "scripts/example.rhai");
    house.edit(
        "tenants/acme.toml",
        "{ value = \"k\" }",
        "{ file = \"key\" }",
    );
    house.write("tenants/key", "k");
    let output = house.run(&["check", "--no-transcripts", "--deny", "warnings"]);
    assert_eq!(
        text_of(&output.stdout),
        "2 adapters, 1 tenant: 0 errors, 0 warnings\n"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_function_with_other_parameters() {
    check_script(
        "fn delete_user(id) ",
        "fn delete_user(id, why) ",
        expect![[r#"
            script::wrong-arity

              × `delete_user` has 2 parameters and is called with 1
                ╭─[scripts/example.rhai:18:4]
             17 │ fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
             18 │ fn delete_user(id, why)           { delete(`/people/${id}`) }
                ·    ─────┬─────
                ·         ╰── has 2 parameters
                ╰────
              help: it is needed for DELETE /Users/{id}, with 1 parameter

            0 adapters, 0 tenants: 1 error, 0 warnings
        "#]],
    );
}

#[test]
fn a_table_without_end() {
    check_script(
        "    [\n",
        "    loop { }\n    [\n",
        expect![[r#"
            script::failed

              × the script does too much: it has used up its 1,000,000 operations
               ╭─[scripts/example.rhai:1:4]
             1 │ fn user_attributes() { // allow: lint::unmapped-attribute An example is small.
               ·    ───────┬───────
               ·           ╰── in this function
             2 │     loop { }
               ╰────
              help: a table is evaluated once, when the script is loaded, and must finish quickly

            0 adapters, 0 tenants: 1 error, 0 warnings
        "#]],
    );
}

#[test]
fn a_manifest_that_is_no_toml() {
    check(
        "adapters/example.toml",
        r#"title = "Example""#,
        r#"title = "Example"#,
        expect![[r#"
            manifest::invalid

              × not valid TOML: invalid basic string, expected `"`
               ╭─[adapters/example.toml:2:17]
             1 │ # The smallest vendor: for the snapshots of what `check` says.
             2 │ title = "Example
               ·                 ▲
               ·                 ╰── here
             3 │ consistency = "A"
               ╰────
              help: adapters/README.md has all keys and their meaning

            0 adapters, 0 tenants: 1 error, 0 warnings
        "#]],
    );
}

#[test]
fn a_tenant_with_everything_wrong() {
    let house = House::of_example();
    house.write(
        "tenants/acme.toml",
        "adapter = \"example\"\nbase_url = \"api.example\"\n\
         settings = { regoin = \"eu\" }\ncredential = { key = { file = \"missing\" } }\n",
    );
    house.write(
        "tenants/bee.toml",
        "adapter = \"example\"\nbase_url = \"https://api.example\"\n\
         settings = { region = \"moon\" }\ncredential = { token = { env = \"NONE\" } }\n",
    );
    house.write(
        "tenants/sea.toml",
        "adapter = \"exampel\"\nbase_url = \"https://api.example\"\n",
    );
    house.write("tenants/No Name.toml", "adapter = \"example\"\n");
    check_house(
        &house,
        expect![[r#"
            tenant::name

              × tenants/No Name.toml: `No Name` cannot be the name of a tenant
              help: a tenant name is 1 to 63 of a-z, 0-9 and '-', and neither begins nor ends with '-'

            tenant::base-url

              × base_url must be an http or https URL
               ╭─[tenants/acme.toml:2:12]
             1 │ adapter = "example"
             2 │ base_url = "api.example"
               ·            ──────┬──────
               ·                  ╰── here
             3 │ settings = { regoin = "eu" }
               ╰────
              help: write it as https://host/path

            tenant::unknown-setting

              × Example has no setting `regoin`
               ╭─[tenants/acme.toml:3:14]
             2 │ base_url = "api.example"
             3 │ settings = { regoin = "eu" }
               ·              ───┬──
               ·                 ╰── here
             4 │ credential = { key = { file = "missing" } }
               ╰────
              help: did you mean `region`?

            tenant::missing-setting

              × tenants/acme.toml: the setting `region` is missing
              help: add settings = { region = … }: Where the customer's data is stored

            tenant::unknown-secret

              × the credential has no part `key`
               ╭─[tenants/acme.toml:4:16]
             3 │ settings = { regoin = "eu" }
             4 │ credential = { key = { file = "missing" } }
               ·                ─┬─
               ·                 ╰── here
               ╰────
              help: it has: token

            tenant::unreadable-secret

              × the secret `key` cannot be read from tenants/missing: it does not exist
               ╭─[tenants/acme.toml:4:16]
             3 │ settings = { regoin = "eu" }
             4 │ credential = { key = { file = "missing" } }
               ·                ─┬─
               ·                 ╰── here
               ╰────
              help: write the secret that the vendor gave you there, or name another place

            tenant::missing-secret

              × tenants/acme.toml: the credential's `token` is missing
              help: add credential = { token = { file = "…" } }

            tenant::unfit-setting

              × region must be eu or us
               ╭─[tenants/bee.toml:3:23]
             2 │ base_url = "https://api.example"
             3 │ settings = { region = "moon" }
               ·                       ───┬──
               ·                          ╰── here
             4 │ credential = { token = { env = "NONE" } }
               ╰────
              help: write one of these words, in quotes

            tenant::unreadable-secret

              × the secret `token` is not in the environment variable NONE
               ╭─[tenants/bee.toml:4:16]
             3 │ settings = { region = "moon" }
             4 │ credential = { token = { env = "NONE" } }
               ·                ──┬──
               ·                  ╰── here
               ╰────
              help: write the secret that the vendor gave you there, or name another place

            tenant::unknown-adapter

              × there is no adapter `exampel`
               ╭─[tenants/sea.toml:1:11]
             1 │ adapter = "exampel"
               ·           ────┬────
               ·               ╰── here
             2 │ base_url = "https://api.example"
               ╰────
              help: did you mean `example`?

            1 adapter, 0 tenants: 10 errors, 0 warnings
        "#]],
    );
}

/// What `check` finds after one edit of a file.
#[track_caller]
fn check_code(file: &str, from: &str, to: &str, code: &str, meant: &str) {
    let vendor = std::path::Path::new(file).file_stem().unwrap();
    let house = House::of_vendor(vendor.to_str().unwrap());
    house.edit(file, from, to);
    let told = text_of(&house.run(&["check"]).stdout);
    assert!(told.contains(code) && told.contains(meant), "{told}");
    assert!(told.ends_with("tenants: 1 error, 0 warnings\n"), "{told}");
}

#[test]
fn what_a_vendor_of_graphql_and_expiring_users_says_is_looked_at() {
    let manifest = |from, to, code, meant| {
        check_code("adapters/wedo.toml", from, to, code, meant);
    };
    manifest(
        "issued = true, ",
        "",
        "manifest::expires",
        "`issued = true`",
    );
    manifest("\"/graphql\"", "\"graphql\"", "manifest::path", "/graphql");
    manifest(
        "\"/errors/0/extensions/retryAfterMs\"",
        "\"wait\"",
        "manifest::pointer",
        "/wait",
    );
    let script = |from, to, code, meant| {
        check_code("scripts/wedo.rhai", from, to, code, meant);
    };
    script(
        "create_user(user, asked)",
        "create_user(user, asked, more)",
        "script::wrong-arity",
        "1 parameter",
    );
}

#[test]
fn names_that_manifest_script_and_table_do_not_share() {
    let manifest = |from, to, code, meant| {
        check_code("adapters/sosafe.toml", from, to, code, meant);
    };
    let script = |from, to, code, meant| {
        check_code("scripts/sosafe.rhai", from, to, code, meant);
    };
    manifest(
        "membership = \"exclusive\"",
        "membership = \"exclusive\"\ninactive = \"leave\"",
        "manifest::inactive",
        "remove `inactive`",
    );
    manifest(
        "{idp_tenant}",
        "{idp_tenat}",
        "manifest::unknown-setting",
        "`idp_tenant`?",
    );
    manifest("X-Api-Key", "X Api Key", "manifest::header", "`X Api Key`");
    manifest("X-Idp-Tenant", "\"X Idp\"", "manifest::header", "`X Idp`");
    for reserved in ["Host", "content-length", "Transfer-Encoding", "Connection"] {
        manifest(
            "X-Idp-Tenant",
            reserved,
            "manifest::header",
            "belongs to the connection",
        );
        manifest(
            "X-Api-Key",
            reserved,
            "manifest::header",
            "belongs to the connection",
        );
    }
    manifest(
        "= \"restore\"",
        "= \"restor\"",
        "manifest::default",
        "restore, refuse",
    );
    manifest(
        "\"id\", form",
        "\"idd\", form",
        "manifest::unknown-field",
        "`id`?",
    );
    manifest(
        "\"/error/code\"",
        "\"error.code\"",
        "manifest::pointer",
        "as /error/code",
    );
    manifest(
        "\"userName\"",
        "\"usrName\"",
        "manifest::unknown-attribute",
        "`userName`?",
    );
    script(
        "setting(\"archived",
        "setting(\"archivd",
        "script::unknown-setting",
        "`archived`?",
    );
    script(
        "/users/${id}",
        "/users/${idd}",
        "script::unknown-variable",
        "`id`?",
    );
    script(
        ".cut(120)",
        ".cut(\"120\")",
        "script::failed",
        "write `.cut(letters)`",
    );
    script(
        "\"true\": \"ACTIVE\"",
        "\"yes\": \"ACTIVE\"",
        "table::no-boolean",
        "never `yes`",
    );
    script(
        ".phone(`${work}.country`)",
        ".phone(\"addresses.country\")",
        "table::unknown-attribute",
        "say which of its elements",
    );
}

#[test]
fn secrets_and_addresses_that_cannot_be_used() {
    #[track_caller]
    fn check(from: &str, to: &str, message: &str) {
        let house = House::of_sosafe();
        house.tenant("acme", "https://api.example/v1", "s3cret");
        house.edit("tenants/acme.toml", from, to);
        let told = text_of(&house.run(&["check"]).stdout);
        assert!(told.contains(message), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    check(
        "{ value = \"s3cret\" }",
        "\"s3cret\"",
        "a secret cannot be written in this way",
    );
    check("adapter =", "adaptr =", "there is no key `adaptr`");
    check(
        "credential =",
        "credentail =",
        "there is no key `credentail`",
    );
    check("settings = {", "settings = ", "tenant::invalid");
    check("\"s3cret\"", "\"\"", "the secret `key` is empty");
    check("/v1", "/v1?a=b", "must have nothing after its path");
    check(
        "https://",
        "https://me:s3cret@",
        "must have no user name or password",
    );
}

/// A house with a warning in one vendor and an error in another.
fn house_of_two() -> House {
    let house = House::of_example();
    house.copy("tests/data/example.toml", "adapters/other.toml");
    house.copy("tests/data/example.rhai", "scripts/other.rhai");
    house.edit("scripts/other.rhai", "attr(\"title\"", "attr(\"titel\"");
    house.edit(
        "scripts/example.rhai",
        "fn shorten",
        "fn more() {}\nfn shorten",
    );
    house
}

/// The codes that `check` tells, by `--format json`, and its exit status.
#[track_caller]
fn check_codes(house: &House, arguments: &[&str], codes: &[&str], status: i32) {
    let output = house.run(&[&["check", "--format", "json"], arguments].concat());
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let told: Vec<_> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["code"])
        .collect();
    assert_eq!(told, codes, "{arguments:?}");
    assert_eq!(output.status.code(), Some(status), "{arguments:?}");
}

#[test]
fn a_part_of_the_files_can_be_looked_at() {
    let house = house_of_two();
    for empty in ["tenants", "tests/vendors/example"] {
        std::fs::create_dir_all(house.path().join(empty)).unwrap();
    }
    let (error, warning) = ("table::unknown-attribute", "lint::unused-function");
    let silent = "lint::no-transcripts";
    check_codes(&house, &[], &[error, warning, silent], 1);
    check_codes(&house, &["--no-transcripts"], &[error, warning], 1);
    check_codes(&house, &["--vendor", "example"], &[warning, silent], 0);
    check_codes(
        &house,
        &["--vendor", "example", "--deny", "warnings"],
        &[warning, silent],
        1,
    );
    check_codes(&house, &["adapters/other.toml"], &[error], 1);
    check_codes(&house, &["scripts/example.rhai"], &[warning, silent], 0);
    check_codes(&house, &["scripts"], &[error, warning, silent], 1);
    check_codes(&house, &["tests/vendors/example"], &[warning, silent], 0);
    check_codes(&house, &["tenants"], &[], 0);
}

#[test]
fn a_transcript_that_does_not_fit_is_an_error() {
    let house = House::of_example();
    let file = "tests/vendors/example/read.http";
    house.copy("tests/data/example.http", file);
    house.edit(file, "\"title\": \"Boss\"", "\"title\": \"Head\"");
    let all = ["lint::unplayed-operation", "transcript::body"];
    check_codes(&house, &[file], &["transcript::body", all[0]], 1);
    check_codes(&house, &["--no-transcripts"], &[], 0);
}

#[test]
fn other_tools_are_told_where_it_is() {
    let house = house_of_two();
    let output = house.run(&["check", "--vendor", "other", "--format", "github"]);
    expect![[r#"
        ::error file=scripts/other.rhai,line=6,endLine=6,col=15,endColumn=20,title=table%3A%3Aunknown-attribute::`titel` is not an attribute of a User%0Adid you mean `title`?
    "#]].assert_eq(&text_of(&output.stdout));
    let output = house.run(&["check", "--vendor", "other", "--format", "json"]);
    expect![[r#"
        [
          {
            "code": "table::unknown-attribute",
            "severity": "error",
            "file": "scripts/other.rhai",
            "line": 6,
            "column": 15,
            "endLine": 6,
            "endColumn": 20,
            "message": "`titel` is not an attribute of a User",
            "label": "not a SCIM attribute",
            "help": "did you mean `title`?"
          }
        ]
    "#]]
    .assert_eq(&text_of(&output.stdout));
}

#[test]
fn what_is_named_must_be_there() {
    let house = House::of_example();
    for (arguments, expect) in [
        (
            ["check", "--vendor", "exmple"].as_slice(),
            "scimgate: there is no adapter exmple; did you mean example?\n",
        ),
        (
            &["check", "--vendor", "other"],
            "scimgate: there is no adapter other; there are: example, paloalto, reference, sosafe, webroot, wedo, wss\n",
        ),
        (
            &["check", "scripts/exmple.rhai"],
            "scimgate: there is no scripts/exmple.rhai\n",
        ),
        (
            &["test", "exmple"],
            "scimgate: there is no adapter exmple; did you mean example?\n",
        ),
    ] {
        let output = house.run(arguments);
        assert_eq!(text_of(&output.stderr), expect);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
    }
}

#[test]
fn a_certificate_that_cannot_be_served_is_told() {
    let house = House::of_example();
    house.write("crt", "junk");
    let tls = "[server.tls]\ncertificate = \"crt\"\nkey = \"key\"\n";
    house.write("scimgate.toml", tls);
    let run = |more: &[&str]| {
        let check = ["check", "-c", "scimgate.toml", "--no-transcripts"];
        let output = house.run(&[&check[..], more].concat());
        (output.status.code(), text_of(&output.stdout))
    };
    let (status, told) = run(&[]);
    assert_eq!(status, Some(1));
    expect![[r#"
        server::certificate

          × crt: crt: holds no certificate
          help: put a certificate chain and the key that belongs to it in place

        1 adapter, 0 tenants: 1 error, 0 warnings
    "#]]
    .assert_eq(&told);
    assert_eq!(run(&["--no-tenants"]).0, Some(0));
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_in_any_form() {
    let house = House::of_example();
    house.write("scimgate.toml", "[server]\nlistn = 1\n");
    let run = |arguments: &[&str]| {
        let output = house.run(&[&["check", "-c", "scimgate.toml"], arguments].concat());
        assert_eq!(output.status.code(), Some(78));
        (text_of(&output.stdout), text_of(&output.stderr))
    };
    let (told, why) = run(&["--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told[0]["code"], "config::unknown-key");
    assert_eq!(
        (told[0]["line"].as_u64(), told[0]["column"].as_u64()),
        (Some(2), Some(1))
    );
    assert!(why.contains("did you mean server.listen?"), "{why}");
    let (told, why) = run(&[]);
    assert_eq!(told, "");
    expect![[r#"
        scimgate: the configuration cannot be used: 1 problem

        config::unknown-key

          × there is no key server.listn
           ╭─[scimgate.toml:2:1]
         1 │ [server]
         2 │ listn = 1
           · ──┬──
           ·   ╰── here
           ╰────
          help: did you mean server.listen?
    "#]]
    .assert_eq(&why);
}

#[test]
fn a_code_is_explained() {
    let house = House::empty();
    let output = house.run(&["check", "--explain", "table::no-boolean"]);
    expect![[r#"
        table::no-boolean

        `.values(…)` of an attribute that is true or false names something else.
        Example: `attr("active", "state").values(#{ "yes": "on", "no": "off" })`.
        Remedy: write `"true"` and `"false"`.
    "#]]
    .assert_eq(&text_of(&output.stdout));
    assert_eq!(output.status.code(), Some(0));
    let output = house.run(&["check", "--explain", "table::no-bolean"]);
    let why = text_of(&output.stderr);
    assert!(why.contains("did you mean table::no-boolean?"), "{why}");
    assert_eq!(output.status.code(), Some(2));
}
