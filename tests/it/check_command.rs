//! The binary, as people and scripts use it: what `check` says of every kind of
//! mistake, and a token that `token mint` printed and `serve` takes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use scimgate::demo::emulator::sosafe;
use tempfile::TempDir;

use crate::harness::{Request, Response, copy_edited, logs};

/// A directory with SoSafe's files as they are, and the binary in it.
struct House {
    directory: TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        house.edit("adapters/sosafe.toml", |text| text);
        house.edit("scripts/sosafe.rhai", |text| text);
        house
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts an edited copy of the repository's file in place.
    fn edit(&self, file: &str, edit: impl Fn(String) -> String) {
        copy_edited(file, &self.path().join(file), edit);
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn tenant(&self, name: &str, base_url: &str, key: &str) {
        let text = format!(
            "adapter = \"sosafe\"\nbase_url = \"{base_url}\"\n\
             settings = {{ idp_tenant = \"{}\" }}\n\
             credential = {{ key = {{ value = \"{key}\" }} }}\n",
            sosafe::Client::default().idp_tenant
        );
        self.write(&format!("tenants/{name}.toml"), &text);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scimgate"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

/// What `check` prints and exits with after one edit of the script.
#[track_caller]
fn check_script(from: &str, to: &str, expected: Expect) {
    check("scripts/sosafe.rhai", from, to, expected);
}

#[track_caller]
fn check(file: &str, from: &str, to: &str, expected: Expect) {
    let house = House::new();
    house.edit(file, |text| {
        assert!(text.contains(from), "{file} has no {from:?}");
        text.replacen(from, to, 1)
    });
    check_house(&house, expected);
}

#[track_caller]
fn check_house(house: &House, expected: Expect) {
    let output = house.run(&["check"]);
    expected.assert_eq(&text_of(&output.stdout));
    assert_eq!(text_of(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1));
}

fn text_of(bytes: &[u8]) -> String {
    // Snapshots have no spaces at the ends of lines.
    let text = String::from_utf8_lossy(bytes).into_owned();
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[test]
fn the_files_as_they_are_have_no_problems() {
    let house = House::new();
    house.tenant("acme", "https://api.example/provisioning/v1", "k");
    let output = house.run(&["check"]);
    assert_eq!(
        text_of(&output.stdout),
        "1 adapters, 1 tenants: 0 errors, 0 warnings\n"
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
            ╭─[scripts/sosafe.rhai:17:15]
         16 │         //   SCIM attribute                              SoSafe field
         17 │         attr("userNme",                                 "login").required().lookup("login").unique(),
            ·               ───┬───
            ·                  ╰── not a SCIM attribute
         18 │         attr("active",                                   "status").values(#{ "true": "ACTIVE", "false": "INACTIVE" })
            ╰────
          help: did you mean `userName`?

        0 adapters, 0 tenants: 1 errors, 0 warnings
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
            ╭─[scripts/sosafe.rhai:21:59]
         20 │         attr("displayName",                              "display_name").cut(120),
         21 │         attr("title",                                    "job_titel"),
            ·                                                           ────┬────
            ·                                                               ╰── not in the manifest's [fields]
         22 │         attr(`emails[type eq "work"].value`,             "email").required().lower().lookup("email").unique().primary()
            ╰────
          help: did you mean `job_title`?

        0 adapters, 0 tenants: 1 errors, 0 warnings
    "#]],
    );
}

#[test]
fn a_function_that_nobody_has() {
    check_script(
        "split_street(street)",
        "split_stret(street)",
        expect![[r#"
        script::unknown-function

          × there is no function `split_stret`
            ╭─[scripts/sosafe.rhai:32:110]
         31 │         attr(`${work}.formatted`,                        "address.text"),
         32 │         attr(`${work}.streetAddress`,                    ["address.street", "address.house_no"]).to(|street| split_stret(street))
            ·                                                                                                              ─────┬─────
            ·                                                                                                                   ╰── not known
         33 │                                                                                                 .from(|parts| join_words(parts)),
            ╰────
          help: did you mean `split_street`?

        0 adapters, 0 tenants: 1 errors, 0 warnings
    "#]],
    );
}

#[test]
fn too_many_arguments() {
    check_script(
        "delete(`/users/${id}`)",
        "delete(`/users/${id}`, 1, 2)",
        expect![[r#"
            script::wrong-arity

              × `delete` is called with 3 arguments
                ╭─[scripts/sosafe.rhai:95:31]
             94 │ fn update_user(id, changes) { patch(`/users/${id}`, changes) }
             95 │ fn delete_user(id)          { delete(`/users/${id}`, 1, 2) }
                ·                               ───┬──
                ·                                  ╰── takes 1
             96 │ fn activate_user(id)        { post_again(`/users/${id}/activate`) }
                ╰────
              help: give it 1

            0 adapters, 0 tenants: 1 errors, 0 warnings
        "#]],
    );
}

#[test]
fn a_syntax_error() {
    check_script(
        "let page = 1;",
        "let page = ;",
        expect![[r#"
        script::syntax

          × Unexpected ';'
             ╭─[scripts/sosafe.rhai:118:16]
         117 │     let wanted = name.to_lower();
         118 │     let page = ;
             ·                ┬
             ·                ╰── here
         119 │     loop {
             ╰────

        0 adapters, 0 tenants: 1 errors, 0 warnings
    "#]],
    );
}

#[test]
fn an_attribute_in_two_rows() {
    check_script(
        r#"attr("nickName",                                 "nickname"),"#,
        r#"attr("title",                                    "nickname"),"#,
        expect![[r#"
            table::duplicate-row

              × `title` stands in the table twice
                ╭─[scripts/sosafe.rhai:40:15]
             39 │         attr("externalId",                               "external_ref").max(64).lookup("external_ref"),
             40 │         attr("title",                                    "nickname"),
                ·               ──┬──
                ·                 ╰── this row would never be used
             41 │         attr("userType",                                 "category").values(#{ "Member": "employee", "employee": "employee", "Guest": "external",
                ╰────
              help: remove one of the two rows

            0 adapters, 0 tenants: 1 errors, 0 warnings
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
            ╭─[scripts/sosafe.rhai:63:4]
         62 │
         63 │ fn fetch_user(id) {
            ·    ─────┬────
            ·         ╰── looks like it
         64 │     let user = get(`/users/${id}`);
            ╰────
          help: it is needed for GET /Users/{id}, with 1 parameters

        0 adapters, 0 tenants: 1 errors, 0 warnings
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
                ╭─[scripts/sosafe.rhai:95:4]
             94 │ fn update_user(id, changes) { patch(`/users/${id}`, changes) }
             95 │ fn delete_user(id, why)          { delete(`/users/${id}`) }
                ·    ─────┬─────
                ·         ╰── looks like it
             96 │ fn activate_user(id)        { post_again(`/users/${id}/activate`) }
                ╰────
              help: it is needed for DELETE /Users/{id}, with 1 parameters

            0 adapters, 0 tenants: 1 errors, 0 warnings
        "#]],
    );
}

#[test]
fn a_table_without_end() {
    check_script(
        "    let work =",
        "    loop { }\n    let work =",
        expect![[r#"
            script::failed

              × scripts/sosafe.rhai: Too many operations

            0 adapters, 0 tenants: 1 errors, 0 warnings
        "#]],
    );
}

#[test]
fn a_manifest_with_a_misspelt_key() {
    check(
        "adapters/sosafe.toml",
        "per_second = 10",
        "per_secnd = 10",
        expect![[r#"
            manifest::invalid

              × unknown field `per_secnd`, expected one of `per_second`, `burst`, `per_minute`, `concurrency`
                ╭─[adapters/sosafe.toml:30:1]
             29 │ [limits]
             30 │ per_secnd = 10
                · ────┬────
                ·     ╰── here
             31 │ burst = 20
                ╰────
              help: see the keys in the reference part of the README

            0 adapters, 0 tenants: 1 errors, 0 warnings
        "#]],
    );
}

#[test]
fn a_manifest_that_is_no_toml() {
    check(
        "adapters/sosafe.toml",
        r#"title = "SoSafe""#,
        r#"title = "SoSafe"#,
        expect![[r#"
            manifest::invalid

              × invalid basic string, expected `"`
               ╭─[adapters/sosafe.toml:3:16]
             2 │ # How to connect Entra to it: sosafe.md. What stands where: ../scripts/sosafe.rhai.
             3 │ title = "SoSafe
               ·                ▲
               ·                ╰── here
             4 │
               ╰────
              help: see the keys in the reference part of the README

            0 adapters, 0 tenants: 1 errors, 0 warnings
        "#]],
    );
}

#[test]
fn a_tenant_with_everything_wrong() {
    let house = House::new();
    house.write(
        "tenants/acme.toml",
        "adapter = \"sosafe\"\nbase_url = \"api.example\"\n\
         settings = { idp_tenat = \"x\", archived = \"perhaps\" }\n\
         credential = { token = { file = \"missing\" } }\n",
    );
    house.write(
        "tenants/other.toml",
        "adapter = \"sosafee\"\nbase_url = \"https://api.example\"\n",
    );
    check_house(
        &house,
        expect![[r#"
        tenant::base-url

          × base_url is no http or https URL
           ╭─[tenants/acme.toml:2:12]
         1 │ adapter = "sosafe"
         2 │ base_url = "api.example"
           ·            ──────┬──────
           ·                  ╰── here
         3 │ settings = { idp_tenat = "x", archived = "perhaps" }
           ╰────
          help: write it as https://host/path

        tenant::unfit-setting

          × `archived` cannot have this value
           ╭─[tenants/acme.toml:3:42]
         2 │ base_url = "api.example"
         3 │ settings = { idp_tenat = "x", archived = "perhaps" }
           ·                                          ────┬────
           ·                                              ╰── here
         4 │ credential = { token = { file = "missing" } }
           ╰────
          help: use one of: restore, refuse

        tenant::unknown-setting

          × SoSafe has no setting `idp_tenat`
           ╭─[tenants/acme.toml:3:14]
         2 │ base_url = "api.example"
         3 │ settings = { idp_tenat = "x", archived = "perhaps" }
           ·              ────┬────
           ·                  ╰── here
         4 │ credential = { token = { file = "missing" } }
           ╰────
          help: did you mean `idp_tenant`?

        tenant::missing-setting

          × tenants/acme.toml: the setting `idp_tenant` is missing
          help: Entra tenant id as entered in SoSafe Manager under Extended Data > SCIM

        tenant::unknown-secret

          × the credential has no part `token`
           ╭─[tenants/acme.toml:4:16]
         3 │ settings = { idp_tenat = "x", archived = "perhaps" }
         4 │ credential = { token = { file = "missing" } }
           ·                ──┬──
           ·                  ╰── here
           ╰────
          help: it has: key

        tenant::unreadable-secret

          × the secret `token` cannot be read from tenants/missing: No such file or directory (os error 2)
           ╭─[tenants/acme.toml:4:16]
         3 │ settings = { idp_tenat = "x", archived = "perhaps" }
         4 │ credential = { token = { file = "missing" } }
           ·                ──┬──
           ·                  ╰── here
           ╰────

        tenant::missing-secret

          × tenants/acme.toml: the credential's `key` is missing
          help: add credential = { key = { file = "…" } }

        tenant::unknown-adapter

          × there is no adapter `sosafee`
           ╭─[tenants/other.toml:1:11]
         1 │ adapter = "sosafee"
           ·           ────┬────
           ·               ╰── here
         2 │ base_url = "https://api.example"
           ╰────
          help: did you mean `sosafe`?

        1 adapters, 0 tenants: 8 errors, 0 warnings
    "#]],
    );
}

#[test]
fn a_token_that_was_minted_opens_what_is_served() {
    let vendor = sosafe::start(sosafe::Options::default()).unwrap();
    let house = House::new();
    house.tenant(
        "acme",
        vendor.base_url(),
        &sosafe::Client::default().api_key,
    );
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let mut served = Served::start(&house);
    let minted = house
        .command(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"])
        .env("SCIMGATE_SERVER__PUBLIC_URL", &served.origin)
        .output()
        .unwrap();
    assert_eq!(minted.status.code(), Some(0), "{}", text_of(&minted.stderr));
    let minted = text_of(&minted.stdout);
    let line = |name: &str| {
        let line = minted.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {minted}"))
            .trim()
            .to_owned()
    };
    let (url, token) = (line("Tenant URL:"), line("Secret Token:"));
    assert_eq!(url, format!("{}/t/acme/scim/v2", served.origin));
    let path = url.strip_prefix(&served.origin).unwrap();
    let found = served.get(
        &format!("{path}/Users?filter=userName+eq+%22nobody%22"),
        &token,
    );
    assert_eq!(found.status, 200, "{found}");
    assert_eq!(found.json()["totalResults"], 0);
    assert_eq!(served.get(&format!("{path}/Users"), "scg_no").status, 401);
    let log = served.terminate();
    assert!(!log.contains(&token) && !log.contains("nobody"), "{log}");
}

#[test]
fn a_token_for_nobody_is_refused_with_the_file_to_make() {
    let output = House::new().run(&["token", "mint", "--tenant", "acme"]);
    assert_eq!(output.status.code(), Some(78));
    expect![[r#"
        scimgate: there is no tenant acme: tenants/acme.toml is missing
    "#]]
    .assert_eq(&text_of(&output.stderr));
}

#[test]
fn a_broken_adapter_does_not_keep_others_from_being_served() {
    let house = House::new();
    house.write("adapters/broken.toml", "title =");
    house.write("scripts/broken.rhai", "");
    house.write("scimgate.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    house.tenant("acme", "http://127.0.0.1:1/", "k");
    let mut served = Served::start(&house);
    assert_eq!(served.get("/scim/v2/Users", "scg_no").status, 401);
    assert!(served.terminate().contains("broken.toml"));
}

/// `scimgate serve` as a process.
struct Served {
    process: Child,
    origin: String,
}

impl Served {
    fn start(house: &House) -> Self {
        logs::capture();
        let mut process = house
            .command(&["-c", "scimgate.toml", "serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("scimgate is listening on ");
        let origin = url.and_then(|url| url.strip_suffix("/scim/v2"));
        let origin = origin.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { process, origin }
    }

    fn get(&self, target: &str, token: &str) -> Response {
        let address = self.origin.trim_start_matches("http://").parse().unwrap();
        let request =
            Request::new("GET", target).header("Authorization", &format!("Bearer {token}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut connection = crate::harness::Connection::open(address).await;
            connection.send(&request).await
        })
    }

    /// Sends SIGTERM, asserts a good end and gives the log.
    #[track_caller]
    fn terminate(&mut self) -> String {
        let kill = format!("kill -TERM {}", self.process.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        let patience = Instant::now() + Duration::from_secs(10);
        while self.process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < patience, "it does not end");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        let stderr = self.process.stderr.take().unwrap();
        std::io::read_to_string(stderr).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Only if the test failed before it was terminated.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
