//! Query parameters.

use percent_encoding::percent_decode;

use crate::scim::compare::same_text;
use crate::scim::{AttrPath, Filter, Profile, Projection, ResourceType, ScimError, Service};

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
    /// What to answer of each.
    pub projection: Projection,
    /// Attribute to sort by.
    pub sort_by: Option<AttrPath>,
    /// Direction of the sort.
    pub sort_order: SortOrder,
}

/// Direction of a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// The default.
    #[default]
    Ascending,
    /// On request.
    Descending,
}

/// The parameters the protocol knows, decoded; others (`aadOptscim062020`) are ignored.
pub(super) struct Parameters {
    given: Vec<(&'static str, String)>,
}

const KNOWN: [&str; 7] = [
    "attributes",
    "excludedAttributes",
    "filter",
    "startIndex",
    "count",
    "sortBy",
    "sortOrder",
];

impl Parameters {
    pub(super) fn parse(query: &str, profile: Profile) -> Result<Self, ScimError> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for pair in query.split('&') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let Some(name) = KNOWN.into_iter().find(|known| same_text(known, name)) else {
                continue;
            };
            if given.iter().any(|(other, _)| *other == name) {
                return Err(ScimError::invalid_value(format!("{name} stands twice")));
            }
            given.push((name, decode(name, value, profile)?));
        }
        Ok(Self { given })
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

    pub(super) fn query(
        &self,
        types: &ResourceType,
        service: &Service,
    ) -> Result<Query, ScimError> {
        let filter = self.get("filter").filter(|text| !text.trim().is_empty());
        let filter = filter
            .map(|text| Filter::parse(text, types, service.profile))
            .transpose()?;
        let count = self.number("count")?;
        let descending = |order: &str| order.eq_ignore_ascii_case("descending");
        Ok(Query {
            filter,
            start_index: self.number("startIndex")?.unwrap_or(1).max(1),
            count: count.map(|count| count.min(service.page_max)),
            projection: self.projection(types),
            sort_by: self
                .get("sortBy")
                .and_then(|name| AttrPath::parse(name, types).ok()),
            sort_order: match self.get("sortOrder").is_some_and(descending) {
                true => SortOrder::Descending,
                false => SortOrder::Ascending,
            },
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

/// Form decoding. Entra's composer does not encode `%` within values, so a percent sign that
/// begins no escape stands for itself, except under the strict profile.
fn decode(name: &str, value: &str, profile: Profile) -> Result<String, ScimError> {
    let wrong = || ScimError::invalid_value(format!("{name} is not properly percent-encoded"));
    if !profile.is_tolerant() && has_stray_percent(value) {
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
