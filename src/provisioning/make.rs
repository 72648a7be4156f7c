//! Creating an object, so that no fault ever makes a second one.

use serde_json::Value;
use tokio::time::Instant;

use super::evidence;
use super::intent::{Intent, Purpose};
use super::making::Making;
use super::memory::Completion;
use super::name::Name;
use super::names::{names_held, names_of};
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, looked};
use super::plan::{Plan, Step};
use super::process::milliseconds;
use super::run::{Run, Target};
use super::writes::{Done, Translated};
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::mapping::{self, Change, Native, Reading, Written, extra_of, update_overrides};
use crate::adapter::remembered::{Remembered, ValueOverride};
use crate::scim::{Object, ResourceKind};
use crate::script::fault::{Failure, GatewayFault, VendorFault};

impl Operation {
    /// What a whole resource is for the vendor, without what goes by a call of its own.
    pub(super) async fn translate_whole(
        &self,
        kind: ResourceKind,
        resource: &Object,
    ) -> Outcome<(Vec<Change>, Native)> {
        let changes = self.unswitched(kind, self.mapping(kind)?.whole(resource))?;
        let purpose = mapping::Purpose::Create;
        match self
            .translate(kind, changes.clone(), resource, purpose)
            .await?
        {
            Translated::Native(native) => Ok((changes, native)),
            Translated::NeedsReading => Err(GatewayFault::Internal.into()),
        }
    }

    /// The names in what a create sends, the primary one first.
    pub(super) fn names_sent(&self, kind: ResourceKind, native: &Native) -> Outcome<Vec<Name>> {
        Ok(names_of(self.mapping(kind)?, &native.written))
    }
}

impl Run<'_> {
    /// Carries a plan out that creates an object, or takes the object of an earlier try.
    pub(super) async fn create_by(&mut self, plan: Plan, earlier: Option<Intent>) -> Outcome<()> {
        let mut earlier = earlier;
        for step in self.judge(plan).await? {
            match (step, earlier.take()) {
                (Step::Create(native), Some(intent)) => self.create_again(intent, native).await?,
                (step, intent) => {
                    earlier = intent;
                    self.step(step).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes the intent down, creates, and looks if the reply is lost.
    pub(super) async fn create(&mut self, native: Native) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let intent = self.commit_intent(&native).await?;
        let sent = native.written.clone();
        let created = operation.create_native(kind, native, &self.wanted).await;
        let lost = match created {
            Ok(Done { reading, written }) => match operation.meant(&intent, reading).await? {
                Some(reading) => {
                    operation.intents.created(&intent.id, &reading.id);
                    self.reading = Some(reading);
                    self.written = written;
                    return self.begin_afresh().await;
                }
                None => VendorFault::UnknownOutcome.into(),
            },
            // A part of it was done and another part was refused: nothing is left to look for.
            Err(NotDone::Unknown(refused @ Failure::Client(_))) => {
                return Err(NotDone::Unknown(refused));
            }
            Err(NotDone::Unknown(failure)) => failure,
            Err(not_done) => {
                operation.intents.close(&intent.id);
                return Err(self.naming_the_taken(not_done).await);
            }
        };
        operation.intents.lost(&intent.id, operation.process.now());
        self.created_after_all(&intent, sent, lost).await
    }

    async fn commit_intent(&mut self, native: &Native) -> Outcome<Intent> {
        let (operation, kind) = (self.operation, self.kind);
        let mapping = operation.mapping(kind)?;
        let process = &operation.process;
        let id = process.id().simple().to_string();
        let making = self.making.as_mut().ok_or(GatewayFault::Internal)?;
        let external_id = self.wanted.get("externalId").and_then(Value::as_str);
        let reserved = match &making.purpose {
            Purpose::Recreate(of) => Some(of.clone()),
            _ => operation
                .is_issued(kind)
                .then(|| ScimId::new(&process.id().to_string())),
        };
        let intent = Intent {
            kind,
            purpose: making.purpose.clone(),
            request: operation.story.request_id().to_owned(),
            epoch: process.epoch().to_owned(),
            names: making.names.clone(),
            external_id: external_id.map(str::to_owned),
            reserved,
            native: None,
            hashes: evidence::hashes(&id, mapping, &native.written),
            remembered: Remembered {
                extra: extra_of(mapping, &self.wanted),
                overrides: overrides(mapping, &native.written),
                suspended: matches!(making.purpose, Purpose::Recreate(_)),
                ..Remembered::default()
            },
            at: process.now(),
            calls_until: process.now() + milliseconds(operation.deadline - Instant::now()),
            began: None,
            id,
        };
        let intent = operation.intents.commit(operation.asking(), intent).await?;
        making.intent = Some(intent.clone());
        Ok(intent)
    }

    /// Looks once for what a create whose reply was lost has made.
    async fn created_after_all(
        &mut self,
        intent: &Intent,
        sent: Vec<Written>,
        lost: Failure,
    ) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let Some(found) = operation.find_named(kind, &intent.names).await? else {
            return Err(NotDone::Unknown(lost));
        };
        let is_ours = operation.is_of(intent, &found.reading)?;
        operation.story.decide(looked(is_ours));
        if !is_ours {
            operation
                .intents
                .answered(operation.asking(), &intent.id)
                .await?;
            return Err(operation.taken(kind, &found.attribute));
        }
        operation.intents.created(&intent.id, &found.reading.id);
        self.reading = Some(found.reading);
        self.written = sent;
        Ok(())
    }

    /// A conflict that the vendor reports, with the attribute that is taken, if looking tells.
    async fn naming_the_taken(&self, not_done: NotDone) -> NotDone {
        let (operation, kind) = (self.operation, self.kind);
        let (NotDone::Conflict(_), Some(making)) = (&not_done, &self.making) else {
            return not_done;
        };
        match operation.find_named(kind, &making.names).await {
            Ok(Some(found)) => operation.taken(kind, &found.attribute),
            Ok(None) => not_done,
            Err(other) => other,
        }
    }

    /// Forgets an earlier object with the key of one just created: a group created again under
    /// its name, an account out of the vendor's archive. The vendor has the new one without
    /// members and in no group. An object that is created again for Entra's sake stays itself.
    async fn begin_afresh(&mut self) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let is_post = |making: &Making| making.purpose == Purpose::Post;
        if !self.making.as_ref().is_some_and(is_post) || operation.adapter.holds_memberships() {
            return Ok(());
        }
        let Some(reading) = &self.reading else {
            return Ok(());
        };
        let Some(id) = operation.scim_id_before(kind, &reading.id).await? else {
            return Ok(());
        };
        let key = operation.key(kind, &id);
        let memory = &operation.memory;
        let is_new = match kind {
            ResourceKind::User => memory.memberships(&operation.tenant, &id).await?.is_empty(),
            ResourceKind::Group => memory.members(&key).await?.is_empty(),
        };
        if !is_new {
            memory.forget(&key).await?;
            operation.ids.bump(&operation.tenant, kind);
        }
        Ok(())
    }

    /// Gives the object its SCIM id and remembers what the vendor cannot, in one commit.
    pub(super) async fn remember_created(&mut self) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        if self.reading.is_none() {
            return Err(VendorFault::UnknownOutcome.into());
        }
        let mapping = operation.mapping(kind)?;
        let reading = self.reading.clone().ok_or(GatewayFault::Internal)?;
        let mut remembered = Remembered {
            extra: extra_of(mapping, &self.wanted),
            ..Remembered::default()
        };
        let not_taken = update_overrides(mapping, &mut remembered, &self.written, &reading);
        operation.note_kept(not_taken);
        operation.remember_active(kind, &mut remembered, &self.wanted, &reading)?;
        operation.keep(kind, &mut remembered, &reading)?;
        let intent = self
            .making
            .as_ref()
            .and_then(|making| making.intent.as_ref());
        let intent = intent.ok_or(GatewayFault::Internal)?;
        remembered.suspended = matches!(intent.purpose, Purpose::Recreate(_))
            || kind == ResourceKind::User
                && operation.suspends()
                && !operation.is_active(&reading)?;
        let id = operation
            .complete(intent, reading.id.clone(), remembered.clone())
            .await?;
        self.target = Some(Target {
            key: operation.key(kind, &id),
            native: reading.id,
            remembered,
        });
        Ok(())
    }
}

impl Operation {
    /// What a create has made by its reply; `None` if that does not say so.
    ///
    /// A reply that shows other names than were sent is about somebody else, or the vendor has
    /// changed them: whoever has the names that were sent is the one, and an object that was there
    /// before is not.
    async fn meant(&self, intent: &Intent, reply: Option<Reading>) -> Outcome<Option<Reading>> {
        let kind = intent.kind;
        let Some(reply) = reply else {
            return Ok(None);
        };
        let held = names_held(self.mapping(kind)?, &reply);
        if held.is_empty() || intent.shares_a_name(&held) {
            return Ok(Some(reply));
        }
        match self.find_named(kind, &intent.names).await {
            Ok(Some(found)) if self.is_of(intent, &found.reading)? => Ok(Some(found.reading)),
            Ok(_) if !self.was_there_before(intent, &reply.id) => Ok(Some(reply)),
            _ => Ok(None),
        }
    }

    /// Commits what a create leaves to keep, and gives the object's SCIM id.
    pub(super) async fn complete(
        &self,
        intent: &Intent,
        native: NativeId,
        remembered: Remembered,
    ) -> Outcome<ScimId> {
        let rebinds = matches!(intent.purpose, Purpose::Recreate(_));
        let completion = Completion {
            kind: intent.kind,
            native,
            issued: self.is_issued(intent.kind),
            rebinds,
            reserved: intent.reserved.clone(),
            remembered,
        };
        let id = self.memory.complete(&self.tenant, completion).await?;
        if rebinds {
            self.ids.bump(&self.tenant, intent.kind);
        }
        Ok(id)
    }
}

/// Values that Entra is to read back as it said them, as long as the vendor holds what was sent.
fn overrides(
    mapping: &mapping::Mapping,
    written: &[Written],
) -> std::collections::BTreeMap<String, ValueOverride> {
    let differs = |sent: &&Written| sent.value.as_ref() != Some(&sent.native);
    let kept = written.iter().filter(differs).filter_map(|sent| {
        let kept = ValueOverride {
            value: sent.value.clone(),
            native: sent.native.clone(),
        };
        let is_absent = sent.value.is_none() && sent.native.is_null();
        (!is_absent).then_some((mapping.row(sent.row)?.spelling.clone(), kept))
    });
    kept.collect()
}
