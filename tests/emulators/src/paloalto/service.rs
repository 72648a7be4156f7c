//! The front door: whose key it is, and what the call asks for.

use super::directory::Directory;
use super::entry::{Entry, Group, User};
use super::refusal::{Refusal, xml};
use super::request::{Form, Target, form, route};
use super::{Limits, Options};
use crate::kit::{Answer, Call, Refused, Vendor};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All customers behind one address.
#[derive(Clone)]
pub(super) struct Service {
    limits: Limits,
    directories: Vec<Directory>,
    /// Whose a key is, and since when.
    keys: BTreeMap<String, (usize, Timestamp)>,
    keys_given: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    directories: Vec<DirectoryRows>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectoryRows {
    name: Option<String>,
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    groups: Vec<Group>,
}

impl Service {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            limits: options.limits.clone(),
            directories: options
                .clients
                .iter()
                .cloned()
                .map(Directory::new)
                .collect(),
            keys: BTreeMap::new(),
            keys_given: 0,
        }
    }

    fn enter(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let form = form(call);
        let kind = form.get("type").map_or("", String::as_str);
        if call.path != "/api/" || call.method != "POST" {
            return Err(Refusal::INVALID_COMMAND);
        }
        if self.limits.busy {
            return Err(Refusal::BUSY);
        }
        if kind == "keygen" {
            return self.keygen(&form, now);
        }
        let place = self.whose(call, now)?;
        match kind {
            "config" => self.config(place, &form, now),
            "op" => Ok(success("<result><status>connected</status></result>")),
            "commit" => Ok(success("<result><job>42</job></result>")),
            _ => Err(Refusal::INVALID_COMMAND),
        }
    }

    fn keygen(&mut self, form: &Form, now: Timestamp) -> Result<Answer, Refusal> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let mut directories = self.directories.iter();
        let place = directories.position(|directory| {
            directory.client.user == field("user") && directory.client.password == field("password")
        });
        let place = place.ok_or_else(Refusal::bad_credentials)?;
        self.keys_given += 1;
        let key = format!("LUFRPT{:08}{}", self.keys_given, "k".repeat(24));
        self.keys.insert(key.clone(), (place, now));
        Ok(xml(format!(
            r#"<response status="success"><result><key>{key}</key></result></response>"#
        )))
    }

    /// An unknown key is refused, one that has ended is told apart.
    fn whose(&self, call: &Call, now: Timestamp) -> Result<usize, Refusal> {
        let key = call.header("x-pan-key").unwrap_or_default();
        let (place, since) = self.keys.get(key).ok_or_else(Refusal::bad_credentials)?;
        let age = now.duration_since(*since).as_secs();
        match u64::try_from(age).unwrap_or(0) < self.limits.key_lifetime_s {
            true => Ok(*place),
            false => Err(Refusal::SESSION_TIMED_OUT),
        }
    }

    fn config(&mut self, place: usize, form: &Form, now: Timestamp) -> Result<Answer, Refusal> {
        let target = Target::of(form)?;
        let directory = self
            .directories
            .get_mut(place)
            .ok_or(Refusal::UNAUTHORIZED)?;
        if target.directory != directory.client.directory {
            return Err(Refusal::UNAUTHORIZED);
        }
        directory.perform(form, &target, now)
    }

    fn client_of(&self, call: &Call) -> Option<&Directory> {
        let key = call.header("x-pan-key")?;
        let (place, _) = self.keys.get(key)?;
        self.directories.get(*place)
    }
}

fn success(inside: &str) -> Answer {
    xml(format!(
        r#"<response status="success" code="19">{inside}</response>"#
    ))
}

impl Vendor for Service {
    fn secret_headers(&self) -> &'static [&'static str] {
        &["x-pan-key"]
    }

    fn client(&self, call: &Call) -> Option<String> {
        Some(self.client_of(call)?.client.directory.clone())
    }

    fn route(&self, call: &Call) -> &'static str {
        route(call)
    }

    fn is_write(&self, call: &Call) -> bool {
        let route = route(call);
        !["get", "list", "op", "keygen"]
            .iter()
            .any(|reads| route.starts_with(reads))
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// Another user of the same customer; a made-up one when there is no other.
    fn wrong_user(&self, call: &Call, answer: Answer) -> Answer {
        if !route(call).ends_with("user") {
            return answer;
        }
        let asked = Target::of(&form(call))
            .and_then(|target| target.name())
            .unwrap_or_default();
        let users = self
            .client_of(call)
            .into_iter()
            .flat_map(|directory| directory.users.values());
        let mut others = users.filter(|user| user.head.name != asked);
        let stranger = || r#"<entry name="stranger@example.invalid" unique-id="0"/>"#.to_owned();
        let row = others.next().map_or_else(stranger, Entry::xml);
        xml(format!(
            r#"<response status="success" code="19"><result total-count="1" count="1">{row}</result></response>"#
        ))
    }

    fn state(&self) -> Value {
        let directory = |directory: &Directory| {
            let users: Vec<_> = directory.users.values().collect();
            let groups: Vec<_> = directory.groups.values().collect();
            json!({"name": directory.client.directory, "users": users, "groups": groups})
        };
        json!({"directories": self.directories.iter().map(directory).collect::<Vec<_>>()})
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        let rows: Rows = serde_json::from_value(rows)?;
        for (number, rows) in rows.directories.into_iter().enumerate() {
            let mut directories = self.directories.iter_mut().enumerate();
            let meant = |(place, directory): &(usize, &mut Directory)| match &rows.name {
                Some(name) => directory.client.directory == *name,
                None => *place == number,
            };
            let (_, directory) = directories
                .find(meant)
                .ok_or_else(|| Refused("no such directory".into()))?;
            for mut user in rows.users {
                plant(&mut user, directory, now);
                directory.users.insert(user.head.name.clone(), user);
            }
            for mut group in rows.groups {
                plant(&mut group, directory, now);
                directory.groups.insert(group.head.name.clone(), group);
            }
        }
        Ok(())
    }

    fn set_limits(&mut self, limits: Value) -> Result<(), Refused> {
        self.limits = serde_json::from_value(limits)?;
        if self.limits.revoke_keys {
            self.keys.clear();
        }
        Ok(())
    }
}

/// Gives a seeded entry the head it does not bring.
fn plant(entry: &mut impl Entry, directory: &mut Directory, now: Timestamp) {
    let fresh = directory.head(&entry.head().name, now);
    let head = entry.head_mut();
    for (held, fresh) in [
        (&mut head.unique_id, fresh.unique_id),
        (&mut head.created, fresh.created),
        (&mut head.changed, fresh.changed),
    ] {
        if held.is_empty() {
            *held = fresh;
        }
    }
}
