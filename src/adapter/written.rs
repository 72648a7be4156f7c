//! Where things stand in a manifest as written.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Where the last of nested names stands.
pub(super) fn named(text: &str, names: &[&str]) -> Option<Range<usize>> {
    let parsed = DeTable::parse(text).ok()?;
    let mut table = parsed.get_ref();
    let mut place = None;
    for name in names {
        let (written, value) = table.iter().find(|(known, _)| known.get_ref() == name)?;
        place = Some(written.span());
        if let DeValue::Table(inner) = value.get_ref() {
            table = inner;
        }
    }
    place
}

/// Where the rows of the error table begin: the first line of each.
pub(super) fn error_rows(text: &str) -> Vec<Range<usize>> {
    let Ok(parsed) = DeTable::parse(text) else {
        return Vec::new();
    };
    let replies = parsed.get_ref().get("replies").map(|it| it.get_ref());
    let errors = match replies {
        Some(DeValue::Table(replies)) => replies.get("errors").map(|it| it.get_ref()),
        _ => None,
    };
    let Some(DeValue::Array(rows)) = errors else {
        return Vec::new();
    };
    let places = rows.iter().map(|row| {
        let place = row.span();
        // The span of `[[replies.errors]]` may hold all of its lines.
        let first = text.get(place.clone()).and_then(|it| it.lines().next());
        place.start..place.start + first.map_or(0, |line| line.trim_end().len())
    });
    places.collect()
}
