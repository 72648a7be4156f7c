//! Creating what an earlier try may have created: a POST whose reply was lost is sent again.

use serde_json::Value;

use super::evidence;
use super::intent::{self, Intent};
use super::locks::LockKey;
use super::look::Found;
use super::outcome::{NotDone, Outcome};
use super::run::Run;
use super::settle::Settling;
use super::trace::Decision;
use super::writes::{Done, Translated};
use crate::adapter::mapping::{Native, Purpose, Reading, Written};
use crate::script::fault::GatewayFault;

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
        if !operation.is_of(&intent, &found.reading)? {
            operation
                .intents
                .answered(operation.asking(), &intent.id)
                .await?;
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
        let is_post = intent.purpose == intent::Purpose::Post;
        is_post && own.is_some() && others.is_some() && own != others
    }

    /// Looks for the object of an earlier try, for as long as it may still appear.
    pub(super) async fn earlier_object(&self, intent: &Intent) -> Outcome<Option<Found>> {
        let operation = self.operation;
        let mut settling = Settling::of(operation, intent);
        loop {
            let is_last = settling.is_over();
            let names = match is_last {
                true => &intent.names[..],
                false => intent.names.get(..1).unwrap_or_default(),
            };
            let found = operation.find_named(self.kind, names).await?;
            if found.is_some() || is_last {
                return Ok(found);
            }
            settling.pause(operation).await?;
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
        let becoming = match operation.is_issued(kind) {
            true => operation.new_key(kind, &native).await?,
            false => None,
        };
        let Done {
            reading: now,
            written,
        } = operation
            .update_native(kind, &reading.id, becoming, native)
            .await?;
        self.written = written;
        self.reading = match now {
            Some(now) => Some(now),
            None => operation.fetch(kind, &reading.id).await?,
        };
        Ok(())
    }
}
