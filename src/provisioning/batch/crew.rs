//! Who hands items in, gathers them and carries a batch out.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::Batches;
use super::queue::{Entry, Queue, Ticket, Told};
use crate::adapter::Adapter;
use crate::adapter::environment::TenantEnvironment;
use crate::adapter::keys::TenantId;
use crate::adapter::settings::Settings;
use crate::provisioning::lease::Lease;
use crate::script::brake::Brake;
use crate::script::call::Backend;
use crate::script::environment::BatchPort;
use crate::script::fault::{Failure, GatewayFault, VendorFault};
use crate::script::fiber::{self, Budget, Results};
use crate::script::host::{Item, ScriptContext, json};
use crate::script::once::TenantLookUps;

/// What a waiter keeps of its time, to look whether a lost write was carried out.
const RESERVE: Duration = Duration::from_secs(3);

/// CPU time of a batch's function for each item, beside that for itself.
const CPU_EACH: Duration = Duration::from_millis(2);

/// What an operation brings to its tenant's batches: items, and the means to carry a whole batch
/// out if it falls to it to lead.
#[derive(Clone)]
pub(crate) struct Crew {
    pub(crate) tenant: TenantId,
    pub(crate) adapter: Arc<Adapter>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) backend: Rc<dyn Backend>,
    /// Under which the operation holds its locks.
    pub(crate) lease: Lease,
    pub(crate) batches: Arc<Batches>,
    pub(crate) look_ups: TenantLookUps,
    /// CPU time of a function.
    pub(crate) cpu: Duration,
    /// Counts the runs that end at a limit, and stops further ones.
    pub(crate) brake: Option<Brake>,
    /// The operation's.
    pub(crate) deadline: Instant,
}

impl BatchPort for Crew {
    /// An item that failed fails all that were handed in with it, once each has ended.
    fn submit(&self, name: &str, items: Vec<Value>) -> Option<Results> {
        let queue = Arc::clone(self.batches.queue(name)?);
        let crew = self.clone();
        Some(Box::pin(async move { crew.results(&queue, items).await }))
    }
}

impl Crew {
    async fn results(&self, queue: &Arc<Queue>, items: Vec<Value>) -> Result<Vec<Value>, Failure> {
        let tickets: Vec<_> = items
            .into_iter()
            .map(|item| self.enter(queue, item))
            .collect();
        let mut results = Vec::with_capacity(tickets.len());
        let mut failed = None;
        for ticket in tickets {
            match self.result(queue, ticket).await {
                Ok(result) => results.push(result),
                Err(failure) => failed = Some(graver(failed, failure)),
            }
        }
        failed.map_or(Ok(results), Err)
    }

    fn enter(&self, queue: &Arc<Queue>, item: Value) -> Ticket {
        let ticket = queue.enter(item, self.lease.clone(), self.patience());
        if ticket.must_lead {
            tokio::task::spawn_local(lead(Arc::clone(queue), self.clone()));
        }
        ticket
    }

    async fn result(&self, queue: &Arc<Queue>, mut ticket: Ticket) -> Result<Value, Failure> {
        loop {
            let told = timeout_at(self.patience(), ticket.reply).await;
            match told {
                Ok(Ok(Told::Ended(result))) => return result,
                Ok(Ok(Told::Unled(item))) => ticket = self.enter(queue, item),
                // Whoever had it is gone.
                Ok(Err(_)) => return Err(VendorFault::UnknownOutcome.into()),
                Err(_) if queue.withdraw(ticket.number) => {
                    return Err(VendorFault::Busy { retry_after: None }.into());
                }
                Err(_) => return Err(VendorFault::UnknownOutcome.into()),
            }
        }
    }

    /// Waits until a batch may go out.
    async fn wait_for_limit(&self, queue: &Queue) -> Result<(), Failure> {
        while let Err(wait) = queue.pace.take(&self.tenant, &queue.function).await? {
            self.backend.wait(Instant::now() + wait).await;
        }
        Ok(())
    }

    fn patience(&self) -> Instant {
        let now = Instant::now();
        self.deadline.checked_sub(RESERVE).unwrap_or(now).max(now)
    }

    /// `run_<name>(items)`, on a fiber of its own. One result an item.
    async fn run(
        &self,
        function: String,
        items: Vec<Value>,
        deadline: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let count = items.len();
        let cpu = self.cpu + CPU_EACH * u32::try_from(count).unwrap_or(u32::MAX);
        let (adapter, settings) = (Arc::clone(&self.adapter), Arc::clone(&self.settings));
        let budget = Budget {
            cpu,
            brake: self.brake.clone(),
            deadline,
        };
        let look_ups = self.look_ups.clone();
        let job = move |call: &fiber::Call| {
            let effects = Rc::default();
            let environment =
                TenantEnvironment::new(&adapter, &settings, None::<Self>, &effects, &look_ups);
            let script = ScriptContext::new(call, environment);
            let items: Array = items
                .into_iter()
                .map(|item| Dynamic::from(Item::new(item)))
                .collect();
            let failure = |fault| adapter.failure_of(fault);
            let given = adapter.script.call(&script, failure, &function, (items,))?;
            Ok(json::to_value(&given))
        };
        match fiber::run(job, budget, &*self.backend).await? {
            Some(Value::Array(results)) if results.len() == count => Ok(results),
            // Whatever was done, nobody can say which result is whose.
            _ => Err(VendorFault::UnknownOutcome.into()),
        }
    }
}

/// The failure of several that counts most open.
fn graver(one: Option<Failure>, other: Failure) -> Failure {
    match one {
        Some(one) if one.is_unconfirmed() || !other.is_unconfirmed() => one,
        _ => other,
    }
}

/// Gathers batch after batch until nothing waits. A task of its own: no request's end is its end.
async fn lead(queue: Arc<Queue>, crew: Crew) {
    let mut lead = Lead {
        queue,
        has_ended: false,
    };
    while let Some(opening) = lead.queue.opening() {
        tokio::select! {
            biased;
            () = crew.backend.wait(opening) => {}
            () = lead.queue.full.notified() => {}
        }
        let place = lead.queue.pace.place().await;
        let limited = crew.wait_for_limit(&lead.queue).await;
        let batch = lead.queue.take();
        if let Err(failure) = limited {
            refuse(batch, &failure);
            continue;
        }
        if !batch.is_empty() {
            let queue = Arc::clone(&lead.queue);
            tokio::task::spawn_local(carry_out(queue, crew.clone(), batch, place));
        }
    }
    lead.has_ended = true;
}

/// Hands what waits back to its waiters if the leader dies, as it does with its thread.
struct Lead {
    queue: Arc<Queue>,
    has_ended: bool,
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.has_ended {
            self.queue.abandon();
        }
    }
}

/// Runs one batch and tells each waiter what became of its item.
async fn carry_out(
    queue: Arc<Queue>,
    crew: Crew,
    batch: Vec<Entry>,
    _place: Option<OwnedSemaphorePermit>,
) {
    // For this batch alone, under the lease that its items are judged by.
    let crew = Crew {
        backend: crew.backend.apart().unwrap_or(Rc::clone(&crew.backend)),
        ..crew
    };
    let (batch, ended): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|entry| entry.lease.is_valid());
    refuse(ended, &GatewayFault::lease_ended().into());
    if batch.is_empty() {
        return;
    }
    let last = batch.iter().map(|entry| entry.deadline).max();
    let most = Instant::now() + queue.rule.longest();
    let deadline = last.map_or(most, |last| last.min(most));
    let entries = batch.into_iter().map(|entry| (entry.item, entry.reply));
    let (items, waiting): (Vec<_>, Vec<_>) = entries.unzip();
    tracing::debug!(tenant = %crew.tenant, function = queue.function, items = items.len(), "batch");
    let ended = crew.run(queue.function.clone(), items, deadline).await;
    for (index, reply) in waiting.into_iter().enumerate() {
        // A waiter that gave up meanwhile looks for itself.
        let _ = reply.send(Told::Ended(part(&ended, index)));
    }
}

/// Tells the waiters of items that go into no batch.
fn refuse(entries: Vec<Entry>, failure: &Failure) {
    for entry in entries {
        let _ = entry.reply.send(Told::Ended(Err(failure.clone())));
    }
}

/// One item's share of what a batch came to. Without a result nobody knows.
fn part(ended: &Result<Vec<Value>, Failure>, index: usize) -> Result<Value, Failure> {
    let results = ended.as_ref().map_err(Clone::clone)?;
    let result = results.get(index).filter(|result| !result.is_null());
    result
        .cloned()
        .ok_or_else(|| VendorFault::UnknownOutcome.into())
}
