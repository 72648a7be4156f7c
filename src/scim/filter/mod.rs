//! The filter language of RFC 7644 §3.4.2.2: parsed once, then evaluated, printed, or turned
//! into a vendor's own query.

mod eval;
mod folds;
mod lexer;
pub(super) mod parser;
mod shown;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::error::quoted;
use super::leaf::Leaf;
use super::{Object, Path, Profile, ResourceType, ScimError};
use parser::{Parser, Scope};
pub use shown::{Show, Shown};

pub(super) use eval::{element_verdict, equal, every, is_unknown, some};

/// Longest filter or path, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// Most comparisons and connectives in one filter.
pub const MAX_NODES: usize = 64;
/// Deepest nesting of parentheses, brackets and `not`.
pub const MAX_DEPTH: usize = 16;

/// A filter whose names are known and whose values have the type of their attribute.
///
/// `And` and `Or` hold at least two filters, and never one of their own kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All must match.
    And(Vec<Self>),
    /// One must match.
    Or(Vec<Self>),
    /// Must not match.
    Not(Box<Self>),
    /// One value is tested. A value path alone, `emails[type eq "work"]`, is `Test::Present`.
    Test(Box<Path>, Test),
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `pr`: there is one.
    Present,
    /// Any comparison; the value has the attribute's type, or is null.
    Compare(Operator, Value),
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater, later.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less, earlier.
    Lt,
    /// Less or equal.
    Le,
}

impl Operator {
    const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// As in a filter, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.as_str().eq_ignore_ascii_case(word))
    }
}

impl Filter {
    /// Reads a filter; names are resolved and canonicalised, values typed, on the way.
    ///
    /// The tolerant profiles also take bare words as values, quoted booleans, and
    /// `emails[type eq "work"] eq "x"` for its `value`. Entra does not escape `"` and `\` in
    /// values, so under its profile they stand for themselves, and a quote ends a value only
    /// before the end, `)`, `]`, `and` or `or`.
    ///
    /// # Errors
    /// `invalidFilter`, with the byte position; for an unknown attribute its name and the
    /// nearest known one.
    pub fn parse(text: &str, types: &ResourceType, profile: Profile) -> Result<Self, ScimError> {
        let parse = || {
            let mut parser = Parser::new(text, types, profile)?;
            let filter = parser.filter(Scope::Resource)?;
            parser.end()?;
            Ok(filter)
        };
        parse().map_err(|fault: Fault| fault.invalid_filter(types))
    }

    /// Whether a resource in canonical form satisfies the filter. An unknown value satisfies
    /// nothing.
    pub fn matches(&self, resource: &Object, types: &ResourceType) -> bool {
        self.verdict(resource, types) == Some(true)
    }

    /// Whether any resource of a type can match a filter that was read by its
    /// [widened](ResourceType::widened) form: `members pr` is for no user.
    pub fn may_match(&self, types: &ResourceType, widened: &ResourceType) -> bool {
        let resource = types.undecided();
        self.verdict(&resource, widened) != Some(false)
    }

    /// Whether the outcome depends on this core attribute.
    pub fn mentions(&self, attribute: &str) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.mentions(attribute)),
            Self::Not(inner) => inner.mentions(attribute),
            Self::Test(path, _) => path.attr.schema.is_none() && path.attr.attribute == attribute,
        }
    }

    /// The pairs of a filter that is one `eq` or a conjunction of them, else `None`: what a
    /// vendor's own query can answer. `emails.value` without a type is a leaf without element.
    pub fn equalities(&self) -> Option<Vec<(Leaf, &Value)>> {
        match self {
            Self::And(parts) => {
                let pairs: Option<Vec<_>> = parts.iter().map(Self::equality).collect();
                pairs
            }
            one => one.equality().map(|pair| vec![pair]),
        }
    }

    fn equality(&self) -> Option<(Leaf, &Value)> {
        match self {
            Self::Test(path, Test::Compare(Operator::Eq, value)) if !value.is_null() => {
                Some((Leaf::of(path)?, value))
            }
            _ => None,
        }
    }

    /// A conjunction, flattened; `None` of nothing.
    pub(super) fn all(parts: Vec<Self>) -> Option<Self> {
        join(parts, Self::And, |part| match part {
            Self::And(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// A disjunction, flattened; `None` of nothing.
    pub(super) fn any(parts: Vec<Self>) -> Option<Self> {
        join(parts, Self::Or, |part| match part {
            Self::Or(inner) => Ok(inner),
            other => Err(other),
        })
    }
}

fn join(
    parts: Vec<Filter>,
    wrap: fn(Vec<Filter>) -> Filter,
    open: fn(Filter) -> Result<Vec<Filter>, Filter>,
) -> Option<Filter> {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match open(part) {
            Ok(inner) => flat.extend(inner),
            Err(other) => flat.push(other),
        }
    }
    if flat.len() > 1 {
        Some(wrap(flat))
    } else {
        flat.pop()
    }
}

/// Why a filter or path was refused. PATCH tells the two kinds apart: an unknown attribute is
/// skipped, so that it cannot hold up the disabling of an account.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not parse; byte position and reason.
    Syntax(usize, String),
    /// It names an attribute that no schema has.
    Unknown(String),
}

impl Fault {
    pub(super) fn syntax(at: usize, reason: impl Into<String>) -> Self {
        Self::Syntax(at, reason.into())
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    pub(super) fn invalid_filter(self, types: &ResourceType) -> ScimError {
        ScimError::invalid_filter(self.detail("filter", types))
    }

    pub(super) fn invalid_path(self, types: &ResourceType) -> ScimError {
        ScimError::invalid_path(self.detail("path", types))
    }

    fn detail(self, what: &str, types: &ResourceType) -> String {
        let name = match self {
            Self::Syntax(at, reason) => {
                return format!("the {what} is wrong at byte {at}: {reason}");
            }
            Self::Unknown(name) => name,
        };
        let hint = types
            .suggest(&name)
            .map(|known| format!("; did you mean {known}?"));
        format!(
            "{} has no attribute {}{}",
            types.name,
            quoted(&name),
            hint.unwrap_or_default()
        )
    }
}
