//! Query parameters, and the same in the body of a `.search` (RFC 7644 §3.4.3).

use percent_encoding::percent_decode;
use serde_json::Value;

use crate::scim::compare::same_text;
use crate::scim::{Filter, Profile, Projection, ResourceType, ScimError, Service, Sort};

/// The message schema of a `.search` body.
const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What a list is asked for (RFC 7644 §3.4.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which resources.
    pub filter: Option<Filter>,
    /// First one of the page, 1-based.
    pub start_index: u32,
    /// Most on the page, at most the service's `page_max`; 0 asks for the total only, `None`
    /// leaves it to the service.
    pub count: Option<u32>,
    /// Where to go on instead of at `start_index` (RFC 9865); empty for the first page.
    pub cursor: Option<String>,
    /// What to answer of each.
    pub projection: Projection,
    /// In which order; `None` leaves it to the vendor.
    pub sort: Option<Sort>,
}

/// The parameters the protocol knows, decoded; others (`aadOptscim062020`) are ignored.
pub(super) struct Parameters {
    given: Vec<(&'static str, String)>,
}

const KNOWN: [&str; 8] = [
    "attributes",
    "excludedAttributes",
    "filter",
    "startIndex",
    "count",
    "cursor",
    "sortBy",
    "sortOrder",
];

impl Parameters {
    pub(super) fn parse(query: &str, profile: Profile) -> Result<Self, ScimError> {
        let mut parameters = Self { given: Vec::new() };
        for pair in query.split('&') {
            let (name, value) = match pair.split_once('=') {
                Some(parts) => parts,
                // RFC 9865 §2: the first page may be asked for with the bare word.
                None if same_text(pair, "cursor") => (pair, ""),
                None => continue,
            };
            if let Some(name) = known(name) {
                parameters.give(name, decode(name, value, profile)?)?;
            }
        }
        Ok(parameters)
    }

    /// The body of a `.search`; its members are found in any case.
    pub(super) fn of_body(body: Value, profile: Profile) -> Result<Self, ScimError> {
        let Value::Object(body) = body else {
            return Err(ScimError::invalid_syntax("the body must be a JSON object"));
        };
        let mut parameters = Self { given: Vec::new() };
        let mut is_marked = profile.skips_unknown_schemas();
        for (name, value) in body {
            if same_text(&name, "schemas") {
                is_marked |= names_search(&value);
            } else if let Some(name) = known(&name).filter(|_| !value.is_null()) {
                parameters.give(name, text_of(name, value)?)?;
            }
        }
        match is_marked {
            true => Ok(parameters),
            false => Err(ScimError::invalid_syntax(format!(
                "schemas must contain {SEARCH_SCHEMA}"
            ))),
        }
    }

    fn give(&mut self, name: &'static str, value: String) -> Result<(), ScimError> {
        if self.get(name).is_some() {
            return Err(ScimError::invalid_value(format!("{name} stands twice")));
        }
        self.given.push((name, value));
        Ok(())
    }

    pub(super) fn has_filter(&self) -> bool {
        self.get("filter").is_some()
    }

    pub(super) fn projection(&self, types: &ResourceType) -> Projection {
        Projection::parse(
            self.get("attributes"),
            self.get("excludedAttributes"),
            types,
        )
    }

    /// `types` is what names are resolved by: in a query over several resource types a widened
    /// definition (R66), so that each knows the names of all.
    pub(super) fn query(
        &self,
        types: &ResourceType,
        service: &Service,
    ) -> Result<Query, ScimError> {
        let loose = service.profile.takes_loose_filters();
        let filter = self.get("filter");
        let filter = filter.filter(|text| !(loose && text.trim().is_empty()));
        let filter = filter.map(|text| Filter::parse(text, types, service.profile));
        let (by, order) = (self.get("sortBy"), self.get("sortOrder"));
        let count = self.number("count")?;
        Ok(Query {
            filter: filter.transpose()?,
            start_index: self.number("startIndex")?.unwrap_or(1).max(1),
            count: count.map(|count| count.min(service.page_max)),
            cursor: self.get("cursor").map(str::to_owned),
            projection: self.projection(types),
            sort: Sort::parse(by, order, types, service.profile)?,
        })
    }

    /// RFC 7644 §3.4.2.4: negative numbers count as the least one.
    fn number(&self, name: &str) -> Result<Option<u32>, ScimError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number: i64 = text
            .trim()
            .parse()
            .map_err(|_| ScimError::invalid_value(format!("{name} must be a whole number")))?;
        Ok(Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX)))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.given
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn known(name: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| same_text(known, name))
}

fn names_search(schemas: &Value) -> bool {
    let mut urns = schemas.as_array().into_iter().flatten();
    urns.any(|urn| {
        urn.as_str()
            .is_some_and(|urn| same_text(urn, SEARCH_SCHEMA))
    })
}

/// A member of a `.search` body as it would stand in a URL.
fn text_of(name: &str, value: Value) -> Result<String, ScimError> {
    let is_list = matches!(name, "attributes" | "excludedAttributes");
    let is_number = matches!(name, "startIndex" | "count");
    let text = match value {
        Value::String(text) => Some(text),
        Value::Number(number) if is_number => Some(number.to_string()),
        Value::Array(names) if is_list => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            names.map(|names| names.join(","))
        }
        _ => None,
    };
    let expected = match (is_list, is_number) {
        (true, _) => "a list of names",
        (_, true) => "a whole number",
        _ => "a string",
    };
    text.ok_or_else(|| ScimError::invalid_value(format!("{name} must be {expected}")))
}

/// Form decoding. Entra's composer does not encode `%` within values, so a percent sign that
/// begins no escape stands for itself, except under the strict profile.
fn decode(name: &str, value: &str, profile: Profile) -> Result<String, ScimError> {
    let wrong = || ScimError::invalid_value(format!("{name} is not properly percent-encoded"));
    if !profile.takes_stray_percent() && has_stray_percent(value) {
        return Err(wrong());
    }
    let spaced = value.replace('+', " ");
    let text = percent_decode(spaced.as_bytes())
        .decode_utf8()
        .map_err(|_| wrong())?;
    Ok(text.into_owned())
}

fn has_stray_percent(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut signs = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    signs.any(|(at, _)| !(is_hex(at + 1) && is_hex(at + 2)))
}
