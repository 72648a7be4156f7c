//! The whole state out, and rows in.
//!
//! `{"sites": [{"SiteId": "…", "Targets": [row, …], "TargetGroups": [{…, "Members": ["ada@…"]}]}]}`.
//! In a seed `SiteId` is the first site unless named; ids, versions and times are not looked at;
//! members are named by address. Names may be of any length and domains foreign, as in rows from
//! before there was a rule.

use super::group::{Group, Membership};
use super::refusal::Refusal;
use super::site::{Sequence, Site};
use super::{group, target};
use crate::kit::Refused;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    sites: Vec<SiteSeed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SiteSeed {
    site_id: Option<String>,
    #[serde(default)]
    targets: Vec<Map<String, Value>>,
    #[serde(default)]
    target_groups: Vec<Map<String, Value>>,
}

pub(super) fn state(sites: &[Site]) -> Value {
    let sites: Vec<_> = sites.iter().map(site).collect();
    json!({ "sites": sites })
}

fn site(site: &Site) -> Value {
    let address = |membership: &Membership| {
        let target = site.target(&membership.target_id).ok();
        target.map(|target| target.email_address.clone())
    };
    let group = |group: &Group| {
        let mut row = json!(group);
        let mut members: Vec<_> = group.memberships.values().filter_map(address).collect();
        members.sort();
        row["Members"] = json!(members);
        row
    };
    json!({
        "SiteId": site.settings.site_id,
        "Targets": site.targets.values().collect::<Vec<_>>(),
        "TargetGroups": site.groups.values().map(group).collect::<Vec<_>>(),
    })
}

pub(super) fn plant(
    sites: &mut [Site],
    sequence: &mut Sequence,
    seed: Value,
    now: Timestamp,
) -> Result<(), Refused> {
    let seed: Seed = serde_json::from_value(seed)?;
    for part in seed.sites {
        let mut fitting = sites.iter_mut().filter(|site| {
            let id = part.site_id.as_ref();
            id.is_none_or(|id| *id == site.settings.site_id)
        });
        let site = fitting
            .next()
            .ok_or_else(|| Refused("no such site".into()))?;
        for row in &part.targets {
            let said = target::Said::parse(row).map_err(refused)?;
            site.create_target(said, sequence, now).map_err(refused)?;
        }
        for row in &part.target_groups {
            plant_group(site, row, sequence)?;
        }
    }
    Ok(())
}

fn plant_group(
    site: &mut Site,
    row: &Map<String, Value>,
    sequence: &mut Sequence,
) -> Result<(), Refused> {
    let said = group::Said::parse(row).map_err(refused)?;
    let id = site.create_group(said, sequence).map_err(refused)?;
    let id = id.group_id.clone();
    let members = row.get("Members").and_then(Value::as_array);
    for member in members.into_iter().flatten() {
        let mut targets = site.targets.values();
        let target = targets.find(|target| *member == target.email_address.as_str());
        let target = target.ok_or_else(|| Refused(format!("no target {member}")))?;
        let target = target.target_id.clone();
        site.add_member(&id, &target, sequence).map_err(refused)?;
    }
    Ok(())
}

fn refused(refusal: Refusal) -> Refused {
    Refused(refusal.to_string())
}
