//! Tenants: a broken file keeps its last good version, a new adapter reaches the
//! tenant all the same; a file that goes ends the tenant only after a while.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::slot::Slot;
use super::{Changes, Held, Look};
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::catalog::disk::{Disk, Seen, TenantFiles, Text};
use crate::catalog::fingerprint::Fingerprint;
use crate::catalog::reload::{Demand, Plan};
use crate::catalog::standing::{Source, State, TenantPart, findings};
use crate::catalog::{Report, load};
use crate::problem::Problem;
use crate::tenant::Tenant;

/// A tenant, by what is known of it.
#[derive(Clone, Default)]
pub(super) struct HeldTenant {
    slot: Slot<TenantVersion>,
    source: Source,
    is_off: bool,
    /// Since when its file is gone.
    leaving: Option<Instant>,
}

/// A tenant that serves.
#[derive(Clone)]
struct TenantVersion {
    tenant: Arc<Tenant>,
    /// What it was made of, to be made again with another adapter.
    text: Text,
    source: Source,
    /// Of the adapter it was last made, or could not be made, with.
    code: Option<Fingerprint>,
}

/// The vendors that tenants may use, and what they are made of.
struct Vendors {
    adapters: BTreeMap<String, Arc<Adapter>>,
    codes: BTreeMap<String, Fingerprint>,
}

impl HeldTenant {
    /// What serves its requests.
    pub(super) fn serving(&self) -> Option<&Arc<Tenant>> {
        let running = self.slot.running().filter(|_| self.is_open());
        running.map(|version| &version.tenant)
    }

    fn is_open(&self) -> bool {
        self.leaving.is_none() && !self.is_off
    }

    /// Whether it is of this vendor.
    pub(super) fn uses(&self, vendor: &str) -> bool {
        self.slot
            .running()
            .is_some_and(|version| version.tenant.adapter.name == vendor)
    }

    pub(super) fn shown(&self) -> Option<Fingerprint> {
        self.slot.shown().filter(|_| self.is_open())
    }

    /// For people.
    pub(super) fn part(&self) -> TenantPart {
        let mut part = self.slot.part();
        if !self.is_open() {
            part.state = match self.leaving {
                Some(_) => State::Leaving,
                None => State::Off,
            };
            part.running = None;
        }
        let running = self.slot.running();
        TenantPart {
            part,
            adapter: running.map(|version| version.tenant.adapter.name.clone()),
            source: self.source,
        }
    }
}

impl Held {
    pub(super) fn advance_tenants(
        &mut self,
        disk: &Disk,
        plan: &Plan,
        look: &Look<'_>,
        changes: &mut Changes,
    ) {
        let Some(directory) = &plan.sources.tenants else {
            return;
        };
        let vendors = self.usable_vendors();
        let of_files = |held: &&HeldTenant| held.source == Source::File;
        let known = self.tenants.values().filter(of_files).count();
        if let Some(found) = &disk.tenants {
            for (id, files) in found {
                let held = self.tenants.entry(id.clone()).or_default();
                held.advance(id, files, plan, &vendors, look, changes);
            }
            let alarm = self.miss_tenants(found, known, look, changes);
            let alarm = alarm.map(|gone| vanished(directory, gone, known));
            changes.general.extend(alarm);
        }
        for (id, held) in &mut self.tenants {
            changes.publish |= held.remake(id, plan, &vendors);
        }
    }

    /// Takes what changed in the store of some tenants that have no file; the others are not
    /// looked at. `None` is gone.
    pub(in crate::catalog) fn advance_stored(
        &mut self,
        changed: &[(TenantId, Option<TenantFiles>)],
        plan: &Plan,
        look: &Look<'_>,
    ) -> Changes {
        let mut changes = Changes::default();
        let vendors = self.usable_vendors();
        for (id, files) in changed {
            match files {
                Some(files) => {
                    let held = self.tenants.entry(id.clone()).or_default();
                    held.advance(id, files, plan, &vendors, look, &mut changes);
                }
                None if self.tenants.remove(id).is_some() => {
                    changes.publish = true;
                    changes.removed.push(format!("tenant {id}"));
                }
                None => {}
            }
        }
        changes
    }

    /// Whether a tenant has a file, or had one that is missed.
    pub(in crate::catalog) fn is_of_file(&self, id: &TenantId) -> bool {
        let held = self.tenants.get(id);
        held.is_some_and(|held| held.source == Source::File)
    }

    fn usable_vendors(&self) -> Vendors {
        let codes = self.vendors.iter();
        let codes = codes.filter_map(|(name, slot)| Some((name.clone(), slot.running()?.code)));
        Vendors {
            adapters: self.adapters(),
            codes: codes.collect(),
        }
    }

    /// Lets tenants whose files are gone leave, unless too many of those `known`
    /// before went at once: an empty ConfigMap must not end everybody's
    /// provisioning. Gives how many are gone when none of them may leave.
    fn miss_tenants(
        &mut self,
        found: &BTreeMap<TenantId, TenantFiles>,
        known: usize,
        look: &Look<'_>,
        changes: &mut Changes,
    ) -> Option<usize> {
        let gone = self.tenants.iter_mut();
        let gone = gone.filter(|(id, held)| held.source == Source::File && !found.contains_key(id));
        let gone: Vec<_> = gone.collect();
        let count = gone.len();
        let newly: Vec<_> = gone
            .into_iter()
            .filter(|(_, held)| held.leaving.is_none())
            .collect();
        self.vanished = !newly.is_empty() && count * 2 > known && look.demand != Demand::Forced;
        for (id, held) in newly {
            held.slot.refuse(None, Vec::new());
            if !self.vanished {
                held.leaving = Some(look.now);
                changes.leaving.push(format!("tenant {id}"));
                changes.publish = true;
            }
        }
        self.vanished.then_some(count)
    }

    /// Forgets the tenants that have been leaving for `grace`, and gives their
    /// names. None are while too many are gone.
    pub(in crate::catalog) fn forget(&mut self, grace: Duration, now: Instant) -> Vec<TenantId> {
        if self.vanished {
            return Vec::new();
        }
        let over = |held: &HeldTenant| {
            held.leaving
                .is_some_and(|since| now.saturating_duration_since(since) >= grace)
        };
        let gone = self.tenants.iter().filter(|(_, held)| over(held));
        let gone: Vec<_> = gone.map(|(id, _)| id.clone()).collect();
        self.tenants.retain(|_, held| !over(held));
        gone
    }
}

impl HeldTenant {
    /// Takes what lies on disk, if it is new and good.
    fn advance(
        &mut self,
        id: &TenantId,
        files: &TenantFiles,
        plan: &Plan,
        vendors: &Vendors,
        look: &Look<'_>,
        changes: &mut Changes,
    ) {
        changes.publish |= self.leaving.take().is_some();
        changes.publish |= std::mem::replace(&mut self.is_off, files.is_off) != files.is_off;
        self.source = files.source;
        let adapter = files.adapter.as_ref();
        let code = adapter.and_then(|name| vendors.codes.get(name).copied());
        let seen = files.seen_with(code);
        if !look.tries(&self.slot, seen) {
            return;
        }
        let mut report = Report::default();
        let what = format!("tenant {id}");
        match made(id, files, plan, vendors, &mut report) {
            Some((tenant, text)) => {
                let version = TenantVersion {
                    tenant: Arc::new(tenant),
                    text,
                    source: files.source,
                    code,
                };
                self.slot.take(version, seen, findings(&report));
                changes.take(what, report);
            }
            None => {
                self.slot.refuse(Some(seen), findings(&report));
                // A tenant that is new must be known as one that cannot be used.
                changes.publish |= self.slot.running().is_none();
                changes.refuse(what, report);
            }
        }
    }

    /// Brings an adapter that changed to a tenant that runs on its last good
    /// file. Gives whether it did; where the two do not go together, the tenant
    /// stays with the adapter it has.
    fn remake(&mut self, id: &TenantId, plan: &Plan, vendors: &Vendors) -> bool {
        let Some(version) = self.slot.running_mut() else {
            return false;
        };
        let code = vendors.codes.get(&version.tenant.adapter.name).copied();
        if code.is_none() || version.code == code {
            return false;
        }
        version.code = code;
        let mut unheard = Report::default();
        let made = load::tenant(
            id,
            &version.text,
            plan.secrets(version.source),
            &vendors.adapters,
            &mut unheard,
        );
        let made = made.map(|tenant| version.tenant = Arc::new(tenant));
        made.is_some()
    }
}

impl TenantFiles {
    /// What a tenant of these files on an adapter of this code is.
    fn seen_with(&self, code: Option<Fingerprint>) -> Seen {
        let with = |own: Fingerprint| Fingerprint::of([own].into_iter().chain(code));
        Seen {
            all: with(self.seen.all),
            shown: with(self.seen.shown),
        }
    }
}

fn made(
    id: &TenantId,
    files: &TenantFiles,
    plan: &Plan,
    vendors: &Vendors,
    report: &mut Report,
) -> Option<(Tenant, Text)> {
    let text = files
        .text
        .as_ref()
        .map_err(|problem| report.extend([problem.clone()]))
        .ok()?;
    let secrets = plan.secrets(files.source);
    let tenant = load::tenant(id, text, secrets, &vendors.adapters, report)?;
    Some((tenant, text.clone()))
}

fn vanished(directory: &Path, gone: usize, known: usize) -> Problem {
    let message =
        format!("the files of {gone} of {known} tenants are gone at once; they are served on");
    Problem::error(
        "tenant::vanished",
        &directory.display().to_string(),
        message,
    )
    .help(
        "put them back; if you removed them on purpose, confirm it with `scimgate reload --force`",
    )
}
