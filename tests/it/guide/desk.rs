//! Desk, the product of the guide: a small user API with habits of its own. It is written by the
//! table at the head of the guide and shares no code with the gateway.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

/// What it holds.
#[derive(Default)]
struct Shelf {
    people: BTreeMap<u64, Map<String, Value>>,
    teams: BTreeMap<u64, Team>,
    last: u64,
}

#[derive(Default)]
struct Team {
    label: String,
    people: Vec<u64>,
}

/// A call, as far as Desk looks at it.
struct Call {
    method: String,
    path: Vec<String>,
    query: BTreeMap<String, String>,
    key: String,
    body: Value,
}

/// Starts Desk on a free port of loopback. Its threads end with the test.
pub(super) fn start(key: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shelf = Arc::new(Mutex::new(Shelf::default()));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shelf = Arc::clone(&shelf);
            std::thread::spawn(move || serve(stream, &shelf, key));
        }
    });
    address
}

/// One connection, call after call, until the other side has enough.
fn serve(stream: TcpStream, shelf: &Mutex<Shelf>, key: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(call) = read(&mut reader) {
        let (status, body) = if call.key == key {
            shelf.lock().unwrap().answer(&call)
        } else {
            (401, json!({"problem": {"kind": "KEY_REFUSED"}}))
        };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let head = format!(
            "HTTP/1.1 {status} .\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if writer.write_all((head + body.as_str()).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        match name.to_lowercase().as_str() {
            "x-desk-key" => key = value.to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let url = url::Url::parse(&format!("http://desk{target}")).ok()?;
    let path = url.path_segments()?.skip(1).map(str::to_owned);
    Some(Call {
        method,
        path: path.collect(),
        query: url.query_pairs().into_owned().collect(),
        key,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn problem(kind: &str, field: &str) -> (u16, Value) {
    let text = "Bitte prüfen Sie Ihre Eingabe.";
    (
        400,
        json!({"problem": {"kind": kind, "field": field, "text": text}}),
    )
}

/// Desk compares logins and addresses without regard to case.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let folded = |it: Option<&Value>| it.and_then(Value::as_str).map(str::to_lowercase);
    folded(one) == folded(other)
}

impl Shelf {
    fn answer(&mut self, call: &Call) -> (u16, Value) {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let number = path.get(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        match (call.method.as_str(), path.as_slice()) {
            ("GET", ["people"]) => (200, self.find_people(&call.query)),
            ("POST", ["people"]) => self.put_person(None, &call.body),
            ("GET", ["people", _]) => self.person(number),
            ("PATCH", ["people", _]) => self.put_person(Some(number), &call.body),
            ("DELETE", ["people", _]) => match self.people.remove(&number) {
                Some(_) => (204, Value::Null),
                None => problem("NO_SUCH_PERSON", "no"),
            },
            (method, ["teams", rest @ ..]) => self.teams(method, rest, number, call),
            _ => problem("NO_SUCH_CALL", ""),
        }
    }

    fn person(&self, number: u64) -> (u16, Value) {
        match self.people.get(&number) {
            Some(person) => (200, json!(person)),
            None => problem("NO_SUCH_PERSON", "no"),
        }
    }

    fn find_people(&self, query: &BTreeMap<String, String>) -> Value {
        let wanted = |person: &&Map<String, Value>| {
            let mut fields = query
                .iter()
                .filter(|(name, _)| *name == "login" || *name == "mail");
            fields.all(|(name, value)| same(person.get(name), Some(&json!(value))))
        };
        let found: Vec<_> = self.people.values().filter(wanted).collect();
        json!({"people": found, "count": found.len()})
    }

    fn put_person(&mut self, number: Option<u64>, fields: &Value) -> (u16, Value) {
        let taken = |field: &str| {
            let value = fields.get(field);
            let mut others = self
                .people
                .iter()
                .filter(|(other, _)| Some(**other) != number);
            value.is_some() && others.any(|(_, person)| same(person.get(field), value))
        };
        for (field, kind) in [("login", "LOGIN_TAKEN"), ("mail", "MAIL_TAKEN")] {
            if taken(field) {
                return problem(kind, field);
            }
        }
        if number.is_some_and(|number| !self.people.contains_key(&number)) {
            return problem("NO_SUCH_PERSON", "no");
        }
        self.last += u64::from(number.is_none());
        let number = number.unwrap_or(self.last);
        let person = self.people.entry(number).or_default();
        person.insert("no".to_owned(), json!(number));
        for (name, value) in fields.as_object().into_iter().flatten() {
            person.insert(name.clone(), value.clone());
        }
        person.retain(|_, value| !value.is_null());
        (200, json!(person))
    }

    fn teams(&mut self, method: &str, rest: &[&str], number: u64, call: &Call) -> (u16, Value) {
        let label = call.body["label"].as_str().unwrap_or_default();
        if (method, rest) == ("POST", &[]) {
            self.last += 1;
            self.teams.entry(self.last).or_default().label = label.to_owned();
            return self.team(self.last);
        }
        if rest.is_empty() {
            let asked = call.query.get("label");
            let found = self
                .teams
                .iter()
                .filter(|(_, team)| asked.is_none_or(|it| *it == team.label));
            let found: Vec<_> = found.map(|(number, _)| self.team(*number).1).collect();
            return (200, json!({"teams": found, "count": found.len()}));
        }
        let Some(team) = self.teams.get_mut(&number) else {
            return problem("NO_SUCH_TEAM", "no");
        };
        let person = rest.get(2).and_then(|it| it.parse().ok()).unwrap_or(0);
        match (method, rest.len()) {
            ("GET", 2) => return (200, json!({"people": team.people})),
            ("PATCH", 1) => team.label = label.to_owned(),
            ("PUT", 3) if self.people.contains_key(&person) => {
                team.people.retain(|other| *other != person);
                team.people.push(person);
                return (204, Value::Null);
            }
            ("PUT", 3) => return problem("NO_SUCH_PERSON", "no"),
            ("DELETE", 3) => {
                team.people.retain(|other| *other != person);
                return (204, Value::Null);
            }
            ("DELETE", _) => {
                self.teams.remove(&number);
                return (204, Value::Null);
            }
            _ => {}
        }
        self.team(number)
    }

    fn team(&self, number: u64) -> (u16, Value) {
        let team = &self.teams[&number];
        (200, json!({"no": number, "label": team.label}))
    }
}
