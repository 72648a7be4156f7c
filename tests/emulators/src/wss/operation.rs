//! One operation of a job.

use super::directory::{Directory, Moment};
use super::refusal::{Failed, Refusal};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// An operation as it was sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    #[serde(rename = "ref")]
    reference: String,
    op: Kind,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    user: Option<Map<String, Value>>,
    #[serde(default)]
    group: Option<Value>,
    #[serde(default)]
    member: Option<Named>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Kind {
    CreateUser,
    UpdateUser,
    DeleteUser,
    CreateGroup,
    UpdateGroup,
    DeleteGroup,
    AddMember,
    RemoveMember,
}

/// An object by its key, or one that an earlier operation of the job has made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Named {
    Key(String),
    Ref(String),
}

/// What operations of the job have made, by their `ref`.
pub(super) type Made = BTreeMap<String, String>;

/// Reads a batch.
pub(super) fn read(body: &[u8]) -> Result<Vec<Operation>, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Batch {
        operations: Vec<Operation>,
    }
    let batch: Result<Batch, _> = serde_json::from_slice(body);
    let batch = batch.map_err(|error| Refusal::unreadable(&error.to_string()))?;
    match batch.operations.len() {
        0 => Err(Refusal::unreadable("no operations")),
        1..=500 => Ok(batch.operations),
        _ => Err(Refusal::TOO_LARGE),
    }
}

impl Operation {
    /// Carries it out and gives its result.
    pub(super) fn perform(
        &self,
        directory: &mut Directory,
        made: &mut Made,
        when: Moment,
    ) -> Value {
        match self.attempt(directory, made, when) {
            Ok(key) => {
                made.insert(self.reference.clone(), key.clone());
                json!({"ref": self.reference, "status": "OK", "key": key})
            }
            Err(failed) => {
                json!({"ref": self.reference, "status": "FAILED", "error": failed.shown()})
            }
        }
    }

    fn attempt(
        &self,
        directory: &mut Directory,
        made: &Made,
        when: Moment,
    ) -> Result<String, Failed> {
        let key = self.key.clone().unwrap_or_default();
        match self.op {
            Kind::CreateUser => directory.create_user(self.user()?, when),
            Kind::UpdateUser => directory
                .update_user(&key, self.user()?, when)
                .map(|()| key),
            Kind::DeleteUser => directory.delete_user(&key, when).map(|()| key),
            Kind::CreateGroup => directory.create_group(&self.group()?, when),
            Kind::UpdateGroup => directory
                .update_group(&key, &self.group()?, when)
                .map(|()| key),
            Kind::DeleteGroup => directory.delete_group(&key, when).map(|()| key),
            Kind::AddMember => {
                let (group, member) = self.membership(made)?;
                directory.add_member(&group, &member).map(|()| member)
            }
            Kind::RemoveMember => {
                let (group, member) = self.membership(made)?;
                directory.remove_member(&group, &member).map(|()| member)
            }
        }
    }

    fn user(&self) -> Result<&Map<String, Value>, Failed> {
        let missing = || Failed::invalid("user", "must be given");
        self.user.as_ref().ok_or_else(missing)
    }

    fn group(&self) -> Result<Map<String, Value>, Failed> {
        let group = self.group.as_ref().and_then(Value::as_object);
        let missing = || Failed::invalid("group", "must be given");
        group.cloned().ok_or_else(missing)
    }

    fn membership(&self, made: &Made) -> Result<(String, String), Failed> {
        let group: Option<Named> = self
            .group
            .clone()
            .and_then(|group| serde_json::from_value(group).ok());
        let group = group.and_then(|group| group.key(made));
        let group = group.ok_or_else(|| Failed::no_group("nowhere"))?;
        let member = self.member.as_ref().and_then(|member| member.key(made));
        let member = member.ok_or_else(|| Failed::no_member("nobody"))?;
        Ok((group, member))
    }
}

impl Named {
    fn key(&self, made: &Made) -> Option<String> {
        match self {
            Self::Key(key) => Some(key.clone()),
            Self::Ref(reference) => made.get(reference).cloned(),
        }
    }
}
