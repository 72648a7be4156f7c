//! Answers as text with places for values. Of two users that have the same attributes the answers
//! differ in the values alone: the text around them is made once, from the tree that is answered
//! otherwise, so that both say the same.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::read::{ReadValue, Reading};
use super::remember::{assemble, finish};
use super::table::Mapping;
use crate::adapter::keys::NativeId;
use crate::adapter::remembered::Remembered;
use crate::scim::schema::ENTERPRISE_USER;
use crate::scim::version::{self, Way};
use crate::scim::{Object, Projection, ResourceKind};

/// Templates of a table at most, one for each set of attributes that users have.
const MOST: usize = 256;

/// Around the number of a place, in a text that is no table's.
const MARKS: [char; 2] = ['\u{e000}', '\u{e001}'];

/// The templates of one table, as they were needed.
#[derive(Debug, Default)]
pub(super) struct Templates(RwLock<HashMap<u128, Option<Arc<Template>>>>);

/// A table that is changed begins anew.
impl Clone for Templates {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The answer to whoever reads a user with certain attributes.
#[derive(Debug)]
struct Template {
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
enum Place {
    /// A value of the reading.
    Value(usize),
    Id,
    Location,
    Version,
}

impl Mapping {
    /// Writes a whole user with his version; `None` where something has to be looked at that takes
    /// a tree, and nothing is written.
    pub(crate) fn write_text(
        &self,
        reading: &Reading,
        remembered: &Remembered,
        id: &str,
        location: &str,
        out: &mut Vec<u8>,
    ) -> Option<String> {
        if !remembered.extra.is_empty() {
            return None;
        }
        let values = self.shown(reading, remembered)?;
        let template = self.template(&values)?;
        let number = template.version_of(id, &values);
        let version = version::tag(number);
        template.write(&values, [id, location, &version], out);
        Some(version)
    }

    /// What a user is called in an answer.
    pub(crate) fn user_name<'r>(
        &self,
        reading: &'r Reading,
        remembered: &'r Remembered,
    ) -> Option<&'r str> {
        let values = self.shown(reading, remembered)?;
        let mut rows = reading.values.iter().zip(values);
        let (_, name) = rows.find(|(value, _)| {
            let row = self.row(value.row);
            row.is_some_and(|row| row.leaf.is_whole("userName"))
        })?;
        name?.as_str()
    }

    /// The values that are answered; `None` where one stands for another.
    fn shown<'r>(
        &self,
        reading: &'r Reading,
        remembered: &'r Remembered,
    ) -> Option<Vec<Option<&'r Value>>> {
        let shown = reading.values.iter().map(|value| {
            let row = self.row(value.row)?;
            let kept = remembered.overrides.get(&row.spelling);
            let kept = kept.filter(|kept| kept.native == value.native);
            let shown = kept.map_or(value.scim.as_ref(), |kept| kept.value.as_ref());
            let tells_apart = row.leaf.element.is_some()
                && matches!(row.leaf.sub.as_deref(), Some("type" | "primary"));
            let is_more = row.is_pending(&value.native)
                || (shown.is_some() && (row.is_reference() || tells_apart));
            (!is_more).then_some(shown)
        });
        shown.collect()
    }

    fn template(&self, values: &[Option<&Value>]) -> Option<Arc<Template>> {
        if self.kind != ResourceKind::User || values.len() > 128 {
            return None;
        }
        let bits = values.iter().zip(0_u32..);
        let present = bits.fold(0_u128, |all, (value, bit)| {
            all | (u128::from(value.is_some()) << bit)
        });
        let known = self.templates.0.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = known.get(&present) {
            return template.clone();
        }
        if known.len() >= MOST {
            return None;
        }
        drop(known);
        let template = Template::of(self, values).map(Arc::new);
        let known = self.templates.0.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert(present, template.clone());
        template
    }
}

impl Template {
    /// Made of a user whose values are marks.
    fn of(mapping: &Mapping, values: &[Option<&Value>]) -> Option<Self> {
        let mark = |place: usize| {
            let [begin, end] = MARKS;
            format!("{begin}{place}{end}")
        };
        let places: Vec<Place> = (0..values.len())
            .map(Place::Value)
            .chain([Place::Id, Place::Location, Place::Version])
            .collect();
        let numbers = values.len()..places.len();
        let [id, location, version] =
            <[String; 3]>::try_from(numbers.map(mark).collect::<Vec<_>>()).ok()?;
        let marked = mapping.shown_rows().zip(values).enumerate();
        let reading = Reading {
            id: NativeId::new(&id),
            values: marked
                .map(|(place, ((row, _), value))| ReadValue {
                    row,
                    native: Value::Null,
                    scim: value.map(|_| mark(place).into()),
                })
                .collect(),
        };
        let mut resource = assemble(mapping, &reading, &Remembered::default());
        if refers(&resource) {
            return None;
        }
        resource.shift_insert(1.min(resource.len()), "id".into(), id.into());
        let place_of = |text: &str| {
            let number = text.strip_prefix(MARKS[0])?.strip_suffix(MARKS[1])?;
            places.get(number.parse::<usize>().ok()?).copied()
        };
        let mut ways = Vec::new();
        let version_without = version::sum(&resource, &mut |way, text| match place_of(text) {
            Some(place) => {
                ways.push((place, way));
                0
            }
            None => way.text(text),
        });
        finish(mapping.kind, &mut resource, location, version);
        // Attributes that are returned on request only, or never.
        let whole = resource.clone();
        Projection::default().apply(&mut resource, &mapping.resource_type);
        if resource != whole {
            return None;
        }
        let text = serde_json::to_string(&resource).ok()?;
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once(MARKS[0]) {
            let (number, behind) = behind.split_once(MARKS[1])?;
            let place = places.get(number.parse::<usize>().ok()?)?;
            pieces.push((before.strip_suffix('"')?.to_owned(), *place));
            rest = behind.strip_prefix('"')?;
        }
        let is_shown = |place: &&Place| match place {
            Place::Value(place) => values.get(*place).is_some_and(Option::is_some),
            _ => true,
        };
        let all = places.iter().filter(is_shown);
        let once = |place: &Place| pieces.iter().filter(|(_, one)| one == place).count() == 1;
        all.clone().all(once).then(|| Self {
            end: rest.to_owned(),
            version: version_without,
            ways,
            pieces,
        })
    }

    fn version_of(&self, id: &str, values: &[Option<&Value>]) -> u64 {
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

    fn write(
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

/// Whether something of it names another resource, whose address depends on its value.
fn refers(resource: &Object) -> bool {
    let enterprise = resource.get(ENTERPRISE_USER);
    let has_manager = enterprise.is_some_and(|extension| extension.get("manager").is_some());
    has_manager || resource.contains_key("groups")
}
