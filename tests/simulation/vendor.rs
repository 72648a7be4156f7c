//! The vendor's directory: what it holds, what it held, and what each call did to it.

use std::collections::{BTreeMap, BTreeSet};

use scimgate::script::call::{VendorCall, Verb};
use serde_json::{Value, json};

use crate::class::{Class, Groups};
use crate::dice::Dice;
use crate::history::{Effect, Fields, Object, Sort, Version, members};

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) struct Vendor {
    pub(crate) class: &'static Class,
    pub(crate) objects: Vec<Object>,
    pub(crate) effects: Vec<Effect>,
    /// What must never be.
    pub(crate) broken: Vec<String>,
    tokens: BTreeMap<String, (u16, Value)>,
    dice: Dice,
}

type Done = Result<Value, Refusal>;

enum Refusal {
    Absent,
    Taken,
    NoPerson,
}

impl Vendor {
    pub(crate) fn new(class: &'static Class, dice: Dice) -> Self {
        Self {
            class,
            objects: Vec::new(),
            effects: Vec::new(),
            broken: Vec::new(),
            tokens: BTreeMap::new(),
            dice,
        }
    }

    /// Does what a call asks for. `by` is the number of its request.
    pub(crate) fn carry_out(&mut self, call: &VendorCall, by: u32, now: u64) -> Reply {
        let token = call.token.as_ref().map(|token| token.value.clone());
        if let Some((status, body)) = token.as_ref().and_then(|token| self.tokens.get(token)) {
            let (status, body) = (*status, body.clone());
            return Reply { status, body };
        }
        let (status, body) = match self.done(call, by, now) {
            Ok(body) => (200, body),
            Err(Refusal::Absent) => (404, json!({"code": "absent"})),
            Err(Refusal::Taken) => (409, json!({"code": "taken"})),
            Err(Refusal::NoPerson) => (400, json!({"code": "no_person"})),
        };
        if let Some(token) = token {
            self.tokens.insert(token, (status, body.clone()));
        }
        Reply { status, body }
    }

    fn done(&mut self, call: &VendorCall, by: u32, now: u64) -> Done {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let segments: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(plain)
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body = call
            .body
            .as_ref()
            .and_then(|body| serde_json::from_slice(&body.bytes).ok());
        let body: Fields = body.unwrap_or_default();
        let sort = match segments.first() {
            Some(&"people") => Sort::Person,
            _ => Sort::Team,
        };
        match (call.method, &segments[..]) {
            (Verb::Post, ["jobs"]) => Ok(self.job(&body, by, now)),
            (Verb::Get, [_]) => Ok(self.page(sort, query, now)),
            (Verb::Post, [_]) => self.make(sort, body, by, now),
            (Verb::Put, [_, name]) => self.put_in_place(name, body, by, now),
            (Verb::Get, [_, id]) => Ok(self.shown(self.find(sort, id)?)),
            (Verb::Patch | Verb::Post, [_, id]) => self.change(sort, id, &body, by, now),
            (Verb::Delete, [_, id]) => self.remove(sort, id, by, now),
            (Verb::Post, [_, id, "rename"]) => {
                let to = body.get("to").cloned().unwrap_or_default();
                let name = Fields::from_iter([("label".to_owned(), to)]);
                self.change(sort, id, &name, by, now)
            }
            (Verb::Post, [_, id, switch @ ("on" | "off")]) => {
                let active = Value::Bool(*switch == "on");
                let active = Fields::from_iter([("active".to_owned(), active)]);
                self.change(sort, id, &active, by, now)
            }
            (Verb::Get, [_, id, "members"]) => {
                let team = self.find(sort, id)?;
                Ok(json!({"items": members(self.objects[team].now())}))
            }
            (Verb::Post, [_, id, "members"]) => self.regroup(id, &body, by, now),
            (Verb::Get, [_, id, "teams"]) => {
                self.find(Sort::Person, id)?;
                Ok(json!({"items": self.teams_of(id)}))
            }
            _ => panic!("no such call: {call:?}"),
        }
    }

    fn job(&mut self, body: &Fields, by: u32, now: u64) -> Value {
        let items = body
            .get("items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut results = Vec::new();
        for item in items {
            let team = item["team"].as_str().unwrap_or_default().to_owned();
            let one = |name: &str| match item[name].as_str() {
                Some(id) => json!([id]),
                None => json!([]),
            };
            let change =
                Fields::from_iter(["add", "remove"].map(|name| (name.to_owned(), one(name))));
            results.push(match self.regroup(&team, &change, by, now) {
                Ok(_) => json!({"done": true}),
                Err(Refusal::NoPerson) => json!({"code": "no_person"}),
                Err(_) => json!({"code": "absent"}),
            });
        }
        json!({"results": results})
    }

    fn page(&self, sort: Sort, query: &str, now: u64) -> Value {
        let mut wanted: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        wanted.remove("limit");
        let offset = wanted
            .remove("offset")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let fits = |fields: &&Fields| {
            wanted.iter().all(|(field, value)| {
                let held = fields.get(field).and_then(Value::as_str);
                held.is_some_and(|held| held.eq_ignore_ascii_case(value))
            })
        };
        let of_sort = self.objects.iter().filter(|object| object.sort == sort);
        let rows: Vec<&Fields> = of_sort
            .filter_map(|object| object.indexed(now))
            .filter(fits)
            .collect();
        let shown: Vec<Value> = rows
            .iter()
            .skip(offset)
            .take(100)
            .map(|row| seen(row))
            .collect();
        json!({"items": shown, "total": rows.len()})
    }

    fn make(&mut self, sort: Sort, mut fields: Fields, by: u32, now: u64) -> Done {
        let name = fields
            .get(sort.name())
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        self.refuse_second(sort, &name, None, by)?;
        let id = match (sort, self.class.groups) {
            (Sort::Team, Groups::One) => name.clone(),
            (Sort::Person, _) => format!("p{}", self.objects.len() + 1),
            (Sort::Team, _) => format!("t{}", self.objects.len() + 1),
        };
        fields.insert("id".into(), id.into());
        if sort == Sort::Person {
            fields.entry("active").or_insert(Value::Bool(true));
        }
        fields.retain(|_, value| !value.is_null());
        self.objects.push(Object {
            sort,
            versions: Vec::new(),
        });
        let object = self.objects.len() - 1;
        self.becomes(object, Some(fields), now);
        self.note(
            by,
            format!("made {sort:?} {name} as {object}"),
            false,
            false,
        );
        Ok(self.shown(object))
    }

    /// `PUT /teams/{name}`: makes it, unless it is there.
    fn put_in_place(&mut self, name: &str, fields: Fields, by: u32, now: u64) -> Done {
        match self.find(Sort::Team, name) {
            Ok(team) => Ok(self.shown(team)),
            Err(_) => self.make(Sort::Team, fields, by, now),
        }
    }

    fn change(&mut self, sort: Sort, id: &str, changes: &Fields, by: u32, now: u64) -> Done {
        let object = self.find(sort, id)?;
        let before = self.objects[object].now().cloned().unwrap_or_default();
        let mut after = before.clone();
        for (field, value) in changes {
            match value {
                Value::Null => drop(after.remove(field)),
                value => drop(after.insert(field.clone(), value.clone())),
            }
        }
        if let Some(name) = changes.get(sort.name()).and_then(Value::as_str) {
            self.refuse_second(sort, name, Some(object), by)?;
            if sort == Sort::Team && self.class.groups == Groups::One {
                after.insert("id".into(), name.into());
                self.follow(id, name, now);
            }
        }
        if let Some(team) = changes.get("team").and_then(Value::as_str) {
            self.find(Sort::Team, team).map_err(|_| Refusal::NoPerson)?;
        }
        if after != before {
            let disables = changes.keys().all(|field| field == "active")
                && after.get("active") == Some(&Value::Bool(false));
            let fields: Vec<_> = changes
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            self.becomes(object, Some(after), now);
            let joins = changes.contains_key("team");
            self.note(
                by,
                format!("changed {object}: {}", fields.join(", ")),
                disables,
                joins,
            );
        }
        Ok(self.shown(object))
    }

    /// Users whose team is renamed stay in it.
    fn follow(&mut self, team: &str, to: &str, now: u64) {
        for person in self.with_team(team) {
            let mut fields = self.objects[person].now().cloned().unwrap_or_default();
            fields.insert("team".into(), to.into());
            self.becomes(person, Some(fields), now);
        }
    }

    fn with_team(&self, team: &str) -> Vec<usize> {
        let in_it = |object: &Object| object.text("team") == Some(team);
        (0..self.objects.len())
            .filter(|index| in_it(&self.objects[*index]))
            .collect()
    }

    fn remove(&mut self, sort: Sort, id: &str, by: u32, now: u64) -> Done {
        let object = self.find(sort, id)?;
        if sort == Sort::Person {
            for team in self.in_teams(id) {
                self.set_members(team, now, |members| members.retain(|member| member != id));
            }
        } else {
            for person in self.with_team(id) {
                let mut fields = self.objects[person].now().cloned().unwrap_or_default();
                fields.remove("team");
                self.becomes(person, Some(fields), now);
            }
        }
        self.becomes(object, None, now);
        self.note(by, format!("removed {object}"), false, false);
        Ok(Value::Null)
    }

    /// Somebody makes a person of this name without the gateway, if there is none.
    pub(crate) fn make_foreign(&mut self, name: &str, now: u64) {
        let fields =
            json!({"login": name, "external": "foreign", "name": "Foreign", "tag": "foreign"});
        let fields = fields.as_object().cloned().unwrap_or_default();
        let _ = self.make(Sort::Person, fields, 0, now);
    }

    /// Removes one of these persons by itself, if one of them was disabled long enough ago for no
    /// create to be on its way that wants their name: vendors do it after weeks.
    pub(crate) fn expire(&mut self, of: &[String], now: u64) {
        let long = self.class.latest_effect().as_millis() as u64;
        let disabled = |object: &Object| {
            object.sort == Sort::Person
                && object
                    .versions
                    .last()
                    .is_some_and(|last| last.at + long <= now)
                && object
                    .text("id")
                    .is_some_and(|id| of.iter().any(|known| known == id))
                && object
                    .now()
                    .is_some_and(|fields| fields.get("active") == Some(&Value::Bool(false)))
        };
        let disabled: Vec<_> = (0..self.objects.len())
            .filter(|index| disabled(&self.objects[*index]))
            .collect();
        if disabled.is_empty() {
            return;
        }
        let object = disabled[self.dice.below(disabled.len())];
        self.becomes(object, None, now);
        if let Some(version) = self.objects[object].versions.last_mut() {
            version.expired = true;
        }
        self.note(0, format!("let {object} expire"), true, false);
    }

    fn regroup(&mut self, team: &str, change: &Fields, by: u32, now: u64) -> Done {
        let object = self.find(Sort::Team, team)?;
        let ids = |name: &str| {
            let ids = change
                .get(name)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            ids.iter()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let (add, remove) = (ids("add"), ids("remove"));
        for id in &add {
            self.find(Sort::Person, id).map_err(|_| Refusal::NoPerson)?;
        }
        let before = members(self.objects[object].now());
        self.set_members(object, now, |members| {
            members.extend(add.iter().cloned());
            members.retain(|member| !remove.contains(member));
        });
        if members(self.objects[object].now()) != before {
            self.note(
                by,
                format!("members of {object}: +{add:?} -{remove:?}"),
                add.is_empty(),
                !add.is_empty(),
            );
        }
        Ok(json!({}))
    }

    fn set_members(&mut self, team: usize, now: u64, change: impl FnOnce(&mut BTreeSet<String>)) {
        let mut fields = self.objects[team].now().cloned().unwrap_or_default();
        let mut members = members(Some(&fields));
        change(&mut members);
        fields.insert("members".into(), members.into_iter().collect());
        if self.objects[team].now() != Some(&fields) {
            self.becomes(team, Some(fields), now);
        }
    }

    fn in_teams(&self, person: &str) -> Vec<usize> {
        let has =
            |object: &Object| object.sort == Sort::Team && members(object.now()).contains(person);
        (0..self.objects.len())
            .filter(|index| has(&self.objects[*index]))
            .collect()
    }

    fn teams_of(&self, person: &str) -> Vec<String> {
        let teams = self.in_teams(person).into_iter();
        teams
            .filter_map(|team| self.objects[team].text("id").map(str::to_owned))
            .collect()
    }

    /// A vendor with unique names refuses a second one. One without takes it, and then the
    /// gateway has failed.
    fn refuse_second(
        &mut self,
        sort: Sort,
        name: &str,
        own: Option<usize>,
        by: u32,
    ) -> Result<(), Refusal> {
        let Some(other) = self
            .named(sort, name)
            .into_iter()
            .find(|other| Some(*other) != own)
        else {
            return Ok(());
        };
        if self.class.unique {
            return Err(Refusal::Taken);
        }
        self.broken.push(format!(
            "duplicate: request {by} gives {sort:?} the name {name}, which {other} has"
        ));
        Ok(())
    }

    /// The objects that have a name.
    pub(crate) fn named(&self, sort: Sort, name: &str) -> Vec<usize> {
        let has = |object: &Object| {
            let held = object.text(sort.name());
            object.sort == sort && held.is_some_and(|held| held.eq_ignore_ascii_case(name))
        };
        (0..self.objects.len())
            .filter(|index| has(&self.objects[*index]))
            .collect()
    }

    /// The object that has a key now.
    pub(crate) fn keyed(&self, sort: Sort, id: &str) -> Option<usize> {
        let is_it = |object: &Object| object.sort == sort && object.text("id") == Some(id);
        self.objects.iter().rposition(is_it)
    }

    /// The object that had a key last.
    pub(crate) fn ever_keyed(&self, sort: Sort, id: &str) -> Option<usize> {
        let has_it = |version: &Version| {
            let fields = version.fields.as_ref();
            fields.and_then(|fields| fields.get("id")?.as_str()) == Some(id)
        };
        let is_it = |object: &Object| object.sort == sort && object.versions.iter().any(has_it);
        self.objects.iter().rposition(is_it)
    }

    fn find(&self, sort: Sort, id: &str) -> Result<usize, Refusal> {
        self.keyed(sort, id).ok_or(Refusal::Absent)
    }

    fn shown(&self, object: usize) -> Value {
        self.objects[object].now().map_or(Value::Null, seen)
    }

    fn becomes(&mut self, object: usize, fields: Option<Fields>, now: u64) {
        let lag = self.class.lag.map_or(0, |lag| lag.as_millis() as usize);
        let lag = match lag {
            0 => 0,
            _ if self.dice.below(4) == 0 => lag as u64 - 1,
            _ => self.dice.below(lag) as u64,
        };
        let versions = &mut self.objects[object].versions;
        let before = versions.last().map_or(0, |last| last.seen);
        let version = Version {
            at: now,
            seen: (now + lag).max(before),
            fields,
            expired: false,
        };
        versions.push(version);
    }

    fn note(&mut self, by: u32, what: String, disables: bool, joins: bool) {
        self.effects.push(Effect {
            by,
            what,
            disables,
            joins,
        });
    }
}

/// A row as the API shows it.
fn seen(fields: &Fields) -> Value {
    let mut fields = fields.clone();
    fields.remove("members");
    Value::Object(fields)
}

fn plain(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment)
        .decode_utf8_lossy()
        .into_owned()
}
