//! Whether a connection is in the middle of a request and its answer, or between two: what sees requests (the service) tells
//! what sees bytes (the [`Connection`](super::connection::Connection)). And back: how much of an answer has gone.

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use futures::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// How much of an answer may wait in hyper until the system takes it, in bytes, beyond the piece that is last. hyper's own bound
/// is its longest head.
const WAITING: u64 = 64 * 1024;

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
    /// Whether a request's head was long.
    long_head: AtomicBool,
    /// Bytes that the system has taken.
    sent: AtomicU64,
    /// Who waits until it has taken more.
    waits: AtomicWaker,
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

    /// A head has become a long one.
    pub(super) fn note_long_head(&self) {
        self.0.long_head.store(true, Ordering::Relaxed);
    }

    /// The system has taken so many bytes.
    pub(super) fn went(&self, bytes: usize) {
        self.0.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        self.0.waits.wake();
    }

    fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
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

    /// Whether the request's head was long.
    pub(super) fn has_long_head(&self) -> bool {
        self.0.0.long_head.load(Ordering::Relaxed)
    }

    /// Lasts as long as the answer's body.
    pub(super) fn until_sent(self, response: Response) -> Response {
        let sent_before = self.0.sent();
        response.map(|body| Body::new(Answer { body, running: self, sent_before, handed: 0 }))
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
    running: Running,
    /// What the system had taken when it began.
    sent_before: u64,
    /// Bytes that hyper has been given.
    handed: u64,
}

impl Answer {
    /// Pending while enough waits to be sent. The answer's head is taken for a part of it, which makes no difference.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let exchange = &self.running.0;
        let waiting = || self.handed.saturating_sub(exchange.sent() - self.sent_before);
        if waiting() < WAITING {
            return Poll::Ready(());
        }
        exchange.0.waits.register(cx.waker());
        // It may have gone in between.
        if waiting() < WAITING { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        ready!(self.poll_room(cx));
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.handed += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        frame
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

    /// A client that reads slowly must not make the vault hold its answer.
    #[test]
    fn no_more_of_an_answer_is_handed_over_than_may_wait() {
        let exchange = Exchange::default();
        exchange.went(1_000_000);
        let pieces = futures::stream::repeat_with(|| Ok::<_, axum::Error>(Bytes::from_static(&[0; 10_000])));
        let mut answer = exchange.begin().until_sent(Response::new(Body::from_stream(pieces))).into_body();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut taken = || {
            let mut count = 0;
            while Pin::new(&mut answer).poll_frame(&mut cx).is_ready() {
                count += 1;
            }
            count
        };
        assert_eq!((taken(), taken()), (7, 0));
        exchange.went(30_000);
        assert_eq!(taken(), 3);
    }
}
