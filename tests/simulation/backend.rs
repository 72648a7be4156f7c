//! The way from a request to the vendor, and what goes wrong on it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use scimgate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply, Verb};
use scimgate::script::replies::{Answered, Meaning};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::class::CALL;
use crate::dice::Dice;
use crate::vendor::Reply;
use crate::world::{World, pause};

/// How often a call is tried.
const TRIES: u32 = 3;

/// The calls of one request.
pub(crate) struct Way {
    pub(crate) world: Rc<World>,
    /// The request's number; 0 for what belongs to none.
    pub(crate) by: u32,
    pub(crate) dice: RefCell<Dice>,
}

/// A call on its way.
pub(crate) struct Sent {
    call: VendorCall,
    by: u32,
    /// When it takes effect.
    at: Instant,
    tell: oneshot::Sender<Reply>,
    /// What becomes of it if the process dies before.
    survives: bool,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Fine,
    /// No connection.
    Unsent,
    /// 429 with `Retry-After`.
    Busy,
    /// 5xx without a body that the vendor writes.
    Failed {
        done: bool,
    },
    /// The connection breaks.
    Lost {
        done: bool,
    },
    /// No answer within the call's limit.
    TimedOut {
        done: bool,
    },
    /// The connection breaks and the effect is still to come.
    Late,
    /// 200 with a page of somebody on the way.
    Garbage {
        done: bool,
    },
    /// 404 of somebody on the way.
    NoSuchPath,
    /// The row of somebody else.
    Stranger,
    /// The credential is refused.
    Credential,
}

/// What came of one try.
enum Tried {
    Answered(VendorReply),
    Lost,
    Unsent,
    Held(CallFault),
}

impl Backend for Way {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        Box::pin(self.carry_out(call, deadline))
    }

    fn apart(&self) -> Option<Rc<dyn Backend>> {
        let seed = self.dice.borrow_mut().below(usize::MAX);
        Some(Rc::new(Self {
            world: Rc::clone(&self.world),
            by: 0,
            dice: RefCell::new(Dice::of(seed as u64)),
        }))
    }
}

impl Way {
    /// Tries, as the gateway's own client does: again what is repeatable and was lost, and
    /// whatever was certainly not carried out.
    async fn carry_out(
        &self,
        call: VendorCall,
        deadline: Instant,
    ) -> Result<VendorReply, CallFault> {
        let mut in_doubt = false;
        for count in 1.. {
            let tried = self.attempt(&call, deadline).await;
            let (repeats, doubt) = self.repeats(&call, &tried);
            let wait = Duration::from_millis(100 + self.below(900) as u64);
            if count < TRIES && repeats && self.below(4) > 0 && Instant::now() + wait < deadline {
                in_doubt |= doubt;
                sleep_until(Instant::now() + wait).await;
                continue;
            }
            let silent = match &tried {
                Tried::Answered(reply) => matches!(self.meaning(&call, reply), Meaning::Busy),
                Tried::Lost => false,
                Tried::Unsent | Tried::Held(_) => true,
            };
            if in_doubt && silent && call.method != Verb::Get {
                return Err(CallFault::Lost("an earlier try".into()));
            }
            return match tried {
                Tried::Answered(reply) if self.meaning(&call, &reply) == Meaning::Busy => {
                    Err(CallFault::Busy {
                        retry_after: reply.retry_after,
                    })
                }
                Tried::Answered(reply) => Ok(VendorReply {
                    after_loss: in_doubt,
                    ..reply
                }),
                Tried::Lost => Err(CallFault::Lost("reset".into())),
                Tried::Unsent => Err(CallFault::NotSent("refused".into())),
                Tried::Held(fault) => Err(fault),
            };
        }
        unreachable!("it is tried at least once")
    }

    /// Whether a call goes out again, and whether this try of it may have been carried out.
    fn repeats(&self, call: &VendorCall, tried: &Tried) -> (bool, bool) {
        match tried {
            Tried::Unsent => (true, false),
            Tried::Held(_) => (false, false),
            Tried::Lost => (call.is_repeatable(), true),
            Tried::Answered(reply) => match self.meaning(call, reply) {
                Meaning::Busy => (true, false),
                Meaning::Fault if reply.status >= 500 => (call.is_repeatable(), true),
                _ => (false, false),
            },
        }
    }

    fn meaning(&self, call: &VendorCall, reply: &VendorReply) -> Meaning {
        let table = &self.world.adapter.replies;
        let body = table.parse(&reply.body);
        table
            .judge(&Answered::of(reply, call.errand(), body.as_ref()))
            .means
    }

    async fn attempt(&self, call: &VendorCall, deadline: Instant) -> Tried {
        let began = Instant::now();
        if began >= deadline {
            return Tried::Unsent;
        }
        let fate = self.fate(call);
        let ends = deadline.min(began + CALL);
        let most = if self.below(12) == 0 { 1500 } else { 200 };
        let latency = Duration::from_millis(1 + self.below(most) as u64);
        let answer = (began + latency).min(ends);
        let half = began + latency / 2;
        match fate {
            Fate::Unsent => {
                sleep_until(half.min(ends)).await;
                Tried::Unsent
            }
            Fate::Credential => {
                sleep_until(answer).await;
                Tried::Held(CallFault::Credential)
            }
            Fate::Busy => {
                sleep_until(answer).await;
                let wait = Duration::from_secs(1 + self.below(5) as u64);
                Tried::Answered(reply(429, Some(wait), Bytes::new()))
            }
            Fate::NoSuchPath => {
                sleep_until(answer).await;
                Tried::Answered(reply(404, None, page()))
            }
            Fate::Late => {
                let latest = self.world.class.latest_effect().as_millis() as usize;
                let effect = began + Duration::from_millis(1 + self.below(latest) as u64);
                drop(self.send(call, effect));
                sleep_until(answer).await;
                Tried::Lost
            }
            Fate::Lost { done } => {
                let sent = done.then(|| self.send(call, half.min(answer)));
                sleep_until(answer).await;
                drop(sent);
                Tried::Lost
            }
            Fate::TimedOut { done } => {
                let sent = done.then(|| self.send(call, half.min(ends)));
                sleep_until(ends).await;
                drop(sent);
                Tried::Lost
            }
            Fate::Failed { done } | Fate::Garbage { done } => {
                let sent = done.then(|| self.send(call, half.min(answer)));
                sleep_until(answer).await;
                drop(sent);
                let status = [500, 502, 503][self.below(3)];
                let status = if matches!(fate, Fate::Garbage { .. }) {
                    200
                } else {
                    status
                };
                Tried::Answered(reply(status, None, page()))
            }
            Fate::Fine | Fate::Stranger => {
                let sent = self.send(call, half.min(answer));
                let Ok(given) = sent.await else {
                    return Tried::Lost;
                };
                sleep_until(answer).await;
                let body = match fate {
                    Fate::Stranger => strange(given.body),
                    _ => given.body,
                };
                let body = if body.is_null() {
                    Bytes::new()
                } else {
                    body.to_string().into()
                };
                Tried::Answered(reply(given.status, None, body))
            }
        }
    }

    /// Sends a call to the vendor, where it takes effect at a moment.
    fn send(&self, call: &VendorCall, at: Instant) -> oneshot::Receiver<Reply> {
        let (tell, told) = oneshot::channel();
        let sent = Sent {
            call: call.clone(),
            by: self.by,
            at,
            tell,
            survives: creates(call),
        };
        let _ = self.world.calls.send(sent);
        told
    }

    fn fate(&self, call: &VendorCall) -> Fate {
        if self.below(100) >= self.world.faults.get() {
            return Fate::Fine;
        }
        let done = self.below(2) == 0;
        let is_read = call.method == Verb::Get;
        match self.below(14) {
            0 => Fate::Unsent,
            1 => Fate::Busy,
            2 => Fate::Failed { done },
            3 | 4 => Fate::Lost { done },
            5 => Fate::TimedOut { done },
            6 => Fate::Garbage { done },
            7 => Fate::NoSuchPath,
            8 => Fate::Credential,
            9 if is_read => Fate::Stranger,
            9 | 10 if creates(call) => Fate::Late,
            // Where look-ups lag, they do not tell who was made instead.
            13 if creates(call) && self.world.class.lag.is_none() => Fate::Stranger,
            _ => Fate::Lost { done: !is_read },
        }
    }

    fn below(&self, most: usize) -> usize {
        self.dice.borrow_mut().below(most)
    }
}

impl Sent {
    /// Takes effect when its time has come.
    pub(crate) async fn arrive(self, world: Rc<World>) {
        let mut process = world.process.subscribe();
        let dies = async {
            match self.survives {
                true => std::future::pending().await,
                false => drop(process.changed().await),
            }
        };
        // What changes something that is there is done soon or never: a gateway that comes back
        // must not be overtaken by calls of the one before.
        let dies = async {
            dies.await;
            pause(0).await;
        };
        tokio::select! {
            biased;
            () = sleep_until(self.at) => {}
            () = dies => {
                if self.at.duration_since(world.dawn).as_millis().is_multiple_of(2) {
                    return;
                }
            }
        }
        let now = world.now();
        let reply = world
            .vendor
            .borrow_mut()
            .carry_out(&self.call, self.by, now);
        let _ = self.tell.send(reply);
    }
}

/// Whether a call makes an object, so that its effect may come late. What is put in place may not:
/// it is repeated at once.
fn creates(call: &VendorCall) -> bool {
    call.method == Verb::Post && matches!(call.path.as_str(), "/people" | "/teams")
}

fn reply(status: u16, retry_after: Option<Duration>, body: Bytes) -> VendorReply {
    VendorReply {
        status,
        retry_after,
        headers: HeaderMap::new(),
        body,
        after_loss: false,
    }
}

fn page() -> Bytes {
    Bytes::from_static(b"<html><body>Bad gateway</body></html>")
}

/// A reply about somebody else.
fn strange(body: Value) -> Value {
    let other = json!({"id": "p0", "login": "stranger@example.com", "label": "strangers", "name": "Stranger"});
    match body.get("items") {
        // Nobody can tell a list that leaves somebody out from a true one.
        Some(_) => body,
        None => other,
    }
}
