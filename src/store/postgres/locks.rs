//! Locks that all replicas respect: PostgreSQL's advisory locks, all of a replica on one session.
//!
//! A session cannot wait for one lock and take another meanwhile, so that it never waits: what is
//! wanted is tried again and again, all in one query. Who is first among replicas is chance; the
//! order of arrival holds within each. The locks end with the session: when the connection is
//! lost, what is still held is taken again on the next one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::session::connect;
use super::{Address, Fault, number};
use crate::adapter::keys::TenantId;
use crate::provisioning::locks::{LockKey, SharedHeld, SharedLocks};
use crate::provisioning::memory::{MemoryError, Recall};
use crate::store::lane;

/// How often what another replica holds is tried again.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// How long a round may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Where locks are asked for.
#[derive(Debug)]
pub(super) struct Locks {
    asked: UnboundedSender<Asked>,
}

#[derive(Debug)]
enum Asked {
    Take(Wish),
    Release(i64),
}

#[derive(Debug)]
struct Wish {
    number: i64,
    granted: oneshot::Sender<Result<Held, MemoryError>>,
}

/// Released when dropped, also when nobody waits for it any more.
#[derive(Debug)]
struct Held {
    number: i64,
    asked: UnboundedSender<Asked>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.asked.send(Asked::Release(self.number));
    }
}

impl SharedLocks for Locks {
    fn take(&self, tenant: &TenantId, key: &LockKey) -> Recall<'_, SharedHeld> {
        let (granted, answer) = oneshot::channel();
        let number = number(&["lock", tenant.as_str(), &key.name()]);
        let asked = self.asked.send(Asked::Take(Wish { number, granted }));
        Box::pin(async move {
            asked.map_err(|_| lane::stopped())?;
            let held = answer.await.unwrap_or_else(|_| Err(lane::stopped()))?;
            Ok(Box::new(held) as SharedHeld)
        })
    }
}

impl Locks {
    /// Starts the thread. It connects when the first lock is asked for.
    pub(super) fn start(address: Arc<Address>) -> Result<Arc<Self>, MemoryError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| MemoryError(format!("no event loop for the store: {error}")))?;
        let (asked, asking) = mpsc::unbounded_channel();
        let keeper = Keeper {
            address,
            client: None,
            held: HashSet::new(),
            waiting: Vec::new(),
            asked: asked.downgrade(),
        };
        lane::thread("store-locks", move || runtime.block_on(keeper.run(asking)))?;
        Ok(Arc::new(Self { asked }))
    }
}

/// The thread's side.
struct Keeper {
    address: Arc<Address>,
    client: Option<Client>,
    /// Granted and not yet released.
    held: HashSet<i64>,
    waiting: Vec<Wish>,
    asked: mpsc::WeakUnboundedSender<Asked>,
}

impl Keeper {
    async fn run(mut self, mut asking: UnboundedReceiver<Asked>) {
        let mut released = Vec::new();
        loop {
            let next = match self.waiting.is_empty() {
                true => asking.recv().await.map(Some),
                false => match timeout(TRY_EVERY, asking.recv()).await {
                    Ok(next) => next.map(Some),
                    Err(_) => Some(None),
                },
            };
            let Some(next) = next else { return };
            let more = std::iter::from_fn(|| asking.try_recv().ok());
            for asked in next.into_iter().chain(more) {
                match asked {
                    Asked::Take(wish) => self.waiting.push(wish),
                    Asked::Release(number) => released.push(number),
                }
            }
            self.turn(std::mem::take(&mut released)).await;
        }
    }

    /// Releases, and takes what can be had.
    async fn turn(&mut self, released: Vec<i64>) {
        self.waiting.retain(|wish| !wish.granted.is_closed());
        for number in &released {
            self.held.remove(number);
        }
        let round = async { timeout(ANSWER, self.round(&released)).await };
        let taken = round
            .await
            .unwrap_or_else(|_| Err(Fault::lost("PostgreSQL has not answered")));
        match taken {
            Ok(taken) => self.grant(&taken),
            Err(fault) => {
                self.client = None;
                for wish in self.waiting.drain(..) {
                    let _ = wish.granted.send(Err(fault.clone().into()));
                }
            }
        }
    }

    async fn round(&mut self, released: &[i64]) -> Result<Vec<i64>, Fault> {
        let wanted: Vec<i64> = self.waiting.iter().map(|wish| wish.number).collect();
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            // The locks of a session that is gone are free already.
            None if wanted.is_empty() => return Ok(Vec::new()),
            None => self.connected().await?,
        };
        if !released.is_empty() {
            numbers(&client, UNLOCK, released).await?;
        }
        let taken = match wanted.is_empty() {
            true => Vec::new(),
            false => numbers(&client, TRY, &wanted).await?,
        };
        self.client = Some(client);
        Ok(taken)
    }

    async fn connected(&self) -> Result<Client, Fault> {
        let client = connect(&self.address).await?;
        let held: Vec<i64> = self.held.iter().copied().collect();
        if !held.is_empty() && numbers(&client, TRY, &held).await?.len() < held.len() {
            tracing::warn!(
                "the connection to PostgreSQL was lost and another replica took a lock meanwhile; \
                 two requests may have changed one object at once"
            );
        }
        Ok(client)
    }

    fn grant(&mut self, taken: &[i64]) {
        for wish in std::mem::take(&mut self.waiting) {
            match self
                .asked
                .upgrade()
                .filter(|_| taken.contains(&wish.number))
            {
                Some(asked) => {
                    self.held.insert(wish.number);
                    let held = Held {
                        number: wish.number,
                        asked,
                    };
                    let _ = wish.granted.send(Ok(held));
                }
                None => self.waiting.push(wish),
            }
        }
    }
}

const UNLOCK: &str = "SELECT n FROM unnest($1::bigint[]) AS n WHERE pg_advisory_unlock(n)";
const TRY: &str = "SELECT n FROM unnest($1::bigint[]) AS n WHERE pg_try_advisory_lock(n)";

async fn numbers(client: &Client, sql: &str, of: &[i64]) -> Result<Vec<i64>, Fault> {
    let of = of.to_vec();
    let found = client.query_typed(sql, &[(&of, Type::INT8_ARRAY)]).await;
    let found = found.map_err(|error| Fault::from(&error))?;
    let numbers = found.iter().map(|row| row.try_get(0));
    let numbers: Result<_, _> = numbers.collect();
    numbers.map_err(|error| Fault::from(&error))
}
