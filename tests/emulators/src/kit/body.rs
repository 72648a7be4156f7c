//! The body of an answer, whole or as a fault wants it: slow, or cut off.

use super::fault::Drip;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// How long a cut body waits before the connection breaks. hyper throws away what it has not
/// flushed when a body fails, and it flushes when the body has nothing ready.
const FLUSH: Duration = Duration::from_millis(20);

pub(super) struct AnswerBody {
    rest: Bytes,
    /// What `content-length` promises and is still owed; more than `rest` when the body is cut.
    owed: usize,
    drip: Option<Drip>,
    pause: Option<Pin<Box<Sleep>>>,
}

/// The connection breaks on purpose.
#[derive(Debug, thiserror::Error)]
#[error("broken on purpose")]
pub(super) struct Broken;

impl AnswerBody {
    pub(super) fn whole(body: Bytes) -> Self {
        Self {
            owed: body.len(),
            rest: body,
            drip: None,
            pause: None,
        }
    }

    /// Promises the whole body and breaks after `bytes` of it.
    pub(super) fn cut(body: Bytes, bytes: usize) -> Self {
        let rest = body.slice(..bytes.min(body.len()));
        // A body that would fit is cut as well: the promise is one byte more than what comes.
        Self {
            owed: body.len().max(rest.len() + 1),
            rest,
            drip: None,
            pause: None,
        }
    }

    pub(super) fn dripping(body: Bytes, drip: Drip) -> Self {
        Self {
            drip: Some(drip),
            ..Self::whole(body)
        }
    }

    fn next_chunk(&mut self) -> Bytes {
        let size = self
            .drip
            .map_or(self.rest.len(), |drip| drip.bytes.clamp(1, self.rest.len()));
        let chunk = self.rest.split_to(size);
        self.owed -= size;
        let pause = self.drip.map(|drip| Duration::from_millis(drip.every_ms));
        let pause = if self.rest.is_empty() && self.owed > 0 {
            Some(FLUSH)
        } else {
            pause
        };
        self.pause = pause.map(|pause| Box::pin(tokio::time::sleep(pause)));
        chunk
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        Poll::Ready(match (self.rest.is_empty(), self.owed) {
            (true, 0) => None,
            (true, _) => Some(Err(Broken)),
            (false, _) => Some(Ok(Frame::data(self.next_chunk()))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.owed == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.owed as u64)
    }
}
