//! The judgement: what the vendor holds against what Entra was told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entra::{Settled, Sort, Thing};
use super::stand::Tenant;

/// What a run came to at one tenant.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Verdict {
    things: usize,
    posts: usize,
    created: usize,
    found: usize,
    refused: usize,
    pub(super) broken: Vec<String>,
}

/// A thing, and what it came to.
pub(super) type Outcome = (Thing, Result<Settled, String>);

/// Judges all that was tried at a tenant whose vendor is at rest.
pub(super) fn judge(tenant: &Tenant, outcomes: &[Outcome]) -> Verdict {
    let mut verdict = Verdict {
        things: outcomes.len(),
        created: tenant.vendor.tally().creates.len(),
        ..Verdict::default()
    };
    for (thing, settled) in outcomes {
        match settled {
            Ok(settled) => {
                verdict.posts += settled.tries;
                verdict.refused += settled.refused;
                verdict.found += usize::from(settled.acknowledged.is_none());
                verdict
                    .broken
                    .extend(held(tenant, thing, settled).map(|why| blame(thing, &why)));
            }
            Err(why) => verdict.broken.push(blame(thing, why)),
        }
    }
    verdict.broken.extend(doubled(tenant));
    verdict
}

fn blame(thing: &Thing, why: &str) -> String {
    format!("{} ({:?}): {why}", thing.name, thing.style)
}

/// What is not at the vendor as it was acknowledged.
fn held(tenant: &Tenant, thing: &Thing, settled: &Settled) -> Option<String> {
    let accounts = tenant.vendor.named(thing.sort.native(), &thing.name);
    let Some(account) = accounts.iter().find(|account| account.id == settled.id) else {
        return Some(format!("{} was told of and is absent", settled.id));
    };
    let sent = settled.acknowledged.as_ref()?;
    let mut wanted: Vec<(&str, &Value)> = Vec::new();
    if thing.sort == Sort::Person {
        wanted.extend([("name", &sent["displayName"]), ("active", &sent["active"])]);
    }
    if tenant.class.external {
        wanted.push(("external", &sent["externalId"]));
    }
    let differs = wanted
        .iter()
        .find(|(field, value)| account.fields.get(*field) != Some(*value));
    if let Some((field, value)) = differs {
        return Some(format!(
            "{field} is {:?} instead of {value}",
            account.fields.get(*field)
        ));
    }
    let members = thing.members.iter().cloned().collect();
    (account.members != members).then(|| format!("its members are {:?}", account.members))
}

/// Accounts of one name, and what was removed though nobody asked for it.
fn doubled(tenant: &Tenant) -> Vec<String> {
    let mut names: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut broken = Vec::new();
    for account in tenant.vendor.accounts() {
        if account.ended.is_some() {
            broken.push(format!("{} was removed", account.name()));
        }
        *names
            .entry((account.sort.clone(), account.name().to_owned()))
            .or_default() += 1;
    }
    let doubled = names.into_iter().filter(|(_, count)| *count > 1);
    broken.extend(doubled.map(|((_, name), count)| format!("{name}: {count} accounts")));
    broken
}

impl Verdict {
    /// Adds what another round came to.
    pub(super) fn add(&mut self, other: Self) {
        self.things += other.things;
        self.posts += other.posts;
        self.created += other.created;
        self.found += other.found;
        self.refused += other.refused;
        self.broken.extend(other.broken);
    }

    /// One line of figures.
    fn line(&self, class: &str) -> String {
        format!(
            "{class:<14} {:>5} objects, {:>5} POSTs of Entra's, {:>5} creates at the vendor, \
             {:>4} only found, {:>4} refused first, {:>4} broken promises",
            self.things,
            self.posts,
            self.created,
            self.found,
            self.refused,
            self.broken.len()
        )
    }
}

/// Prints the figures and fails with all that is broken.
#[track_caller]
pub(super) fn close(what: &str, verdicts: &BTreeMap<String, Verdict>) {
    let mut text = format!("{what}\n");
    for (class, verdict) in verdicts {
        // Writing into a String does not fail.
        let _ = writeln!(text, "{}", verdict.line(class));
    }
    eprint!("{text}");
    let broken = verdicts.iter().flat_map(|(class, verdict)| {
        let mine = verdict.broken.iter().take(8);
        mine.map(move |why| format!("{class}: {why}"))
    });
    let broken: Vec<_> = broken.collect();
    assert!(broken.is_empty(), "{text}\n{}", broken.join("\n"));
}
