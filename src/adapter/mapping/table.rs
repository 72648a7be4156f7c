//! One resource type's table.

use std::collections::HashMap;

use serde_json::Value;

use super::converter::{Closures, Refusal};
use super::field::Field;
use super::row::Row;
use super::seen::SeenRows;
use super::template::Templates;
use crate::scim::schema::Statement;
use crate::scim::{Leaf, Object, ResourceKind, ResourceType};

/// The attributes of one resource type, compiled.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Of which resource type.
    pub kind: ResourceKind,
    /// The full schemas, for parsing what Entra sends.
    pub resource_type: ResourceType,
    /// The native field that holds the vendor's id.
    pub(super) id_field: Field,
    pub(super) rows: Vec<Row>,
    pub(super) by_leaf: HashMap<Leaf, usize>,
    /// See [`Self::unknown`].
    pub(super) unknown: Object,
    /// The rows that were used, for coverage.
    pub(crate) seen: Option<SeenRows>,
    pub(super) templates: Templates,
}

impl Mapping {
    /// The rows that stand for a native field.
    pub(crate) fn mapped(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.fields.is_empty())
    }

    /// Those of them that are shown: the rows of a reading's values, in their order.
    pub(super) fn shown_rows(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.mapped().filter(|(_, row)| !row.write_only)
    }

    pub(crate) fn row(&self, index: usize) -> Option<&Row> {
        self.rows.get(index)
    }

    /// The row of an attribute in its canonical spelling.
    pub(crate) fn row_named(&self, spelling: &str) -> Option<&Row> {
        let mut rows = self.mapped();
        rows.find(|(_, row)| row.spelling == spelling)
            .map(|(_, row)| row)
    }

    /// Whether converting values of these rows calls a closure of the script.
    pub(crate) fn needs_script(&self, rows: impl IntoIterator<Item = usize>) -> bool {
        let mut rows = rows.into_iter().filter_map(|row| self.row(row));
        rows.any(|row| row.otherwise.is_some() || row.converter.is_closure())
    }

    /// The row of a leaf, if the table has one with a native field.
    pub(crate) fn row_of(&self, leaf: &Leaf) -> Option<(usize, &Row)> {
        let index = *self.by_leaf.get(leaf)?;
        self.rows
            .get(index)
            .filter(|row| !row.fields.is_empty())
            .map(|row| (index, row))
    }

    /// The rows that name another resource.
    pub(crate) fn references(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.mapped().filter(|(_, row)| row.is_reference())
    }

    /// The row that answers a comparison: that of the leaf, or of a list whose element is not
    /// chosen (`emails.value`) the only one there is.
    pub(crate) fn row_compared(&self, leaf: &Leaf) -> Option<(usize, &Row)> {
        if let Some(found) = self.row_of(leaf) {
            return Some(found);
        }
        let same_list = |held: &Leaf| {
            (&held.schema, &held.attribute, &held.sub) == (&leaf.schema, &leaf.attribute, &leaf.sub)
        };
        let mut rows = self.mapped().filter(|(_, row)| same_list(&row.leaf));
        let only = rows.next().filter(|_| leaf.element.is_none())?;
        rows.next().is_none().then_some(only)
    }

    /// What the table demands of each attribute, for `/Schemas`. `demands_all`: also of what
    /// can be made of others where they are there.
    pub(crate) fn statements(&self, demands_all: bool) -> Vec<Statement> {
        let statement = |row: &Row| Statement {
            leaf: row.leaf.clone(),
            required: row.is_demanded() || demands_all && row.may_be_missing(),
            made: row.is_made_or_demanded() && !(demands_all && row.may_be_missing()),
            unique: row.unique,
            values: row.listed_values(),
        };
        self.rows.iter().map(statement).collect()
    }

    /// Gives a new resource what [`Row::initially`] says of attributes it does not have.
    pub(crate) fn begin(&self, resource: &mut Object) {
        for (_, row) in self.mapped() {
            if let Some(value) = &row.initially
                && row.leaf.get(resource).is_none()
            {
                row.leaf.set(resource, value.clone());
            }
        }
    }

    /// The same table, recording which of its rows are used.
    pub(crate) fn watched(&self) -> Self {
        Self {
            seen: Some(SeenRows::new(self.rows.len())),
            ..self.clone()
        }
    }

    /// Each row with a native field that is written, or read, and whether it was.
    pub(crate) fn rows_used(&self, written: bool) -> impl Iterator<Item = (String, bool)> + '_ {
        let rows = self
            .mapped()
            .filter(move |(_, row)| !(written && row.read_only));
        rows.map(move |(index, row)| {
            let marks = self.seen.as_ref().map(|seen| match written {
                true => &seen.written,
                false => &seen.read,
            });
            let used = marks.is_some_and(|marks| marks.is_set(index));
            (
                format!("{} {}", self.resource_type.name, row.spelling),
                used,
            )
        })
    }

    /// The row that stands in this one native field.
    pub(crate) fn row_in(&self, native: &str) -> Option<(usize, &Row)> {
        self.mapped().find(|(_, row)| match row.fields.as_slice() {
            [field] => field.dotted() == native,
            _ => false,
        })
    }

    /// The attribute that stands in a native field, in its canonical spelling.
    pub(crate) fn attribute_in(&self, native: &str) -> Option<&str> {
        let is_it = |field: &Field| field.dotted().eq_ignore_ascii_case(native);
        let found = self.mapped().find(|(_, row)| row.fields.iter().any(is_it));
        found.map(|(_, row)| row.spelling.as_str())
    }

    /// The leaf that says whether an account is in use.
    pub(crate) fn active_row(&self) -> Option<(usize, &Row)> {
        self.mapped()
            .find(|(_, row)| row.leaf.attribute == "active" && row.leaf.schema.is_none())
    }

    /// The native fields, without what is nested in them, that say whether an account is in use.
    pub fn active_fields(&self) -> impl Iterator<Item = &str> {
        let fields = self
            .active_row()
            .into_iter()
            .flat_map(|(_, row)| &row.fields);
        fields.map(Field::first)
    }

    /// What a filter or a resource holds at `row`, translated for the vendor.
    ///
    /// # Errors
    /// When the value does not translate.
    pub(crate) fn to_native(
        &self,
        row: &Row,
        value: &Value,
        around: &Object,
        closures: &Closures<'_>,
    ) -> Result<Value, Refusal> {
        row.to_native(value, around, closures)
    }
}
