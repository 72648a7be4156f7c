//! Members come and go, eight changes of a group at a time, while replies get lost and the
//! gateway is killed: in the end each group has the members that it is to have.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::class::{DELTA, EXCLUSIVE};
use super::entra::{Sort, Thing, is_later, provision};
use super::fate::{Manner, SLOWEST};
use super::oracle::{Verdict, judge};
use super::rounds::Rounds;
use super::stand::{Stand, Tenant};
use super::{from_environment, seed};
use crate::harness::{Dice, members_in};

/// Groups, and changes of each, unless the environment says otherwise.
const GROUPS: u64 = 4;
const CHANGES: u64 = 24;

/// Groups that are changed at a time: a round.
const A_ROUND: u64 = 10;

/// Changes of one group at a time, each sender with people of its own.
const SENDERS: usize = 8;
const PEOPLE: usize = 3;

/// The longest life of a gateway, and the longest time without one.
const LIFE: Duration = Duration::from_secs(4);
const DEATH: Duration = Duration::from_millis(120);

/// For how long one change is tried.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_lost_and_killed_each_group_has_its_members() {
    let groups = from_environment("SCIMGATE_MEMBER_GROUPS", GROUPS);
    let changes = from_environment("SCIMGATE_MEMBER_CHANGES", CHANGES);
    let seed = seed();
    let mut rounds = Rounds::of(format!(
        "{groups} groups, {changes} changes each, seed {seed}"
    ));
    while rounds.over() * A_ROUND < groups {
        let left = groups - rounds.over() * A_ROUND;
        rounds.record(round(seed + rounds.over(), left.min(A_ROUND), changes).await);
    }
    rounds.close();
}

async fn round(seed: u64, groups: u64, changes: u64) -> Vec<(&'static str, Verdict)> {
    let mut stand = Stand::of([&DELTA, &EXCLUSIVE]).await;
    let mut working = JoinSet::new();
    for tenant in stand.tenants.clone() {
        working.spawn(async move {
            let mut changing = JoinSet::new();
            let mut begun = Vec::new();
            for group in 0..groups {
                begun.push(Group::begin(&tenant, group).await);
            }
            tenant.vendor.behave(Manner::Wild { seed });
            for (number, group) in (0..).zip(begun) {
                changing.spawn(group.change(seed ^ number, changes as usize / SENDERS));
            }
            let groups = changing.join_all().await;
            tenant.vendor.behave(Manner::Calm(Duration::from_millis(5)));
            let mut verdict = judge(&tenant, &[]);
            for group in groups {
                verdict.broken.extend(group.broken().await);
            }
            (tenant.class.name, verdict)
        });
    }
    let over = Arc::new(AtomicBool::new(false));
    let verdicts = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            let verdicts = working.join_all().await;
            over.store(true, Ordering::Relaxed);
            verdicts
        }
    });
    let mut dice = Dice::of(seed);
    let mut kills = 0;
    while !over.load(Ordering::Relaxed) {
        sleep(LIFE.mul_f64(dice.share())).await;
        stand.kill();
        kills += 1;
        sleep(DEATH.mul_f64(dice.share())).await;
        stand.start();
    }
    eprintln!("{kills} kills");
    stand.end();
    verdicts.await.unwrap()
}

/// A group and the people who come and go in it.
struct Group {
    tenant: Tenant,
    id: String,
    /// Those of each sender.
    people: Vec<Vec<String>>,
    members: BTreeSet<String>,
    failed: Vec<String>,
}

impl Group {
    async fn begin(tenant: &Tenant, number: u64) -> Self {
        let make = async |sort, name: String| {
            let made = provision(tenant, &Thing::named(sort, &name)).await;
            made.expect("a vendor at rest takes it").id
        };
        let mut people = Vec::new();
        for sender in 0..SENDERS {
            let mut own = Vec::new();
            for person in 0..PEOPLE {
                let name = format!("{number}-{sender}-{person}@example.com");
                own.push(make(Sort::Person, name).await);
            }
            people.push(own);
        }
        Self {
            tenant: tenant.clone(),
            id: make(Sort::Team, format!("group-{number}")).await,
            people,
            members: BTreeSet::new(),
            failed: Vec::new(),
        }
    }

    /// Sends so many changes by each sender, one after the other, all senders at a time.
    async fn change(mut self, seed: u64, changes: usize) -> Self {
        let mut senders = JoinSet::new();
        for (number, people) in (0..).zip(&self.people) {
            let (tenant, people) = (self.tenant.clone(), people.clone());
            let path = format!("/Groups/{}", self.id);
            let mut dice = Dice::of(seed.rotate_left(16) ^ number);
            senders.spawn(async move {
                let mut members = BTreeSet::new();
                for _ in 0..changes {
                    let person = &people[dice.below(people.len())];
                    let joins = !members.contains(person);
                    let value = json!([{"value": person}]);
                    let operation = match (joins, dice.below(2)) {
                        (true, 0) => json!({"op": "Add", "path": "members", "value": value}),
                        (true, _) => json!({"op": "add", "value": {"members": value}}),
                        (false, 0) => json!({"op": "Remove", "path": "members", "value": value}),
                        (false, _) => {
                            let path = format!("members[value eq \"{person}\"]");
                            json!({"op": "remove", "path": path})
                        }
                    };
                    carried_out(&tenant, &path, &operation).await?;
                    match joins {
                        true => members.insert(person.clone()),
                        false => members.remove(person),
                    };
                }
                Ok(members)
            });
        }
        for sent in senders.join_all().await {
            match sent {
                Ok(members) => self.members.extend(members),
                Err(why) => self.failed.push(why),
            }
        }
        self
    }

    /// What is not as it was acknowledged, at the gateway and at the vendor.
    async fn broken(self) -> Vec<String> {
        let mut broken = self.failed;
        let read = self.tenant.request("GET", &format!("/Groups/{}", self.id));
        let read = answered(&self.tenant, &read).await;
        let shown: BTreeSet<_> = members_in(&read).into_iter().collect();
        let accounts = self.tenant.vendor.accounts();
        let held: BTreeSet<String> = match self.tenant.class.exclusive {
            false => {
                let mut teams = accounts.into_iter().filter(|team| team.id == self.id);
                teams.next().map(|team| team.members).unwrap_or_default()
            }
            true => {
                let is_in = |team: &Value| *team == self.id.as_str();
                let people = accounts
                    .into_iter()
                    .filter(|person| person.sort == "people");
                let members = people.filter(|person| person.fields.get("team").is_some_and(is_in));
                members.map(|person| person.id).collect()
            }
        };
        for (whose, members) in [("shown", shown), ("held by the vendor", held)] {
            let lost: Vec<_> = self.members.difference(&members).collect();
            let extra: Vec<_> = members.difference(&self.members).collect();
            if !lost.is_empty() || !extra.is_empty() {
                let id = &self.id;
                broken.push(format!(
                    "{id}: {whose}: lost {lost:?}, not wanted {extra:?}"
                ));
            }
        }
        broken
    }
}

/// Sends a change until it is carried out.
async fn carried_out(tenant: &Tenant, path: &str, operation: &Value) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    let mut last = String::new();
    while Instant::now() < end {
        match tenant
            .try_send(&tenant.patch(path, operation.clone()))
            .await
        {
            Some(done) if matches!(done.status, 200 | 204) => return Ok(()),
            Some(later) => {
                is_later(&later)?;
                last = later.status.to_string();
                sleep(Duration::from_millis(60)).await;
            }
            // Entra comes again after minutes: what was on its way has come.
            None => sleep(SLOWEST).await,
        }
    }
    Err(format!(
        "{operation} is not carried out; the last answer: {last}"
    ))
}

async fn answered(tenant: &Tenant, request: &crate::harness::Request) -> Value {
    loop {
        if let Some(answer) = tenant.try_send(request).await
            && answer.status == 200
        {
            return answer.json();
        }
        sleep(Duration::from_millis(60)).await;
    }
}
