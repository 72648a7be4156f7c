//! Ports beside the one that serves SCIM: few connections, HTTP/1.1 or 2
//! without TLS, served on the thread that starts them.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::connection::Connections;
use super::edge::{Answer, Edge, HttpRequest};
use super::limits::Limits;
use super::listener::accept;
use super::permits::Permits;

/// An address taken for such a port.
pub struct SidePort {
    listener: StdListener,
    local_addr: SocketAddr,
}

/// A port being served until [`stop`](Self::stop); dropped, it stops without
/// waiting for what is being answered.
pub struct Side {
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl SidePort {
    /// Takes the address.
    ///
    /// # Errors
    /// The operating system's.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            local_addr: listener.local_addr()?,
            listener,
        })
    }

    /// The address taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves it on this thread, which must be that of a `LocalRuntime`.
    ///
    /// # Errors
    /// There is no event queue left for the listener.
    pub(super) fn start(
        self,
        limits: Limits,
        answer: impl Fn(IpAddr, HttpRequest) -> Answer + 'static,
    ) -> io::Result<Side> {
        let listener = TcpListener::from_std(self.listener)?;
        let (stopping, stop) = watch::channel(false);
        let task = tokio::task::spawn_local(serve(listener, limits, Rc::new(answer), stop));
        Ok(Side { stopping, task })
    }
}

impl Side {
    /// Takes no more connections and lets what is being answered end.
    pub async fn stop(self) {
        // Without a receiver the task has ended already.
        let _ = self.stopping.send(true);
        let _ = self.task.await;
    }
}

/// A person and his tools, or a few probes and scrapers, need no more.
pub(super) fn few() -> Limits {
    Limits {
        connections: 64,
        // One that opens too many must not keep the probes out.
        connections_per_source: 32,
        body_bytes: 512 * 1024,
        age: Duration::from_secs(3600),
        // Probes present no token, and who administers may think for a while.
        stranger: Limits::default().idle,
        farewell: Duration::ZERO,
        drain: Duration::from_secs(5),
        ..Limits::default()
    }
}

async fn serve(
    listener: TcpListener,
    limits: Limits,
    answer: Rc<dyn Fn(IpAddr, HttpRequest) -> Answer>,
    mut stopping: watch::Receiver<bool>,
) {
    let permits = Permits::new(limits.connections, limits.connections_per_source);
    let (alive, mut all_ended) = mpsc::channel(1);
    let limits = Rc::new(limits);
    let stop = stopping.clone();
    let serves = |peer| {
        let answer = Rc::clone(&answer);
        Rc::new(Connections {
            limits: Rc::clone(&limits),
            tls: None,
            edge: Edge::of(move |request| answer(peer, request)),
            stopping: stop.clone(),
        })
    };
    let closing = async move {
        // A sender that is gone means the same as one that says stop.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    accept(listener, closing, &permits, &alive, serves).await;
    drop(alive);
    // Each connection holds a clone of `alive`.
    let _ = timeout(limits.drain, all_ended.recv()).await;
}
