//! A vendor that keeps what it is given and answers at once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// How many people it has at first: `p0` with the login `user0@example.com`, and so on.
pub(crate) const PEOPLE: usize = 1000;

/// How many people a page of its list has.
pub(crate) const PAGE: usize = 100;

pub(crate) const MANIFEST: &str = r#"
title = "Consistent"
consistency = "A"

[credential]
kind = "header"
header = "X-Key"

[paging]
style = "offset"
size = 100

[ids]
user = { field = "id" }

[fields]
user = [
  "id", "login", "external_ref", "active", "display_name", "job_title", "category",
  "first_name", "last_name", "email", "phone", "department",
]
"#;

pub(crate) const SCRIPT: &str = r#"
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user_attributes() {
    [
        attr("userName",                           "login").required().lookup("login").unique(),
        attr("externalId",                         "external_ref"),
        attr("active",                             "active"),
        attr("displayName",                        "display_name"),
        attr("title",                              "job_title"),
        attr("userType",                           "category"),
        attr("name.givenName",                     "first_name"),
        attr("name.familyName",                    "last_name"),
        attr(`emails[type eq "work"].value`,       "email"),
        attr(`phoneNumbers[type eq "work"].value`, "phone"),
        attr(`${global::ENTERPRISE}:department`,   "department"),
    ]
}

fn find_user(field, value)   { get("/people", query(field, value)).items }
fn get_user(id)              { get(`/people/${id}`) }
fn list_users(page)          { rows(get("/people", #{ limit: page.size, offset: page.offset })) }
fn create_user(user)         { post("/people", user) }
fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
fn delete_user(id)           { delete(`/people/${id}`) }
fn rows(page)                { #{ rows: page.items, total: page.total } }
"#;

type Row = Map<String, Value>;

#[derive(Default)]
struct People {
    rows: Vec<Row>,
    by_login: HashMap<String, usize>,
}

pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Vendor {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut people = People::default();
        (0..PEOPLE).for_each(|number| drop(people.create(row(number))));
        let people = Rc::new(RefCell::new(people));
        Self {
            address: listener.local_addr().unwrap(),
            accepting: tokio::task::spawn_local(accept(listener, people)),
        }
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, people: Rc<RefCell<People>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let people = Rc::clone(&people);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| answer(Rc::clone(&people), request));
            let served = hyper::server::conn::http1::Builder::new();
            drop(served.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    people: Rc<RefCell<People>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut people = people.borrow_mut();
    let (status, body) = people.answer(&parts.method, &parts.uri, &body);
    let mut response = Response::new(Full::from(serde_json::to_vec(&body).unwrap()));
    *response.status_mut() = status.try_into().unwrap();
    let kind = "application/json".try_into().unwrap();
    response.headers_mut().insert("content-type", kind);
    Ok(response)
}

impl People {
    fn answer(&mut self, method: &Method, uri: &hyper::Uri, body: &[u8]) -> (u16, Value) {
        let sent = || serde_json::from_slice::<Row>(body).unwrap();
        let id = uri.path().strip_prefix("/people/p");
        let place = id.and_then(|id| id.parse::<usize>().ok());
        match (method, place) {
            (&Method::POST, None) => (201, self.create(sent()).into()),
            (&Method::GET, None) => {
                let query = uri.query().unwrap_or_default();
                let body = match query.strip_prefix("login=") {
                    Some(login) => {
                        let place = self.by_login.get(&login.replace("%40", "@"));
                        json!({ "items": Vec::from_iter(place.map(|place| &self.rows[*place])) })
                    }
                    None => json!({ "items": self.rows[..PAGE], "total": PEOPLE }),
                };
                (200, body)
            }
            (_, Some(place)) => {
                let row = &mut self.rows[place];
                if method == Method::PATCH {
                    row.extend(sent());
                }
                (200, row.clone().into())
            }
            _ => (404, Value::Null),
        }
    }

    fn create(&mut self, mut row: Row) -> Row {
        let place = self.rows.len();
        row.insert("id".into(), format!("p{place}").into());
        self.by_login
            .insert(row["login"].as_str().unwrap().to_owned(), place);
        self.rows.push(row.clone());
        row
    }
}

fn row(number: usize) -> Row {
    let row = json!({
        "login": format!("user{number}@example.com"), "external_ref": format!("ref-{number}"),
        "active": true, "display_name": "Ada Lane", "job_title": "Engineer",
        "category": "Employee", "first_name": "Ada", "last_name": "Lane",
        "email": format!("user{number}@example.com"), "phone": "+41442681234",
        "department": "R&D",
    });
    row.as_object().cloned().unwrap()
}
