//! The adapter of `tests/data/tracker` over sockets: envelopes, numbers for states, lists of pairs,
//! errors in sentences, links to the next page, and what is looked up once.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Request, Response};
use crate::house::{House, text_of};
use crate::serve_command::Served;

/// What a user of Tracker has, beside what was sent.
const FIELDS: [(u64, &str); 2] = [(3, "Title"), (4, "Called")];

#[derive(Default)]
struct Tracker {
    base: String,
    users: BTreeMap<u64, Value>,
    groups: BTreeMap<u64, (String, Vec<Value>)>,
    /// How often each method and path was called.
    calls: BTreeMap<String, usize>,
}

/// Status and body, which is empty for null.
type Answer = (u16, Value);

impl Tracker {
    fn start() -> (Arc<Mutex<Self>>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/api", listener.local_addr().unwrap());
        let tracker = Arc::new(Mutex::new(Self {
            base: base.clone(),
            ..Self::default()
        }));
        let served = Arc::clone(&tracker);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                std::thread::spawn(move || serve(stream, &served));
            }
        });
        (tracker, base)
    }

    fn answer(&mut self, method: &str, target: &str, body: &Value) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        *self.calls.entry(format!("{method} {path}")).or_default() += 1;
        let steps: Vec<&str> = path.trim_end_matches(".json").split('/').skip(2).collect();
        let number = |text: &str| text.parse::<u64>().unwrap();
        match (method, steps.as_slice()) {
            ("GET", ["users", "current"]) => (
                200,
                json!({"user": {"id": 1, "login": "gateway", "admin": true}}),
            ),
            ("GET", ["roles"]) => (200, json!({"roles": [{"id": 4, "name": "Member"}]})),
            ("GET", ["users"]) => self.list_users(query),
            ("GET", ["groups"]) => self.list_groups(query),
            ("POST", ["users"]) => self.write_user(None, body),
            ("PUT", ["users", id]) => match self.write_user(Some(number(id)), body) {
                (201, _) => (204, Value::Null),
                refused => refused,
            },
            ("GET", ["users", id]) => match self.users.get(&number(id)) {
                Some(user) => (200, json!({ "user": user })),
                None => (404, Value::Null),
            },
            ("POST", ["groups"]) => {
                let name = body["group"]["name"].as_str().unwrap();
                let id = self.groups.len() as u64 + 1;
                self.groups.insert(id, (name.to_owned(), Vec::new()));
                (201, json!({"group": {"id": id, "name": name}}))
            }
            ("GET", ["groups", id]) => {
                let (name, people) = &self.groups[&number(id)];
                let people: Vec<_> = people.iter().map(|id| json!({ "id": id })).collect();
                (
                    200,
                    json!({"group": {"id": number(id), "name": name, "users": people}}),
                )
            }
            ("POST", ["groups", id, "users"]) if body["role_id"] == 4 => {
                let (_, people) = self.groups.get_mut(&number(id)).unwrap();
                people.push(body["user_id"].clone());
                (204, Value::Null)
            }
            _ => (400, json!({"errors": ["There is no such call"]})),
        }
    }

    /// Takes an object in its envelope only.
    fn write_user(&mut self, id: Option<u64>, body: &Value) -> Answer {
        let Some(sent) = body["user"].as_object() else {
            return (400, json!({"errors": ["User is missing"]}));
        };
        let is_others = |(other, user): (&u64, &Value)| {
            Some(*other) != id && sent.get("mail").is_some_and(|mail| *mail == user["mail"])
        };
        if self.users.iter().any(is_others) {
            return (422, json!({"errors": ["Email has already been taken"]}));
        }
        if sent
            .get("lastname")
            .is_some_and(|name| name.as_str().unwrap().len() < 2)
        {
            return (422, json!({"errors": ["Last name is too short"]}));
        }
        let id = id.unwrap_or(self.users.len() as u64 + 1);
        let fields = FIELDS.map(|(id, name)| json!({"id": id, "name": name, "value": ""}));
        let new = || json!({"id": id, "admin": false, "custom_fields": fields});
        let user = self.users.entry(id).or_insert_with(new);
        for (name, value) in sent {
            if name != "custom_fields" {
                user[name] = value.clone();
                continue;
            }
            for pair in value.as_array().unwrap() {
                let mut kept = user["custom_fields"].as_array_mut().unwrap().iter_mut();
                let is_meant =
                    |kept: &&mut Value| kept["id"] == pair["id"] || kept["name"] == pair["name"];
                kept.find(is_meant).unwrap()["value"] = pair["value"].clone();
            }
        }
        (201, json!({ "user": user }))
    }

    /// Those of a name or address, or one of each page.
    fn list_users(&self, query: &str) -> Answer {
        if let Some(name) = parameter(query, "name") {
            let has = |user: &&Value| user["login"] == *name || user["mail"] == *name;
            let found: Vec<_> = self.users.values().filter(has).collect();
            return (200, json!({ "users": found }));
        }
        let after = parameter(query, "after").map_or(0, |after| after.parse().unwrap());
        let mut rest = self.users.range(after + 1..);
        let page: Vec<_> = rest.next().into_iter().collect();
        let next = rest.next().and(page.first());
        let next = next.map(|(last, _)| format!("{}/users.json?after={last}", self.base));
        let page: Vec<_> = page.iter().map(|(_, user)| user).collect();
        (200, json!({"users": page, "links": {"next": next}}))
    }

    fn list_groups(&self, query: &str) -> Answer {
        let told = |(id, (name, _)): (&u64, &(String, Vec<Value>))| json!({"id": id, "name": name});
        if let Some(name) = parameter(query, "name") {
            let found = self.groups.iter().filter(|(_, group)| group.0 == name);
            return (200, json!({"groups": found.map(told).collect::<Value>()}));
        }
        // A marker of a sign that must be quoted.
        let after = parameter(query, "marker").unwrap_or_else(|| "a/0".to_owned());
        let after: u64 = after.trim_start_matches("a/").parse().unwrap();
        let mut rest = self.groups.range(after + 1..);
        let page: Vec<Value> = rest.next().into_iter().map(told).collect();
        let next = rest
            .next()
            .map(|_| format!("{}/groups.json?marker=a%2F{}", self.base, after + 1));
        (200, json!({"groups": page, "links": {"next": next}}))
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(held, _)| held == name)
        .map(|(_, value)| value.into_owned())
}

/// Answers one call and closes the connection.
fn serve(mut stream: TcpStream, tracker: &Mutex<Tracker>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut size) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(length) = line.to_lowercase().strip_prefix("content-length:") {
            size = length.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; size];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (status, body) = match head.to_lowercase().contains("x-tracker-key: k\r\n") {
        true => tracker.lock().unwrap().answer(method, target, &body),
        false => (401, Value::Null),
    };
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let size = body.len();
    let _written = stream.write_all(
        format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{body}").as_bytes(),
    );
}

/// Entra, with its token.
struct Entra {
    served: Served,
    token: String,
}

impl Entra {
    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let mut request = Request::new(method, &format!("/t/acme/scim/v2{path}"))
            .header("Authorization", &format!("Bearer {}", self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        Served::send(&self.served.origin, &request)
    }

    #[track_caller]
    fn done(&self, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
        let response = self.send(method, path, body);
        assert_eq!(response.status, status, "{method} {path}: {response}");
        response.json()
    }

    fn change(operations: Value) -> Option<Value> {
        Some(
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}),
        )
    }
}

fn user(name: &str, family: &str) -> Option<Value> {
    Some(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true,
        "name": {"givenName": "Ada", "familyName": family}, "title": "Head", "nickName": "Ad",
        "emails": [{"type": "work", "value": format!("{name}@example.com")}],
    }))
}

#[test]
fn an_api_as_they_really_are_over_sockets() {
    let (tracker, base) = Tracker::start();
    let house = House::empty();
    house.copy("tests/data/tracker/tracker.toml", "adapters/tracker.toml");
    house.copy("tests/data/tracker/tracker.rhai", "scripts/tracker.rhai");
    house.write(
        "tenants/acme.toml",
        &format!("adapter = \"tracker\"\nbase_url = \"{base}\"\ncredential = {{ key = {{ value = \"k\" }} }}\n"),
    );
    house.write(
        "scimgate.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[catalog]\nwatch = \"off\"\n",
    );
    let mint = house.run(&["-c", "scimgate.toml", "token", "mint", "--tenant", "acme"]);
    let minted = text_of(&mint.stdout);
    let token = minted
        .split_once("Secret Token: ")
        .unwrap()
        .1
        .trim()
        .to_owned();
    let mut entra = Entra {
        served: Served::start(&house),
        token,
    };

    // Envelope, number and pairs, on the way there and back.
    let ada = entra.done("POST", "/Users", user("ada", "Lane"), 201);
    assert_eq!(
        (&ada["id"], &ada["title"], &ada["nickName"]),
        (&json!("1"), &json!("Head"), &json!("Ad"))
    );
    let kept = tracker.lock().unwrap().users[&1].clone();
    assert_eq!(
        (&kept["status"], &kept["custom_fields"][1]["value"]),
        (&json!(1), &json!("Ad"))
    );
    let change = json!([
        {"op": "replace", "path": "active", "value": false},
        {"op": "replace", "path": "title", "value": "Chief"},
    ]);
    entra.done("PATCH", "/Users/1", Entra::change(change), 200);
    let kept = tracker.lock().unwrap().users[&1].clone();
    assert_eq!(
        (&kept["status"], &kept["custom_fields"][0]["value"]),
        (&json!(3), &json!("Chief"))
    );
    let read = entra.done("GET", "/Users/1", None, 200);
    assert_eq!(
        (&read["active"], &read["title"], &read["nickName"]),
        (&json!(false), &json!("Chief"), &json!("Ad"))
    );

    // Sentences: one names its field, the other is a refusal.
    let mut twin = user("bob", "Hill").unwrap();
    twin["emails"][0]["value"] = json!("ada@example.com");
    let taken = entra.done("POST", "/Users", Some(twin), 409);
    assert!(
        taken["detail"].as_str().unwrap().contains("emails"),
        "{taken}"
    );
    let short = entra.done("POST", "/Users", user("bob", "H"), 400);
    assert_eq!(short["scimType"], "invalidValue", "{short}");

    // Links: a whole address, and a parameter of one.
    entra.done("POST", "/Users", user("bob", "Hill"), 201);
    entra.done("POST", "/Users", user("eve", "Hill"), 201);
    let all = entra.done("GET", "/Users?count=3", None, 200);
    assert_eq!(all["Resources"].as_array().unwrap().len(), 3, "{all}");
    for name in ["Sales", "Finance", "Legal"] {
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name});
        entra.done("POST", "/Groups", Some(group), 201);
    }
    let all = entra.done("GET", "/Groups?excludedAttributes=members", None, 200);
    assert_eq!(all["totalResults"], 3, "{all}");

    // The role is looked up once, also by requests at the same time.
    std::thread::scope(|scope| {
        for group in 1..=3 {
            let entra = &entra;
            scope.spawn(move || {
                let people = json!([{"value": "1"}, {"value": "2"}]);
                let join = json!([{"op": "add", "path": "members", "value": people}]);
                entra.done(
                    "PATCH",
                    &format!("/Groups/{group}"),
                    Entra::change(join),
                    204,
                );
            });
        }
    });
    let tracker = tracker.lock().unwrap();
    assert!(tracker.groups.values().all(|(_, people)| people.len() == 2));
    assert_eq!(
        tracker.calls["GET /api/roles.json"], 1,
        "{:?}",
        tracker.calls
    );
    // Looked at when the tenant was loaded.
    assert_eq!(
        tracker.calls["GET /api/users/current.json"], 1,
        "{:?}",
        tracker.calls
    );
    drop(tracker);
    entra.served.terminate();
}
