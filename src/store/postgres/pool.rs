//! The threads that carry out commands, each with a session of its own.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::queues::Queues;
use super::{Address, Fault, Session};
use crate::provisioning::lease::Replica;
use crate::provisioning::memory::MemoryError;
use crate::store::lane::{self, Command, Commands};
use crate::store::sql::Db;

/// Threads, and so connections, that write, and that read.
const EACH: usize = 4;

/// How long a server that could not be reached is left alone; meanwhile commands fail at once, so
/// that they do not wait for one another's failures.
const PAUSE: Duration = Duration::from_millis(250);

const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What a lane's threads do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Starts the threads of a lane.
pub(super) fn start(
    address: &Arc<Address>,
    replica: &Arc<Replica>,
    mut commands: Commands,
    access: Access,
) -> Result<(), MemoryError> {
    let name = match access {
        Access::Read => "store-read",
        Access::Write => "store-write",
    };
    let queues = Arc::<Queues>::default();
    let entrance = Arc::clone(&queues);
    lane::thread(name, move || {
        while let Some(command) = commands.blocking_recv() {
            entrance.enter(command);
        }
        entrance.close();
    })?;
    for _ in 0..EACH {
        let queues = Arc::clone(&queues);
        let mut desk = Desk {
            address: Arc::clone(address),
            replica: Arc::clone(replica),
            access,
            session: None,
            unreachable: None,
        };
        lane::thread(name, move || {
            while let Some(command) = queues.next() {
                let turn = command.turn().clone();
                desk.carry_out(command);
                queues.ended(&turn);
            }
        })?;
    }
    Ok(())
}

/// Begins a write, waits for its turn, and fails if its lease is nobody's any more. From then on
/// nobody can take over before the transaction has ended.
fn opening(command: &dyn Command) -> String {
    let mut opening = WRITE.to_owned();
    if let Some(number) = super::turn(command.turn()) {
        let _ = write!(opening, "; SELECT pg_advisory_xact_lock({number})");
    }
    if let Some(lease) = command.lease() {
        let _ = write!(
            opening,
            "; SELECT 1 / count(*) FROM \
             (SELECT 1 FROM replica WHERE number = {lease} FOR KEY SHARE) AS valid"
        );
    }
    opening
}

/// Where one thread works.
struct Desk {
    address: Arc<Address>,
    replica: Arc<Replica>,
    access: Access,
    session: Option<Session>,
    /// When it last was, and why.
    unreachable: Option<(Instant, Fault)>,
}

impl Desk {
    fn carry_out(&mut self, mut command: Box<dyn Command>) {
        let session = match self.begun(command.as_ref()) {
            Ok(session) => session,
            Err(fault) => return command.answer(&Err(fault.into())),
        };
        let succeeded = lane::attempt(command.as_mut(), &Db::Postgres(&session));
        if self.access == Access::Read {
            // What was read does not depend on how the transaction ends.
            command.answer(&Ok(()));
            return self.keep(session.end(false).is_ok(), session);
        }
        let ended = session.end(succeeded);
        self.keep(ended.is_ok(), session);
        command.answer(&ended.map_err(MemoryError::from));
    }

    fn keep(&mut self, is_good: bool, session: Session) {
        self.session = Some(session).filter(|_| is_good);
    }

    /// A session in a new transaction, unless the database is known to be gone. One that turns out
    /// to be lost is made again: nothing was done in it yet.
    fn begun(&mut self, command: &dyn Command) -> Result<Session, Fault> {
        let opening = match self.access {
            Access::Write => opening(command),
            Access::Read => READ.to_owned(),
        };
        if self.replica.is_cut_off() {
            self.session = None;
            return Err(Fault::cut_off());
        }
        if let Some(session) = self.session.take() {
            match session.begin(&opening) {
                Ok(()) => return Ok(session),
                Err(fault) if !fault.lost => return Err(self.missed(session, fault)),
                Err(_) => {}
            }
        }
        let session = self.connected()?;
        match session.begin(&opening) {
            Ok(()) => Ok(session),
            Err(fault) => Err(self.missed(session, fault)),
        }
    }

    /// The turn did not come: out of the transaction again.
    fn missed(&mut self, session: Session, fault: Fault) -> Fault {
        self.keep(!fault.lost && session.end(false).is_ok(), session);
        fault
    }

    fn connected(&mut self) -> Result<Session, Fault> {
        if let Some((since, fault)) = &self.unreachable
            && since.elapsed() < PAUSE
        {
            return Err(fault.clone());
        }
        let connected = Session::open(&self.address, &self.replica);
        let failed = connected.as_ref().err();
        self.unreachable = failed.map(|fault| (Instant::now(), fault.clone()));
        connected
    }
}
