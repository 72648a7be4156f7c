//! `attributes` and `excludedAttributes` (RFC 7644 §3.9).

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::compare::same_text;
use super::leaf::is_bare;
use super::schema::{Attribute, Returned};
use super::{AttrPath, Object, ResourceType};

/// Which attributes an answer has. The default is everything that is returned by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    /// `attributes`: these only; unknown names are left out, so the list may be empty.
    only: Option<Vec<Name>>,
    /// `excludedAttributes`.
    without: Vec<Name>,
    /// What the request wrote: it is shown even if it is returned on request only.
    written: Vec<Name>,
}

/// One name of either list.
#[derive(Clone, Debug, PartialEq)]
enum Name {
    Attribute(AttrPath),
    /// A whole extension, by its URN.
    Extension(String),
}

/// How much of an attribute a list of names covers.
#[derive(PartialEq)]
enum Cover<'p> {
    Nothing,
    Parts(Vec<&'p str>),
    All,
}

impl Projection {
    /// Reads both parameters, names separated by commas. Unknown names are ignored; an empty
    /// parameter is as none.
    pub fn parse(only: Option<&str>, without: Option<&str>, types: &ResourceType) -> Self {
        let names = |text: &str| {
            text.split(',')
                .filter_map(|name| Name::parse(name, types))
                .collect()
        };
        let given = |text: &&str| !text.trim().is_empty();
        Self {
            only: only.filter(given).map(names),
            without: without.filter(given).map(names).unwrap_or_default(),
            written: Vec::new(),
        }
    }

    /// Shows also what a body wrote of the attributes that are returned on request only (RFC 7643
    /// §7, `returned`).
    pub fn showing_written(
        mut self,
        written: impl Fn(Option<&str>, &str) -> bool,
        types: &ResourceType,
    ) -> Self {
        for (urn, attribute) in types.attributes() {
            if attribute.returned == Returned::Request && written(urn, &attribute.name) {
                self.written.push(Name::Attribute(AttrPath {
                    schema: urn.map(str::to_owned),
                    attribute: attribute.name.clone(),
                    sub: None,
                }));
            }
        }
        self
    }

    /// Whether neither parameter was given.
    pub fn is_silent(&self) -> bool {
        self.only.is_none() && self.without.is_empty()
    }

    /// Drops from a resource in canonical form what was not asked for. `id`, `schemas` and other
    /// attributes with `returned: always` stay.
    pub fn apply(&self, resource: &mut Object, types: &ResourceType) {
        if self.is_silent() && types.returns_all() {
            return;
        }
        resource.retain(|name, value| match types.extension(name) {
            Some(schema) => {
                let urn = Some(schema.id.as_str());
                if let Value::Object(inner) = value {
                    inner.retain(|name, value| self.keep(urn, name, schema.attribute(name), value));
                }
                value.as_object().is_some_and(|inner| !inner.is_empty())
            }
            None => {
                let attribute = types.resolve(None, name).map(|(_, attribute)| attribute);
                self.keep(None, name, attribute, value)
            }
        });
        if resource.contains_key("schemas") {
            types.set_schemas(resource);
        }
    }

    /// Whether `attributes` names at least a part of this core attribute.
    pub fn names(&self, attribute: &str) -> bool {
        let only = self.only.as_deref();
        only.is_some_and(|only| cover(only, None, attribute) != Cover::Nothing)
    }

    /// Whether an answer holds at least a part of this core attribute: what need not be asked
    /// of the vendor (`members`).
    pub fn wants(&self, attribute: &str) -> bool {
        let named = self
            .only
            .as_deref()
            .is_none_or(|only| cover(only, None, attribute) != Cover::Nothing);
        named && cover(&self.without, None, attribute) != Cover::All
    }

    fn keep(
        &self,
        urn: Option<&str>,
        name: &str,
        attribute: Option<&Attribute>,
        value: &mut Value,
    ) -> bool {
        let returned = attribute.map_or(Returned::Default, |attribute| attribute.returned);
        if matches!(returned, Returned::Always | Returned::Never) {
            return returned == Returned::Always;
        }
        match &self.only {
            None if returned == Returned::Request
                && cover(&self.written, urn, name) == Cover::Nothing =>
            {
                return false;
            }
            None => {}
            Some(only) => match cover(only, urn, name) {
                Cover::Nothing => return false,
                Cover::Parts(parts) => retain_parts(value, |part| parts.contains(&part)),
                Cover::All => {}
            },
        }
        match cover(&self.without, urn, name) {
            Cover::Nothing => true,
            Cover::Parts(parts) => {
                retain_parts(value, |part| !parts.contains(&part));
                !is_bare(value)
            }
            Cover::All => false,
        }
    }
}

impl Name {
    fn parse(text: &str, types: &ResourceType) -> Option<Self> {
        let text = without_filter(text.trim());
        if let Some(schema) = types.extension(&text) {
            return Some(Self::Extension(schema.id.clone()));
        }
        AttrPath::read(&text, types).ok().map(Self::Attribute)
    }
}

/// `emails[type eq "work"].value` is read as `emails.value`: a projection chooses no elements.
fn without_filter(text: &str) -> String {
    let outside = text
        .split_once('[')
        .and_then(|(head, rest)| Some((head, rest.rsplit_once(']')?.1)));
    match outside {
        Some((head, tail)) => format!("{head}{tail}"),
        None => text.to_owned(),
    }
}

fn cover<'p>(names: &'p [Name], urn: Option<&str>, attribute: &str) -> Cover<'p> {
    let mut parts = Vec::new();
    for name in names {
        match name {
            Name::Extension(id) if urn == Some(id) => return Cover::All,
            Name::Attribute(path)
                if path.schema.as_deref() == urn && same_text(&path.attribute, attribute) =>
            {
                match &path.sub {
                    None => return Cover::All,
                    Some(sub) => parts.push(sub.as_str()),
                }
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        Cover::Nothing
    } else {
        Cover::Parts(parts)
    }
}

fn retain_parts(value: &mut Value, keep: impl Fn(&str) -> bool + Copy) {
    match value {
        Value::Object(parts) => parts.retain(|name, _| keep(name)),
        Value::Array(elements) => {
            elements
                .iter_mut()
                .for_each(|element| retain_parts(element, keep));
            elements.retain(|element| !is_bare(element));
        }
        _ => {}
    }
}
