//! A table as people read it: `adapter show` and the pages beside the manifests.

use serde_json::Value;

use super::converter::Converter;
use super::row::Row;
use super::table::Mapping;
use crate::scim::schema::Kind;

/// One row, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described<'m> {
    /// The SCIM attribute in its canonical spelling.
    pub attribute: &'m str,
    /// Its type as Entra's attribute list names it: `String`, `Boolean`, `Reference`, …
    pub kind: &'static str,
    /// The native fields, dotted; none where the gateway remembers the value by itself.
    pub fields: Vec<String>,
    /// The row's method that converts the value, without its dot; `None` if it stays as it is.
    pub converted: Option<&'static str>,
    /// The vendor can find objects by it.
    pub filterable: bool,
    /// An object without it is refused; as `/Schemas` says.
    pub required: bool,
    /// An object without it is refused where it cannot be made of other attributes.
    pub made: bool,
    /// The vendor refuses a second object with the same value.
    pub unique: bool,
    /// Only the vendor sets it.
    pub read_only: bool,
    /// It is set and never shown.
    pub write_only: bool,
    /// What a new object has whose creator does not say.
    pub initially: Option<String>,
    /// Where the client sends no value, one is made.
    pub has_fallback: bool,
    /// How many characters the vendor gets at the most; the rest is cut off.
    pub cut: Option<usize>,
    /// How many characters a value may have; a longer one is refused.
    pub at_most: Option<usize>,
}

impl Mapping {
    /// The rows in the table's order.
    pub fn described(&self) -> impl Iterator<Item = Described<'_>> {
        self.rows.iter().map(Row::described)
    }
}

impl Row {
    fn described(&self) -> Described<'_> {
        Described {
            attribute: &self.spelling,
            kind: self.kind_for_people(),
            fields: self
                .fields
                .iter()
                .map(|it| it.dotted().to_owned())
                .collect(),
            converted: self.converter.method(),
            filterable: self.lookup.is_some(),
            required: self.is_demanded(),
            made: self.is_made_or_demanded(),
            unique: self.unique,
            read_only: self.read_only,
            write_only: self.write_only,
            initially: self.initially.as_ref().map(Value::to_string),
            has_fallback: self.otherwise.is_some(),
            cut: self.cut,
            at_most: self.at_most,
        }
    }

    fn kind_for_people(&self) -> &'static str {
        // `manager` and `members` stand for the id of another resource.
        let names_another =
            self.leaf.element.is_none() && self.leaf.sub.as_deref() == Some("value");
        match self.kind {
            _ if names_another || self.is_reference() => "Reference",
            Kind::String => "String",
            Kind::Boolean => "Boolean",
            Kind::Decimal => "Decimal",
            Kind::Integer => "Integer",
            Kind::DateTime => "DateTime",
            Kind::Binary => "Binary",
            Kind::Reference => "Reference",
            Kind::Complex => "Complex",
        }
    }
}

impl Converter {
    fn method(&self) -> Option<&'static str> {
        Some(match self {
            Self::AsIs => return None,
            Self::Lower => "lower",
            Self::Trimmed => "trimmed",
            Self::Values { .. } => "values",
            Self::Language { .. } => "language",
            Self::Country(_) => "country",
            Self::Phone { .. } => "phone",
            Self::TimeZone => "timezone",
            Self::Reference { .. } => "reference",
            Self::Custom { to: None, .. } => "from",
            Self::Custom { from: None, .. } => "to",
            Self::Custom { .. } => "to, from",
        })
    }
}
