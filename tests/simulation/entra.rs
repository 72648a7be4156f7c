//! Entra: what it asks, how long it waits, and how it asks again until it is answered.

use std::rc::Rc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::book::{About, Fate, Request};
use crate::dice::Dice;
use crate::gateway::{Asked, Got};
use crate::history::Sort;
use crate::plan::Step;
use crate::thing::{State, Thing};
use crate::world::{World, pause};

/// Entra's own limit, in milliseconds.
const PATIENCE: usize = 60_000;

/// How often something is tried before Entra has waited too long.
const TRIES: usize = 80;

/// One job of Entra's: it does one thing after the other.
pub(crate) struct Entra {
    pub(crate) world: Rc<World>,
    pub(crate) hangs_up: usize,
    pub(crate) dice: Dice,
    /// The deed that is done.
    pub(crate) deed: usize,
}

impl Entra {
    /// Asks once; `None` if there was no answer.
    pub(crate) async fn ask(
        &mut self,
        method: &'static str,
        target: String,
        body: Option<Value>,
        about: About,
    ) -> Option<Got> {
        let number = {
            let mut book = self.world.book.borrow_mut();
            book.requests.push(Request {
                deed: self.deed,
                method,
                target: target.clone(),
                body: body.clone(),
                about,
                began: self.world.now(),
                made: None,
                fate: Fate::Running,
                ended: None,
                steps: Vec::new(),
            });
            (book.requests.len() - 1) as u32
        };
        let (reply, told) = oneshot::channel();
        let dice = Dice::of(self.dice.below(usize::MAX) as u64);
        let hangs_up = self.dice.below(100) < self.hangs_up;
        // Some hang up before anything was written down.
        let patience = match (hangs_up, self.dice.below(4)) {
            (true, 0) => self.dice.below(40),
            (true, _) => self.dice.below(4000),
            (false, _) => PATIENCE,
        };
        let asked = Asked {
            number,
            method,
            target,
            body,
            dice,
            reply,
        };
        let door = self.world.door.borrow().clone();
        if door.is_none_or(|door| door.send(asked).is_err()) {
            self.world.book.borrow_mut().lose(number);
            pause(40).await;
            return None;
        }
        timeout(Duration::from_millis(patience as u64), told)
            .await
            .ok()?
            .ok()
    }

    /// Waits before something is asked again.
    async fn wait(&mut self, got: Option<&Got>) {
        let asked = got.and_then(|got| got.retry_after);
        let wait = match (self.dice.below(4), asked) {
            (0, _) => 0,
            (1 | 2, Some(seconds)) => seconds as usize * 1000,
            _ => self.dice.below(5000),
        };
        pause(wait).await;
    }

    /// Does one step with a thing, until it is settled.
    pub(crate) async fn step(&mut self, thing: &mut Thing, step: Step) {
        match step {
            Step::Wait(millis) => return pause(millis).await,
            Step::Provision => {
                if thing.state != State::Present {
                    thing.active = true;
                    self.provision(thing).await;
                }
                return;
            }
            _ if thing.state != State::Present => return,
            _ => {}
        }
        match step {
            Step::Show => {
                let version = thing.next();
                thing.show = format!("Shown as {}, {version}", thing.owner);
                let show = thing.show.clone();
                self.change(thing, json!({"displayName": show}), json!({"name": show}))
                    .await;
            }
            Step::Off | Step::On => {
                thing.active = step == Step::On;
                let active = thing.active;
                self.change(thing, json!({"active": active}), json!({"active": active}))
                    .await;
            }
            Step::Rename => self.rename(thing).await,
            Step::Put => {
                let version = thing.next();
                thing.show = format!("Put as {}, {version}", thing.owner);
                self.put(thing).await;
            }
            Step::Remove => self.remove(thing).await,
            // Who the vendor may have removed is found by nobody.
            Step::Again | Step::Look if self.world.class.expires && !thing.active => {}
            Step::Again => self.again(thing).await,
            Step::Look => drop(self.find(thing).await),
            Step::Get => drop(self.get(thing).await),
            _ => unreachable!("{step:?} is no step of a thing"),
        }
    }

    async fn rename(&mut self, thing: &mut Thing) {
        let before = thing.name.clone();
        let number = thing.next();
        thing.name = match thing.sort {
            Sort::Person => format!(
                "{number}-{}",
                before.trim_start_matches(|first: char| first.is_ascii_digit() || first == '-')
            ),
            Sort::Team => format!("Team {} {number}", thing.owner),
        };
        let name = thing.name.clone();
        let (attribute, field) = match thing.sort {
            Sort::Person => ("userName", "login"),
            Sort::Team => ("displayName", "label"),
        };
        self.change(thing, json!({attribute: name}), json!({field: name}))
            .await;
    }

    /// Finds it, or creates it.
    pub(crate) async fn provision(&mut self, thing: &mut Thing) {
        let mut looks = self.dice.below(3) > 0;
        for _ in 0..TRIES {
            if looks {
                match self.find(thing).await {
                    Some(Some(found)) if thing.is(&found) => {
                        thing.id = found["id"].as_str().map(str::to_owned);
                        thing.state = State::Present;
                        return self.bring_about(thing, &found).await;
                    }
                    Some(Some(_)) => {
                        thing.state = State::Taken;
                        return;
                    }
                    Some(None) => {}
                    None => continue,
                }
            }
            let got = self.post(thing).await;
            match &got {
                Some(got) if got.status == 201 => {
                    thing.id = got.body["id"].as_str().map(str::to_owned);
                    thing.state = State::Present;
                    return;
                }
                Some(got) if got.status == 409 => looks = true,
                _ => looks = self.dice.below(2) == 0,
            }
            self.wait(got.as_ref()).await;
        }
        self.unsettled("provision", thing);
    }

    pub(crate) async fn post(&mut self, thing: &Thing) -> Option<Got> {
        let about = About::Post {
            sort: thing.sort,
            fields: thing.fields(),
            owner: thing.owner,
        };
        let got = self
            .ask(
                "POST",
                thing.endpoint().to_owned(),
                Some(thing.resource()),
                about,
            )
            .await;
        if let Some(got) = &got
            && matches!(got.status, 400..=499 if got.status != 409 && got.status != 429)
        {
            self.world.violation(format!(
                "a good POST is refused: {} {}",
                got.status, got.body
            ));
        }
        got
    }

    /// Changes what was found to what it is to be.
    async fn bring_about(&mut self, thing: &mut Thing, found: &Value) {
        if thing.sort == Sort::Team {
            let external = thing.external();
            if found["externalId"] != external.as_str() {
                let fields = json!({"external": external});
                self.change(thing, json!({"externalId": external}), fields)
                    .await;
            }
            if !thing.members.is_empty() {
                self.regroup(thing, &thing.members, true).await;
            }
            return;
        }
        let differs = found["displayName"] != thing.show.as_str()
            || found["active"] != thing.active
            || found["externalId"] != thing.external().as_str();
        if differs {
            let (show, active, external) = (thing.show.clone(), thing.active, thing.external());
            let changes = json!({"displayName": show, "active": active, "externalId": external});
            let fields = json!({"name": show, "active": active, "external": external});
            self.change(thing, changes, fields).await;
        }
    }

    /// What a look by the name finds; `None` without an answer.
    pub(crate) async fn find(&mut self, thing: &Thing) -> Option<Option<Value>> {
        let attribute = match thing.sort {
            Sort::Person => "userName",
            Sort::Team => "displayName",
        };
        let name = match self.dice.below(4) {
            0 => thing.name.to_uppercase(),
            _ => thing.name.clone(),
        };
        let filter = format!("{attribute} eq \"{name}\"");
        let filter = utf8_percent_encode(&filter, NON_ALPHANUMERIC);
        let target = format!("{}?filter={filter}", thing.endpoint());
        let about = About::Find {
            sort: thing.sort,
            name,
        };
        let got = self.ask("GET", target, None, about).await;
        match got {
            Some(got) if got.status == 200 => Some(got.body["Resources"].get(0).cloned()),
            got => {
                self.wait(got.as_ref()).await;
                None
            }
        }
    }

    pub(crate) async fn get(&mut self, thing: &Thing) -> Option<Got> {
        let id = thing.id.clone().unwrap_or_default();
        self.ask(
            "GET",
            thing.path(),
            None,
            About::Get {
                sort: thing.sort,
                id,
            },
        )
        .await
    }

    /// PATCHes until it is done.
    pub(crate) async fn change(&mut self, thing: &mut Thing, attributes: Value, fields: Value) {
        let id = thing.id.clone().unwrap_or_default();
        let fields = fields.as_object().cloned().unwrap_or_default();
        for _ in 0..TRIES {
            let body = self.patch(&attributes);
            let about = About::Change {
                sort: thing.sort,
                id: id.clone(),
                fields: fields.clone(),
            };
            let got = self.ask("PATCH", thing.path(), Some(body), about).await;
            match &got {
                Some(got) if matches!(got.status, 200 | 204) => return,
                Some(got) if matches!(got.status, 400..=499 if got.status != 429) => {
                    let (status, body) = (got.status, &got.body);
                    return self
                        .world
                        .violation(format!("a good PATCH is refused: {status} {body}"));
                }
                _ => self.wait(got.as_ref()).await,
            }
        }
        self.unsettled("change", thing);
    }

    /// A PATCH in one of Entra's two dialects.
    fn patch(&mut self, attributes: &Value) -> Value {
        let operations = match self.dice.below(2) {
            0 => vec![json!({"op": "replace", "value": attributes})],
            _ => {
                let attributes = attributes.as_object().into_iter().flatten();
                let legacy = |value: &Value| match value {
                    Value::Bool(true) => json!("True"),
                    Value::Bool(false) => json!("False"),
                    value => value.clone(),
                };
                attributes
                    .map(|(path, value)| json!({"op": "Replace", "path": path, "value": legacy(value)}))
                    .collect()
            }
        };
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
    }

    async fn put(&mut self, thing: &mut Thing) {
        let id = thing.id.clone().unwrap_or_default();
        for _ in 0..TRIES {
            let about = About::Change {
                sort: thing.sort,
                id: id.clone(),
                fields: thing.fields(),
            };
            let got = self
                .ask("PUT", thing.path(), Some(thing.resource()), about)
                .await;
            match &got {
                Some(got) if got.status == 200 => return,
                Some(got) if matches!(got.status, 400..=499 if got.status != 429) => {
                    let (status, body) = (got.status, &got.body);
                    return self
                        .world
                        .violation(format!("a good PUT is refused: {status} {body}"));
                }
                _ => self.wait(got.as_ref()).await,
            }
        }
        self.unsettled("put", thing);
    }

    pub(crate) async fn remove(&mut self, thing: &mut Thing) {
        let id = thing.id.clone().unwrap_or_default();
        for _ in 0..TRIES {
            let about = About::Delete {
                sort: thing.sort,
                id: id.clone(),
            };
            let got = self.ask("DELETE", thing.path(), None, about).await;
            match &got {
                Some(got) if matches!(got.status, 204 | 404) => {
                    thing.state = State::Absent;
                    return;
                }
                _ => self.wait(got.as_ref()).await,
            }
        }
        self.unsettled("remove", thing);
    }

    /// The identical POST of something that is there.
    pub(crate) async fn again(&mut self, thing: &Thing) {
        drop(self.post(thing).await);
    }

    /// Adds members or ends memberships, until it is done.
    pub(crate) async fn regroup(&mut self, team: &Thing, members: &[String], joins: bool) {
        let id = team.id.clone().unwrap_or_default();
        let values: Value = members.iter().map(|id| json!({"value": id})).collect();
        let (join, leave) = match joins {
            true => (members.to_vec(), Vec::new()),
            false => (Vec::new(), members.to_vec()),
        };
        for _ in 0..TRIES {
            let operations = match (joins, self.dice.below(2)) {
                (true, 0) => json!([{"op": "Add", "path": "members", "value": values}]),
                (true, _) => json!([{"op": "add", "path": "members", "value": values}]),
                (false, 0) => json!([{"op": "Remove", "path": "members", "value": values}]),
                (false, _) => {
                    let path = |id: &String| format!("members[value eq \"{id}\"]");
                    members
                        .iter()
                        .map(|id| json!({"op": "remove", "path": path(id)}))
                        .collect()
                }
            };
            let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
            let about = About::Members {
                id: id.clone(),
                join: join.clone(),
                leave: leave.clone(),
            };
            let got = self.ask("PATCH", team.path(), Some(body), about).await;
            match &got {
                Some(got) if matches!(got.status, 200 | 204) => return,
                Some(got) if matches!(got.status, 400..=499 if got.status != 429) => {
                    let (status, body) = (got.status, &got.body);
                    return self.world.violation(format!(
                        "a good PATCH of members is refused: {status} {body}"
                    ));
                }
                _ => self.wait(got.as_ref()).await,
            }
        }
        self.unsettled("members of", team);
    }

    /// Ends memberships and adds somebody who does not exist. That is refused, and changes nothing.
    pub(crate) async fn swap(&mut self, team: &Thing, members: &[String]) {
        let id = team.id.clone().unwrap_or_default();
        let values: Value = members.iter().map(|id| json!({"value": id})).collect();
        let operations = json!([
            {"op": "remove", "path": "members", "value": values},
            {"op": "add", "path": "members", "value": [{"value": "p99999"}]},
        ]);
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        let about = About::Members {
            id,
            join: vec!["p99999".to_owned()],
            leave: Vec::new(),
        };
        drop(self.ask("PATCH", team.path(), Some(body), about).await);
    }

    fn unsettled(&self, what: &str, thing: &Thing) {
        self.world
            .violation(format!("never settled: {what} {}", thing.name));
    }
}
