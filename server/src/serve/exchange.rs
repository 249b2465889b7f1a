//! Whether a connection is in the middle of a request and its answer, or between two: what sees requests (the service) tells
//! what sees bytes (the [`Connection`](super::connection::Connection)).

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use futures::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// How much of an answer may wait to be written, in bytes, before its body is asked for more. hyper alone would hold as much as
/// the longest head has; a client that does not read makes the vault hold that.
const AHEAD: u64 = 8 * 1024;

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
    /// Bytes written to the system.
    written: AtomicU64,
    /// Waits for more to be written.
    waiting: AtomicWaker,
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

    /// Some bytes were written to the system.
    pub(super) fn wrote(&self, bytes: usize) {
        self.0.written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.0.waiting.wake();
    }

    fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
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
        let goes_on_at = self.0.written();
        response.map(|body| Body::new(Answer { body, running: self, goes_on_at }))
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
    /// How many bytes will have been written when all that came of the body has been.
    goes_on_at: u64,
}

impl Answer {
    /// Ready when so little waits to be written that more can be asked for.
    fn poll_written(&self, cx: &mut Context<'_>) -> Poll<()> {
        let exchange = &self.running.0;
        let is_ahead = || self.goes_on_at > exchange.written() + AHEAD;
        if is_ahead() {
            exchange.0.waiting.register(cx.waker());
            // It may have been written just before that.
            if is_ahead() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        ready!(self.poll_written(cx));
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.goes_on_at += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame)
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

    #[tokio::test]
    async fn a_body_goes_on_once_it_has_been_written() {
        let exchange = Exchange::default();
        let chunks = futures::stream::iter([1, 2, 3].map(|n| Ok::<_, std::io::Error>(Bytes::from(vec![n; 60_000]))));
        let mut body = exchange.begin().until_sent(Response::new(Body::from_stream(chunks))).into_body();
        let mut next = async || {
            let frame = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx))).await;
            frame.map(|frame| frame.map(|frame| frame.expect("no error").into_data().expect("bytes")[0]))
        };
        assert_eq!(next().await, Poll::Ready(Some(1)));
        assert_eq!(next().await, Poll::Pending);
        exchange.wrote(40_000);
        assert_eq!(next().await, Poll::Pending);
        exchange.wrote(15_000);
        assert_eq!(next().await, Poll::Ready(Some(2)));
        exchange.wrote(65_000);
        assert_eq!(next().await, Poll::Ready(Some(3)));
        exchange.wrote(60_000);
        assert_eq!(next().await, Poll::Ready(None));
    }
}
