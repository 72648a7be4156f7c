//! Vendors: a changed one is compiled, checked and proved before it is taken.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::slot::Slot;
use super::{Changes, Held, Look};
use crate::adapter::Adapter;
use crate::catalog::Report;
use crate::catalog::disk::{Disk, Text, VendorFiles};
use crate::catalog::fingerprint::Fingerprint;
use crate::catalog::load;
use crate::catalog::reload::Effects;
use crate::catalog::standing::{Part, findings};
use crate::problem::{Problem, counted};

/// A vendor that serves.
#[derive(Clone)]
pub(super) struct VendorVersion {
    pub(super) adapter: Arc<Adapter>,
    /// Of manifest and script: with the same there is nothing to compile.
    pub(super) code: Fingerprint,
    /// How many transcripts it passed.
    transcripts: usize,
    /// Whether manifest and script are files.
    on_disk: [bool; 2],
}

impl Held {
    pub(super) fn advance_vendors(&mut self, disk: &Disk, look: &Look<'_>, changes: &mut Changes) {
        // A directory that cannot be read says nothing about what should be in it.
        let Some(found) = &disk.vendors else { return };
        let lost = disk
            .missing
            .iter()
            .enumerate()
            .filter_map(|(kind, missing)| {
                let mut running = self.vendors.values().filter_map(Slot::running);
                let missing = missing.as_ref()?;
                running
                    .any(|version| version.on_disk.get(kind) == Some(&true))
                    .then(|| missing.clone())
            });
        let lost: Vec<_> = lost.collect();
        if !lost.is_empty() {
            changes.general.extend(lost);
            return;
        }
        for (name, files) in found {
            let slot = self.vendors.entry(name.clone()).or_default();
            if look.tries(slot, files.seen) {
                advance(name, slot, files, look, changes);
            }
        }
        self.miss_vendors(found, changes);
    }

    /// A vendor whose files are gone serves on for as long as a tenant needs it.
    fn miss_vendors(&mut self, found: &BTreeMap<String, VendorFiles>, changes: &mut Changes) {
        let gone: Vec<_> = self
            .vendors
            .keys()
            .filter(|name| !found.contains_key(*name))
            .cloned()
            .collect();
        for name in gone {
            let users = self
                .tenants
                .values()
                .filter(|held| held.uses(&name))
                .count();
            let Some(slot) = self.vendors.get_mut(&name) else {
                continue;
            };
            if users == 0 || slot.running().is_none() {
                self.vendors.remove(&name);
                changes.publish = true;
                changes.removed.push(format!("vendor {name}"));
            } else if slot.part().disk.is_some() {
                let report = gone_while_used(&name, users);
                slot.refuse(None, findings(&report));
                changes.refuse(format!("vendor {name}"), report);
            }
        }
    }

    /// Plays the transcripts of what went live without, and tells what does not
    /// hold. At the start there is no last good version: to refuse a vendor for a
    /// transcript then would turn a restart into an outage.
    pub(in crate::catalog) fn prove(&mut self, disk: &Disk, effects: &dyn Effects) -> Report {
        let mut told = Report::default();
        for (name, files) in disk.vendors.iter().flatten() {
            let Some(slot) = self
                .vendors
                .get_mut(name)
                .filter(|slot| !slot.is_new(files.seen))
            else {
                continue;
            };
            let mut report = Report::default();
            let texts = transcripts(files, &mut report);
            if let Some(version) = slot.running_mut() {
                version.transcripts = texts.len();
                let adapter = Arc::clone(&version.adapter);
                proved(&adapter, &texts, effects, &mut report);
                let report = report.as_warnings();
                slot.remark(findings(&report));
                told.absorb(report);
            }
        }
        told
    }
}

fn advance(
    name: &str,
    slot: &mut Slot<VendorVersion>,
    files: &VendorFiles,
    look: &Look<'_>,
    changes: &mut Changes,
) {
    let mut report = Report::default();
    let seen = files.seen;
    let what = format!("vendor {name}");
    match version(name, files, slot.running(), look, &mut report) {
        Some(version) => {
            slot.take(version, seen, findings(&report));
            changes.take(what, report);
        }
        None => {
            slot.refuse(Some(seen), findings(&report));
            changes.refuse(what, report);
        }
    }
}

/// The version that the files make, if they make a good one.
fn version(
    name: &str,
    files: &VendorFiles,
    running: Option<&VendorVersion>,
    look: &Look<'_>,
    report: &mut Report,
) -> Option<VendorVersion> {
    let same = running.filter(|running| running.code == files.code);
    let adapter = match same {
        Some(running) => Arc::clone(&running.adapter),
        None => Arc::new(compiled(name, files, report)?),
    };
    let mut played = 0;
    if let Some(effects) = look.effects {
        let texts = transcripts(files, report);
        played = texts.len();
        proved(&adapter, &texts, effects, report);
    }
    let good = !report.has_errors();
    good.then_some(VendorVersion {
        adapter,
        code: files.code,
        transcripts: played,
        on_disk: files.on_disk(),
    })
}

/// A defect of ours that a file brings to light must not end reloading for all.
fn compiled(name: &str, files: &VendorFiles, report: &mut Report) -> Option<Adapter> {
    let compile = || {
        let mut report = Report::default();
        (load::adapter(name, files, &mut report), report)
    };
    match catch_unwind(AssertUnwindSafe(compile)) {
        Ok((adapter, found)) => {
            report.absorb(found);
            adapter
        }
        Err(_) => {
            report.extend([defect(name, "compiling it")]);
            None
        }
    }
}

fn proved(adapter: &Arc<Adapter>, texts: &[Text], effects: &dyn Effects, report: &mut Report) {
    let play = || effects.prove(adapter, texts);
    let problems = catch_unwind(AssertUnwindSafe(play))
        .unwrap_or_else(|_| vec![defect(&adapter.name, "playing its transcripts")]);
    let about = |text: &&Text| problems.iter().any(|problem| problem.file == text.0);
    texts
        .iter()
        .filter(about)
        .for_each(|text| report.source(text));
    report.extend(problems);
}

fn defect(name: &str, doing: &str) -> Problem {
    let message = format!("the gateway failed while {doing}; this is a defect of the gateway");
    Problem::error("gateway::defect", name, message)
        .help("undo the last change, and report the defect with the file")
}

fn transcripts(files: &VendorFiles, report: &mut Report) -> Vec<Text> {
    report.extend(
        files
            .transcripts
            .iter()
            .filter_map(|file| file.as_ref().err())
            .cloned(),
    );
    files.transcripts.iter().flatten().cloned().collect()
}

fn gone_while_used(name: &str, users: usize) -> Report {
    let mut report = Report::default();
    let message = format!(
        "its files are gone and it is needed by {}",
        counted(users, "tenant")
    );
    report.extend([Problem::error("adapter::gone", name, message)
        .help("put the manifest and the script back, or remove those tenants first")]);
    report
}

/// For people.
pub(super) fn part(slot: &Slot<VendorVersion>) -> Part {
    Part {
        transcripts: slot.running().map(|version| version.transcripts),
        built_in: slot
            .running()
            .is_some_and(|version| version.on_disk == [false; 2]),
        ..slot.part()
    }
}
