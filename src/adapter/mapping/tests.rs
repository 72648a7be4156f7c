#![allow(clippy::unwrap_used)]

mod blind;
mod language;
mod manual;
mod text;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::adapter::remembered::Remembered;
use crate::problem::Problem;
use crate::scim::{Object, UNKNOWN};
use crate::script::engine::scripting;
use crate::script::host::json;
use crate::script::program::Script;

const TABLE: &str = r#"
fn user_attributes() {
    [
        attr("userName", "login").required().lookup("login"),
        attr("active", "status").values(#{ "true": "ON", "false": "OFF" }).pending("NEW"),
        attr("displayName", "display").cut(8),
        attr("title", "job").max(8),
        attr(`emails[type eq "work"].value`, "mail").lower().primary().otherwise(|user| user.userName),
        attr("preferredLanguage", "lang").language("_", ["de", "de_CH"]),
        attr(`addresses[type eq "work"].streetAddress`, ["address.street", "address.no"])
            .to(|street| split_street(street)).from(|parts| join_words(parts)),
        attr(`addresses[type eq "work"].country`, "address.country").country("de"),
        attr(`phoneNumbers[type eq "work"].value`, "phone").phone(`addresses[type eq "work"].country`),
        attr("nickName"),
        attr("meta.created", "made"),
    ]
}"#;

pub(crate) struct Bench {
    script: Script,
    mapping: Mapping,
}

impl Bench {
    pub(crate) fn new(table: &str) -> Result<Self, Vec<Problem>> {
        let script = Script::compile("test.rhai", table.to_owned())?;
        let rows = script
            .table("user_attributes")
            .map_err(|problem| vec![problem])?;
        let source = Source {
            file: &script.file,
            text: &script.text,
            fields: &[],
            id_field: "id",
        };
        let mapping = compile(crate::scim::ResourceType::user(), rows, &source)?;
        Ok(Self { script, mapping })
    }

    fn closures(&self) -> Closures<'_> {
        Closures {
            engine: &scripting().engine,
            ast: &self.script.runs,
            script: &self.script,
            title: "Vendor",
        }
    }

    /// What a whole resource becomes, as JSON.
    pub(crate) fn write(&self, resource: &Value, purpose: Purpose) -> Result<Value, Refusal> {
        let mut resource = resource.as_object().unwrap().clone();
        if purpose == Purpose::Create {
            self.mapping.begin(&mut resource);
        }
        let native = self.mapping.write(
            &self.mapping.whole(&resource),
            &resource,
            purpose,
            &self.closures(),
        )?;
        Ok(json::to_value(&native.fields.into()).unwrap())
    }

    /// Sends a resource and reads it back from a vendor that holds what it got,
    /// as `change` leaves it.
    fn round_trip(&self, resource: &Value, change: impl Fn(&mut Value)) -> Object {
        let resource = resource.as_object().unwrap();
        let native = self
            .mapping
            .write(
                &self.mapping.whole(resource),
                resource,
                Purpose::Create,
                &self.closures(),
            )
            .unwrap();
        let mut row = json::to_value(&native.fields.clone().into()).unwrap();
        row["id"] = 7.into();
        let mut remembered = Remembered {
            extra: extra_of(&self.mapping, resource),
            ..Remembered::default()
        };
        update_overrides(
            &self.mapping,
            &mut remembered,
            &native.written,
            &self.read(&row),
        );
        change(&mut row);
        assemble(&self.mapping, &self.read(&row), &remembered)
    }

    pub(crate) fn read(&self, row: &Value) -> Reading {
        let object = json::to_dynamic(row).cast::<rhai::Map>();
        let id = self.mapping.key_in(&object).unwrap();
        self.mapping.read(id, &object, &self.closures()).unwrap()
    }

    /// What Entra reads of a native object about which nothing is remembered.
    pub(crate) fn answered(&self, row: &Value) -> Object {
        assemble(&self.mapping, &self.read(row), &Remembered::default())
    }
}

fn bench() -> Bench {
    Bench::new(TABLE).unwrap()
}

#[test]
fn a_rows_function_sees_the_scripts_constants() {
    let bench = Bench::new(
        r#"
        const MARK = "*";
        fn marked(text) { text + global::MARK }
        fn user_attributes() {
            [
                attr("userName", "login").to(|name| name + global::MARK).from(|login| marked(login)),
            ]
        }"#,
    )
    .unwrap();
    let user = json!({"userName": "ada"});
    let written = bench.write(&user, Purpose::Create).unwrap();
    assert_eq!(written, json!({"login": "ada*"}));
    let read = bench.answered(&json!({"id": 1, "login": "ada"}));
    assert_eq!(read["userName"], "ada*");
}

fn ada() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "Ada@Example.com", "active": true, "displayName": "Ada Lovelace", "preferredLanguage": "de-AT",
        "addresses": [{"type": "work", "streetAddress": "Hauptstr. 5a", "country": "Switzerland", "primary": false}],
        "phoneNumbers": [{"type": "work", "value": "044 268 12 34"}, {"type": "mobile", "value": "079 000 00 00"}],
        "nickName": "Countess",
    })
}

#[test]
fn a_resource_becomes_native_fields() {
    assert_eq!(
        bench().write(&ada(), Purpose::Create).unwrap(),
        json!({
            "login": "Ada@Example.com", "status": "ON", "display": "Ada Love", "mail": "ada@example.com", "lang": "de",
            "address": {"street": "Hauptstr.", "no": "5a", "country": "Schweiz"}, "phone": "+41442681234",
        })
    );
}

#[test]
fn an_update_clears_what_is_absent() {
    let native = bench()
        .write(&json!({"userName": "a@b.c"}), Purpose::Update)
        .unwrap();
    assert_eq!(native["job"], Value::Null);
    assert_eq!(
        native["address"],
        json!({"street": null, "no": null, "country": null})
    );
    assert_eq!(native["mail"], "a@b.c");
    assert!(
        native.get("made").is_none(),
        "a read-only attribute is never written"
    );
}

#[test]
fn entra_reads_its_own_words_while_the_vendor_holds_their_meaning() {
    let read = bench().round_trip(&ada(), |_| {});
    for (name, value) in ada().as_object().unwrap() {
        assert_eq!(read.get(name), Some(value), "{name}");
    }
    assert_eq!(
        read.get("emails"),
        None,
        "what was made up for the vendor is not told"
    );
}

#[test]
fn what_was_changed_at_the_vendor_is_read() {
    let read = bench().round_trip(&ada(), |row| {
        row["address"]["country"] = "Frankreich".into();
        row["phone"] = "+33123456789".into();
        row["mail"] = "other@example.com".into();
        row["status"] = "OFF".into();
    });
    assert_eq!(read["addresses"][0]["country"], "FR");
    assert_eq!(read["phoneNumbers"][0]["value"], "+33123456789");
    assert_eq!(read["phoneNumbers"][1]["value"], "079 000 00 00");
    assert_eq!(
        read["emails"],
        json!([{"type": "work", "value": "other@example.com", "primary": true}])
    );
    assert_eq!(read["active"], false);
}

#[test]
fn nothing_is_stored_for_what_survives_the_round_trip() {
    let bench = bench();
    let plain = json!({
        "userName": "ada", "active": true, "displayName": "Ada", "preferredLanguage": "de-CH",
        "emails": [{"type": "work", "value": "ada@example.com", "primary": true}],
        "addresses": [{"type": "work", "streetAddress": "Weg 1", "country": "CH"}],
        "phoneNumbers": [{"type": "work", "value": "+41442681234"}],
    });
    let resource = plain.as_object().unwrap();
    let native = bench
        .mapping
        .write(
            &bench.mapping.whole(resource),
            resource,
            Purpose::Create,
            &bench.closures(),
        )
        .unwrap();
    let mut row = json::to_value(&native.fields.clone().into()).unwrap();
    row["id"] = 7.into();
    let mut remembered = Remembered {
        extra: extra_of(&bench.mapping, resource),
        ..Remembered::default()
    };
    update_overrides(
        &bench.mapping,
        &mut remembered,
        &native.written,
        &bench.read(&row),
    );
    assert!(remembered.is_empty(), "{remembered:?}");
}

#[test]
fn a_pending_value_is_answered_as_asked_for() {
    let asked = |active: bool| {
        let read = bench().round_trip(&json!({"userName": "a@b.c", "active": active}), |_| {});
        read["active"].clone()
    };
    assert_eq!((asked(true), asked(false)), (json!(true), json!(false)));
    let bench = bench();
    let pending = bench.read(&json!({"id": 1, "login": "a", "status": "NEW"}));
    assert_eq!(
        assemble(&bench.mapping, &pending, &Remembered::default())["active"],
        false
    );
}

#[test]
fn a_national_number_needs_the_country_and_says_so_when_it_is_unknown() {
    let bench = bench();
    let mut unknown = bench.mapping.unknown().clone();
    unknown.insert(
        "phoneNumbers".into(),
        json!([{"type": "work", "value": "044 268 12 34"}]),
    );
    let changes = bench.mapping.difference(bench.mapping.unknown(), &unknown);
    assert_eq!(changes.len(), 1);
    let national = bench
        .mapping
        .write(&changes, &unknown, Purpose::Update, &bench.closures());
    assert!(matches!(national, Err(Refusal::NeedsRead)));
    unknown["phoneNumbers"][0]["value"] = "+41 44 268 12 34".into();
    let changes = bench.mapping.difference(bench.mapping.unknown(), &unknown);
    assert!(
        bench
            .mapping
            .write(&changes, &unknown, Purpose::Update, &bench.closures())
            .is_ok()
    );
}

#[track_caller]
fn check_refused(resource: Value, expected: &str) {
    match bench().write(&resource, Purpose::Create) {
        Err(Refusal::Failed(failure)) => {
            assert_eq!(failure.to_string(), format!("400: {expected}"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_the_vendor_cannot_take_is_refused_by_name_and_never_echoed() {
    check_refused(json!({}), "userName is missing, and Vendor needs it.");
    check_refused(
        json!({"userName": "a@b.c", "title": "Engineer of Analytical Engines"}),
        "title must be a text of at most 8 characters.",
    );
    check_refused(
        json!({"userName": "a@b.c", "addresses": [{"type": "work", "country": "Atlantis"}]}),
        r#"addresses[type eq "work"].country must be a country's name or ISO 3166 code."#,
    );
}

#[test]
fn a_whole_list_goes_both_ways_as_it_is() {
    let bench =
        Bench::new(r#"fn user_attributes() { [attr("emails", "mails"), attr("roles", "roles")] }"#);
    let bench = bench.unwrap();
    let resource = json!({"emails": [{"value": "a@b.c", "type": "work", "primary": true}, {"value": "d@e.f"}]});
    let native = bench.write(&resource, Purpose::Create).unwrap();
    assert_eq!(native, json!({"mails": resource["emails"]}));
    let back = bench.round_trip(&resource, |row| row["roles"] = json!([]));
    assert_eq!(back["emails"], resource["emails"]);
    assert_eq!(back.get("roles"), None, "an empty list is absent");
    let cleared = bench.write(&json!({}), Purpose::Update).unwrap();
    assert_eq!(cleared, json!({"mails": null, "roles": null}));
}

#[test]
fn unknown_stands_for_every_mapped_attribute() {
    let bench = bench();
    let unknown = bench.mapping.unknown();
    let held = bench
        .mapping
        .mapped()
        .filter(|(_, row)| row.leaf.get(unknown) == Some(&UNKNOWN.into()))
        .count();
    assert_eq!(
        held,
        bench.mapping.mapped().count() - 1,
        "all but the read-only one"
    );
}

#[track_caller]
fn check_problem(row: &str, expected: Expect) {
    let table = format!("fn user_attributes() {{\n    [\n        {row},\n    ]\n}}");
    let problems = Bench::new(&table).map(|_| ()).unwrap_err();
    let told: Vec<String> = problems
        .iter()
        .map(|problem| {
            let (start, length) = problem.span.unwrap();
            format!(
                "{} at `{}`: {problem}\n",
                problem.code,
                &table[start..start + length]
            )
        })
        .collect();
    expected.assert_eq(&told.concat());
}

#[test]
fn mistakes_in_a_table_are_found_where_they_stand() {
    check_problem(
        r#"attr("usrName", "login")"#,
        expect![[r#"
            table::unknown-attribute at `usrName`: test.rhai: `usrName` is not an attribute of a User (did you mean `userName`?)
        "#]],
    );
    check_problem(
        r#"attr(`emails[type eq "work"].valu`, "mail")"#,
        expect![[r#"
            table::unknown-attribute at `emails[type eq "work"].valu`: test.rhai: `emails[type eq "work"].valu` is not an attribute of a User (User has no attribute "emails.valu"; did you mean emails.value?)
        "#]],
    );
    check_problem(
        r#"attr("title", "a"), attr("title", "b")"#,
        expect![[r#"
            table::duplicate-row at `title`: test.rhai: `title` is in the table twice (remove one of the two rows)
        "#]],
    );
    check_problem(
        r#"attr("userName", "login").requird()"#,
        expect![[r#"
            script::unknown-function at `requird`: test.rhai: there is no function `requird` (did you mean `required`?)
        "#]],
    );
    check_problem(
        r#"attr("userName", "login").lookup()"#,
        expect![[r#"
            script::wrong-arity at `lookup`: test.rhai: `lookup` is called with 0 arguments (give it 1)
        "#]],
    );
    check_problem(
        r#"attr(`addresses[type eq "work"].country`, "c").country("fr")"#,
        expect![[r#"
            table::unknown-style at `fr`: test.rhai: `fr` is not a way to write a country (use one of alpha2, alpha3, en, EN, de)
        "#]],
    );
    check_problem(
        r#"attr("title", "a").reads(#{ "x": "y" })"#,
        expect![[r#"
            script::failed at `reads`: test.rhai: .reads(…) belongs behind .values(…)
        "#]],
    );
}
