//! What all parts of a simulated world share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use scimgate::adapter::Adapter;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::backend::Sent;
use crate::book::Book;
use crate::class::Class;
use crate::dice::Dice;
use crate::gateway::Asked;
use crate::store::Disk;
use crate::vendor::Vendor;

/// One world. Everything in it follows from its seed.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) class: &'static Class,
    pub(crate) adapter: Arc<Adapter>,
    /// When it began; its dates count from here.
    pub(crate) dawn: Instant,
    pub(crate) vendor: RefCell<Vendor>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) book: RefCell<Book>,
    /// Calls on their way to the vendor.
    pub(crate) calls: mpsc::UnboundedSender<Sent>,
    /// The number of the process that runs, or that ran last.
    pub(crate) process: watch::Sender<u32>,
    /// The way to that process; `None` while there is none.
    pub(crate) door: RefCell<Option<mpsc::UnboundedSender<Asked>>>,
    /// Of a hundred vendor calls, how many go wrong.
    pub(crate) faults: Cell<usize>,
    /// Of a hundred answers, how many are lost.
    pub(crate) losses: Cell<usize>,
    /// When processes were killed.
    pub(crate) kills: RefCell<Vec<u64>>,
    /// Keeps the steps of each request, for whoever reads the trace.
    pub(crate) tells: bool,
}

impl World {
    /// Milliseconds since it began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.dawn.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Chance for one part of the world, the same whatever the other parts do.
    pub(crate) fn dice(&self, part: &str, number: u64) -> Dice {
        let mut mixed = self.seed;
        for byte in part.bytes().chain(number.to_be_bytes()) {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Dice::of(mixed)
    }

    /// Whether a process was killed within so many milliseconds after a moment.
    pub(crate) fn was_killed_after(&self, moment: u64, within: u64) -> bool {
        let mut kills = self.kills.borrow().clone().into_iter();
        kills.any(|at| (moment..=moment + within).contains(&at))
    }

    /// Notes what must not be.
    pub(crate) fn violation(&self, text: String) {
        self.book.borrow_mut().violations.push(text);
    }
}

/// Waits so many milliseconds.
pub(crate) async fn pause(millis: usize) {
    tokio::time::sleep(Duration::from_millis(millis as u64)).await;
}

/// Carries what was sent to the vendor out, also when the process that sent it is gone.
pub(crate) async fn serve_vendor(world: Rc<World>, mut calls: mpsc::UnboundedReceiver<Sent>) {
    while let Some(sent) = calls.recv().await {
        tokio::task::spawn_local(sent.arrive(Rc::clone(&world)));
    }
}
