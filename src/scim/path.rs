//! Where an operation or a filter points: `attribute`, `attribute.sub`, `urn:…:attribute`,
//! `attribute[filter].sub` (RFC 7644 §3.10 and the `PATH` rule of §3.5.2).

use std::fmt;

use super::compare::same_text;
use super::filter::Fault;
use super::filter::parser::{Parser, Scope};
use super::schema::Attribute;
use super::{Filter, Profile, ResourceType, ScimError};

/// The address of an attribute or sub-attribute, spelt as in the schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttrPath {
    /// URN of the extension; `None` for core and common attributes.
    pub schema: Option<String>,
    /// Attribute name.
    pub attribute: String,
    /// Sub-attribute name.
    pub sub: Option<String>,
}

impl AttrPath {
    /// Reads `[urn:]attribute[.sub]`, names in any case.
    ///
    /// # Errors
    /// `invalidPath`, naming an unknown attribute and the nearest known one.
    pub fn parse(text: &str, types: &ResourceType) -> Result<Self, ScimError> {
        Self::read(text, types).map_err(|fault| fault.invalid_path(types))
    }

    pub(super) fn read(text: &str, types: &ResourceType) -> Result<Self, Fault> {
        let (urn, rest) = split_urn(text, types);
        let unknown = || Fault::Unknown(text.to_owned());
        let (name, sub) = split_sub(rest).ok_or_else(unknown)?;
        let (schema, attribute) = types.resolve(urn, name).ok_or_else(unknown)?;
        let sub = sub
            .map(|sub| sub_name(attribute, sub).ok_or_else(unknown))
            .transpose()?;
        Ok(Self {
            schema: schema.map(str::to_owned),
            attribute: attribute.name.clone(),
            sub: sub.map(str::to_owned),
        })
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.schema {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// A PATCH path, and the left side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The attribute; its `sub` is set only where there is no filter.
    pub attr: AttrPath,
    /// Which elements of a multi-valued attribute.
    pub filter: Option<Filter>,
    /// Sub-attribute of those elements.
    pub sub: Option<String>,
}

impl Path {
    /// Reads a PATCH path of at most 4 KiB.
    ///
    /// # Errors
    /// `invalidPath`, with the byte position; for an unknown attribute its name and the nearest.
    pub fn parse(text: &str, types: &ResourceType, profile: Profile) -> Result<Self, ScimError> {
        Self::read(text, types, profile).map_err(|fault| fault.invalid_path(types))
    }

    pub(super) fn read(text: &str, types: &ResourceType, profile: Profile) -> Result<Self, Fault> {
        let mut parser = Parser::new(text, types, profile)?;
        let path = parser.path(Scope::Resource)?;
        parser.end()?;
        Ok(path)
    }

    /// The path of an attribute without filter.
    pub fn of(attr: AttrPath) -> Self {
        Self {
            attr,
            filter: None,
            sub: None,
        }
    }

    /// The sub-attribute, wherever it is written.
    pub fn sub(&self) -> Option<&str> {
        self.sub.as_deref().or(self.attr.sub.as_deref())
    }
}

/// A name of RFC 7643 §2.1: `ALPHA *( "-" / "_" / DIGIT / ALPHA )`, or `$ref`.
pub(super) fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether a path cannot name an attribute of anybody's: a name is empty, there is a slash, or a
/// sub-attribute has parts (RFC 7644 §3.10).
pub(super) fn is_malformed(path: &str) -> bool {
    let name = path.split('[').next().unwrap_or_default();
    let name = name.rsplit(':').next().unwrap_or_default();
    let mut names = name.split('.');
    name.contains('/') || names.clone().any(str::is_empty) || names.nth(2).is_some()
}

/// Splits a known URN off, else everything up to the last colon: the dot of `2.0` never
/// separates a sub-attribute.
fn split_urn<'t>(text: &'t str, types: &ResourceType) -> (Option<&'t str>, &'t str) {
    for schema in types.schemas() {
        let urn = schema.id.len();
        let (Some(head), Some(tail)) = (text.get(..urn), text.get(urn..)) else {
            continue;
        };
        // Entra's attribute lists also hold `…:2.0:User.department`.
        if let Some(rest) = tail.strip_prefix([':', '.'])
            && same_text(head, &schema.id)
        {
            return (Some(head), rest);
        }
    }
    match text.rsplit_once(':') {
        Some((urn, rest)) => (Some(urn), rest),
        None => (None, text),
    }
}

fn split_sub(text: &str) -> Option<(&str, Option<&str>)> {
    let (name, sub) = match text.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (text, None),
    };
    (is_name(name) && sub.is_none_or(is_name)).then_some((name, sub))
}

/// Roles arrive with `displayName` for `display` (Entra, "AppRoleAssignmentsComplex").
pub(super) fn sub_name<'a>(attribute: &'a Attribute, name: &str) -> Option<&'a str> {
    let found = attribute.sub(name).or_else(|| {
        let alias = attribute.multi_valued && same_text(name, "displayName");
        alias.then(|| attribute.sub("display")).flatten()
    });
    found.map(|sub| sub.name.as_str())
}
