//! A tower layer from an async function: it takes the request and the service
//! below, and reads from top to bottom as the request comes in and the answer
//! goes out.

use std::future::Future;
use std::task::{Context, Poll};

use tower::{Layer, Service};

use super::stack::HttpRequest;

/// Makes a layer of `wrap(state, request, next)`. The function asks `next` with
/// [`oneshot`](tower::ServiceExt::oneshot), so readiness is the callee's matter.
pub(super) fn around<T, F>(state: T, wrap: F) -> Around<T, F> {
    Around { state, wrap }
}

#[derive(Clone)]
pub(super) struct Around<T, F> {
    state: T,
    wrap: F,
}

#[derive(Clone)]
pub(super) struct Wrapped<T, F, S> {
    around: Around<T, F>,
    next: S,
}

impl<T: Clone, F: Clone, S> Layer<S> for Around<T, F> {
    type Service = Wrapped<T, F, S>;

    fn layer(&self, next: S) -> Self::Service {
        Wrapped {
            around: self.clone(),
            next,
        }
    }
}

impl<T, F, S, Fut, R, E> Service<HttpRequest> for Wrapped<T, F, S>
where
    T: Clone,
    S: Clone,
    F: Fn(T, HttpRequest, S) -> Fut,
    Fut: Future<Output = Result<R, E>>,
{
    type Response = R;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest) -> Fut {
        (self.around.wrap)(self.around.state.clone(), request, self.next.clone())
    }
}
