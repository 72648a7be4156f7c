//! `scimgate adapter show`.

use std::path::Path;

use anyhow::Context as _;

use serde_json::{Map, Value, json};

use super::super::output::Form;
use super::super::{Ending, Trouble, columns, named};
use super::{load, page, transcripts};
use crate::adapter::Adapter;
use crate::adapter::manifest::{
    Consistency, IdRule, Limits, MembershipModel, PagingStyle, Setting,
};
use crate::adapter::mapping::{Described, Mapping};
use crate::config::Config;
use crate::scim::ResourceKind;

/// What to show.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// The vendor.
    vendor: String,
    /// Print only the attribute tables, as in the vendor's page beside the manifest.
    #[arg(long)]
    markdown: bool,
    /// Update the attribute tables in that page.
    #[arg(long, conflicts_with = "markdown")]
    write: bool,
}

/// Prints an adapter, or renews its page.
pub(super) fn run(config: &Config, options: &Options, form: Form) -> Result<Ending, Trouble> {
    let (catalog, _) = load(config);
    let adapter = named::adapter(&catalog, &options.vendor).map_err(Trouble::Config)?;
    if options.write {
        let file = config.catalog.adapters.join(format!("{}.md", adapter.name));
        renew(&file, adapter).map_err(Trouble::Config)?;
        let human = || format!("{} is up to date\n", file.display());
        return Ok(form.put(human, || json!({ "wrote": [file.display().to_string()] })));
    }
    if options.markdown {
        put!("{}", page::tables(adapter));
        return Ok(Ending::Done);
    }
    Ok(form.put(|| whole(adapter, config), || object(adapter, config)))
}

fn renew(file: &Path, adapter: &Adapter) -> anyhow::Result<()> {
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(name)?;
    let renewed = page::renewed(&text, adapter).with_context(name)?;
    std::fs::write(file, renewed).with_context(name)
}

/// The same for programs.
fn object(adapter: &Adapter, config: &Config) -> Value {
    let tables = [ResourceKind::User, ResourceKind::Group];
    let tables = tables.into_iter().filter_map(|kind| adapter.mapping(kind));
    let attributes = tables.map(|table| {
        let rows = columns::objects(&attributes(adapter, table));
        (table.resource_type.name.clone(), rows)
    });
    let summary = summary(adapter, config).into_iter().filter_map(|row| {
        let [label, value] = <[String; 2]>::try_from(row).ok()?;
        Some((label.trim().replace(' ', "_"), Value::from(value)))
    });
    let head = ["name", "need", "description"].map(str::to_owned).to_vec();
    let settings: Vec<_> = [head].into_iter().chain(settings(adapter)).collect();
    json!({
        "name": adapter.name,
        "title": adapter.manifest.title,
        "summary": summary.collect::<Map<_, _>>(),
        "settings": columns::objects(&settings),
        "attributes": attributes.collect::<Map<_, _>>(),
    })
}

fn whole(adapter: &Adapter, config: &Config) -> String {
    let mut text = format!("{} ({})\n\n", adapter.manifest.title, adapter.name);
    text += &columns::aligned(&summary(adapter, config));
    text += "\nSettings of a tenant\n";
    text += &columns::aligned(&settings(adapter));
    let tables = [ResourceKind::User, ResourceKind::Group];
    for table in tables.into_iter().filter_map(|kind| adapter.mapping(kind)) {
        text += &format!("\nAttributes of a {}\n", table.resource_type.name);
        text += &columns::aligned(&attributes(adapter, table));
    }
    text
}

fn pair(name: &str, value: impl Into<String>) -> Vec<String> {
    vec![format!("  {name}"), value.into()]
}

fn summary(adapter: &Adapter, config: &Config) -> Vec<Vec<String>> {
    let (manifest, name) = (&adapter.manifest, &adapter.name);
    let file = |directory: &Path, extension: &str| {
        directory
            .join(format!("{name}.{extension}"))
            .display()
            .to_string()
    };
    let directory = config.catalog.transcripts.join(name);
    let played = transcripts(&directory);
    let sources = config.catalog.sources();
    let mut summary = vec![
        pair("manifest", sources.manifest(name).name()),
        pair("script", adapter.script.file.as_str()),
        pair("page", file(&config.catalog.adapters, "md")),
        pair(
            "transcripts",
            format!("{played} in {}", directory.display()),
        ),
        pair("users", users(adapter)),
        pair("groups", groups(adapter)),
        pair("pages", paging(adapter)),
        pair("limits", limits(&manifest.limits)),
        pair("a second create", second_create(manifest.consistency)),
    ];
    let batches = manifest.batch.iter().map(|(name, rule)| {
        let most = rule.max_items;
        pair(&format!("batch {name}"), format!("at most {most} changes"))
    });
    summary.extend(batches);
    summary
}

fn users(adapter: &Adapter) -> String {
    let table = adapter.mapping(ResourceKind::User);
    let active = table.is_some_and(|table| {
        let mut rows = table.described();
        rows.any(|row| row.attribute == "active")
    });
    let ids = ids(&adapter.manifest.ids.user);
    let switch = if active { ", disabled and enabled" } else { "" };
    format!("created, changed, deleted{switch}; {ids}")
}

fn groups(adapter: &Adapter) -> String {
    let Some(rule) = &adapter.manifest.ids.group else {
        return "none: no Group resource type".to_owned();
    };
    let many = match adapter.manifest.groups.membership {
        MembershipModel::Vendor => "any number per user",
        MembershipModel::Exclusive => "one per user: the gateway stores the other memberships",
    };
    format!("created, changed, deleted; {many}; {}", ids(rule))
}

fn ids(rule: &IdRule) -> String {
    let IdRule { field, issued, .. } = rule;
    if *issued {
        format!("the gateway issues the ids; the vendor's own are in {field}")
    } else {
        format!("ids are the vendor's, in {field}")
    }
}

fn paging(adapter: &Adapter) -> String {
    let paging = adapter.manifest.paging;
    let by = match paging.style {
        PagingStyle::Page => "by page number",
        PagingStyle::Offset => "by offset",
        PagingStyle::Cursor => "by cursor",
    };
    format!("{by}, at most {} rows", paging.size)
}

fn limits(limits: &Limits) -> String {
    let limits = [
        (limits.per_second, "calls a second"),
        (limits.burst, "at once after a pause"),
        (limits.per_minute, "calls a minute"),
        (limits.batches_per_minute, "batches a minute"),
        (limits.concurrency, "in flight"),
    ];
    let set = limits
        .iter()
        .filter_map(|(limit, what)| Some(format!("{} {what}", (*limit)?)));
    let set: Vec<_> = set.collect();
    if set.is_empty() {
        "none".to_owned()
    } else {
        set.join(", ")
    }
}

fn second_create(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::A => "is refused by the vendor (A)",
        Consistency::B => "is prevented by a look-up before it (B)",
        Consistency::C => "may not be found for a while (C)",
    }
}

fn settings(adapter: &Adapter) -> Vec<Vec<String>> {
    let manifest = &adapter.manifest;
    let base = ["  base_url", "required", "the address of the vendor's API"];
    let named = manifest.credentials.iter();
    let named =
        named.map(|(name, credential)| (format!("with credential_kind = \"{name}\""), credential));
    let usual = std::iter::once(("required".to_owned(), &manifest.credential));
    let secrets = usual.chain(named).flat_map(|(need, credential)| {
        let kind = credential.kind();
        let secrets = manifest.secrets(credential).into_iter();
        secrets.map(move |secret| {
            vec![
                format!("  credential.{secret}"),
                need.clone(),
                format!("secret of a {kind} credential"),
            ]
        })
    });
    let own = manifest.settings.iter().map(|(name, setting)| {
        let description = setting.description.clone();
        vec![format!("  settings.{name}"), need(setting), description]
    });
    let base = std::iter::once(base.map(str::to_owned).to_vec());
    base.chain(own).chain(secrets).collect()
}

fn need(setting: &Setting) -> String {
    match (&setting.default, &setting.one_of) {
        (None, None) => "required".to_owned(),
        (None, Some(allowed)) => format!("one of {}", allowed.join(", ")),
        (Some(default), None) => format!("default {default}"),
        (Some(default), Some(allowed)) => format!("default {default} of {}", allowed.join(", ")),
    }
}

fn attributes(adapter: &Adapter, table: &Mapping) -> Vec<Vec<String>> {
    let head = ["  ATTRIBUTE", "TYPE", "FIELD", "CONVERTED BY", "NOTES"];
    let head = std::iter::once(head.map(str::to_owned).to_vec());
    let rows = table.described().map(|row| attribute(adapter, &row));
    head.chain(rows).collect()
}

fn attribute(adapter: &Adapter, row: &Described<'_>) -> Vec<String> {
    let notes = [
        (row.required, "required"),
        (row.filterable, "filterable"),
        (row.unique, "unique"),
        (row.read_only, "read only"),
        (row.write_only, "never shown, strict profile only"),
        (row.made, "required unless derived from others"),
        (
            row.has_fallback && !row.made,
            "derived from others if absent",
        ),
    ];
    let notes = notes.iter().filter(|(holds, _)| *holds);
    let lengths = [(row.cut, "cut after"), (row.at_most, "at most")];
    let lengths = lengths
        .iter()
        .filter_map(|(length, what)| Some(format!("{what} {} characters", (*length)?)));
    let initially = row.initially.iter();
    let initially = initially.map(|value| format!("{value} if a new one is created without it"));
    let notes: Vec<_> = (notes.map(|(_, note)| (*note).to_owned()))
        .chain(initially)
        .chain(lengths)
        .collect();
    vec![
        format!("  {}", row.attribute),
        row.kind.to_owned(),
        place(adapter, row),
        row.converted.unwrap_or_default().to_owned(),
        notes.join(", "),
    ]
}

/// Where the vendor keeps it, if the vendor does.
fn place(adapter: &Adapter, row: &Described<'_>) -> String {
    let membership = adapter.manifest.groups.membership;
    match row.fields.as_slice() {
        [] if row.attribute == "members" && membership == MembershipModel::Vendor => {
            "memberships".to_owned()
        }
        [] => "stored by the gateway".to_owned(),
        fields => fields.join(", "),
    }
}
