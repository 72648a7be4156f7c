//! Worker threads: each accepts for itself from the one listening socket, and
//! a request stays on the thread that accepted its connection.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Application;
use super::bodies::BodyBudget;
use super::connection::Connections;
use super::edge::Edge;
use super::gates::Gates;
use super::guesses::Guesses;
use super::handle::Front;
use super::limits::Limits;
use super::observer::{RequestObserver, Watch};
use super::permits::Permits;
use super::pulse::Pulse;
use super::tls::{Certificate, acceptor};
use crate::scim::bulk::MAX_PAYLOAD;

/// Bytes of a worker's own stack; scripts run on stacks of their own.
const STACK: usize = 8 * 1024 * 1024;

/// How to serve.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Serves TLS with this certificate; plain HTTP without one.
    pub certificate: Option<Arc<Certificate>>,
    /// `https://scim.example.com`, when it is not what `Host` says.
    pub public_origin: Option<String>,
    /// Worker threads, at least one.
    pub workers: usize,
    /// All numbers.
    pub limits: Limits,
}

/// A bound socket, not yet accepting.
pub struct Server {
    listener: StdListener,
    local_addr: SocketAddr,
    tls: Option<TlsAcceptor>,
    pulse: Pulse,
    settings: Settings,
    observer: Option<Arc<dyn RequestObserver>>,
}

/// Serving until [`stop`](Self::stop); dropped, it stops without waiting for
/// requests that take long.
pub struct Running {
    local_addr: SocketAddr,
    stopping: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    /// Closed when every thread has ended.
    ended: mpsc::Receiver<Infallible>,
}

/// Connections that wait to be accepted, as far as the kernel lets us (`net.core.somaxconn`). The standard
/// library's 128 are soon full, and whoever is turned away by the kernel comes again only after a second.
const WAITING: i32 = 4096;

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// The operating system's, and a TLS library that refuses its set-up.
    pub fn bind(settings: Settings) -> io::Result<Self> {
        let listener = StdListener::bind(settings.listen)?;
        listener.set_nonblocking(true)?;
        SockRef::from(&listener).listen(WAITING)?;
        let tls = settings.certificate.clone().map(acceptor).transpose();
        Ok(Self {
            local_addr: listener.local_addr()?,
            tls: tls.map_err(io::Error::other)?,
            listener,
            pulse: Pulse::of(settings.workers.max(1)),
            settings,
            observer: None,
        })
    }

    /// The address taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells `observer` of every request.
    pub fn observed_by(mut self, observer: Arc<dyn RequestObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// When the worker threads last were seen to turn.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Starts the worker threads. `application` is called once on each, so
    /// what it makes may be bound to its thread.
    ///
    /// # Errors
    /// The operating system's, when it has no thread or no event queue left.
    pub fn start<F>(self, application: F) -> io::Result<Running>
    where
        F: Fn() -> Rc<dyn Application> + Send + Sync + 'static,
    {
        let (stopping, stop) = watch::channel(false);
        let (alive, ended) = mpsc::channel(1);
        let workers = self.settings.workers.max(1);
        let shared = Shared {
            permits: Permits::new(
                self.settings.limits.connections,
                self.settings.limits.connections_per_source,
            ),
            gates: Gates::new(
                self.settings.limits.tenant,
                BodyBudget::new(
                    self.settings.limits.body_budget,
                    self.settings.limits.body_bytes.max(MAX_PAYLOAD),
                ),
            ),
            guesses: Guesses::default(),
            in_flight: Arc::new(Semaphore::new(self.settings.limits.in_flight)),
            application: Arc::new(application),
            watch: Watch {
                observer: self.observer,
                scheme: if self.tls.is_some() { "https" } else { "http" },
            },
            tls: self.tls,
            settings: Arc::new(self.settings),
            pulse: self.pulse.clone(),
            stopping: stop,
            alive,
        };
        let mut running = Running {
            local_addr: self.local_addr,
            stopping,
            threads: Vec::new(),
            ended,
        };
        for number in 0..workers {
            let worker = shared.clone();
            let thread = worker.spawn(number, self.listener.try_clone()?)?;
            running.threads.push(thread);
        }
        Ok(running)
    }
}

impl Running {
    /// The address served.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes no more connections, answers what is being answered, lets writes
    /// end, and returns when all threads have: at most [`Limits::drain`] and a little.
    pub async fn stop(mut self) {
        let _ = self.stopping.send(true);
        let _ = self.ended.recv().await;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Threads notice and end by themselves; waiting here could block a runtime.
        let _ = self.stopping.send(true);
    }
}

/// What all worker threads have in common.
#[derive(Clone)]
struct Shared {
    permits: Permits,
    gates: Gates,
    guesses: Guesses,
    in_flight: Arc<Semaphore>,
    application: Arc<dyn Fn() -> Rc<dyn Application> + Send + Sync>,
    watch: Watch,
    tls: Option<TlsAcceptor>,
    settings: Arc<Settings>,
    pulse: Pulse,
    stopping: watch::Receiver<bool>,
    #[expect(dead_code, reason = "held by each thread, for `Running::ended`")]
    alive: mpsc::Sender<Infallible>,
}

impl Shared {
    fn spawn(self, number: usize, listener: StdListener) -> io::Result<JoinHandle<()>> {
        // What can fail is made here, where somebody is told.
        let (report, reported) = std::sync::mpsc::sync_channel(1);
        let work = move || {
            let begun = runtime().and_then(|runtime| {
                let _reactor = runtime.enter();
                let listener = TcpListener::from_std(listener)?;
                Ok((runtime, listener))
            });
            let _ = match begun {
                Ok((runtime, listener)) => {
                    let told = report.send(Ok(()));
                    runtime.block_on(self.work(number, listener));
                    told
                }
                Err(error) => report.send(Err(error)),
            };
        };
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .stack_size(STACK)
            .spawn(work)?;
        reported.recv().map_err(io::Error::other)??;
        Ok(thread)
    }

    /// One worker thread's life.
    async fn work(self, number: usize, listener: TcpListener) {
        let (alive, mut all_ended) = mpsc::channel(1);
        let connections = Rc::new(self.connections(alive.clone()));
        let mut closing = self.stopping.clone();
        let farewell = self.settings.limits.farewell;
        let closing = async move {
            // A sender that is gone means the same as one that says stop.
            let _ = closing.wait_for(|stopping| *stopping).await;
            sleep(farewell).await;
        };
        let pulse = self.pulse.clone();
        let beating = tokio::task::spawn_local(async move { pulse.beat(number).await });
        accept(listener, closing, &self.permits, &alive, |_| {
            connections.clone()
        })
        .await;
        drop((connections, alive));
        // Everything that lives holds a clone of `alive`, so an empty channel
        // that is closed means that nothing does.
        let _ = timeout(self.settings.limits.drain, all_ended.recv()).await;
        beating.abort();
        self.pulse.ended(number);
    }

    fn connections(&self, alive: mpsc::Sender<Infallible>) -> Connections {
        let limits = Rc::new(self.settings.limits.clone());
        let front = Front {
            application: (self.application)(),
            limits: limits.clone(),
            gates: self.gates.local(),
            guesses: self.guesses.clone(),
            in_flight: self.in_flight.clone(),
            public_origin: self.settings.public_origin.clone(),
            watch: self.watch.clone(),
            alive,
        };
        Connections {
            limits,
            tls: self.tls.clone(),
            edge: Edge::new(Rc::new(front)),
            stopping: self.stopping.clone(),
        }
    }
}

/// Accepts connections until `closing` ends, and then those that wait in the kernel's queue, which
/// would be reset otherwise; each is served by what `serves` gives for its peer, in a task of this
/// thread. The listener is closed when it returns.
pub(super) async fn accept(
    listener: TcpListener,
    closing: impl Future<Output = ()>,
    permits: &Permits,
    alive: &mpsc::Sender<Infallible>,
    serves: impl Fn(IpAddr) -> Rc<Connections>,
) {
    let take = async |stream: TcpStream, peer: SocketAddr| {
        let Some(permit) = permits.seat(peer.ip()).await else {
            return;
        };
        let connections = serves(peer.ip());
        let alive = alive.clone();
        tokio::task::spawn_local(async move {
            connections.serve(stream, permit.standing()).await;
            drop((permit, alive));
        });
    };
    let mut closing = pin!(closing);
    loop {
        let accepted = tokio::select! {
            () = &mut closing => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => take(stream, peer).await,
            Err(error) => {
                tracing::warn!(%error, action = "raise the limit of open files", "cannot accept");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
    while let Ok(Ok((stream, peer))) = timeout(Duration::ZERO, listener.accept()).await {
        take(stream, peer).await;
    }
}

fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
}
