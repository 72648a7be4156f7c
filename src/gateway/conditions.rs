//! What is the matter with each tenant now, judged from its latest requests.
//!
//! Entra's thresholds look at a day. Whoever runs a gateway asks whether it works *now*: so each
//! failure that is not the request's own opens a condition, and only requests of the same
//! operation that succeed close it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::status::{Condition, ConditionKind};
use crate::adapter::compile::VERIFY;
use crate::adapter::keys::TenantId;
use crate::provisioning::trace::{Deed, End, Ended, Fault, Step, Witness, sentence};
use crate::scim::ResourceKind;

/// So many requests in a row that succeed close what concerns one operation only.
const PROOF: u32 = 3;

/// What passes by itself is a condition from so many failures on.
const MORE_THAN_A_BLIP: u64 = 3;

/// What is the matter with whom.
#[derive(Debug, Default)]
pub struct Conditions {
    /// How many there are in all: a request that succeeds where none are looks no further.
    open: AtomicUsize,
    tenants: Mutex<HashMap<TenantId, BTreeMap<Key, Record>>>,
    /// What no request shows: tokens that end, a job that Entra is about to stop.
    standing: Mutex<HashMap<TenantId, Vec<Condition>>>,
}

/// A kind of failure of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    fault: Fault,
    operation: Operation,
}

/// What a request does, to which resource type.
type Operation = (u8, u8);

#[derive(Clone, Debug)]
struct Record {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    /// Successes in a row since the last failure.
    successes: u32,
    vendor: Arc<str>,
    cause: String,
    /// What must be done, where the adapter says so.
    remedy: Option<String>,
}

impl Conditions {
    /// Those of a tenant, gravest first.
    pub fn of(&self, tenant: &TenantId) -> Vec<Condition> {
        let tenants = self.lock();
        let records = tenants.get(tenant).into_iter().flatten();
        let mut found: BTreeMap<ConditionKind, Condition> = BTreeMap::new();
        for (key, record) in records {
            let Some(kind) = kind_of(key.fault) else {
                continue;
            };
            let of_fault = || key.fault.remedy(tenant.as_str(), &record.vendor);
            let remedy = record.remedy.as_deref().map_or_else(of_fault, sentence);
            let condition = found.entry(kind).or_insert_with(|| Condition {
                kind,
                since: record.first,
                last: record.last,
                count: 0,
                sentence: String::new(),
                cause: String::new(),
                remedy: remedy.clone(),
            });
            if condition.cause.is_empty() || record.last >= condition.last {
                condition.cause.clone_from(&record.cause);
                condition.remedy = remedy;
            }
            condition.since = condition.since.min(record.first);
            condition.last = condition.last.max(record.last);
            condition.count += record.count;
        }
        let told = found.into_values().filter(Condition::is_more_than_a_blip);
        told.map(Condition::worded).collect()
    }

    /// Takes what was found of a tenant that no request shows, and gives it with the time when it
    /// was first found.
    pub(super) fn stand(&self, tenant: &TenantId, mut found: Vec<Condition>) -> Vec<Condition> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        for condition in &mut found {
            let before = standing.get(tenant).into_iter().flatten();
            if let Some(before) = before.clone().find(|before| before.kind == condition.kind) {
                condition.since = condition.since.min(before.since);
            }
        }
        match found.is_empty() {
            true => drop(standing.remove(tenant)),
            false => drop(standing.insert(tenant.clone(), found.clone())),
        }
        found
    }

    /// Every tenant's, for metrics.
    pub(super) fn all(&self) -> Vec<(TenantId, ConditionKind)> {
        let tenants: Vec<TenantId> = self.lock().keys().cloned().collect();
        let each = tenants.into_iter().flat_map(|tenant| {
            let held = self.of(&tenant).into_iter();
            held.map(move |condition| (tenant.clone(), condition.kind))
        });
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = standing.iter().flat_map(|(tenant, held)| {
            let kinds = held.iter().map(|condition| condition.kind);
            kinds.map(|kind| (tenant.clone(), kind))
        });
        each.chain(standing).collect()
    }

    /// Forgets those of all other tenants: they are not served, so no request can close what was
    /// found.
    pub(super) fn keep(&self, served: &BTreeSet<TenantId>) {
        let mut tenants = self.lock();
        tenants.retain(|tenant, _| served.contains(tenant));
        let open = tenants.values().map(BTreeMap::len).sum();
        self.open.store(open, Ordering::Relaxed);
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.retain(|tenant, _| served.contains(tenant));
    }

    fn failed(&self, story: &Ended, fault: Fault, cause: &str, remedy: Option<&str>) {
        let now = Timestamp::now();
        let operation = operation(story);
        let key = Key { fault, operation };
        let mut tenants = self.lock();
        let records = tenants.entry(story.asked.tenant.clone()).or_default();
        let record = records.entry(key).or_insert_with(|| {
            self.open.fetch_add(1, Ordering::Relaxed);
            Record {
                first: now,
                last: now,
                count: 0,
                successes: 0,
                vendor: Arc::clone(&story.asked.vendor),
                cause: String::new(),
                remedy: None,
            }
        });
        record.last = now;
        record.count += 1;
        record.successes = 0;
        cause.clone_into(&mut record.cause);
        record.remedy = remedy.map(str::to_owned);
    }

    /// A request was carried out, or refused for its own sake. `reached` says whether the vendor
    /// answered it.
    fn went_well(&self, story: &Ended, reached: bool, carried_out: bool) {
        if self.open.load(Ordering::Relaxed) == 0 {
            return;
        }
        let operation = operation(story);
        let mut tenants = self.lock();
        let Some(records) = tenants.get_mut(&story.asked.tenant) else {
            return;
        };
        let before = records.len();
        records.retain(|key, record| match scope(key.fault) {
            // A verification is of the whole setup, and says all that it found.
            _ if operation == VERIFICATION && key.operation == VERIFICATION => !carried_out,
            Scope::Vendor => !reached,
            Scope::Gateway => !carried_out,
            Scope::Operation if key.operation != operation || !carried_out => true,
            Scope::Operation => {
                record.successes += 1;
                record.successes < PROOF
            }
        });
        let closed = before - records.len();
        if records.is_empty() {
            tenants.remove(&story.asked.tenant);
        }
        self.open.fetch_sub(closed, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, BTreeMap<Key, Record>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Conditions {
    fn ended(&self, story: &Arc<Ended>) {
        match &story.end {
            End::Failed {
                fault,
                reason,
                detail,
                remedy,
                ..
            } if kind_of(*fault).is_some() => {
                let cause = reason.as_deref().unwrap_or(detail);
                self.failed(story, *fault, cause, remedy.as_deref());
            }
            End::TimedOut => self.failed(story, Fault::Late, "the request took too long", None),
            End::Failed { .. } => self.went_well(story, is_answered(story), false),
            End::Done { .. } => self.went_well(story, is_answered(story), true),
            End::HungUp => {}
        }
    }
}

/// What proves that a kind of failure is over.
enum Scope {
    /// Any answer of the vendor to this tenant.
    Vendor,
    /// Any request that is carried out.
    Gateway,
    /// Requests of the same operation.
    Operation,
}

fn scope(fault: Fault) -> Scope {
    match fault {
        Fault::Credential | Fault::Unreachable => Scope::Vendor,
        Fault::Store | Fault::Overloaded | Fault::Files => Scope::Gateway,
        Fault::Client
        | Fault::Setup
        | Fault::Vendor
        | Fault::Unconfirmed
        | Fault::Busy
        | Fault::Permission
        | Fault::Script
        | Fault::Late
        | Fault::Gateway => Scope::Operation,
    }
}

/// The condition that a failure is a sign of; none where the request is at fault.
fn kind_of(fault: Fault) -> Option<ConditionKind> {
    Some(match fault {
        Fault::Client => return None,
        Fault::Credential => ConditionKind::CredentialRefused,
        Fault::Permission => ConditionKind::RightMissing,
        Fault::Setup => ConditionKind::SetupUnfit,
        Fault::Unreachable => ConditionKind::VendorUnreachable,
        Fault::Vendor | Fault::Unconfirmed => ConditionKind::VendorUnusable,
        Fault::Busy => ConditionKind::VendorBusy,
        Fault::Late => ConditionKind::Slow,
        Fault::Script => ConditionKind::ScriptFailing,
        Fault::Store => ConditionKind::StoreNotWritable,
        Fault::Files => ConditionKind::FilesRefused,
        Fault::Overloaded | Fault::Gateway => ConditionKind::GatewayFailing,
    })
}

/// The script's `verify()`, whoever has it called.
const VERIFICATION: Operation = (u8::MAX, 0);

fn operation(story: &Ended) -> Operation {
    let mut steps = story.steps.iter().rev();
    if steps.any(|moment| matches!(&moment.step, Step::Function { name, .. } if name == VERIFY)) {
        return VERIFICATION;
    }
    let deed = match story.subject.deed {
        Deed::Unread => 0,
        Deed::Get => 1,
        Deed::List => 2,
        Deed::Create => 3,
        Deed::Replace => 4,
        Deed::Patch => 5,
        Deed::Delete => 6,
        Deed::Bulk => 7,
        Deed::Discover => 8,
    };
    let kind = match story.subject.kind {
        None => 0,
        Some(ResourceKind::User) => 1,
        Some(ResourceKind::Group) => 2,
    };
    (deed, kind)
}

/// Whether the vendor answered one of its calls.
fn is_answered(story: &Ended) -> bool {
    let mut steps = story.steps.iter();
    steps.any(|moment| {
        matches!(
            &moment.step,
            Step::Call {
                status: Some(_),
                ..
            }
        )
    })
}

impl Condition {
    fn is_more_than_a_blip(&self) -> bool {
        use ConditionKind::{Slow, VendorBusy};
        !matches!(self.kind, Slow | VendorBusy) || self.count >= MORE_THAN_A_BLIP
    }

    /// With its sentence.
    fn worded(self) -> Self {
        let (what, since) = (self.kind.what(), self.since.strftime("%Y-%m-%d %H:%M UTC"));
        let requests = crate::problem::counted(usize::try_from(self.count).unwrap_or(0), "request");
        Self {
            sentence: format!("{what}: {requests} failed since {since}"),
            ..self
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::provisioning::trace::{Asked, Moment, Subject};

    fn story(deed: Deed, end: End, answered: bool) -> Arc<Ended> {
        let call = Moment {
            after_us: 0,
            step: Step::Call {
                method: "GET".into(),
                path: "/users".to_owned(),
                status: answered.then_some(200),
                fault: None,
                took_us: 0,
            },
        };
        Arc::new(Ended {
            asked: Asked {
                request_id: "r".into(),
                part: 0,
                tenant: TenantId::parse("acme").unwrap(),
                vendor: "desk".into(),
                method: "GET",
                route: "/Users",
            },
            subject: Subject {
                deed,
                kind: Some(ResourceKind::User),
                ..Subject::default()
            },
            came: std::time::SystemTime::now(),
            took: std::time::Duration::ZERO,
            steps: vec![call],
            end,
            unheard: false,
            answered: None,
            is_probing: false,
        })
    }

    fn failed(fault: Fault) -> End {
        End::Failed {
            status: 503,
            scim_type: None,
            detail: "It failed.".to_owned(),
            fault,
            reason: Some("scripts/desk.rhai:1:2, in find_user: no way".to_owned()),
            remedy: None,
        }
    }

    #[track_caller]
    fn kinds(conditions: &Conditions) -> Vec<ConditionKind> {
        let held = conditions.of(&TenantId::parse("acme").unwrap());
        held.iter().map(|condition| condition.kind).collect()
    }

    const DONE: End = End::Done { status: 200 };

    #[test]
    fn every_failure_but_the_requests_own_is_a_condition() {
        for fault in Fault::ALL {
            let conditions = Conditions::default();
            for _ in 0..MORE_THAN_A_BLIP {
                conditions.ended(&story(Deed::Patch, failed(fault), false));
            }
            let held = conditions.of(&TenantId::parse("acme").unwrap());
            match held.as_slice() {
                [] => assert_eq!(fault, Fault::Client),
                [one] => {
                    assert_eq!(one.count, MORE_THAN_A_BLIP);
                    assert!(one.cause.contains("no way") && !one.remedy.is_empty());
                    assert!(
                        one.sentence.contains("3 requests failed since"),
                        "{}",
                        one.sentence
                    );
                }
                several => panic!("{several:?}"),
            }
        }
    }

    #[test]
    fn those_of_a_tenant_that_is_not_served_are_forgotten() {
        let conditions = Conditions::default();
        conditions.ended(&story(Deed::Patch, failed(Fault::Credential), false));
        conditions.keep(&BTreeSet::from([TenantId::parse("acme").unwrap()]));
        assert_eq!(conditions.all().len(), 1);
        conditions.keep(&BTreeSet::new());
        assert!(conditions.all().is_empty());
        assert_eq!(conditions.open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn only_what_proves_the_contrary_ends_it() {
        let conditions = Conditions::default();
        let tell = |deed, end, answered| conditions.ended(&story(deed, end, answered));
        tell(Deed::Patch, failed(Fault::Script), true);
        for _ in 0..PROOF {
            tell(Deed::Get, DONE, true);
        }
        assert_eq!(
            kinds(&conditions),
            [ConditionKind::ScriptFailing],
            "another operation"
        );
        for _ in 1..PROOF {
            tell(Deed::Patch, DONE, true);
        }
        tell(Deed::Patch, failed(Fault::Script), true);
        for _ in 1..PROOF {
            tell(Deed::Patch, DONE, true);
        }
        assert_eq!(
            kinds(&conditions),
            [ConditionKind::ScriptFailing],
            "not often enough"
        );
        tell(Deed::Patch, DONE, true);
        assert!(kinds(&conditions).is_empty());
        tell(Deed::Get, failed(Fault::Credential), false);
        tell(Deed::Discover, DONE, false);
        assert_eq!(
            kinds(&conditions),
            [ConditionKind::CredentialRefused],
            "nobody was asked"
        );
        tell(Deed::List, DONE, true);
        assert!(kinds(&conditions).is_empty());
        assert_eq!(conditions.open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_passes_by_itself_is_none_at_once() {
        let conditions = Conditions::default();
        for count in 1..=MORE_THAN_A_BLIP {
            conditions.ended(&story(Deed::Get, End::TimedOut, false));
            assert_eq!(
                kinds(&conditions).len(),
                usize::from(count == MORE_THAN_A_BLIP)
            );
        }
    }
}
