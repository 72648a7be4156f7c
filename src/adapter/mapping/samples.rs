//! A table's closures, tried with sample values: what fails there would fail a request.

use serde_json::Value;

use super::converter::{Closures, Converter, Refusal};
use super::row::Row;
use super::table::Mapping;
use super::write::seen_by_script;
use crate::scim::schema::Kind;
use crate::scim::{Object, ResourceKind, ResourceType};
use crate::script::fault::{Failure, ScriptFault};

/// A closure that failed.
pub(crate) struct Failed {
    /// The attribute of its row.
    pub(crate) attribute: String,
    /// What it was given, as JSON.
    pub(crate) given: String,
    /// Where and how.
    pub(crate) fault: ScriptFault,
}

impl Mapping {
    /// Tries each closure of the table, and tells of the first value at which it fails. A value it
    /// refuses, by `throw invalid(…)`, is no failure.
    pub(crate) fn try_closures(&self, closures: &Closures<'_>) -> Vec<Failed> {
        let mut least = Object::new();
        let name = match self.kind {
            ResourceKind::User => "userName",
            ResourceKind::Group => "displayName",
        };
        least.insert(name.to_owned(), "ada@example.com".into());
        let tried = self.rows.iter().map(|row| {
            row.try_substitute(&least, &self.resource_type, closures)?;
            row.try_converter(closures)
        });
        tried.filter_map(Result::err).collect()
    }
}

impl Mapping {
    /// The rows whose fallback makes a value of what every object must have anyway.
    pub(crate) fn always_made(&self, closures: &Closures<'_>) -> Vec<usize> {
        let mut least = Object::new();
        for row in self.rows.iter().filter(|row| row.is_demanded()) {
            row.leaf.set(&mut least, "Ada".into());
        }
        let seen = seen_by_script(&least, &self.resource_type);
        let rows = self.rows.iter().enumerate();
        let made = rows.filter(|(_, row)| {
            let made = row.otherwise.as_ref();
            let made = made.map(|made| closures.call(made, seen.clone(), &row.spelling));
            row.required && made.is_some_and(|made| made.is_ok_and(|made| !made.is_null()))
        });
        made.map(|(index, _)| index).collect()
    }

    /// Whether there is a row whose fallback matters.
    pub(crate) fn has_fallbacks(&self) -> bool {
        self.rows.iter().any(Row::is_made_or_demanded)
    }

    /// Notes the rows of [`always_made`](Self::always_made).
    pub(crate) fn note_always_made(&mut self, rows: &[usize]) {
        for index in rows {
            if let Some(row) = self.rows.get_mut(*index) {
                row.always_made = true;
            }
        }
    }
}

impl Row {
    fn try_substitute(
        &self,
        resource: &Object,
        types: &ResourceType,
        closures: &Closures<'_>,
    ) -> Result<(), Failed> {
        let Some(otherwise) = &self.otherwise else {
            return Ok(());
        };
        let seen = seen_by_script(resource, types);
        let made = closures.call(otherwise, seen, &self.spelling);
        self.result(&Value::Object(resource.clone()), made)
            .map(drop)
    }

    fn try_converter(&self, closures: &Closures<'_>) -> Result<(), Failed> {
        if !matches!(self.converter, Converter::Custom { .. }) || self.multi_valued {
            return Ok(());
        }
        for sample in samples(self.kind) {
            let native = match self.to_native(&sample, &Object::new(), closures) {
                Err(Refusal::Failed(failure)) => self.result(&sample, Err(failure))?,
                Err(_) => None,
                Ok(native) => Some(native),
            };
            if let Some(native) = native {
                self.result(&native, self.to_scim(&native, closures))?;
            }
        }
        Ok(())
    }

    /// Only a fault of the script itself is one.
    fn result<T>(&self, given: &Value, result: Result<T, Failure>) -> Result<Option<T>, Failed> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Script(fault)) => Err(Failed {
                attribute: self.spelling.clone(),
                given: given.to_string(),
                fault,
            }),
            Err(_) => Ok(None),
        }
    }
}

/// Values as Entra sends them, the shortest among them.
fn samples(kind: Kind) -> Vec<Value> {
    match kind {
        Kind::Boolean => vec![true.into(), false.into()],
        Kind::Decimal | Kind::Integer => vec![0.into(), 12.into()],
        _ => ["A", "12", "Ada Lovelace", "ada@example.com"]
            .map(Value::from)
            .into(),
    }
}
