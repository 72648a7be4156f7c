//! Reading from the vendor: `get_…`, `find_…`, `list_…` of the script.

use std::sync::Arc;

use rhai::{Dynamic, Map};
use serde_json::Value;

use super::calls::{Rows, argument};
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::trace::Step;
use crate::adapter::keys::NativeId;
use crate::adapter::manifest::PagingStyle;
use crate::adapter::mapping::{Reading, Refusal};
use crate::scim::compare::fold;
use crate::scim::{Object, ResourceKind};
use crate::script::fault::Failure;

/// Where a page of the vendor's list begins.
pub(super) enum Place {
    /// At a row, from 0.
    Row(usize),
    /// Where the page before ended; at the first row without one.
    Cursor(Option<String>),
}

/// One page of the vendor's list.
pub(super) struct Page {
    pub(super) readings: Vec<Reading>,
    /// Of all pages. A vendor with cursors may not tell.
    pub(super) total: Option<usize>,
    /// Where the next page begins, for a vendor with cursors; `None` after the last.
    pub(super) next: Option<String>,
    /// How many rows came, those of others included.
    pub(super) rows: usize,
    /// Of each object of which the vendor shows only a part, also when it is read: why that cannot
    /// be used. It is there, and left out of `readings`.
    pub(super) lacks: Vec<Failure>,
    /// The vendor no longer knows the cursor: nothing was read.
    pub(super) expired: bool,
}

impl Operation {
    /// `get_…(id)`; `None` if the vendor says there is no such object.
    pub(super) async fn fetch(
        &self,
        kind: ResourceKind,
        id: &NativeId,
    ) -> Outcome<Option<Reading>> {
        let fetched = self.fetch_plain(kind, id).await?;
        self.referring(kind, fetched).await
    }

    /// The same with references as the vendor holds them.
    pub(super) async fn fetch_plain(
        &self,
        kind: ResourceKind,
        id: &NativeId,
    ) -> Outcome<Option<Reading>> {
        let (mapping, asked) = (Arc::clone(self.mapping(kind)?), id.clone());
        let subject = Subject::native(kind, id);
        let fetched = self.call(subject.clone(), move |vm| {
            let function = format!("get_{}", kind.snake());
            let found = vm.object(&mapping, &function, (asked.to_string(),))?;
            only(&asked, found)
        });
        let fetched = match fetched.await {
            // RFC 7643 §3.1: an id is compared exactly, however the vendor reads it.
            Ok(Some(reading)) if reading.id != *id && !self.is_issued(kind) => None,
            Ok(found) => found,
            Err(absent) if absent.is_absent(&subject) => None,
            Err(other) => return Err(other),
        };
        self.story.note(Step::Read {
            found: fetched.is_some(),
        });
        match &fetched {
            Some(reading) => self.saw(kind, &reading.id),
            None => self.known.gone(&self.tenant, kind, id),
        }
        Ok(fetched)
    }

    /// `find_…(field, value)` for one row of the table and a SCIM value. Candidates only: the
    /// caller looks whether they really match. A value that no object can have finds nothing.
    pub(super) async fn find(
        &self,
        kind: ResourceKind,
        row: usize,
        value: &Value,
    ) -> Outcome<Vec<Reading>> {
        let found = self.find_plain(kind, row, value).await?;
        self.referring(kind, found).await
    }

    /// The same with references as the vendor holds them.
    pub(super) async fn find_plain(
        &self,
        kind: ResourceKind,
        row: usize,
        value: &Value,
    ) -> Outcome<Vec<Reading>> {
        match self.looked_up_value(kind, row, value).await? {
            Some(native) => self.find_native(kind, row, &native).await,
            None => Ok(Vec::new()),
        }
    }

    /// The native value by which the vendor looks a SCIM value up; `None` for one that no object
    /// can have.
    pub(super) async fn looked_up_value(
        &self,
        kind: ResourceKind,
        row: usize,
        value: &Value,
    ) -> Outcome<Option<Value>> {
        let mapping = Arc::clone(self.mapping(kind)?);
        let (of, value) = (Arc::clone(&mapping), value.clone());
        let converted = self.convert(&mapping, [row], move |closures| {
            let row = of.row(row).filter(|row| row.lookup.is_some())?;
            Some(of.to_native(row, &value, &Object::new(), closures))
        });
        match converted.await? {
            None => Ok(None),
            Some(Ok(native)) => Ok((!native.is_null()).then_some(native)),
            Some(Err(Refusal::Failed(failure))) if !matches!(failure, Failure::Client(_)) => {
                Err(failure.into())
            }
            Some(Err(_)) => Ok(None),
        }
    }

    /// `find_…(field, value)` for a native value.
    pub(super) async fn find_native(
        &self,
        kind: ResourceKind,
        row: usize,
        native: &Value,
    ) -> Outcome<Vec<Reading>> {
        let mapping = Arc::clone(self.mapping(kind)?);
        let Some(field) = mapping.row(row).and_then(|row| row.lookup.clone()) else {
            return Ok(Vec::new());
        };
        let value = native.clone();
        let found = self.call(Subject::new(kind), move |vm| {
            let function = format!("find_{}", kind.snake());
            let rows = vm.call(&function, (field, argument(&value)))?;
            vm.objects(&mapping, &function, &rows)
        });
        let found = self
            .up_to_date(kind, row, native, listed(found.await)?)
            .await?;
        for reading in &found {
            self.saw(kind, &reading.id);
        }
        self.note_lookup(kind, row, found.len());
        Ok(found)
    }

    /// `list_…(page)`: rows from `place`, at most `count`.
    pub(super) async fn fetch_page(
        &self,
        kind: ResourceKind,
        place: Place,
        count: usize,
    ) -> Outcome<Page> {
        let mapping = Arc::clone(self.mapping(kind)?);
        let style = self.adapter.manifest.paging.style;
        let goes_on = matches!(place, Place::Cursor(Some(_)));
        let subject = Subject::new(kind);
        let fetched = self.call(subject.clone(), move |vm| {
            let function = format!("list_{}s", kind.snake());
            let given = vm.call(&function, (page_argument(style, &place, count),))?;
            let (expected, counted) = match style {
                PagingStyle::Cursor => ("an object with `rows`, an array", false),
                _ => (
                    "an object with `rows`, an array, and `total`, a number",
                    true,
                ),
            };
            let misshapen = || vm.misshapen(&function, &given, expected);
            let page = given.read_lock::<Map>().ok_or_else(misshapen)?;
            let total = page.get("total").and_then(count_of);
            let rows = page.get("rows").filter(|rows| !rows.is_unit());
            let rows = rows.filter(|_| total.is_some() || !counted);
            let rows = rows.ok_or_else(misshapen)?;
            if !rows.is_array() {
                return Err(vm.misshapen(&function, rows, "an array in `rows`"));
            }
            let next = page.get("next").filter(|next| !next.is_unit());
            let Rows { whole, lacks } = vm.rows(&mapping, &function, rows)?;
            Ok(Page {
                readings: whole,
                lacks,
                rows: rows.read_lock::<rhai::Array>().map_or(0, |rows| rows.len()),
                total,
                next: next.map(ToString::to_string),
                expired: false,
            })
        });
        let page = match fetched.await {
            Err(gone) if goes_on && (gone.is_absent(&subject) || gone.is_expired()) => Ok(Page {
                readings: Vec::new(),
                lacks: Vec::new(),
                rows: 0,
                total: None,
                next: None,
                expired: true,
            }),
            fetched => listed(fetched),
        };
        let mut page = page?;
        self.without_gone(kind, &mut page.readings).await?;
        for reading in &page.readings {
            self.saw(kind, &reading.id);
        }
        let rows = page.readings.len();
        self.story.note(Step::Page { rows });
        page.readings = self.referring(kind, page.readings).await?;
        Ok(page)
    }

    /// `list_members(group)`.
    pub(super) async fn fetch_members(&self, group: &NativeId) -> Outcome<Vec<NativeId>> {
        let key = group.to_string();
        let subject = Subject::native(ResourceKind::Group, group);
        let members = self.call(subject, move |vm| vm.ids("list_members", (key,)));
        let members = members.await?;
        for member in &members {
            // With a fence a member may be another customer's.
            if !self.is_fenced() {
                self.known.saw(&self.tenant, ResourceKind::User, member);
            }
        }
        Ok(members)
    }

    /// `list_memberships(user)`: the groups a user is in.
    pub(super) async fn fetch_memberships(&self, user: &NativeId) -> Outcome<Vec<NativeId>> {
        let key = user.to_string();
        let subject = Subject::native(ResourceKind::User, user);
        self.call(subject, move |vm| vm.ids("list_memberships", (key,)))
            .await
    }
}

/// A vendor that gives another object than it was asked for is not believed:
/// what it gave is somebody else's. Names may come back in other letter case.
pub(super) fn only(asked: &NativeId, given: Option<Reading>) -> Result<Option<Reading>, Failure> {
    let same = |reading: &Reading| fold(reading.id.as_str()) == fold(asked.as_str());
    match given {
        Some(reading) if !same(&reading) => Err(Failure::unusable(
            "one object was asked for by its id, and another one came",
        )),
        given => Ok(given),
    }
}

/// A list exists, if only an empty one. "Absent" is then said of the path: the base URL is wrong,
/// and Entra must not take that for an empty directory.
fn listed<T>(given: Outcome<T>) -> Outcome<T> {
    given.map_err(|not_done| match not_done {
        NotDone::Absent(_) => Failure::unusable(
            "the vendor says that there is no such list: the tenant's base_url is wrong, or the path in the script",
        )
        .into(),
        other => other,
    })
}

/// A count as a number, or as the text that XML has for it.
fn count_of(total: &Dynamic) -> Option<usize> {
    let number = total.as_int().ok();
    number.map_or_else(
        || total.read_lock::<rhai::ImmutableString>()?.parse().ok(),
        |number| usize::try_from(number).ok(),
    )
}

fn page_argument(style: PagingStyle, place: &Place, count: usize) -> Map {
    let number = |n: usize| Dynamic::from(i64::try_from(n).unwrap_or(i64::MAX));
    let first = match place {
        Place::Cursor(after) => (
            "after".into(),
            after.clone().map_or(Dynamic::UNIT, Dynamic::from),
        ),
        Place::Row(row) if style == PagingStyle::Page => {
            ("page".into(), number(row / count.max(1) + 1))
        }
        Place::Row(row) => ("offset".into(), number(*row)),
    };
    Map::from([first, ("size".into(), number(count))])
}
