//! The body of an answer, which knows when the connection has taken it whole.

use std::any::Any;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::provisioning::trace::Story;

/// The connection takes so much of an answer at once. What the client does not read stays here, and with it
/// what the answer holds.
const PIECE: usize = 16 * 1024;

/// The whole of an answer.
pub(super) struct AnswerBody {
    bytes: Bytes,
    /// Learns that the client is being sent the whole answer.
    story: Option<Rc<Story>>,
    /// Given back once the connection has taken the whole answer.
    held: Vec<Box<dyn Any>>,
}

impl AnswerBody {
    /// A body of these bytes; none if they are empty.
    pub(super) fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            story: None,
            held: Vec::new(),
        }
    }

    /// Whether the connection can take all of it at once.
    pub(super) fn is_small(&self) -> bool {
        self.bytes.len() <= PIECE
    }

    /// Its bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The same body, which holds this until the connection has taken all of it.
    pub(super) fn holding(mut self, what: impl Any) -> Self {
        self.held.push(Box::new(what));
        self
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
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let next = self.bytes.len().min(PIECE);
        let piece = self.bytes.split_to(next);
        if self.bytes.is_empty() {
            self.held.clear();
            if let Some(story) = self.story.take() {
                story.taken();
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
