//! Turns at what takes much memory: so many at a time, and so many of each account. Whoever has none waits.

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use hyper::body::{Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// All turns there are.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    each: usize,
    /// By row id: no more than there are accounts.
    by_account: Mutex<HashMap<i64, Arc<Semaphore>>>,
}

/// One's turn, until dropped.
#[derive(Debug)]
pub struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_account: OwnedSemaphorePermit,
}

impl Turns {
    /// So many at a time, and so many of one account.
    pub fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, by_account: Mutex::default() }
    }

    /// Waits for an account's turn; `None` if it does not come soon enough.
    pub async fn take(&self, account_id: i64, patience: Duration) -> Option<Turn> {
        let account = {
            let mut accounts = self.by_account.lock().unwrap_or_else(PoisonError::into_inner);
            accounts.entry(account_id).or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
        };
        let turn = async {
            // In this order: whoever waits for another call of the same account keeps nobody else waiting.
            let of_account = account.acquire_owned().await.ok()?;
            let of_all = self.all.clone().acquire_owned().await.ok()?;
            Some(Turn { _of_all: of_all, _of_account: of_account })
        };
        timeout(patience, turn).await.ok().flatten()
    }
}

impl Turn {
    /// An answer that has the turn until it is read, or its reader is gone.
    pub fn until_read(self, answer: Response<Body>) -> Response<Body> {
        answer.map(|body| Body::new(Unread { body, _turn: self }))
    }
}

struct Unread {
    body: Body,
    _turn: Turn,
}

impl HttpBody for Unread {
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

    const NOW: Duration = Duration::ZERO;

    #[tokio::test]
    async fn an_account_has_one_turn_and_all_have_so_many() {
        let turns = Turns::new(2, 1);
        let first = turns.take(1, NOW).await.expect("free");
        assert!(turns.take(1, NOW).await.is_none(), "one at a time of one account");
        let second = turns.take(2, NOW).await.expect("another account has its own");
        assert!(turns.take(3, NOW).await.is_none(), "two at a time");
        drop(second);
        let third = turns.take(3, NOW).await;
        assert!(third.is_some() && turns.take(1, NOW).await.is_none());
        drop((first, third));
        assert!(turns.take(1, NOW).await.is_some(), "who gave up waiting holds nothing");
    }

    #[tokio::test]
    async fn an_answer_has_its_turn_until_it_is_read_or_given_up() {
        let turns = Turns::new(2, 2);
        let answer = || Response::new(Body::from("read"));
        let first = turns.take(1, NOW).await.expect("free").until_read(answer());
        let second = turns.take(1, NOW).await.expect("two of one account").until_read(answer());
        assert_eq!(first.body().size_hint().exact(), Some(4), "its length is told");
        assert!(turns.take(2, NOW).await.is_none(), "two at a time");
        assert_eq!(axum::body::to_bytes(first.into_body(), 9).await.expect("whole"), "read");
        assert!(turns.take(2, NOW).await.is_some());
        drop(second);
        assert!(turns.take(2, NOW).await.is_some());
    }
}
