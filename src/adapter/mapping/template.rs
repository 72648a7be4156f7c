//! Answers as text with places for values. The answers for two users with the same attributes differ
//! only in the values. So the text around the values is made once, from the tree that would otherwise
//! be written, and text and tree cannot differ.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::scim::Object;
use crate::scim::version::{self, Way};

/// Templates of a table at most, one for each set of attributes that users have.
const MOST: usize = 256;

/// Around the number of a place, in a text that is no table's.
const MARKS: [char; 2] = ['\u{e000}', '\u{e001}'];

/// The templates of one table, as they were needed.
#[derive(Debug, Default)]
pub(super) struct Templates(RwLock<HashMap<u128, Option<Arc<Template>>>>);

/// The copy of a table may be changed, so it starts without templates.
impl Clone for Templates {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The answer to whoever reads a user with certain attributes.
#[derive(Debug)]
pub(super) struct Template {
    /// What stands before each place, and which place it is.
    pieces: Vec<(String, Place)>,
    end: String,
    /// The version's sum without the values.
    version: u64,
    /// The way to each place that the version depends on.
    ways: Vec<(Place, Way)>,
}

/// What comes into a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A value of the reading.
    Value(usize),
    Id,
    Location,
    Version,
}

impl Templates {
    /// The template for users who have these values, made where there is none yet; `None` where
    /// there can be none.
    pub(super) fn of(
        &self,
        values: &[Option<&Value>],
        make: impl FnOnce() -> Option<Template>,
    ) -> Option<Arc<Template>> {
        let bits = values.iter().zip(0_u32..);
        let present = bits.fold(0_u128, |all, (value, bit)| {
            all | (u128::from(value.is_some()) << bit)
        });
        let known = self.0.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = known.get(&present) {
            return template.clone();
        }
        if known.len() >= MOST {
            return None;
        }
        drop(known);
        let template = make().map(Arc::new);
        let known = self.0.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert(present, template.clone());
        template
    }
}

/// What stands for the value of a place, in a resource that a template is made of.
pub(super) fn mark(place: usize) -> String {
    let [begin, end] = MARKS;
    format!("{begin}{place}{end}")
}

impl Template {
    /// Made of a resource whose values are marks, and of the same without `meta`: `bare`. `places`
    /// are the marked ones by their numbers, with whether each must be there.
    pub(super) fn cut(bare: &Object, resource: &Object, places: &[(Place, bool)]) -> Option<Self> {
        let place_of = |number: &str| {
            let place = places.get(number.parse::<usize>().ok()?);
            place.map(|(place, _)| *place)
        };
        let marked = |text: &str| {
            let inner = text.strip_prefix(MARKS[0])?.strip_suffix(MARKS[1])?;
            place_of(inner)
        };
        let mut ways = Vec::new();
        let version = version::sum(bare, &mut |way, text| match marked(text) {
            Some(place) => {
                ways.push((place, way));
                0
            }
            None => way.text(text),
        });
        let text = serde_json::to_string(resource).ok()?;
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once(MARKS[0]) {
            let (number, behind) = behind.split_once(MARKS[1])?;
            pieces.push((before.strip_suffix('"')?.to_owned(), place_of(number)?));
            rest = behind.strip_prefix('"')?;
        }
        let once = |place: &Place| pieces.iter().filter(|(_, one)| one == place).count() == 1;
        let mut needed = places.iter().filter(|(_, is_needed)| *is_needed);
        needed.all(|(place, _)| once(place)).then(|| Self {
            end: rest.to_owned(),
            version,
            ways,
            pieces,
        })
    }

    /// The version's sum for these values.
    pub(super) fn version_of(&self, id: &str, values: &[Option<&Value>]) -> u64 {
        self.ways.iter().fold(self.version, |sum, (place, way)| {
            let more = match place {
                Place::Value(place) => {
                    let value = values.get(*place).copied().flatten();
                    value.map_or(0, |value| way.value(value))
                }
                Place::Id => way.text(id),
                Place::Location | Place::Version => 0,
            };
            sum.wrapping_add(more)
        })
    }

    /// Writes the text with these values.
    pub(super) fn write(
        &self,
        values: &[Option<&Value>],
        [id, location, version]: [&str; 3],
        out: &mut Vec<u8>,
    ) {
        for (before, place) in &self.pieces {
            out.extend_from_slice(before.as_bytes());
            // A `Vec` takes all, and a `Value` has no key that is no text.
            let _ = match place {
                Place::Value(place) => {
                    let value = values.get(*place).copied().flatten();
                    serde_json::to_writer(&mut *out, &value)
                }
                Place::Id => serde_json::to_writer(&mut *out, id),
                Place::Location => serde_json::to_writer(&mut *out, location),
                Place::Version => serde_json::to_writer(&mut *out, version),
            };
        }
        out.extend_from_slice(self.end.as_bytes());
    }
}
