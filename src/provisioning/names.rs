//! The values that name an object: those the vendor can look it up by and holds only once.
//!
//! Names are compared as the vendor would hold them (converted by the table's row, folded,
//! Unicode composed), never as Entra spelt them: at a vendor that trims, `"eng "` is `"eng"`.
//! `externalId` is no name: RFC 7643 §3.1 leaves its uniqueness to the client.

use std::sync::Arc;

use serde_json::Value;

use super::locks::LockKey;
use super::name::Name;
use super::operation::Operation;
use super::outcome::Outcome;
use crate::adapter::mapping::{Change, Closures, Mapping, Reading, Row, Written};
use crate::scim::compare::fold;
use crate::scim::{Object, PatchRequest, ResourceKind};

/// The name that a row's native value is.
pub(super) fn name(kind: ResourceKind, row: &Row, native: &Value) -> Option<Name> {
    Some(Name {
        kind,
        attribute: row.spelling.clone(),
        value: fold(row.looked_up(native)?).into_owned(),
        native: native.clone(),
    })
}

/// The rows whose values name an object, the primary one first.
pub(super) fn naming(mapping: &Mapping) -> impl Iterator<Item = (usize, &Row)> {
    let primary = mapping.kind.primary_name();
    let is_naming =
        |row: &Row| row.lookup.is_some() && !row.ambiguous && row.leaf.attribute != "externalId";
    let is_primary = move |row: &Row| row.leaf.attribute == primary && row.leaf.schema.is_none();
    let rows = move |first: bool| {
        mapping
            .mapped()
            .filter(move |(_, row)| is_naming(row) && is_primary(row) == first)
    };
    rows(true).chain(rows(false))
}

/// The names among what a write sends.
pub(super) fn names_of(mapping: &Mapping, written: &[Written]) -> Vec<Name> {
    let name_in = |(index, row)| {
        let sent = written.iter().find(|sent| sent.row == index)?;
        name(mapping.kind, row, &sent.native)
    };
    naming(mapping).filter_map(name_in).collect()
}

/// The names that an object holds.
pub(super) fn names_held(mapping: &Mapping, reading: &Reading) -> Vec<Name> {
    let held = |(index, row)| {
        let value = reading.values.iter().find(|value| value.row == index)?;
        name(mapping.kind, row, &value.native)
    };
    naming(mapping).filter_map(held).collect()
}

/// Whether an object holds a name that stands in this row.
pub(super) fn holds_name(mapping: &Mapping, row: usize, reading: &Reading, wanted: &Name) -> bool {
    let held = reading.values.iter().find(|value| value.row == row);
    let held = held.and_then(|value| name(mapping.kind, mapping.row(row)?, &value.native));
    held.as_ref() == Some(wanted)
}

/// Whether an object holds a name in whatever row its attribute has.
pub(super) fn holds_named(mapping: &Mapping, reading: &Reading, wanted: &Name) -> bool {
    let mut rows = mapping.mapped();
    let row = rows.find(|(_, row)| row.spelling == wanted.attribute);
    row.is_some_and(|(row, _)| holds_name(mapping, row, reading, wanted))
}

impl Operation {
    /// The names that a PATCH gives, as far as they can be told without reading.
    pub(super) async fn names_in_patch(
        &self,
        kind: ResourceKind,
        patch: &PatchRequest,
    ) -> Outcome<Vec<Name>> {
        let mapping = self.mapping(kind)?;
        let mut names = naming(mapping).map(|(_, row)| &row.leaf);
        if !names.any(|name| patch.writes(name.schema.as_deref(), &name.attribute)) {
            return Ok(Vec::new());
        }
        let before = mapping.unknown();
        let (types, profile) = (&mapping.resource_type, self.service.profile);
        self.pass_if_long(patch).await;
        let after = patch.applied_so_far(before, types, profile)?;
        let changes = mapping.difference(before, &after);
        self.names_in_changes(kind, changes, &after).await
    }

    /// The names that changes give. A value that does not translate names nothing: it is refused
    /// later.
    pub(super) async fn names_in_changes(
        &self,
        kind: ResourceKind,
        mut changes: Vec<Change>,
        after: &Object,
    ) -> Outcome<Vec<Name>> {
        let mapping = self.mapping(kind)?;
        let rows: Vec<usize> = naming(mapping).map(|(index, _)| index).collect();
        changes.retain(|change| rows.contains(&change.row) && change.value.is_some());
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<_> = changes.iter().map(|change| change.row).collect();
        let written = match self.without_script(mapping, rows.iter().copied()) {
            Some(closures) => written(mapping, changes, after, &closures),
            None => {
                let (of, after) = (Arc::clone(mapping), after.clone());
                let written =
                    move |closures: &Closures<'_>| written(&of, changes, &after, closures);
                self.convert(mapping, rows, written).await?
            }
        };
        Ok(names_of(mapping, &written))
    }
}

/// Changes with their native values, as far as they have one.
fn written(
    mapping: &Mapping,
    changes: Vec<Change>,
    after: &Object,
    closures: &Closures<'_>,
) -> Vec<Written> {
    let written = changes.into_iter().filter_map(|change| {
        let value = change.value.as_ref()?;
        let native = mapping.to_native(mapping.row(change.row)?, value, after, closures);
        Some(Written {
            row: change.row,
            native: native.ok()?,
            value: change.value,
        })
    });
    written.collect()
}

/// The lock keys of names.
pub(super) fn locks_of(names: &[Name]) -> impl Iterator<Item = LockKey> + '_ {
    let key = |name: &Name| LockKey::Name(name.kind, name.attribute.clone(), name.value.clone());
    names.iter().map(key)
}
