//! `active`, where the vendor switches accounts by calls of their own.

use super::Operation;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Change, Reading};
use crate::scim::ResourceKind;
use crate::script::fault::Failure;

impl Operation {
    /// The changes without `active`, if that goes by a function.
    pub(super) fn unswitched(
        &self,
        kind: ResourceKind,
        changes: Vec<Change>,
    ) -> Result<Vec<Change>, Failure> {
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
    ) -> Result<Option<bool>, Failure> {
        let switch = self.switch_row(kind)?;
        let change = changes.iter().find(|change| Some(change.row) == switch);
        Ok(change
            .and_then(|change| change.value.as_ref())
            .and_then(serde_json::Value::as_bool))
    }

    fn switch_row(&self, kind: ResourceKind) -> Result<Option<usize>, Failure> {
        let goes_by_function = kind == ResourceKind::User && self.adapter.has_switch();
        let row = self.mapping(kind)?.active_row().map(|(row, _)| row);
        Ok(row.filter(|_| goes_by_function))
    }

    /// Whether the vendor holds the account as active. A pending one is not.
    pub(super) fn is_active(&self, reading: &Reading) -> Result<bool, Failure> {
        let row = self.switch_row(ResourceKind::User)?;
        let value = reading.values.iter().find(|value| Some(value.row) == row);
        Ok(value
            .and_then(|value| value.scim.as_ref())
            .and_then(serde_json::Value::as_bool)
            == Some(true))
    }

    /// Brings the account into the wanted state, if it is not in it, and gives
    /// what the vendor holds then.
    pub(super) async fn settle(
        &self,
        id: &NativeId,
        reading: Reading,
        wanted: bool,
    ) -> Result<Reading, Failure> {
        if self.is_active(&reading)? == wanted {
            return Ok(reading);
        }
        match self.switch(id, wanted).await? {
            Some(switched) => Ok(switched),
            None => self.reread(ResourceKind::User, id).await,
        }
    }

    /// Reads what was just written.
    pub(super) async fn reread(
        &self,
        kind: ResourceKind,
        id: &NativeId,
    ) -> Result<Reading, Failure> {
        self.fetch(kind, id)
            .await?
            .ok_or_else(|| super::no_such(kind))
    }
}
