//! Settling what earlier processes left open: creates that were begun and whose client has not
//! heard of the object.

use super::evidence;
use super::intent::{EXPIRES, Intent, Purpose};
use super::locks::LockSet;
use super::memory::Completion;
use super::names::locks_of;
use super::operation::Operation;
use super::outcome::Outcome;
use super::outcome::looked;
use crate::script::fault::Failure;

impl Operation {
    /// Looks for what ended processes were creating: what is there is remembered, so that
    /// nothing is lost when its intent expires, and what cannot come any more is forgotten.
    ///
    /// # Errors
    /// The store or the vendor cannot be asked.
    pub async fn settle_intents(&self) -> Result<(), Failure> {
        let settled = self.settle_all().await;
        settled.map_err(|not_done| not_done.into_failure(None))
    }

    async fn settle_all(&self) -> Outcome<()> {
        for intent in self.intents.all(&*self.memory, &self.tenant).await? {
            if intent.age(&self.process) > EXPIRES {
                self.intents.close(&intent.id);
            } else if intent.epoch != self.process.epoch()
                && intent.age(&self.process) > self.settling_time()
            {
                self.settle(intent).await?;
            }
        }
        Ok(self.intents.flush(&*self.memory, &self.tenant).await?)
    }

    async fn settle(&self, intent: Intent) -> Outcome<()> {
        let kind = intent.kind;
        let mapping = self.mapping(kind)?;
        let mut locks = LockSet::new(std::sync::Arc::clone(&self.locks), self.deadline);
        locks.take(locks_of(&intent.names).collect()).await?;
        let found = self.find_named(kind, &intent.names).await?;
        let ours = found.filter(|found| evidence::holds(&intent, mapping, &found.reading));
        self.story.decide(looked(ours.is_some()));
        let Some(found) = ours else {
            self.intents.close(&intent.id);
            return Ok(());
        };
        let native = found.reading.id;
        self.intents.created(&intent.id, &native);
        if let Some(id) = self.scim_id_before(kind, &native).await?
            && self.memory.recall(&self.key(kind, &id)).await?.is_some()
        {
            return Ok(());
        }
        let completion = Completion {
            kind,
            issued: self.is_issued(kind),
            rebinds: matches!(intent.purpose, Purpose::Recreate(_)),
            reserved: intent.reserved.clone(),
            remembered: intent.remembered.clone(),
            native,
        };
        self.memory.complete(&self.tenant, completion).await?;
        Ok(())
    }
}
