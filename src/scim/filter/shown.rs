//! Filters and paths as text, their values as they are or as somebody else shows them.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use super::{Filter, Test};
use crate::scim::Path;

/// How a value is written.
pub type Show = fn(&Value, &mut Formatter<'_>) -> fmt::Result;

/// A filter or a path, its values written by a function; those of `type` always as they are,
/// for they are words of a schema.
pub struct Shown<'a, T> {
    what: &'a T,
    show: Show,
}

impl Filter {
    /// The filter with its values as `show` writes them.
    pub fn shown(&self, show: Show) -> Shown<'_, Self> {
        Shown { what: self, show }
    }
}

impl Path {
    /// The path with the values in its filter as `show` writes them.
    pub fn shown(&self, show: Show) -> Shown<'_, Self> {
        Shown { what: self, show }
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.shown(<Value as Display>::fmt).fmt(f)
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.shown(<Value as Display>::fmt).fmt(f)
    }
}

impl Display for Shown<'_, Filter> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let show = self.show;
        match self.what {
            Filter::And(parts) => joined(f, parts, " and ", show),
            Filter::Or(parts) => joined(f, parts, " or ", show),
            Filter::Not(inner) => write!(f, "not ({})", inner.shown(show)),
            Filter::Test(path, Test::Present) if path.filter.is_some() && path.sub.is_none() => {
                path.shown(show).fmt(f)
            }
            Filter::Test(path, Test::Present) => write!(f, "{} pr", path.shown(show)),
            Filter::Test(path, Test::Compare(operator, value)) => {
                write!(f, "{} {} ", path.shown(show), operator.as_str())?;
                match names_type(path) {
                    true => value.fmt(f),
                    false => show(value, f),
                }
            }
        }
    }
}

impl Display for Shown<'_, Path> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.what.attr.fmt(f)?;
        if let Some(filter) = &self.what.filter {
            write!(f, "[{}]", filter.shown(self.show))?;
        }
        match &self.what.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Filter], word: &str, show: Show) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match part {
            Filter::Or(_) => write!(f, "({})", part.shown(show))?,
            _ => part.shown(show).fmt(f)?,
        }
    }
    Ok(())
}

fn names_type(path: &Path) -> bool {
    path.sub().unwrap_or(&path.attr.attribute) == "type"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::scim::{Profile, ResourceType};

    #[test]
    fn values_are_written_by_the_function_and_types_as_they_are() {
        let text = r#"emails[type eq "work"].value eq "anna@example.com" and (active eq true or not (title pr))"#;
        let filter = Filter::parse(text, &ResourceType::user(), Profile::Entra).unwrap();
        assert_eq!(filter.to_string(), text);
        assert_eq!(
            filter.shown(|_, f| f.write_str("…")).to_string(),
            r#"emails[type eq "work"].value eq … and (active eq … or not (title pr))"#
        );
    }
}
