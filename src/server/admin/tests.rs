//! The admin port over real sockets, with a fake console behind it: the token
//! is the role.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::{Access, Answered, Ask, Console, ROUTES, Refusal, Route, document, start};
use crate::script::call::LocalBoxFuture;
use crate::server::SidePort;
use crate::tenant::audit::Deed;
use crate::tenant::token::AuthFault;
use crate::tenant::token::admin::{Actor, AdminName, Role};
use crate::tenant::token::onboarding::Scope;

/// Runs a test against a port of its own.
fn with_port<F: Future>(test: impl FnOnce(Desk) -> F) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .unwrap();
    runtime.block_on(async {
        let port = SidePort::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let console = Rc::new(Fake::default());
        let address = port.local_addr();
        let side = start(port, console.clone()).unwrap();
        test(Desk { address, console }).await;
        side.stop().await;
    });
}

struct Desk {
    address: SocketAddr,
    console: Rc<Fake>,
}

#[derive(Default)]
struct Fake {
    asked: RefCell<Vec<Ask>>,
    deeds: RefCell<Vec<Deed>>,
    /// A token for the tenant `slow` waits for it.
    go: Notify,
}

impl Console for Fake {
    fn local(&self, presented: &str) -> Option<Actor> {
        (presented == "local").then(Actor::local)
    }

    fn authenticate<'a>(
        &'a self,
        presented: &'a str,
    ) -> LocalBoxFuture<'a, Result<Actor, AuthFault>> {
        let role = match presented {
            "down" => Err(AuthFault::StoreUnavailable),
            word => word.parse::<Role>().map_err(|_| AuthFault::Unknown),
        };
        let name = AdminName::parse("anna").unwrap();
        Box::pin(async move { role.map(|role| Actor { name, role }) })
    }

    fn scope<'a>(&'a self, presented: &'a str) -> LocalBoxFuture<'a, Result<Scope, AuthFault>> {
        let scope = (presented == "console").then(|| Scope {
            name: AdminName::parse("console").unwrap(),
            adapter: "one".to_owned(),
            template: String::new(),
        });
        Box::pin(async move { scope.ok_or(AuthFault::Unknown) })
    }

    fn answer(&self, ask: Ask) -> LocalBoxFuture<'_, Result<Answered, Refusal>> {
        self.asked.borrow_mut().push(ask.clone());
        Box::pin(async move {
            match ask {
                Ask::Mint { tenant, .. } => {
                    if tenant.as_str() == "slow" {
                        self.go.notified().await;
                    }
                    Ok(Answered {
                        body: json!({"key": "k"}),
                        made: Some("k".to_owned()),
                        ..Answered::default()
                    })
                }
                Ask::Reload { force: false } => Ok(Answered {
                    before: Some("old".to_owned()),
                    after: Some("new".to_owned()),
                    ..Answered::default()
                }),
                Ask::Reload { force: true } => Err(Refusal::conflict("no", "wait")),
                _ => Ok(json!({"well": true}).into()),
            }
        })
    }

    fn record(&self, deed: Deed) -> LocalBoxFuture<'_, ()> {
        self.deeds.borrow_mut().push(deed);
        Box::pin(async {})
    }
}

impl Desk {
    /// One request on a connection of its own, with header lines and a body.
    async fn ask(&self, line: &str, headers: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let host = self.address;
        let length = body.len();
        let text = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        // A refused body may not be read to its end.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("x-request-id: "), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if body.is_empty() { "null" } else { body };
        let body: Value = serde_json::from_str(body).unwrap();
        if status >= 400 {
            for part in ["code", "message", "help"] {
                assert!(body["error"][part].is_string(), "{body}");
            }
        }
        (status, body)
    }

    async fn as_role(&self, role: &str, line: &str) -> u16 {
        let bearer = format!("Authorization: Bearer {role}\r\n");
        self.ask(line, &bearer, "").await.0
    }
}

fn example(route: &Route) -> String {
    let path = route.path.replace("{tenant}", "acme");
    let path = path.replace("{key}", "abcdefgh").replace("{request}", "r1");
    let path = path.replace("{customer}", "70021");
    format!("{} {}{path}", route.method, route.base())
}

/// The table of who may what, written out a second time on purpose.
const OPERATORS: [&str; 4] = [
    "POST /admin/v1/tenants/acme/tokens",
    "DELETE /admin/v1/tenants/acme/tokens/abcdefgh",
    "POST /admin/v1/reload",
    "POST /admin/v1/tenants/acme/dry-run",
];
const EDITORS: [&str; 6] = [
    "POST /admin/v1/reload/forced",
    "POST /admin/v1/tenants",
    "PATCH /admin/v1/tenants/acme",
    "DELETE /admin/v1/tenants/acme",
    "POST /admin/v1/tenants/acme/disable",
    "POST /admin/v1/tenants/acme/enable",
];

#[test]
fn each_role_may_what_its_place_says_and_no_more() {
    with_port(|desk| async move {
        let administrators = ROUTES.iter().filter(|it| it.access != Access::Console);
        for route in administrators {
            let line = example(route);
            for role in Role::ALL {
                let needs = if EDITORS.contains(&line.as_str()) {
                    Role::Editor
                } else if OPERATORS.contains(&line.as_str()) {
                    Role::Operator
                } else {
                    Role::Viewer
                };
                let status = desk.as_role(role.as_str(), &line).await;
                assert_eq!(status == 403, role < needs, "{role}: {line}: {status}");
                assert_ne!(status, 401, "{role}: {line}");
            }
            assert_ne!(desk.as_role("local", &line).await, 403, "{line}");
        }
    });
}

#[test]
fn a_consoles_token_opens_its_own_door_and_no_other_token_does() {
    with_port(|desk| async move {
        // In an order in which nobody is taken for a guesser.
        for route in ROUTES {
            let line = example(route);
            let is_own = route.access == Access::Console;
            desk.console.asked.borrow_mut().clear();
            let status = desk.as_role("console", &line).await;
            assert_eq!(matches!(status, 401 | 429), !is_own, "{line}: {status}");
            for role in ["viewer", "operator", "editor", "local"] {
                let status = desk.as_role(role, &line).await;
                assert_eq!(matches!(status, 401 | 429), is_own, "{role}: {line}");
            }
            let asked = desk.console.asked.borrow();
            assert!(!is_own || asked.len() <= 1, "{line}: {asked:?}");
        }
    });
}

/// However the path is written, a console stays where it is.
#[test]
fn no_spelling_of_a_path_leads_a_console_out() {
    with_port(|desk| async move {
        for path in [
            "/onboarding/v1/../../admin/v1/status",
            "/onboarding/v1/%2e%2e/%2e%2e/admin/v1/status",
            "/onboarding/v1/../v1/customers/70021",
            "/onboarding/v1//customers/70021",
            "/onboarding/v1/customers/70021/",
            "/onboarding/v1/customers/../70021",
            "/onboarding/v1/tenants/acme",
            "/onboarding/v1/status",
            "/onboarding/v1customers/70021",
            "/onboarding/v1/admin/v1/status",
        ] {
            let status = desk.as_role("console", &format!("GET {path}")).await;
            assert_eq!(status, 404, "{path}");
        }
        for customer in ["%2e%2e", "a%2Fb", "70021%00", "..", "ä", "a;b", "a*"] {
            let line = format!("GET /onboarding/v1/customers/{customer}");
            let status = desk.as_role("console", &line).await;
            assert_eq!(status, 400, "{customer}");
        }
        for path in [
            "/admin/v1/status",
            "//onboarding/v1/customers/70021",
            "/Onboarding/v1/customers/70021",
        ] {
            let status = desk.as_role("console", &format!("GET {path}")).await;
            assert_eq!(status, 401, "{path}");
        }
        assert!(desk.console.asked.borrow().is_empty());
    });
}

#[test]
fn what_a_customer_brings_is_bounded_and_read_strictly() {
    with_port(|desk| async move {
        let line = "POST /onboarding/v1/customers";
        let json = "Authorization: Bearer console\r\nContent-Type: application/json\r\n";
        let form = "Authorization: Bearer console\r\nContent-Type: text/plain\r\n";
        let huge = format!("{{\"customer\": \"{}\"}}", "x".repeat(600 * 1024));
        let long = format!("{{\"customer\": \"{}\"}}", "x".repeat(129));
        let page = format!("{json}Sec-Fetch-Site: cross-site\r\n");
        for (headers, body, expect) in [
            (json, "{\"customer\": \"7\"}", 200),
            (
                json,
                "{\"customer\": \"7\", \"settings\": {\"a\": \"b\"}}",
                200,
            ),
            (json, "", 400),
            (json, "{}", 400),
            (json, "[]", 400),
            (json, "{\"customer\": 7}", 400),
            (json, "{\"customer\": \"\"}", 400),
            (json, "{\"customer\": \"../7\"}", 400),
            (json, long.as_str(), 400),
            (json, "{\"customer\": \"7\", \"adapter\": \"two\"}", 400),
            (json, "{\"customer\": \"7\", \"tenant\": \"acme\"}", 400),
            (json, "{\"customer\": \"7\", \"customer\": \"8\"}", 200),
            (json, "{\"customer\": \"7\", \"sign_in\": \"none\"}", 400),
            (json, "{\"customer\": \"7\", \"settings\": []}", 400),
            (
                json,
                "{\"customer\": \"7\", \"federation\": {\"keys_url\": \"http://a\"}}",
                400,
            ),
            (form, "{\"customer\": \"7\"}", 415),
            (page.as_str(), "{\"customer\": \"7\"}", 403),
            (json, huge.as_str(), 413),
        ] {
            let (status, _) = desk.ask(line, headers, body).await;
            assert_eq!(status, expect, "{:.60}", body);
        }
        // Of what stands twice the last counts, and one thing is done.
        let asked = desk.console.asked.borrow();
        let Some(Ask::Onboard { body, .. }) = asked.last() else {
            panic!("{asked:?}")
        };
        assert_eq!((asked.len(), body.customer.as_str()), (3, "8"));
    });
}

#[test]
fn without_a_good_token_nothing_is_said_about_anything() {
    with_port(|desk| async move {
        for line in [
            "GET /admin/v1/status",
            "GET /nowhere",
            "POST /admin/v1/reload",
        ] {
            let (none, _) = desk.ask(line, "", "").await;
            let (wrong, body) = desk.ask(line, "Authorization: Bearer wrong\r\n", "").await;
            assert_eq!((none, wrong), (401, 401), "{line}");
            assert!(!body.to_string().contains("wrong"), "{body}");
        }
        assert_eq!(desk.as_role("down", "GET /admin/v1/status").await, 503);
        assert!(desk.console.asked.borrow().is_empty());
    });
}

#[test]
fn guessing_ends_soon_and_holds_up_nobody_on_the_host() {
    with_port(|desk| async move {
        let line = "GET /admin/v1/status";
        for _ in 0..10 {
            assert_eq!(desk.as_role("guess", line).await, 401);
        }
        assert_eq!(desk.as_role("guess", line).await, 429);
        // Whoever has a token is not locked out by one who has none.
        assert_eq!(desk.as_role("viewer", line).await, 200);
        assert_eq!(desk.as_role("guess", line).await, 429);
        assert_eq!(desk.as_role("local", line).await, 200);
    });
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    with_port(|desk| async move {
        let token = "Authorization: Bearer editor\r\n";
        let own = format!("Origin: http://{}\r\n", desk.address);
        for (headers, expect) in [
            ("Sec-Fetch-Site: cross-site\r\n", 403),
            ("Sec-Fetch-Site: same-site\r\n", 403),
            ("Origin: https://evil.example\r\n", 403),
            ("Origin: null\r\n", 403),
            ("Sec-Fetch-Site: none\r\n", 204),
            ("Sec-Fetch-Site: same-origin\r\n", 204),
            (own.as_str(), 204),
        ] {
            let headers = format!("{token}{headers}");
            let (status, _) = desk.ask("POST /admin/v1/reload", &headers, "").await;
            assert_eq!(status, expect, "{headers}");
        }
        let looking = format!("{token}Sec-Fetch-Site: cross-site\r\n");
        let (status, _) = desk.ask("GET /admin/v1/status", &looking, "").await;
        assert_eq!(status, 200, "a page cannot read the answer");
    });
}

#[test]
fn every_write_is_noted_and_no_look() {
    with_port(|desk| async move {
        desk.as_role("operator", "GET /admin/v1/status").await;
        desk.as_role("operator", OPERATORS[0]).await;
        desk.as_role("operator", OPERATORS[1]).await;
        desk.as_role("operator", OPERATORS[2]).await;
        desk.as_role("operator", EDITORS[0]).await;
        desk.as_role("local", EDITORS[0]).await;
        let deeds = desk.console.deeds.borrow();
        let told = deeds.iter().map(|deed| {
            let Deed {
                actor,
                what,
                subject,
                outcome,
                ..
            } = deed;
            let tenant = deed.tenant.as_ref().map_or("-", |tenant| tenant.as_str());
            format!("{actor} {what} {tenant} {subject} {outcome}")
        });
        let told: Vec<_> = told.collect();
        assert_eq!(
            told,
            [
                "anna token.mint acme k done",
                "anna token.revoke acme abcdefgh done",
                "anna reload - /reload done",
                "anna reload.forced - /reload/forced forbidden",
                "local reload.forced - /reload/forced conflict",
            ]
        );
        assert_eq!(deeds[2].before.as_deref(), Some("old"));
        assert_eq!(deeds[2].after.as_deref(), Some("new"));
        assert!(deeds.iter().all(|deed| deed.request_id.len() == 36));
    });
}

/// Otherwise nobody would find who made a token and did not wait for it.
#[test]
fn a_write_whose_client_hangs_up_is_carried_through_and_noted() {
    with_port(|desk| async move {
        let mut stream = TcpStream::connect(desk.address).await.unwrap();
        let request = "POST /admin/v1/tenants/slow/tokens HTTP/1.1\r\nHost: here\r\n\
                       Authorization: Bearer operator\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        until(|| desk.console.asked.borrow().len() == 1).await;
        drop(stream);
        // By its answer the port has seen that the other connection ended.
        desk.as_role("operator", "GET /admin/v1/status").await;
        desk.console.go.notify_one();
        until(|| desk.console.deeds.borrow().len() == 1).await;
        assert_eq!(desk.console.deeds.borrow()[0].outcome, "done");
    });
}

async fn until(happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), waiting).await.unwrap();
}

#[test]
fn a_body_is_bounded_and_read_strictly() {
    with_port(|desk| async move {
        let json = "Authorization: Bearer operator\r\nContent-Type: application/json\r\n";
        let form = "Authorization: Bearer operator\r\nContent-Type: text/plain\r\n";
        let huge = format!("{{\"expires\": \"{}\"}}", "x".repeat(600 * 1024));
        for (headers, body, expect) in [
            (json, "{\"expires\": \"2030-01-01T00:00:00Z\"}", 200),
            (json, "{}", 200),
            (json, "", 200),
            (json, "{\"expires\": 7}", 400),
            (json, "{\"expire\": null}", 400),
            (json, "{", 400),
            (form, "{}", 415),
            (json, huge.as_str(), 413),
        ] {
            let (status, _) = desk.ask(OPERATORS[0], headers, body).await;
            assert_eq!(status, expect, "{:.40}", body);
        }
        let asked = desk.console.asked.borrow();
        let Some(Ask::Mint { expires, .. }) = asked.first() else {
            panic!("{asked:?}")
        };
        assert_eq!(expires.unwrap().to_string(), "2030-01-01T00:00:00Z");
    });
}

#[test]
fn the_document_has_every_route_and_nothing_else() {
    let document = document(&[]);
    let paths = document["paths"].as_object().unwrap();
    for route in ROUTES {
        let method = route.method.as_str().to_lowercase();
        let operation = &paths[&format!("{}{}", route.base(), route.path)][&method];
        let parameters = operation["parameters"].as_array().unwrap();
        assert_eq!(
            parameters.len(),
            route.path.matches('{').count(),
            "{}",
            route.path
        );
    }
    let operations = paths.values().map(|path| path.as_object().unwrap().len());
    assert_eq!(operations.sum::<usize>(), ROUTES.len());
    assert!(ROUTES.iter().all(|route| route.method != Method::PUT));
}
