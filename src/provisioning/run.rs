//! Carrying a plan out: the one place that changes something at the vendor.
//!
//! A run knows what the vendor held after its last write. A write that did not say so leaves
//! nothing: then the object is read again before anything is answered from it.

use super::locks::LockSet;
use super::making::Making;
use super::names::names_of;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject, SubjectId, looked};
use super::plan::{Plan, Step};
use super::trace;
use super::trace::Decision;
use super::writes::Done;
use crate::adapter::keys::{NativeId, ObjectKey};
use crate::adapter::mapping::{Native, Purpose, Reading, Written, extra_of, update_overrides};
use crate::adapter::remembered::Remembered;
use crate::scim::{Object, ResourceKind};
use crate::script::fault::{Failure, GatewayFault, VendorFault};

/// An object that is being changed.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) key: ObjectKey,
    pub(super) native: NativeId,
    pub(super) remembered: Remembered,
}

/// One plan on its way.
pub(super) struct Run<'o> {
    pub(super) operation: &'o Operation,
    pub(super) kind: ResourceKind,
    pub(super) locks: LockSet,
    /// The object; `None` until it is created.
    pub(super) target: Option<Target>,
    /// What is needed to create it.
    pub(super) making: Option<Making>,
    /// The whole resource as it is to be, as far as it is known.
    pub(super) wanted: Object,
    /// What the vendor holds since the last write, if it is known.
    pub(super) reading: Option<Reading>,
    /// What was sent.
    pub(super) written: Vec<Written>,
    /// The account was asked to be switched off, by a call that was about nothing else.
    pub(super) asked_to_disable: bool,
}

impl<'o> Run<'o> {
    pub(super) fn new(operation: &'o Operation, kind: ResourceKind, wanted: Object) -> Self {
        Self {
            operation,
            kind,
            locks: LockSet::new(std::sync::Arc::clone(&operation.locks), operation.deadline),
            target: None,
            making: None,
            wanted,
            reading: None,
            written: Vec::new(),
            asked_to_disable: false,
        }
    }

    /// Carries a plan out.
    ///
    /// # Errors
    /// A refusal by a judgement comes before the first write.
    pub(super) async fn carry_out(&mut self, plan: Plan) -> Outcome<()> {
        let steps = self.judge(plan).await?;
        for step in steps {
            self.step(step).await?;
        }
        Ok(())
    }

    /// Finds out whether a plan can be carried out, and gives its writes.
    pub(super) async fn judge(&mut self, plan: Plan) -> Outcome<Vec<Step>> {
        if self.operation.story.takes_notes() {
            let steps = plan.described();
            self.operation.story.note(trace::Step::Plan { steps });
            let changes = plan.memberships();
            if !changes.is_empty() {
                self.operation.story.note(trace::Step::Members { changes });
            }
        }
        let (judgements, steps) = plan.split();
        for judgement in judgements {
            self.step(judgement).await?;
        }
        Ok(steps)
    }

    /// Carries one step out.
    pub(super) async fn step(&mut self, step: Step) -> Outcome<()> {
        match step {
            Step::Look(names) => {
                self.operation
                    .refuse_taken(self.kind, &names, self.own())
                    .await
            }
            Step::Resolve(users) => self.operation.refuse_unknown(&users).await,
            Step::Create(native) => self.create(native).await,
            Step::Update(native) => self.update(native).await,
            Step::Switch(active) => self.switch(active).await,
            Step::LeaveAllGroups => self.leave_all_groups().await,
            Step::Rejoin => self.rejoin().await,
            Step::AddMembers(users) => self.add_members(users).await,
            Step::RemoveMembers(users) => self.remove_members(users).await,
            Step::Empty => self.empty().await,
            Step::Delete => self.delete().await,
            Step::Remember if self.making.is_some() => self.remember_created().await,
            Step::Remember => self.remember_change().await,
            Step::Reread => self.reread().await.map(drop),
        }
    }

    /// The object under change.
    pub(super) fn target(&mut self) -> Outcome<&mut Target> {
        let target = self.target.as_mut();
        target.ok_or_else(|| GatewayFault::Internal.into())
    }

    fn own(&self) -> Option<&NativeId> {
        self.target.as_ref().map(|target| &target.native)
    }

    /// An error in terms of the request: the vendor's id of its object is the one in the path.
    pub(super) fn in_terms_of_request(&self, not_done: NotDone) -> NotDone {
        match (not_done, &self.target) {
            (NotDone::Absent(subject), Some(target))
                if subject == Subject::native(self.kind, &target.native)
                    || subject.id == SubjectId::Scim(target.key.id.clone()) =>
            {
                NotDone::Absent(Subject::scim(self.kind, &target.key.id))
            }
            (other, _) => other,
        }
    }

    /// What the vendor holds now, read if it is not known.
    pub(super) async fn reread(&mut self) -> Outcome<&Reading> {
        if self.reading.is_none() {
            let (operation, kind) = (self.operation, self.kind);
            let native = self.target()?.native.clone();
            let found = operation.fetch(kind, &native).await?;
            let gone = || NotDone::Absent(Subject::native(kind, &native));
            self.reading = Some(found.ok_or_else(gone)?);
        }
        self.reading
            .as_ref()
            .ok_or_else(|| GatewayFault::Internal.into())
    }

    async fn update(&mut self, native: Native) -> Outcome<()> {
        if native.fields.is_empty() {
            self.operation.story.decide(Decision::NothingToTell);
            self.written.extend(native.written);
            return Ok(());
        }
        let active = self.operation.mapping(self.kind)?.active_row();
        let is_active = |sent: &Written| active.is_some_and(|(row, _)| row == sent.row);
        let written = &native.written;
        self.asked_to_disable |= !written.is_empty() && written.iter().all(is_active);
        self.announce_key(&native).await?;
        let (operation, kind) = (self.operation, self.kind);
        let (id, sent) = (self.target()?.native.clone(), native.written.clone());
        let becoming = self.target()?.remembered.becoming.as_deref();
        let becoming = becoming.map(NativeId::new);
        match operation.update_native(kind, &id, becoming, native).await {
            Ok(Done { reading, written }) => {
                self.reading = reading;
                self.written.extend(written);
                Ok(())
            }
            Err(not_done) => {
                self.reading = None;
                self.withdraw_key(&not_done).await?;
                let not_done = self.naming_the_only(not_done, &sent)?;
                self.updated_after_all(not_done, &id, sent).await
            }
        }
    }

    /// A conflict whose text names no attribute is about the only name that changes.
    fn naming_the_only(&self, not_done: NotDone, sent: &[Written]) -> Outcome<NotDone> {
        let (operation, kind) = (self.operation, self.kind);
        let names = names_of(operation.mapping(kind)?, sent);
        Ok(match (&not_done, names.as_slice()) {
            (NotDone::Conflict(conflict), [name]) if !conflict.detail.contains(&name.attribute) => {
                operation.taken(kind, &name.attribute)
            }
            _ => not_done,
        })
    }

    /// Looks whether a change whose reply was lost was carried out.
    async fn updated_after_all(
        &mut self,
        not_done: NotDone,
        id: &NativeId,
        sent: Vec<Written>,
    ) -> Outcome<()> {
        let is_lost = matches!(&not_done, NotDone::Unknown(failure) if failure.is_unconfirmed());
        if !is_lost || self.target()?.remembered.becoming.is_some() {
            return Err(not_done);
        }
        let Some(reading) = self.operation.fetch(self.kind, id).await? else {
            return Err(not_done);
        };
        // Of what is never shown nobody can tell.
        let is_held = !sent.is_empty() && reading.has(&sent, Purpose::Update);
        self.operation.story.decide(looked(is_held));
        if !is_held {
            return Err(not_done);
        }
        self.operation.note_write(self.kind, id, &sent).await?;
        self.reading = Some(reading);
        self.written.extend(sent);
        Ok(())
    }

    /// Notes, before a write that changes the native key, what it will be. Otherwise the gateway
    /// would not know its own object again after a lost reply.
    async fn announce_key(&mut self, native: &Native) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        if !operation.is_issued(kind) {
            return Ok(());
        }
        let new = operation.new_key(kind, native).await?;
        let target = self.target()?;
        let Some(new) = new.filter(|new| *new != target.native) else {
            return Ok(());
        };
        target.remembered.becoming = Some(new.to_string());
        let remembered = target.remembered.clone();
        operation.memory.remember(&target.key, remembered).await?;
        // No look-up may be answered from before.
        operation.ids.bump(&operation.tenant, kind);
        Ok(())
    }

    /// Takes the note back when the write was certainly not carried out.
    async fn withdraw_key(&mut self, not_done: &NotDone) -> Outcome<()> {
        let operation = self.operation;
        let target = self.target()?;
        let is_open = match not_done {
            NotDone::Unknown(_) => true,
            NotDone::Failed(failure) => matches!(
                failure,
                Failure::Vendor(VendorFault::Unusable, _) | Failure::Gateway(_)
            ),
            NotDone::Absent(_) | NotDone::Conflict(_) | NotDone::Refused(_) => false,
        };
        if target.remembered.becoming.is_none() || is_open {
            return Ok(());
        }
        target.remembered.becoming = None;
        let remembered = target.remembered.clone();
        Ok(operation.memory.remember(&target.key, remembered).await?)
    }

    /// Switches the account, unless it is known to be in the wanted state. A pending one is not
    /// active.
    async fn switch(&mut self, active: bool) -> Outcome<()> {
        let operation = self.operation;
        if let Some(reading) = &self.reading {
            let is_active = operation.is_active(reading)?;
            if is_active == active {
                return Ok(());
            }
        }
        let native = match (&self.target, &self.reading) {
            (Some(target), _) => target.native.clone(),
            (None, Some(created)) => created.id.clone(),
            (None, None) => return Err(VendorFault::UnknownOutcome.into()),
        };
        self.reading = None;
        self.asked_to_disable |= !active;
        self.reading = operation.switch_native(&native, active).await?;
        if self.reading.is_none() && self.target.is_none() {
            self.reading = operation.fetch(self.kind, &native).await?;
        }
        Ok(())
    }

    /// Follows a changed native key and remembers what the vendor cannot.
    async fn remember_change(&mut self) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let mapping = operation.mapping(kind)?;
        if kind == ResourceKind::User || !self.written.is_empty() {
            self.reread().await?;
        }
        let before = self.target()?.remembered.clone();
        let mut remembered = Remembered {
            extra: extra_of(mapping, &self.wanted),
            becoming: None,
            ..before.clone()
        };
        if let Some(reading) = self.reading.clone() {
            let not_taken = update_overrides(mapping, &mut remembered, &self.written, &reading);
            operation.note_kept(not_taken);
            operation.remember_active(kind, &mut remembered, &self.wanted, &reading)?;
            operation.keep(kind, &mut remembered, &reading)?;
            self.follow(&reading).await?;
        }
        if remembered != before {
            operation.story.decide(Decision::KeptHere);
            let target = self.target()?;
            operation
                .memory
                .remember(&target.key, remembered.clone())
                .await?;
            target.remembered = remembered;
        }
        Ok(())
    }

    /// A renamed object keeps its SCIM id.
    async fn follow(&mut self, reading: &Reading) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let target = self.target()?;
        if reading.id == target.native || !operation.is_issued(kind) {
            return Ok(());
        }
        operation
            .memory
            .rebind(&target.key, reading.id.clone())
            .await?;
        operation.ids.bump(&operation.tenant, kind);
        operation
            .known
            .gone(&operation.tenant, kind, &target.native);
        target.native = reading.id.clone();
        Ok(())
    }

    async fn delete(&mut self) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let target = self.target()?.clone();
        let subject = Subject::native(kind, &target.native);
        let removed = operation.delete_native(kind, &target.native).await;
        let was_absent = removed.as_ref().is_err_and(|gone| gone.is_absent(&subject));
        match was_absent {
            true => {
                operation.story.decide(Decision::AlreadyGone);
                // Look-ups may still show it.
                operation.note_removal(kind, &target.native).await?;
            }
            false => removed?,
        }
        operation.memory.forget(&target.key).await?;
        operation.ids.bump(&operation.tenant, kind);
        operation
            .known
            .gone(&operation.tenant, kind, &target.native);
        // What the vendor removes by itself was to go anyway.
        match was_absent && !operation.expires(kind) {
            true => Err(NotDone::Absent(subject)),
            false => Ok(()),
        }
    }
}
