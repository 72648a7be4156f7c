//! What runs, part by part, and how the next look at the disk changes it.
//!
//! Each vendor, each tenant and the certificate is a [`Slot`]: what serves, and
//! what lay on disk when it was last tried. Nothing here does I/O but reading the
//! secrets that tenants name.

mod slot;
mod tenants;
mod vendors;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use slot::Slot;
use tenants::HeldTenant;
use vendors::VendorVersion;

use super::disk::{CertificateFiles, Disk, Seen};
use super::fingerprint::Fingerprint;
use super::reload::{Demand, Effects, Plan};
use super::standing::{Finding, Standing, findings};
use super::{Catalog, Report};
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::problem::Problem;

/// Everything that runs.
#[derive(Clone, Default)]
pub(super) struct Held {
    vendors: BTreeMap<String, Slot<VendorVersion>>,
    tenants: BTreeMap<TenantId, HeldTenant>,
    certificate: Option<Slot<()>>,
    /// Whether too many tenants' files went at once, so that none of them leaves.
    vanished: bool,
    /// What no vendor and no tenant is to blame for, at the last look.
    findings: Vec<Finding>,
}

/// How to look.
pub(super) struct Look<'e> {
    demand: Demand,
    now: Instant,
    /// `None` at the first load: there is no last good version to keep, so that
    /// only what cannot serve at all is refused.
    effects: Option<&'e dyn Effects>,
}

/// What a look changed.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) taken: Vec<String>,
    pub(super) refused: Vec<String>,
    /// Tenants whose files are gone, and whose grace period begins.
    pub(super) leaving: Vec<String>,
    pub(super) removed: Vec<String>,
    /// Whether another catalog is to be published.
    pub(super) publish: bool,
    /// What is wrong with no single part; at every look, until it is corrected.
    pub(super) general: Report,
    /// What is wrong with what was tried.
    pub(super) report: Report,
}

impl<'e> Look<'e> {
    /// The first of all.
    pub(super) fn first() -> Self {
        Self {
            demand: Demand::Changed,
            now: Instant::now(),
            effects: None,
        }
    }

    /// A later one.
    pub(super) fn again(demand: Demand, now: Instant, effects: &'e dyn Effects) -> Self {
        Self {
            demand,
            now,
            effects: Some(effects),
        }
    }

    /// Whether a slot is to be tried with what lies on disk.
    fn tries<T>(&self, slot: &Slot<T>, seen: Seen) -> bool {
        slot.is_new(seen) || (self.demand != Demand::Changed && !slot.is_live())
    }
}

impl Held {
    /// Takes what is new on disk and good, part by part.
    pub(super) fn advance(&mut self, disk: &Disk, plan: &Plan, look: &Look<'_>) -> Changes {
        let mut changes = Changes::default();
        changes.general.extend(disk.problems.iter().cloned());
        self.advance_vendors(disk, look, &mut changes);
        self.advance_tenants(disk, plan, look, &mut changes);
        self.advance_certificate(disk.certificate.as_ref(), look, &mut changes);
        self.findings = findings(&changes.general);
        changes
    }

    /// What is served now.
    pub(super) fn catalog(&self) -> Catalog {
        let serving = |held: &HeldTenant| held.serving().cloned();
        let tenants = self.tenants.iter();
        let usable = tenants
            .clone()
            .filter_map(|(id, held)| Some((id.clone(), serving(held)?)));
        let unusable = tenants.filter(|(_, held)| held.serving().is_none());
        let broken = self.vendors.iter();
        let broken = broken.filter(|(_, slot)| slot.running().is_none());
        Catalog {
            adapters: self.adapters(),
            tenants: usable.collect(),
            unusable: unusable.map(|(id, _)| id.clone()).collect(),
            broken_adapters: broken.map(|(name, _)| name.clone()).collect(),
        }
    }

    /// How everything stands; what is no matter of single parts is the caller's.
    pub(super) fn standing(&self) -> Standing {
        let vendors = self.vendors.iter();
        let tenants = self.tenants.iter();
        Standing {
            running: self.running().to_string(),
            vendors: vendors
                .map(|(name, slot)| (name.clone(), vendors::part(slot)))
                .collect(),
            tenants: tenants
                .map(|(id, held)| (id.to_string(), held.part()))
                .collect(),
            certificate: self.certificate.as_ref().map(Slot::part),
            problems: self.findings.clone(),
            ..Standing::default()
        }
    }

    /// Of all that serves.
    fn running(&self) -> Fingerprint {
        let vendors = self
            .vendors
            .iter()
            .map(|(name, slot)| (name.as_str(), slot.shown()));
        let tenants = self.tenants.iter();
        let tenants = tenants.map(|(id, held)| (id.as_str(), held.shown()));
        let certificate = self.certificate.iter().map(|slot| ("", slot.shown()));
        let parts = vendors.chain(tenants).chain(certificate);
        let shown = parts.filter_map(|(name, shown)| Some((name, shown?)));
        Fingerprint::of(
            shown.map(|(name, shown)| Fingerprint::of([name.as_bytes(), shown.as_ref()])),
        )
    }

    fn adapters(&self) -> BTreeMap<String, Arc<Adapter>> {
        let running = self.vendors.iter();
        let running = running.filter_map(|(name, slot)| Some((name, &slot.running()?.adapter)));
        running
            .map(|(name, adapter)| (name.clone(), Arc::clone(adapter)))
            .collect()
    }

    fn advance_certificate(
        &mut self,
        files: Option<&CertificateFiles>,
        look: &Look<'_>,
        changes: &mut Changes,
    ) {
        let Some(files) = files else { return };
        let slot = self.certificate.get_or_insert_default();
        let seen = files.seen;
        if !look.tries(slot, seen) {
            return;
        }
        // The first was taken when the address was.
        match look.effects.map_or(Ok(()), Effects::renew_certificate) {
            Ok(()) => {
                slot.take((), seen, Vec::new());
                changes.taken.push("certificate".to_owned());
            }
            Err(why) => {
                let mut report = Report::default();
                report.extend([unfit_certificate(&files.file, why)]);
                slot.refuse(Some(seen), findings(&report));
                changes.refuse("certificate".to_owned(), report);
            }
        }
    }
}

impl Changes {
    /// Everything that is wrong.
    pub(super) fn problems(self) -> Report {
        let mut all = self.general;
        all.absorb(self.report);
        all
    }

    /// Whether nothing is.
    pub(super) fn are_well(&self) -> bool {
        !self.general.has_errors() && !self.report.has_errors()
    }

    fn refuse(&mut self, what: String, report: Report) {
        self.refused.push(what);
        self.report.absorb(report);
    }

    fn take(&mut self, what: String, report: Report) {
        self.publish = true;
        self.taken.push(what);
        self.report.absorb(report);
    }
}

/// Why the certificate in `file` cannot be served.
pub fn unfit_certificate(file: &str, why: String) -> Problem {
    Problem::error("server::certificate", file, why)
        .help("put a certificate chain and the key that belongs to it in place")
}
