//! Reading: one resource, a list, a list over all resource types.

use std::time::{SystemTime, UNIX_EPOCH};

use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::view::changed_since;
use crate::adapter::keys::{NativeId, ScimId};
use crate::scim::cursor::{Cursor, Scope};
use crate::scim::response::{Page, cursor_response, list_response};
use crate::scim::version::Verdict;
use crate::scim::{Object, Preconditions, Projection, Query, ResourceKind, Response};
use crate::script::fault::{Failure, GatewayFault};

/// The part of a list that is asked for.
#[derive(Clone, Copy)]
struct Window {
    /// 0-based.
    offset: usize,
    count: usize,
}

impl Operation {
    /// `GET /Users/{id}` (RFC 7644 §3.4.1).
    pub(super) async fn get(
        &self,
        kind: ResourceKind,
        id: &str,
        projection: &Projection,
        conditions: &Preconditions,
    ) -> Result<Response, Failure> {
        let id = ScimId::new(id);
        let got = self.got(kind, &id, projection, conditions).await;
        got.map_err(|not_done| not_done.into_failure(Some(&Subject::scim(kind, &id))))
    }

    async fn got(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        projection: &Projection,
        conditions: &Preconditions,
    ) -> Outcome<Response> {
        self.mapping(kind)?;
        let native = self.native_id(kind, id).await?;
        let response = match kind == ResourceKind::User && projection.is_silent() {
            true => self.whole_user(id, &native).await,
            false => self.part(kind, id, &native, projection, conditions).await,
        };
        let response = response.map_err(|not_done| match not_done {
            NotDone::Absent(subject) if subject == Subject::native(kind, &native) => {
                NotDone::Absent(Subject::scim(kind, id))
            }
            other => other,
        })?;
        self.heard(kind, &native, None);
        let version = response.version.clone().unwrap_or_default();
        match conditions.of_read(&version) {
            Verdict::Go => Ok(response),
            Verdict::NotModified => Ok(Response::not_modified(version)),
            Verdict::Failed => Err(changed_since(kind).into()),
        }
    }

    async fn part(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        native: &NativeId,
        projection: &Projection,
        conditions: &Preconditions,
    ) -> Outcome<Response> {
        let with_members = !conditions.is_empty() || self.shows_members(projection);
        let resource = self.current(kind, id, native, with_members).await?;
        self.answer(kind, 200, resource, projection)
    }

    /// `GET /Users` (RFC 7644 §3.4.2), and the same over several resource types, of which each has
    /// its own reading of the query.
    pub(super) async fn list(
        &self,
        queries: &[(ResourceKind, &Query)],
    ) -> Result<Response, Failure> {
        let listed = self.listed(queries).await;
        let (total, response) = listed.map_err(|not_done| not_done.into_failure(None))?;
        self.verify_if_tested(queries, total).await?;
        Ok(response)
    }

    /// How many there are, and the answer.
    async fn listed(&self, queries: &[(ResourceKind, &Query)]) -> Outcome<(usize, Response)> {
        let Some((_, query)) = queries.first() else {
            return Err(GatewayFault::Internal.into());
        };
        let window = self.window(queries, query)?;
        let as_they_come = |query: &Query| query.filter.is_none() && query.sort.is_none();
        let mut page = Page::default();
        let total = match queries.iter().all(|(_, query)| as_they_come(query)) {
            true => self.pages(queries, window, &mut page).await?,
            false => {
                let found = self.search(queries, window.offset, window.count).await?;
                page.extend(found.1);
                found.0
            }
        };
        let body = match &query.cursor {
            None => list_response(total, query.start_index, page),
            Some(_) => cursor_response(total, self.next(queries, window, total), page),
        };
        Ok((total, Response::ok(body)))
    }

    /// A page of everything, as the vendor orders it; one resource type after the other.
    async fn pages(
        &self,
        queries: &[(ResourceKind, &Query)],
        window: Window,
        page: &mut Page,
    ) -> Outcome<usize> {
        let mut total = 0;
        for (kind, query) in queries {
            let rest = Window {
                offset: window.offset.saturating_sub(total),
                count: window.count - page.count.min(window.count),
            };
            let (held, readings) = self.page(*kind, rest.offset, rest.count).await?;
            self.write_page(*kind, &readings, &query.projection, page)
                .await?;
            total = total.saturating_add(held);
        }
        Ok(total)
    }

    /// The window a query asks for, within what the vendor gives at once.
    ///
    /// # Errors
    /// Those of a cursor that is wrong, or used with another `count`.
    fn window(&self, queries: &[(ResourceKind, &Query)], query: &Query) -> Outcome<Window> {
        let given = query.count.map(|count| count.min(self.most()));
        let count = given.unwrap_or_else(|| self.most());
        let cursor = query.cursor.as_deref().filter(|text| !text.is_empty());
        let Some(text) = cursor else {
            let first = if query.cursor.is_some() {
                1
            } else {
                query.start_index
            };
            return Ok(Window {
                offset: size(first.saturating_sub(1)),
                count: size(count),
            });
        };
        let scope = scope(queries);
        let cursor = self.cursors.open(text, self.scope(&scope), now())?;
        let cursor = cursor.require_count(given.unwrap_or(cursor.count))?;
        Ok(Window {
            offset: size(cursor.position),
            count: size(cursor.count),
        })
    }

    /// The cursor of the page behind this one, if there is one.
    fn next(
        &self,
        queries: &[(ResourceKind, &Query)],
        window: Window,
        total: usize,
    ) -> Option<String> {
        let position = window.offset + window.count;
        if window.count == 0 || position >= total {
            return None;
        }
        let cursor = Cursor {
            position: u32::try_from(position).ok()?,
            count: u32::try_from(window.count).ok()?,
        };
        let scope = scope(queries);
        Some(self.cursors.seal(cursor, self.scope(&scope), now()))
    }

    fn scope<'a>(&'a self, query: &'a str) -> Scope<'a> {
        Scope {
            tenant: self.tenant.as_str(),
            query,
        }
    }

    /// Most resources on a page.
    fn most(&self) -> u32 {
        self.adapter
            .manifest
            .paging
            .size
            .max(1)
            .min(self.service.page_max)
    }

    pub(super) fn projected(
        &self,
        kind: ResourceKind,
        mut resources: Vec<Object>,
        projection: &Projection,
    ) -> Outcome<Vec<Object>> {
        let types = &self.mapping(kind)?.resource_type;
        for resource in &mut resources {
            projection.apply(resource, types);
        }
        Ok(resources)
    }
}

/// What a cursor goes on with: endpoints, filter and order in their canonical spelling.
fn scope(queries: &[(ResourceKind, &Query)]) -> String {
    let each = queries.iter().map(|(kind, query)| {
        let filter = query.filter.as_ref().map(ToString::to_string);
        let sort = query.sort.as_ref().map(ToString::to_string);
        let (filter, sort) = (filter.unwrap_or_default(), sort.unwrap_or_default());
        format!("{}?{filter}&{sort}\n", kind.endpoint())
    });
    each.collect()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
