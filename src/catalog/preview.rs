//! What a reload would change, for whoever is about to ask for one.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::Catalog;
use super::held::Changes;
use super::standing::{Finding, findings};
use crate::adapter::Adapter;
use crate::adapter::outline::Outline;
use crate::problem::{Difference, differences};
use crate::tenant::Tenant;

/// What lies on disk against what runs. Vendors and tenants that are the same
/// are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// By name.
    pub vendors: BTreeMap<String, Changed>,
    /// By id.
    pub tenants: BTreeMap<String, Changed>,
    /// The server's certificate, where it would change or be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Fate>,
    /// What is wrong on disk: why something would be refused or would not go, and warnings.
    pub problems: Vec<Finding>,
}

/// What would become of one vendor or tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// In a word.
    pub fate: Fate,
    /// What is different in it. Without any, a vendor that changes does so in its
    /// comments, its layout or its transcripts.
    pub lines: Vec<Difference>,
}

/// What a reload would do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl Preview {
    /// Whether a reload would change nothing, refuse nothing and find no error.
    pub fn is_none(&self) -> bool {
        self.vendors.is_empty()
            && self.tenants.is_empty()
            && self.certificate.is_none()
            && !self.problems.iter().any(Finding::is_error)
    }

    /// Of what runs and what a reload would publish, which took and refused what
    /// `changes` says.
    pub(super) fn between(running: &Catalog, next: &Catalog, changes: Changes) -> Self {
        let mut vendors = parts(&running.adapters, &next.adapters, vendor_lines);
        let mut tenants = parts(&running.tenants, &next.tenants, tenant_lines);
        // What differs in nothing that is told differs in comments or transcripts.
        for name in named("vendor ", &changes.taken) {
            vendors.entry(name).or_insert(Changed::whole(Fate::Changed));
        }
        let refused =
            |what| named(what, &changes.refused).map(|name| (name, Changed::whole(Fate::Refused)));
        vendors.extend(refused("vendor "));
        tenants.extend(refused("tenant "));
        let fate = |names: &[String], fate| named("certificate", names).next().map(|_| fate);
        Self {
            vendors,
            tenants,
            certificate: fate(&changes.taken, Fate::Changed)
                .or(fate(&changes.refused, Fate::Refused)),
            problems: findings(&changes.problems()),
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

/// The names behind a word: `vendor wedo`.
fn named<'n>(what: &'static str, names: &'n [String]) -> impl Iterator<Item = String> + use<'n> {
    names
        .iter()
        .filter_map(move |name| name.strip_prefix(what).map(str::to_owned))
}

/// Compares what is on both sides.
fn parts<K: Ord + ToString, T>(
    running: &BTreeMap<K, T>,
    next: &BTreeMap<K, T>,
    lines: impl Fn(&T, &T) -> Vec<Difference>,
) -> BTreeMap<String, Changed> {
    let keys: BTreeSet<&K> = running.keys().chain(next.keys()).collect();
    let changed = keys.into_iter().filter_map(|key| {
        let changed = match (running.get(key), next.get(key)) {
            (Some(before), Some(after)) => Changed {
                fate: Fate::Changed,
                lines: some(lines(before, after))?,
            },
            (None, _) => Changed::whole(Fate::Added),
            (Some(_), None) => Changed::whole(Fate::Removed),
        };
        Some((key.to_string(), changed))
    });
    changed.collect()
}

fn some(lines: Vec<Difference>) -> Option<Vec<Difference>> {
    (!lines.is_empty()).then_some(lines)
}

fn vendor_lines(before: &impl AsRef<Adapter>, after: &impl AsRef<Adapter>) -> Vec<Difference> {
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

fn tenant_lines(before: &impl AsRef<Tenant>, after: &impl AsRef<Tenant>) -> Vec<Difference> {
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
            lines.push(Difference {
                what: format!("credential.{name}"),
                expected: old.map(|_| "(a secret)".to_owned()),
                found: new.map(|_| "(another secret)".to_owned()),
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
) -> Vec<Difference> {
    let found = differences(before, after).into_iter();
    let named = found.map(|difference| Difference {
        what: format!("{kind} {}", difference.what)
            .trim_start()
            .to_owned(),
        ..difference
    });
    named.collect()
}
