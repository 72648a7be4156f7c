//! References: values that name another user. Entra writes SCIM ids, the vendor holds native ones;
//! a script only ever sees the latter.

use serde_json::Value;

use super::names::name;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome};
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::mapping::{Change, Reading, Row};
use crate::adapter::remembered::Remembered;
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
    ) -> Outcome<Vec<Change>> {
        for (row, held) in self.mapping(kind)?.references() {
            let change = changes.iter_mut().find(|change| change.row == row);
            let Some(change) = change else { continue };
            let Some(id) = change.value.as_ref().and_then(Value::as_str) else {
                continue;
            };
            if let Some(field) = held.refers_by() {
                change.refers_to = self.named_by(id, field).await?;
                if change.refers_to.is_none() {
                    change.value = None;
                    tracing::warn!(tenant = %self.tenant, attribute = held.spelling,
                        action = "provision the user that it names; the reference is set with the next change",
                        "a reference to a user who does not exist was left out");
                }
                continue;
            }
            let native = match self.referent(id).await? {
                Some(native) if !self.passes(ResourceKind::User, &native).await? => None,
                native => native,
            };
            change.refers_to = Some(native.ok_or_else(|| {
                let text = format!("{}: there is no user with the id {id}.", held.spelling);
                NotDone::from(ScimError::invalid_value(text))
            })?);
        }
        Ok(changes)
    }

    /// Readings with SCIM ids in place of the native ids they refer to.
    pub(super) async fn referring<R: Readings>(
        &self,
        kind: ResourceKind,
        mut readings: R,
    ) -> Outcome<R> {
        for (row, held) in self.mapping(kind)?.references() {
            let values = readings.all().iter_mut();
            let values = values
                .filter_map(|reading| reading.values.iter_mut().find(|value| value.row == row));
            if let Some(field) = held.refers_by() {
                for value in values {
                    value.scim = self.bearer(field, value.scim.take()).await?;
                }
                continue;
            }
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
    ) -> Outcome<Vec<Change>> {
        if changes.is_empty() {
            return Ok(changes);
        }
        let by_id = |(_, held): &(usize, &Row)| held.refers_by().is_none();
        for (row, held) in self.mapping(kind)?.references().filter(by_id) {
            let saying = remembered.overrides.get(&held.spelling);
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

    /// What a user's field holds, for references by it; `None` if there is no such user.
    async fn named_by(&self, id: &str, field: &str) -> Outcome<Option<NativeId>> {
        let Some((index, row)) = self.mapping(ResourceKind::User)?.row_in(field) else {
            return Ok(None);
        };
        let Some(native) = self.referent(id).await? else {
            return Ok(None);
        };
        let user = self.fetch_plain(ResourceKind::User, &native).await?;
        let held = user.and_then(|user| user.values.into_iter().find(|value| value.row == index));
        let Some(held) = held.map(|value| value.native) else {
            return Ok(None);
        };
        if let Some(name) = name(ResourceKind::User, row, &held) {
            self.recent.know(name, native);
        }
        Ok(held.as_str().map(NativeId::new))
    }

    /// The SCIM id of the one user whose field holds this.
    async fn bearer(&self, field: &str, held: Option<Value>) -> Outcome<Option<Value>> {
        let (Some(held), Some((index, row))) =
            (held, self.mapping(ResourceKind::User)?.row_in(field))
        else {
            return Ok(None);
        };
        let Some(name) = name(ResourceKind::User, row, &held) else {
            return Ok(None);
        };
        let native = match self.recent.known(&name) {
            Some(native) => native,
            None => {
                let found = self.find_plain(ResourceKind::User, index, &held).await?;
                let [user] = found.as_slice() else {
                    return Ok(None);
                };
                self.recent.know(name, user.id.clone());
                user.id.clone()
            }
        };
        let ids = self.scim_ids(ResourceKind::User, vec![native]).await?;
        Ok(ids.first().map(|id| id.as_str().into()))
    }

    /// The native id of the user that a SCIM id names, if it can be one.
    async fn referent(&self, id: &str) -> Outcome<Option<NativeId>> {
        match self.native_id(ResourceKind::User, &ScimId::new(id)).await {
            Ok(native) => Ok(Some(native)),
            Err(NotDone::Absent(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
