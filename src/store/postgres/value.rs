//! Values on their way to PostgreSQL and back.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use rusqlite::types::Value;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

type Fallible<T> = Result<T, Box<dyn Error + Sync + Send>>;

/// A value in a place of a statement.
#[derive(Debug)]
pub(super) struct Place<'a>(pub(super) &'a Value);

impl Place<'_> {
    /// As what it is sent. The server finds out by itself what a NULL is.
    pub(super) fn kind(&self) -> Type {
        match self.0 {
            Value::Null => Type::UNKNOWN,
            Value::Integer(_) => Type::INT8,
            Value::Real(_) => Type::FLOAT8,
            Value::Text(_) => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Place<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Fallible<IsNull> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(number) => number.to_sql(kind, out),
            Value::Real(number) => number.to_sql(kind, out),
            Value::Text(text) => escaped(text).as_ref().to_sql(kind, out),
            Value::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value in a column.
pub(super) struct Cell(pub(super) Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Fallible<Self> {
        Ok(Self(match *kind {
            Type::INT8 => Value::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Integer(i32::from_sql(kind, raw)?.into()),
            Type::BYTEA => Value::Blob(Vec::from_sql(kind, raw)?),
            _ => Value::Text(unescaped(<&str>::from_sql(kind, raw)?)),
        }))
    }

    fn from_sql_null(_: &Type) -> Fallible<Self> {
        Ok(Self(Value::Null))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::BYTEA)
            || <&str as FromSql<'_>>::accepts(kind)
    }
}

/// PostgreSQL's text has no NUL, and a stranger's id may: it is written as two characters, the
/// first of which then needs a form of its own.
fn escaped(text: &str) -> Cow<'_, str> {
    match text.contains(['\0', '\u{1}']) {
        true => text
            .replace('\u{1}', "\u{1}1")
            .replace('\0', "\u{1}0")
            .into(),
        false => text.into(),
    }
}

fn unescaped(text: &str) -> String {
    match text.contains('\u{1}') {
        true => text.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_and_none_has_a_nul_between() {
        let texts = [
            "",
            "a",
            "\0",
            "\u{1}",
            "\u{1}0",
            "\u{1}1",
            "\0\u{1}\0",
            "a\u{1}10\0",
        ];
        let sent: std::collections::BTreeSet<_> = texts.iter().map(|text| escaped(text)).collect();
        assert_eq!(sent.len(), texts.len());
        for text in texts {
            assert!(!escaped(text).contains('\0'));
            assert_eq!(unescaped(&escaped(text)), text);
        }
    }
}
