//! A user as text, without a tree in between.

use std::sync::Arc;

use serde_json::Value;

use super::read::{ReadValue, Reading};
use super::remember::{assemble, finish};
use super::table::Mapping;
use super::template::{Place, Template, mark};
use crate::adapter::keys::NativeId;
use crate::adapter::remembered::Remembered;
use crate::scim::schema::ENTERPRISE_USER;
use crate::scim::{Object, Projection, ResourceKind, version};

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
        let mut rows = reading.values.iter().filter_map(|value| {
            let row = self.row(value.row)?;
            row.leaf.is_whole("userName").then_some((row, value))
        });
        let (row, value) = rows.next()?;
        row.shown(value, remembered)?.as_str()
    }

    /// The values that are answered; `None` where one stands for another.
    fn shown<'r>(
        &self,
        reading: &'r Reading,
        remembered: &'r Remembered,
    ) -> Option<Vec<Option<&'r Value>>> {
        let shown = reading.values.iter().map(|value| {
            let row = self.row(value.row)?;
            let shown = row.shown(value, remembered);
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
        self.templates.of(values, || self.made_of_marks(values))
    }

    /// A template, made of a user whose values are marks.
    fn made_of_marks(&self, values: &[Option<&Value>]) -> Option<Template> {
        let others = [Place::Id, Place::Location, Place::Version];
        let places: Vec<_> = (values.iter().enumerate())
            .map(|(place, value)| (Place::Value(place), value.is_some()))
            .chain(others.map(|place| (place, true)))
            .collect();
        let [id, location, version] = [0, 1, 2].map(|other| mark(values.len() + other));
        let marked = self.shown_rows().zip(values).enumerate();
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
        let mut resource = assemble(self, &reading, &Remembered::default());
        if refers(&resource) {
            return None;
        }
        resource.shift_insert(1.min(resource.len()), "id".into(), id.into());
        let bare = resource.clone();
        finish(self.kind, &mut resource, location, version);
        // Attributes that are returned on request only, or never.
        let whole = resource.clone();
        Projection::default().apply(&mut resource, &self.resource_type);
        (resource == whole).then(|| Template::cut(&bare, &whole, &places))?
    }
}

/// Whether something of it names another resource, whose address depends on its value.
fn refers(resource: &Object) -> bool {
    let enterprise = resource.get(ENTERPRISE_USER);
    let has_manager = enterprise.is_some_and(|extension| extension.get("manager").is_some());
    has_manager || resource.contains_key("groups")
}
