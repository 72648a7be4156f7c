//! Creating an object, so that no fault ever makes a second one.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::evidence;
use super::intents::{EXPIRES, Intent, Purpose, epoch, now};
use super::locks::LockKey;
use super::memory::Completion;
use super::names::{Name, holds_name, names_of};
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, looked};
use super::plan::{Plan, Step};
use super::run::{Run, Target};
use super::trace::Decision;
use super::writes::{Done, Translated};
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::manifest::BatchRule;
use crate::adapter::mapping::{self, Change, Native, Reading, Written, extra_of, update_sayings};
use crate::adapter::remembered::{Remembered, Saying};
use crate::scim::{Object, ResourceKind, ScimError};
use crate::script::fault::{Failure, GatewayFault, VendorFault};

/// What is left of a request's time when looking for an earlier try ends.
const RESERVE: Duration = Duration::from_secs(5);

/// The pauses between two looks for an earlier try.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What a create needs beside the resource.
pub(super) struct Making {
    /// What for.
    pub(super) purpose: Purpose,
    /// The values that name the object, the primary one first.
    pub(super) names: Vec<Name>,
    /// The changes of the whole resource.
    pub(super) changes: Vec<Change>,
    /// The intent that was committed, or that an earlier try left.
    pub(super) intent: Option<Intent>,
}

/// What a look for an object by its names finds.
pub(super) struct Found {
    pub(super) reading: Reading,
    /// The attribute by which it was found.
    pub(super) attribute: String,
}

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

    /// Refuses names that another object than `own` has.
    ///
    /// # Errors
    /// `Conflict` names the attribute.
    pub(super) async fn refuse_taken(
        &self,
        kind: ResourceKind,
        names: &[Name],
        own: Option<&NativeId>,
    ) -> Outcome<()> {
        for name in names {
            for reading in self.look(kind, name).await? {
                if own != Some(&reading.id) {
                    return Err(self.taken(kind, &name.attribute));
                }
            }
        }
        Ok(())
    }

    /// The objects that hold a name.
    async fn look(&self, kind: ResourceKind, name: &Name) -> Outcome<Vec<Reading>> {
        let mapping = self.mapping(kind)?;
        let Some((row, _)) = mapping
            .mapped()
            .find(|(_, row)| row.spelling == name.attribute && row.lookup.is_some())
        else {
            return Ok(Vec::new());
        };
        let mut found = self.find_native(kind, row, &name.native).await?;
        found.retain(|reading| holds_name(mapping, row, reading, name));
        Ok(found)
    }

    /// The first object that holds one of these names.
    pub(super) async fn find_named(
        &self,
        kind: ResourceKind,
        names: &[Name],
    ) -> Outcome<Option<Found>> {
        for name in names {
            if let Some(reading) = self.look(kind, name).await?.into_iter().next() {
                let attribute = name.attribute.clone();
                return Ok(Some(Found { reading, attribute }));
            }
        }
        Ok(None)
    }

    /// 409 for a name that another object has.
    pub(super) fn taken(&self, kind: ResourceKind, attribute: &str) -> NotDone {
        self.story.decide(Decision::Taken(attribute.to_owned()));
        let text = format!(
            "Another {} already has this {attribute}. Match on it, or remove the other one at the vendor.",
            kind.as_str().to_lowercase()
        );
        NotDone::Conflict(ScimError::uniqueness(text))
    }

    /// How long a create whose reply was lost may still take effect, or not be found.
    pub(super) fn settling_time(&self) -> Duration {
        let manifest = &self.adapter.manifest;
        let lag = manifest.index_lag_ms.unwrap_or(0);
        let settles = manifest.settles_ms.unwrap_or(0);
        let batches = manifest.batch.values().map(BatchRule::longest);
        batches
            .chain([manifest.deadlines.call()])
            .max()
            .unwrap_or_default()
            .max(Duration::from_millis(lag.max(settles)))
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

    /// Creates what an earlier try may have created: takes its object, and creates one only if
    /// there is none and none can come any more.
    ///
    /// # Errors
    /// `Conflict` if an object of that name is somebody else's; `Busy` while the earlier try may
    /// still take effect.
    async fn create_again(&mut self, earlier: Intent, native: Native) -> Outcome<()> {
        let operation = self.operation;
        if let Some(found) = self.earlier_object(&earlier).await? {
            return self.adopt(earlier, found, &native.written).await;
        }
        let sent = native.written.clone();
        match self.create(native).await {
            // It came at last.
            Err(NotDone::Conflict(conflict)) => {
                match operation.find_named(self.kind, &earlier.names).await? {
                    Some(found) => self.adopt(earlier, found, &sent).await,
                    None => Err(NotDone::Conflict(conflict)),
                }
            }
            // Nothing was created: the earlier try is still all there is.
            Err(not_done @ (NotDone::Failed(_) | NotDone::Refused(_))) => Err(not_done),
            created => {
                operation.intents.close(&earlier.id);
                created
            }
        }
    }

    /// Takes an object as this request's own, if the intent of the earlier try proves that it is.
    async fn adopt(&mut self, intent: Intent, found: Found, written: &[Written]) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let mapping = operation.mapping(kind)?;
        if !evidence::holds(&intent, mapping, &found.reading) {
            operation.intents.close(&intent.id);
            return Err(operation.taken(kind, &found.attribute));
        }
        operation.story.decide(Decision::Adopted);
        operation.intents.created(&intent.id, &found.reading.id);
        let mut sent = evidence::hashes(&intent.id, mapping, written);
        let mut before = intent.hashes.clone();
        sent.sort();
        before.sort();
        let making = self.making.as_mut();
        making.ok_or(GatewayFault::Internal)?.intent = Some(intent);
        if sent == before {
            self.written = written.to_vec();
            self.reading = Some(found.reading);
            return Ok(());
        }
        self.converge(found.reading).await
    }

    /// Looks for the object of an earlier try, for as long as it may still appear.
    async fn earlier_object(&self, intent: &Intent) -> Outcome<Option<Found>> {
        let operation = self.operation;
        let settled = Instant::now() + operation.settling_time().saturating_sub(intent.age());
        let last = operation.deadline.checked_sub(RESERVE);
        // Where there is no vendor nothing is waited for, and time passes all the same.
        let mut time = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let is_last = intent.age() > EXPIRES || time >= settled;
            let names = match is_last {
                true => &intent.names[..],
                false => intent.names.get(..1).unwrap_or_default(),
            };
            let found = operation.find_named(self.kind, names).await?;
            if found.is_some() || is_last {
                return Ok(found);
            }
            let next = (time + pause).min(settled);
            if last.is_none_or(|last| next > last) {
                let retry_after = Some(settled - time + Duration::from_secs(1));
                return Err(VendorFault::Busy { retry_after }.into());
            }
            operation.backend.wait(next).await;
            time = next;
            pause = (pause * 4).min(LONGEST_PAUSE);
        }
    }

    /// Brings the object of an earlier try into the state that this request wants.
    async fn converge(&mut self, reading: Reading) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let ids = operation.scim_ids(kind, vec![reading.id.clone()]).await?;
        let objects = ids.iter().map(|id| LockKey::object(kind, id.as_str()));
        self.locks.take(objects.collect()).await?;
        let changes = self.making.as_ref().map(|making| making.changes.clone());
        let purpose = mapping::Purpose::Update;
        let translated = operation
            .translate(kind, changes.unwrap_or_default(), &self.wanted, purpose)
            .await?;
        let Translated::Native(native) = translated else {
            return Err(GatewayFault::Internal.into());
        };
        let Done {
            reading: now,
            written,
        } = operation.update_native(kind, &reading.id, native).await?;
        self.written = written;
        self.reading = match now {
            Some(now) => Some(now),
            None => operation.fetch(kind, &reading.id).await?,
        };
        Ok(())
    }

    /// Writes the intent down, creates, and looks if the reply is lost.
    pub(super) async fn create(&mut self, native: Native) -> Outcome<()> {
        let (operation, kind) = (self.operation, self.kind);
        let intent = self.commit_intent(&native).await?;
        let sent = native.written.clone();
        let created = operation.create_native(kind, native, &self.wanted).await;
        let lost = match created {
            Ok(Done {
                reading: Some(reading),
                written,
            }) => {
                operation.intents.created(&intent.id, &reading.id);
                self.reading = Some(reading);
                self.written = written;
                return self.begin_afresh().await;
            }
            Ok(Done { reading: None, .. }) => VendorFault::UnknownOutcome.into(),
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
        self.created_after_all(&intent, sent, lost).await
    }

    async fn commit_intent(&mut self, native: &Native) -> Outcome<Intent> {
        let (operation, kind) = (self.operation, self.kind);
        let mapping = operation.mapping(kind)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let making = self.making.as_mut().ok_or(GatewayFault::Internal)?;
        let external_id = self.wanted.get("externalId").and_then(Value::as_str);
        let reserved = match &making.purpose {
            Purpose::Recreate(of) => Some(of.clone()),
            Purpose::Post => operation
                .is_issued(kind)
                .then(|| ScimId::new(&uuid::Uuid::new_v4().to_string())),
        };
        let intent = Intent {
            kind,
            purpose: making.purpose.clone(),
            request: operation.story.request_id().to_owned(),
            epoch: epoch().to_owned(),
            names: making.names.clone(),
            external_id: external_id.map(str::to_owned),
            reserved,
            native: None,
            hashes: evidence::hashes(&id, mapping, &native.written),
            remembered: Remembered {
                extra: extra_of(mapping, &self.wanted),
                said: sayings(mapping, &native.written),
                ..Remembered::default()
            },
            at: now(),
            id,
        };
        operation
            .intents
            .commit(&*operation.memory, &operation.tenant, intent.clone())
            .await?;
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
        let is_ours = evidence::holds(intent, operation.mapping(kind)?, &found.reading);
        operation.story.decide(looked(is_ours));
        if !is_ours {
            operation.intents.close(&intent.id);
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
        let not_taken = update_sayings(mapping, &mut remembered, &self.written, &reading);
        operation.note_kept(not_taken);
        operation.remember_active(kind, &mut remembered, &self.wanted, &reading)?;
        remembered.suspended =
            kind == ResourceKind::User && operation.suspends() && !operation.is_active(&reading)?;
        operation.keep(kind, &mut remembered, &reading)?;
        let making = self.making.as_ref().ok_or(GatewayFault::Internal)?;
        let id = operation
            .complete(kind, making, &reading.id, &remembered)
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
    /// Commits what a create leaves to keep, and gives the object's SCIM id.
    async fn complete(
        &self,
        kind: ResourceKind,
        making: &Making,
        native: &NativeId,
        remembered: &Remembered,
    ) -> Outcome<ScimId> {
        let reserved = making
            .intent
            .as_ref()
            .and_then(|intent| intent.reserved.clone());
        let completion = Completion {
            kind,
            native: native.clone(),
            issued: self.is_issued(kind),
            rebinds: matches!(making.purpose, Purpose::Recreate(_)),
            reserved,
            remembered: remembered.clone(),
        };
        let id = self.memory.complete(&self.tenant, completion).await?;
        if matches!(making.purpose, Purpose::Recreate(_)) {
            self.ids.bump(&self.tenant, kind);
        }
        Ok(id)
    }
}

/// Values that Entra is to read back as it said them, as long as the vendor holds what was sent.
fn sayings(
    mapping: &mapping::Mapping,
    written: &[Written],
) -> std::collections::BTreeMap<String, Saying> {
    let differs = |sent: &&Written| sent.said.as_ref() != Some(&sent.native);
    let said = written.iter().filter(differs).filter_map(|sent| {
        let saying = Saying {
            value: sent.said.clone(),
            native: sent.native.clone(),
        };
        let is_absent = sent.said.is_none() && sent.native.is_null();
        (!is_absent).then_some((mapping.row(sent.row)?.spelling.clone(), saying))
    });
    said.collect()
}
