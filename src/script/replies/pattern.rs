//! What an error says in words, with places that may be anything.

use serde::Deserialize;

/// The place that names the field an error is about.
const FIELD: &str = "{field}";

/// A text as a manifest writes it: `*` stands for anything, `{field}` for the name of the field
/// that the error is about. It is compared whole and without the case of ASCII letters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern {
    /// What stands between the places, lower case: one more than there are places.
    literals: Vec<String>,
    /// Which place is the field's, from 0.
    field: Option<usize>,
}

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        let (mut literals, mut field) = (Vec::new(), None);
        for (index, part) in written.split(FIELD).enumerate() {
            match index {
                0 => {}
                1 => field = Some(literals.len() - 1),
                _ => return Err("a pattern has one {field} at most"),
            }
            literals.extend(part.split('*').map(str::to_ascii_lowercase));
        }
        Ok(Self { literals, field })
    }
}

impl Pattern {
    /// Whether a text fits, and what stands in the place of the field. Each place takes as little
    /// as it can.
    pub(super) fn matches<'t>(&self, text: &'t str) -> Option<Option<&'t str>> {
        let text = text.trim();
        let plain = text.to_ascii_lowercase();
        let (first, rest) = self.literals.split_first()?;
        let mut at = plain.starts_with(first.as_str()).then_some(first.len())?;
        let mut field = None;
        for (place, literal) in rest.iter().enumerate() {
            let begins = match place + 1 == rest.len() {
                true => {
                    let begins = plain.len().checked_sub(literal.len())?;
                    (begins >= at && plain.ends_with(literal.as_str())).then_some(begins)?
                }
                false => at + plain.get(at..)?.find(literal.as_str())?,
            };
            if self.field == Some(place) {
                field = Some(text.get(at..begins)?.trim()).filter(|name| !name.is_empty());
                field?;
            }
            at = begins + literal.len();
        }
        (at == plain.len()).then_some(field)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expect: Option<Option<&str>>) {
        let pattern = Pattern::try_from(pattern.to_owned()).unwrap();
        assert_eq!(pattern.matches(text), expect, "{text}");
    }

    #[test]
    fn a_pattern_is_compared_whole_and_finds_the_field() {
        check("Not found", "not FOUND ", Some(None));
        check("Not found", "Not found!", None);
        check("*taken*", "Login has been taken by 7", Some(None));
        check("*taken", "Login has been taken by 7", None);
        check("", "x", None);
        check("*", "", Some(None));
        let taken = "{field} has already been taken";
        check(
            taken,
            "Last name has already been taken",
            Some(Some("Last name")),
        );
        check(taken, " has already been taken", None);
        check(
            "*\"{field}\"* exists.",
            "User \"mail\" exists.",
            Some(Some("mail")),
        );
        check("a*a", "a", None);
        check("{field}: *", "Größe: zu groß", Some(Some("Größe")));
    }

    #[test]
    fn a_pattern_names_one_field() {
        assert!(Pattern::try_from("{field} {field}".to_owned()).is_err());
    }
}
