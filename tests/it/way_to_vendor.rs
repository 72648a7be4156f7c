//! The way to a vendor as manifest and tenant file describe it: every kind of credential, on the
//! wire.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use scimgate::adapter::keys::TenantId;
use scimgate::catalog::{self, Sources};
use scimgate::gateway::way_to_vendor;
use scimgate::script::call::{Backend as _, CallFault, VendorCall, VendorReply, Verb};
use scimgate::vendor::TlsOptions;
use tokio::net::TcpListener;
use tokio::time::Instant;

const MANIFEST: &str = r#"
title = "Small"
consistency = "A"
CREDENTIAL
[settings.customer]
description = "Number of the customer."
[settings.login_url]
description = "Where tokens are given."
default = "http://127.0.0.1:1/"
[headers]
X-Customer = "{customer}"
[deadlines]
call_ms = 400
[paging]
style = "offset"
size = 100
[ids]
user = { field = "id" }
"#;

const SCRIPT: &str = r#"
// allow: lint::unmapped-attribute A vendor with room for little.
fn user_attributes() { [attr("userName", "login").required().lookup("login").unique()] }
fn find_user(field, value)   { get("/people", query(field, value)).items }
fn get_user(id)              { get(`/people/${id}`) }
fn list_users(page)          { get("/people", #{ limit: page.size, offset: page.offset }) }
fn create_user(user)         { post("/people", user) }
fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
fn delete_user(id)           { delete(`/people/${id}`) }
"#;

/// Method, path, headers and body of a request, each header on a line.
type Seen = Arc<Mutex<Vec<String>>>;

/// A vendor that gives tokens and keys, and says nothing to anything else.
async fn vendor() -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let keeping = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&keeping);
            let service = service_fn(move |request| answer(Arc::clone(&seen), request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (base_url, seen)
}

async fn answer(
    seen: Seen,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut text = format!("{} {}\n", head.method, head.uri.path());
    for (name, value) in &head.headers {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    text += &String::from_utf8_lossy(&body);
    seen.lock().unwrap().push(text);
    if head.uri.path().ends_with("/silence") {
        std::future::pending::<()>().await;
    }
    let body = match head.uri.path() {
        "/login" => r#"{"access_token":"t1","token_type":"Bearer","expires_in":300}"#,
        "/v1/keys" => r#"{"result":{"key":"k1"}}"#,
        _ => "{}",
    };
    Ok(Response::new(Full::new(body.into())))
}

/// One call as a tenant of this credential makes it, and what the vendor saw of it.
async fn call(
    manifest: &str,
    tenant: &str,
    path: &str,
) -> (Result<VendorReply, CallFault>, Vec<String>) {
    let (base_url, seen) = vendor().await;
    let directory = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = directory.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "adapters/small.toml",
        &MANIFEST.replace("CREDENTIAL", manifest),
    );
    write("scripts/small.rhai", SCRIPT);
    let tenant = format!(
        "adapter = \"small\"\nbase_url = \"{base_url}/v1\"\n\
         settings = {{ customer = \"4711\", login_url = \"{base_url}/login\" }}\n{tenant}\n"
    );
    write("tenants/acme.toml", &tenant);
    let (catalog, report) = catalog::load(&Sources {
        has_built_in: false,
        adapters: directory.path().join("adapters"),
        scripts: directory.path().join("scripts"),
        tenants: Some(directory.path().join("tenants")),
    });
    let id = TenantId::parse("acme").unwrap();
    let tenant = catalog.tenants.get(&id);
    let tenant = tenant.unwrap_or_else(|| panic!("{}", report.render(false)));
    let network = way_to_vendor(tenant, TlsOptions::load(None).unwrap());
    let call = VendorCall {
        method: Verb::Get,
        path: path.to_owned(),
        body: None,
        idempotent: true,
        token: None,
        resource: None,
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    let reply = network.call(call, deadline).await;
    let seen = seen.lock().unwrap().clone();
    (reply, seen)
}

/// The vendor sees these lines in its last request, and `asked` in the one before.
async fn check(manifest: &str, tenant: &str, lines: &[&str], asked: Option<&[&str]>) {
    let (reply, seen) = call(manifest, tenant, "/people").await;
    assert!(reply.is_ok(), "{manifest}: {reply:?}");
    assert_eq!(seen.len(), 1 + usize::from(asked.is_some()), "{seen:#?}");
    let expected = asked.into_iter().chain([lines]);
    for (request, lines) in seen.iter().zip(expected) {
        for line in lines {
            assert!(
                request.lines().any(|held| held == *line),
                "{line}: {request}"
            );
        }
    }
    let last = seen.last().unwrap();
    assert!(last.starts_with("GET /v1/people\n"), "{last}");
    assert!(last.contains("\nx-customer: 4711\n"), "{last}");
}

#[tokio::test]
async fn a_secret_stands_where_its_kind_says() {
    check(
        "credential = { kind = \"basic\" }",
        "credential = { username = { value = \"Aladdin\" }, password = { value = \"open sesame\" } }",
        &["authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
        None,
    )
    .await;
    check(
        "credential = { kind = \"bearer\" }",
        "credential = { token = { value = \"b1\" } }",
        &["authorization: Bearer b1"],
        None,
    )
    .await;
    check(
        "credential = { kind = \"header\", header = \"X-Key\" }",
        "credential = { key = { value = \"h1\" } }",
        &["x-key: h1"],
        None,
    )
    .await;
    let (reply, seen) = call("credential = { kind = \"none\" }", "", "/people").await;
    assert!(
        reply.is_ok() && !seen[0].contains("authorization"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_token_is_asked_for_as_the_manifest_says() {
    check(
        "credential = { kind = \"oauth2\", grant = \"client_credentials\", \
         token_url = \"{login_url}\", client = \"body\", scope = \"people\" }",
        "credential = { client_id = { value = \"c1\" }, client_secret = { value = \"s1\" } }",
        &["authorization: Bearer t1"],
        Some(&[
            "POST /login",
            "grant_type=client_credentials&scope=people&client_id=c1&client_secret=s1",
        ]),
    )
    .await;
    check(
        "credential = { kind = \"oauth2\", grant = \"password\", token_url = \"{login_url}\" }",
        "[credential]\nclient_id = { value = \"c1\" }\nclient_secret = { value = \"s1\" }\n\
         username = { value = \"u1\" }\npassword = { value = \"p1\" }",
        &["authorization: Bearer t1"],
        Some(&[
            "authorization: Basic YzE6czE=",
            "grant_type=password&username=u1&password=p1",
        ]),
    )
    .await;
}

#[tokio::test]
async fn a_key_is_exchanged_as_the_manifest_says() {
    check(
        "[credential]\nkind = \"key_exchange\"\nheader = \"X-Key\"\npath = \"/keys\"\n\
         key = \"/result/key\"\n\
         form = { type = \"keygen\", user = \"{username}\", password = \"{password}\" }",
        "credential = { username = { value = \"u1\" }, password = { value = \"p 1\" } }",
        &["x-key: k1"],
        Some(&["POST /v1/keys", "password=p+1&type=keygen&user=u1"]),
    )
    .await;
}

/// Once for each try: the limit is one call's.
#[tokio::test]
async fn a_call_takes_no_longer_than_the_manifest_says() {
    let began = Instant::now();
    let kind = "credential = { kind = \"none\" }";
    let (reply, seen) = call(kind, "", "/silence").await;
    assert!(matches!(reply, Err(CallFault::Lost(_))), "{reply:?}");
    assert_eq!(seen.len(), 3);
    assert!(began.elapsed() >= Duration::from_millis(3 * 400));
}
