//! Creating what an earlier try may have created: a POST whose reply was lost is sent again.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::evidence;
use super::intent::{EXPIRES, Intent};
use super::locks::LockKey;
use super::look::Found;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome};
use super::run::Run;
use super::trace::Decision;
use super::writes::{Done, Translated};
use crate::adapter::manifest::BatchRule;
use crate::adapter::mapping::{Native, Purpose, Reading, Written};
use crate::script::fault::{GatewayFault, VendorFault};

/// What is left of a request's time when looking for an earlier try ends.
const RESERVE: Duration = Duration::from_secs(5);

/// The pauses between two looks for an earlier try.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

impl Operation {
    /// How long a create whose reply was lost may still take effect and then not be found yet.
    pub(super) fn settling_time(&self) -> Duration {
        let manifest = &self.adapter.manifest;
        let lag = Duration::from_millis(manifest.index_lag_ms.unwrap_or(0));
        let settles = Duration::from_millis(manifest.settles_ms.unwrap_or(0));
        let batches = manifest.batch.values().map(BatchRule::longest);
        let effect = batches.chain([manifest.deadlines.call(), settles]).max();
        effect.unwrap_or_default() + lag
    }
}

impl Run<'_> {
    /// Creates what an earlier try may have created: takes its object, and creates one only if
    /// there is none and none can come any more.
    ///
    /// # Errors
    /// `Conflict` if an object of that name is somebody else's; `Busy` while the earlier try may
    /// still take effect.
    pub(super) async fn create_again(&mut self, earlier: Intent, native: Native) -> Outcome<()> {
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
        if self.is_of_another(&intent) {
            // The intent stays for whoever it is of.
            return Err(operation.taken(kind, &found.attribute));
        }
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

    /// Whether an intent of the same name is somebody else's: both say who they are, and not the
    /// same.
    fn is_of_another(&self, intent: &Intent) -> bool {
        let own = self.wanted.get("externalId").and_then(Value::as_str);
        let others = intent.external_id.as_deref();
        let is_post = intent.purpose == super::intent::Purpose::Post;
        is_post && own.is_some() && others.is_some() && own != others
    }

    /// Looks for the object of an earlier try, for as long as it may still appear.
    async fn earlier_object(&self, intent: &Intent) -> Outcome<Option<Found>> {
        let operation = self.operation;
        let settled = Instant::now()
            + operation
                .settling_time()
                .saturating_sub(intent.age(&operation.process));
        let last = operation.deadline.checked_sub(RESERVE);
        // Where there is no vendor nothing is waited for, and time passes all the same.
        let mut time = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let is_last = intent.age(&operation.process) > EXPIRES || time >= settled;
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
        let purpose = Purpose::Update;
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
}
