//! A running emulator, and the Rust side of its control port.

use super::clock::Clock;
use super::control::control;
use super::counters::Counters;
use super::fault::{Fault, FaultTable};
use super::journal::JournalEntry;
use super::serve::{call, listen};
use super::shared::Shared;
use super::vendor::{Refused, Vendor};
use serde::Serialize;
use serde_json::Value;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How an emulator starts, and what it comes back to on a reset.
#[derive(Clone, Debug)]
pub struct Options<C, L> {
    /// The customers.
    pub clients: Vec<C>,
    /// What every call takes.
    pub latency: Duration,
    /// What `POST /__ctl/limits` sets.
    pub limits: L,
}

impl<C: Default, L: Default> Options<C, L> {
    /// The default, but for what every call takes.
    pub fn with_latency(latency: Duration) -> Self {
        Self {
            latency,
            ..Self::default()
        }
    }
}

impl<C: Default, L: Default> Default for Options<C, L> {
    /// One customer, no latency, the vendor's default limits.
    fn default() -> Self {
        Self {
            clients: vec![C::default()],
            latency: Duration::ZERO,
            limits: L::default(),
        }
    }
}

/// A vendor's API on a loopback port, with a control port beside it.
///
/// It runs on a thread of its own with a runtime of its own, so that it answers however busy the
/// caller's runtime is. Dropping it breaks all connections and frees both ports.
pub struct Emulator {
    base_url: String,
    control_url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts the vendor that `new` makes of the options on two free loopback ports.
    /// Fails when there is no port, no thread or no runtime to be had.
    pub fn start<C, L, V>(options: Options<C, L>, new: fn(&Options<C, L>) -> V) -> io::Result<Self>
    where
        Options<C, L>: Send + 'static,
        V: Vendor,
    {
        let (calls, control_port) = (bind()?, bind()?);
        let latency = options.latency;
        let shared = Shared::new(Box::new(move || Box::new(new(&options))), latency);
        let base_path = shared.desk().vendor.base_path();
        let base_url = format!("http://{}{base_path}", calls.local_addr()?);
        let control_url = format!("http://{}/__ctl", control_port.local_addr()?);
        let shared = Arc::new(shared);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let run = run(calls, control_port, shared.clone(), stopped);
        let thread = std::thread::Builder::new()
            .name("emulator".into())
            .spawn(move || runtime.block_on(run))?;
        Ok(Self {
            base_url,
            control_url,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the vendor's API begins: `http://127.0.0.1:PORT/provisioning/v1`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where the control endpoints are: `http://127.0.0.1:PORT/__ctl`.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// Puts these faults in force in place of those before; their counts begin anew.
    pub fn faults(&self, faults: Vec<Fault>) {
        self.shared.desk().faults = FaultTable::new(faults);
    }

    /// Every call since the start or the last reset, oldest first, at most 200,000, with bodies.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.desk().entries(true)
    }

    /// Everything the vendor has stored, sorted.
    pub fn state(&self) -> Value {
        self.shared.desk().vendor.state()
    }

    /// Totals since the start or the last reset.
    pub fn counters(&self) -> Counters {
        self.shared.desk().counters.clone()
    }

    /// Adds rows in the shape of [`Emulator::state`], past the rules of the vendor's front door.
    pub fn seed(&self, rows: Value) -> Result<(), Refused> {
        self.shared.desk().seed(rows)
    }

    /// Replaces the vendor's limits; what is not named is the default again.
    pub fn set_limits(&self, limits: impl Serialize) -> Result<(), Refused> {
        let limits = serde_json::to_value(limits)?;
        self.shared.desk().vendor.set_limits(limits)
    }

    /// What every call takes from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.desk().latency = latency;
    }

    /// Moves the vendor's clock ahead.
    pub fn advance_clock(&self, by: Duration) {
        self.shared.desk().clock.advance(by);
    }

    /// Stops the vendor's clock; only [`Emulator::advance_clock`] moves it then, until a reset.
    pub fn stop_clock(&self) {
        self.shared.desk().clock.stop();
    }

    /// The vendor's clock, as it stands.
    pub fn clock(&self) -> Clock {
        self.shared.desk().clock
    }

    /// Back to how it was started: rows, limits, latency, clock, faults, journal, counters.
    pub fn reset(&self) {
        self.shared.desk().reset();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

fn bind() -> io::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Runs until `stopped` resolves, which it does when the sender is dropped.
async fn run(
    calls: TcpListener,
    control_port: TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let (Ok(calls), Ok(control_port)) = (
        tokio::net::TcpListener::from_std(calls),
        tokio::net::TcpListener::from_std(control_port),
    ) else {
        return;
    };
    tokio::select! {
        () = listen(calls, shared.clone(), call) => {}
        () = listen(control_port, shared, control) => {}
        _ = stopped => {}
    }
}
