//! `scimgate adapter`: what there is, one in full, and a new one; `scimgate definitions`.
//!
//! Snapshots are renewed by `UPDATE_EXPECT=1 cargo test --test it adapter_command`.

use expect_test::expect;

use crate::house::{House, text_of};

#[test]
fn the_vendors_are_listed_with_what_they_have() {
    let house = House::of_example();
    house.write("tests/vendors/example/a.http", "");
    let output = house.run(&["adapter", "list"]);
    expect![[r#"
        NAME       TITLE                                RESOURCES    CREDENTIAL    ATTRIBUTES  TRANSCRIPTS  SERVED FROM
        example    Example                              User         bearer        4           1            files
        paloalto   Palo Alto Networks SCIM Connector    User, Group  key_exchange  31 + 3      0            the program
        reference  Reference                            User, Group  header        43 + 3      0            the program
        sosafe     SoSafe                               User, Group  header        28 + 3      0            the program
        webroot    Webroot Security Awareness Training  User, Group  oauth2        6 + 3       0            the program
        wedo       WEDO                                 User         bearer        9           0            the program
        wss        Symantec Web Security Service (WSS)  User, Group  basic         16 + 3      0            the program
    "#]]
    .assert_eq(&text_of(&output.stdout));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_broken_vendor_is_told_and_keeps_no_other_from_the_list() {
    let house = House::of_example();
    house.write("adapters/broken.toml", "title =");
    house.write("scripts/broken.rhai", "");
    let output = house.run(&["adapter", "list"]);
    assert!(text_of(&output.stdout).contains("example"));
    assert!(text_of(&output.stderr).contains("adapters/broken.toml"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_vendor_is_shown() {
    let output = House::of_example().run(&["adapter", "show", "example"]);
    expect![[r#"
        Example (example)

          manifest         adapters/example.toml
          script           scripts/example.rhai
          page             adapters/example.md
          transcripts      0 in tests/vendors/example
          users            created, changed, deleted, disabled and enabled; ids are the vendor's, in id
          groups           none: no Group resource type
          pages            by offset, at most 100 rows
          limits           10 calls a second
          a second create  is refused by the vendor (A)

        Settings of a tenant
          base_url          required       the address of the vendor's API
          settings.region   one of eu, us  Where the customer's data is stored
          credential.token  required       secret of a bearer credential

        Attributes of a User
          ATTRIBUTE                     TYPE     FIELD      CONVERTED BY  NOTES
          userName                      String   login                    required, filterable, unique
          active                        Boolean  state      values
          title                         String   job_title  to
          emails[type eq "work"].value  String   mail
    "#]].assert_eq(&text_of(&output.stdout));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_vendor_that_is_not_there_is_answered_with_those_that_are() {
    let output = House::of_example().run(&["adapter", "show", "exmple"]);
    assert_eq!(
        text_of(&output.stderr),
        "scimgate: there is no adapter exmple; did you mean example?\n"
    );
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn a_page_gets_its_tables_between_its_marks() {
    let house = House::of_example();
    let begin = "<!-- attributes of users: made by `scimgate adapter show example --write` -->";
    house.write(
        "adapters/example.md",
        &format!("before\n{begin}\nold\n<!-- end of the table -->\nafter\n"),
    );
    let output = house.run(&["adapter", "show", "example", "--write"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output.stderr));
    let page = std::fs::read_to_string(house.path().join("adapters/example.md")).unwrap();
    let tables = text_of(
        &house
            .run(&["adapter", "show", "example", "--markdown"])
            .stdout,
    );
    assert_eq!(page, format!("before\n{tables}after\n"));
    assert!(
        tables.contains("| userName | String | yes | yes |"),
        "{tables}"
    );
}

#[test]
fn a_page_without_marks_is_left_alone() {
    let house = House::of_example();
    house.write("adapters/example.md", "my own\n");
    let output = house.run(&["adapter", "show", "example", "--write"]);
    expect![[r#"
        scimgate: adapters/example.md: it does not say where the table goes; put these two lines there:
        <!-- attributes of users: made by `scimgate adapter show example --write` -->
        <!-- end of the table -->
    "#]].assert_eq(&text_of(&output.stderr));
    assert_eq!(output.status.code(), Some(78));
    let page = std::fs::read_to_string(house.path().join("adapters/example.md")).unwrap();
    assert_eq!(page, "my own\n");
}

#[test]
fn a_new_vendor_is_right_from_the_start() {
    for (credential, groups, files) in [
        ("basic", "none", 1),
        ("bearer", "many", 2),
        ("header", "one", 2),
        ("oauth2", "none", 1),
        ("oauth2-password", "many", 2),
        ("key-exchange", "one", 2),
        ("none", "none", 1),
        // With a fence between customers: those of a foreign id and of another's credential too.
        ("bearer", "none", 3),
        ("bearer", "many", 4),
        ("bearer", "one", 4),
    ] {
        let house = House::empty();
        let title = "Desk \"4\\2\"";
        let arguments = [
            "adapter",
            "new",
            "desk",
            "--title",
            title,
            "--credential",
            credential,
            "--groups",
            groups,
        ];
        let is_fenced = files > 2;
        let arguments = [&arguments[..], if is_fenced { &["--fenced"] } else { &[] }].concat();
        let output = house.run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output.stderr));
        let checked = house.run(&["check"]);
        let found = text_of(&checked.stdout);
        assert!(found.starts_with("1 adapter, 0 tenants"), "{found}");
        assert!(found.ends_with(": 0 errors, 0 warnings\n"), "{found}");
        let played = house.run(&["test", "desk"]);
        assert!(
            text_of(&played.stdout).contains(&format!("{files} passed, 0 failed")),
            "{credential}"
        );
        let shown = house.run(&["adapter", "show", "desk", "--markdown"]);
        let page = std::fs::read_to_string(house.path().join("adapters/desk.md")).unwrap();
        for table in text_of(&shown.stdout).split("\n\n") {
            assert!(page.contains(table.trim()), "{page}");
        }
    }
}

#[test]
fn a_new_vendor_overwrites_nothing() {
    let house = House::empty();
    house.write("scripts/desk.rhai", "mine");
    let output = house.run(&["adapter", "new", "desk"]);
    assert_eq!(
        text_of(&output.stderr),
        "scimgate: scripts/desk.rhai is there already; nothing was written\n"
    );
    assert_eq!(output.status.code(), Some(78));
    assert!(!house.path().join("adapters").exists());
}

#[test]
fn a_vendor_has_a_name_that_a_file_can_have() {
    for name in ["", "Desk", "1desk", "../desk", "de sk", "désk"] {
        let house = House::empty();
        let output = house.run(&["adapter", "new", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(text_of(&output.stderr).contains("1 to 63 of a-z"), "{name}");
        assert_eq!(
            std::fs::read_dir(house.path()).unwrap().count(),
            0,
            "{name}"
        );
    }
}

#[test]
fn an_editor_gets_its_definitions() {
    let house = House::empty();
    let output = house.run(&["definitions", "made/for/editors"]);
    expect![[r#"
        wrote made/for/editors/rhai.d.rhai
        wrote made/for/editors/scimgate.d.rhai
        wrote made/for/editors/functions.md
    "#]]
    .assert_eq(&text_of(&output.stdout));
    let read = |name: &str| {
        let path = house.path().join("made/for/editors").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    assert!(read("scimgate.d.rhai").contains("fn segment(text: String) -> String;"));
    assert!(read("rhai.d.rhai").contains("fn to_lower("));
    assert!(read("functions.md").contains("| `segment(text)` |"));
}
