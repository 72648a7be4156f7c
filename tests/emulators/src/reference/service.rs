//! The front door: who calls, and which rows do they mean.

use super::KEY;
use super::directory::{Directory, Table};
use super::refusal::Refusal;
use super::row::Row;
use crate::kit::{Answer, Call, Refused, Route, Vendor};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Rows of a page that does not say how many, and the most of one that does.
const PAGE: usize = 100;
const PAGE_MAX: usize = 500;

/// The calls there are.
const CALLS: [&str; 12] = [
    "GET /people",
    "POST /people",
    "GET /people/{id}",
    "PATCH /people/{id}",
    "DELETE /people/{id}",
    "GET /teams",
    "POST /teams",
    "GET /teams/{id}",
    "PATCH /teams/{id}",
    "DELETE /teams/{id}",
    "GET /teams/{id}/members",
    "POST /teams/{id}/members",
];

/// The backend of one customer.
#[derive(Clone)]
pub(super) struct Service {
    directory: Directory,
}

/// The sort of row a path names.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Person,
    Team,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Regroup {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    people: Vec<Map<String, Value>>,
    #[serde(default)]
    teams: Vec<Map<String, Value>>,
}

impl Service {
    pub(super) fn new() -> Self {
        Self {
            directory: Directory::new(),
        }
    }

    fn enter(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        if call.header("x-key") != Some(KEY) {
            return Err(Refusal::BAD_KEY);
        }
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["people"] => self.on_table(Sort::Person, call, now),
            ["teams"] => self.on_table(Sort::Team, call, now),
            ["people", id] => self.on_row(Sort::Person, id, call, now),
            ["teams", id] => self.on_row(Sort::Team, id, call, now),
            ["teams", id, "members"] => self.on_members(id, call, now),
            _ => Err(Refusal::NO_SUCH_PATH),
        }
    }

    fn on_table(&mut self, sort: Sort, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        match call.method.as_str() {
            "GET" => Ok(self.page(sort, call)),
            "POST" => {
                let row = self.table(sort).create(object(call)?, now)?.clone();
                Ok(Answer::json(201, &self.shown(sort, &row)))
            }
            _ => Err(Refusal::WRONG_METHOD),
        }
    }

    fn on_row(
        &mut self,
        sort: Sort,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let row = match call.method.as_str() {
            "GET" => self.table(sort).row(id)?.clone(),
            "PATCH" => self.table(sort).change(id, object(call)?, now)?.clone(),
            "DELETE" => {
                match sort {
                    Sort::Person => self.directory.remove_person(id)?,
                    Sort::Team => self.directory.remove_team(id)?,
                }
                return Ok(Answer::empty(204));
            }
            _ => return Err(Refusal::WRONG_METHOD),
        };
        Ok(Answer::json(200, &self.shown(sort, &row)))
    }

    fn on_members(&mut self, id: &str, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        match call.method.as_str() {
            "GET" => {}
            "POST" => {
                let body = Value::Object(object(call)?);
                let change: Regroup =
                    serde_json::from_value(body).map_err(|_| Refusal::NOT_JSON)?;
                self.directory
                    .regroup(id, change.add, &change.remove, now)?;
            }
            _ => return Err(Refusal::WRONG_METHOD),
        }
        let members = self.directory.members(id)?;
        Ok(Answer::json(200, &json!({ "items": members })))
    }

    /// Parameters other than these two choose rows.
    fn page(&mut self, sort: Sort, call: &Call) -> Answer {
        let (mut offset, mut limit, mut wanted) = (0, PAGE, Vec::new());
        for (name, value) in call.parameters() {
            match name.as_str() {
                "offset" => offset = value.parse().unwrap_or(0),
                "limit" => limit = value.parse().unwrap_or(PAGE),
                _ => wanted.push((name, value)),
            }
        }
        let rows: Vec<Row> = self
            .table(sort)
            .find(&wanted)
            .into_iter()
            .cloned()
            .collect();
        let page = rows.iter().skip(offset).take(limit.min(PAGE_MAX));
        let items: Vec<Value> = page.map(|row| self.shown(sort, row)).collect();
        Answer::json(200, &json!({ "items": items, "total": rows.len() }))
    }

    fn table(&mut self, sort: Sort) -> &mut Table {
        match sort {
            Sort::Person => &mut self.directory.people,
            Sort::Team => &mut self.directory.teams,
        }
    }

    fn shown(&self, sort: Sort, row: &Row) -> Value {
        match sort {
            Sort::Person => self.directory.person(row),
            Sort::Team => Value::Object(row.shown()),
        }
    }
}

fn object(call: &Call) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(&call.body).map_err(|_| Refusal::NOT_JSON)
}

impl Vendor for Service {
    fn base_path(&self) -> &'static str {
        "/api"
    }

    fn secret_headers(&self) -> &'static [&'static str] {
        &["x-key"]
    }

    fn client(&self, call: &Call) -> Option<String> {
        (call.header("x-key") == Some(KEY)).then(|| "reference".to_owned())
    }

    fn route(&self, call: &Call) -> &'static str {
        let route = Route::of("", &CALLS, call);
        match route.is_known() {
            true => route.template,
            false => "no such call",
        }
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// A made-up row in the place of each.
    fn wrong_user(&self, _: &Call, answer: Answer) -> Answer {
        answer.each_row("items", |row| {
            *row = json!({"id": "p1", "userName": "stranger"});
        })
    }

    /// `{"people": [row, …], "teams": [row with "members", …]}`.
    fn state(&self) -> Value {
        let Directory { people, teams, .. } = &self.directory;
        let with_password = |row: &Row| {
            let mut shown = self.directory.person(row);
            if let Some(password) = row.fields.get("password") {
                shown["password"] = password.clone();
            }
            shown
        };
        let people: Vec<Value> = people.rows().map(with_password).collect();
        let teams = teams.rows().map(|row| {
            let mut shown = row.shown();
            let members = self.directory.members(&row.id).unwrap_or_default();
            shown.insert("members".to_owned(), members.into());
            Value::Object(shown)
        });
        json!({ "people": people, "teams": teams.collect::<Vec<_>>() })
    }

    /// As if they had been posted: ids and stamps are given here.
    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        let seed: Seed = serde_json::from_value(rows)?;
        let plant = |table: &mut Table, rows: Vec<Map<String, Value>>| {
            let mut rows = rows.into_iter();
            let planted = rows.try_for_each(|row| table.create(row, now).map(drop));
            planted.map_err(|refusal| Refused(format!("{refusal:?}")))
        };
        plant(&mut self.directory.people, seed.people)?;
        plant(&mut self.directory.teams, seed.teams)
    }

    /// There are none.
    fn set_limits(&mut self, _: Value) -> Result<(), Refused> {
        Err(Refused("this backend has no limits".to_owned()))
    }
}
