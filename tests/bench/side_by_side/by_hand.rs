//! What somebody would write for this one vendor: a translator on hyper and `serde_json` trees,
//! without tables, tenants, scripts, retries, log or store. It checks its token, answers ETags and
//! RFC 7644 errors, and keeps its connections. It runs as a process of its own, on one thread.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use super::vendor::PAGE;

/// The token it takes.
pub(crate) const TOKEN: &str = "by-hand-0123456789abcdef0123456789abcdef";
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Attributes that are fields of the vendor as they are.
const PLAIN: [(&str, &str); 5] = [
    ("userName", "login"),
    ("externalId", "external_ref"),
    ("active", "active"),
    ("displayName", "display_name"),
    ("title", "job_title"),
];

struct Translator {
    client: Client<HttpConnector, Full<Bytes>>,
    vendor: SocketAddr,
    /// HMAC of the token that is good.
    known: Vec<u8>,
}

/// Status and detail of an error.
type Refused = (u16, &'static str);

/// Serves until it is killed; says its address on standard output.
pub(crate) async fn serve(vendor: SocketAddr) {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    let translator = Rc::new(Translator {
        client: Client::builder(TokioExecutor::new()).build(http),
        vendor,
        known: keyed(TOKEN),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "http://{}/scim/v2", listener.local_addr().unwrap()).unwrap();
    out.flush().unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let translator = Rc::clone(&translator);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| answer(Rc::clone(&translator), request));
            let served = hyper::server::conn::http1::Builder::new();
            drop(served.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    translator: Rc<Translator>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let deadline = Duration::from_secs(50);
    let answered = tokio::time::timeout(deadline, translator.translate(request)).await;
    let answered = answered.unwrap_or(Err((503, "The vendor took too long.")));
    let (status, body) = answered.unwrap_or_else(|(status, detail)| {
        let body = json!({"schemas": [ERROR], "status": status.to_string(), "detail": detail});
        (status, body)
    });
    let mut response = Response::new(Full::from(serde_json::to_vec(&body).unwrap()));
    *response.status_mut() = status.try_into().unwrap();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/scim+json"),
    );
    for (header, member) in [(ETAG, "version"), (LOCATION, "location")] {
        let value = body.get("meta").and_then(|meta| meta[member].as_str());
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(header, value);
        }
    }
    Ok(response)
}

impl Translator {
    async fn translate(&self, request: Request<Incoming>) -> Result<(u16, Value), Refused> {
        self.authenticate(request.headers())?;
        let host = request
            .headers()
            .get("host")
            .and_then(|host| host.to_str().ok());
        let base = format!("http://{}/scim/v2", host.unwrap_or_default());
        let (head, body) = request.into_parts();
        let rest = head.uri.path().strip_prefix("/scim/v2/Users");
        let rest = rest.ok_or((404, "There is no such path."))?;
        let id = rest.strip_prefix('/').filter(|id| is_id(id));
        match (head.method, id) {
            (Method::GET, Some(id)) => {
                let row = self
                    .call(Method::GET, &format!("/people/{id}"), None)
                    .await?;
                Ok((200, user(&row, &base)?))
            }
            (Method::GET, None) => {
                let path = match asked(head.uri.query())? {
                    Asked::Login(login) => format!("/people?login={}", login.replace('@', "%40")),
                    Asked::Page { start, count } => {
                        format!("/people?limit={count}&offset={}", start.saturating_sub(1))
                    }
                };
                let found = self.call(Method::GET, &path, None).await?;
                let rows = found["items"].as_array().ok_or(UNUSABLE)?;
                let users = rows.iter().map(|row| user(row, &base));
                let users: Vec<Value> = users.collect::<Result<_, _>>()?;
                let count = users.len();
                let total = found["total"].as_u64().unwrap_or(count as u64);
                let body = json!({"schemas": [LIST], "totalResults": total, "startIndex": 1,
                    "itemsPerPage": count, "Resources": users});
                Ok((200, body))
            }
            (Method::PATCH, Some(id)) => {
                let changes = changes(read(body).await?)?;
                let path = format!("/people/{id}");
                let row = self.call(Method::PATCH, &path, Some(changes)).await?;
                Ok((200, user(&row, &base)?))
            }
            (Method::POST, None) => {
                let row = native(&read(body).await?)?;
                let row = self.call(Method::POST, "/people", Some(row)).await?;
                Ok((201, user(&row, &base)?))
            }
            _ => Err((405, "The method is not one of SCIM.")),
        }
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let token = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
        mac.update(token.unwrap_or_default().as_bytes());
        let good = mac.verify_slice(&self.known);
        good.map_err(|_| (401, "The token is not known."))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Map<String, Value>>,
    ) -> Result<Value, Refused> {
        let uri: Uri = format!("http://{}{path}", self.vendor)
            .parse()
            .map_err(|_| UNUSABLE)?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("X-Key", "bench");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| serde_json::to_vec(&body).unwrap());
        let request = request.body(Full::from(body.unwrap_or_default())).unwrap();
        let reply = self.client.request(request).await;
        let reply = reply.map_err(|_| (503, "The vendor could not be reached."))?;
        let status = reply.status().as_u16();
        let body = Limited::new(reply.into_body(), 8 << 20).collect().await;
        let body = body.map_err(|_| UNUSABLE)?.to_bytes();
        match status {
            200..=299 => serde_json::from_slice(&body).map_err(|_| UNUSABLE),
            404 => Err((404, "There is no such user.")),
            409 => Err((409, "Another user already has this userName.")),
            _ => Err(UNUSABLE),
        }
    }
}

const UNUSABLE: Refused = (503, "The vendor's answer could not be used.");

fn keyed(token: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    mac.update(token.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

async fn read(body: Incoming) -> Result<Value, Refused> {
    let body = Limited::new(body, 256 << 10).collect().await;
    let body = body
        .map_err(|_| (413, "The body is too large."))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|_| (400, "The body is no JSON."))
}

/// What a list is asked for.
enum Asked {
    Login(String),
    Page { start: usize, count: usize },
}

/// `filter=userName eq "…"`, or a page.
fn asked(query: Option<&str>) -> Result<Asked, Refused> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let (mut start, mut count) = (1, PAGE);
    for (name, value) in pairs {
        match &*name {
            "filter" => {
                let login = login(&value).ok_or((400, "This filter is not known."))?;
                return Ok(Asked::Login(login));
            }
            "startIndex" => start = value.parse().unwrap_or(1),
            "count" => count = value.parse().unwrap_or(PAGE),
            _ => {}
        }
    }
    Ok(Asked::Page { start, count })
}

fn login(filter: &str) -> Option<String> {
    let (attribute, rest) = filter.split_once(' ')?;
    let value = rest.strip_prefix("eq ")?;
    let is_it = attribute.eq_ignore_ascii_case("userName");
    is_it.then(|| serde_json::from_str(value).ok()).flatten()
}

fn user(row: &Value, base: &str) -> Result<Value, Refused> {
    let id = row["id"].as_str().ok_or(UNUSABLE)?;
    let mut user = json!({"schemas": [CORE], "id": id});
    let held = |field: &str| row.get(field).filter(|value| !value.is_null()).cloned();
    for (attribute, field) in PLAIN {
        if let Some(value) = held(field) {
            user[attribute] = value;
        }
    }
    if let Some(value) = held("category") {
        user["userType"] = value;
    }
    for (part, field) in [("givenName", "first_name"), ("familyName", "last_name")] {
        if let Some(value) = held(field) {
            user["name"][part] = value;
        }
    }
    for (list, field) in [("emails", "email"), ("phoneNumbers", "phone")] {
        if let Some(value) = held(field) {
            user[list] = json!([{"type": "work", "value": value}]);
        }
    }
    if let Some(value) = held("department") {
        user["schemas"] = json!([CORE, ENTERPRISE]);
        user[ENTERPRISE] = json!({ "department": value });
    }
    let digest = Sha256::digest(serde_json::to_vec(&user).unwrap());
    let digits: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    user["meta"] = json!({"resourceType": "User", "location": format!("{base}/Users/{id}"),
        "version": format!("W/\"{digits}\"")});
    Ok(user)
}

fn native(user: &Value) -> Result<Map<String, Value>, Refused> {
    if user["userName"].as_str().is_none_or(str::is_empty) {
        return Err((400, "userName is required."));
    }
    let mut row = Map::new();
    for (attribute, field) in PLAIN.iter().chain(&[("userType", "category")]) {
        put(&mut row, field, &user[*attribute]);
    }
    put(&mut row, "first_name", &user["name"]["givenName"]);
    put(&mut row, "last_name", &user["name"]["familyName"]);
    for (list, field) in [("emails", "email"), ("phoneNumbers", "phone")] {
        let elements = user[list].as_array().into_iter().flatten();
        let mut work = elements.filter(|element| element["type"] == "work");
        put(
            &mut row,
            field,
            work.next()
                .map_or(&Value::Null, |element| &element["value"]),
        );
    }
    put(&mut row, "department", &user[ENTERPRISE]["department"]);
    Ok(row)
}

fn put(row: &mut Map<String, Value>, field: &str, value: &Value) {
    if !value.is_null() {
        row.insert(field.to_owned(), value.clone());
    }
}

/// The fields that a PATCH changes: `add` and `replace` of plain attributes.
fn changes(patch: Value) -> Result<Map<String, Value>, Refused> {
    let mut fields = Map::new();
    let operations = patch["Operations"]
        .as_array()
        .ok_or((400, "Operations is missing."))?;
    for operation in operations {
        let op = operation["op"].as_str().unwrap_or_default();
        let value = match op.to_ascii_lowercase().as_str() {
            "add" | "replace" => operation["value"].clone(),
            "remove" => Value::Null,
            _ => return Err((400, "op is add, replace or remove.")),
        };
        let path = operation["path"].as_str().unwrap_or_default();
        let known = PLAIN
            .iter()
            .find(|(attribute, _)| attribute.eq_ignore_ascii_case(path));
        let (_, field) = known.ok_or((400, "This path is not known."))?;
        fields.insert((*field).to_owned(), value);
    }
    Ok(fields)
}
