//! Writing to the vendor: `create_…`, `update_…`, `delete_…` and their like of the script. Only
//! the executor ([`super::run`]) calls these.

use std::sync::Arc;

use rhai::Dynamic;

use super::calls::array_of;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Change, Native, Purpose, Reading, Refusal, Written};
use crate::scim::{Object, ResourceKind, ScimError};

use super::reads::only;

/// A write that was carried out.
pub(super) struct Done {
    /// What the vendor holds now, if it said so.
    pub(super) reading: Option<Reading>,
    /// What was sent.
    pub(super) written: Vec<Written>,
}

/// What changes are for the vendor.
pub(super) enum Translated {
    Native(Native),
    /// A value depends on one that only the vendor knows.
    NeedsReading,
}

impl Operation {
    /// Converts changes to native fields; references become native ids.
    ///
    /// # Errors
    /// `Refused` names the value that does not translate or is missing.
    pub(super) async fn translate(
        &self,
        kind: ResourceKind,
        changes: Vec<Change>,
        resource: &Object,
        purpose: Purpose,
    ) -> Outcome<Translated> {
        self.refuse_missing(kind, &changes)?;
        let changes = self.referred(kind, changes).await?;
        let (mapping, of) = (self.mapping(kind)?, Arc::clone(self.mapping(kind)?));
        let rows: Vec<_> = changes.iter().map(|change| change.row).collect();
        let native = match self.without_script(mapping, rows.iter().copied()) {
            Some(closures) => mapping.write(&changes, resource, purpose, &closures),
            None => {
                let resource = resource.clone();
                let native = self.convert(mapping, rows, move |closures| {
                    of.write(&changes, &resource, purpose, closures)
                });
                native.await?
            }
        };
        match native {
            Ok(native) => Ok(Translated::Native(native)),
            Err(Refusal::NeedsRead) => Ok(Translated::NeedsReading),
            Err(refusal) => Err(refusal.into_failure().into()),
        }
    }

    /// What is needed is made of other attributes where that can be, but not in a profile that says
    /// it is required.
    fn refuse_missing(&self, kind: ResourceKind, changes: &[Change]) -> Outcome<()> {
        if self.service.profile.makes_what_is_needed() {
            return Ok(());
        }
        let mapping = self.mapping(kind)?;
        let mut missing = changes.iter().filter(|change| change.value.is_none());
        let missing = missing.find_map(|change| {
            let row = mapping.row(change.row)?;
            row.may_be_missing().then_some(&row.spelling)
        });
        match missing {
            None => Ok(()),
            Some(name) => {
                let title = &self.adapter.manifest.title;
                let text = format!("{name} is missing, and {title} needs it.");
                Err(ScimError::invalid_value(text).into())
            }
        }
    }

    /// `create_…(object)`.
    pub(super) async fn create_native(
        &self,
        kind: ResourceKind,
        native: Native,
        resource: &Object,
    ) -> Outcome<Done> {
        let mapping = Arc::clone(self.mapping(kind)?);
        let function = format!("create_{}", kind.snake());
        let asks_for_whole = self.adapter.script.arity(&function) == Some(2);
        let whole = asks_for_whole.then(|| resource.clone());
        let Native { fields, written } = native;
        let reading = self.call(Subject::new(kind), move |vm| {
            vm.note_fields(&fields);
            let fields = vm.wrapped(kind, fields);
            match whole {
                Some(whole) => {
                    let asked = mapping.for_script(&whole);
                    vm.written(&mapping, &function, (fields, asked))
                }
                None => vm.written(&mapping, &function, (fields,)),
            }
        });
        let created = reading.await?;
        // From here on the object is there, whatever goes wrong.
        let noted = async {
            let reading = self.referring(kind, created).await?;
            if let Some(reading) = &reading {
                self.saw(kind, &reading.id);
                self.note_write(kind, &reading.id, &written).await?;
            }
            Ok::<_, NotDone>(reading)
        };
        let reading = noted.await.map_err(NotDone::after_a_write)?;
        Ok(Done { reading, written })
    }

    /// `update_…(id, changes)`. The vendor may answer with the object under the key it is
    /// `becoming`.
    pub(super) async fn update_native(
        &self,
        kind: ResourceKind,
        id: &NativeId,
        becoming: Option<NativeId>,
        native: Native,
    ) -> Outcome<Done> {
        let (mapping, asked) = (Arc::clone(self.mapping(kind)?), id.clone());
        let Native { fields, written } = native;
        self.pass(kind, id).await?;
        self.note_writing(kind, id, &written)?;
        let reading = self.call(Subject::native(kind, id), move |vm| {
            vm.note_fields(&fields);
            let function = format!("update_{}", kind.snake());
            let fields = vm.wrapped(kind, fields);
            let given = vm.written(&mapping, &function, (asked.to_string(), fields))?;
            match becoming {
                Some(becoming) => only(&becoming, given.clone()).or_else(|_| only(&asked, given)),
                None => only(&asked, given),
            }
        });
        let reading = self.referring(kind, reading.await?).await?;
        let now = reading.as_ref().map_or(id, |reading| &reading.id);
        self.saw(kind, now);
        self.note_write(kind, now, &written).await?;
        Ok(Done { reading, written })
    }

    /// The native key that fields give an object, as `key_…(fields)` tells it where it is not one
    /// of the fields; `None` if they leave it.
    pub(super) async fn new_key(
        &self,
        kind: ResourceKind,
        native: &Native,
    ) -> Outcome<Option<NativeId>> {
        let (mapping, fields) = (Arc::clone(self.mapping(kind)?), native.fields.clone());
        self.call(Subject::new(kind), move |vm| vm.key_of(&mapping, fields))
            .await
    }

    /// `delete_…(id)`.
    pub(super) async fn delete_native(&self, kind: ResourceKind, id: &NativeId) -> Outcome<()> {
        let key = id.to_string();
        self.pass(kind, id).await?;
        self.note_writing(kind, id, &[])?;
        self.call(Subject::native(kind, id), move |vm| {
            vm.call(&format!("delete_{}", kind.snake()), (key,))
                .map(drop)
        })
        .await?;
        self.note_removal(kind, id).await
    }

    /// `activate_user(id)` or `deactivate_user(id)`.
    pub(super) async fn switch_native(
        &self,
        id: &NativeId,
        active: bool,
    ) -> Outcome<Option<Reading>> {
        let kind = ResourceKind::User;
        let (mapping, asked) = (Arc::clone(self.mapping(kind)?), id.clone());
        let function = if active {
            "activate_user"
        } else {
            "deactivate_user"
        };
        self.pass(kind, id).await?;
        self.note_writing(kind, id, &[])?;
        let switched = self.call(Subject::native(kind, id), move |vm| {
            only(
                &asked,
                vm.written(&mapping, function, (asked.to_string(),))?,
            )
        });
        let switched = switched.await?;
        self.saw(kind, id);
        self.note_write(kind, id, &[]).await?;
        self.referring(kind, switched).await
    }

    /// `assign_group(user, group)`, for a vendor with one group a user.
    pub(super) async fn assign(&self, user: &NativeId, group: Option<NativeId>) -> Outcome<()> {
        let key = user.to_string();
        self.pass(ResourceKind::User, user).await?;
        if let Some(group) = &group {
            self.pass(ResourceKind::Group, group).await?;
        }
        let group = group.map_or(Dynamic::UNIT, |group| group.to_string().into());
        self.call(Subject::native(ResourceKind::User, user), move |vm| {
            vm.call("assign_group", (key, group)).map(drop)
        })
        .await
    }

    /// `add_members(group, users)`.
    pub(super) async fn add_to_group(&self, group: &NativeId, users: &[NativeId]) -> Outcome<()> {
        for user in users {
            self.pass(ResourceKind::User, user).await?;
        }
        self.regroup("add_members", group, users).await
    }

    /// `remove_members(group, users)`.
    pub(super) async fn remove_from_group(
        &self,
        group: &NativeId,
        users: &[NativeId],
    ) -> Outcome<()> {
        self.regroup("remove_members", group, users).await
    }

    async fn regroup(
        &self,
        function: &'static str,
        group: &NativeId,
        users: &[NativeId],
    ) -> Outcome<()> {
        if users.is_empty() {
            return Ok(());
        }
        self.pass(ResourceKind::Group, group).await?;
        let (key, users) = (group.to_string(), array_of(users));
        self.call(Subject::native(ResourceKind::Group, group), move |vm| {
            vm.call(function, (key, users)).map(drop)
        })
        .await
    }
}
