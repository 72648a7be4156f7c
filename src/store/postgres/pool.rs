//! The threads that carry out commands, each with a session of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Address, Fault, Session};
use crate::provisioning::memory::MemoryError;
use crate::store::lane::{self, Command, Commands, Turn};
use crate::store::sql::Db;

/// Threads, and so connections, that write, and that read.
const EACH: usize = 4;

/// How long a server that could not be reached is left alone; meanwhile commands fail at once, so
/// that they do not wait for one another's failures.
const PAUSE: Duration = Duration::from_secs(1);

const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Starts the threads that write.
pub(super) fn write(address: &Arc<Address>, commands: Commands) -> Result<(), MemoryError> {
    start("store-write", address, commands, true)
}

/// Starts the threads that read.
pub(super) fn read(address: &Arc<Address>, commands: Commands) -> Result<(), MemoryError> {
    start("store-read", address, commands, false)
}

fn start(
    name: &str,
    address: &Arc<Address>,
    commands: Commands,
    writes: bool,
) -> Result<(), MemoryError> {
    let commands = Arc::new(Mutex::new(commands));
    for _ in 0..EACH {
        let commands = Arc::clone(&commands);
        let mut desk = Desk {
            address: Arc::clone(address),
            writes,
            session: None,
            unreachable: None,
        };
        lane::thread(name, move || {
            while let Some(command) = next(&commands) {
                desk.carry_out(command);
            }
        })?;
    }
    Ok(())
}

/// Whoever waits for the next command holds the mutex, and the others wait for that.
fn next(commands: &Mutex<Commands>) -> Option<Box<dyn Command>> {
    let mut commands = commands.lock().unwrap_or_else(PoisonError::into_inner);
    commands.blocking_recv()
}

/// Begins a write, and waits for its turn.
fn opening(turn: &Turn) -> String {
    match super::turn(turn) {
        Some(number) => format!("{WRITE}; SELECT pg_advisory_xact_lock({number})"),
        None => WRITE.to_owned(),
    }
}

/// Where one thread works.
struct Desk {
    address: Arc<Address>,
    writes: bool,
    session: Option<Session>,
    /// When it last was, and why.
    unreachable: Option<(Instant, Fault)>,
}

impl Desk {
    fn carry_out(&mut self, mut command: Box<dyn Command>) {
        let session = match self.begun(command.turn()) {
            Ok(session) => session,
            Err(fault) => return command.answer(&Err(fault.into())),
        };
        let succeeded = lane::attempt(command.as_mut(), &Db::Postgres(&session));
        if !self.writes {
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

    /// A session in a new transaction. One that turns out to be lost is made again: nothing was
    /// done in it yet.
    fn begun(&mut self, turn: &Turn) -> Result<Session, Fault> {
        let opening = match self.writes {
            true => opening(turn),
            false => READ.to_owned(),
        };
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
        let connected = Session::open(&self.address);
        let failed = connected.as_ref().err();
        self.unreachable = failed.map(|fault| (Instant::now(), fault.clone()));
        connected
    }
}
