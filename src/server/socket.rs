//! One connection's bytes, with the clocks that hyper does not have.
//!
//! hyper's own header clock runs while a kept-alive connection is idle, so it
//! cannot be short for a head and long for an idle connection at once; it has
//! none for a reader that stops reading, and none before the HTTP/2 preface.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Body as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::body::AnswerBody;
use super::frames::Frames;
use super::limits::Limits;
use super::standing::Standing;

/// The HTTP/2 preface (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How often a refused body is read on before it rests.
const READS_IN_A_TURN: usize = 8;
/// How long it rests then.
const REST: Duration = Duration::from_millis(5);

/// The two protocols we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The requests of one connection that are being answered.
pub(super) struct Activity {
    standing: Arc<Standing>,
    /// When each long answer that is being sent must have been read.
    sending: RefCell<Vec<Instant>>,
    begins_to_send: Notify,
    stall: Duration,
    pace: u32,
}

/// One request being answered.
pub(super) struct Busy(Rc<Activity>);

/// One long answer being sent.
struct Sending {
    busy: Busy,
    due: Instant,
}

impl Activity {
    pub(super) fn of(standing: Arc<Standing>, limits: &Limits) -> Rc<Self> {
        Rc::new(Self {
            standing,
            sending: RefCell::default(),
            begins_to_send: Notify::new(),
            stall: limits.stall,
            pace: limits.pace.max(1),
        })
    }

    pub(super) fn begin(self: &Rc<Self>) -> Busy {
        self.standing.begin();
        Busy(self.clone())
    }

    fn is_busy(&self) -> bool {
        self.standing.is_busy()
    }

    /// Ends when there was no request for as long as `limits` allow: not long before the first
    /// one with a good token. Its timer is set again only when it has run out, not at each request.
    pub(super) async fn idle(&self, limits: &Limits) {
        loop {
            let span = match self.standing.is_admitted() {
                true => limits.idle,
                false => limits.stranger.min(limits.idle),
            };
            let left = match self.standing.idle() {
                Some(idle) if idle >= span => return,
                Some(idle) => span - idle,
                None => span,
            };
            sleep(left).await;
        }
    }
}

impl Activity {
    /// Ends when an answer should have been read and is not. In HTTP/2 a client that wants no bytes stops no
    /// write, so that [`Socket`] has nothing to wait for.
    pub(super) async fn overdue(&self) {
        loop {
            let begins = self.begins_to_send.notified();
            let first = self.sending.borrow().iter().min().copied();
            let Some(due) = first else {
                begins.await;
                continue;
            };
            sleep_until(due).await;
            if self.sending.borrow().iter().any(|it| *it <= due) {
                return;
            }
        }
    }
}

impl Busy {
    /// The body of the answer. A long one keeps the request busy until the client has taken it.
    pub(super) fn until_sent(self, body: AnswerBody) -> AnswerBody {
        if body.is_small() {
            return body;
        }
        let activity = &self.0;
        let length = body.size_hint().exact().unwrap_or_default() as f64;
        let span = Duration::from_secs_f64(length / f64::from(activity.pace));
        let due = Instant::now() + activity.stall + span;
        activity.sending.borrow_mut().push(due);
        activity.begins_to_send.notify_one();
        body.holding(Sending { busy: self, due })
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut sending = self.busy.0.sending.borrow_mut();
        if let Some(place) = sending.iter().position(|due| *due == self.due) {
            sending.swap_remove(place);
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.standing.answered();
    }
}

/// A stream that fails with [`io::ErrorKind::TimedOut`] when its peer dawdles.
pub(super) struct Socket<S> {
    stream: S,
    activity: Rc<Activity>,
    awaited: Awaited,
    reading: Clock,
    writing: Clock,
    closing: Clock,
    /// While a refused body is read on.
    resting: Option<Pin<Box<Sleep>>>,
    head: Duration,
    stall: Duration,
    pace: u32,
    linger: Duration,
}

/// What the peer owes us while no request is being answered.
enum Awaited {
    /// Nothing: the connection is kept alive, or its request is being answered.
    Nothing,
    /// HTTP/2 frames, for which [`Limits::idle`] and hyper's pings care; floods end here.
    Frames(Frames),
    /// The first byte of an HTTP/1 head.
    FirstByte,
    /// The rest of an HTTP/1 head.
    Head,
    /// So many bytes of the HTTP/2 preface.
    Preface(usize),
}

impl<S> Socket<S> {
    pub(super) fn new(
        stream: S,
        protocol: Protocol,
        activity: Rc<Activity>,
        limits: &Limits,
    ) -> Self {
        Self {
            stream,
            activity,
            awaited: match protocol {
                Protocol::Http1 => Awaited::FirstByte,
                Protocol::Http2 => Awaited::Preface(PREFACE.len()),
            },
            reading: Clock::due_in(limits.first_bytes),
            writing: Clock::default(),
            closing: Clock::default(),
            resting: None,
            head: limits.head,
            stall: limits.stall,
            pace: limits.pace.max(1),
            linger: limits.linger,
        }
    }

    fn received(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.awaited {
            Awaited::Head => {}
            Awaited::Frames(frames) => frames.received(bytes).map_err(io::Error::other)?,
            Awaited::Preface(left) => match bytes.split_at_checked(*left) {
                None => *left -= bytes.len(),
                Some((_, rest)) => {
                    let mut frames = Frames::new();
                    self.reading.stop();
                    frames.received(rest).map_err(io::Error::other)?;
                    self.awaited = Awaited::Frames(frames);
                }
            },
            // Bytes that come while a request is answered are its body or the
            // next one's head; neither is late yet.
            Awaited::FirstByte | Awaited::Nothing if self.activity.is_busy() => {}
            Awaited::FirstByte | Awaited::Nothing => {
                self.awaited = Awaited::Head;
                self.reading = Clock::due_in(self.head);
            }
        }
        Ok(())
    }

    /// A request that is being answered has brought its whole head.
    fn settle(&mut self) {
        if self.activity.is_busy() && matches!(self.awaited, Awaited::Head | Awaited::FirstByte) {
            self.awaited = Awaited::Nothing;
            self.reading.stop();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.settle();
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.reading.overdue(cx).map(Err),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let received = buf.filled().get(before..).unwrap_or_default();
                Poll::Ready(self.received(received))
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_bytes(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch_write(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_bytes(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closing.is_running() {
            let result = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.watch_write(cx, result))?;
            self.closing = Clock::due_in(self.linger);
        }
        if let Some(rest) = &mut self.resting {
            if rest.as_mut().poll(cx).is_pending() {
                return self.closing.overdue(cx).map(|_| Ok(()));
            }
            self.resting = None;
        }
        let mut scratch = [0; 8192];
        for _ in 0..READS_IN_A_TURN {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return self.closing.overdue(cx).map(|_| Ok(())),
            }
        }
        // Hundreds of refused bodies must not keep everybody else waiting.
        let mut rest = Box::pin(sleep(REST));
        if rest.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.resting = Some(rest);
        self.closing.overdue(cx).map(|_| Ok(()))
    }
}

impl<S> Socket<S> {
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing.stop();
            return result;
        }
        self.wait_to_write(cx).map(Err)
    }

    /// A reader that takes a byte now and then is no better than one that takes none: bytes buy
    /// time by the pace, and only when all is written the clock stops.
    fn watch_bytes(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Pending => self.wait_to_write(cx).map(Err),
            Poll::Ready(Ok(bytes)) => {
                let bought = Duration::from_secs_f64(*bytes as f64 / f64::from(self.pace));
                self.writing.put_off(bought, self.stall);
                result
            }
            Poll::Ready(Err(_)) => result,
        }
    }

    fn wait_to_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.writing.is_running() {
            self.writing = Clock::due_in(self.stall);
        }
        self.writing.overdue(cx)
    }
}

/// A time limit that costs a timer only once somebody has to wait for it.
#[derive(Default)]
struct Clock {
    due: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    fn due_in(span: Duration) -> Self {
        Self {
            due: Some(Instant::now() + span),
            timer: None,
        }
    }

    fn stop(&mut self) {
        *self = Self::default();
    }

    fn is_running(&self) -> bool {
        self.due.is_some()
    }

    /// Later by `span`, if it runs, and at most `most` from now.
    fn put_off(&mut self, span: Duration, most: Duration) {
        let Some(due) = self.due else { return };
        let due = (due + span).min(Instant::now() + most);
        self.due = Some(due);
        if let Some(timer) = &mut self.timer {
            timer.as_mut().reset(due);
        }
    }

    fn overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(due) = self.due else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}
