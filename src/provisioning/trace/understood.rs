//! What a story says of the request itself.

use std::fmt::{self, Formatter};

use serde_json::Value;

use super::{Deed, Identity, Step, Story, Subject, mask};
use crate::scim::patch::{Op, Operation};
use crate::scim::schema::ENTERPRISE_USER;
use crate::scim::{Body, Object, PatchRequest, Query, Request, ResourceKind, Response};

impl Story {
    /// Takes note of what a request asks for.
    pub fn understood(&self, request: &Request) {
        if !self.takes_notes() {
            return;
        }
        let subject = match request {
            Request::List { kind, query } => {
                self.note_filter(query);
                of(Deed::List, *kind, None)
            }
            Request::Search { queries } => {
                queries
                    .iter()
                    .for_each(|(_, query)| self.note_filter(query));
                deed(Deed::List)
            }
            Request::Get { kind, id, .. } => of(Deed::Get, *kind, Some(id)),
            Request::Create { kind, body, .. } => Subject {
                identity: self.identity(&body.resource),
                refers: refers(*kind, &body.resource),
                ..of(Deed::Create, *kind, None)
            },
            Request::Replace { kind, id, body, .. } => Subject {
                identity: self.identity(&body.resource),
                disables: body.resource.get("active") == Some(&Value::Bool(false)),
                refers: refers(*kind, &body.resource),
                ..of(Deed::Replace, *kind, Some(id))
            },
            Request::Patch {
                kind, id, patch, ..
            } => {
                self.note_patch(patch);
                Subject {
                    disables: patch.operations.iter().any(disables),
                    refers: patch.writes(None, "members")
                        || patch.writes(Some(ENTERPRISE_USER), "manager"),
                    ..of(Deed::Patch, *kind, Some(id))
                }
            }
            Request::Delete { kind, id, .. } => of(Deed::Delete, *kind, Some(id)),
            Request::ServiceProviderConfig | Request::ResourceTypes(_) | Request::Schemas(_) => {
                deed(Deed::Discover)
            }
        };
        self.told.borrow_mut().subject = subject;
    }

    /// Takes note that it is a bulk request.
    pub fn is_bulk(&self) {
        self.told.borrow_mut().subject = deed(Deed::Bulk);
    }

    /// Takes note of whom a written resource turned out to be.
    pub fn answered(&self, response: &Response) {
        if !self.takes_notes() {
            return;
        }
        let mut told = self.told.borrow_mut();
        let subject = &mut told.subject;
        let is_write = matches!(subject.deed, Deed::Create | Deed::Replace | Deed::Patch);
        let tree = response.body.as_ref().and_then(Body::tree);
        let Some(body) = tree.and_then(Value::as_object) else {
            return;
        };
        if !is_write {
            return;
        }
        if subject.id.is_none() {
            subject.id = body.get("id").and_then(Value::as_str).map(str::to_owned);
        }
        if subject.identity.is_none() {
            subject.identity = self.identity(body);
        }
    }

    /// Takes note of whom a written user turned out to be, where there is no tree of it.
    pub(crate) fn is_about(&self, id: &str, name: Option<&str>) {
        if !self.takes_notes() {
            return;
        }
        let subject = &mut self.told.borrow_mut().subject;
        subject.id.get_or_insert_with(|| id.to_owned());
        if subject.identity.is_none() {
            subject.identity = name.and_then(|name| self.shown_name(name));
        }
    }

    /// Attributes that no schema has; of a path only what stands before a bracket.
    pub(crate) fn ignored(&self, names: &[&str]) {
        let attributes = names.iter().map(|name| (*name).to_owned()).collect();
        self.note(Step::Ignored { attributes });
    }

    fn note_filter(&self, query: &Query) {
        if let Some(filter) = &query.filter {
            let filter = filter.shown(self.show()).to_string();
            self.note(Step::Filter { filter });
        }
    }

    fn note_patch(&self, patch: &PatchRequest) {
        for Operation { op, path, .. } in &patch.operations {
            let path = path.shown(self.show()).to_string();
            let op = word(*op).into();
            self.note(Step::Patch { op, path });
        }
    }

    /// A value as far as it may be told: where nobody is to be named, only what is nobody's.
    pub(crate) fn masked(&self, value: &Value) -> String {
        match self.audience.identity {
            Identity::Full | Identity::Masked => mask::value(value),
            Identity::Off => mask::nobody(value),
        }
    }

    fn show(&self) -> fn(&Value, &mut Formatter<'_>) -> fmt::Result {
        match self.audience.identity {
            Identity::Full | Identity::Masked => |value, f| quoted(value, &mask::value(value), f),
            Identity::Off => |value, f| quoted(value, &mask::nobody(value), f),
        }
    }

    /// Whom a resource is about, as far as it may be told.
    fn identity(&self, resource: &Object) -> Option<String> {
        let text = |name: &str| resource.get(name)?.as_str();
        self.shown_name(text("userName").or_else(|| text("displayName"))?)
    }

    fn shown_name(&self, name: &str) -> Option<String> {
        match self.audience.identity {
            Identity::Full => Some(name.to_owned()),
            Identity::Masked => Some(mask::text(name)),
            Identity::Off => None,
        }
    }
}

fn quoted(value: &Value, told: &str, f: &mut Formatter<'_>) -> fmt::Result {
    match value {
        Value::String(_) => write!(f, "\"{told}\""),
        _ => f.write_str(told),
    }
}

fn deed(deed: Deed) -> Subject {
    Subject {
        deed,
        ..Subject::default()
    }
}

fn of(what: Deed, kind: ResourceKind, id: Option<&String>) -> Subject {
    Subject {
        kind: Some(kind),
        id: id.cloned(),
        ..deed(what)
    }
}

fn disables(operation: &Operation) -> bool {
    let attr = &operation.path.attr;
    attr.schema.is_none()
        && attr.attribute == "active"
        && operation.value == Some(Value::Bool(false))
}

fn refers(kind: ResourceKind, resource: &Object) -> bool {
    match kind {
        ResourceKind::Group => resource.contains_key("members"),
        ResourceKind::User => resource
            .get(ENTERPRISE_USER)
            .is_some_and(|extension| extension.get("manager").is_some()),
    }
}

fn word(op: Op) -> &'static str {
    match op {
        Op::Add => "add",
        Op::Remove => "remove",
        Op::Replace => "replace",
    }
}
