//! `GET /users`: filters and pages.

use super::user::{Status, User};
use crate::kit::Call;
use serde::Serialize;

/// The filters of one call. Parameters it does not know are ignored, so that everybody comes back.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    pub(super) email: Option<String>,
    pub(super) login: Option<String>,
    pub(super) external_ref: Option<String>,
    user_group: Option<String>,
}

/// Which page, from 1, of how many rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paging {
    page: usize,
    limit: usize,
}

/// `{"data": […], "page": 1, "limit": 100, "pages": 3, "total": 204}`.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    data: Vec<T>,
    page: usize,
    limit: usize,
    pages: usize,
    total: usize,
}

impl Lookup {
    pub(super) fn of(call: &Call) -> Self {
        let mut lookup = Self::default();
        for (name, value) in call.parameters() {
            match name.as_str() {
                "email" => lookup.email = Some(value.to_lowercase()),
                "login" => lookup.login = Some(value.to_lowercase()),
                "external_ref" => lookup.external_ref = Some(value),
                "user_group" => lookup.user_group = Some(value),
                _ => {}
            }
        }
        lookup
    }

    /// Archived rows are seen by those who ask for one by a key: they still block its reuse.
    pub(super) fn finds(&self, user: &User) -> bool {
        let same = |wanted: &Option<String>, has: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == has
        };
        let login = || user.get("login").map(str::to_lowercase);
        (self.is_by_key() || user.status != Status::Archived)
            && same(&self.email, user.get("email"))
            && (self.login.is_none() || self.login == login())
            && same(&self.external_ref, user.get("external_ref"))
            && same(&self.user_group, user.user_group.as_deref())
    }

    fn is_by_key(&self) -> bool {
        self.email.is_some() || self.login.is_some() || self.external_ref.is_some()
    }
}

impl Paging {
    /// 100 rows by default, 250 at most; what is no number counts as absent.
    pub(super) fn of(call: &Call) -> Self {
        let number = |wanted: &str| {
            let value = call.parameter(wanted).and_then(|value| value.parse().ok());
            value.filter(|number| *number > 0)
        };
        Self {
            page: number("page").unwrap_or(1),
            limit: number("limit").unwrap_or(100).min(250),
        }
    }

    /// The page of `rows`; empty beyond the last.
    pub(super) fn cut<T>(self, rows: impl Iterator<Item = T>) -> Page<T> {
        let Self { page, limit } = self;
        let first = (page - 1).saturating_mul(limit);
        let mut total = 0;
        let mut data = Vec::new();
        for row in rows {
            if total >= first && data.len() < limit {
                data.push(row);
            }
            total += 1;
        }
        Page {
            data,
            page,
            limit,
            pages: total.div_ceil(limit),
            total,
        }
    }
}
