//! Changes of a group's members as differences: what to add and what to remove, whoever is in
//! the group now.

use std::collections::HashSet;

use serde_json::Value;

use super::{Op, Operation, PatchRequest};
use crate::scim::filter::{Filter, Operator, Test};

/// The net effect of all member operations of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChanges {
    /// The group was emptied first (`replace`, or `remove` of all): `add` is the whole new list
    /// and `remove` is empty.
    pub from_empty: bool,
    /// Ids to be members afterwards, without repetition, in the order of the request.
    pub add: Vec<String>,
    /// Ids not to be members afterwards, likewise.
    pub remove: Vec<String>,
}

impl MemberChanges {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        !self.from_empty && self.add.is_empty() && self.remove.is_empty()
    }
}

impl PatchRequest {
    /// Takes the changes of `members` out: they go to the vendor as differences, the rest as
    /// changed attributes. What cannot be told as a difference (`members[display co "x"]`)
    /// stays in the request.
    pub fn split_members(self) -> (Self, MemberChanges) {
        let mut fold = Fold::default();
        let mut rest = Self {
            operations: Vec::new(),
            ignored: self.ignored,
        };
        for operation in self.operations {
            match Step::of(&operation) {
                Some(step) => fold.step(step),
                None => rest.operations.push(operation),
            }
        }
        (rest, fold.finish())
    }
}

/// What one operation does to the members.
enum Step {
    Empty,
    Add(Vec<String>),
    Remove(Vec<String>),
    Replace(Vec<String>),
}

impl Step {
    fn of(operation: &Operation) -> Option<Self> {
        let Operation { op, path, value } = operation;
        if path.attr.attribute != "members" || path.sub().is_some() {
            return None;
        }
        match (op, &path.filter, value) {
            (Op::Remove, Some(filter), _) => named(filter).map(Self::Remove),
            (_, Some(_), _) => None,
            (Op::Remove, None, None) => Some(Self::Empty),
            (Op::Remove, None, Some(list)) => Some(Self::Remove(ids(list))),
            (Op::Add, None, list) => Some(Self::Add(list.as_ref().map(ids).unwrap_or_default())),
            (Op::Replace, None, list) => {
                Some(Self::Replace(list.as_ref().map(ids).unwrap_or_default()))
            }
        }
    }
}

/// The ids in `value eq "x" or value eq "y"`.
fn named(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Or(parts) => {
            let lists: Option<Vec<_>> = parts.iter().map(named).collect();
            lists.map(|lists| lists.concat())
        }
        Filter::Test(path, Test::Compare(Operator::Eq, Value::String(id)))
            if path.attr.attribute == "value" =>
        {
            Some(vec![id.clone()])
        }
        _ => None,
    }
}

fn ids(list: &Value) -> Vec<String> {
    let elements = list.as_array().into_iter().flatten();
    elements
        .filter_map(|member| member.get("value")?.as_str().map(str::to_owned))
        .collect()
}

/// The last word on each id wins. Both lists only grow, the sets say which entries still count.
#[derive(Default)]
struct Fold {
    from_empty: bool,
    add: Ids,
    remove: Ids,
}

impl Fold {
    fn step(&mut self, step: Step) {
        match step {
            Step::Empty => self.empty(),
            Step::Replace(ids) => {
                self.empty();
                self.add(ids);
            }
            Step::Add(ids) => self.add(ids),
            Step::Remove(ids) => self.remove(ids),
        }
    }

    fn empty(&mut self) {
        *self = Self {
            from_empty: true,
            ..Self::default()
        };
    }

    fn add(&mut self, ids: Vec<String>) {
        for id in ids {
            self.remove.drop(&id);
            self.add.keep(id);
        }
    }

    fn remove(&mut self, ids: Vec<String>) {
        for id in ids {
            self.add.drop(&id);
            if !self.from_empty {
                self.remove.keep(id);
            }
        }
    }

    fn finish(self) -> MemberChanges {
        MemberChanges {
            from_empty: self.from_empty,
            add: self.add.list(),
            remove: self.remove.list(),
        }
    }
}

/// A set that remembers the order of arrival.
#[derive(Default)]
struct Ids {
    order: Vec<String>,
    live: HashSet<String>,
}

impl Ids {
    fn keep(&mut self, id: String) {
        if self.live.insert(id.clone()) {
            self.order.push(id);
        }
    }

    fn drop(&mut self, id: &str) {
        self.live.remove(id);
    }

    /// An id that came, went and came again stands twice in the order; the last place counts.
    fn list(mut self) -> Vec<String> {
        let mut list: Vec<String> = self
            .order
            .into_iter()
            .rev()
            .filter(|id| self.live.remove(id))
            .collect();
        list.reverse();
        list
    }
}
