//! Which parts of an adapter a run used: rows of its tables in each direction,
//! rows of its error table, functions of its script. Recorded only by an adapter
//! that is [`Adapter::watched`]; one that serves has nothing to record into.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Adapter;
use crate::script::marks::Marks;
use crate::script::watch::Watch;

/// What was used of what there is.
#[derive(Clone, Debug)]
pub struct Coverage {
    parts: Vec<Part>,
}

/// One kind of thing.
#[derive(Clone, Debug)]
struct Part {
    name: &'static str,
    all: usize,
    unused: Vec<String>,
}

impl Adapter {
    /// The same adapter, recording what is used of it.
    pub fn watched(&self) -> Self {
        let mut replies = (*self.replies).clone();
        replies.seen = Some(Marks::new(replies.errors.len()));
        Self {
            user: Arc::new(self.user.watched()),
            group: self.group.as_ref().map(|group| Arc::new(group.watched())),
            replies: Arc::new(replies),
            script: self.script.clone().watched_by(Arc::new(Watch::new())),
            ..self.clone()
        }
    }

    /// What was used of a [`Adapter::watched`] adapter since it is one; of any other nothing.
    pub fn coverage(&self) -> Coverage {
        let rows = |written: bool| {
            let tables = self.mappings();
            let rows = tables.flat_map(move |table| table.rows_used(written));
            // Where functions switch accounts on and off, no write holds the attribute.
            let switched = written && self.has_switch();
            rows.filter(|(name, _)| !(switched && name == "User active"))
                .collect::<Vec<_>>()
        };
        Coverage {
            parts: vec![
                Part::new("rows written to the vendor", rows(true)),
                Part::new("rows read from the vendor", rows(false)),
                Part::new("error rows", self.error_rows_used()),
                Part::new("functions", self.functions_used()),
            ],
        }
    }

    fn error_rows_used(&self) -> Vec<(String, bool)> {
        let rows = self.replies.errors.iter().enumerate();
        rows.map(|(index, row)| {
            let conditions = [
                row.status.map(|status| status.to_string()),
                row.code.clone(),
                row.field.clone(),
            ];
            let conditions: Vec<_> = conditions.into_iter().flatten().collect();
            let name = format!("{}. {}", index + 1, conditions.join(" "));
            let seen = self.replies.seen.as_ref();
            (name, seen.is_some_and(|seen| seen.is_set(index)))
        })
        .collect()
    }

    fn functions_used(&self) -> Vec<(String, bool)> {
        let watch = self.script.watch.as_ref();
        let called = watch.map(|watch| watch.called()).unwrap_or_default();
        // Tables run when they are loaded, and closures are parts of rows.
        let named = self.script.functions();
        let named = named.filter(|name| !name.contains('$') && !name.ends_with("_attributes"));
        named
            .map(|name| (name.to_owned(), called.contains(name)))
            .collect()
    }
}

impl Part {
    fn new(name: &'static str, things: Vec<(String, bool)>) -> Self {
        Self {
            name,
            all: things.len(),
            unused: things
                .into_iter()
                .filter(|(_, used)| !used)
                .map(|(name, _)| name)
                .collect(),
        }
    }

    fn used(&self) -> usize {
        self.all - self.unused.len()
    }

    /// Of nothing all is used.
    fn percent(&self) -> usize {
        (self.used() * 100).checked_div(self.all).unwrap_or(100)
    }
}

impl Coverage {
    /// For people: how much of each kind, and what is missing.
    pub fn text(&self) -> String {
        let mut text = "  exercised:\n".to_owned();
        for part in &self.parts {
            let (used, all) = (part.used(), part.all);
            text += &format!(
                "    {:>3} %  {used} of {all} {}\n",
                part.percent(),
                part.name
            );
            for name in &part.unused {
                text += &format!("             not {name}\n");
            }
        }
        text
    }

    /// For programs: an array of one object a kind.
    pub fn json(&self) -> Value {
        let parts = self.parts.iter().map(|part| {
            json!({
                "of": part.name,
                "all": part.all,
                "exercised": part.used(),
                "percent": part.percent(),
                "missing": part.unused,
            })
        });
        parts.collect()
    }
}
