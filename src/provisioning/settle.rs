//! Creates of which nobody knows whether they took effect: how long they may still do so, and what
//! becomes of those that were left open.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::intent::{EXPIRES, Intent, Purpose};
use super::locks::LockSet;
use super::name::Name;
use super::names::{locks_of, names_held};
use super::operation::Operation;
use super::outcome::{Outcome, looked};
use super::run::Target;
use crate::adapter::keys::ScimId;
use crate::adapter::manifest::BatchRule;
use crate::scim::ResourceKind;
use crate::script::fault::{Failure, VendorFault};

/// What is left of a request's time when it stops waiting for a create to settle.
const RESERVE: Duration = Duration::from_secs(5);

/// The pauses between two looks for what a create has made.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Waiting, with pauses, until a create cannot take effect any more.
pub(super) struct Settling {
    now: Instant,
    over: Instant,
    pause: Duration,
}

impl Settling {
    pub(super) fn of(operation: &Operation, intent: &Intent) -> Self {
        let now = Instant::now();
        Self {
            now,
            over: now + operation.unsettled(intent),
            pause: FIRST_PAUSE,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.now >= self.over
    }

    /// Waits a moment.
    ///
    /// # Errors
    /// `Busy` if the request has no time left for that.
    pub(super) async fn pause(&mut self, operation: &Operation) -> Outcome<()> {
        let next = (self.now + self.pause).min(self.over);
        let last = operation.deadline.checked_sub(RESERVE);
        if last.is_none_or(|last| next > last) {
            let retry_after = Some(self.over - self.now + Duration::from_secs(1));
            return Err(VendorFault::Busy { retry_after }.into());
        }
        operation.backend.wait(next).await;
        // Where there is no vendor nothing is waited for, and time passes all the same.
        self.now = next;
        self.pause = (self.pause * 4).min(LONGEST_PAUSE);
        Ok(())
    }
}

impl Operation {
    /// How long the create of an intent may still take effect, and then not be found yet.
    pub(super) fn unsettled(&self, intent: &Intent) -> Duration {
        let manifest = &self.adapter.manifest;
        let lag = Duration::from_millis(manifest.index_lag_ms.unwrap_or(0));
        let settles = Duration::from_millis(manifest.settles_ms.unwrap_or(0));
        let batches = manifest.batch.values().map(BatchRule::longest);
        let effect = batches.chain([manifest.deadlines.call(), settles]).max();
        let settled = Duration::from_millis(intent.calls_until) + effect.unwrap_or_default() + lag;
        settled.saturating_sub(Duration::from_millis(self.process.now()))
    }

    /// Waits for the creates that had begun before, and want a name which a change of the object
    /// `id` takes or gives away: whoever sent one and lost patience means the change to be the
    /// later one. `names` are those it is to have; `None` if it is deleted. To be called before the
    /// object is locked, for which a create may wait.
    ///
    /// # Errors
    /// `Busy` if the request has no time left for that.
    pub(super) async fn wait_for_earlier_creates(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        names: Option<&[Name]>,
    ) -> Outcome<()> {
        let mut running = self.intents.running(kind);
        if running.is_empty() || names.is_some_and(<[_]>::is_empty) {
            return Ok(());
        }
        let moving = self
            .moving_names(&self.target(kind, id).await?, names)
            .await?;
        running.retain(|(name, _)| moving.contains(name));
        let last = self.deadline.checked_sub(RESERVE).unwrap_or(self.deadline);
        for (_, mut running) in running {
            let ended = timeout_at(last, running.wait_for(Option::is_some)).await;
            if ended.is_err() {
                return Err(VendorFault::Busy { retry_after: None }.into());
            }
        }
        Ok(())
    }

    /// Waits until no create can take effect any more that wants a name which a change of `target`
    /// takes or gives away: a vendor that keeps names unique refuses it until then. `names` are
    /// those it is to have; `None` if it is deleted.
    ///
    /// # Errors
    /// `Busy` if the request has no time left for that.
    pub(super) async fn wait_for_creates(
        &self,
        target: &Target,
        names: Option<&[Name]>,
    ) -> Outcome<()> {
        if names.is_some_and(<[_]>::is_empty) {
            return Ok(self.intents.load_once(self.asking()).await?);
        }
        let own = Purpose::Recreate(target.key.id.clone());
        let is_in_doubt = |intent: &Intent| {
            let is_of_another = intent.kind == target.key.kind && intent.purpose != own;
            is_of_another && intent.native.is_none() && !self.unsettled(intent).is_zero()
        };
        let mut in_doubt = self.intents.those(self.asking(), is_in_doubt).await?;
        if !in_doubt.is_empty() {
            let moving = self.moving_names(target, names).await?;
            in_doubt.retain(|intent| intent.shares_a_name(&moving));
        }
        for intent in in_doubt {
            let mut settling = Settling::of(self, &intent);
            // Another replica may have heard of it, and only the store knows.
            let is_it = |open: &Intent| open.id == intent.id && open.native.is_none();
            while !settling.is_over() && !self.intents.those(self.asking(), is_it).await?.is_empty()
            {
                settling.pause(self).await?;
            }
        }
        Ok(())
    }

    /// The names that an object gets or loses if it is to have `names`, or is deleted.
    async fn moving_names(&self, target: &Target, names: Option<&[Name]>) -> Outcome<Vec<Name>> {
        let kind = target.key.kind;
        let reading = self.fetch_plain(kind, &target.native).await?;
        let mapping = self.mapping(kind)?;
        let held = reading.map(|reading| names_held(mapping, &reading));
        let mut held = held.unwrap_or_default();
        let Some(names) = names else {
            return Ok(held);
        };
        let taken = names.iter().filter(|name| !held.contains(name));
        let taken: Vec<_> = taken.cloned().collect();
        held.retain(|held| taken.iter().any(|name| name.attribute == held.attribute));
        held.extend(taken);
        Ok(held)
    }

    /// Looks for what was being created and was not confirmed: what is there is remembered, so that
    /// nothing is lost when its intent expires, and what cannot come any more is forgotten.
    ///
    /// # Errors
    /// The store or the vendor cannot be asked.
    pub async fn settle_intents(&self) -> Result<(), Failure> {
        let settled = self.settle_all().await;
        settled.map_err(|not_done| not_done.into_failure(None))
    }

    async fn settle_all(&self) -> Outcome<()> {
        let is_settled = |intent: &Intent| self.unsettled(intent).is_zero();
        let (over, open): (Vec<_>, Vec<_>) = self
            .intents
            .those(self.asking(), is_settled)
            .await?
            .into_iter()
            .partition(|it| it.purpose == Purpose::Answered || it.age(&self.process) > EXPIRES);
        over.iter()
            .for_each(|intent| self.intents.close(&intent.id));
        // Before the vendor is asked, which may fail.
        self.intents.flush(&*self.memory, &self.tenant).await?;
        let is_unknown = |it: &Intent| it.native.is_none() || it.epoch != self.process.epoch();
        for intent in open.into_iter().filter(is_unknown) {
            self.settle(intent).await?;
        }
        Ok(())
    }

    async fn settle(&self, intent: Intent) -> Outcome<()> {
        let kind = intent.kind;
        let mut locks = LockSet::new(std::sync::Arc::clone(&self.locks), self.deadline);
        locks.take(locks_of(&intent.names).collect()).await?;
        let found = self.find_named(kind, &intent.names).await?;
        let ours = match found {
            Some(found) if self.is_of(&intent, &found.reading)? => Some(found),
            _ => None,
        };
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
        self.complete(&intent, native, intent.remembered.clone())
            .await?;
        Ok(())
    }
}
