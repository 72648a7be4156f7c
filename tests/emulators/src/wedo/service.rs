//! The front door: who calls, what it costs, and what is asked.

use super::directory::Directory;
use super::document::{Malformed, Operation};
use super::operation::{cost, perform, route};
use super::refusal::Refusal;
use super::{Limits, Options, seed};
use crate::kit::{Answer, Call, Refused, Vendor};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The number of the first user, of whichever network.
const FIRST_NUMBER: u64 = 421;
/// The span over which cost is counted.
const MINUTE_MS: i64 = 60_000;

/// All networks behind one address.
#[derive(Clone)]
pub(super) struct Service {
    limits: Limits,
    directories: Vec<Directory>,
    spent: Vec<Spent>,
    next_number: u64,
}

/// What a network spent since the minute began.
#[derive(Clone, Copy, Default)]
struct Spent {
    since: Option<Timestamp>,
    cost: u64,
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
            spent: vec![Spent::default(); options.clients.len()],
            next_number: FIRST_NUMBER,
        }
    }

    /// The place of the network whose token the call bears.
    fn network(&self, call: &Call) -> Option<usize> {
        let token = call.header("authorization")?.strip_prefix("Bearer ")?;
        let mut networks = self.directories.iter();
        networks.position(|directory| directory.network.token == token)
    }

    /// The order is the vendor's: path, token, document, network, cost, then the operation.
    fn enter(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Answer> {
        if call.path != "/graphql" || call.method != hyper::Method::POST {
            return Err(Answer::text(404, "text/plain", "not found"));
        }
        if call.header("authorization").is_none() {
            return Err(Answer::text(401, "text/plain", "Unauthorized"));
        }
        let operation = operation(call)?;
        let place = self.network(call);
        let denied = || Refusal::unauthenticated().answer(None);
        let place = place.ok_or_else(denied)?;
        let directory = self.directories.get_mut(place).ok_or_else(denied)?;
        if call.header("x-wedo-network") != Some(directory.network.name.as_str()) {
            return Err(denied());
        }
        let spent = self.spent.get_mut(place).ok_or_else(denied)?;
        let paid = spent.pay(cost(&operation), self.limits.cost_per_minute, now);
        let extensions = paid.map_err(|wait| Refusal::rate_limited(wait).answer(None))?;
        directory.purge_due(now);
        let root = operation.root.name.clone();
        let done = perform(&operation, directory, &mut self.next_number, now);
        let unknown = || Malformed(format!("cannot query field {root}"));
        let done = done.ok_or_else(unknown)?;
        let value = done.map_err(|refusal| refusal.answer(Some(&root)))?;
        let selected = operation.root.select(&value)?;
        let data = json!({ root: selected });
        Ok(Answer::json(
            200,
            &json!({"data": data, "extensions": extensions}),
        ))
    }
}

impl Spent {
    /// Takes the cost; `Err` is how many milliseconds to wait.
    fn pay(&mut self, cost: u64, most: Option<u64>, now: Timestamp) -> Result<Value, u64> {
        let began = self.since.filter(|since| ms(*since, now) < MINUTE_MS);
        let since = began.unwrap_or(now);
        let before = if began.is_some() { self.cost } else { 0 };
        let left = u64::try_from(MINUTE_MS - ms(since, now)).unwrap_or(0);
        if most.is_some_and(|most| before + cost > most) {
            return Err(left.max(1));
        }
        *self = Self {
            since: Some(since),
            cost: before + cost,
        };
        let remaining = most.map(|most| most - self.cost);
        Ok(json!({"cost": {"used": cost, "remaining": remaining, "resetMs": left}}))
    }
}

fn ms(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}

fn operation(call: &Call) -> Result<Operation, Malformed> {
    let body: Map<String, Value> = serde_json::from_slice(&call.body)
        .map_err(|_| Malformed("the body is no JSON object".to_owned()))?;
    let query = body.get("query").and_then(Value::as_str);
    let variables = body.get("variables").and_then(Value::as_object).cloned();
    Operation::parse(query.unwrap_or_default(), &variables.unwrap_or_default())
}

impl Vendor for Service {
    fn client(&self, call: &Call) -> Option<String> {
        let directory = self.directories.get(self.network(call)?)?;
        Some(directory.network.name.clone())
    }

    fn route(&self, call: &Call) -> &'static str {
        operation(call).map_or("no document", |operation| route(&operation))
    }

    fn is_write(&self, call: &Call) -> bool {
        operation(call).is_ok_and(|operation| operation.is_mutation)
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(|refused| refused)
    }

    /// The same answer with another user's number in the id.
    fn wrong_user(&self, _: &Call, answer: Answer) -> Answer {
        answer.replaced("\"id\":\"", "\"id\":\"V3Jvbmc")
    }

    fn state(&self) -> Value {
        seed::state(&self.directories)
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        seed::plant(&mut self.directories, &mut self.next_number, rows, now)
    }

    fn set_limits(&mut self, limits: Value) -> Result<(), Refused> {
        self.limits = serde_json::from_value(limits)?;
        Ok(())
    }
}
