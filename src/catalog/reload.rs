//! Loading again while everything runs.
//!
//! The fallible part first: read, compile, check, play transcripts. Then one
//! swap that cannot fail. What fails keeps its last good version, and the
//! others move on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::disk::{Disk, Seen, Text};
use super::held::{Changes, Held, Look};
use super::places::{Glance, Places};
use super::preview::Preview;
use super::shelf::Shelf;
use super::standing::{Outcome, Source, Standing, now};
use super::{Catalog, Report, Sources, mounts};
use crate::adapter::Adapter;
use crate::problem::Problem;
use crate::tenant::secret::{Secrets, Vault};
use crate::tenant::stored::StoredTenant;

/// What is loaded, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Adapters, scripts, tenants.
    pub sources: Sources,
    /// The secrets of tenants in the store.
    pub vault: Arc<Vault>,
    /// `<vendor>/*.http`: what a changed vendor must pass.
    pub transcripts: Option<PathBuf>,
    /// The server's certificate chain and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// How long the tokens of a tenant whose file is gone are answered 503
    /// before they are unknown.
    pub removal_grace: Duration,
}

impl Plan {
    /// Where the secrets of a tenant are.
    pub(super) fn secrets(&self, source: Source) -> Secrets<'_> {
        let directory = self.sources.tenants.as_deref();
        match source {
            Source::File => Secrets::OfFile(directory.unwrap_or(Path::new(""))),
            Source::Store => Secrets::OfStore(&self.vault),
        }
    }
}

/// What a reload needs from the gateway around it, and does to it.
pub trait Effects: Send + Sync {
    /// Plays a vendor's transcripts, given as file name and text. What does not
    /// hold comes back, and then the vendor is not taken. Called off every
    /// worker thread; it ends in bounded time whatever the script does.
    fn prove(&self, adapter: &Arc<Adapter>, transcripts: &[Text]) -> Vec<Problem>;

    /// Makes a catalog the live one. Requests under way end on theirs.
    fn publish(&self, catalog: &Catalog);

    /// Whether the certificate and key that lie on disk now can be served.
    ///
    /// # Errors
    /// Why not.
    fn try_certificate(&self) -> Result<(), String>;

    /// Takes the certificate and key that lie on disk now.
    ///
    /// # Errors
    /// Why they cannot be served; those before stay.
    fn renew_certificate(&self) -> Result<(), String>;
}

/// Who wants a reload, and how much of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Files may have changed: nothing is done if they have not.
    Changed,
    /// Somebody asked: what was refused is tried again, changed or not.
    Again,
    /// As [`Again`](Self::Again), and tenants' files may go, however many.
    Forced,
}

/// The one that reloads. Cheap to clone; reloads happen one after the other.
#[derive(Clone)]
pub struct Reloader(Arc<Inner>);

struct Inner {
    plan: Plan,
    effects: Box<dyn Effects>,
    state: Mutex<Progress>,
    catalog: ArcSwap<Catalog>,
    standing: ArcSwap<Standing>,
}

/// What one reload leaves to the next.
struct Progress {
    held: Held,
    shelf: Shelf,
    /// Of the last look.
    seen: Seen,
    glance: Glance,
    places: Arc<Places>,
    counted: Counted,
}

#[derive(Default)]
struct Counted {
    generation: u64,
    reloads: u64,
    last_attempt: String,
    last_success: Option<String>,
}

impl Reloader {
    /// Loads for the first time, with all tenants of the store, and publishes: what is broken is
    /// left out, and told in the report. Transcripts are not played: see [`prove`](Self::prove).
    pub fn open(
        plan: Plan,
        stored: Vec<StoredTenant>,
        effects: Box<dyn Effects>,
    ) -> (Self, Report) {
        let mut shelf = Shelf::default();
        shelf.take(stored);
        let disk = Disk::read(&plan, &shelf);
        let mut held = Held::default();
        let report = held.advance(&disk, &plan, &Look::first()).problems();
        for place in mounts::fixed(&disk.places.directories()) {
            tracing::warn!(
                place = %place.display(),
                action = "mount the whole volume as a directory, without subPath",
                "changes to this mount are not seen while the gateway runs"
            );
        }
        let inner = Inner {
            state: Mutex::new(Progress {
                held,
                shelf,
                seen: disk.seen(),
                glance: disk.glance,
                places: Arc::new(disk.places),
                counted: Counted::default(),
            }),
            plan,
            effects,
            catalog: ArcSwap::default(),
            standing: ArcSwap::default(),
        };
        let reloader = Self(Arc::new(inner));
        let mut state = reloader.state();
        state.counted.tried(!report.has_errors());
        reloader.publish(&mut state);
        drop(state);
        (reloader, report)
    }

    /// Looks at the disk and takes what is new and good. Blocks for as long as
    /// compiling and playing take, so it belongs on no worker and no runtime thread.
    pub fn reload(&self, demand: Demand) -> Outcome {
        let began = Instant::now();
        let mut state = self.state();
        let only_changed = demand == Demand::Changed;
        if only_changed && state.glance.still_holds() {
            return self.outcome(Changes::default(), began, false);
        }
        let disk = Disk::read(&self.0.plan, &state.shelf);
        let seen = disk.seen();
        if only_changed && state.seen == seen {
            state.notice(disk);
            return self.outcome(Changes::default(), began, false);
        }
        let look = Look::again(demand, began, &*self.0.effects);
        let changes = state.held.advance(&disk, &self.0.plan, &look);
        state.seen = seen;
        state.notice(disk);
        state.counted.tried(changes.are_well());
        if changes.publish {
            self.publish(&mut state);
        } else {
            self.tell(&state);
        }
        log(&changes, &self.standing());
        self.outcome(changes, began, true)
    }

    /// Takes what changed in the store. Only those tenants are looked at; one that has a file stays
    /// as the file says. Blocks while a reload is under way.
    pub fn take_stored(&self, changed: Vec<StoredTenant>) {
        let (plan, mut state) = (&self.0.plan, self.state());
        let Progress { held, shelf, .. } = &mut *state;
        let mut ids = shelf.take(changed);
        let all = ids.len();
        ids.retain(|id| !held.is_of_file(id));
        // That a tenant is in both is told by a look at the files.
        let mut is_more = ids.len() < all;
        let changed = ids.into_iter().map(|id| {
            let files = shelf.get(&id).map(|shelved| {
                let (files, secrets) = shelved.files(&id, &plan.vault);
                is_more |= !secrets.is_empty();
                files
            });
            (id, files)
        });
        let changed: Vec<_> = changed.collect();
        let look = Look::again(Demand::Changed, Instant::now(), &*self.0.effects);
        let changes = held.advance_stored(&changed, plan, &look);
        if is_more {
            // The next look reads everything: what these tenants name is to be watched too.
            state.glance.forget();
        }
        if changes.publish {
            self.publish(&mut state);
        } else {
            self.tell(&state);
        }
        log(&changes, &self.standing());
    }

    /// Plays the transcripts of what was loaded first. What does not hold is
    /// told and stays live, because there is nothing to go back to.
    pub fn prove(&self) {
        let mut state = self.state();
        let disk = Disk::of_vendors(&self.0.plan);
        let report = state.held.prove(&disk, &*self.0.effects);
        log_problems(&report);
        self.tell(&state);
    }

    /// What a reload would change, with nothing changed: everything is compiled
    /// and proved as for a real one. Blocks as long.
    pub fn rehearse(&self) -> Preview {
        let (disk, mut held) = {
            let state = self.state();
            (Disk::read(&self.0.plan, &state.shelf), state.held.clone())
        };
        let running = held.catalog();
        let effects = Rehearsal(&*self.0.effects);
        let look = Look::again(Demand::Again, Instant::now(), &effects);
        let changes = held.advance(&disk, &self.0.plan, &look);
        Preview::between(&running, &held.catalog(), changes)
    }

    /// Ends the time of tenants whose files have been gone long enough.
    pub fn expire(&self) {
        let mut state = self.state();
        let gone = state.held.forget(self.0.plan.removal_grace, Instant::now());
        if !gone.is_empty() {
            for tenant in gone {
                tracing::info!(tenant = tenant.as_str(), "tenant removed");
            }
            self.publish(&mut state);
        }
    }

    /// What runs against what lay on disk at the last look.
    pub fn standing(&self) -> Arc<Standing> {
        self.0.standing.load_full()
    }

    /// What runs.
    pub fn running(&self) -> Arc<Catalog> {
        self.0.catalog.load_full()
    }

    /// What is loaded, and how.
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Where a change is to be noticed.
    pub(super) fn places(&self) -> Arc<Places> {
        Arc::clone(&self.state().places)
    }

    fn state(&self) -> MutexGuard<'_, Progress> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The swap, which cannot fail.
    fn publish(&self, state: &mut Progress) {
        let catalog = Arc::new(state.held.catalog());
        self.0.effects.publish(&catalog);
        self.0.catalog.store(catalog);
        state.counted.generation += 1;
        self.tell(state);
    }

    fn tell(&self, state: &Progress) {
        let counted = &state.counted;
        self.0.standing.store(Arc::new(Standing {
            disk: state.seen.shown.to_string(),
            generation: counted.generation,
            reloads: counted.reloads,
            last_attempt: counted.last_attempt.clone(),
            last_success: counted.last_success.clone(),
            ..state.held.standing()
        }));
    }

    fn outcome(&self, changes: Changes, began: Instant, looked: bool) -> Outcome {
        Outcome {
            looked,
            taken: changes.taken,
            refused: changes.refused,
            leaving: changes.leaving,
            removed: changes.removed,
            millis: began.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            standing: Standing::clone(&self.standing()),
        }
    }
}

impl Progress {
    fn notice(&mut self, disk: Disk) {
        self.glance = disk.glance;
        if *self.places != disk.places {
            self.places = Arc::new(disk.places);
        }
    }
}

/// Proves as the gateway does, and goes no further.
struct Rehearsal<'e>(&'e dyn Effects);

impl Effects for Rehearsal<'_> {
    fn prove(&self, adapter: &Arc<Adapter>, transcripts: &[Text]) -> Vec<Problem> {
        self.0.prove(adapter, transcripts)
    }

    fn publish(&self, _: &Catalog) {}

    fn try_certificate(&self) -> Result<(), String> {
        self.0.try_certificate()
    }

    fn renew_certificate(&self) -> Result<(), String> {
        self.try_certificate()
    }
}

impl Counted {
    fn tried(&mut self, well: bool) {
        self.reloads += 1;
        self.last_attempt = now();
        if well {
            self.last_success = Some(self.last_attempt.clone());
        }
    }
}

fn log(changes: &Changes, standing: &Standing) {
    for problem in changes.general.problems() {
        tracing::error!(
            code = problem.code,
            file = problem.file,
            problem = problem.message,
            action = problem.help.as_deref().unwrap_or(REMEDY),
            "the files have mistakes"
        );
    }
    log_problems(&changes.report);
    if !changes.refused.is_empty() {
        tracing::warn!(
            refused = changes.refused.join(", "),
            action =
                "fix the files; `scimgate status` and `scimgate diff` show what is running instead",
            "a change was refused; the last good version stays in use"
        );
    }
    tracing::info!(
        taken = some(&changes.taken),
        leaving = some(&changes.leaving),
        removed = some(&changes.removed),
        catalog = standing.running,
        "reloaded"
    );
}

fn some(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}

/// What to do where a problem does not say.
const REMEDY: &str = "fix the file";

/// Writes problems into the log, a line each: names and places of files, never their contents.
pub fn log_problems(report: &Report) {
    for problem in report.problems() {
        let place = report.place(problem).map(|[begin, _]| begin);
        tracing::warn!(
            code = problem.code,
            file = problem.file,
            line = place.map(|(line, _)| line),
            column = place.map(|(_, column)| column),
            problem = problem.message,
            action = problem.help.as_deref().unwrap_or(REMEDY),
            "a file has a mistake"
        );
    }
}
