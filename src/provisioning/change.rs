//! `PATCH` (RFC 7644 §3.5.2) and `PUT` (§3.5.1).
//!
//! A PATCH is applied to a resource whose values are unknown, which tells what
//! it changes without asking the vendor: one operation, one call. Only where
//! its outcome depends on a value does the gateway read first.

use super::Operation;
use super::create::names;
use super::doubt::found_done;
use super::locks::{Held, LockKey};
use super::members::{member_ids, memberships_of};
use super::scripted::{Done, WriteEnd};
use super::trace::Decision;
use crate::adapter::keys::{NativeId, ObjectKey, ScimId};
use crate::adapter::mapping::{
    Change, Purpose, Reading, Written, add_extra, assemble, extra_of, update_overrides,
};
use crate::adapter::remembered::Remembered;
use crate::scim::{
    Incoming, MemberChanges, Object, PatchRequest, Preconditions, Projection, ResourceKind,
    Response, Stop, immutable, patch,
};
use crate::script::fault::{Failure, GatewayFault};

/// A resource under change.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) key: ObjectKey,
    pub(super) native: NativeId,
    pub(super) remembered: Remembered,
}

/// What a resource is to become.
struct Plan {
    after: Object,
    changes: Vec<Change>,
}

/// What the vendor made of a plan.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) reading: Option<Reading>,
    pub(super) written: Vec<Written>,
}

impl Operation {
    pub(super) async fn patch(
        &self,
        kind: ResourceKind,
        id: &str,
        patch: PatchRequest,
        projection: &Projection,
        conditions: &Preconditions,
    ) -> Result<Response, Failure> {
        let keys = match self.gathers_members(kind, &patch, conditions) {
            Some(members) => memberships_of(id, &members),
            None => {
                let object = LockKey::Object(kind, id.to_owned());
                let names = names(kind, &named(&patch));
                names.into_iter().chain([object]).collect()
            }
        };
        let (subject, _held) = self.subject(kind, id, keys, conditions).await?;
        self.tell_ignored(&patch.ignored);
        let (patch, members) = match kind {
            ResourceKind::Group => self.member_changes(&subject, patch).await?,
            ResourceKind::User => (patch, MemberChanges::default()),
        };
        let may_be_gone = self.may_be_gone(&subject);
        let changed = match self.planned(kind, &subject, &patch).await {
            Ok(plan) => self.carry_out(kind, subject, plan, &patch).await,
            Err(failure) => Err(failure),
        };
        let (subject, outcome) = match (changed, may_be_gone) {
            (Err(failure), Some(gone)) if failure.is_absent() => {
                self.patch_anew(gone, &patch).await?
            }
            (changed, _) => changed?,
        };
        self.change_members(&subject.key.id, &subject.native, members)
            .await?;
        self.answer_change(kind, &subject, outcome, projection)
            .await
    }

    pub(super) async fn replace(
        &self,
        kind: ResourceKind,
        id: &str,
        incoming: Incoming,
        projection: &Projection,
        conditions: &Preconditions,
    ) -> Result<Response, Failure> {
        let mut after = incoming.resource;
        let mut keys = names(kind, &after);
        keys.push(LockKey::Object(kind, id.to_owned()));
        let (subject, _held) = self.subject(kind, id, keys, conditions).await?;
        self.tell_ignored(&incoming.ignored);
        self.keep_immutable(kind, &subject, &mut after).await?;
        let members = replaced_members(kind, &after);
        let mut changes = self.mapping(kind)?.whole(&after);
        // What PUT leaves out is cleared (RFC 7644 §3.5.1), but an account is
        // never switched by silence.
        let active = self.mapping(kind)?.active_row().map(|(row, _)| row);
        changes.retain(|change| change.value.is_some() || Some(change.row) != active);
        self.note_changes(self.mapping(kind)?, &changes, &Object::new());
        let patch = PatchRequest::default();
        let may_be_gone = self.may_be_gone(&subject);
        let wanted = may_be_gone.is_some().then(|| after.clone());
        let changed = self
            .carry_out(kind, subject, Plan { after, changes }, &patch)
            .await;
        let (subject, outcome) = match (changed, may_be_gone, wanted) {
            (Err(failure), Some(gone), Some(wanted)) if failure.is_absent() => {
                self.make_anew(gone, wanted).await?
            }
            (changed, ..) => changed?,
        };
        self.change_members(&subject.key.id, &subject.native, members)
            .await?;
        self.answer_whole(kind, &subject, outcome, projection).await
    }

    /// Holds a PUT against what is set only once; a vendor without such
    /// attributes is not asked.
    async fn keep_immutable(
        &self,
        kind: ResourceKind,
        subject: &Subject,
        after: &mut Object,
    ) -> Result<(), Failure> {
        let mapping = self.mapping(kind)?;
        if !immutable::is_any(&mapping.resource_type) {
            return Ok(());
        }
        let reading = self.reread(kind, &subject.native).await?;
        let before = assemble(mapping, &reading, &subject.remembered);
        Ok(immutable::keep(&before, after, &mapping.resource_type)?)
    }

    /// Locks the resource, and the names it is to have: a POST of the same name
    /// must not take it for its own.
    async fn subject(
        &self,
        kind: ResourceKind,
        id: &str,
        keys: Vec<LockKey>,
        conditions: &Preconditions,
    ) -> Result<(Subject, Held), Failure> {
        let id = ScimId::new(id);
        let again = self.expires(kind).then(|| keys.clone());
        let mut held = self.lock(keys).await?;
        let key = self.key(kind, &id);
        let mut native = self.native_id(kind, &id).await?;
        let mut remembered = self.memory.recall(&key).await?.unwrap_or_default();
        if let (Some(mut keys), false) = (again, remembered.kept.is_empty()) {
            // It may have to be made anew, under names that go before objects.
            drop(held);
            keys.extend(names(kind, &remembered.kept));
            held = self.lock(keys).await?;
            native = self.native_id(kind, &id).await?;
            remembered = self.memory.recall(&key).await?.unwrap_or_default();
        }
        self.require(kind, &id, &native, conditions).await?;
        Ok((
            Subject {
                key,
                native,
                remembered,
            },
            held,
        ))
    }

    /// What a PATCH does to the members, and the rest of it. What only the
    /// list itself can settle (`members[type eq "User"]`) is applied to it.
    async fn member_changes(
        &self,
        subject: &Subject,
        patch: PatchRequest,
    ) -> Result<(PatchRequest, MemberChanges), Failure> {
        let (mut rest, changes) = patch.clone().split_members();
        if !rest.operations.iter().any(is_about_members) {
            return Ok((rest, changes));
        }
        let now = self.members_of(&subject.key.id, &subject.native).await?;
        let mut group = Object::from_iter([("members".to_owned(), self.member_values(&now))]);
        let types = &self.mapping(ResourceKind::Group)?.resource_type;
        let applied = patch.apply(&mut group, types, self.service.profile);
        applied.map_err(|stop| match stop {
            Stop::Refused(error) => error.into(),
            Stop::NeedsRead => Failure::from(GatewayFault::Internal),
        })?;
        rest.operations
            .retain(|operation| !is_about_members(operation));
        Ok((
            rest,
            MemberChanges {
                from_empty: true,
                add: member_ids(&group),
                remove: Vec::new(),
            },
        ))
    }

    /// What a PATCH changes: by itself if that can be told, else against what
    /// the vendor holds.
    async fn planned(
        &self,
        kind: ResourceKind,
        subject: &Subject,
        patch: &PatchRequest,
    ) -> Result<Plan, Failure> {
        let mapping = self.mapping(kind)?;
        let unknown = add_extra(mapping, mapping.unknown(), &subject.remembered.extra);
        match self.apply(kind, patch, unknown) {
            Err(Stop::NeedsRead) => self.planned_by_reading(kind, subject, patch).await,
            Err(Stop::Refused(error)) => Err(error.into()),
            Ok(plan) => Ok(plan),
        }
    }

    async fn planned_by_reading(
        &self,
        kind: ResourceKind,
        subject: &Subject,
        patch: &PatchRequest,
    ) -> Result<Plan, Failure> {
        self.story.decide(Decision::ReadFirst);
        let reading = self.reread(kind, &subject.native).await?;
        let before = assemble(self.mapping(kind)?, &reading, &subject.remembered);
        self.apply(kind, patch, before).map_err(|stop| match stop {
            Stop::Refused(error) => error.into(),
            Stop::NeedsRead => GatewayFault::Internal.into(),
        })
    }

    fn apply(
        &self,
        kind: ResourceKind,
        patch: &PatchRequest,
        before: Object,
    ) -> Result<Plan, Stop> {
        let Ok(mapping) = self.mapping(kind) else {
            return Err(Stop::NeedsRead);
        };
        let mut after = before.clone();
        patch.apply(&mut after, &mapping.resource_type, self.service.profile)?;
        if !mapping.is_told_apart(&after) {
            return Err(Stop::NeedsRead);
        }
        let changes = mapping.difference(&before, &after);
        self.note_changes(mapping, &changes, &before);
        Ok(Plan { after, changes })
    }

    /// Tells the vendor and notes what it cannot hold. Switching off goes
    /// first and switching on last, so that a refused change never keeps a
    /// leaver's account open and no half-changed account is put to use.
    async fn carry_out(
        &self,
        kind: ResourceKind,
        mut subject: Subject,
        mut plan: Plan,
        patch: &PatchRequest,
    ) -> Result<(Subject, Outcome), Failure> {
        let active = self.wanted_active(kind, &plan.changes)?;
        let mut outcome = Outcome::default();
        if active == Some(false) {
            outcome.reading = self.switch_off(&mut subject).await?;
        }
        let changes = self.unswitched(kind, std::mem::take(&mut plan.changes))?;
        let done = match self.alter_noted(&mut subject, changes, &plan.after).await? {
            WriteEnd::Done(done) => done,
            WriteEnd::NeedsRead => {
                plan = self.planned_by_reading(kind, &subject, patch).await?;
                let changes = self.unswitched(kind, std::mem::take(&mut plan.changes))?;
                self.alter_known(&mut subject, changes, &plan.after).await?
            }
        };
        outcome.take(done);
        if active == Some(true) {
            outcome.reading = self.switch_on(&mut subject, outcome.reading).await?;
        }
        self.note_change(kind, &mut subject, &plan.after, &mut outcome)
            .await?;
        Ok((subject, outcome))
    }

    /// Changes the object, with a note as long as its key is in doubt.
    async fn alter_noted(
        &self,
        subject: &mut Subject,
        changes: Vec<Change>,
        after: &Object,
    ) -> Result<WriteEnd, Failure> {
        let Subject {
            key,
            native,
            remembered,
        } = subject;
        let changes = self
            .with_moved_references(key.kind, changes, remembered)
            .await?;
        self.announce_key(key, native, remembered, &changes, after)
            .await?;
        let sent = changes.clone();
        let altered = self.alter(key.kind, native, changes, after).await;
        let Err(failure) = altered else {
            return altered;
        };
        self.withdraw_key(key, remembered, &failure).await?;
        let in_doubt = failure.is_unconfirmed() && remembered.becoming.is_none();
        let found = match in_doubt {
            true => self.altered_in_doubt(key.kind, native, sent, after).await?,
            false => None,
        };
        found.map(WriteEnd::Done).ok_or(failure)
    }

    /// What a change came to whose reply was lost, if it was carried out.
    async fn altered_in_doubt(
        &self,
        kind: ResourceKind,
        id: &NativeId,
        sent: Vec<Change>,
        after: &Object,
    ) -> Result<Option<Done>, Failure> {
        let Some(reading) = self.fetch(kind, id).await? else {
            return Ok(None);
        };
        let held = self
            .holds(kind, &reading, sent, after, Purpose::Update)
            .await?;
        self.story.decide(found_done(held.is_some()));
        Ok(held.map(|written| Done {
            reading: Some(reading),
            written,
        }))
    }

    async fn alter_known(
        &self,
        subject: &mut Subject,
        changes: Vec<Change>,
        after: &Object,
    ) -> Result<Done, Failure> {
        match self.alter_noted(subject, changes, after).await? {
            WriteEnd::Done(done) => Ok(done),
            WriteEnd::NeedsRead => Err(GatewayFault::Internal.into()),
        }
    }

    async fn switch_off(&self, subject: &mut Subject) -> Result<Option<Reading>, Failure> {
        let reading = self.switch(&subject.native, false).await?;
        self.suspend(subject).await?;
        Ok(reading)
    }

    async fn switch_on(
        &self,
        subject: &mut Subject,
        reading: Option<Reading>,
    ) -> Result<Option<Reading>, Failure> {
        self.resume(subject).await?;
        match reading {
            Some(reading) => self.settle(&subject.native, reading, true).await.map(Some),
            None => self.switch(&subject.native, true).await,
        }
    }

    /// Follows a changed native key and remembers what the vendor cannot.
    async fn note_change(
        &self,
        kind: ResourceKind,
        subject: &mut Subject,
        after: &Object,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let mapping = self.mapping(kind)?;
        let mut remembered = Remembered {
            extra: extra_of(mapping, after),
            becoming: None,
            ..subject.remembered.clone()
        };
        if outcome.reading.is_none() && needs_reading(kind, outcome) {
            outcome.reading = Some(self.reread(kind, &subject.native).await?);
        }
        if let Some(reading) = &outcome.reading {
            self.note_kept(update_overrides(
                mapping,
                &mut remembered,
                &outcome.written,
                reading,
            ));
            self.remember_active(kind, &mut remembered, after, reading)?;
            self.keep(kind, &mut remembered, reading)?;
            self.follow(subject, reading).await?;
        }
        if remembered != subject.remembered {
            self.story.decide(Decision::KeptHere);
            self.memory
                .remember(&subject.key, remembered.clone())
                .await?;
            subject.remembered = remembered;
        }
        Ok(())
    }

    /// A renamed object keeps its SCIM id.
    pub(super) async fn follow(
        &self,
        subject: &mut Subject,
        reading: &Reading,
    ) -> Result<(), Failure> {
        if reading.id == subject.native || !self.is_issued(subject.key.kind) {
            return Ok(());
        }
        self.memory.rebind(&subject.key, reading.id.clone()).await?;
        self.ids.bump(&self.tenant, subject.key.kind);
        subject.native = reading.id.clone();
        Ok(())
    }

    /// A PATCH: 200 with the resource for a user; for a group as the profile has it.
    async fn answer_change(
        &self,
        kind: ResourceKind,
        subject: &Subject,
        outcome: Outcome,
        projection: &Projection,
    ) -> Result<Response, Failure> {
        let unasked = kind == ResourceKind::Group && projection.is_silent();
        if unasked && self.service.profile.answers_changed_groups_without_body() {
            return Ok(Response::no_content());
        }
        self.answer_whole(kind, subject, outcome, projection).await
    }

    /// 200 with the resource, as every PUT is answered (RFC 7644 §3.5.1).
    async fn answer_whole(
        &self,
        kind: ResourceKind,
        subject: &Subject,
        outcome: Outcome,
        projection: &Projection,
    ) -> Result<Response, Failure> {
        if outcome.reading.is_none()
            && let Some(kept) = self.kept(kind, &subject.key.id, &subject.remembered)
        {
            self.story.decide(Decision::AnsweredFromKept);
            return self.answer(kind, 200, kept, projection);
        }
        let reading = match outcome.reading {
            Some(reading) => reading,
            None => self.reread(kind, &subject.native).await?,
        };
        let with_members = self.shows_members(projection);
        let resource = self
            .resource(
                kind,
                &subject.key.id,
                &reading,
                &subject.remembered,
                with_members,
            )
            .await?;
        self.answer(kind, 200, resource, projection)
    }
}

impl Outcome {
    fn take(&mut self, done: Done) {
        self.reading = done.reading.or(self.reading.take());
        self.written = done.written;
    }
}

/// A user's answer needs what the vendor holds, and so does whatever was written.
fn needs_reading(kind: ResourceKind, outcome: &Outcome) -> bool {
    kind == ResourceKind::User || !outcome.written.is_empty()
}

/// The members a PUT names; one that names none leaves them alone, for a
/// missing list must never empty a group.
fn replaced_members(kind: ResourceKind, after: &Object) -> MemberChanges {
    if kind != ResourceKind::Group || !after.contains_key("members") {
        return MemberChanges::default();
    }
    MemberChanges {
        from_empty: true,
        add: member_ids(after),
        remove: Vec::new(),
    }
}

/// The single attributes of the resource itself that a PATCH sets: its new names
/// among them.
fn named(patch: &PatchRequest) -> Object {
    let plain = patch.operations.iter().filter(|operation| {
        let path = &operation.path;
        path.attr.schema.is_none() && path.filter.is_none() && path.sub().is_none()
    });
    plain
        .filter_map(|operation| {
            Some((
                operation.path.attr.attribute.clone(),
                operation.value.clone()?,
            ))
        })
        .collect()
}

fn is_about_members(operation: &patch::Operation) -> bool {
    operation.path.attr.attribute == "members"
}
