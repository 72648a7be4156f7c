//! What a filter matches, and what must be sorted: the vendor is asked as little as it allows, and
//! what it gives are candidates only. A filter it ignores, or takes as a substring, must not become
//! a wrong match.

use std::borrow::Cow;
use std::slice;

use serde_json::Value;

use super::Operation;
use crate::adapter::keys::ScimId;
use crate::adapter::mapping::Reading;
use crate::scim::sort::Key;
use crate::scim::{Filter, Object, Query, ResourceKind, Sort};
use crate::script::fault::Failure;

/// How a filter is answered.
enum Plan {
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
    ) -> Result<(usize, Vec<Object>), Failure> {
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
    ) -> Result<Vec<(Option<Key>, Match<'q>)>, Failure> {
        let types = &self.mapping(kind)?.resource_type;
        let names = match among_others {
            true => Cow::Owned(types.widened(&self.service.resource_types)),
            false => Cow::Borrowed(types),
        };
        let filter = query.filter.as_ref();
        let readings = match filter {
            Some(filter) if among_others && !filter.may_match(types, &names) => Vec::new(),
            Some(filter) => self.candidates(kind, filter).await?,
            None => self.everything(kind).await?,
        };
        let has_members = depends_on_members(filter, query.sort.as_ref());
        let resources = self.resources(kind, &readings, has_members).await?;
        let mut found = Vec::new();
        for (reading, resource) in readings.into_iter().zip(resources) {
            if filter.is_none_or(|filter| filter.matches(&resource, &names)) {
                let key = query.sort.as_ref();
                let key = key.and_then(|sort| sort.key(&resource, &names));
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
    async fn shown(&self, found: Match<'_>) -> Result<Vec<Object>, Failure> {
        let Match {
            kind,
            query,
            reading,
            resource,
            has_members,
        } = found;
        let resources = match !has_members && self.shows_members(&query.projection) {
            true => {
                self.resources(kind, slice::from_ref(&reading), true)
                    .await?
            }
            false => vec![resource],
        };
        self.projected(kind, resources, &query.projection)
    }

    /// What may match a filter.
    async fn candidates(
        &self,
        kind: ResourceKind,
        filter: &Filter,
    ) -> Result<Vec<Reading>, Failure> {
        match self.plan(kind, filter)? {
            Plan::One(id) => match self.native_id(kind, &id).await {
                Ok(native) => Ok(self.fetch(kind, &native).await?.into_iter().collect()),
                Err(failure) if failure.is_absent() => Ok(Vec::new()),
                Err(failure) => Err(failure),
            },
            Plan::Lookup(row, value) => self.find(kind, row, &value).await,
            Plan::Scan => self.everything(kind).await,
        }
    }

    fn plan(&self, kind: ResourceKind, filter: &Filter) -> Result<Plan, Failure> {
        let mapping = self.mapping(kind)?;
        let Some(equalities) = filter.equalities() else {
            return Ok(Plan::Scan);
        };
        let id = equalities
            .iter()
            .find(|(leaf, _)| leaf.attribute == "id" && leaf.schema.is_none());
        if let Some((_, Value::String(id))) = id {
            return Ok(Plan::One(ScimId::new(id)));
        }
        let lookup = equalities.iter().find_map(|(leaf, value)| {
            let (row, held) = mapping.row_compared(leaf)?;
            (held.lookup.is_some() && value.is_string())
                .then(|| Plan::Lookup(row, (*value).clone()))
        });
        Ok(lookup.unwrap_or(Plan::Scan))
    }
}

/// A version covers the members, so what looks at one depends on them.
fn depends_on_members(filter: Option<&Filter>, sort: Option<&Sort>) -> bool {
    ["members", "meta"].into_iter().any(|attribute| {
        filter.is_some_and(|filter| filter.mentions(attribute))
            || sort.is_some_and(|sort| sort.is_by(attribute))
    })
}
