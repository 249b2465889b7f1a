//! Whether a connection is in the middle of a request and its answer, or between two: what sees requests (the service) tells
//! what sees bytes (the [`Connection`](super::connection::Connection)).

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

/// A connection's requests so far; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Exchange(Arc<State>);

#[derive(Default)]
struct State {
    /// Requests whose head has been read.
    begun: AtomicU64,
    /// Of these, those whose answer has been handed over whole.
    answered: AtomicU64,
    /// Whether something was answered without reading all of what was sent.
    unread: AtomicBool,
}

/// A request that is being answered, until dropped.
pub(super) struct Running(Exchange);

impl Exchange {
    /// A request's head has been read.
    pub(super) fn begin(&self) -> Running {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    pub(super) fn is_running(&self) -> bool {
        self.requests() != self.0.answered.load(Ordering::Relaxed)
    }

    /// What the client still sends has to be read and thrown away before the connection is closed.
    pub(super) fn leave_unread(&self) {
        self.0.unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_unread(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed)
    }
}

impl Running {
    /// See [`Exchange::leave_unread`].
    pub(super) fn leave_unread(&self) {
        self.0.leave_unread();
    }

    /// Lasts as long as the answer's body.
    pub(super) fn until_sent(self, response: Response) -> Response {
        response.map(|body| Body::new(Answer { body, _running: self }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer to a request that is running until then.
struct Answer {
    body: Body,
    _running: Running,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_runs_until_its_answers_body_is_gone() {
        let exchange = Exchange::default();
        assert!(!exchange.is_running());
        let answer = exchange.begin().until_sent(Response::new("ok".into()));
        assert!(exchange.is_running() && exchange.requests() == 1);
        assert_eq!(answer.body().size_hint().exact(), Some(2), "it is still known how long it is");
        drop(answer);
        assert!(!exchange.is_running() && exchange.requests() == 1);
    }
}
