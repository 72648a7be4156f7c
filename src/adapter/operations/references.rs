//! References: values that name another user. Entra writes SCIM ids, the vendor holds native ones;
//! a script only ever sees the latter.

use serde_json::Value;

use super::Operation;
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::mapping::{Change, Reading};
use crate::adapter::memory::Remembered;
use crate::adapter::outcome::Failure;
use crate::scim::{ResourceKind, ScimError};

/// What may hold readings: one, perhaps one, many.
pub(super) trait Readings {
    /// All of them.
    fn all(&mut self) -> &mut [Reading];
}

impl Readings for Vec<Reading> {
    fn all(&mut self) -> &mut [Reading] {
        self
    }
}

impl Readings for Option<Reading> {
    fn all(&mut self) -> &mut [Reading] {
        self.as_mut_slice()
    }
}

impl Operation {
    /// Changes with the native ids of what they refer to.
    ///
    /// # Errors
    /// 400 for a reference to nobody.
    pub(super) async fn referred(
        &self,
        kind: ResourceKind,
        mut changes: Vec<Change>,
    ) -> Result<Vec<Change>, Failure> {
        for (row, held) in self.mapping(kind)?.references() {
            let change = changes.iter_mut().find(|change| change.row == row);
            let Some(change) = change else { continue };
            let Some(id) = change.value.as_ref().and_then(Value::as_str) else {
                continue;
            };
            let native = self.referent(id).await?;
            change.refers_to = Some(native.ok_or_else(|| {
                let text = format!("{}: there is no user with the id {id}.", held.spelling);
                Failure::from(ScimError::invalid_value(text))
            })?);
        }
        Ok(changes)
    }

    /// Readings with SCIM ids in place of the native ids they refer to.
    pub(super) async fn referring<R: Readings>(
        &self,
        kind: ResourceKind,
        mut readings: R,
    ) -> Result<R, Failure> {
        for (row, _) in self.mapping(kind)?.references() {
            let values = readings.all().iter_mut();
            let values = values
                .filter_map(|reading| reading.values.iter_mut().find(|value| value.row == row));
            let mut named: Vec<&mut Value> =
                values.filter_map(|value| value.scim.as_mut()).collect();
            let natives = named
                .iter()
                .map(|native| NativeId::new(native.as_str().unwrap_or_default()));
            let ids = self.scim_ids(ResourceKind::User, natives.collect()).await?;
            for (value, id) in named.iter_mut().zip(ids) {
                **value = id.as_str().into();
            }
        }
        Ok(readings)
    }

    /// Changes, and with them references whose native id has changed since they were written:
    /// who is renamed need not be found in all that refer to them.
    pub(super) async fn with_moved_references(
        &self,
        kind: ResourceKind,
        mut changes: Vec<Change>,
        remembered: &Remembered,
    ) -> Result<Vec<Change>, Failure> {
        if changes.is_empty() {
            return Ok(changes);
        }
        for (row, held) in self.mapping(kind)?.references() {
            let saying = remembered.said.get(&held.spelling);
            let Some((saying, id)) = saying.and_then(|it| Some((it, it.value.as_ref()?.as_str()?)))
            else {
                continue;
            };
            let moved = self
                .referent(id)
                .await?
                .filter(|now| saying.native != now.as_str());
            if moved.is_some() && changes.iter().all(|change| change.row != row) {
                changes.push(Change {
                    row,
                    value: saying.value.clone(),
                    refers_to: None,
                });
            }
        }
        Ok(changes)
    }

    /// The native id of the user that a SCIM id names, if it can be one.
    async fn referent(&self, id: &str) -> Result<Option<NativeId>, Failure> {
        match self.native_id(ResourceKind::User, &ScimId::new(id)).await {
            Ok(native) => Ok(Some(native)),
            Err(failure) if failure.is_absent() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
