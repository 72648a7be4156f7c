//! `active`, where the vendor switches accounts by calls of their own.

use serde_json::Value;

use super::operation::Operation;
use super::outcome::Outcome;
use crate::adapter::mapping::{Change, Reading, Written, update_overrides};
use crate::adapter::remembered::Remembered;
use crate::scim::{Object, ResourceKind};

impl Operation {
    /// The changes without `active`, if that goes by a function.
    pub(super) fn unswitched(
        &self,
        kind: ResourceKind,
        changes: Vec<Change>,
    ) -> Outcome<Vec<Change>> {
        let switch = self.switch_row(kind)?;
        Ok(changes
            .into_iter()
            .filter(|change| Some(change.row) != switch)
            .collect())
    }

    /// What `active` is to be, if the changes say so and it goes by a function.
    pub(super) fn wanted_active(
        &self,
        kind: ResourceKind,
        changes: &[Change],
    ) -> Outcome<Option<bool>> {
        let switch = self.switch_row(kind)?;
        let change = changes.iter().find(|change| Some(change.row) == switch);
        Ok(change
            .and_then(|change| change.value.as_ref())
            .and_then(Value::as_bool))
    }

    fn switch_row(&self, kind: ResourceKind) -> Outcome<Option<usize>> {
        let goes_by_function = kind == ResourceKind::User && self.adapter.has_switch();
        let row = self.mapping(kind)?.active_row().map(|(row, _)| row);
        Ok(row.filter(|_| goes_by_function))
    }

    /// Whether the vendor holds the account as active. A pending one is not.
    pub(super) fn is_active(&self, reading: &Reading) -> Outcome<bool> {
        let row = self.switch_row(ResourceKind::User)?;
        let value = reading.values.iter().find(|value| Some(value.row) == row);
        Ok(value
            .and_then(|value| value.scim.as_ref())
            .and_then(Value::as_bool)
            == Some(true))
    }

    /// While an account is pending, what Entra asked for is the answer.
    pub(super) fn remember_active(
        &self,
        kind: ResourceKind,
        remembered: &mut Remembered,
        resource: &Object,
        reading: &Reading,
    ) -> Outcome<()> {
        let mapping = self.mapping(kind)?;
        let Some((index, row)) = mapping.active_row() else {
            return Ok(());
        };
        if !self.adapter.has_switch() || kind != ResourceKind::User {
            return Ok(());
        }
        let Some(asked) = row.leaf.get(resource).filter(|value| value.is_boolean()) else {
            return Ok(());
        };
        let native = reading
            .values
            .iter()
            .find(|value| value.row == index)
            .map(|value| value.native.clone());
        let written = Written {
            row: index,
            value: Some(asked.clone()),
            native: native.unwrap_or(Value::Null),
        };
        update_overrides(mapping, remembered, &[written], reading);
        Ok(())
    }
}
