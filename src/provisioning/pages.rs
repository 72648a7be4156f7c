//! The vendor's list, page by page: by number, by offset, or from cursor to cursor.

use super::operation::Operation;
use super::outcome::{NotDone, Outcome};
use super::reads::{Page, Place};
use crate::adapter::manifest::PagingStyle;
use crate::adapter::mapping::Reading;
use crate::scim::{ResourceKind, ScimError};

/// How many vendor pages one request may read.
const PAGES_MAX: usize = 50;

impl Operation {
    /// How many objects the vendor holds, and those of a window (from 0).
    pub(super) async fn page(
        &self,
        kind: ResourceKind,
        offset: usize,
        count: usize,
    ) -> Outcome<(usize, Vec<Reading>)> {
        // The vendor counts what is others' too.
        if self.is_fenced() {
            return self.window_of_own(kind, offset, count).await;
        }
        match self.adapter.manifest.paging.style {
            PagingStyle::Cursor => self.walked(kind, offset, count).await,
            // A vendor that counts pages cannot begin in the middle of one: the
            // window then spans two.
            PagingStyle::Page => {
                let begin = offset - offset % count.max(1);
                self.counted(kind, begin, offset, count).await
            }
            PagingStyle::Offset => self.counted(kind, offset, offset, count).await,
        }
    }

    /// A window of a vendor that can begin at a row.
    async fn counted(
        &self,
        kind: ResourceKind,
        begin: usize,
        offset: usize,
        count: usize,
    ) -> Outcome<(usize, Vec<Reading>)> {
        if count == 0 {
            let first = self.fetch_page(kind, Place::Row(0), 1).await?;
            return Ok((first.total.unwrap_or(0), Vec::new()));
        }
        let first = self.fetch_page(kind, Place::Row(begin), count).await?;
        let total = first.total.unwrap_or(0);
        let mut readings = self.counting_halves(first, begin != offset)?;
        if begin != offset && total > begin + count {
            let second = self.fetch_page(kind, Place::Row(begin + count), count);
            readings.extend(self.counting_halves(second.await?, true)?);
        }
        let held = readings.into_iter().skip(offset - begin).take(count);
        Ok((total, held.collect()))
    }

    /// A window of a vendor that only goes on from page to page; to the end if
    /// it does not tell how many objects there are.
    async fn walked(
        &self,
        kind: ResourceKind,
        offset: usize,
        count: usize,
    ) -> Outcome<(usize, Vec<Reading>)> {
        let (mut place, mut held, mut seen) = (Place::Cursor(None), Vec::new(), 0);
        let mut size = (offset + count).clamp(1, self.page_size());
        for _ in 0..PAGES_MAX {
            let page = self.fetch_page(kind, place, size).await?;
            if page.expired {
                (place, held, seen) = (Place::Cursor(None), Vec::new(), 0);
                continue;
            }
            let (rows, before) = (page.readings.len() + page.lacks.len(), offset > seen);
            let (total, next) = (page.total, page.next.clone());
            let readings = self.counting_halves(page, before)?;
            let wanted = readings.into_iter().skip(offset.saturating_sub(seen));
            held.extend(wanted.take(count - held.len()));
            seen += rows;
            match (total, next) {
                (total, None) => return Ok((total.unwrap_or(seen), held)),
                (Some(total), _) if seen >= offset + count => return Ok((total, held)),
                (_, next) => place = Place::Cursor(next),
            }
            size = self.page_size();
        }
        Err(too_many())
    }

    /// The objects of a page. One of which the vendor shows only a part is there, so it is counted;
    /// it cannot be answered, so it is left out, and told to whoever runs the gateway.
    ///
    /// # Errors
    /// There are no others, as with a key that lacks a right; or rows are counted off, as where the
    /// window begins in the middle of the page (`is_cut`).
    fn counting_halves(&self, page: Page, is_cut: bool) -> Outcome<Vec<Reading>> {
        let count = page.lacks.len();
        match page.lacks.into_iter().next() {
            None => Ok(page.readings),
            Some(lack) if is_cut || page.readings.is_empty() => Err(lack.into()),
            Some(lack) => {
                tracing::warn!(tenant = %self.tenant, count, first = lack.cause(),
                    action = "complete them at the vendor, or correct the row that says it is required",
                    "objects that the vendor shows only a part of were left out of a list");
                Ok(page.readings)
            }
        }
    }

    /// A window of the rows that are the tenant's own.
    async fn window_of_own(
        &self,
        kind: ResourceKind,
        offset: usize,
        count: usize,
    ) -> Outcome<(usize, Vec<Reading>)> {
        let (mut all, mut held, mut seen) = (self.everything(kind), Vec::new(), 0);
        loop {
            match all.next().await? {
                Rows::Next(readings) => {
                    let rows = readings.len();
                    let wanted = readings.into_iter().skip(offset.saturating_sub(seen));
                    held.extend(wanted.take(count - held.len()));
                    seen += rows;
                }
                Rows::Restart => (held, seen) = (Vec::new(), 0),
                Rows::End => return Ok((seen, held)),
            }
        }
    }

    /// All of the vendor's rows, to be taken page by page.
    pub(super) fn everything(&self, kind: ResourceKind) -> Everything<'_> {
        let first = match self.has_cursors() {
            true => Place::Cursor(None),
            false => Place::Row(0),
        };
        Everything {
            operation: self,
            kind,
            place: Some(first),
            pages: 0,
        }
    }

    /// Where to go on after a page that ended before `row`; `None` after the last.
    fn place_after(&self, page: &Page, row: usize) -> Option<Place> {
        if self.has_cursors() {
            return page.next.clone().map(|next| Place::Cursor(Some(next)));
        }
        let ended = page.rows == 0 || page.total.is_none_or(|total| row >= total);
        (!ended).then_some(Place::Row(row))
    }

    fn has_cursors(&self) -> bool {
        self.adapter.manifest.paging.style == PagingStyle::Cursor
    }

    fn page_size(&self) -> usize {
        usize::try_from(self.adapter.manifest.paging.size.max(1)).unwrap_or(1)
    }
}

/// All of the vendor's rows, page by page.
pub(super) struct Everything<'o> {
    operation: &'o Operation,
    kind: ResourceKind,
    /// `None` after the last page.
    place: Option<Place>,
    pages: usize,
}

/// What comes next of all rows.
pub(super) enum Rows {
    /// These.
    Next(Vec<Reading>),
    /// The first ones again: the vendor no longer knows its cursor, and what came before is not to
    /// be used.
    Restart,
    /// Nothing more.
    End,
}

impl Everything<'_> {
    /// The next page.
    ///
    /// # Errors
    /// `tooMany` beyond [`PAGES_MAX`] pages; an object of which the vendor shows only a part, for
    /// what is asked of all of them cannot be told of it.
    pub(super) async fn next(&mut self) -> Outcome<Rows> {
        let Some(place) = self.place.take() else {
            return Ok(Rows::End);
        };
        if self.pages == PAGES_MAX {
            return Err(too_many());
        }
        self.pages += 1;
        let size = self.operation.page_size();
        let page = self.operation.fetch_page(self.kind, place, size).await?;
        if page.expired {
            self.place = Some(Place::Cursor(None));
            return Ok(Rows::Restart);
        }
        if let Some(lack) = page.lacks.first() {
            return Err(lack.clone().into());
        }
        self.place = self.operation.place_after(&page, self.pages * size);
        Ok(Rows::Next(page.readings))
    }
}

fn too_many() -> NotDone {
    ScimError::too_many(
        "The vendor can neither search nor sort by this attribute and holds too many objects to read \
         them all. Use an attribute it can search by as matching property, such as userName.",
    )
    .into()
}
