#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::scim::tests::{object, types};
use crate::scim::{AttrPath, Profile, ScimType, Work};

const ADA: &str = r#"{
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "ENT"],
    "id": "2819c223-7f76-453a-919d-413861904646", "externalId": "Ada1", "userName": "Ada@Example.com", "active": true,
    "title": "50% \"R&D\" C:\\x", "displayName": "Zoë (and) [Ünal]",
    "name": {"familyName": "Lane", "givenName": "Ada"},
    "emails": [{"type": "work", "primary": true, "value": "ada@example.com"}, {"type": "home", "value": "ada@home.org"}],
    "phoneNumbers": [{"type": "mobile", "value": "+49 1"}],
    "roles": [],
    "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z"},
    "ENT": {"employeeNumber": "E100", "manager": {"value": "m1"}}
}"#;

const TEAM: &str = r#"{"id": "g1", "displayName": "Sales", "members": [{"value": "u1", "type": "User"}, {"value": "u2"}]}"#;

/// `want`: `true`, `false`, or a part of the message of `invalidFilter`.
#[track_caller]
fn check_as(profile: Profile, kind: char, resource: &str, filter: &str, want: &str) {
    let types = types(kind);
    let filter = filter.replace("ENT", crate::scim::schema::ENTERPRISE_USER);
    match Filter::parse(&filter, &types, profile) {
        Ok(parsed) => {
            let got = parsed.matches(&object(resource), &types);
            assert_eq!(got.to_string(), want, "{filter} read as {parsed}");
        }
        Err(error) => {
            assert_eq!(error.scim_type, Some(ScimType::InvalidFilter));
            assert!(error.detail.contains(want), "{filter}: {}", error.detail);
        }
    }
}

#[test]
fn what_entra_asks_of_users() {
    for (filter, want) in [
        (r#"userName eq "ada@example.com""#, "true"),  // Q-02
        (r#"UserName Eq "ADA@EXAMPLE.COM""#, "true"),  // Q-12
        (r#"userName eq "bob@example.com""#, "false"), // C-01
        (r#"externalId eq "Ada1""#, "true"),
        (r#"externalId eq "ada1""#, "false"), // caseExact
        ("externalId eq Ada1", "true"),       // bare word
        (
            r#"emails[type eq "work"].value eq "ADA@example.com""#,
            "true",
        ), // Q-04
        (r#"emails[type eq "work"].value eq "ada@home.org""#, "false"),
        (r#"emails[type eq "work"] eq "ada@example.com""#, "true"), // azure-docs#83855
        (
            r#"emails[type eq "other"].value eq "ada@example.com""#,
            "false",
        ),
        (r#"ENT:employeeNumber eq "E100""#, "true"), // Q-05
        (
            r#"id eq "2819c223-7f76-453a-919d-413861904646" and manager eq "m1""#,
            "true",
        ), // Q-06
        (
            r#"manager eq "m2" and id eq "2819c223-7f76-453a-919d-413861904646""#,
            "false",
        ), // Q-07
        (
            "id eq 2819c223-7f76-453a-919d-413861904646 and manager eq m1",
            "true",
        ), // Q-09
        (r#"active eq "True""#, "true"),             // R168
        ("active eq True", "true"),
        ("active eq false", "false"),
        (
            r#"emails[primary eq "True"].value eq "ada@example.com""#,
            "true",
        ),
        (r#"bogusAttr eq "x""#, "no attribute \"bogusAttr\""), // Q-18
        (r#"usrName eq "x""#, "did you mean userName?"),
        (r#"title eq "50% "R&D" C:\x""#, "true"), // unescaped, entra.md 1.4
        (r#"(title eq "50% "R&D" C:\x") and active eq true"#, "true"),
        (r#"displayName eq "Zoë (and) [Ünal]""#, "true"), // R163
        (r#"displayName eq "ZOË (AND) [ÜNAL]" or title pr"#, "true"),
        (r#"phoneNumbers[type eq "Mobile"].value eq "+49 1""#, "true"),
        ("userName eq 'ada'", "compared with a quoted string"),
        (r#"userName eq "ada"#, "has no end"),
        (r#"userName eq "a"b"#, "has no end"),
    ] {
        check_as(Profile::Entra, 'u', ADA, filter, want);
    }
}

#[test]
fn what_entra_asks_of_groups() {
    for (filter, want) in [
        (r#"displayName eq "SALES""#, "true"),         // G-07
        (r#"id eq "g1" and members eq "u2""#, "true"), // G-26
        (r#"id eq "g1" and members eq "u3""#, "false"),
        ("id eq g1 and members eq u1", "true"),
        (r#"members[value eq "u1" and type eq "User"]"#, "true"),
        (r#"members[value eq "u2" and type eq "User"]"#, "false"),
        (r#"userName eq "x""#, "Group has no attribute"),
    ] {
        check_as(Profile::Entra, 'g', TEAM, filter, want);
    }
}

#[test]
fn the_rfc_grammar() {
    for (filter, want) in [
        (r#"title pr and userName eq "x" or active eq true"#, "true"), // R155
        (
            r#"title pr and (userName eq "x" or active eq true)"#,
            "true",
        ),
        (r#"active eq true or title pr and userName eq "x""#, "true"),
        (
            r#"(active eq true or title pr) and userName eq "x""#,
            "false",
        ),
        (r#"not (userName eq "x")"#, "true"),
        (r#"not(userName eq "x") and not (active eq false)"#, "true"), // R154
        ("roles pr", "false"),
        ("nickName pr", "false"),
        ("emails pr", "true"),
        ("emails.value pr", "true"),
        (r#"emails[type eq "home"]"#, "true"),
        (r#"emails[type eq "home" and primary eq true]"#, "false"), // R159
        (
            r#"emails.type eq "home" and emails.primary eq true"#,
            "true",
        ),
        (
            r#"emails[not (type eq "work")].value ew "home.org""#,
            "true",
        ),
        (r#"emails co "HOME""#, "true"), // R160
        (r#"emails.value sw "ada@h""#, "true"),
        (
            r#"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName eq "lane""#,
            "true",
        ), // R161
        (
            r#"URN:IETF:params:scim:schemas:core:2.0:user:userName sw "ADA""#,
            "true",
        ),
        (r#"ENT:manager.value eq "m1""#, "true"),
        (r#"schemas eq "ENT""#, "true"), // R164
        (r#"meta.resourceType eq "User""#, "true"),
        (r#"meta.created ge "2026-01-01T01:00:00+01:00""#, "true"), // R156: by time
        (r#"meta.created gt "2026-01-01T01:00:00+01:00""#, "false"),
        (r#"meta.created lt "2026-01-01""#, "quoted xsd:dateTime"),
        (r#"userName gt "aaa""#, "true"),
        (r#"userName le "AAA""#, "false"),
        (r#"userName ne "x""#, "true"),
        ("nickName eq null", "true"), // R165
        ("nickName ne null", "false"),
        (r#"nickName ne "x""#, "true"),
        ("title ne null", "true"),
        (r#"title eq "50% \"R&D\" C:\\x""#, "true"), // R163
        (r#"displayName sw "Zo\u00eb""#, "true"),
        (r#"displayName sw "\ud83d\ude00""#, "false"),
        (r#"displayName sw "\ud83d""#, "not a JSON string"),
        (r#"displayName eq "\u0000unknown""#, "U+0000"),
        ("active gt true", "gt does not apply to active"), // R157
        ("active co true", "co does not apply to active"),
        (r#"active eq "true""#, "compared with true or false"),
        ("userName eq ada", "quoted string"),
        (r#"emails[type eq "work"] eq "x""#, "compare one of them"),
        (r#"name eq "x""#, "name has parts"),
        (r#"addresses eq "x""#, "addresses has parts"),
        (r#"name[givenName eq "x"]"#, "brackets need a list"),
        (r#"emails[value[type eq "x"]]"#, "brackets need a list"),
        (r#"emails[foo eq "x"]"#, "no attribute \"emails.foo\""),
        (r#"emails.vale eq "x""#, "did you mean emails.value?"),
        (r#"urn:x:2.0:User:costCenter eq "x""#, "no attribute"),
        (r#"userName eqq "x""#, "at byte 9: expected an operator"), // R162
        ("userName", "at byte 8: expected an operator"),
        ("userName eq", "at byte 11: expected a value"),
        (
            r#"userName eq "x" and"#,
            "at byte 19: expected an attribute",
        ),
        (
            r#"userName eq "x" userName"#,
            "at byte 16: expected the end",
        ),
        (r#"(userName eq "x""#, "expected )"),
        (r#"userName eq "x")"#, "at byte 15: expected the end"),
        (r#"emails[type eq "x""#, "expected ]"),
        (r#"not userName eq "x""#, "expected ("),
        ("()", "expected an attribute"),
        ("", "expected an attribute"),
        (r#"user..Name eq "x""#, "no attribute"),
        (r#"name.given.x eq "x""#, "no attribute"),
    ] {
        check_as(Profile::Strict, 'u', ADA, filter, want);
    }
}

#[test]
fn budgets() {
    let deep = |n: usize| format!("{}title pr{}", "(".repeat(n), ")".repeat(n));
    let wide = |n: usize| vec!["title pr"; n].join(" or ");
    for (filter, want) in [
        (deep(16), "true"),
        (deep(17), "nested deeper than 16"),
        ("(".repeat(4000), "nested deeper than 16"),
        ("(".repeat(10_000), "longer than 4096"), // R169
        ("not (".repeat(700), "nested deeper than 16"),
        (wide(64), "true"),
        (wide(65), "more than 64 terms"),
        (
            format!("title eq \"{}\"", "x".repeat(5000)),
            "longer than 4096",
        ),
        (format!("title eq {}", "\" ".repeat(2000)), "true"),
        ("title eq \"\0unknown\"".to_owned(), "U+0000"),
    ] {
        let parsed = Filter::parse(&filter, &types('u'), Profile::Entra);
        let got = parsed.map_or_else(|error| error.detail, |_| "true".to_owned());
        assert!(got.contains(want), "{got}");
    }
}

#[test]
fn equalities_can_be_pushed_down() {
    for (kind, filter, want) in [
        ('u', r#"userName eq "a""#, Some("userName=a")),
        ('u', r#"emails eq "a""#, Some("emails.value=a")),
        ('u', r#"emails.value eq "a""#, Some("emails.value=a")),
        (
            'u',
            r#"emails[type eq "Home"].value eq "a""#,
            Some("emails[type eq \"home\"].value=a"),
        ),
        (
            'u',
            r#"roles[primary eq "True"].value eq "a""#,
            Some("roles[primary eq true].value=a"),
        ),
        (
            'u',
            r#"id eq "i" and manager eq "m""#,
            Some("id=i ENT:manager=m"),
        ),
        (
            'u',
            "active eq true and name.givenName eq A",
            Some("active=true name.givenName=A"),
        ),
        ('g', "members eq u1", Some("members=u1")),
        ('u', "nickName eq null", None),
        ('u', r#"userName sw "a""#, None),
        ('u', r#"userName eq "a" or userName eq "b""#, None),
        ('u', r#"not (userName eq "a")"#, None),
        ('u', r#"emails[value eq "x"].type eq "a""#, None),
    ] {
        let types = types(kind);
        let parsed = Filter::parse(filter, &types, Profile::Entra).unwrap();
        let pairs = parsed.equalities().map(|pairs| {
            let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
            let pairs = pairs.iter().map(|(leaf, value)| {
                let again = Leaf::parse(&leaf.to_string(), &types);
                assert!(again.is_err() || again.as_ref() == Ok(leaf), "{leaf}");
                format!("{leaf}={}", text(value))
            });
            pairs
                .collect::<Vec<_>>()
                .join(" ")
                .replace(crate::scim::schema::ENTERPRISE_USER, "ENT")
        });
        assert_eq!(pairs.as_deref(), want, "{filter}");
    }
}

#[test]
fn an_unknown_value_decides_nothing() {
    let types = types('u');
    let ada = object(
        r#"{"userName": "\u0000unknown", "title": "x", "emails": [{"type": "work", "value": "\u0000unknown"}]}"#,
    );
    for (filter, want) in [
        (r#"userName eq "a""#, None),
        (r#"userName ne "a""#, None),
        ("userName pr", None),
        (r#"not (userName eq "a")"#, None),
        (r#"userName eq "a" and title eq "y""#, Some(false)),
        (r#"userName eq "a" and title eq "x""#, None),
        (r#"userName eq "a" or title eq "x""#, Some(true)),
        (r#"emails[type eq "work"]"#, Some(true)),
        (r#"emails[type eq "home"]"#, Some(false)),
        (r#"emails[type eq "work" and value eq "a"]"#, None),
        (r#"emails[type eq "home" and value eq "a"]"#, Some(false)),
    ] {
        let parsed = Filter::parse(filter, &types, Profile::Entra).unwrap();
        assert_eq!(parsed.verdict(&ada, &types), want, "{filter}");
        assert_eq!(parsed.matches(&ada, &types), want == Some(true), "{filter}");
    }
}

/// Any filter in the form the parser makes, at most three levels deep.
fn any_filter() -> impl Strategy<Value = Filter> {
    let path = |attribute: &str, sub: Option<&str>| {
        let sub = sub.map(str::to_owned);
        Path::of(AttrPath {
            schema: None,
            attribute: attribute.to_owned(),
            sub,
        })
    };
    let operator =
        prop::sample::select(vec![Operator::Eq, Operator::Ne, Operator::Co, Operator::Le]);
    let text = (
        operator,
        any::<String>().prop_filter("no U+0000", |text| !text.contains('\0')),
    )
        .prop_map(|(operator, text)| Test::Compare(operator, text.into()));
    let attribute = prop::sample::select(vec![
        path("userName", None),
        path("name", Some("givenName")),
        path("emails", Some("value")),
        Path {
            attr: AttrPath {
                schema: Some(crate::scim::schema::ENTERPRISE_USER.to_owned()),
                attribute: "department".to_owned(),
                sub: None,
            },
            filter: None,
            sub: None,
        },
        Path {
            filter: Some(Filter::Test(
                Box::new(path("type", None)),
                Test::Compare(Operator::Eq, "work".into()),
            )),
            sub: Some("value".to_owned()),
            ..path("emails", None)
        },
    ]);
    let leaf = (attribute, prop_oneof![Just(Test::Present), text])
        .prop_map(|(path, test)| Filter::Test(Box::new(path), test));
    leaf.prop_recursive(3, 24, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several().prop_map(|parts| Filter::all(parts).unwrap()),
            several().prop_map(|parts| Filter::any(parts).unwrap()),
            inner.clone().prop_map(|one| Filter::Not(Box::new(one))),
        ]
    })
}

proptest! {
    #[test]
    fn printing_is_undone_by_parsing(filter in any_filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= MAX_LENGTH);
        prop_assert_eq!(Filter::parse(&text, &types('u'), Profile::Strict), Ok(filter), "{}", text);
    }

    #[test]
    fn no_input_makes_the_parser_panic(text in any::<String>()) {
        for profile in [Profile::Entra, Profile::Okta, Profile::Strict] {
            let _ = Filter::parse(&text, &types('u'), profile);
            let _ = Path::parse(&text, &types('g'), profile);
        }
    }

    #[test]
    fn no_near_filter_makes_the_parser_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "userName", "emails", "[", "]", "(", ")", "not", "and", "or", "eq", "pr", "\"", "\"x\"", "\\",
            " ", ".", "value", "type", "true", "urn:", "é", "members", "1e5",
        ]), 0..24)
    ) {
        let text = words.concat();
        let spaced = words.join(" ");
        for profile in [Profile::Entra, Profile::Strict] {
            for text in [&text, &spaced] {
                if let Ok(filter) = Filter::parse(text, &types('u'), profile) {
                    let again = Filter::parse(&filter.to_string(), &types('u'), Profile::Strict);
                    prop_assert_eq!(again, Ok(filter));
                }
            }
        }
    }
}

#[test]
fn what_is_never_told_cannot_be_asked_for() {
    // R128
    let mut types = types('u');
    let schema = std::sync::Arc::make_mut(&mut types.schema);
    let secret = r#"{"name": "password", "mutability": "writeOnly", "returned": "never"}"#;
    schema
        .attributes
        .push(serde_json::from_str(secret).unwrap());
    for filter in [
        r#"password eq "x""#,
        "password pr",
        r#"userName pr or not (PassWord sw "x")"#,
    ] {
        let error = Filter::parse(filter, &types, Profile::Entra).unwrap_err();
        assert!(
            error.detail.contains("password is never told"),
            "{}",
            error.detail
        );
    }
    let sort = crate::scim::Sort::parse(Some("password"), None, &types, Profile::Strict);
    assert!(sort.unwrap_err().detail.contains("never told"));
}

#[test]
fn a_filter_tells_which_types_it_cannot_match() {
    let (user, group) = (types('u'), types('g'));
    let all = [user.clone(), group.clone()];
    for (filter, users, groups) in [
        ("displayName pr", true, true),
        ("userName pr", true, false), // R66
        ("members pr", false, true),
        ("not (members pr)", true, true),
        (r#"title eq "x" or members eq "y""#, true, true),
        (r#"title eq "x" and members eq "y""#, false, false),
        ("title eq null", true, true),
        (r#"meta.resourceType eq "Group""#, false, true),
        (r#"meta.created gt "2020-01-01T00:00:00Z""#, true, true),
        ("manager pr", true, false),
    ] {
        let may = |types: &ResourceType| {
            let widened = types.widened(&all);
            let filter = Filter::parse(filter, &widened, Profile::Strict).unwrap();
            filter.may_match(types, &widened)
        };
        assert_eq!((may(&user), may(&group)), (users, groups), "{filter}");
    }
}

#[test]
fn many_tests_of_long_texts_are_given_up_and_leave_others_their_turn() {
    let types = types('u');
    let tests = vec!["userName co \"é\""; 60].join(" or ");
    let filter = Filter::parse(&tests, &types, Profile::Entra).unwrap();
    let user = |letters: usize| {
        let name = "\u{fdfa}".repeat(letters);
        object(&format!(r#"{{"userName":"{name}"}}"#))
    };
    // As long as is folded, once for sixty tests; and as long as a request may send.
    for (letters, most) in [(2_700, 200), (21_000, 40)] {
        let user = user(letters);
        let mut work = Work::of(crate::scim::work::FILTER);
        let (mut turns, mut judged) = (0, 0);
        while work.charged(|| filter.matches(&user, &types)).is_ok() {
            turns += usize::from(work.is_long());
            judged += 1;
        }
        assert!((most / 2..=most).contains(&judged), "{letters}: {judged}");
        assert!(turns >= judged / 4, "{turns} turns of {judged}");
    }
}
