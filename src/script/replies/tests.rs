//! Judging answers.
#![allow(clippy::unwrap_used)]

use super::*;

fn table() -> ReplyTable {
    toml::from_str(
        r#"
        code = "/error/code"
        field = "/error/field"
        [[errors]]
        code = "E1007"
        field = "status"
        means = "absent"
        [[errors]]
        status = 400
        code = "E1001"
        means = "conflict"
        attribute = "userName"
        [[errors]]
        status = 409
        code = "E1901"
        means = "busy"
        [[errors]]
        status = 200
        code = "RATE_LIMITED"
        means = "busy"
        "#,
    )
    .unwrap()
}

fn answered(status: u16, body: Option<&Value>) -> Answered<'_> {
    Answered {
        status,
        ..Answered::part(body.unwrap_or(&Value::Null), None)
    }
}

#[track_caller]
fn check(status: u16, body: Value, means: Meaning) {
    assert_eq!(table().judge(&answered(status, Some(&body))).means, means);
}

/// What a reply with these bytes means.
fn came(table: &ReplyTable, status: u16, raw: &str) -> Meaning {
    let body = table.parse(raw.as_bytes());
    let answer = Answered {
        raw: raw.as_bytes(),
        body: body.as_ref(),
        ..answered(status, None)
    };
    table.judge(&answer).means
}

#[test]
fn the_first_row_that_fits_decides_and_else_the_status_class() {
    check(400, json!({"error": {"code": "E1001"}}), Meaning::Conflict);
    check(400, json!({"error": {"code": "E9999"}}), Meaning::Invalid);
    check(409, json!({"error": {"code": "E1901"}}), Meaning::Busy);
    check(409, json!({"error": {"code": "E9999"}}), Meaning::Conflict);
    check(404, json!({"error": {"code": "E1404"}}), Meaning::Absent);
    check(
        200,
        json!({"error": {"code": "RATE_LIMITED"}}),
        Meaning::Busy,
    );
    let unfit = |field: &str| json!({"error": {"code": "E1007", "field": field}});
    check(400, unfit("status"), Meaning::Absent);
    check(400, unfit("tz"), Meaning::Invalid);
    check(200, json!({"id": 1}), Meaning::Ok);
    check(302, json!({}), Meaning::Fault);
    check(401, json!({}), Meaning::Credential);
    check(403, json!({"error": {"code": "E0403"}}), Meaning::Forbidden);
    check(403, json!({}), Meaning::Fault);
    check(503, json!("<html>"), Meaning::Fault);
}

#[test]
fn a_success_with_an_error_code_is_none() {
    check(200, json!({"error": {"code": "E9999"}}), Meaning::Fault);
    check(200, json!({"error": {"code": null}}), Meaning::Ok);
}

#[test]
fn xml_is_judged_by_its_tree() {
    let table: ReplyTable = toml::from_str(
        r#"
        format = "xml"
        lists = ["line"]
        code = "/response/@code"
        errors = [{ code = "20", means = "ok" }, { code = "7", means = "absent" }]
        "#,
    )
    .unwrap();
    let judge = |body: &str| {
        table
            .judge(&answered(200, table.parse(body.as_bytes()).as_ref()))
            .means
    };
    assert_eq!(judge("<response code='20'/>"), Meaning::Ok);
    assert_eq!(
        judge("<response code='7'><result/></response>"),
        Meaning::Absent
    );
    assert_eq!(judge("<response code='99'/>"), Meaning::Fault);
    assert!(table.parse(b"<!DOCTYPE a><response code='20'/>").is_none());
    assert!(table.parse(b"{}").is_none());
}

#[test]
fn headers_that_the_manifest_names_stand_in_the_body() {
    let table: ReplyTable = toml::from_str(r#"headers = { next = "X-Next" }"#).unwrap();
    let headers = [("x-next", "t2"), ("x-other", "o")];
    let headers: HeaderMap = (headers.into_iter())
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let read = |body: Value| table.with_headers(body, &headers);
    assert_eq!(read(json!({"rows": []})), json!({"rows": [], "next": "t2"}));
    assert_eq!(read(json!([1])), json!([1]));
    let none = table.with_headers(json!({}), &HeaderMap::new());
    assert_eq!(none, json!({}));
}

#[test]
fn the_wait_may_stand_in_the_body() {
    let table = ReplyTable {
        retry_after_ms: Some("/errors/0/wait".into()),
        ..table()
    };
    let wait = |wait: Value| {
        let body = json!({"errors": [{"wait": wait}]});
        table.judge(&answered(200, Some(&body))).retry_after
    };
    assert_eq!(wait(json!(1500)), Some(Duration::from_millis(1500)));
    assert_eq!(wait(json!(u64::MAX)), Some(LONGEST_SPAN));
    assert_eq!(wait(json!(-1)), None);
    assert_eq!(wait(json!("soon")), None);
}

#[test]
fn an_answer_without_the_vendors_code_is_not_the_vendors() {
    assert_eq!(came(&table(), 502, ""), Meaning::Fault);
    assert_eq!(came(&table(), 429, ""), Meaning::Busy);
    assert_eq!(came(&table(), 404, ""), Meaning::Fault);
    assert_eq!(came(&ReplyTable::default(), 404, ""), Meaning::Absent);
}

#[test]
fn what_is_not_there_is_believed_from_the_vendor_only() {
    let page = "  <!DOCTYPE html><html>404</html>";
    let unsigned: ReplyTable =
        toml::from_str(r#"errors = [{ status = 404, means = "absent" }]"#).unwrap();
    assert_eq!(came(&ReplyTable::default(), 404, page), Meaning::Fault);
    assert_eq!(came(&ReplyTable::default(), 409, "<HTML>"), Meaning::Fault);
    assert_eq!(came(&unsigned, 404, page), Meaning::Fault);
    assert_eq!(came(&unsigned, 404, ""), Meaning::Absent);
    assert_eq!(came(&unsigned, 404, r#"{"a":1}"#), Meaning::Absent);
    let signed = |row: &str| -> ReplyTable {
        toml::from_str(&format!("code = \"/code\"\nerrors = [{{ {row} }}]")).unwrap()
    };
    let row = signed(r#"status = 404, means = "absent""#);
    assert_eq!(came(&row, 404, ""), Meaning::Fault);
    assert_eq!(came(&row, 404, r#"{"text":"no"}"#), Meaning::Absent);
    let row = signed(r#"status = 404, empty = true, means = "absent""#);
    assert_eq!(came(&row, 404, ""), Meaning::Absent);
    assert_eq!(came(&row, 404, "{}"), Meaning::Fault);
}

#[test]
fn a_web_page_is_no_xml_of_a_vendor() {
    let table: ReplyTable = toml::from_str(r#"format = "xml""#).unwrap();
    let declared = r#"<?xml version="1.0"?><HTML xmlns="x"><body/></HTML>"#;
    for page in ["<html><body>Something else</body></html>", declared] {
        assert_eq!(table.parse(page.as_bytes()), None, "{page}");
    }
    assert!(table.parse(b"<response><html/></response>").is_some());
}

#[test]
fn a_row_may_ask_for_resource_method_and_media_type() {
    let table: ReplyTable = toml::from_str(
        r#"
        errors = [
            { status = 400, resource = "group", means = "conflict", attribute = "displayName" },
            { status = 400, method = "DELETE", means = "busy" },
            { status = 404, content_type = "text/html", means = "absent" },
        ]
        "#,
    )
    .unwrap();
    let judge = |status, verb, resource, media_type| {
        let answer = Answered {
            errand: Errand {
                verb: Some(verb),
                resource: Some(resource),
            },
            media_type,
            raw: b"<html>",
            body: None,
            ..answered(status, None)
        };
        table.judge(&answer).means
    };
    let (user, group) = (ResourceKind::User, ResourceKind::Group);
    assert_eq!(judge(400, Verb::Post, group, None), Meaning::Conflict);
    assert_eq!(judge(400, Verb::Delete, user, None), Meaning::Busy);
    assert_eq!(judge(400, Verb::Post, user, None), Meaning::Fault);
    assert_eq!(
        judge(404, Verb::Get, user, Some("Text/HTML")),
        Meaning::Absent
    );
    assert_eq!(judge(404, Verb::Get, user, None), Meaning::Fault);
}

#[test]
fn each_error_of_an_array_is_looked_at_and_its_words_name_the_field() {
    let table: ReplyTable = toml::from_str(
        r#"
        each = "/errors"
        text = ""
        fields = { "Last name" = "lastname" }
        errors = [
            { text = "{field} has already been taken", means = "conflict" },
            { text = "{field} cannot be blank", means = "invalid" },
        ]
        "#,
    )
    .unwrap();
    let check = |body: Value, means, field: Option<&str>| {
        let verdict = table.judge(&answered(422, Some(&body))).field;
        assert_eq!(verdict.as_deref(), field, "{body}");
        assert_eq!(table.judge(&answered(422, Some(&body))).means, means);
    };
    check(
        json!({"errors": ["Last name cannot be blank", "Login has already been taken"]}),
        Meaning::Conflict,
        Some("Login"),
    );
    check(
        json!({"errors": ["Last name cannot be blank"]}),
        Meaning::Invalid,
        Some("lastname"),
    );
    check(json!({"errors": []}), Meaning::Invalid, None);
    check(json!({"message": "no"}), Meaning::Invalid, None);
}

#[test]
fn errors_may_stand_under_the_names_of_their_fields() {
    let table: ReplyTable = toml::from_str(
        r#"
        each = "/errors"
        field = "/name"
        text = "/value"
        errors = [{ text = "*taken*", means = "conflict" }]
        "#,
    )
    .unwrap();
    let body = json!({"errors": {"age": "too young", "mail": ["is odd", "is taken"]}});
    let verdict = table.judge(&answered(400, Some(&body)));
    assert_eq!(verdict.means, Meaning::Conflict);
    assert_eq!(verdict.field.as_deref(), Some("mail"));
}

#[test]
fn without_a_pointer_the_words_are_the_whole_body() {
    let table: ReplyTable = toml::from_str(
        r#"errors = [{ status = 400, text = "*exists already*", means = "conflict" }]"#,
    )
    .unwrap();
    assert_eq!(came(&table, 400, "User exists already."), Meaning::Conflict);
    assert_eq!(came(&table, 400, "No."), Meaning::Invalid);
}

#[test]
fn a_success_is_read_at_once_unless_it_may_be_an_error() {
    let plain = |raw: &'static str| {
        let answer = Answered {
            raw: raw.as_bytes(),
            ..answered(200, None)
        };
        let read = table().plain(&answer, raw.as_bytes());
        read.map(|read| read.to_string())
    };
    assert_eq!(plain(r#"{"a":1}"#).as_deref(), Some(r#"#{"a": 1}"#));
    for more in [
        r#"{"error":{}}"#,
        r#"{"error":{"code":"E9999"}}"#,
        r#"{"\u0065rror":{"code":"E9999"}}"#,
        r#"{"error":{"code":"RATE_LIMITED"}}"#,
        "<html>",
        "",
    ] {
        assert_eq!(plain(more), None, "{more}");
    }
}
