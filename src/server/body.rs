//! The body of an answer, which knows when the connection has taken it whole.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::provisioning::trace::Story;

/// The whole of an answer.
pub(super) struct AnswerBody {
    bytes: Bytes,
    /// Learns that the client is being sent the whole answer.
    story: Option<Rc<Story>>,
}

impl AnswerBody {
    /// A body of these bytes; none if they are empty.
    pub(super) fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            story: None,
        }
    }

    /// The same body, of the answer to this request.
    pub(super) fn of(self, story: Rc<Story>) -> Self {
        Self {
            story: Some(story),
            ..self
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(story) = self.story.take() {
            story.taken();
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
