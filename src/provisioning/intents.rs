//! Intents: what the gateway is about to create, written down before it asks the vendor.
//!
//! A create whose reply is lost may have been carried out. The intent that was committed before
//! it is the only evidence by which a later POST may take the object that is there for its own;
//! without one, an object of that name is somebody else's and the answer is 409.
//!
//! An intent is *live* while its request runs, which ends when the connection has taken or lost
//! the answer. It is deleted when the create was certainly not carried out, and when the client
//! has *heard* of the object: a 2xx that names it was taken whole by the connection, or a later
//! answer shows its id. Otherwise it is *unheard*.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::ids::KnownIds;
use super::intent::{Intent, Purpose};
use super::memory::{Memory, MemoryError};
use super::name::Name;
use crate::adapter::keys::{NativeId, ScimId, TenantId};
use crate::scim::ResourceKind;

/// Most intents that are kept for one tenant. The oldest unheard one goes first.
const MOST: usize = 1000;

/// Who asks about intents, and when.
#[derive(Clone, Copy)]
pub(super) struct Asking<'o> {
    pub(super) memory: &'o dyn Memory,
    pub(super) tenant: &'o TenantId,
    /// Milliseconds since 1970-01-01 UTC.
    pub(super) now: u64,
    pub(super) known: &'o KnownIds,
}

/// The open intents of one tenant.
#[derive(Debug, Default)]
pub struct Intents {
    state: Mutex<State>,
    /// Several gateways write intents of this tenant: the store is asked each time.
    shared: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Read from the store.
    loaded: bool,
    open: Vec<Intent>,
    /// Creates by their primary name: the first one runs, the others wait for it.
    live: HashMap<Name, VecDeque<Running>>,
    /// Heard, and not yet deleted in the store.
    heard: Vec<String>,
    /// Changed, of which the store does not know yet.
    changed: Vec<String>,
}

/// A create that somebody waits for.
type Running = watch::Receiver<Option<Ended>>;

/// How a create ended, for those who wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was answered 2xx.
    Created,
    /// It was not.
    Otherwise,
}

/// A create that runs, until its answer is taken or lost. Those who want the same name wait until
/// it has ended.
#[derive(Debug)]
pub(super) struct Live {
    intents: Arc<Intents>,
    name: Option<Name>,
    ended: watch::Sender<Option<Ended>>,
}

impl Live {
    /// Tells those who wait that the object was created.
    pub(super) fn created(&self) {
        self.ended.send_replace(Some(Ended::Created));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let mut state = self.intents.state();
            let own = self.ended.subscribe();
            state.leave(name, |running| running.same_channel(&own));
        }
        self.ended
            .send_if_modified(|ended| ended.is_none() && ended.replace(Ended::Otherwise).is_none());
    }
}

impl State {
    /// Whether a create of this primary name is answered 2xx and the answer is on its way.
    fn has_created(&self, name: &Name) -> bool {
        let first = self.live.get(name).and_then(VecDeque::front);
        first.is_some_and(|running| *running.borrow() == Some(Ended::Created))
    }

    /// A create is behind all others of its name.
    fn wait_in_line(&mut self, name: &Name, create: Running) {
        self.live.entry(name.clone()).or_default().push_back(create);
    }

    /// Nobody waits any more for those creates of a name that are meant.
    fn leave(&mut self, name: &Name, are_meant: impl Fn(&Running) -> bool) {
        if let Some(queue) = self.live.get_mut(name) {
            queue.retain(|running| !are_meant(running));
            if queue.is_empty() {
                self.live.remove(name);
            }
        }
    }

    /// The client knows which object has the name of those that are meant.
    fn answer(&mut self, are_meant: impl Fn(&Intent) -> bool) {
        for intent in &mut self.open {
            if intent.purpose != Purpose::Answered && are_meant(intent) {
                intent.purpose = Purpose::Answered;
                self.changed.push(intent.id.clone());
            }
        }
    }
}

impl Intents {
    /// Those of a tenant; `shared` where several gateways serve it.
    pub fn new(shared: bool) -> Self {
        Self {
            state: Mutex::default(),
            shared,
        }
    }

    /// Begins a create of this primary name, once those before it have ended.
    ///
    /// # Errors
    /// [`Ended::Created`] if one of them was answered 2xx meanwhile.
    pub(super) async fn begin_live(self: &Arc<Self>, name: Option<&Name>) -> Result<Live, Ended> {
        let (ended, own) = watch::channel(None);
        let live = Live {
            intents: Arc::clone(self),
            name: name.cloned(),
            ended,
        };
        let Some(name) = name else {
            return Ok(live);
        };
        self.state().wait_in_line(name, own.clone());
        loop {
            let mut running = match self.state().live.get(name).and_then(VecDeque::front) {
                Some(first) if !first.same_channel(&own) => first.clone(),
                _ => return Ok(live),
            };
            // An error means that it is gone, and then it has said how it ended.
            let _ = running.wait_for(Option::is_some).await;
            if *running.borrow() == Some(Ended::Created) {
                return Err(Ended::Created);
            }
        }
    }

    /// Creates of a kind that have begun and have not ended, with their primary names.
    pub(super) fn running(&self, kind: ResourceKind) -> Vec<(Name, Running)> {
        let state = self.state();
        let of_kind = state.live.iter().filter(|(name, _)| name.kind == kind);
        let each = of_kind.flat_map(|(name, queue)| queue.iter().map(move |one| (name, one)));
        let running = each.filter(|(_, running)| running.borrow().is_none());
        running
            .map(|(name, running)| (name.clone(), running.clone()))
            .collect()
    }

    /// The intent of an earlier try of a POST with these names.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn earlier(
        &self,
        asking: Asking<'_>,
        kind: ResourceKind,
        names: &[Name],
        external_id: Option<&str>,
    ) -> Result<Option<Intent>, MemoryError> {
        self.load(asking).await?;
        let state = self.state();
        let mut newest_first = state.open.iter().rev();
        let found = newest_first.find(|intent| intent.is_earlier_try(kind, names, external_id));
        Ok(found.cloned())
    }

    /// Whether the create of an intent is answered 2xx and the answer is on its way.
    pub(super) fn is_being_answered(&self, intent: &Intent) -> bool {
        let name = intent.names.first();
        name.is_some_and(|name| self.state().has_created(name))
    }

    /// The intent of an earlier re-creation under a SCIM id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn of_recreation(
        &self,
        asking: Asking<'_>,
        id: &ScimId,
    ) -> Result<Option<Intent>, MemoryError> {
        self.load(asking).await?;
        let state = self.state();
        let is_it = |intent: &&Intent| matches!(&intent.purpose, Purpose::Recreate(of) if of == id);
        Ok(state.open.iter().rev().find(is_it).cloned())
    }

    /// Open ones.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn those(
        &self,
        asking: Asking<'_>,
        are_wanted: impl Fn(&Intent) -> bool,
    ) -> Result<Vec<Intent>, MemoryError> {
        self.load(asking).await?;
        let state = self.state();
        let wanted = state.open.iter().filter(|intent| are_wanted(intent));
        Ok(wanted.cloned().collect())
    }

    /// Reads them once from the store, so that [`Self::heard`] knows those of earlier processes.
    /// Where others write them too, each create reads them anyway.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn load_once(&self, asking: Asking<'_>) -> Result<(), MemoryError> {
        match self.shared {
            true => Ok(()),
            false => self.load(asking).await,
        }
    }

    async fn load(&self, asking: Asking<'_>) -> Result<(), MemoryError> {
        if self.state().loaded && !self.shared {
            return Ok(());
        }
        let read = asking.memory.intents(asking.tenant).await?;
        if self.take(read, asking.now) {
            // Noted for the next process too, which would wait as long again. Where it cannot be,
            // it is with the next commit.
            let _ = self.flush(asking.memory, asking.tenant).await;
        }
        Ok(())
    }

    /// Takes what the store holds; `true` if that has changed.
    fn take(&self, mut read: Vec<Intent>, now: u64) -> bool {
        let mut state = self.state();
        if self.shared {
            // Of its own it knows more than is stored.
            let known = std::mem::take(&mut state.open);
            for intent in &mut read {
                if let Some(own) = known.iter().find(|own| own.id == intent.id) {
                    intent.clone_from(own);
                }
            }
            state.open = read;
        } else if !state.loaded {
            state.loaded = true;
            for intent in &mut read {
                // The process that began it has ended. The next one need not wait as long again.
                if intent.calls_until > now {
                    intent.calls_until = now;
                    state.changed.push(intent.id.clone());
                }
            }
            state.open.splice(0..0, read);
        }
        !state.changed.is_empty()
    }

    /// Commits an intent.
    ///
    /// # Errors
    /// The store cannot be written: then nothing may be created.
    pub(super) async fn commit(
        &self,
        asking: Asking<'_>,
        intent: Intent,
    ) -> Result<Intent, MemoryError> {
        self.load(asking).await?;
        let ended = self.make_room();
        let (memory, tenant) = (asking.memory, asking.tenant);
        let begun = memory.begin_intent(tenant, intent.clone(), ended.clone());
        if let Err(error) = begun.await {
            self.state().heard.extend(ended);
            return Err(error);
        }
        let began = Some(asking.known.moment());
        let intent = Intent { began, ..intent };
        self.state().open.push(intent.clone());
        Ok(intent)
    }

    /// No call that creates the object is on its way any more, and nobody knows what came of them.
    pub(super) fn lost(&self, intent: &str, now: u64) {
        let mut state = self.state();
        if let Some(intent) = state.open.iter_mut().find(|open| open.id == intent) {
            intent.calls_until = intent.calls_until.min(now);
        }
    }

    /// The client is told that an object that was there before has the name. The create may still
    /// take effect.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(super) async fn answered(
        &self,
        asking: Asking<'_>,
        intent: &str,
    ) -> Result<(), MemoryError> {
        self.state().answer(|open| open.id == intent);
        self.flush(asking.memory, asking.tenant).await
    }

    /// Whether nothing is known to have come of an open intent of those that are meant.
    pub(super) fn is_in_doubt(&self, are_meant: impl Fn(&Intent) -> bool) -> bool {
        let state = self.state();
        let mut open = state.open.iter();
        open.any(|intent| intent.native.is_none() && are_meant(intent))
    }

    /// What may be deleted with the next commit: what was heard, and the oldest beyond [`MOST`].
    fn make_room(&self) -> Vec<String> {
        let mut state = self.state();
        let mut ended = std::mem::take(&mut state.heard);
        let over = (state.open.len() + 1).saturating_sub(MOST);
        ended.extend(state.open.drain(..over).map(|intent| intent.id));
        ended
    }

    /// Takes an intent off the list; the store is told with the next commit, or by
    /// [`Self::flush`].
    pub(super) fn close(&self, id: &str) {
        let mut state = self.state();
        state.open.retain(|intent| intent.id != id);
        state.heard.push(id.to_owned());
    }

    /// The client has heard of an object: intents of which it `is_it` are closed, or answered
    /// while they are not settled. To be called after [`Self::load_once`].
    pub(super) fn heard(
        &self,
        is_it: impl Fn(&Intent) -> bool,
        is_settled: impl Fn(&Intent) -> bool,
    ) {
        let mut state = self.state();
        if state.open.is_empty() {
            return;
        }
        let is_over = |intent: &Intent| is_it(intent) && is_settled(intent);
        let (ended, open) = std::mem::take(&mut state.open)
            .into_iter()
            .partition::<Vec<_>, _>(is_over);
        state.open = open;
        state.answer(is_it);
        for name in ended.iter().filter_map(|intent| intent.names.first()) {
            state.leave(name, |running| *running.borrow() == Some(Ended::Created));
        }
        state
            .heard
            .extend(ended.into_iter().map(|intent| intent.id));
    }

    /// Notes what the vendor calls the object that an intent created.
    pub(super) fn created(&self, intent: &str, native: &NativeId) {
        let mut state = self.state();
        if let Some(intent) = state.open.iter_mut().find(|open| open.id == intent) {
            intent.native = Some(native.clone());
        }
    }

    /// Of how many nobody knows yet whether they made an object.
    pub fn in_doubt(&self) -> usize {
        let is_in_doubt = |it: &&Intent| it.native.is_none() && it.purpose != Purpose::Answered;
        self.state().open.iter().filter(is_in_doubt).count()
    }

    /// Deletes in the store what is closed, and writes what has changed.
    ///
    /// # Errors
    /// The store cannot be written; it is tried again with the next one.
    pub async fn flush(&self, memory: &dyn Memory, tenant: &TenantId) -> Result<(), MemoryError> {
        let changed = std::mem::take(&mut self.state().changed);
        for (place, id) in changed.iter().enumerate() {
            let intent = self
                .state()
                .open
                .iter()
                .find(|open| open.id == *id)
                .cloned();
            if let Some(intent) = intent
                && let Err(error) = memory.change_intent(tenant, intent).await
            {
                self.state().changed.extend_from_slice(&changed[place..]);
                return Err(error);
            }
        }
        let ended = std::mem::take(&mut self.state().heard);
        if ended.is_empty() {
            return Ok(());
        }
        let result = memory.end_intents(tenant, ended.clone()).await;
        if result.is_err() {
            self.state().heard.extend(ended);
        }
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
