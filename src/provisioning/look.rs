//! Looking for objects by their names.

use super::name::Name;
use super::names::holds_name;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome};
use super::trace::Decision;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::Reading;
use crate::scim::{ResourceKind, ScimError};

/// What a look for an object by its names finds.
pub(super) struct Found {
    pub(super) reading: Reading,
    /// The attribute by which it was found.
    pub(super) attribute: String,
}

impl Operation {
    /// Refuses names that another object than `own` has.
    ///
    /// # Errors
    /// `Conflict` names the attribute.
    pub(super) async fn refuse_taken(
        &self,
        kind: ResourceKind,
        names: &[Name],
        own: Option<&NativeId>,
    ) -> Outcome<()> {
        for name in names {
            for reading in self.look(kind, name).await? {
                if own != Some(&reading.id) {
                    return Err(self.taken(kind, &name.attribute));
                }
            }
        }
        Ok(())
    }

    /// The objects that hold a name.
    async fn look(&self, kind: ResourceKind, name: &Name) -> Outcome<Vec<Reading>> {
        let mapping = self.mapping(kind)?;
        let Some((row, _)) = mapping
            .mapped()
            .find(|(_, row)| row.spelling == name.attribute && row.lookup.is_some())
        else {
            return Ok(Vec::new());
        };
        let mut found = self.find_native(kind, row, &name.native).await?;
        found.retain(|reading| holds_name(mapping, row, reading, name));
        Ok(found)
    }

    /// The first object that holds one of these names.
    pub(super) async fn find_named(
        &self,
        kind: ResourceKind,
        names: &[Name],
    ) -> Outcome<Option<Found>> {
        for name in names {
            if let Some(reading) = self.look(kind, name).await?.into_iter().next() {
                let attribute = name.attribute.clone();
                return Ok(Some(Found { reading, attribute }));
            }
        }
        Ok(None)
    }

    /// 409 for a name that another object has.
    pub(super) fn taken(&self, kind: ResourceKind, attribute: &str) -> NotDone {
        self.story.decide(Decision::Taken(attribute.to_owned()));
        let text = format!(
            "Another {} already has this {attribute}. Match on it, or remove the other one at the vendor.",
            kind.as_str().to_lowercase()
        );
        NotDone::Conflict(ScimError::uniqueness(text))
    }
}
