//! What a filter matches, and what must be sorted: the vendor is asked as little as it allows, and
//! what it gives are candidates only. A filter it ignores, or takes as a substring, must not become
//! a wrong match.

use std::borrow::Cow;
use std::slice;

use serde_json::Value;

use super::held::Held;
use super::name::Name;
use super::names::{holds_name, name, naming};
use super::operation::Operation;
use super::outcome::{NotDone, Outcome};
use super::pages::Rows;
use crate::adapter::keys::ScimId;
use crate::adapter::mapping::{Mapping, Reading};
use crate::scim::sort::Key;
use crate::scim::work::{self, Spent, Work};
use crate::scim::{Filter, Object, Query, ResourceKind, ResourceType, Sort};
use crate::turns;

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
    resource: Object,
    /// What it was read as, where its members are still to be read.
    reading: Option<Reading>,
}

/// What candidates are judged by, and those that match.
struct Judging<'a, 'q> {
    kind: ResourceKind,
    query: &'q Query,
    /// The attributes that the query may name.
    names: Cow<'a, ResourceType>,
    compare: Option<Comparison<'a>>,
    has_members: bool,
    lacks_members: bool,
    work: Work,
    /// What is counted where everything is looked at.
    held: Option<&'a mut Held>,
    found: Vec<(Option<Key>, Match<'q>)>,
}

impl Operation {
    /// All matches are found and sorted; those of the window are answered.
    pub(super) async fn search(
        &self,
        queries: &[(ResourceKind, &Query)],
        offset: usize,
        count: usize,
    ) -> Outcome<(usize, Vec<Object>)> {
        let (mut found, mut held) = (Vec::new(), Held::of(&self.tenant));
        for (kind, query) in queries {
            let among_others = queries.len() > 1;
            found.extend(self.matches(*kind, query, among_others, &mut held).await?);
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
        held: &mut Held,
    ) -> Outcome<Vec<(Option<Key>, Match<'q>)>> {
        let types = &self.mapping(kind)?.resource_type;
        let names = match among_others {
            true => Cow::Owned(types.widened(&self.service.resource_types)),
            false => Cow::Borrowed(types),
        };
        let filter = query.filter.as_ref();
        if filter.is_some_and(|filter| among_others && !filter.may_match(types, &names)) {
            return Ok(Vec::new());
        }
        let way = match filter {
            Some(filter) => self.way(kind, filter)?,
            None => Way::Scan,
        };
        let has_members = depends_on_members(filter, query.sort.as_ref());
        let shows_members = kind == ResourceKind::Group && self.shows_members(&query.projection);
        let mut judging = Judging {
            kind,
            query,
            names,
            compare: None,
            has_members,
            lacks_members: shows_members && !has_members,
            work: Work::of(work::FILTER),
            held: None,
            found: Vec::new(),
        };
        let Some(candidates) = self.candidates(kind, &way).await? else {
            judging.held = Some(held);
            let mut all = self.everything(kind);
            loop {
                match all.next().await? {
                    Rows::Next(readings) => self.judge(&mut judging, readings).await?,
                    Rows::Restart => judging.found.clear(),
                    Rows::End => return Ok(judging.found),
                }
            }
        };
        judging.compare = self.comparison(kind, &way).await?;
        self.judge(&mut judging, candidates).await?;
        Ok(judging.found)
    }

    async fn judge(&self, judging: &mut Judging<'_, '_>, readings: Vec<Reading>) -> Outcome<()> {
        let (kind, query, names) = (judging.kind, judging.query, &judging.names);
        let resources = self.resources(kind, &readings, judging.has_members).await?;
        for (reading, resource) in readings.into_iter().zip(resources) {
            if judging.work.is_long() {
                turns::pass(self.tenant.as_str(), turns::REST).await;
            }
            let matches = |filter: &Filter| match &judging.compare {
                Some(compare) => filter.matches(&compare.seen(&reading, &resource), names),
                None => filter.matches(&resource, names),
            };
            let sort = query.sort.as_ref();
            let judged = judging.work.charged(|| {
                let is_match = query.filter.as_ref().is_none_or(matches);
                let key = sort.filter(|_| is_match);
                (is_match, key.and_then(|sort| sort.key(&resource, names)))
            });
            let (is_match, key) = judged.map_err(Spent::by_filter)?;
            if is_match {
                if let Some(held) = &mut judging.held {
                    held.take(&resource)?;
                }
                let found = Match {
                    kind,
                    query,
                    resource,
                    reading: judging.lacks_members.then_some(reading),
                };
                judging.found.push((key, found));
            }
        }
        Ok(())
    }

    /// A match as it is answered.
    async fn shown(&self, found: Match<'_>) -> Outcome<Vec<Object>> {
        let Match {
            kind,
            query,
            resource,
            reading,
        } = found;
        let resources = match reading {
            Some(reading) => {
                self.resources(kind, slice::from_ref(&reading), true)
                    .await?
            }
            None => vec![resource],
        };
        self.projected(kind, resources, &query.projection)
    }

    /// What may match a filter; `None` where that is everything.
    async fn candidates(&self, kind: ResourceKind, way: &Way) -> Outcome<Option<Vec<Reading>>> {
        Ok(Some(match way {
            Way::One(id) => match self.native_id(kind, id).await {
                Ok(native) => self.fetch(kind, &native).await?.into_iter().collect(),
                Err(NotDone::Absent(_)) => Vec::new(),
                Err(other) => return Err(other),
            },
            Way::Lookup(row, value) => self.find(kind, *row, value).await?,
            Way::Scan => return Ok(None),
        }))
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
