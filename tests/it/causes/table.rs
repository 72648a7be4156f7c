//! Ways in which script, vendor, credential and directory fail, and what is said of each.

use scimgate::demo::emulator::kit::{Action, Fault as Spoilt, Status};
use scimgate::provisioning::trace::Fault;

use crate::harness::Options;

/// One way to fail.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What is done to the script.
    pub(super) script: fn(String) -> String,
    /// What else is not as it should be.
    pub(super) options: fn(Options, &str) -> Options,
    /// What the vendor does.
    pub(super) vendor: Option<fn() -> Spoilt>,
    pub(super) ask: Ask,
    /// What Entra gets.
    pub(super) status: u16,
    pub(super) fault: Fault,
    /// Words of the cause.
    pub(super) says: &'static [&'static str],
}

/// What Entra asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Get,
    GetUnknown,
    Find,
    List,
    Create,
    CreateNameless,
    CreateTwice,
    Rename,
    Delete,
    FindGroup,
    JoinUnknown,
}

/// Stands in an edited script where it fails.
pub(super) const HERE: &str = "/*here*/";

fn same(text: String) -> String {
    text
}

fn as_it_is(options: Options, _: &str) -> Options {
    options
}

/// A script that fails in a function, which is asked for by `ask`.
fn script(
    name: &'static str,
    ask: Ask,
    script: fn(String) -> String,
    says: &'static [&'static str],
) -> Case {
    Case {
        name,
        script,
        options: as_it_is,
        vendor: None,
        ask,
        status: 500,
        fault: Fault::Script,
        says,
    }
}

/// A vendor that answers reads of a user so.
fn vendor(
    name: &'static str,
    vendor: fn() -> Spoilt,
    fault: Fault,
    says: &'static [&'static str],
) -> Case {
    Case {
        name,
        script: same,
        options: as_it_is,
        vendor: Some(vendor),
        ask: Ask::Get,
        status: 503,
        fault,
        says,
    }
}

/// A way of the tenant's that leads nowhere.
fn way(
    name: &'static str,
    options: fn(Options, &str) -> Options,
    fault: Fault,
    says: &'static [&'static str],
) -> Case {
    Case {
        name,
        script: same,
        options,
        vendor: None,
        ask: Ask::List,
        status: 503,
        fault,
        says,
    }
}

/// A request that cannot be carried out as it stands.
fn directory(name: &'static str, ask: Ask, status: u16) -> Case {
    Case {
        name,
        script: same,
        options: as_it_is,
        vendor: None,
        ask,
        status,
        fault: Fault::Client,
        says: &[],
    }
}

/// `get_user` begins with this.
macro_rules! in_get {
    ($statement:literal) => {
        |text| {
            text.replace(
                "fn get_user(id) {",
                concat!("fn get_user(id) { /*here*/ ", $statement),
            )
        }
    };
}

/// In the place of a function's whole body.
macro_rules! instead {
    ($head:literal, $body:literal) => {
        |text| {
            text.replace(
                concat!("fn ", $head, " {"),
                concat!("fn ", $head, " { /*here*/ ", $body),
            )
        }
    };
}

fn answers(code: u16, body: &str) -> Spoilt {
    let status = Status {
        body: body.to_owned(),
        ..Status::from(code)
    };
    Spoilt::new("GET", "/users/*", Action::Status(status))
}

pub(super) fn scripts() -> Vec<Case> {
    use Ask::{Create, Delete, Find, FindGroup, Get, List, Rename};
    vec![
        script(
            "a missing member",
            Get,
            in_get!("let x = #{}; x.domainid;"),
            &["in get_user: Property not found: domainid"],
        ),
        script(
            "a thrown text",
            Get,
            in_get!("throw \"no way\";"),
            &["in get_user: no way"],
        ),
        script(
            "a helper that throws",
            Get,
            |text| {
                text.replace(
                    "fn get_user(id) {",
                    "fn helper(id) { /*here*/ throw \"no way\" }\nfn get_user(id) { helper(id);",
                )
            },
            &["in helper: no way"],
        ),
        script(
            "wrong kinds of values",
            Get,
            in_get!("let x = 1 - #{};"),
            &["in get_user: no function takes these values: -(number"],
        ),
        script(
            "a loop without end",
            Get,
            in_get!("loop { }"),
            &["in get_user: "],
        ),
        script(
            "a recursion without end",
            Get,
            |text| {
                text.replace(
                    "fn get_user(id) {",
                    "fn deeper(x) { deeper(x) }\nfn get_user(id) { /*here*/ deeper(id);",
                )
            },
            &["in get_user: Stack overflow"],
        ),
        script(
            "a body that is no data",
            Get,
            in_get!("post(\"/users\", |x| x);"),
            &["in get_user: this body cannot be written as JSON"],
        ),
        script(
            "a mistake inside try, looked at as a fault",
            Get,
            in_get!(
                "try { let x = #{}; x.nosuch } catch (fault) { if fault.code == \"E1\" { return () } throw fault }"
            ),
            &["in get_user: Property not found: nosuch"],
        ),
        script(
            "a mistake inside try, taken for an absence",
            Get,
            in_get!("try { let x = #{}; x.nosuch } catch { throw not_found() }"),
            &["in get_user: Property not found: nosuch"],
        ),
        script(
            "a mistake inside two tries",
            Get,
            in_get!(
                "try { try { let x = #{}; x.nosuch } catch (a) { throw busy() } } catch (b) { throw conflict(\"userName\", \"x\") }"
            ),
            &["in get_user: Property not found: nosuch"],
        ),
        script(
            "part of a text",
            Get,
            in_get!("part(\"x\", \"data\");"),
            &["in get_user: a member `data` is read, and a text is no object"],
        ),
        script(
            "a text for an object",
            Get,
            in_get!("return \"ada\";"),
            &["in get_user: get_user must give an object with its id in `id`, and gave a text"],
        ),
        script(
            "a number for an object",
            Get,
            in_get!("return 7;"),
            &["and gave a number"],
        ),
        script(
            "an array for an object",
            Get,
            in_get!("return [#{ id: 1 }];"),
            &["and gave an array of objects"],
        ),
        script(
            "an object without its id",
            Get,
            in_get!("return #{ login: \"x\" };"),
            &["an object with its id in `id`, and gave an object; it has login"],
        ),
        script(
            "an object for an id",
            Get,
            in_get!("return #{ id: #{} };"),
            &[
                "in get_user: get_user must give an object with its id in `id`, and gave one where that is an object; it has no members",
            ],
        ),
        script(
            "an array for an id",
            Get,
            in_get!("return #{ id: [1] };"),
            &[
                "in get_user",
                "and gave one where that is an array that holds a number",
            ],
        ),
        script(
            "true for an id",
            Find,
            instead!("find_user(field, value)", "return [#{ id: true }];"),
            &["in find_user", "and gave one where that is true or false"],
        ),
        script(
            "an empty text for an id",
            Create,
            instead!("create_user(user)", "return #{ id: \"\" };"),
            &["in create_user", "and gave one where that is empty"],
        ),
        script(
            "a text for an array",
            Find,
            instead!("find_user(field, value)", "return \"x\";"),
            &["in find_user: find_user must give an array of objects, and gave a text"],
        ),
        script(
            "an array of texts",
            Find,
            instead!("find_user(field, value)", "return [\"x\"];"),
            &["in find_user: find_user must give an object with its id in `id`, and gave a text"],
        ),
        script(
            "a list without total",
            List,
            instead!("list_users(page)", "return #{ rows: [] };"),
            &[
                "in list_users: list_users must give an object with `rows`, an array, and `total`, a number, and gave an object; it has rows",
            ],
        ),
        script(
            "nothing for a list",
            List,
            instead!("list_users(page)", "return ();"),
            &["and gave nothing: ()"],
        ),
        script(
            "a number for a new user",
            Create,
            instead!("create_user(user)", "return 7;"),
            &[
                "in create_user: create_user must give an object with its id in `id`, and gave a number",
            ],
        ),
        script(
            "a change that throws",
            Rename,
            |text| {
                text.replace(
                    "fn update_user(id, changes) { patch",
                    "fn update_user(id, changes) { /*here*/ throw \"no way\"; patch",
                )
            },
            &["in update_user: no way"],
        ),
        script(
            "a deletion that throws",
            Delete,
            |text| {
                text.replace(
                    "fn delete_user(id)          { delete",
                    "fn delete_user(id)          { /*here*/ throw \"no way\"; delete",
                )
            },
            &["in delete_user: no way"],
        ),
        script(
            "a search for groups that throws",
            FindGroup,
            instead!("find_group(field, name)", "throw \"no way\";"),
            &["in find_group: no way"],
        ),
        script(
            "a row that fails",
            Create,
            |text| {
                text.replace(
                    "attr(\"title\",                                    \"job_title\"),",
                    "attr(\"title\", \"job_title\").to(|title| /*here*/ title - 1),",
                )
            },
            &["in the row of title: no function takes these values: -("],
        ),
        Case {
            status: 503,
            fault: Fault::Vendor,
            ..script(
                "a member that the vendor does not send",
                Get,
                |text| {
                    text.replace(
                        "let user = get(`/users/${id}`);",
                        "let user = get(`/users/${id}`); /*here*/ part(user, \"no_such\");",
                    )
                },
                &[
                    "in get_user: GET /users/",
                    "there is no member `no_such`; it has ",
                ],
            )
        },
    ]
}

pub(super) fn vendors() -> Vec<Case> {
    vec![
        vendor(
            "500",
            || answers(500, ""),
            Fault::Vendor,
            &["in get_user: GET /users/", "the vendor answered 500"],
        ),
        vendor(
            "405",
            || answers(405, ""),
            Fault::Vendor,
            &["the vendor answered 405"],
        ),
        vendor(
            "an unsigned 403",
            || answers(403, "no"),
            Fault::Vendor,
            &["the vendor answered 403"],
        ),
        vendor(
            "a load balancer's page",
            || Spoilt::new("GET", "/users/*", Action::Html502),
            Fault::Vendor,
            &["the vendor answered 502 with HTML"],
        ),
        vendor(
            "HTML",
            || answers(200, "<!DOCTYPE html><p>Log in"),
            Fault::Vendor,
            &["the vendor answered 200 with HTML instead of JSON"],
        ),
        vendor(
            "JSON that is cut off",
            || answers(200, "{\"id\": 1"),
            Fault::Vendor,
            &["the vendor answered 200 with JSON that is cut off after 8 bytes"],
        ),
        vendor(
            "no JSON",
            || answers(200, "hello"),
            Fault::Vendor,
            &["the vendor answered 200 with 5 bytes that are no JSON the gateway can read"],
        ),
        vendor(
            "more values than are read",
            || answers(200, &format!("[{}0]", "0,".repeat(110_000))),
            Fault::Vendor,
            &["the vendor answered 200 with 220003 bytes that are no JSON the gateway can read"],
        ),
        vendor(
            "more than a script can hold",
            || answers(200, &format!("[{}0]", "0,".repeat(20_000))),
            Fault::Vendor,
            &[
                "in get_user: GET /users/",
                "more than a script can hold at once",
            ],
        ),
        vendor(
            "nothing",
            || answers(200, ""),
            Fault::Vendor,
            &["the vendor answered 200 with an empty body instead of JSON"],
        ),
        vendor(
            "an object with nothing in it",
            || answers(200, "{}"),
            Fault::Vendor,
            &["there is no member `status`; it has no members"],
        ),
        vendor(
            "a null",
            || answers(200, "{\"status\": null}"),
            Fault::Vendor,
            &["the member `status` is null"],
        ),
        vendor(
            "a list for an object",
            || answers(200, "[]"),
            Fault::Vendor,
            &["a member `status` is read, and an empty array is no object"],
        ),
        vendor(
            "an object without its id",
            || answers(200, "{\"status\": \"ACTIVE\"}"),
            Fault::Vendor,
            &[
                "an object with its id in `id` is needed, and the vendor answered with an object; it has status",
            ],
        ),
        vendor(
            "true for an id",
            || answers(200, "{\"id\": true, \"status\": \"ACTIVE\"}"),
            Fault::Vendor,
            &[
                "in get_user: GET /users/",
                "an object with its id in `id` is needed, and the vendor answered with one where that is true or false",
            ],
        ),
        vendor(
            "somebody else's object",
            || Spoilt::new("GET", "/users/*", Action::WrongUser),
            Fault::Vendor,
            &["another one came"],
        ),
        vendor(
            "an unknown error code",
            || answers(500, "{\"error\": {\"code\": \"E9999\"}}"),
            Fault::Vendor,
            &["the vendor answered 500 with the code E9999"],
        ),
        vendor(
            "a redirect",
            || {
                Spoilt::new(
                    "GET",
                    "/users/*",
                    Action::Redirect("https://x.example/".to_owned()),
                )
            },
            Fault::Vendor,
            &["the vendor answered 307"],
        ),
        vendor(
            "a connection that breaks",
            || Spoilt::new("GET", "/users/*", Action::DropBefore),
            Fault::Vendor,
            &["no whole answer came"],
        ),
        Case {
            options: |options, _| Options {
                call_ms: 300,
                ..options
            },
            ..vendor(
                "no answer in time",
                || Spoilt::new("GET", "/users/*", Action::BlackHole),
                Fault::Vendor,
                &["no whole answer came: no whole reply in time"],
            )
        },
        vendor(
            "401",
            || answers(401, "{}"),
            Fault::Credential,
            &["the vendor refuses the gateway's credential"],
        ),
        Case {
            status: 429,
            ..vendor(
                "429",
                || {
                    Spoilt::new(
                        "GET",
                        "/users/*",
                        Action::Status(Status {
                            headers: [("retry-after".to_owned(), "600".to_owned())].into(),
                            ..Status::from(429)
                        }),
                    )
                },
                Fault::Busy,
                &["the call has to wait"],
            )
        },
    ]
}

pub(super) fn ways() -> Vec<Case> {
    vec![
        way(
            "a wrong key",
            |options, _| Options {
                wrong_key: Some("wrong".to_owned()),
                ..options
            },
            Fault::Credential,
            &[
                "in list_users: GET /users?",
                "the vendor refuses the gateway's credential",
            ],
        ),
        way(
            "nobody there",
            |options, _| Options {
                base_url: Some("http://127.0.0.1:1/".to_owned()),
                ..options
            },
            Fault::Unreachable,
            &[
                "in list_users: ",
                "the call was not sent: Connection refused",
            ],
        ),
        directory("a user without a name", Ask::CreateNameless, 400),
        directory("a name that is taken", Ask::CreateTwice, 409),
        directory("a user who is not there", Ask::GetUnknown, 404),
        directory("a member who is not there", Ask::JoinUnknown, 400),
    ]
}
