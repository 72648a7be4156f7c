//! Nothing is made twice, and nothing that was acknowledged is missing: lost replies, kills and
//! full disks, seen from outside only. The binary is the real one, its store a real file; vendors
//! are models of one class of consistency each, which keep all that was ever made.
//!
//! | File | Subject |
//! |---|---|
//! | `class` | what can be declared of a vendor, and an adapter for each |
//! | `model`, `fate` | the vendor of a class, and what becomes of a call by the seed |
//! | `stand` | the binary with a tenant of each class, killed and started again |
//! | `entra`, `oracle` | who sends POSTs again until they are answered, and who judges |
//! | `lost_replies` | every third reply to a change is lost |
//! | `killed` | SIGKILL at any moment |
//! | `members` | members that come and go meanwhile |
//! | `rounds` | long runs in rounds, which can be continued |
//! | `unheard` | one lost reply or kill at a time, in slow motion |
//! | `at_once` | identical POSTs at the same moment |
//! | `disk` | a store that cannot be written |
//! | `pair`, `replicas` | two of them on one PostgreSQL, of which one is killed, stopped or cut off |
//! | `batches` | two of them before a vendor that takes few batches a minute |
//! | `two` | how much more two of them do than one |
//!
//! The runs are bounded and repeatable. The environment makes them longer and others:
//! `tests/README.md`.

mod at_once;
mod batches;
mod class;
pub(crate) mod disk;
mod entra;
mod fate;
mod killed;
mod lost_replies;
mod members;
mod model;
mod oracle;
mod pair;
mod replicas;
mod rounds;
mod stand;
mod two;
mod unheard;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use self::entra::{Sort, Style, Thing, confirm, provision};
use self::oracle::Outcome;
use self::stand::Tenant;
use crate::harness::Dice;

/// How often the gateway is killed, unless `SCIMGATE_KILLS` says otherwise.
const KILLS: u64 = 12;

/// What chance begins with, unless `SCIMGATE_SEED` says otherwise.
const SEED: u64 = 20_261_103;

fn kills() -> u64 {
    from_environment("SCIMGATE_KILLS", KILLS)
}

fn seed() -> u64 {
    from_environment("SCIMGATE_SEED", SEED)
}

pub(crate) fn from_environment(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => usual,
    }
}

/// People who were there before, and how many of them a group has at most. Groups that have one in
/// common are made one after the other.
const STAFF: usize = 12;
const MEMBERS: usize = 3;

/// What a tenant's Entra has to do.
#[derive(Clone)]
struct Work {
    tenant: Tenant,
    seed: u64,
    /// Ids of people who were there before, for groups to have members.
    staff: Vec<String>,
    /// Whether some are changed between two tries.
    changes: bool,
    /// What the POST of something that was acknowledged may be answered when it is sent again.
    again: &'static [u16],
}

impl Work {
    /// Hires the staff at a vendor that is still calm.
    async fn begin(tenant: &Tenant, seed: u64) -> Self {
        let mut staff = Vec::new();
        for number in 0..STAFF {
            let person = Thing::named(Sort::Person, &format!("staff-{number}@example.com"));
            let hired = provision(tenant, &person).await;
            staff.push(hired.expect("a calm vendor takes a person").id);
        }
        Self {
            tenant: tenant.clone(),
            seed,
            staff,
            changes: true,
            again: &[409],
        }
    }

    /// Provisions one thing after another, so many at a time, for as long as `goes_on` says of
    /// the number of the next.
    async fn carry_out(
        &self,
        at_a_time: usize,
        goes_on: impl Fn(usize) -> bool + Clone + Send + 'static,
    ) -> Vec<Outcome> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..at_a_time {
            let (work, next, goes_on) = (self.clone(), Arc::clone(&next), goes_on.clone());
            senders.spawn(async move {
                let mut outcomes = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !goes_on(number) {
                        return outcomes;
                    }
                    outcomes.push(work.provision(number).await);
                }
            });
        }
        senders.join_all().await.concat()
    }

    async fn provision(&self, number: usize) -> Outcome {
        let thing = self.thing(number);
        let mut settled = provision(&self.tenant, &thing).await;
        if let Ok(known) = &settled {
            let again = if number.is_multiple_of(3) {
                self.again
            } else {
                &[]
            };
            if let Err(why) = confirm(&self.tenant, &thing, known, again).await {
                settled = Err(why);
            }
        }
        (thing, settled)
    }

    /// Looks at everything once more.
    async fn look_again(&self, outcomes: &mut [Outcome]) {
        for (thing, settled) in outcomes {
            if let Ok(known) = settled
                && let Err(why) = confirm(&self.tenant, thing, known, &[]).await
            {
                *settled = Err(format!("in the end: {why}"));
            }
        }
    }

    /// The thing of a number: three people to a group, of whom two in eight share an `externalId`,
    /// which nobody keeps unique.
    fn thing(&self, number: usize) -> Thing {
        let (class, seed) = (self.tenant.class.name, self.seed);
        let mut dice = Dice::of(seed ^ number as u64);
        let style = match dice.below(5) {
            0 | 1 => Style::Same,
            4 if self.changes => Style::Changed,
            _ => Style::Cycle,
        };
        if number % 4 == 3 {
            let first = dice.below(STAFF - MEMBERS + 1);
            let members = &self.staff[first..first + dice.below(MEMBERS + 1)];
            return Thing {
                sort: Sort::Team,
                name: format!("{class}-{seed}-team-{number}"),
                external: format!("team-{number}"),
                members: members.to_vec(),
                style,
            };
        }
        Thing {
            sort: Sort::Person,
            name: format!("{class}-{seed}-{number}@example.com"),
            external: match number % 8 {
                5 => format!("person-{}", number - 1),
                _ => format!("person-{number}"),
            },
            members: Vec::new(),
            style,
        }
    }
}
