//! What `scimgate check` says of every kind of mistake: place, reason, remedy.
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
    let output = house.run(&["check"]);
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
    let output = house.run(&["check"]);
    assert_eq!(
        text_of(&output.stdout),
        "2 adapters, 1 tenant: 0 errors, 0 warnings\n"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_attribute_that_scim_does_not_have() {
    check_script(
        r#"attr("userName","#,
        r#"attr("userNme","#,
        expect![[r#"
        table::unknown-attribute

          × `userNme` is no attribute of a User
           ╭─[scripts/example.rhai:4:15]
         3 │         //   SCIM attribute                    Example's field
         4 │         attr("userNme",                       "login").required().lookup("login").unique(),
           ·               ───┬───
           ·                  ╰── not a SCIM attribute
         5 │         attr("active",                         "state").values(#{ "true": "on", "false": "off" }),
           ╰────
          help: did you mean `userName`?

        0 adapters, 0 tenants: 1 error, 0 warnings
    "#]],
    );
}

#[test]
fn a_field_that_the_vendor_does_not_have() {
    check_script(
        r#""job_title")"#,
        r#""job_titel")"#,
        expect![[r#"
        table::unknown-field

          × the manifest lists no native field `job_titel`
           ╭─[scripts/example.rhai:6:49]
         5 │         attr("active",                         "state").values(#{ "true": "on", "false": "off" }),
         6 │         attr("title",                          "job_titel").to(|title| shorten(title)),
           ·                                                 ────┬────
           ·                                                     ╰── not in the manifest's [fields]
         7 │         attr(`emails[type eq "work"].value`,   "mail"),
           ╰────
          help: did you mean `job_title`?

        0 adapters, 0 tenants: 1 error, 0 warnings
    "#]],
    );
}

#[test]
fn a_function_that_nobody_has() {
    check_script(
        "shorten(title))",
        "shortn(title))",
        expect![[r#"
        script::unknown-function

          × there is no function `shortn`
           ╭─[scripts/example.rhai:6:72]
         5 │         attr("active",                         "state").values(#{ "true": "on", "false": "off" }),
         6 │         attr("title",                          "job_title").to(|title| shortn(title)),
           ·                                                                        ───┬──
           ·                                                                           ╰── not known
         7 │         attr(`emails[type eq "work"].value`,   "mail"),
           ╰────
          help: did you mean `shorten`?

        0 adapters, 0 tenants: 1 error, 0 warnings
    "#]],
    );
}

#[test]
fn too_many_arguments() {
    check_script(
        "delete(`/people/${id}`)",
        "delete(`/people/${id}`, 1, 2)",
        expect![[r#"
            script::wrong-arity

              × `delete` is called with 3 arguments
                ╭─[scripts/example.rhai:18:32]
             17 │ fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
             18 │ fn delete_user(id)           { delete(`/people/${id}`, 1, 2) }
                ·                                ───┬──
                ·                                   ╰── takes 1
                ╰────
              help: give it 1

            0 adapters, 0 tenants: 1 error, 0 warnings
        "#]],
    );
}

#[test]
fn a_syntax_error() {
    check_script(
        r#"post("/people", user)"#,
        r#"post("/people" user)"#,
        expect![[r#"
            script::syntax

              × Expecting ',' to separate the arguments to function call 'post'
                ╭─[scripts/example.rhai:16:47]
             15 │ fn list_users(page)          { get("/people", #{ offset: page.offset, limit: page.size }) }
             16 │ fn create_user(user)         { post("/people" user) }
                ·                                               ┬
                ·                                               ╰── here
             17 │ fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
                ╰────

            0 adapters, 0 tenants: 1 error, 0 warnings
        "#]],
    );
}

#[test]
fn an_attribute_in_two_rows() {
    check_script(
        r#"attr("title", "#,
        r#"attr("userName", "#,
        expect![[r#"
        table::duplicate-row

          × `userName` stands in the table twice
           ╭─[scripts/example.rhai:6:15]
         5 │         attr("active",                         "state").values(#{ "true": "on", "false": "off" }),
         6 │         attr("userName",                          "job_title").to(|title| shorten(title)),
           ·               ────┬───
           ·                   ╰── this row would never be used
         7 │         attr(`emails[type eq "work"].value`,   "mail"),
           ╰────
          help: remove one of the two rows

        0 adapters, 0 tenants: 1 error, 0 warnings
    "#]],
    );
}

#[test]
fn a_function_that_is_missing() {
    check_script(
        "fn get_user(id)",
        "fn fetch_user(id)",
        expect![[r#"
        script::missing-function

          × the script has no function `get_user`
            ╭─[scripts/example.rhai:14:4]
         13 │ fn find_user(field, value)   { get("/people", query(field, value)) }
         14 │ fn fetch_user(id)              { get(`/people/${id}`) }
            ·    ─────┬────
            ·         ╰── looks like it
         15 │ fn list_users(page)          { get("/people", #{ offset: page.offset, limit: page.size }) }
            ╰────
          help: it is needed for GET /Users/{id}, with 1 parameter

        0 adapters, 0 tenants: 1 error, 0 warnings
    "#]],
    );
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

              × Too many operations
               ╭─[scripts/example.rhai:1:4]
             1 │ fn user_attributes() {
               ·    ───────┬───────
               ·           ╰── in this function
             2 │     loop { }
               ╰────
              help: a table is evaluated once, when it is loaded, and must end at once

            0 adapters, 0 tenants: 1 error, 0 warnings
        "#]],
    );
}

#[test]
fn a_table_that_gives_no_rows() {
    check_script(
        "    [\n",
        "    return 5;\n    [\n",
        expect![[r#"
            table::not-a-row

              × `user_attributes` gives something else than rows
               ╭─[scripts/example.rhai:1:4]
             1 │ fn user_attributes() {
               ·    ───────┬───────
               ·           ╰── in this function
             2 │     return 5;
               ╰────
              help: a table is an array of attr(…)

            0 adapters, 0 tenants: 1 error, 0 warnings
        "#]],
    );
}

#[test]
fn a_manifest_with_a_misspelt_key() {
    check(
        "adapters/example.toml",
        "per_second = 10",
        "per_secnd = 10",
        expect![[r#"
            manifest::invalid

              × unknown field `per_secnd`, expected one of `per_second`, `burst`, `per_minute`, `concurrency`,
              │ `batches_per_minute`
                ╭─[adapters/example.toml:13:1]
             12 │ [limits]
             13 │ per_secnd = 10
                · ────┬────
                ·     ╰── here
             14 │
                ╰────
              help: adapters/README.md has all keys and their meaning

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

              × invalid basic string, expected `"`
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
fn a_manifest_without_a_script() {
    let house = House::of_example();
    house.copy("tests/data/example.toml", "adapters/other.toml");
    check_house(
        &house,
        expect![[r#"
            adapter::no-script

              × adapters/other.toml: its script scripts/other.rhai is missing
              help: a vendor is a manifest and a script of the same name

            1 adapter, 0 tenants: 1 error, 0 warnings
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

              × tenants/No Name.toml: `No Name` is no tenant name
              help: a tenant name is 1 to 63 of a-z, 0-9 and '-', and not '-' at an end

            tenant::base-url

              × base_url is no http or https URL
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
              help: Where the customer's data lies

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

              × the secret `key` cannot be read from tenants/missing: No such file or directory (os error 2)
               ╭─[tenants/acme.toml:4:16]
             3 │ settings = { regoin = "eu" }
             4 │ credential = { key = { file = "missing" } }
               ·                ─┬─
               ·                 ╰── here
               ╰────
              help: put there what the vendor gave you, or name another place

            tenant::missing-secret

              × tenants/acme.toml: the credential's `token` is missing
              help: add credential = { token = { file = "…" } }

            tenant::unfit-setting

              × `region` cannot have this value
               ╭─[tenants/bee.toml:3:23]
             2 │ base_url = "https://api.example"
             3 │ settings = { region = "moon" }
               ·                       ───┬──
               ·                          ╰── here
             4 │ credential = { token = { env = "NONE" } }
               ╰────
              help: use one of: eu, us

            tenant::unreadable-secret

              × the secret `token` is not in the environment variable NONE
               ╭─[tenants/bee.toml:4:16]
             3 │ settings = { region = "moon" }
             4 │ credential = { token = { env = "NONE" } }
               ·                ──┬──
               ·                  ╰── here
               ╰────
              help: put there what the vendor gave you, or name another place

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
        "{idp_tenant}",
        "{idp_tenat}",
        "manifest::unknown-setting",
        "`idp_tenant`?",
    );
    manifest("X-Api-Key", "X Api Key", "manifest::header", "`X Api Key`");
    manifest("X-Idp-Tenant", "\"X Idp\"", "manifest::header", "`X Idp`");
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
        "no way to give a secret",
    );
    check("adapter =", "adaptr =", "unknown field `adaptr`");
    check("credential =", "credentail =", "unknown field `credentail`");
    check("settings = {", "settings = ", "tenant::invalid");
    check("\"s3cret\"", "\"\"", "the secret `key` is empty");
    check("/v1", "/v1?a=b", "has a query");
    check(
        "https://",
        "https://me:s3cret@",
        "holds a user name or password",
    );
}
