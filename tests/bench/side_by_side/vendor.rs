//! A vendor that keeps what it is given and answers at once.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::shape::Shape;
use super::shipped;

/// How many people it has at first: `0` with the login `user0@example.com`, and so on.
pub(crate) const PEOPLE: usize = 1000;

type Row = Map<String, Value>;

#[derive(Default)]
struct Kept {
    people: Vec<Row>,
    by_login: HashMap<String, usize>,
    /// Ids of the members. There is every team that is asked for: `g7` has seven members at first, all
    /// others none.
    teams: HashMap<String, BTreeSet<String>>,
    calls: usize,
}

#[derive(Serialize)]
struct Page<'a> {
    items: &'a [Row],
    total: usize,
}

#[derive(Deserialize)]
struct Joining {
    add: Vec<String>,
}

pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    pub(crate) shape: &'static Shape,
    kept: Rc<RefCell<Kept>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Vendor {
    pub(crate) async fn start(shape: &'static Shape) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut kept = Kept::default();
        for number in 0..PEOPLE {
            kept.create(shape.row(&number.to_string()));
        }
        let kept = Rc::new(RefCell::new(kept));
        Self {
            address: listener.local_addr().unwrap(),
            shape,
            kept: Rc::clone(&kept),
            accepting: tokio::task::spawn_local(accept(listener, kept)),
        }
    }

    /// How many calls it has answered.
    pub(crate) fn calls(&self) -> usize {
        self.kept.borrow().calls
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, kept: Rc<RefCell<Kept>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let kept = Rc::clone(&kept);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| answer(Rc::clone(&kept), request));
            let served = hyper::server::conn::http1::Builder::new();
            drop(served.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    kept: Rc<RefCell<Kept>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (status, body) = kept.borrow_mut().answer(&parts.method, &parts.uri, &body);
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status.try_into().unwrap();
    let kind = "application/json".try_into().unwrap();
    response.headers_mut().insert("content-type", kind);
    Ok(response)
}

impl Kept {
    fn answer(&mut self, method: &Method, uri: &Uri, body: &[u8]) -> (u16, Vec<u8>) {
        self.calls += 1;
        let path: Vec<&str> = uri.path().split('/').skip(1).collect();
        match (method, path.as_slice()) {
            (&Method::POST, ["people"]) => {
                let row = self.create(serde_json::from_slice(body).unwrap());
                (201, json_of(row))
            }
            (&Method::GET, ["people"]) => (200, self.list(uri.query().unwrap_or_default())),
            (_, ["people", id]) => {
                let row = &mut self.people[id.parse::<usize>().unwrap()];
                if method == Method::PATCH {
                    row.extend(serde_json::from_slice::<Row>(body).unwrap());
                }
                (200, json_of(row))
            }
            (_, ["teams", id]) => (200, json_of(&json!({"id": id, "name": id}))),
            (_, ["teams", id, "members"]) => {
                let members = self.members(id);
                if method == Method::POST {
                    members.extend(serde_json::from_slice::<Joining>(body).unwrap().add);
                    return (200, json_of(&json!({})));
                }
                (200, json_of(&json!({ "items": members })))
            }
            (_, path) => match shipped::answer(path, uri.query().unwrap_or_default()) {
                Some(answer) => (200, json_of(&answer)),
                None => (404, Vec::new()),
            },
        }
    }

    fn list(&self, query: &str) -> Vec<u8> {
        if let Some(login) = query.strip_prefix("login=") {
            let place = self.by_login.get(&login.replace("%40", "@"));
            let items = place.map_or(&[][..], |place| std::slice::from_ref(&self.people[*place]));
            return json_of(&Page {
                items,
                total: items.len(),
            });
        }
        let number = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.find_map(|(key, value)| (key == name).then_some(value));
            value.and_then(|value| value.parse::<usize>().ok()).unwrap()
        };
        let from = number("offset");
        let items = &self.people[from..][..number("limit")];
        json_of(&Page {
            items,
            total: PEOPLE,
        })
    }

    fn members(&mut self, team: &str) -> &mut BTreeSet<String> {
        self.teams.entry(team.to_owned()).or_insert_with(|| {
            let count = team
                .strip_prefix('g')
                .map_or(0, |count| count.parse().unwrap());
            (0..count).map(|number| number.to_string()).collect()
        })
    }

    fn create(&mut self, mut row: Row) -> &Row {
        let place = self.people.len();
        row.insert("id".into(), place.to_string().into());
        let login = row["login"].as_str().unwrap().to_owned();
        self.by_login.insert(login, place);
        self.people.push(row);
        &self.people[place]
    }
}

fn json_of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}
