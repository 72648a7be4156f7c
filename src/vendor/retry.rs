//! Whether a call is sent again, and when. Nothing else in the gateway retries.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::window::Window;
use crate::script::call::{CallFault, VendorCall, VendorReply, Verb};
use crate::script::replies::Meaning;

const MOST_TRIES: u32 = 3;
const LONGEST_INVITED_WAIT: Duration = Duration::from_secs(10);

/// What came of one try.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tried {
    /// The vendor answered.
    Answered(VendorReply, Meaning),
    /// It may have been carried out; no whole reply came.
    Lost(String),
    /// It did not leave: no connection, or one that closed before it was written.
    Unsent(String),
    /// Our own limits or clock kept it back; the vendor was not asked.
    Held(CallFault),
}

impl Tried {
    /// As the adapter hears it.
    pub(super) fn into_result(self) -> Result<VendorReply, CallFault> {
        match self {
            Self::Answered(reply, Meaning::Busy) => Err(CallFault::Busy {
                retry_after: reply.retry_after,
            }),
            Self::Answered(_, Meaning::Credential) => Err(CallFault::Credential),
            Self::Answered(reply, _) => Ok(reply),
            Self::Lost(why) => Err(CallFault::Lost(why)),
            Self::Unsent(why) => Err(CallFault::NotSent(why)),
            Self::Held(fault) => Err(fault),
        }
    }

    /// Whether the vendor is in trouble: a fault that passes. A redirect or a
    /// 405 is a fault too, but one that stays.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Answered(reply, Meaning::Fault) => !matches!(reply.status, 300..=407 | 409..=499),
            Self::Answered(..) | Self::Held(_) => false,
            Self::Lost(_) | Self::Unsent(_) => true,
        }
    }

    /// Whether the vendor may have carried it out without saying so.
    fn leaves_doubt(&self) -> bool {
        self.is_outage() && !matches!(self, Self::Unsent(_))
    }
}

/// A call on its way: how often it was tried, and whether an earlier try may
/// have been carried out.
pub(super) struct Tries<'c> {
    call: &'c VendorCall,
    count: u32,
    in_doubt: bool,
}

impl<'c> Tries<'c> {
    pub(super) fn new(call: &'c VendorCall) -> Self {
        Self {
            call,
            count: 0,
            in_doubt: false,
        }
    }

    /// Which try this is, from 1.
    pub(super) fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    /// How long to wait before the next try; `None` if this one was the last.
    pub(super) fn pause(
        &mut self,
        tried: &Tried,
        budget: &Budget,
        deadline: Instant,
    ) -> Option<Duration> {
        if self.count >= MOST_TRIES || !self.may_repeat(tried) {
            return None;
        }
        let invited = invitation(tried);
        if invited.is_some_and(|wait| wait > LONGEST_INVITED_WAIT) {
            return None;
        }
        // A little more than asked for, so that calls which were turned away
        // together do not come back together.
        let spread = |wait| wait + up_to(Duration::from_millis(100));
        let wait = invited.map_or_else(|| backoff(self.count), spread);
        // The budget keeps us from making an outage worse. A wait the vendor
        // asked for cannot do that.
        let fits = Instant::now() + wait < deadline && (invited.is_some() || budget.take());
        self.in_doubt |= fits && tried.leaves_doubt();
        fits.then_some(wait)
    }

    /// The last try's result in the light of the ones before: a change that may
    /// have been carried out by the first try is not undone because the second
    /// found no connection, and an answer that came after doubt says so.
    pub(super) fn conclude(&self, tried: Tried) -> Tried {
        let silent = match &tried {
            Tried::Answered(_, means) => matches!(
                means,
                Meaning::Busy | Meaning::Credential | Meaning::Forbidden
            ),
            Tried::Lost(_) => false,
            Tried::Unsent(_) | Tried::Held(_) => true,
        };
        if self.in_doubt && silent && self.call.method != Verb::Get {
            return Tried::Lost("an earlier try may have been carried out".into());
        }
        match tried {
            Tried::Answered(mut reply, means) => {
                reply.after_loss = self.in_doubt;
                Tried::Answered(reply, means)
            }
            other => other,
        }
    }

    fn may_repeat(&self, tried: &Tried) -> bool {
        match tried {
            // Not carried out: even a POST may go again.
            Tried::Unsent(_) | Tried::Answered(_, Meaning::Busy) => true,
            Tried::Held(_) => false,
            _ => tried.is_outage() && self.call.is_repeatable(),
        }
    }
}

/// The wait the vendor asks for.
fn invitation(tried: &Tried) -> Option<Duration> {
    match tried {
        Tried::Answered(reply, _) => reply.retry_after,
        _ => None,
    }
}

/// Full jitter from 100 ms to 1 s, then to 3 s.
fn backoff(tries: u32) -> Duration {
    let least = Duration::from_millis(100);
    let most = Duration::from_secs(if tries <= 1 { 1 } else { 3 });
    least + up_to(most - least)
}

fn up_to(most: Duration) -> Duration {
    // Without randomness: the whole span, which is late but never wrong.
    let share = getrandom::u32().unwrap_or(u32::MAX);
    most.mul_f64(f64::from(share) / f64::from(u32::MAX))
}

/// A tenant's retries: a fifth of the calls of the last ten seconds, and one a
/// second besides, so that a quiet tenant has some too.
#[derive(Debug)]
pub(super) struct Budget(Mutex<Window>);

impl Budget {
    const FLOOR: u32 = 10;

    pub(super) fn new() -> Self {
        Self(Mutex::new(Window::new(Instant::now())))
    }

    /// Takes note of a call; its retries are not counted again.
    pub(super) fn called(&self) {
        self.with(|window, now| window.current(now).all += 1);
    }

    /// Takes leave for one retry, if there is.
    fn take(&self) -> bool {
        self.with(|window, now| {
            let sum = window.sum(now);
            let left = sum.special < sum.all / 5 + Self::FLOOR;
            window.current(now).special += u32::from(left);
            left
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Window, Instant) -> T) -> T {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut window, Instant::now())
    }
}

#[cfg(test)]
mod tests;
