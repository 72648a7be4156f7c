//! Where in a configuration file a key stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::Problem;

/// A problem at a key's value, or at the name of what encloses it; one of an
/// unknown key at its name. Without a place in what is no TOML.
pub(super) fn placed(text: &str, problem: Problem, key: &str) -> Problem {
    match place(text, key, problem.code == "config::unknown-key") {
        Some(place) => problem.at(place.start, place.len()),
        None => problem,
    }
}

fn place(text: &str, key: &str, name_only: bool) -> Option<Range<usize>> {
    let parsed = DeTable::parse(text).ok()?;
    let mut table = parsed.get_ref();
    let mut found = None;
    for name in key.split('.') {
        let Some((written, value)) = table.iter().find(|(known, _)| known.get_ref() == name) else {
            break;
        };
        found = Some(match name_only {
            true => written.span(),
            false => span_of(written, value),
        });
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found
}

/// A value, or the name of a section: what is in it is not all wrong.
fn span_of<K>(name: &Spanned<K>, value: &Spanned<DeValue<'_>>) -> Range<usize> {
    match value.get_ref() {
        DeValue::Table(_) => name.span(),
        _ => value.span(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, key: &str, expected: Option<&str>) {
        assert_eq!(place(text, key, false).map(|place| &text[place]), expected);
    }

    #[test]
    fn a_key_is_found_or_what_encloses_it() {
        let text = "workers = 0\n[server]\nlisten = 80\n[server.tls]\nkey = \"k\"\n";
        check(text, "workers", Some("0"));
        check(text, "server.listen", Some("80"));
        check(text, "server.tls.certificate", Some("tls"));
        check(text, "log.format", None);
        check("server = 3", "server.listen", Some("3"));
        check("{}", "server", None);
        assert_eq!(
            place(text, "server.listen", true).map(|place| &text[place]),
            Some("listen")
        );
    }
}
