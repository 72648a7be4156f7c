//! `PATCH` (RFC 7644 §3.5.2) and `PUT` (§3.5.1).
//!
//! A PATCH is applied to a resource whose values are unknown, which tells what it changes without
//! asking the vendor: one operation, one call. Only where its outcome depends on a value does the
//! gateway read first.

use std::borrow::Cow;

use super::locks::LockKey;
use super::members::{MembersPlan, memberships_of};
use super::names::locks_of;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::plan::{Plan, Step};
use super::run::{Run, Target};
use super::trace::Decision;
use super::wish::Wish;
use super::writes::Translated;
use crate::adapter::keys::ScimId;
use crate::adapter::manifest::Consistency;
use crate::adapter::mapping::{Change, Native, Purpose, add_extra, assemble};
use crate::scim::{
    Incoming, Object, PatchRequest, Preconditions, Projection, ResourceKind, Response, Stop,
    immutable,
};
use crate::script::fault::{Failure, GatewayFault};
use crate::turns;

/// A resource as it is to be, as far as it is known, and what changes for that.
struct Wanted {
    after: Object,
    changes: Vec<Change>,
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
        self.tell_ignored(&patch.ignored);
        let mut run = Run::new(self, kind, Object::new());
        let wish = Wish::Patch(patch);
        let changed = self.change(&mut run, id, &wish, conditions).await;
        let without_body = kind == ResourceKind::Group
            && projection.is_silent()
            && self.service.profile.answers_changed_groups_without_body();
        let answered = match changed {
            Ok(()) if without_body => self
                .heard_of(&mut run)
                .await
                .map(|()| Response::no_content()),
            Ok(()) => self.answer_run(&mut run, 200, projection).await,
            Err(not_done) => Err(not_done),
        };
        run.end(id, answered)
    }

    pub(super) async fn replace(
        &self,
        kind: ResourceKind,
        id: &str,
        incoming: Incoming,
        projection: &Projection,
        conditions: &Preconditions,
    ) -> Result<Response, Failure> {
        self.tell_ignored(&incoming.ignored);
        let mut run = Run::new(self, kind, Object::new());
        let wish = Wish::Replace(incoming);
        let answered = match self.change(&mut run, id, &wish, conditions).await {
            // RFC 7644 §3.5.1: every PUT is answered with the resource.
            Ok(()) => self.answer_run(&mut run, 200, projection).await,
            Err(not_done) => Err(not_done),
        };
        run.end(id, answered)
    }

    async fn change(
        &self,
        run: &mut Run<'_>,
        id: &str,
        wish: &Wish,
        conditions: &Preconditions,
    ) -> Outcome<()> {
        self.mapping(run.kind)?;
        self.take_target(run, &ScimId::new(id), wish, conditions)
            .await?;
        let target = run.target()?.clone();
        let changed = self.carry_out(run, wish).await;
        // A disabled object may have been removed by the vendor.
        let gone = Subject::native(run.kind, &target.native);
        match changed {
            Err(absent) if absent.is_absent(&gone) && !target.remembered.kept.is_empty() => {
                self.recreate(run, target, wish).await
            }
            changed => changed,
        }
    }

    /// Locks the object, and the names that it is to have: a POST of the same name must wait.
    async fn take_target(
        &self,
        run: &mut Run<'_>,
        id: &ScimId,
        wish: &Wish,
        conditions: &Preconditions,
    ) -> Outcome<()> {
        let kind = run.kind;
        if let Some(members) = self.gathers_members(kind, wish, conditions) {
            run.locks.take(memberships_of(id, &members)).await?;
            self.memory.ready_to_write().await?;
            run.target = Some(self.target(kind, id).await?);
            return Ok(());
        }
        run.locks.take(vec![LockKey::changes(kind, id)]).await?;
        self.memory.ready_to_write().await?;
        let mut names = match wish {
            Wish::Patch(patch) => self.names_in_patch(kind, patch).await?,
            Wish::Replace(incoming) => {
                let whole = self.mapping(kind)?.whole(&incoming.resource);
                self.names_in_changes(kind, whole, &incoming.resource)
                    .await?
            }
        };
        if self.expires(kind) {
            // It may have to be created again, under the names that were kept of it.
            let remembered = self.memory.recall(&self.key(kind, id)).await?;
            let kept = remembered.unwrap_or_default().kept;
            let whole = self.mapping(kind)?.whole(&kept);
            names.extend(self.names_in_changes(kind, whole, &kept).await?);
        }
        self.wait_for_earlier_creates(kind, id, Some(&names))
            .await?;
        let object = LockKey::object(kind, id.as_str());
        run.locks
            .take(locks_of(&names).chain([object]).collect())
            .await?;
        let target = self.target(kind, id).await?;
        self.require(kind, id, &target.native, conditions).await?;
        self.wait_for_creates(&target, Some(&names)).await?;
        self.heard(kind, &target.native, None);
        run.target = Some(target);
        Ok(())
    }

    pub(super) async fn target(&self, kind: ResourceKind, id: &ScimId) -> Outcome<Target> {
        let key = self.key(kind, id);
        let native = self.native_id(kind, id).await?;
        let remembered = self.memory.recall(&key).await?.unwrap_or_default();
        Ok(Target {
            key,
            native,
            remembered,
        })
    }

    /// Plans, judges and runs. Disabling stands: what else the request wants may be refused, but
    /// never keeps a leaver's account in use.
    async fn carry_out(&self, run: &mut Run<'_>, wish: &Wish) -> Outcome<()> {
        let refusal = match self.carry_out_whole(run, wish).await {
            Err(refusal) if refusal.is_refusal() && wish.disables() && !run.asked_to_disable => {
                refusal
            }
            ended => return ended,
        };
        let asked = self.asked_beside_disabling(run.kind, wish)?;
        run.reading = None;
        run.written.clear();
        self.carry_out_whole(run, &Wish::disabling()).await?;
        Err(match refusal {
            NotDone::Refused(mut error)
                if !asked.is_empty() && asked.iter().all(|it| !error.detail.contains(it)) =>
            {
                let asked = asked.join(", ");
                error.detail = format!("{} It was about one of: {asked}.", error.detail);
                NotDone::Refused(error)
            }
            refusal => refusal,
        })
    }

    /// The attributes that a request changes beside `active`, as far as they can be told without
    /// reading.
    fn asked_beside_disabling(&self, kind: ResourceKind, wish: &Wish) -> Outcome<Vec<String>> {
        let mapping = self.mapping(kind)?;
        let changes = match wish {
            // What a PUT leaves out is not what somebody asks for.
            Wish::Replace(incoming) => {
                let mut changes = mapping.whole(&incoming.resource);
                changes.retain(|change| change.value.is_some());
                changes
            }
            Wish::Patch(patch) => {
                let applied = self.applied(kind, patch, mapping.unknown());
                applied.map(|wanted| wanted.changes).unwrap_or_default()
            }
        };
        let names = changes.iter().filter_map(|change| mapping.row(change.row));
        let others = names.filter(|row| row.spelling != "active");
        Ok(others.map(|row| row.spelling.clone()).collect())
    }

    async fn carry_out_whole(&self, run: &mut Run<'_>, wish: &Wish) -> Outcome<()> {
        let plan = self.plan(run, wish).await?;
        run.carry_out(plan).await
    }

    async fn plan(&self, run: &mut Run<'_>, wish: &Wish) -> Outcome<Plan> {
        let kind = run.kind;
        let members = self.plan_members(run, wish).await?;
        run.lock_members(members.join.iter().chain(&members.leave))
            .await?;
        let (active, native, looked_for) = self.plan_attributes(run, wish, &members).await?;
        let mut plan = Plan::default();
        if !looked_for.is_empty() {
            plan.then(Step::Look(looked_for));
        }
        if members.resolve {
            plan.then_for(members.join.clone(), Step::Resolve);
        }
        if active == Some(false) {
            plan.then(Step::Switch(false));
            if self.suspends() {
                plan.then(Step::LeaveAllGroups);
            }
        }
        plan.then_for(members.join, Step::AddMembers);
        plan.then_for(members.leave, Step::RemoveMembers);
        plan.then(Step::Update(native));
        let returns = match self.suspends() {
            true => active == Some(true),
            // It was created again, and that was cut short.
            false => run.target()?.remembered.suspended,
        };
        if returns {
            plan.then(Step::Rejoin);
        }
        if active == Some(true) {
            plan.then(Step::Switch(true));
        }
        if kind == ResourceKind::Group && !plan.writes() {
            // Nothing else would tell that the group is gone.
            plan.then(Step::Reread);
        }
        plan.then(Step::Remember);
        Ok(plan)
    }

    /// What `active` is to be if that goes by a call of its own, the other fields, and the names
    /// that must be looked for before.
    async fn plan_attributes(
        &self,
        run: &mut Run<'_>,
        wish: &Wish,
        members: &MembersPlan,
    ) -> Outcome<(Option<bool>, Native, Vec<super::name::Name>)> {
        let kind = run.kind;
        let mut wanted = match wish {
            Wish::Patch(patch) => self.patched(run, patch).await?,
            Wish::Replace(incoming) => self.replaced(run, incoming).await?,
        };
        let mut translated = self.translate_wanted(run, &wanted).await?;
        if let (Translated::NeedsReading, Wish::Patch(patch)) = (&translated, wish) {
            wanted = self.patched_by_reading(run, patch).await?;
            translated = self.translate_wanted(run, &wanted).await?;
        }
        let Translated::Native(native) = translated else {
            return Err(GatewayFault::Internal.into());
        };
        let active = self.wanted_active(kind, &wanted.changes)?;
        let Wanted { after, changes } = wanted;
        let mut names = self.names_in_changes(kind, changes, &after).await?;
        run.wanted = after;
        // Of a unique value the vendor refuses a second one itself, by the request's first write.
        if members.is_empty() {
            let mapping = self.mapping(kind)?;
            let refuses_a_second = self.adapter.manifest.consistency != Consistency::B;
            names.retain(|name| {
                let row = mapping.row_named(&name.attribute);
                !(refuses_a_second && row.is_some_and(|row| row.unique))
            });
        }
        Ok((active, native, names))
    }

    async fn translate_wanted(&self, run: &mut Run<'_>, wanted: &Wanted) -> Outcome<Translated> {
        let kind = run.kind;
        let changes = self.unswitched(kind, wanted.changes.clone())?;
        let remembered = run.target()?.remembered.clone();
        let changes = self
            .with_moved_references(kind, changes, &remembered)
            .await?;
        self.translate(kind, changes, &wanted.after, Purpose::Update)
            .await
    }

    /// What a PATCH changes: by itself if that can be told, else against what the vendor holds.
    async fn patched(&self, run: &mut Run<'_>, patch: &PatchRequest) -> Outcome<Wanted> {
        let mapping = self.mapping(run.kind)?;
        let extra = &run.target()?.remembered.extra;
        let unknown = match extra.is_empty() {
            true => Cow::Borrowed(mapping.unknown()),
            false => Cow::Owned(add_extra(mapping, mapping.unknown().clone(), extra)),
        };
        self.pass_if_long(patch).await;
        match self.applied(run.kind, patch, &unknown) {
            Err(Stop::NeedsRead) => self.patched_by_reading(run, patch).await,
            Err(Stop::Refused(error)) => Err(error.into()),
            Ok(wanted) => Ok(wanted),
        }
    }

    async fn patched_by_reading(&self, run: &mut Run<'_>, patch: &PatchRequest) -> Outcome<Wanted> {
        self.story.decide(Decision::ReadFirst);
        let kind = run.kind;
        let reading = run.reread().await?.clone();
        let remembered = &run.target()?.remembered;
        let before = assemble(self.mapping(kind)?, &reading, remembered);
        self.pass_if_long(patch).await;
        self.applied(kind, patch, &before)
            .map_err(|stop| match stop {
                Stop::Refused(error) => error.into(),
                Stop::NeedsRead => GatewayFault::Internal.into(),
            })
    }

    /// Waits until a PATCH that may take long may be applied once.
    pub(super) async fn pass_if_long(&self, patch: &PatchRequest) {
        if patch.is_long() {
            turns::pass(self.tenant.as_str(), turns::REST).await;
        }
    }

    fn applied(
        &self,
        kind: ResourceKind,
        patch: &PatchRequest,
        before: &Object,
    ) -> Result<Wanted, Stop> {
        let Some(mapping) = self.adapter.mapping(kind) else {
            return Err(Stop::NeedsRead);
        };
        let rest = match kind {
            ResourceKind::Group => Cow::Owned(patch.without_members()),
            ResourceKind::User => Cow::Borrowed(patch),
        };
        let after = rest.applied(before, &mapping.resource_type, self.service.profile)?;
        if !mapping.is_told_apart(&after) {
            return Err(Stop::NeedsRead);
        }
        let changes = mapping.difference(before, &after);
        self.note_changes(mapping, &changes, before);
        Ok(Wanted { after, changes })
    }

    /// What a PUT changes. What it leaves out is cleared (RFC 7644 §3.5.1), but an account is
    /// never switched by silence, and what is set only once stays.
    async fn replaced(&self, run: &mut Run<'_>, incoming: &Incoming) -> Outcome<Wanted> {
        let mapping = self.mapping(run.kind)?;
        let mut after = incoming.resource.clone();
        if immutable::is_any(&mapping.resource_type) {
            let reading = run.reread().await?.clone();
            let before = assemble(mapping, &reading, &run.target()?.remembered);
            immutable::keep(&before, &mut after, &mapping.resource_type)?;
        }
        let mut changes = mapping.whole(&after);
        let active = mapping.active_row().map(|(row, _)| row);
        changes.retain(|change| change.value.is_some() || Some(change.row) != active);
        self.note_changes(mapping, &changes, &Object::new());
        Ok(Wanted { after, changes })
    }
}

impl Run<'_> {
    /// The answer, or the failure in terms of the request, whose object is `id`.
    pub(super) fn end(&self, id: &str, answered: Outcome<Response>) -> Result<Response, Failure> {
        answered.map_err(|not_done| {
            let target = Subject::scim(self.kind, &ScimId::new(id));
            self.in_terms_of_request(not_done)
                .into_failure(Some(&target))
        })
    }
}
