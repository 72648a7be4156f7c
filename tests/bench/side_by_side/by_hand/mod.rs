//! What somebody would write for this one vendor: a translator on hyper and `serde_json` trees,
//! without tables, tenants, scripts, retries, log or store. It checks its token, answers ETags and
//! RFC 7644 errors, and keeps its connections. It runs as a process of its own, on one thread.

mod fields;

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
use sha2::Sha256;
use tokio::net::TcpListener;

use super::shape::Shape;

/// The token it takes.
pub(crate) const TOKEN: &str = "by-hand-0123456789abcdef0123456789abcdef";
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Users in a page where no number is asked for.
const PAGE: usize = 100;

struct Translator {
    client: Client<HttpConnector, Full<Bytes>>,
    vendor: SocketAddr,
    shape: &'static Shape,
    /// HMAC of the token that is good.
    known: Vec<u8>,
}

/// Status and detail of an error.
type Refused = (u16, &'static str);

/// Serves until it is killed; says its address on standard output.
pub(crate) async fn serve(vendor: SocketAddr, shape: &'static Shape) {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    let translator = Rc::new(Translator {
        client: Client::builder(TokioExecutor::new()).build(http),
        vendor,
        shape,
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
    let text = match body {
        Value::Null => Vec::new(),
        _ => serde_json::to_vec(&body).unwrap(),
    };
    let mut response = Response::new(Full::from(text));
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
        let path = head.uri.path().strip_prefix("/scim/v2/");
        let path = path.ok_or((404, "There is no such path."))?;
        let (kind, id) = match path.split_once('/') {
            Some((kind, id)) => (kind, Some(id).filter(|id| is_id(id))),
            None => (path, None),
        };
        match (head.method, kind, id) {
            (Method::GET, "Users", Some(id)) => self.user(id, &base).await,
            (Method::GET, "Users", None) => self.users(head.uri.query(), &base).await,
            (Method::PATCH, "Users", Some(id)) => {
                let changes = fields::changes(self.shape, &read(body).await?)?;
                let path = format!("/people/{id}");
                let row = self.call(Method::PATCH, &path, Some(changes)).await?;
                Ok((200, fields::user(self.shape, &row, &base)?))
            }
            (Method::POST, "Users", None) => {
                let row = fields::native(self.shape, &read(body).await?)?;
                let row = self.call(Method::POST, "/people", Some(row)).await?;
                Ok((201, fields::user(self.shape, &row, &base)?))
            }
            (Method::GET, "Groups", Some(id)) => self.group(id, &base).await,
            (Method::PATCH, "Groups", Some(id)) => {
                let joining = fields::joining(&read(body).await?)?;
                let path = format!("/teams/{id}/members");
                self.call(Method::POST, &path, Some(joining)).await?;
                Ok((204, Value::Null))
            }
            _ => Err((405, "The method is not one of SCIM.")),
        }
    }

    async fn user(&self, id: &str, base: &str) -> Result<(u16, Value), Refused> {
        let path = format!("/people/{id}");
        let row = self.call(Method::GET, &path, None).await?;
        Ok((200, fields::user(self.shape, &row, base)?))
    }

    async fn users(&self, query: Option<&str>, base: &str) -> Result<(u16, Value), Refused> {
        let path = match asked(query)? {
            Asked::Login(login) => format!("/people?login={}", login.replace('@', "%40")),
            Asked::Page { start, count } => {
                format!("/people?limit={count}&offset={}", start.saturating_sub(1))
            }
        };
        let found = self.call(Method::GET, &path, None).await?;
        let rows = found["items"].as_array().ok_or(UNUSABLE)?;
        let users = rows.iter().map(|row| fields::user(self.shape, row, base));
        let users: Vec<Value> = users.collect::<Result<_, _>>()?;
        let count = users.len();
        let total = found["total"].as_u64().unwrap_or(count as u64);
        let body = json!({"schemas": [LIST], "totalResults": total, "startIndex": 1,
            "itemsPerPage": count, "Resources": users});
        Ok((200, body))
    }

    async fn group(&self, id: &str, base: &str) -> Result<(u16, Value), Refused> {
        let path = format!("/teams/{id}");
        let row = self.call(Method::GET, &path, None).await?;
        let path = format!("/teams/{id}/members");
        let members = self.call(Method::GET, &path, None).await?;
        Ok((200, fields::group(&row, &members, base)?))
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
            404 => Err((404, "There is no such resource.")),
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
