//! Reading the log.

use jiff::Timestamp;
use rusqlite::params;
use rusqlite::types::ToSql;
use serde::{Deserialize, Serialize};

use crate::adapter::keys::TenantId;
use crate::provisioning::memory::Recall;
use crate::provisioning::trace::{Action, Event, Status};
use crate::store::Store;
use crate::store::sql::{Db, Error, Result, Row};

/// Most events of one page.
const PAGE_MAX: usize = 1000;

/// Which events. What is not said matches all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Whose.
    pub tenant: Option<TenantId>,
    /// What came of it.
    pub status: Option<Status>,
    /// What it was for.
    pub action: Option<Action>,
    /// The code Entra shows, in any case.
    pub code: Option<String>,
    /// The SCIM id of what the request is about, or of whom it puts into a group or takes out of one.
    pub target_id: Option<String>,
    /// As it stands in the log: masked, if that is how it was written.
    pub identity: Option<String>,
    /// Begun at this time or later.
    pub since: Option<Timestamp>,
    /// Begun before this time.
    pub until: Option<Timestamp>,
}

/// From where a page goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest.
    #[default]
    Newest,
    /// Those before a page whose [`Page::last`] this is, newest first.
    Before(i64),
    /// Those that came after a page's [`Page::first`], oldest first: to follow the log.
    After(i64),
}

/// Some events, and how to go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// In the order asked for.
    pub events: Vec<Event>,
    /// The place of the newest event on the page; of none, where the page began.
    pub first: i64,
    /// The place of the oldest event on the page, if there may be older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
}

impl Store {
    /// At most `count` events of the provisioning log, and never more than 1,000.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn events(&self, filter: Filter, order: Order, count: usize) -> Recall<'_, Page> {
        self.read(move |db| page(db, &filter, order, count.clamp(1, PAGE_MAX)))
    }

    /// How many events there are.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn count(&self, filter: Filter) -> Recall<'_, u32> {
        self.read(move |db| {
            let (clauses, values) = clauses(&filter);
            let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
            // Only fixed words are put together here; every value is a parameter.
            let sql = format!("SELECT count(*) FROM event WHERE {clauses}TRUE");
            let count = db.row(&sql, &values, |row| row.get(0))?;
            Ok(count.unwrap_or_default())
        })
    }

    /// The events of one request: one, or one for each operation of a bulk request; none if the
    /// log does not have it (any more).
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn event(&self, request_id: &str) -> Recall<'_, Vec<Event>> {
        let request_id = request_id.to_owned();
        self.read(move |db| {
            db.rows(
                "SELECT document FROM event WHERE rowid IN (
                     SELECT rowid FROM event WHERE request_id = ?1)
                 ORDER BY tenant, part",
                params![request_id],
                |row| event(row, 0),
            )
        })
    }
}

fn page(db: &Db<'_>, filter: &Filter, order: Order, count: usize) -> Result<Page> {
    let (clauses, mut values) = clauses(filter);
    let (place, direction, begin) = match order {
        Order::Newest => ("rowid >", "DESC", 0),
        Order::Before(place) => ("rowid <", "DESC", place),
        Order::After(place) => ("rowid >", "ASC", place),
    };
    values.push(Box::new(begin));
    let last = values.len();
    // Only fixed words are put together here; every value is a parameter.
    let sql = format!(
        "SELECT rowid, document FROM event WHERE {clauses}{place} ?{last} ORDER BY rowid {direction} LIMIT {count}"
    );
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let rows = db.rows(&sql, &values, |row| {
        Ok((row.get::<i64>(0)?, event(row, 1)?))
    })?;
    let places = || rows.iter().map(|(place, _)| *place);
    Ok(Page {
        first: places().max().unwrap_or(begin),
        last: places().min().filter(|_| rows.len() == count),
        events: rows.into_iter().map(|(_, event)| event).collect(),
    })
}

/// `tenant = ?1 AND …`, and its values.
fn clauses(filter: &Filter) -> (String, Vec<Box<dyn ToSql>>) {
    let text = |text: &str| Box::new(text.to_owned()) as Box<dyn ToSql>;
    let time = |time: Timestamp| Box::new(time.as_millisecond()) as Box<dyn ToSql>;
    let wanted = [
        (
            "tenant =",
            filter.tenant.as_ref().map(|it| text(it.as_str())),
        ),
        ("status =", filter.status.map(|it| text(it.as_str()))),
        ("action =", filter.action.map(|it| text(it.as_str()))),
        (
            "lower(code) =",
            filter
                .code
                .as_deref()
                .map(|code| text(&code.to_lowercase())),
        ),
        ("identity =", filter.identity.as_deref().map(text)),
        ("at >=", filter.since.map(time)),
        ("at <", filter.until.map(time)),
    ];
    let (mut clauses, mut values) = (String::new(), Vec::new());
    for (clause, value) in wanted {
        if let Some(value) = value {
            values.push(value);
            clauses.push_str(&format!("{clause} ?{} AND ", values.len()));
        }
    }
    // Who joined or left a group is told in the event of the group.
    if let Some(id) = &filter.target_id {
        values.push(text(id));
        values.push(text(&member(id)));
        let (own, member) = (values.len() - 1, values.len());
        clauses.push_str(&format!(
            "(target_id = ?{own} OR document LIKE ?{member} ESCAPE '!') AND "
        ));
    }
    (clauses, values)
}

/// The pattern of a document in which somebody of this id joins or leaves.
fn member(id: &str) -> String {
    let mut pattern = String::new();
    for letter in serde_json::Value::from(id).to_string().chars() {
        if "%_!".contains(letter) {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    format!("%\"member\":{pattern}%")
}

fn event(row: &Row<'_>, column: usize) -> Result<Event> {
    serde_json::from_str(row.text(column)?).map_err(|_| Error::Damaged("event".to_owned()))
}
