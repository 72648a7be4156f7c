//! The threads that carry out commands, each with a session of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Address, Fault, Session};
use crate::adapter::memory::MemoryError;
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
    start("store-write", address, commands, |turn| {
        match super::turn(turn) {
            Some(number) => format!("{WRITE}; SELECT pg_advisory_xact_lock({number})"),
            None => WRITE.to_owned(),
        }
    })
}

/// Starts the threads that read.
pub(super) fn read(address: &Arc<Address>, commands: Commands) -> Result<(), MemoryError> {
    start("store-read", address, commands, |_| READ.to_owned())
}

fn start(
    name: &str,
    address: &Arc<Address>,
    commands: Commands,
    opening: fn(&Turn) -> String,
) -> Result<(), MemoryError> {
    let commands = Arc::new(Mutex::new(commands));
    for _ in 0..EACH {
        let commands = Arc::clone(&commands);
        let mut desk = Desk {
            address: Arc::clone(address),
            opening,
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

/// Where one thread works.
struct Desk {
    address: Arc<Address>,
    opening: fn(&Turn) -> String,
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
        let ended = session.end(succeeded);
        if !ended.as_ref().is_err_and(|fault| fault.lost) {
            self.session = Some(session);
        }
        command.answer(&ended.map_err(MemoryError::from));
    }

    /// A session in a new transaction. One that turns out to be lost is made again: nothing was
    /// done in it yet.
    fn begun(&mut self, turn: &Turn) -> Result<Session, Fault> {
        let opening = (self.opening)(turn);
        if let Some(session) = self.session.take() {
            match session.begin(&opening) {
                Ok(()) => return Ok(session),
                Err(fault) if !fault.lost => return Err(self.kept(session, fault)),
                Err(_) => {}
            }
        }
        let session = self.connected()?;
        match session.begin(&opening) {
            Ok(()) => Ok(session),
            Err(fault) => Err(self.kept(session, fault)),
        }
    }

    /// The turn did not come: out of the transaction again.
    fn kept(&mut self, session: Session, fault: Fault) -> Fault {
        if !fault.lost && session.end(false).is_ok() {
            self.session = Some(session);
        }
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
