//! What a reload would change, for whoever is about to ask for one.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::standing::{Finding, findings};
use super::{Catalog, Report, Sources};
use crate::adapter::Adapter;
use crate::adapter::outline::Outline;
use crate::tenant::Tenant;

/// What lies on disk against what runs. Vendors and tenants that are the same
/// are left out. Transcripts are not played, so a reload may still refuse a vendor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// By name.
    pub vendors: BTreeMap<String, Changed>,
    /// By id.
    pub tenants: BTreeMap<String, Changed>,
    /// What is wrong on disk: why something would be refused, and warnings.
    pub problems: Vec<Finding>,
}

/// What would become of one vendor or tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// In a word.
    pub fate: Fate,
    /// What is different in it, in the order of its files; empty unless it changes.
    pub lines: Vec<Line>,
}

/// What a reload would do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is new.
    Added,
    /// It is served otherwise than before.
    Changed,
    /// It cannot be loaded; what runs stays.
    Refused,
    /// Its file is gone.
    Removed,
}

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is: `manifest limits.per_second`, `user_attributes userName`.
    pub what: String,
    /// As it runs; `None` where it is not there yet.
    pub before: Option<String>,
    /// As it lies on disk; `None` where it is gone.
    pub after: Option<String>,
}

impl Difference {
    /// Loads what lies on disk and compares. Blocks for as long as compiling takes.
    pub fn of(running: &Catalog, sources: &Sources) -> Self {
        let (disk, report) = super::load(sources);
        Self::between(running, &disk, sources, &report)
    }

    /// Whether a reload would change nothing.
    pub fn is_none(&self) -> bool {
        self.vendors.is_empty() && self.tenants.is_empty()
    }

    fn between(running: &Catalog, disk: &Catalog, sources: &Sources, report: &Report) -> Self {
        let adapters = &sources.adapters;
        let vendors = parts(&running.adapters, &disk.adapters, vendor_lines, |name| {
            adapters.join(format!("{name}.toml")).exists()
        });
        let tenants = parts(&running.tenants, &disk.tenants, tenant_lines, |id| {
            disk.unusable.contains(id)
        });
        let named = |(id, changed): (&_, Changed)| (ToString::to_string(id), changed);
        let unserved = disk.unusable.iter();
        let unserved = unserved.filter(|id| !running.unusable.contains(*id));
        let refused = unserved.map(|id| (id, Changed::whole(Fate::Refused)));
        Self {
            vendors: vendors
                .into_iter()
                .map(|(name, it)| (name.clone(), it))
                .collect(),
            tenants: refused.chain(tenants).map(named).collect(),
            problems: findings(report),
        }
    }
}

impl Changed {
    fn whole(fate: Fate) -> Self {
        Self {
            fate,
            lines: Vec::new(),
        }
    }
}

/// Compares what is on both sides. `broken` tells of what is on disk and not loaded.
fn parts<'a, K: Ord, T>(
    running: &'a BTreeMap<K, T>,
    disk: &'a BTreeMap<K, T>,
    lines: impl Fn(&T, &T) -> Vec<Line>,
    broken: impl Fn(&K) -> bool,
) -> Vec<(&'a K, Changed)> {
    let keys: BTreeSet<&K> = running.keys().chain(disk.keys()).collect();
    let changed = keys.into_iter().filter_map(|key| {
        let changed = match (running.get(key), disk.get(key)) {
            (Some(before), Some(after)) => Changed {
                fate: Fate::Changed,
                lines: some(lines(before, after))?,
            },
            (None, _) => Changed::whole(Fate::Added),
            (Some(_), None) if broken(key) => Changed::whole(Fate::Refused),
            (Some(_), None) => Changed::whole(Fate::Removed),
        };
        Some((key, changed))
    });
    changed.collect()
}

fn some(lines: Vec<Line>) -> Option<Vec<Line>> {
    (!lines.is_empty()).then_some(lines)
}

fn vendor_lines(before: &impl AsRef<Adapter>, after: &impl AsRef<Adapter>) -> Vec<Line> {
    let (before, after) = (before.as_ref(), after.as_ref());
    let manifest = compared(
        "manifest",
        &written(&before.manifest_text),
        &written(&after.manifest_text),
    );
    let (old, new) = (
        Outline::of(&before.script.text),
        Outline::of(&after.script.text),
    );
    let constants = compared("const", &old.constants, &new.constants);
    let rows = compared("", &rows(&old), &rows(&new));
    let functions = compared("fn", &functions(&old), &functions(&new));
    let lines = manifest.into_iter().chain(constants).chain(rows);
    lines.chain(functions).collect()
}

/// By table and attribute. A table may be made of several functions.
fn rows(outline: &Outline) -> BTreeMap<String, String> {
    let functions = outline.functions.iter();
    let rows = functions.flat_map(|(table, function)| {
        let rows = function.rows.iter();
        rows.map(move |(attribute, text)| (format!("{table} {attribute}"), text.clone()))
    });
    rows.collect()
}

fn functions(outline: &Outline) -> BTreeMap<String, String> {
    let functions = outline.functions.iter();
    functions
        .map(|(name, function)| (name.clone(), function.text.clone()))
        .collect()
}

/// A manifest's values by their dotted keys.
fn written(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        flatten("", &toml::Value::Table(table), &mut values);
    }
    values
}

fn flatten(key: &str, value: &toml::Value, values: &mut BTreeMap<String, String>) {
    let below = |name: &str| match key {
        "" => name.to_owned(),
        key => format!("{key}.{name}"),
    };
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                flatten(&below(name), value, values);
            }
        }
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            for (index, value) in list.iter().enumerate() {
                flatten(&below(&(index + 1).to_string()), value, values);
            }
        }
        value => drop(values.insert(key.to_owned(), value.to_string())),
    }
}

fn tenant_lines(before: &impl AsRef<Tenant>, after: &impl AsRef<Tenant>) -> Vec<Line> {
    let (before, after) = (before.as_ref(), after.as_ref());
    let mut lines = compared("", &told(before), &told(after));
    // A secret that changed is worth knowing; what it is, is not to be told.
    let names: BTreeSet<&String> = secrets(before).chain(secrets(after)).collect();
    let secret = |tenant: &Tenant, name: &str| {
        let held = tenant.upstream.secrets.get(name);
        held.map(|secret| secret.expose_secret().to_owned())
    };
    for name in names {
        let (old, new) = (secret(before, name), secret(after, name));
        if old != new {
            lines.push(Line {
                what: format!("credential.{name}"),
                before: old.map(|_| "(a secret)".to_owned()),
                after: new.map(|_| "(another secret)".to_owned()),
            });
        }
    }
    lines
}

fn secrets(tenant: &Tenant) -> impl Iterator<Item = &String> {
    tenant.upstream.secrets.keys()
}

/// What a tenant's file says, but for its secrets.
fn told(tenant: &Tenant) -> BTreeMap<String, String> {
    let upstream = &tenant.upstream;
    let limits = upstream.limits;
    let limits = [
        ("limits.burst", limits.burst),
        ("limits.concurrency", limits.concurrency),
        ("limits.per_minute", limits.per_minute),
        ("limits.per_second", limits.per_second),
    ];
    let limits = limits
        .into_iter()
        .filter_map(|(key, limit)| Some((key.to_owned(), limit?.to_string())));
    let settings = tenant.settings.names().filter_map(|name| {
        let value = tenant.settings.text(name)?;
        Some((format!("settings.{name}"), value))
    });
    let priorities = tenant.group_priority.iter();
    let priorities =
        priorities.map(|(group, rank)| (format!("groups.priority.{group}"), rank.to_string()));
    let fixed = [
        ("adapter", tenant.adapter.name.clone()),
        ("base_url", upstream.base_url.to_string()),
        ("profile", tenant.service.profile.as_str().to_owned()),
    ];
    let fixed = fixed.map(|(key, value)| (key.to_owned(), value));
    fixed
        .into_iter()
        .chain(limits)
        .chain(settings)
        .chain(priorities)
        .collect()
}

/// What differs between two sets of named texts.
fn compared(
    kind: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<Line> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let lines = names.into_iter().filter_map(|name| {
        let (old, new) = (before.get(name), after.get(name));
        (old != new).then(|| Line {
            what: format!("{kind} {name}").trim_start().to_owned(),
            before: old.cloned(),
            after: new.cloned(),
        })
    });
    lines.collect()
}
