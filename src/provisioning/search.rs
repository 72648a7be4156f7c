//! What a filter matches, and what must be sorted: the vendor is asked as little as it allows, and
//! what it gives are candidates only. A filter it ignores, or takes as a substring, must not become
//! a wrong match.

use std::borrow::Cow;
use std::slice;

use serde_json::Value;

use super::name::Name;
use super::names::{holds_name, name, naming};
use super::operation::Operation;
use super::outcome::{NotDone, Outcome};
use crate::adapter::keys::ScimId;
use crate::adapter::mapping::{Mapping, Reading};
use crate::scim::sort::Key;
use crate::scim::work::{self, Spent, Work};
use crate::scim::{Filter, Object, Query, ResourceKind, Sort};

/// How a filter is answered.
enum Way {
    /// `id eq "…"`: read that one.
    One(ScimId),
    /// The vendor can look the value up: row of the table and value.
    Lookup(usize, Value),
    /// All rows are read and looked at.
    Scan,
}

/// A resource that matches.
struct Match<'q> {
    kind: ResourceKind,
    query: &'q Query,
    reading: Reading,
    resource: Object,
    has_members: bool,
}

impl Operation {
    /// All matches are found and sorted; those of the window are answered.
    pub(super) async fn search(
        &self,
        queries: &[(ResourceKind, &Query)],
        offset: usize,
        count: usize,
    ) -> Outcome<(usize, Vec<Object>)> {
        let mut found = Vec::new();
        for (kind, query) in queries {
            found.extend(self.matches(*kind, query, queries.len() > 1).await?);
        }
        if let Some(sort) = queries.first().and_then(|(_, query)| query.sort.as_ref()) {
            sort.arrange(&mut found);
        }
        let total = found.len();
        let mut resources = Vec::new();
        for (_, found) in found.into_iter().skip(offset).take(count) {
            resources.extend(self.shown(found).await?);
        }
        Ok((total, resources))
    }

    /// The resources of one type that match, each with what it is sorted by. Members are read only
    /// if the outcome depends on them.
    async fn matches<'q>(
        &self,
        kind: ResourceKind,
        query: &'q Query,
        among_others: bool,
    ) -> Outcome<Vec<(Option<Key>, Match<'q>)>> {
        let types = &self.mapping(kind)?.resource_type;
        let names = match among_others {
            true => Cow::Owned(types.widened(&self.service.resource_types)),
            false => Cow::Borrowed(types),
        };
        let filter = query.filter.as_ref();
        let way = match filter {
            Some(filter) => self.way(kind, filter)?,
            None => Way::Scan,
        };
        let readings = match filter {
            Some(filter) if among_others && !filter.may_match(types, &names) => Vec::new(),
            _ => self.candidates(kind, &way).await?,
        };
        let compare = self.comparison(kind, &way).await?;
        let has_members = depends_on_members(filter, query.sort.as_ref());
        let resources = self.resources(kind, &readings, has_members).await?;
        let mut found = Vec::new();
        let mut work = Work::of(work::FILTER);
        for (reading, resource) in readings.into_iter().zip(resources) {
            if work.is_long() {
                tokio::task::yield_now().await;
            }
            let matches = |filter: &Filter| match &compare {
                Some(compare) => filter.matches(&compare.seen(&reading, &resource), &names),
                None => filter.matches(&resource, &names),
            };
            let sort = query.sort.as_ref();
            let judged = work.charged(|| {
                let is_match = filter.is_none_or(matches);
                let key = sort.filter(|_| is_match);
                (is_match, key.and_then(|sort| sort.key(&resource, &names)))
            });
            let (is_match, key) = judged.map_err(Spent::by_filter)?;
            if is_match {
                let found_one = Match {
                    kind,
                    query,
                    reading,
                    resource,
                    has_members,
                };
                found.push((key, found_one));
            }
        }
        Ok(found)
    }

    /// A match as it is answered.
    async fn shown(&self, found: Match<'_>) -> Outcome<Vec<Object>> {
        let Match {
            kind,
            query,
            reading,
            resource,
            has_members,
        } = found;
        let lacks_members = kind == ResourceKind::Group && !has_members;
        let resources = match lacks_members && self.shows_members(&query.projection) {
            true => {
                self.resources(kind, slice::from_ref(&reading), true)
                    .await?
            }
            false => vec![resource],
        };
        self.projected(kind, resources, &query.projection)
    }

    /// What may match a filter.
    async fn candidates(&self, kind: ResourceKind, way: &Way) -> Outcome<Vec<Reading>> {
        match way {
            Way::One(id) => match self.native_id(kind, id).await {
                Ok(native) => Ok(self.fetch(kind, &native).await?.into_iter().collect()),
                Err(NotDone::Absent(_)) => Ok(Vec::new()),
                Err(other) => Err(other),
            },
            Way::Lookup(row, value) => self.find(kind, *row, value).await,
            Way::Scan => self.everything(kind).await,
        }
    }

    fn way(&self, kind: ResourceKind, filter: &Filter) -> Outcome<Way> {
        let mapping = self.mapping(kind)?;
        let Some(equalities) = filter.equalities() else {
            return Ok(Way::Scan);
        };
        let id = equalities
            .iter()
            .find(|(leaf, _)| leaf.attribute == "id" && leaf.schema.is_none());
        if let Some((_, Value::String(id))) = id {
            return Ok(Way::One(ScimId::new(id)));
        }
        let lookup = equalities.iter().find_map(|(leaf, value)| {
            let (row, held) = mapping.row_compared(leaf)?;
            (held.lookup.is_some() && value.is_string()).then(|| Way::Lookup(row, (*value).clone()))
        });
        Ok(lookup.unwrap_or(Way::Scan))
    }
}

/// How a name is compared that the vendor was asked for: as the vendor holds it, not as it was
/// spelt.
struct Comparison<'m> {
    mapping: &'m Mapping,
    row: usize,
    asked: Value,
    wanted: Name,
}

impl Comparison<'_> {
    /// A resource as the filter is to see it: with the name in the spelling of the filter if it
    /// is that name, and without it if it is not.
    fn seen<'r>(&self, reading: &Reading, resource: &'r Object) -> Cow<'r, Object> {
        let Some(row) = self.mapping.row(self.row) else {
            return Cow::Borrowed(resource);
        };
        let is_it = holds_name(self.mapping, self.row, reading, &self.wanted);
        if is_it && row.leaf.get(resource) == Some(&self.asked) {
            return Cow::Borrowed(resource);
        }
        let mut seen = resource.clone();
        match is_it {
            true => row.leaf.set(&mut seen, self.asked.clone()),
            false => drop(row.leaf.remove(&mut seen)),
        }
        Cow::Owned(seen)
    }
}

impl Operation {
    async fn comparison(&self, kind: ResourceKind, way: &Way) -> Outcome<Option<Comparison<'_>>> {
        let Way::Lookup(index, asked) = way else {
            return Ok(None);
        };
        let mapping = self.mapping(kind)?;
        let Some((_, row)) = naming(mapping).find(|(row, _)| row == index) else {
            return Ok(None);
        };
        let native = self.looked_up_value(kind, *index, asked).await?;
        let wanted = native.and_then(|native| name(kind, row, &native));
        Ok(wanted.map(|wanted| Comparison {
            mapping,
            row: *index,
            asked: asked.clone(),
            wanted,
        }))
    }
}

/// A version covers the members, so what looks at one depends on them.
fn depends_on_members(filter: Option<&Filter>, sort: Option<&Sort>) -> bool {
    ["members", "meta"].into_iter().any(|attribute| {
        filter.is_some_and(|filter| filter.mentions(attribute))
            || sort.is_some_and(|sort| sort.is_by(attribute))
    })
}
