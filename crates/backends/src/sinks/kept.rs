//! A connection kept open between events, and opened again after a failure.

use super::refusal::Refusal;
use model::error::SinkErrorKind;
use model::probe::ProbeFailure;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long one failure is the answer for everybody: otherwise all cameras that wait for the connection would try in
/// turn.
const ANSWERS_FOR_ALL: Duration = Duration::from_secs(1);

/// The connection of one integration.
#[derive(Debug)]
pub(super) struct Kept<T>(Mutex<State<T>>);

#[derive(Debug)]
enum State<T> {
    Closed,
    Open(Arc<T>),
    Failed(Instant, ProbeFailure),
}

impl<T> Kept<T> {
    /// Starts without a connection.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State::Closed))
    }

    /// The connection if it is still `usable`, else a new one from `open`.
    pub(super) async fn get(
        &self,
        usable: impl Fn(&T) -> bool,
        open: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Arc<T>, Refusal> {
        let mut state = self.0.lock().await;
        match &*state {
            State::Open(kept) if usable(kept) => return Ok(kept.clone()),
            State::Failed(at, failure) if at.elapsed() < ANSWERS_FOR_ALL => return Err(failure.clone().into()),
            _ => {}
        }
        match open.await {
            Ok(opened) => {
                let opened = Arc::new(opened);
                *state = State::Open(opened.clone());
                Ok(opened)
            }
            // If the connection cannot be opened, that is never the event's fault.
            Err(refusal) => {
                *state = State::Failed(Instant::now(), refusal.failure.clone());
                Err(Refusal { kind: SinkErrorKind::Down, ..refusal })
            }
        }
    }

    /// Drops a failed connection, unless there is a newer one already.
    pub(super) async fn forget(&self, failed: &Arc<T>) {
        let mut state = self.0.lock().await;
        if matches!(&*state, State::Open(kept) if Arc::ptr_eq(kept, failed)) {
            *state = State::Closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn is_made_once_and_again_after_it_failed() {
        let kept = Kept::new();
        let one = kept.get(|_| true, async { Ok(1) }).await.expect("opens");
        let same = kept.get(|_| true, async { Ok(2) }).await.expect("is open");
        assert_eq!((*one, *same), (1, 1));
        kept.forget(&one).await;
        let two = kept.get(|_| true, async { Ok(2) }).await.expect("opens");
        kept.forget(&one).await;
        assert_eq!(*kept.get(|_| true, async { Ok(3) }).await.expect("is open"), 2, "somebody else's is not forgotten");
        assert_eq!(*kept.get(|n| *n != *two, async { Ok(4) }).await.expect("opens"), 4, "an unusable one is replaced");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_answers_for_those_who_wait() {
        let kept = Kept::<u8>::new();
        let down = || Refusal::down("down", "start it");
        assert_eq!(kept.get(|_| true, async { Err(down()) }).await.expect_err("down").failure.reason, "down");
        let waited = kept.get(|_| true, async { panic!("not tried again so soon") }).await;
        assert_eq!(waited.expect_err("still down").failure.reason, "down");
        tokio::time::advance(ANSWERS_FOR_ALL).await;
        assert_eq!(*kept.get(|_| true, async { Ok(1) }).await.expect("up again"), 1);
    }
}
