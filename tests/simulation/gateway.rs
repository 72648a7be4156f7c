//! One process of the gateway, from its start until it is killed: the engine, without sockets.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use scimgate::adapter::keys::TenantId;
use scimgate::adapter::settings::Settings;
use scimgate::provisioning::batch::Batches;
use scimgate::provisioning::ids::{IdCache, KnownIds};
use scimgate::provisioning::intents::Intents;
use scimgate::provisioning::locks::Locks;
use scimgate::provisioning::recent::Recent;
use scimgate::provisioning::trace::{Asked as Question, Audience, Story, tell};
use scimgate::provisioning::{self, Operation, Process};
use scimgate::scim::{Bulk, CursorKey, Message, Profile, Request, Response, Service};
use scimgate::script::fault::{Failure, GatewayFault};
use scimgate::script::once::LookUps;
use scimgate::server::error_answer;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, timeout_at};

use crate::backend::Way;
use crate::dice::Dice;
use crate::oracle;
use crate::store::Store;
use crate::world::{World, pause};

const BASE_URL: &str = "https://gateway.example/scim/v2";

/// What the gateway gives a request.
const LIMIT: Duration = Duration::from_secs(45);

/// A request of Entra's.
pub(crate) struct Asked {
    pub(crate) number: u32,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) body: Option<Value>,
    /// Chance for what happens on its way.
    pub(crate) dice: Dice,
    pub(crate) reply: oneshot::Sender<Got>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Value,
}

/// A process.
struct Gateway {
    world: Rc<World>,
    number: u32,
    service: Arc<Service>,
    store: Arc<Store>,
    process: Process,
    locks: Arc<Locks>,
    batches: Arc<Batches>,
    recent: Arc<Recent>,
    intents: Arc<Intents>,
    known: Arc<KnownIds>,
    ids: Arc<IdCache>,
    rounds: Cell<u64>,
}

/// Runs a process until `end` comes: then all it does is dropped where it stands.
pub(crate) async fn live(world: Rc<World>, number: u32, end: impl Future<Output = ()>) {
    let (door, asked) = mpsc::unbounded_channel();
    let gateway = Rc::new(Gateway::new(&world, number));
    let tasks = LocalSet::new();
    tasks.spawn_local(Arc::clone(&gateway.store).commit());
    tasks.spawn_local(Rc::clone(&gateway).settle());
    tasks.spawn_local(gateway.serve(asked));
    world.process.send_replace(number);
    *world.door.borrow_mut() = Some(door);
    tasks.run_until(end).await;
    *world.door.borrow_mut() = None;
    world.kills.borrow_mut().push(world.now());
    drop(tasks);
    world.process.send_replace(number);
    world.book.borrow_mut().lose_all();
}

impl Gateway {
    fn new(world: &Rc<World>, number: u32) -> Self {
        let dice = world.dice("store", number.into());
        let seed = world.dice("process", number.into()).below(usize::MAX);
        let manifest = &world.adapter.manifest;
        Self {
            world: Rc::clone(world),
            number,
            service: world.adapter.service(Profile::Entra),
            store: Arc::new(Store::new(Arc::clone(&world.disk), dice)),
            process: Process::seeded(seed as u64, world.dawn),
            locks: Arc::default(),
            batches: Arc::new(Batches::new(manifest, None)),
            recent: Arc::default(),
            intents: Arc::default(),
            known: Arc::default(),
            ids: Arc::default(),
            rounds: Cell::new(0),
        }
    }

    async fn serve(self: Rc<Self>, mut asked: mpsc::UnboundedReceiver<Asked>) {
        while let Some(asked) = asked.recv().await {
            let dice = self.world.dice("schedule", asked.number.into());
            spawn_local(shuffled(Rc::clone(&self).answer(asked), dice));
        }
    }

    /// What goes on beside requests. Other tenants may come first.
    async fn settle(self: Rc<Self>) {
        pause(
            self.world
                .dice("first round", self.number.into())
                .below(8000),
        )
        .await;
        loop {
            self.rounds.set(self.rounds.get() + 1);
            let dice = self
                .world
                .dice("settle", self.rounds.get() << 8 | u64::from(self.number));
            let due = Instant::now() + Duration::from_secs(30);
            let story = Story::unheard_of(&tenant());
            let _ = self.operation(0, dice, due, story).settle_intents().await;
            sleep(Duration::from_secs(5)).await;
        }
    }

    /// One connection with one request.
    async fn answer(self: Rc<Self>, asked: Asked) {
        let Asked {
            number,
            method,
            target,
            body,
            mut dice,
            mut reply,
        } = asked;
        let story = Story::begin(question(number, method), Rc::new(Audience::default()));
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target.as_str(), None),
        };
        let work = Dice::of(dice.below(usize::MAX) as u64);
        let done = async {
            match Message::parse(method, path, query, body, &self.service) {
                Err(error) => {
                    let refused: Result<Response, Failure> = Err(error.into());
                    self.made(number, &refused, &story);
                    refused
                }
                Ok(Message::Bulk(bulk)) => {
                    self.to_its_end(
                        self.clone().many(number, bulk, work, Rc::clone(&story)),
                        number,
                        &story,
                    )
                    .await
                }
                Ok(Message::Single(request)) => {
                    let writes = is_write(&request);
                    let one = self.clone().one(number, request, work, Rc::clone(&story));
                    if writes {
                        return self.to_its_end(one, number, &story).await;
                    }
                    let read = one.await;
                    self.made(number, &read, &story);
                    read
                }
            }
        };
        let done = tokio::select! {
            biased;
            done = done => Some(done),
            () = reply.closed() => None,
        };
        let Some(done) = done else {
            return self.world.book.borrow_mut().lose(number);
        };
        let got = got_of(done);
        if dice.below(4) == 0 {
            let most = if dice.below(4) == 0 { 8000 } else { 60 };
            pause(dice.below(most)).await;
        }
        let losses = self.world.losses.get();
        if reply.is_closed() || dice.below(100) < losses {
            return self.world.book.borrow_mut().lose(number);
        }
        story.taken();
        let now = self.world.now();
        self.world.book.borrow_mut().take(number, now);
        // Taken by the connection is not yet read by the client.
        if dice.below(400) >= losses {
            let _ = reply.send(got);
        }
    }

    /// Carries a write out as a task of its own, which no client that hangs up ends.
    async fn to_its_end(
        self: &Rc<Self>,
        write: impl Future<Output = Result<Response, Failure>> + 'static,
        number: u32,
        story: &Rc<Story>,
    ) -> Result<Response, Failure> {
        let _awaited = story.awaited();
        let (tell, told) = oneshot::channel();
        let due = Instant::now() + LIMIT;
        let (gateway, story) = (Rc::clone(self), Rc::clone(story));
        let task = async move {
            let done = timeout_at(due, write).await;
            let done = done.unwrap_or(Err(GatewayFault::DeadlineExceeded.into()));
            gateway.made(number, &done, &story);
            let _ = tell.send(done);
        };
        let dice = self.world.dice("write", number.into());
        spawn_local(shuffled(task, dice));
        told.await.unwrap_or(Err(GatewayFault::Internal.into()))
    }

    /// An answer is made: the oracle looks at it before anything else happens.
    fn made(&self, number: u32, done: &Result<Response, Failure>, story: &Story) {
        if self.world.tells {
            let steps = tell::lines(&story.steps()).collect();
            self.world.book.borrow_mut().requests[number as usize].steps = steps;
        }
        oracle::made(&self.world, number, &got_of(done.clone()));
    }

    async fn one(
        self: Rc<Self>,
        number: u32,
        request: Request,
        dice: Dice,
        story: Rc<Story>,
    ) -> Result<Response, Failure> {
        let due = Instant::now() + LIMIT;
        self.operation(number, dice, due, story)
            .perform(request)
            .await
    }

    async fn many(
        self: Rc<Self>,
        number: u32,
        bulk: Bulk,
        mut dice: Dice,
        story: Rc<Story>,
    ) -> Result<Response, Failure> {
        let due = Instant::now() + LIMIT - LIMIT / 32;
        let dice = std::cell::RefCell::new(Dice::of(dice.below(usize::MAX) as u64));
        let one = async |request| {
            let part = story.part(1, "-", "-");
            let chance = Dice::of(dice.borrow_mut().below(usize::MAX) as u64);
            let result = self
                .operation(number, chance, due, part)
                .perform(request)
                .await;
            result.map_err(|failure| error_answer(failure).error)
        };
        Ok(provisioning::bulk(bulk, &self.service, BASE_URL, due, one).await)
    }

    fn operation(&self, by: u32, dice: Dice, deadline: Instant, story: Rc<Story>) -> Operation {
        let way = Way {
            world: Rc::clone(&self.world),
            by,
            dice: std::cell::RefCell::new(dice),
        };
        Operation {
            tenant: tenant(),
            adapter: Arc::clone(&self.world.adapter),
            service: Arc::clone(&self.service),
            settings: Arc::new(Settings::default()),
            group_priority: Arc::new(BTreeMap::new()),
            process: self.process.clone(),
            backend: Rc::new(way),
            memory: self.store.clone(),
            locks: Arc::clone(&self.locks),
            intents: Arc::clone(&self.intents),
            batches: Arc::clone(&self.batches),
            recent: Arc::clone(&self.recent),
            ids: Arc::clone(&self.ids),
            known: Arc::clone(&self.known),
            look_ups: LookUps::default().of("acme"),
            cursors: CursorKey::new([0; 32]),
            base_url: BASE_URL.to_owned(),
            deadline,
            story,
        }
    }
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn question(number: u32, method: &'static str) -> Question {
    Question {
        request_id: number.to_string().into(),
        part: 0,
        tenant: tenant(),
        vendor: "small".into(),
        method,
        route: "-",
    }
}

fn got_of(done: Result<Response, Failure>) -> Got {
    match done {
        Ok(response) => Got {
            status: response.status,
            retry_after: None,
            body: response
                .body
                .map(scimgate::scim::Body::into_tree)
                .unwrap_or_default(),
        },
        Err(failure) => {
            let told = error_answer(failure);
            Got {
                status: told.error.status,
                retry_after: told.retry_after,
                body: told.error.body(),
            }
        }
    }
}

fn is_write(request: &Request) -> bool {
    use Request::{Create, Delete, Patch, Replace};
    matches!(
        request,
        Create { .. } | Replace { .. } | Patch { .. } | Delete { .. }
    )
}

/// A task that does not always go on when it could: the order of tasks that are ready is chance.
fn shuffled<F: Future>(task: F, dice: Dice) -> Shuffled<F> {
    Shuffled {
        task: Box::pin(task),
        dice,
        passed: false,
    }
}

struct Shuffled<F> {
    task: Pin<Box<F>>,
    dice: Dice,
    passed: bool,
}

impl<F: Future> Future for Shuffled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if !self.passed && self.dice.below(3) == 0 {
            self.passed = self.dice.below(2) == 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.passed = false;
        self.task.as_mut().poll(context)
    }
}
