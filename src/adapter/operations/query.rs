//! Reading: one resource, a page, a search.

use serde_json::Value;

use super::scripted::{Page, Place};
use super::{Operation, no_such};
use crate::adapter::keys::ScimId;
use crate::adapter::manifest::PagingStyle;
use crate::adapter::mapping::Reading;
use crate::adapter::outcome::Failure;
use crate::scim::response::list_response;
use crate::scim::{Filter, Leaf, Object, Projection, Query, ResourceKind, Response, ScimError};

/// How many vendor pages one search may read.
const PAGES_MAX: usize = 50;

/// How a filter is answered.
enum Plan {
    /// `id eq "…"`: read that one.
    One(ScimId),
    /// The vendor can look the value up: row of the table and value.
    Lookup(usize, Value),
    /// All rows are read and looked at.
    Scan,
}

impl Operation {
    /// `GET /Users/{id}` (RFC 7644 §3.4.1).
    pub(super) async fn get(
        &self,
        kind: ResourceKind,
        id: &str,
        projection: &Projection,
    ) -> Result<Response, Failure> {
        let id = ScimId::new(id);
        let native = self.native_id(kind, &id).await?;
        let reading = self.fetch(kind, &native).await?;
        let remembered = self
            .memory
            .recall(&self.key(kind, &id))
            .await?
            .unwrap_or_default();
        let with_members = projection.wants("members");
        let resource = match reading {
            None => self.kept(kind, &id, &remembered),
            Some(reading) => {
                let found = self.resource(kind, &id, &reading, &remembered, with_members);
                Some(found.await?)
            }
        };
        let resource = resource.ok_or_else(|| no_such(kind))?;
        self.answer(kind, 200, resource, projection)
    }

    /// `GET /Users` (RFC 7644 §3.4.2).
    pub(super) async fn list(
        &self,
        kind: ResourceKind,
        query: &Query,
    ) -> Result<Response, Failure> {
        let (total, resources) = match &query.filter {
            None => self.page(kind, query).await?,
            Some(filter) => self.search(kind, filter, query).await?,
        };
        let types = &self.mapping(kind)?.resource_type;
        let projected = resources.into_iter().map(|mut resource| {
            query.projection.apply(&mut resource, types);
            resource
        });
        Ok(Response::ok(list_response(
            total,
            query.start_index,
            projected.collect(),
        )))
    }

    /// A page of everything, as the vendor orders it.
    async fn page(
        &self,
        kind: ResourceKind,
        query: &Query,
    ) -> Result<(usize, Vec<Object>), Failure> {
        let (offset, count) = self.window(query);
        let (total, window) = if self.has_cursors() {
            self.walked_window(kind, offset, count).await?
        } else {
            self.counted_window(kind, offset, count).await?
        };
        let with_members = query.projection.wants("members");
        Ok((total, self.resources(kind, &window, with_members).await?))
    }

    /// The total and some rows of a vendor that can begin anywhere.
    async fn counted_window(
        &self,
        kind: ResourceKind,
        offset: usize,
        count: usize,
    ) -> Result<(usize, Vec<Reading>), Failure> {
        if count == 0 {
            let page = self.fetch_page(kind, Place::Row(0), 1).await?;
            return Ok((page.total.unwrap_or(0), Vec::new()));
        }
        // A vendor that counts pages cannot begin in the middle of one: the
        // window then spans two.
        let begin = offset - offset % count;
        let first = self.fetch_page(kind, Place::Row(begin), count).await?;
        let total = first.total.unwrap_or(0);
        let mut readings = first.readings;
        if begin != offset && total > begin + count {
            let second = self.fetch_page(kind, Place::Row(begin + count), count);
            readings.extend(second.await?.readings);
        }
        let window = readings.into_iter().skip(offset - begin).take(count);
        Ok((total, window.collect()))
    }

    /// The same of one that goes from page to page only; all pages if it does not
    /// tell how many rows there are.
    async fn walked_window(
        &self,
        kind: ResourceKind,
        offset: usize,
        count: usize,
    ) -> Result<(usize, Vec<Reading>), Failure> {
        let (mut place, mut window, mut seen) = (Place::Cursor(None), Vec::new(), 0);
        let mut size = (offset + count).clamp(1, self.page_size());
        for _ in 0..PAGES_MAX {
            let page = self.fetch_page(kind, place, size).await?;
            if page.expired {
                (place, window, seen) = (Place::Cursor(None), Vec::new(), 0);
                continue;
            }
            let rows = page.readings.len();
            let wanted = page.readings.into_iter().skip(offset.saturating_sub(seen));
            window.extend(wanted.take(count - window.len()));
            seen += rows;
            match (page.total, page.next) {
                (total, None) => return Ok((total.unwrap_or(seen), window)),
                (Some(total), _) if seen >= offset + count => return Ok((total, window)),
                (_, next) => place = Place::Cursor(next),
            }
            size = self.page_size();
        }
        Err(too_many())
    }

    /// What a filter matches. The vendor's answer is only candidates: a filter
    /// it ignores, or takes as a substring, must not become a wrong match.
    async fn search(
        &self,
        kind: ResourceKind,
        filter: &Filter,
        query: &Query,
    ) -> Result<(usize, Vec<Object>), Failure> {
        let candidates = match self.plan(kind, filter)? {
            Plan::One(id) => match self.native_id(kind, &id).await {
                Ok(native) => self.fetch(kind, &native).await?.into_iter().collect(),
                Err(failure) if failure.is_absent() => Vec::new(),
                Err(failure) => return Err(failure),
            },
            Plan::Lookup(row, value) => self.find(kind, row, &value).await?,
            Plan::Scan => self.everything(kind).await?,
        };
        let with_members = query.projection.wants("members") || asks_for_members(filter);
        let mut resources = self.resources(kind, &candidates, with_members).await?;
        let types = &self.mapping(kind)?.resource_type;
        resources.retain(|resource| filter.matches(resource, types));
        let (offset, count) = self.window(query);
        let total = resources.len();
        Ok((
            total,
            resources.into_iter().skip(offset).take(count).collect(),
        ))
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
            let (row, held) = mapping.row_of(leaf)?;
            (held.lookup.is_some() && value.is_string())
                .then(|| Plan::Lookup(row, (*value).clone()))
        });
        Ok(lookup.unwrap_or(Plan::Scan))
    }

    /// All of the vendor's rows.
    ///
    /// # Errors
    /// `tooMany` beyond [`PAGES_MAX`] pages.
    async fn everything(&self, kind: ResourceKind) -> Result<Vec<Reading>, Failure> {
        let size = self.page_size();
        let mut readings = Vec::new();
        let mut place = match self.has_cursors() {
            true => Place::Cursor(None),
            false => Place::Row(0),
        };
        for number in 1..=PAGES_MAX {
            let page = self.fetch_page(kind, place, size).await?;
            if page.expired {
                (place, readings) = (Place::Cursor(None), Vec::new());
                continue;
            }
            let next = self.place_after(&page, number * size);
            readings.extend(page.readings);
            match next {
                Some(next) => place = next,
                None => return Ok(readings),
            }
        }
        Err(too_many())
    }

    /// Where to go on after a page that ended before `row`; `None` after the last.
    fn place_after(&self, page: &Page, row: usize) -> Option<Place> {
        if self.has_cursors() {
            return page.next.clone().map(|next| Place::Cursor(Some(next)));
        }
        let ended = page.readings.is_empty() || page.total.is_none_or(|total| row >= total);
        (!ended).then_some(Place::Row(row))
    }

    fn has_cursors(&self) -> bool {
        self.adapter.manifest.paging.style == PagingStyle::Cursor
    }

    fn page_size(&self) -> usize {
        usize::try_from(self.adapter.manifest.paging.size.max(1)).unwrap_or(1)
    }

    /// 0-based offset and number of rows a query asks for, within what the
    /// vendor gives at once.
    fn window(&self, query: &Query) -> (usize, usize) {
        let offset = usize::try_from(query.start_index.saturating_sub(1)).unwrap_or(0);
        let most = self
            .page_size()
            .min(usize::try_from(self.service.page_max).unwrap_or(usize::MAX));
        let count = query.count.map_or(most, |count| {
            usize::try_from(count).unwrap_or(most).min(most)
        });
        (offset, count)
    }
}

fn too_many() -> Failure {
    ScimError::too_many(
        "The vendor cannot search by this attribute and holds too many objects to read them all. \
         Use an attribute it can search by as matching property, such as userName.",
    )
    .into()
}

fn asks_for_members(filter: &Filter) -> bool {
    let is_members = |leaf: &Leaf| leaf.attribute == "members";
    filter
        .equalities()
        .is_none_or(|equalities| equalities.iter().any(|(leaf, _)| is_members(leaf)))
}
