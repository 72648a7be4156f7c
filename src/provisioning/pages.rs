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
            let own = self.everything(kind).await?;
            let total = own.len();
            return Ok((total, own.into_iter().skip(offset).take(count).collect()));
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
        let mut readings = first.readings;
        if begin != offset && total > begin + count {
            let second = self.fetch_page(kind, Place::Row(begin + count), count);
            readings.extend(second.await?.readings);
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
            let rows = page.readings.len();
            let wanted = page.readings.into_iter().skip(offset.saturating_sub(seen));
            held.extend(wanted.take(count - held.len()));
            seen += rows;
            match (page.total, page.next) {
                (total, None) => return Ok((total.unwrap_or(seen), held)),
                (Some(total), _) if seen >= offset + count => return Ok((total, held)),
                (_, next) => place = Place::Cursor(next),
            }
            size = self.page_size();
        }
        Err(too_many())
    }

    /// All of the vendor's rows.
    ///
    /// # Errors
    /// `tooMany` beyond [`PAGES_MAX`] pages.
    pub(super) async fn everything(&self, kind: ResourceKind) -> Outcome<Vec<Reading>> {
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

fn too_many() -> NotDone {
    ScimError::too_many(
        "The vendor can neither search nor sort by this attribute and holds too many objects to read \
         them all. Use an attribute it can search by as matching property, such as userName.",
    )
    .into()
}
