//! Locks that all replicas respect: rows that belong to the number of a replica's lease.
//!
//! One task with one connection takes and releases all locks of a replica, renews its lease
//! every second, and deletes the rows of replicas whose time is over, their locks with them. No
//! lock depends on the connection: when it is lost, the next one goes on with the same number, if
//! nobody has deleted it meanwhile.
//!
//! What is wanted and taken is tried again and again, all in one query. Who is first among replicas
//! is chance; the order of arrival holds within each.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::session::connect;
use super::{Address, Fault, number};
use crate::adapter::keys::TenantId;
use crate::provisioning::lease::{Lease, Moment, Replica, TAKE_OVER};
use crate::provisioning::locks::{LockKey, SharedHeld, SharedLocks};
use crate::provisioning::memory::{MemoryError, Recall};
use crate::store::lane;

/// How often what another replica holds is tried again.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// How often a database that was lost is looked for.
const CONNECT_EVERY: Duration = Duration::from_millis(250);

/// How long a round may take. Two of them are shorter than the lease.
const ANSWER: Duration = Duration::from_millis(1_900);

/// How long the start waits for the first lease.
const FIRST: Duration = Duration::from_secs(10);

/// Where locks are asked for.
#[derive(Debug)]
pub(in crate::store) struct Locks {
    asked: UnboundedSender<Asked>,
    replica: Arc<Replica>,
}

#[derive(Debug)]
enum Asked {
    /// To be one of the replicas.
    Join(std::sync::mpsc::Sender<()>),
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
        if self.replica.is_cut_off() {
            return Box::pin(std::future::ready(Err(Fault::cut_off().into())));
        }
        let (granted, answer) = oneshot::channel();
        let number = number(&["lock", tenant.as_str(), &key.name()]);
        let asked = self.asked.send(Asked::Take(Wish { number, granted }));
        Box::pin(async move {
            asked.map_err(|_| lane::stopped())?;
            let held = answer.await.unwrap_or_else(|_| Err(lane::stopped()))?;
            Ok(Box::new(held) as SharedHeld)
        })
    }

    fn lease(&self) -> Lease {
        self.replica.lease()
    }
}

impl Locks {
    /// The locks, and who keeps them once [`Keeper::run`] runs. It connects when this process is to
    /// be one of the replicas.
    pub(super) fn new(address: Arc<Address>, replica: Arc<Replica>) -> (Arc<Self>, Keeper) {
        let (asked, asking) = mpsc::unbounded_channel();
        let keeper = Keeper {
            address,
            replica: Arc::clone(&replica),
            number: None,
            client: None,
            connected: None,
            renewed: None,
            held: HashSet::new(),
            waiting: Vec::new(),
            asked: asked.downgrade(),
            asking,
        };
        (Arc::new(Self { asked, replica }), keeper)
    }

    /// Makes this process one of the replicas, and waits for its first lease. Blocks; without a
    /// database the lease comes when that is back.
    pub(in crate::store) fn join(&self) {
        let (joined, joining) = std::sync::mpsc::channel();
        let _ = self.asked.send(Asked::Join(joined));
        let _ = joining.recv_timeout(FIRST);
    }
}

/// Takes, releases and renews.
pub(super) struct Keeper {
    address: Arc<Address>,
    replica: Arc<Replica>,
    /// That of the lease.
    number: Option<i64>,
    client: Option<Client>,
    /// When that was last tried.
    connected: Option<Instant>,
    /// When the lease was last renewed.
    renewed: Option<Instant>,
    /// Granted and not yet released.
    held: HashSet<i64>,
    waiting: Vec<Wish>,
    asked: mpsc::WeakUnboundedSender<Asked>,
    asking: UnboundedReceiver<Asked>,
}

impl Keeper {
    /// Until nobody can ask any more.
    pub(super) async fn run(mut self) {
        let mut released = Vec::new();
        let mut joining = Vec::new();
        while let Some(next) = self.next().await {
            let more = std::iter::from_fn(|| self.asking.try_recv().ok());
            for asked in next.into_iter().chain(more) {
                match asked {
                    Asked::Join(joined) => joining.push(joined),
                    Asked::Take(wish) => self.waiting.push(wish),
                    Asked::Release(number) => released.push(number),
                }
            }
            self.turn(std::mem::take(&mut released)).await;
            if self.client.is_some() {
                joining.clear();
            }
        }
        self.leave().await;
    }

    /// What is asked for next, or nothing when there is something to do without; `None` when
    /// nobody can ask any more.
    async fn next(&mut self) -> Option<Option<Asked>> {
        let pause = match (&self.client, self.waiting.is_empty()) {
            // Nobody has asked yet.
            (None, _) if self.connected.is_none() => return self.asking.recv().await.map(Some),
            (None, _) => CONNECT_EVERY,
            (Some(_), false) => TRY_EVERY,
            (Some(_), true) => RENEW_EVERY.saturating_sub(since(self.renewed)),
        };
        match timeout(pause, self.asking.recv()).await {
            Ok(asked) => asked.map(Some),
            Err(_) => Some(None),
        }
    }

    /// Releases, and takes what can be had.
    async fn turn(&mut self, released: Vec<i64>) {
        self.waiting.retain(|wish| !wish.granted.is_closed());
        for number in &released {
            self.held.remove(number);
        }
        let round = timeout(ANSWER, self.round(&released)).await;
        match round.unwrap_or_else(|_| Err(Fault::lost("PostgreSQL has not answered"))) {
            Ok(taken) => self.grant(&taken),
            Err(fault) => {
                self.client = None;
                self.replica.cut_off();
                for wish in self.waiting.drain(..) {
                    let _ = wish.granted.send(Err(fault.clone().into()));
                }
            }
        }
    }

    async fn round(&mut self, released: &[i64]) -> Result<Vec<i64>, Fault> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) if since(self.renewed) < RENEW_EVERY => client,
            Some(client) => self.renew(client, false).await?,
            None if since(self.connected) < CONNECT_EVERY => return Err(Fault::cut_off()),
            None => {
                self.connected = Some(Instant::now());
                let client = connect(&self.address).await?;
                self.renew(client, true).await?
            }
        };
        let own = self.number.unwrap_or_default();
        let wanted: Vec<i64> = self.waiting.iter().map(|wish| wish.number).collect();
        let release = async {
            match released.is_empty() {
                true => Ok(Vec::new()),
                false => numbers(&client, RELEASE, own, released).await,
            }
        };
        let take = async {
            match wanted.is_empty() {
                true => Ok(Vec::new()),
                false => numbers(&client, TAKE, own, &wanted).await,
            }
        };
        // Sent one after the other, answered together.
        let (_, taken) = tokio::try_join!(release, take)?;
        self.client = Some(client);
        Ok(taken)
    }

    /// Renews the lease, or begins one; ends those of replicas that are silent.
    async fn renew(&mut self, client: Client, is_new: bool) -> Result<Client, Fault> {
        let asked = Moment::now();
        let row = match self.number {
            Some(number) => query(&client, RENEW, &[number, millis(TAKE_OVER)])
                .await?
                .pop(),
            None => None,
        };
        let row = match row {
            Some(row) => row,
            None => {
                if self.number.take().is_some() {
                    tracing::warn!(
                        action = "find out why this replica could not reach PostgreSQL for several seconds",
                        "other replicas have taken over the work of this one; its requests of \
                         that time are answered 503"
                    );
                }
                self.held.clear();
                let row = query(&client, JOIN, &[millis(TAKE_OVER)]).await?.pop();
                row.ok_or_else(|| Fault::of_statement("no lease was given; please report it"))?
            }
        };
        let column = |at| {
            row.try_get::<_, i64>(at)
                .map_err(|error| Fault::from(&error))
        };
        let (number, replicas) = (column(0)?, column(1)?);
        if is_new {
            // What was taken or released while the last one was lost.
            let held: Vec<i64> = self.held.iter().copied().collect();
            numbers(&client, KEEP, number, &held).await?;
        }
        query(&client, SWEEP, &[]).await?;
        self.number = Some(number);
        self.renewed = Some(Instant::now());
        let replicas = u32::try_from(replicas).unwrap_or(u32::MAX);
        self.replica.renewed(number, asked, replicas);
        Ok(client)
    }

    fn grant(&mut self, taken: &[i64]) {
        for wish in std::mem::take(&mut self.waiting) {
            let asked = self.asked.upgrade();
            match asked.filter(|_| taken.contains(&wish.number)) {
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

    /// Leaves at once what others would have to wait for.
    async fn leave(self) {
        if let (Some(client), Some(number)) = (self.client, self.number) {
            let _ = timeout(ANSWER, query(&client, LEAVE, &[number])).await;
        }
    }
}

fn since(moment: Option<Instant>) -> Duration {
    moment.map_or(Duration::MAX, |moment| moment.elapsed())
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

const RENEW: &str = "UPDATE replica SET until = \
     (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $2 WHERE number = $1 \
     RETURNING number, (SELECT count(*) FROM replica AS other WHERE other.number = $1 \
     OR other.until >= (extract(epoch FROM clock_timestamp()) * 1000)::bigint)";
const JOIN: &str = "INSERT INTO replica (until) \
     VALUES ((extract(epoch FROM clock_timestamp()) * 1000)::bigint + $1) \
     RETURNING number, (SELECT count(*) + 1 FROM replica AS other \
     WHERE other.until >= (extract(epoch FROM clock_timestamp()) * 1000)::bigint)";
/// A transaction that has checked its number keeps the row until it has ended.
const SWEEP: &str = "DELETE FROM replica WHERE number IN (SELECT number FROM replica \
     WHERE until < (extract(epoch FROM clock_timestamp()) * 1000)::bigint FOR UPDATE SKIP LOCKED)";
const LEAVE: &str = "DELETE FROM replica WHERE number = $1";
const KEEP: &str =
    "DELETE FROM held_lock WHERE replica = $1 AND number <> ALL ($2) RETURNING number";
const RELEASE: &str =
    "DELETE FROM held_lock WHERE replica = $1 AND number = ANY ($2) RETURNING number";
/// Fails where the number is no replica's any more.
const TAKE: &str = "INSERT INTO held_lock (number, replica) \
     SELECT n, $1 FROM unnest($2::bigint[]) AS n \
     WHERE NOT EXISTS (SELECT 1 FROM held_lock AS held WHERE held.number = n) \
     ORDER BY n ON CONFLICT DO NOTHING RETURNING number";

async fn query(client: &Client, sql: &str, values: &[i64]) -> Result<Vec<Row>, Fault> {
    let values: Vec<(&(dyn tokio_postgres::types::ToSql + Sync), Type)> = values
        .iter()
        .map(|value| (value as _, Type::INT8))
        .collect();
    let found = client.query_typed(sql, &values).await;
    found.map_err(|error| Fault::from(&error))
}

async fn numbers(client: &Client, sql: &str, own: i64, of: &[i64]) -> Result<Vec<i64>, Fault> {
    let of = of.to_vec();
    let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&own, Type::INT8), (&of, Type::INT8_ARRAY)];
    let found = client.query_typed(sql, &values).await;
    let found = found.map_err(|error| Fault::from(&error))?;
    let numbers = found.iter().map(|row| row.try_get(0));
    let numbers: Result<_, _> = numbers.collect();
    numbers.map_err(|error| Fault::from(&error))
}
