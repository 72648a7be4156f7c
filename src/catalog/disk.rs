//! What lies on disk, read once: everything after this works on what was read,
//! so that a file which changes meanwhile cannot be half of one version and
//! half of another.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::built_in::{Place, vendor_of};
use super::fingerprint::Fingerprint;
use super::load::Sources;
use super::places::{Glance, Places};
use super::reload::Plan;
use super::shelf::Shelf;
use super::standing::Source;
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::problem::{Problem, file};
use crate::tenant::Outline;
use crate::tenant::secret::Secrets;

/// A file's name for people and its text.
pub type Text = (String, String);

/// All files of one look.
#[derive(Debug)]
pub(super) struct Disk {
    /// By name; `None` if a directory cannot be read.
    pub(super) vendors: Option<BTreeMap<String, VendorFiles>>,
    /// By id; `None` if the directory cannot be read.
    pub(super) tenants: Option<BTreeMap<TenantId, TenantFiles>>,
    /// Chain and key; `None` where no certificate is served.
    pub(super) certificate: Option<CertificateFiles>,
    /// Of adapters and of scripts: that there is no directory. As long as nothing of it serves,
    /// none is needed, for adapters are in the program.
    pub(super) missing: [Option<Problem>; 2],
    /// What is wrong with no single vendor or tenant.
    pub(super) problems: Vec<Problem>,
    /// Where files came from or would have come from.
    pub(super) places: Places,
    /// At all of them, before they were read.
    pub(super) glance: Glance,
}

/// What was seen of one vendor, tenant or certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Of everything that counts, secrets too.
    pub(super) all: Fingerprint,
    /// Of what may be shown: whoever sees this hash cannot guess secrets and see
    /// whether they fit.
    pub(super) shown: Fingerprint,
}

/// One vendor's files.
#[derive(Debug)]
pub(super) struct VendorFiles {
    pub(super) manifest: Result<Text, Problem>,
    pub(super) script: Result<Text, Problem>,
    pub(super) transcripts: Vec<Result<Text, Problem>>,
    /// Of manifest and script.
    pub(super) code: Fingerprint,
    /// The transcripts too.
    pub(super) seen: Seen,
}

/// One tenant's file, or its text in the store, and the secrets it names.
#[derive(Debug)]
pub(super) struct TenantFiles {
    pub(super) text: Result<Text, Problem>,
    /// The adapter it names.
    pub(super) adapter: Option<String>,
    pub(super) seen: Seen,
    pub(super) source: Source,
    /// Whether somebody has switched it off.
    pub(super) is_off: bool,
}

/// The server's certificate.
#[derive(Debug)]
pub(super) struct CertificateFiles {
    /// The chain, for messages.
    pub(super) file: String,
    /// The chain, which is public, may be shown.
    pub(super) seen: Seen,
}

impl Disk {
    /// Reads everything of `plan`, and the secrets of the tenants in the store. A file that cannot
    /// be read is a problem of whose it is.
    pub(super) fn read(plan: &Plan, shelf: &Shelf) -> Self {
        let mut disk = Self::of_vendors(plan);
        disk.tenants = disk.read_tenants(plan);
        disk.read_shelf(plan, shelf);
        let certificate = plan.certificate.as_ref();
        disk.certificate = certificate.map(|(chain, key)| disk.read_certificate(chain, key));
        disk
    }

    /// Reads the vendors' files and nothing else.
    pub(super) fn of_vendors(plan: &Plan) -> Self {
        let mut disk = Self {
            vendors: None,
            tenants: None,
            certificate: None,
            missing: [None, None],
            problems: Vec::new(),
            places: Places::default(),
            glance: Glance::begin(),
        };
        disk.vendors = disk.read_vendors(plan);
        disk
    }

    /// Of all that was read: two looks with the same saw the same.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            all: self.digest(|seen| seen.all),
            shown: self.digest(|seen| seen.shown),
        }
    }

    fn digest(&self, which: impl Fn(&Seen) -> Fingerprint) -> Fingerprint {
        let vendors = self.vendors.iter().flatten();
        let vendors = vendors.map(|(name, files)| (name.as_str(), &files.seen));
        let tenants = self.tenants.iter().flatten();
        let tenants = tenants.map(|(id, files)| (id.as_str(), &files.seen));
        let certificate = self.certificate.iter().map(|files| ("", &files.seen));
        let parts = vendors.chain(tenants).chain(certificate);
        let parts =
            parts.map(|(name, seen)| Fingerprint::of([name.as_bytes(), which(seen).as_ref()]));
        let problems: String = self.problems.iter().map(Problem::to_string).collect();
        Fingerprint::of(parts.chain([Fingerprint::of([problems])]))
    }

    fn read_vendors(&mut self, plan: &Plan) -> Option<BTreeMap<String, VendorFiles>> {
        let sources = &plan.sources;
        self.missing = [
            self.without(sources, &sources.adapters, "toml"),
            self.without(sources, &sources.scripts, "rhai"),
        ];
        let mut names = BTreeSet::new();
        if matches!(self.missing, [None, _]) {
            let manifests = self.files(&sources.adapters, "toml")?;
            names.extend(manifests.into_iter().map(|(name, _)| name));
        }
        names.extend(sources.built_in().iter().map(|it| it.name.to_owned()));
        // A gateway without transcripts is complete: no directory of them is missing.
        let all = plan.transcripts.as_ref();
        let all = all.filter(|directory| {
            self.glance.at(directory);
            directory.is_dir()
        });
        let vendors = names.into_iter().map(|name| {
            let transcripts = all.map(|all| all.join(&name)).filter(|directory| {
                self.places.add(directory);
                self.glance.at(directory);
                directory.is_dir()
            });
            let transcripts = transcripts.and_then(|directory| self.files(&directory, "http"));
            let manifest = sources.manifest(&name).text();
            let script = script_of(&manifest).unwrap_or_else(|| name.clone());
            self.glance
                .at(&sources.scripts.join(format!("{script}.rhai")));
            let transcripts = transcripts.unwrap_or_default();
            let files = VendorFiles::read(manifest, sources.script(&script), transcripts);
            (name, files)
        });
        Some(vendors.collect())
    }

    /// That a directory of adapters or scripts is not there, where it may be made yet: without the
    /// program's adapters it has to be there.
    fn without(
        &mut self,
        sources: &Sources,
        directory: &Path,
        ending: &'static str,
    ) -> Option<Problem> {
        if !sources.has_built_in || directory.exists() {
            self.places.add_all(directory, ending);
            return None;
        }
        self.places.add(directory);
        self.glance.at(directory);
        Some(without(directory, &ErrorKind::NotFound.into()))
    }

    fn read_tenants(&mut self, plan: &Plan) -> Option<BTreeMap<TenantId, TenantFiles>> {
        let directory = plan.sources.tenants.as_ref()?;
        let mut tenants = BTreeMap::new();
        for (name, path) in self.files(directory, "toml")? {
            match TenantId::parse(&name) {
                Some(id) => drop(tenants.insert(id, self.read_tenant(&path, directory))),
                None => self.problems.push(misnamed(&name, &path)),
            }
        }
        Some(tenants)
    }

    /// A tenant that has a file too is the file's.
    fn read_shelf(&mut self, plan: &Plan, shelf: &Shelf) {
        let Some(mut tenants) = self.tenants.take() else {
            return;
        };
        for (id, shelved) in shelf.iter() {
            match tenants.get(id) {
                None => {
                    let (files, secrets) = shelved.files(id, &plan.vault);
                    secrets.iter().for_each(|path| self.watch(path));
                    tenants.insert(id.clone(), files);
                }
                Some(file) => self.problems.push(in_both(id, file)),
            }
        }
        self.tenants = Some(tenants);
    }

    fn read_tenant(&mut self, path: &Path, directory: &Path) -> TenantFiles {
        let text = file::text(path).map_err(|error| unreadable_tenant(path, &error));
        let text = text.map(|text| (path.display().to_string(), text));
        let (files, secrets) = TenantFiles::of(text, Secrets::OfFile(directory));
        secrets.iter().for_each(|path| self.watch(path));
        files
    }

    fn read_certificate(&mut self, chain: &Path, key: &Path) -> CertificateFiles {
        [chain, key].into_iter().for_each(|path| self.watch(path));
        let (public, secret) = (contents(chain), contents(key));
        CertificateFiles {
            file: chain.display().to_string(),
            seen: Seen {
                shown: Fingerprint::of([&public]),
                all: Fingerprint::of([public, secret]),
            },
        }
    }

    fn watch(&mut self, file: &Path) {
        self.places.add(file);
        self.glance.at(file);
    }

    /// Stem and path of the files with an extension, sorted; hidden ones (a
    /// ConfigMap's `..data`) left out.
    fn files(
        &mut self,
        directory: &Path,
        extension: &'static str,
    ) -> Option<Vec<(String, PathBuf)>> {
        self.places.add_all(directory, extension);
        self.glance.at(directory);
        let entries = std::fs::read_dir(directory);
        let entries = entries.map_err(|error| {
            self.problems.push(without(directory, &error));
        });
        let paths = entries
            .ok()?
            .filter_map(Result::ok)
            .map(|entry| entry.path());
        let mut found: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
            .filter(|(stem, path)| {
                self.glance.at(path);
                !stem.starts_with('.') && path.is_file()
            })
            .collect();
        found.sort();
        Some(found)
    }
}

impl TenantFiles {
    /// Of a text, and the files that its secrets are in.
    pub(super) fn of(text: Result<Text, Problem>, secrets: Secrets<'_>) -> (Self, Vec<PathBuf>) {
        let Outline {
            shown,
            adapter,
            secret_files: files,
        } = match &text {
            Ok((_, text)) => Outline::of(text, secrets),
            Err(problem) => Outline {
                shown: problem.to_string(),
                adapter: None,
                secret_files: Vec::new(),
            },
        };
        let written = text.as_ref().map_or(shown.as_str(), |(_, text)| text);
        let parts = [written.as_bytes().to_vec()].into_iter();
        let seen = Seen {
            all: Fingerprint::of(parts.chain(files.iter().map(|path| contents(path)))),
            shown: Fingerprint::of([&shown]),
        };
        let source = match secrets {
            Secrets::OfFile(_) => Source::File,
            Secrets::OfStore(_) => Source::Store,
        };
        let is_off = false;
        (
            Self {
                text,
                adapter,
                seen,
                source,
                is_off,
            },
            files,
        )
    }
}

impl VendorFiles {
    /// Whether manifest and script are files, and not the program's.
    pub(super) fn on_disk(&self) -> [bool; 2] {
        [&self.manifest, &self.script].map(|file| {
            let file = file.as_ref().ok();
            file.is_none_or(|(name, _)| vendor_of(Path::new(name)).is_none())
        })
    }

    fn read(
        manifest: Result<Text, Problem>,
        script: Place,
        transcripts: Vec<(String, PathBuf)>,
    ) -> Self {
        let script = match (&script, &manifest) {
            (Place::Disk(path), Ok((named, _))) if !path.exists() => {
                Err(without_script(named, path))
            }
            _ => script.text(),
        };
        let transcripts: Vec<_> = transcripts.iter().map(|(_, path)| read(path)).collect();
        let code = Fingerprint::of([told(&manifest), told(&script)]);
        let played = transcripts.iter().map(|text| Fingerprint::of([told(text)]));
        let all = Fingerprint::of([code].into_iter().chain(played));
        Self {
            manifest,
            script,
            transcripts,
            code,
            seen: Seen { all, shown: all },
        }
    }
}

/// The script that a manifest names. One that names a path leads nowhere.
fn script_of(manifest: &Result<Text, Problem>) -> Option<String> {
    let manifest: toml::Table = manifest.as_ref().ok()?.1.parse().ok()?;
    let name = manifest.get("script")?.as_str()?;
    Some(if Adapter::is_name(name) { name } else { "-" }.to_owned())
}

/// What was read, for a fingerprint that is the same wherever the files lie: the
/// text, or why there is none.
fn told(file: &Result<Text, Problem>) -> String {
    match file {
        Ok((_, text)) => text.clone(),
        Err(problem) => problem.to_string(),
    }
}

/// A file's name for people and its text.
pub(super) fn read(path: &Path) -> Result<Text, Problem> {
    match file::text(path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// What is in a file that is not loaded as text, or why nothing is.
fn contents(path: &Path) -> Vec<u8> {
    file::bytes(path).unwrap_or_else(|error| error.to_string().into_bytes())
}

fn in_both(id: &TenantId, file: &TenantFiles) -> Problem {
    let file = match &file.text {
        Ok((file, _)) => file,
        Err(problem) => &problem.file,
    };
    let message =
        format!("the store has a tenant {id} too, which is not used, because of this file");
    let problem = Problem::error("tenant::in-both", file, message).warning();
    problem.help(format!(
        "remove the file, or delete the other one: scimgate tenant delete {id}"
    ))
}

fn misnamed(name: &str, path: &Path) -> Problem {
    Problem::error(
        "tenant::name",
        &path.display().to_string(),
        format!("`{name}` cannot be the name of a tenant"),
    )
    .help(TenantId::FORM)
}

fn without_script(manifest: &str, script: &Path) -> Problem {
    Problem::error(
        "adapter::no-script",
        manifest,
        format!("its script {} is missing", script.display()),
    )
    .help("a vendor needs a manifest, and a script with the same name or the name in the manifest's key `script`")
}

/// As [`unreadable`], of a directory.
fn without(directory: &Path, error: &io::Error) -> Problem {
    unreadable(directory, error)
        .help("make the directory, or correct catalog.* in the configuration")
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::error(
        "file::unreadable",
        &path.display().to_string(),
        format!("cannot be read: {}", file::why(path, error)),
    )
    .help(file::remedy(error))
}

/// As [`unreadable`], of a tenant's file.
fn unreadable_tenant(path: &Path, error: &io::Error) -> Problem {
    let remedy = file::remedy(error);
    unreadable(path, error).help(format!(
        "{remedy}. Do not remove it: the tenant would no longer be served"
    ))
}
