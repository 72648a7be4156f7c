//! One way to speak SQL to either database.
//!
//! The statements of this module's siblings are written once, in what SQLite and PostgreSQL have
//! in common; places are `?1`, `?2`, numbers are 64 bits wide, times are milliseconds since 1970.

use rusqlite::types::{FromSql, ToSql, ToSqlOutput, Value, ValueRef};

use super::postgres;
use crate::provisioning::process;

/// What a command of the store sees of the database: a transaction that is already begun.
pub(super) enum Db<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a postgres::Session),
}

/// Values of a statement's places, in their order.
pub(super) type Values<'a> = &'a [&'a dyn ToSql];

/// A statement could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Postgres(#[from] postgres::Fault),
    #[error("a stored {0} is not one; the row was edited by hand")]
    Damaged(String),
    #[error("a value cannot be stored: {0}")]
    Unwritable(String),
}

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

impl Db<'_> {
    /// Changes rows, and says how many.
    pub(super) fn execute(&self, sql: &str, values: Values<'_>) -> Result<usize> {
        match self {
            Self::Sqlite(db) => Ok(db.prepare_cached(sql)?.execute(values)?),
            Self::Postgres(session) => Ok(session.execute(sql, &[owned(values)?])?),
        }
    }

    /// The same statement for each of `rows`, in their order.
    pub(super) fn execute_each(&self, sql: &str, rows: &[Vec<Value>]) -> Result<usize> {
        match self {
            Self::Sqlite(db) => {
                let mut statement = db.prepare_cached(sql)?;
                let changed = rows
                    .iter()
                    .map(|row| statement.execute(rusqlite::params_from_iter(row)));
                Ok(changed.sum::<rusqlite::Result<usize>>()?)
            }
            Self::Postgres(session) => Ok(session.execute(sql, rows)?),
        }
    }

    /// All rows found.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        values: Values<'_>,
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Sqlite(db) => {
                let mut statement = db.prepare_cached(sql)?;
                let mut found = statement.query(values)?;
                let mut rows = Vec::new();
                while let Some(row) = found.next()? {
                    rows.push(read(&Row::Sqlite(row))?);
                }
                Ok(rows)
            }
            Self::Postgres(session) => {
                let found = session.query(sql, &[owned(values)?])?;
                let rows = found.into_iter().flatten();
                rows.map(|row| read(&Row::Postgres(row))).collect()
            }
        }
    }

    /// The first row found.
    pub(super) fn row<T>(
        &self,
        sql: &str,
        values: Values<'_>,
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.rows(sql, values, read)?.into_iter().next())
    }

    /// Milliseconds since 1970, by the clock that all who write to this database have in common.
    pub(super) fn now(&self) -> Result<i64> {
        match self {
            Self::Sqlite(_) => Ok(i64::try_from(process::now()).unwrap_or(i64::MAX)),
            Self::Postgres(_) => {
                let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
                let now = self.row(sql, &[], |row| row.get(0))?;
                now.ok_or_else(|| Error::Damaged("time".to_owned()))
            }
        }
    }

    /// For each of `asked`, in their order, the first row found.
    pub(super) fn row_each<T>(
        &self,
        sql: &str,
        asked: &[Vec<Value>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Option<T>>> {
        match self {
            Self::Sqlite(db) => {
                let mut statement = db.prepare_cached(sql)?;
                let one = |values: &Vec<Value>| {
                    let mut found = statement.query(rusqlite::params_from_iter(values))?;
                    let row = found.next()?;
                    row.map(|row| read(&Row::Sqlite(row))).transpose()
                };
                asked.iter().map(one).collect()
            }
            Self::Postgres(session) => {
                let found = session.query(sql, asked)?;
                let first = found.into_iter().map(|rows| rows.into_iter().next());
                first
                    .map(|row| row.map(|row| read(&Row::Postgres(row))).transpose())
                    .collect()
            }
        }
    }
}

/// A row that was found.
pub(super) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(Vec<Value>),
}

impl Row<'_> {
    /// A column's value as a `T`.
    pub(super) fn get<T: FromSql>(&self, column: usize) -> Result<T> {
        T::column_result(self.value(column)?).map_err(|error| Error::Damaged(error.to_string()))
    }

    /// A column's text.
    pub(super) fn text(&self, column: usize) -> Result<&str> {
        let text = self.value(column)?.as_str();
        text.map_err(|error| Error::Damaged(error.to_string()))
    }

    fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(column)?),
            Self::Postgres(row) => row
                .get(column)
                .map(ValueRef::from)
                .ok_or_else(|| Error::Damaged("row".to_owned())),
        }
    }
}

fn owned(values: Values<'_>) -> Result<Vec<Value>> {
    let owned = values.iter().map(|value| {
        Ok(match value.to_sql()? {
            ToSqlOutput::Owned(value) => value,
            ToSqlOutput::Borrowed(value) => {
                Value::try_from(value).map_err(|error| Error::Unwritable(error.to_string()))?
            }
            _ => return Err(Error::Unwritable("of no kind that is stored".to_owned())),
        })
    });
    owned.collect()
}
